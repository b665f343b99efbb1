#include "format/archive/load.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "format/core/blob_verify.h"
#include "tests/support/check.h"
#include "tests/support/sample.h"

enum way { WAY_FILE, WAY_GZIP, WAY_ZSTD, WAY_PIPE, WAY_FOLDER, WAY_COUNT };

static const char *const way_names[] = { "file", "gzip file", "zstd file", "pipe", "folder" };

/* Two images below an index, one of them in index.json by itself as well. */
static struct image {
    struct sample config, layers[2], m[2], index, index_json;
    const struct sample *blobs[6]; /* all but index.json, parents first */
} image;

static const char *const names[] = { "docker.io/library/a:1", "docker.io/library/b:1" };

static void make_image(void)
{
    struct sample children[2];

    image.config = sample_text(FERRY_TYPE_OCI_CONFIG, "{\"os\":\"linux\"}");
    image.layers[0] = sample_layer(1000, 1);
    image.layers[1] = sample_layer(10, 2);
    image.m[0] = sample_manifest(image.config, image.layers, 1);
    image.m[1] = sample_manifest(image.config, image.layers, 2);
    children[0] = sample_platform(image.m[0], "linux", "amd64");
    children[1] = sample_platform(image.m[1], "linux", "arm64");
    image.index = sample_index(children, 2);
    image.index_json = sample_index_json((struct sample[]){ image.index, image.m[1] }, names, 2);
    image.blobs[0] = &image.index;
    image.blobs[1] = &image.m[0];
    image.blobs[2] = &image.m[1];
    image.blobs[3] = &image.config;
    image.blobs[4] = &image.layers[0];
    image.blobs[5] = &image.layers[1];
}

/* Opens what `tar` holds and loads it. */
static int load(enum way way, struct sample_tar *tar, struct ferry_reader **reader,
                struct ferry_graph **graph, struct ferry_err *err)
{
    static char *bytes; /* outlives the pipe's thread */
    size_t len;
    const char *path = way == WAY_PIPE ? "pipe" : way == WAY_FOLDER ? "folder" : "a.tar";

    tar->filter = way == WAY_GZIP ? SAMPLE_GZIP : way == WAY_ZSTD ? SAMPLE_ZSTD : SAMPLE_PLAIN;
    if (way == WAY_PIPE) {
        free(bytes);
        bytes = sample_tar_bytes(tar, &len);
        sample_pipe_begin("pipe", bytes, len);
    } else if (way == WAY_FOLDER) {
        sample_tar_folder(tar, "folder");
    } else {
        sample_tar_file(tar, "a.tar");
    }
    FERRY_TRY(ferry_graph_new(graph, err));
    FERRY_TRY(ferry_reader_open(path, reader, err));
    return ferry_archive_load(*reader, *graph, err);
}

static void done(enum way way, struct ferry_reader **reader)
{
    ferry_reader_free(ferry_steal(reader));
    if (way == WAY_PIPE)
        sample_pipe_end();
    if (way == WAY_FOLDER) /* files of one case are not the next one's */
        for (size_t i = 0; i < FERRY_COUNT(image.blobs); i++)
            unlink(
                sample_format("folder/blobs/sha256/%s", ferry_digest_hex(&image.blobs[i]->digest)));
    unlink("folder/index.json");
    unlink("folder/oci-layout");
}

static void check_loaded(const struct ferry_graph *graph, const char *what)
{
    assert_int_equal(graph->image_count, 2);
    assert_string_equal(graph->images[0].name, names[0]);
    assert_string_equal(graph->images[1].name, names[1]);
    assert_ptr_equal(graph->images[1].root, sample_find(graph, &image.m[1]));
    assert_int_equal(graph->count, FERRY_COUNT(image.blobs));
    for (size_t i = 0; i < FERRY_COUNT(image.blobs); i++) {
        const struct ferry_node *node = sample_find(graph, image.blobs[i]);

        CHECK_ROW(what, node->state == (i < 3 ? FERRY_NODE_GOOD : FERRY_NODE_WANTED));
        CHECK_ROW(what, (node->bytes != NULL) == (i < 3));
    }
}

/* What comes after the load has every config and layer, right to the byte, then the end. */
static void check_rest(struct ferry_reader *reader, const struct ferry_graph *graph,
                       const char *what)
{
    bool seen[FERRY_COUNT(image.blobs)] = { false };
    struct ferry_entry entry;
    struct ferry_err err;

    for (;;) {
        FERRY_OWNED(ferry_source) body = NULL;
        FERRY_OWNED(ferry_source) checked = NULL;
        struct ferry_node *node;

        CHECK_OK(ferry_reader_next(reader, &entry, &err));
        if (entry.kind == FERRY_ENTRY_END)
            break;
        if (entry.kind != FERRY_ENTRY_BLOB)
            continue;
        node = ferry_graph_find(graph, &entry.digest);
        assert_non_null(node);
        CHECK_OK(ferry_reader_body(reader, &body, &err));
        CHECK_OK(ferry_verify_new(&body, &entry.digest, entry.size, &checked, &err));
        CHECK_OK(ferry_source_drain(checked, &err));
        for (size_t i = 0; i < FERRY_COUNT(image.blobs); i++)
            if (ferry_digest_equal(&image.blobs[i]->digest, &entry.digest)) {
                CHECK_ROW(what, !seen[i]);
                seen[i] = true;
            }
    }
    for (size_t i = 3; i < FERRY_COUNT(image.blobs); i++)
        CHECK_ROW(what, seen[i]);
}

static const struct {
    const char *name;
    const char *order; /* L oci-layout, I index.json, 0-5 blobs, x something else */
} order_rows[] = {
    { "ours", "LI012345" },
    { "index_first", "IL012345" },
    { "sorted_by_name", "034512IxL" }, /* as containerd writes */
    { "reversed", "543210IL" },
    { "reversed_head_first", "LI543210" },
    { "layout_last", "I012345L" },
    { "mixed", "3x1L40x2I5" },
    { "documents_last", "L345x210I" },
};

static void test_load_any_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(order_rows); i++) {
        for (int way = 0; way < WAY_COUNT; way++) {
            FERRY_OWNED(ferry_reader) reader = NULL;
            FERRY_OWNED(ferry_graph) graph = NULL;
            const char *what = sample_format("%s, %s", order_rows[i].name, way_names[way]);
            struct sample_tar tar = { 0 };
            struct ferry_err err;

            for (const char *p = order_rows[i].order; *p; p++) {
                if (*p == 'L')
                    sample_put(&tar, "oci-layout", FERRY_LAYOUT_TEXT);
                else if (*p == 'I')
                    sample_put(&tar, "index.json", image.index_json.bytes);
                else if (*p == 'x')
                    sample_put(&tar, "README", "hello");
                else
                    sample_put_blob(&tar, image.blobs[*p - '0']);
            }
            if (load((enum way)way, &tar, &reader, &graph, &err) < 0)
                fail_msg("%s: %s", what, err.msg);
            check_loaded(graph, what);
            check_rest(reader, graph, what);
            done((enum way)way, &reader);
        }
    }
}

static const struct {
    const char *name;
    const char *layout, *index; /* NULL: not there */
    const char *docker;
    enum ferry_code want;
    const char *says;
} head_rows[] = {
    { "no_layout", NULL, "{\"manifests\":[]}", NULL, FERRY_EFORMAT, "has no oci-layout" },
    { "no_index", FERRY_LAYOUT_TEXT, NULL, NULL, FERRY_EFORMAT, "has no index.json" },
    { "neither", NULL, NULL, NULL, FERRY_EFORMAT, "is not an OCI image layout" },
    { "docker_archive", NULL, NULL, "[]", FERRY_EFORMAT, "docker-archive" },
    { "empty_index", FERRY_LAYOUT_TEXT, "{\"manifests\":[]}", NULL, FERRY_OK, NULL },
    { "with_docker", FERRY_LAYOUT_TEXT, "{\"manifests\":[]}", "not even JSON", FERRY_OK, NULL },
    { "layout_2", "{\"imageLayoutVersion\":\"2.0.0\"}", "{\"manifests\":[]}", NULL, FERRY_EFORMAT,
      "2.0.0" },
    { "layout_not_json", "1.0.0", "{\"manifests\":[]}", NULL, FERRY_EFORMAT, "oci-layout" },
    { "index_not_json", FERRY_LAYOUT_TEXT, "{", NULL, FERRY_EFORMAT, "index.json" },
    { "index_of_version_2", FERRY_LAYOUT_TEXT,
      "{\"manifests\":[],\"annotations\":{\"io.ociferry.archive.version\":\"2.0\"}}", NULL,
      FERRY_EFORMAT, "version 2.0" },
};

static void test_load_heads(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(head_rows); i++) {
        for (int way = 0; way < WAY_FOLDER; way++) {
            FERRY_OWNED(ferry_reader) reader = NULL;
            FERRY_OWNED(ferry_graph) graph = NULL;
            struct sample_tar tar = { 0 };
            struct ferry_err err = { 0 };
            int rc;

            if (head_rows[i].docker)
                sample_put(&tar, "manifest.json", head_rows[i].docker);
            if (head_rows[i].index)
                sample_put(&tar, "index.json", head_rows[i].index);
            if (head_rows[i].layout)
                sample_put(&tar, "oci-layout", head_rows[i].layout);
            sample_put(&tar, "README", "hello");
            rc = load((enum way)way, &tar, &reader, &graph, &err);
            if (rc != (int)head_rows[i].want)
                fail_msg("row \"%s\", %s: %d, \"%s\"", head_rows[i].name, way_names[way], rc,
                         err.msg);
            if (rc < 0 && !strstr(err.msg, head_rows[i].says))
                fail_msg("row \"%s\", %s: \"%s\" does not say \"%s\"", head_rows[i].name,
                         way_names[way], err.msg, head_rows[i].says);
            done((enum way)way, &reader);
        }
    }
}

/* Documents that are missing or wrong are their nodes' fault; the load goes on, and what it can
 * reach it does. */
static void test_load_bad_documents(void **state)
{
    static const struct {
        const char *name;
        int damaged;    /* which blob */
        const char *as; /* its bytes; NULL: missing */
        enum ferry_code code;
        const char *says;
    } rows[] = {
        { "missing", 1, NULL, FERRY_ENOTFOUND, "is not " },
        { "short", 1, "{}", FERRY_EDIGEST, "blob sha256:" },
        { "empty", 1, "", FERRY_EDIGEST, "blob sha256:" },
        { "root_missing", 2, NULL, FERRY_ENOTFOUND, "is not " },
        { "root_short", 2, "x", FERRY_EDIGEST, "blob sha256:" },
    };

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        for (int way = 0; way < WAY_COUNT; way++) {
            FERRY_OWNED(ferry_reader) reader = NULL;
            FERRY_OWNED(ferry_graph) graph = NULL;
            const char *what = sample_format("%s, %s", rows[i].name, way_names[way]);
            struct sample_tar tar = { 0 };
            const struct ferry_node *node;
            struct ferry_entry entry;
            struct ferry_err err;

            sample_put_head(&tar, &image.index_json);
            for (int b = 0; b < (int)FERRY_COUNT(image.blobs); b++) {
                sample_put_blob(&tar, image.blobs[b]);
                if (b == rows[i].damaged && rows[i].as) {
                    tar.entries[tar.count - 1].bytes = rows[i].as;
                    tar.entries[tar.count - 1].len = strlen(rows[i].as);
                } else if (b == rows[i].damaged) {
                    tar.count--;
                }
            }
            if (load((enum way)way, &tar, &reader, &graph, &err) < 0)
                fail_msg("%s: %s", what, err.msg);
            node = sample_find(graph, image.blobs[rows[i].damaged]);
            CHECK_ROW(what, node->state == FERRY_NODE_BAD);
            if (node->fault_code != rows[i].code || !strstr(node->fault, rows[i].says))
                fail_msg("%s: fault %d, \"%s\"", what, (int)node->fault_code, node->fault);
            CHECK_ROW(what, sample_find(graph, &image.index)->state == FERRY_NODE_GOOD);
            CHECK_ROW(what, sample_find(graph, image.blobs[3 - rows[i].damaged])->state ==
                                FERRY_NODE_GOOD);
            do { /* the rest is still there, to its end */
                CHECK_OK(ferry_reader_next(reader, &entry, &err));
            } while (entry.kind != FERRY_ENTRY_END);
            done((enum way)way, &reader);
        }
    }
}

/* The bytes are right by their digest, and are no manifest. */
static void test_load_malformed_documents(void **state)
{
    static const struct {
        const char *name, *media_type, *text;
        enum ferry_code code;
    } rows[] = {
        { "not_json", FERRY_TYPE_OCI_MANIFEST, "<html>", FERRY_EFORMAT },
        { "empty", FERRY_TYPE_OCI_MANIFEST, "", FERRY_EFORMAT },
        { "an_index", FERRY_TYPE_OCI_MANIFEST, "{\"manifests\":[]}", FERRY_EFORMAT },
        { "deep", FERRY_TYPE_OCI_INDEX,
          "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
          FERRY_ELIMIT },
        { "schema_1", FERRY_TYPE_DOCKER_SCHEMA1_SIGNED, "{\"schemaVersion\":1}", FERRY_EFORMAT },
    };

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        for (int way = 0; way < WAY_FOLDER; way++) {
            FERRY_OWNED(ferry_reader) reader = NULL;
            FERRY_OWNED(ferry_graph) graph = NULL;
            struct sample root = sample_text(rows[i].media_type, rows[i].text);
            struct sample index_json = sample_index_json(&root, names, 1);
            struct sample_tar tar = { 0 };
            struct ferry_err err;

            sample_put_head(&tar, &index_json);
            sample_put_blob(&tar, &root);
            if (load((enum way)way, &tar, &reader, &graph, &err) < 0)
                fail_msg("row \"%s\", %s: %s", rows[i].name, way_names[way], err.msg);
            CHECK_ROW(rows[i].name, graph->nodes[0]->state == FERRY_NODE_BAD);
            CHECK_ROW(rows[i].name, graph->nodes[0]->fault_code == rows[i].code);
            done((enum way)way, &reader);
        }
    }
}

/* index.json of our own, which says that the second child of the index is left out. */
static struct sample sparse_index_json(void)
{
    return sample_text(FERRY_TYPE_OCI_INDEX,
                       sample_format("{\"manifests\":[%s],\"annotations\":{"
                                     "\"io.ociferry.archive.version\":\"1.0\","
                                     "\"io.ociferry.archive.left-out\":\"%s\"}}",
                                     sample_descriptor(&image.index, ""), image.m[1].digest.text));
}

/* [G10] [R26] Before the document that is waited for last, behind it, or not there at all. */
static void test_load_left_out(void **state)
{
    (void)state;
    for (int way = 0; way < WAY_COUNT; way++)
        for (int place = 0; place < 3; place++) {
            FERRY_OWNED(ferry_reader) reader = NULL;
            FERRY_OWNED(ferry_graph) graph = NULL;
            struct sample index_json = sparse_index_json();
            struct sample_tar tar = { 0 };
            struct ferry_err err;

            sample_put_head(&tar, &index_json);
            sample_put_blob(&tar, &image.index);
            if (place == 1) /* in spite of what is said */
                sample_put_blob(&tar, &image.m[1]);
            sample_put_blob(&tar, &image.m[0]);
            if (place == 2)
                sample_put_blob(&tar, &image.m[1]);
            CHECK_OK(load((enum way)way, &tar, &reader, &graph, &err));
            CHECK_ROW(way_names[way], sample_find(graph, &image.m[0])->state == FERRY_NODE_GOOD);
            CHECK_ROW(way_names[way],
                      sample_find(graph, &image.m[1])->state == FERRY_NODE_LEFT_OUT);
            done((enum way)way, &reader);
        }
}

/* A size that lies about what the archive has. */
static void test_load_wrong_descriptor_size(void **state)
{
    (void)state;
    for (int way = 0; way < WAY_FOLDER; way++) {
        FERRY_OWNED(ferry_reader) reader = NULL;
        FERRY_OWNED(ferry_graph) graph = NULL;
        struct sample root = image.m[0], index_json;
        struct sample_tar tar = { 0 };
        struct ferry_err err;

        root.len--;
        index_json = sample_index_json(&root, names, 1);
        sample_put_head(&tar, &index_json);
        sample_put_blob(&tar, &image.m[0]);
        CHECK_OK(load((enum way)way, &tar, &reader, &graph, &err));
        CHECK_ROW(way_names[way], graph->nodes[0]->state == FERRY_NODE_BAD);
        CHECK_ROW(way_names[way], graph->nodes[0]->fault_code == FERRY_EDIGEST);
        done((enum way)way, &reader);
    }
}

/* Of a pipe only so much is set aside; a file is read again instead. */
static void test_load_keeps_within_the_limit(void **state)
{
    static const struct {
        size_t before; /* bytes of layers before the documents */
        enum ferry_code pipe;
    } rows[] = { { 30 * 1024 * 1024, FERRY_OK }, { 34 * 1024 * 1024, FERRY_ELIMIT } };

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        struct sample layers[2] = { sample_layer(rows[i].before / 2, 1),
                                    sample_layer(rows[i].before / 2, 2) };
        struct sample manifest = sample_manifest(image.config, layers, 2);
        struct sample index_json = sample_index_json(&manifest, names, 1);
        struct sample_tar tar = { 0 };

        sample_put_blob(&tar, &layers[0]);
        sample_put_blob(&tar, &layers[1]);
        sample_put_blob(&tar, &manifest);
        sample_put_head(&tar, &index_json);
        for (int way = WAY_FILE; way <= WAY_PIPE; way += WAY_PIPE - WAY_FILE) {
            FERRY_OWNED(ferry_reader) reader = NULL;
            FERRY_OWNED(ferry_graph) graph = NULL;
            struct ferry_err err = { 0 };
            int rc = load((enum way)way, &tar, &reader, &graph, &err);

            if (rc != (way == WAY_PIPE ? (int)rows[i].pipe : 0))
                fail_msg("%zu bytes, %s: %d, \"%s\"", rows[i].before, way_names[way], rc, err.msg);
            if (rc < 0)
                assert_non_null(strstr(err.msg, "save it to a file"));
            done((enum way)way, &reader);
        }
    }
}

/* Entries without bytes are no way around the limit. */
static void test_load_counts_empty_entries(void **state)
{
    FERRY_OWNED(ferry_reader) reader = NULL;
    FERRY_OWNED(ferry_graph) graph = NULL;
    const size_t count = 100000, block = 512;
    FERRY_OWNED_MEM char *bytes = NULL;
    FERRY_OWNED_MEM char *many = malloc(count * block);
    struct sample_tar tar = { 0 };
    struct ferry_err err = { 0 };
    size_t len;

    (void)state;
    sample_put(&tar, "README", "");
    bytes = sample_tar_bytes(&tar, &len);
    for (size_t i = 0; i < count; i++)
        memcpy(many + i * block, bytes, block);
    sample_pipe_begin("pipe", many, count * block);
    CHECK_OK(ferry_graph_new(&graph, &err));
    CHECK_OK(ferry_reader_open("pipe", &reader, &err));
    CHECK_CODE(ferry_archive_load(reader, graph, &err), FERRY_ELIMIT);
    ferry_reader_free(ferry_steal(&reader));
    sample_pipe_end();
}

/* Kept entries come first, in their order; then what was not read; bodies are whole. */
static void test_load_gives_kept_entries_again(void **state)
{
    FERRY_OWNED(ferry_reader) reader = NULL;
    FERRY_OWNED(ferry_graph) graph = NULL;
    struct sample_tar tar = { 0 };
    struct ferry_entry entry;
    struct ferry_err err;

    (void)state;
    sample_put(&tar, "first", "1");
    sample_put_blob(&tar, &image.layers[0]);
    sample_put(&tar, "second", "2");
    sample_put_head(&tar, &image.index_json);
    for (size_t i = 0; i < 3; i++)
        sample_put_blob(&tar, image.blobs[i]);
    sample_put_blob(&tar, &image.layers[1]);
    sample_put(&tar, "last", "3");
    CHECK_OK(load(WAY_PIPE, &tar, &reader, &graph, &err));
    for (int i = 0; i < 5; i++) {
        const struct sample *blob = &image.layers[i == 3];
        FERRY_OWNED(ferry_source) body = NULL;
        FERRY_OWNED_BUF bytes;

        ferry_buf_init(&bytes, 2000);
        CHECK_OK(ferry_reader_next(reader, &entry, &err));
        if (i != 1 && i != 3) {
            assert_int_equal(entry.kind, FERRY_ENTRY_OTHER);
            assert_string_equal(entry.name, i == 0 ? "first" : i == 2 ? "second" : "last");
            continue;
        }
        assert_int_equal(entry.kind, FERRY_ENTRY_BLOB);
        assert_true(ferry_digest_equal(&entry.digest, &blob->digest));
        CHECK_OK(ferry_reader_body(reader, &body, &err));
        CHECK_OK(ferry_source_read_all(body, &bytes, &err));
        assert_int_equal(bytes.len, blob->len);
        assert_memory_equal(bytes.data, blob->bytes, blob->len);
    }
    CHECK_OK(ferry_reader_next(reader, &entry, &err));
    assert_int_equal(entry.kind, FERRY_ENTRY_END);
    CHECK_OK(ferry_reader_next(reader, &entry, &err));
    assert_int_equal(entry.kind, FERRY_ENTRY_END);
    done(WAY_PIPE, &reader);
}

/* Cut anywhere, an archive is refused, or what is missing is known to be. */
static void test_load_cut(void **state)
{
    FERRY_OWNED_MEM char *bytes = NULL;
    struct sample_tar tar = { 0 };
    size_t len;

    (void)state;
    sample_put_head(&tar, &image.index_json);
    for (size_t i = 0; i < FERRY_COUNT(image.blobs); i++)
        sample_put_blob(&tar, image.blobs[i]);
    bytes = sample_tar_bytes(&tar, &len);
    for (size_t cut = 0; cut < len - 512; cut += cut % 512 == 0 ? 77 : 512 - 77) {
        for (int way = 0; way < 2; way++) {
            FERRY_OWNED(ferry_reader) reader = NULL;
            FERRY_OWNED(ferry_graph) graph = NULL;
            struct ferry_entry entry = { .kind = FERRY_ENTRY_OTHER };
            struct ferry_err err = { 0 };
            int rc;

            if (way == 0)
                sample_write("a.tar", bytes, cut);
            else
                sample_pipe_begin("pipe", bytes, cut);
            CHECK_OK(ferry_graph_new(&graph, &err));
            rc = ferry_reader_open(way == 0 ? "a.tar" : "pipe", &reader, &err);
            if (rc == 0)
                rc = ferry_archive_load(reader, graph, &err);
            while (rc == 0 && entry.kind != FERRY_ENTRY_END)
                rc = ferry_reader_next(reader, &entry, &err);
            if (rc != FERRY_EFORMAT)
                fail_msg("%s cut at %zu: %d, \"%s\"", way == 0 ? "file" : "pipe", cut, rc, err.msg);
            ferry_reader_free(ferry_steal(&reader));
            if (way == 1)
                sample_pipe_end();
        }
    }
}

static int enter(void **state)
{
    if (sample_enter_folder(state) < 0)
        return -1;
    make_image();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_any_order),
        cmocka_unit_test(test_load_heads),
        cmocka_unit_test(test_load_bad_documents),
        cmocka_unit_test(test_load_malformed_documents),
        cmocka_unit_test(test_load_left_out),
        cmocka_unit_test(test_load_wrong_descriptor_size),
        cmocka_unit_test(test_load_keeps_within_the_limit),
        cmocka_unit_test(test_load_counts_empty_entries),
        cmocka_unit_test(test_load_gives_kept_entries_again),
        cmocka_unit_test(test_load_cut),
    };

    return cmocka_run_group_tests_name("load", tests, enter, sample_leave_folder);
}
