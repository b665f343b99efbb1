/* What SPEC.md 5 and 6 demand of a reader, where no other test shows it. */
#include <archive.h>
#include <archive_entry.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "format/archive/docker_manifest.h"
#include "format/archive/load.h"
#include "format/archive/tar_stream.h"
#include "format/core/blob_file.h"
#include "format/oci/index.h"
#include "tests/support/check.h"
#include "tests/support/sample.h"

#define BLOCK 512
#define GIB ((int64_t)1024 * 1024 * 1024)
#define HEX "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

/* The values of SPEC.md 6: [L1] [L2] [L3] [L4] [L5] [L6] [L8] [L9] [L11] [L12] [L13] [L14]. */
_Static_assert(FERRY_MANIFEST_MAX == 4194304, "L1");
_Static_assert(FERRY_JSON_DEPTH_MAX == 64, "L2");
_Static_assert(FERRY_CHILDREN_MAX == 10000, "L3");
_Static_assert(FERRY_NODES_MAX == 1000000, "L4");
_Static_assert(FERRY_ENTRIES_MAX == 2000000, "L5");
_Static_assert(FERRY_ENTRY_NAME_MAX - 1 == 4095, "L6");
_Static_assert(FERRY_KEEP_MAX == 33554432, "L8");
_Static_assert(FERRY_DOCKER_MANIFEST_MAX == 1048576, "L9");
_Static_assert(FERRY_REACH_MAX == 10000000, "L11");
_Static_assert(FERRY_HOLES_MAX == 4294967296, "L12");
_Static_assert(FERRY_DOCUMENTS_MAX == 2147483648, "L13");
_Static_assert(FERRY_JSON_CONTAINERS_MAX == 200000, "L14");

static struct sample config, layer, manifest, index_json;

/* One image of one layer. */
static void make_image(size_t layer_size)
{
    static const char *const names[] = { "host.example/app:1" };

    config = sample_text("application/vnd.oci.image.config.v1+json", "{}");
    layer = sample_layer(layer_size, 1);
    manifest = sample_manifest(config, &layer, 1);
    index_json = sample_index_json(&manifest, names, 1);
}

/* Loads the archive at `path`; the result, and how many documents of the graph are right. */
static int load(const char *path, size_t *good, struct ferry_err *err)
{
    FERRY_OWNED(ferry_graph) graph = NULL;
    FERRY_OWNED(ferry_reader) reader = NULL;

    *good = 0;
    FERRY_TRY(ferry_graph_new(&graph, err));
    FERRY_TRY(ferry_reader_open(path, &reader, err));
    FERRY_TRY(ferry_archive_load(reader, graph, err));
    for (size_t i = 0; i < graph->count; i++)
        *good += graph->nodes[i]->state == FERRY_NODE_GOOD;
    return 0;
}

static int load_tar(const struct sample_tar *tar, size_t *good, struct ferry_err *err)
{
    sample_tar_file(tar, "a.tar");
    return load("a.tar", good, err);
}

/* [R5] [R6] Folders and strangers are passed over. */
static void test_spec_reader_passes_over(void **state)
{
    struct sample_tar tar = { 0 };
    struct sample stray = sample_layer(3, 9);
    struct ferry_err err;
    size_t good;

    (void)state;
    make_image(10);
    sample_put(&tar, "README", "hello");
    tar.entries[tar.count++] = (struct sample_entry){ .name = "blobs/", .type = AE_IFDIR };
    sample_put_head(&tar, &index_json);
    sample_put(&tar, "./blobs/sha256/short", "x");
    sample_put_blob(&tar, &stray);
    sample_put_blob(&tar, &manifest);
    sample_put_blob(&tar, &config);
    sample_put_blob(&tar, &layer);
    CHECK_OK(load_tar(&tar, &good, &err));
    assert_int_equal(good, 1);
}

/* [R13] manifest.json may say anything. */
static void test_spec_reader_docker_manifest_does_not_count(void **state)
{
    struct sample_tar tar = { 0 };
    struct ferry_err err;
    size_t good;

    (void)state;
    make_image(10);
    sample_put_head(&tar, &index_json);
    sample_put(&tar, "manifest.json", "no JSON at all");
    sample_put_blob(&tar, &manifest);
    CHECK_OK(load_tar(&tar, &good, &err));
    assert_int_equal(good, 1);
}

/* [R7] */
static void test_spec_reader_types(void **state)
{
    static const struct {
        const char *name;
        int type;
        const char *link;
    } rows[] = { { "symbolic_link", AE_IFLNK, "index.json" },
                 { "hard_link", AE_IFREG, "index.json" },
                 { "device", AE_IFCHR, NULL },
                 { "block_device", AE_IFBLK, NULL },
                 { "pipe", AE_IFIFO, NULL } };

    (void)state;
    make_image(10);
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        struct sample_tar tar = { 0 };
        struct ferry_err err = { 0 };
        size_t good;

        sample_put_head(&tar, &index_json);
        sample_put_blob(&tar, &manifest);
        tar.entries[tar.count++] = (struct sample_entry){ .name = "extra",
                                                          .type = rows[i].type,
                                                          .link = rows[i].link };
        CHECK_ROW(rows[i].name, load_tar(&tar, &good, &err) == FERRY_EUNFIT);
    }
}

/* [R8] [R9] */
static void test_spec_reader_names(void **state)
{
    static const char *const names[] = { "/etc/x", "../x", "blobs/../../x", "oci-layout",
                                         "./index.json" };

    (void)state;
    make_image(10);
    for (size_t i = 0; i < FERRY_COUNT(names); i++) {
        struct sample_tar tar = { 0 };
        struct ferry_err err = { 0 };
        size_t good;

        sample_put_head(&tar, &index_json);
        sample_put_blob(&tar, &manifest);
        sample_put(&tar, names[i], FERRY_LAYOUT_TEXT);
        CHECK_ROW(names[i], load_tar(&tar, &good, &err) == FERRY_EUNFIT);
    }
}

/* [R11] [R12] [L10] */
static void test_spec_reader_heads(void **state)
{
    const char *padded = sample_format("%s%*s", FERRY_LAYOUT_TEXT, 64 * 1024 - 30, "");
    const char *too_long = sample_format("%s ", padded);
    const struct {
        const char *name, *layout, *index;
        enum ferry_code want;
    } rows[] = { { "whole", FERRY_LAYOUT_TEXT, "{\"manifests\":[]}", FERRY_OK },
                 { "64_kib", padded, "{\"manifests\":[]}", FERRY_OK },
                 { "past_64_kib", too_long, "{\"manifests\":[]}", FERRY_ELIMIT },
                 { "no_layout", NULL, "{\"manifests\":[]}", FERRY_EFORMAT },
                 { "layout_2", "{\"imageLayoutVersion\":\"2.0.0\"}", "{\"manifests\":[]}",
                   FERRY_EFORMAT },
                 { "no_index", FERRY_LAYOUT_TEXT, NULL, FERRY_EFORMAT },
                 { "no_manifests", FERRY_LAYOUT_TEXT, "{}", FERRY_EFORMAT } };

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        struct sample_tar tar = { 0 };
        struct ferry_err err = { 0 };
        size_t good;

        if (rows[i].layout)
            sample_put(&tar, "oci-layout", rows[i].layout);
        if (rows[i].index)
            sample_put(&tar, "index.json", rows[i].index);
        CHECK_ROW(rows[i].name, load_tar(&tar, &good, &err) == (int)rows[i].want);
    }
}

/* A header by hand. `size` is the field of 12 bytes; `magic` that of 8, or NULL. */
static void put_header(char header[BLOCK], const char *name, char type, const char *size,
                       const char *magic)
{
    unsigned sum = 8 * ' ';

    memset(header, 0, BLOCK);
    snprintf(header, 100, "%s", name);
    memcpy(header + 100, "0000644", 7);
    memcpy(header + 108, "0000000", 7);
    memcpy(header + 116, "0000000", 7);
    memcpy(header + 124, size, 12);
    memcpy(header + 136, "00000000000", 11);
    header[156] = type;
    if (magic)
        memcpy(header + 257, magic, 8);
    for (size_t i = 0; i < BLOCK; i++)
        sum += (unsigned char)header[i];
    snprintf(header + 148, 7, "%06o", sum);
    header[155] = ' ';
}

/* What the first entry of the file says of its size, or why there is none. */
static int first_size(const char *path, int64_t *size, struct ferry_err *err)
{
    FERRY_OWNED(ferry_reader) reader = NULL;
    struct ferry_entry entry;

    FERRY_TRY(ferry_reader_open(path, &reader, err));
    FERRY_TRY(ferry_reader_next(reader, &entry, err));
    *size = entry.size;
    return 0;
}

static const struct {
    const char *name, *field, *magic;
    int64_t size; /* 0: refused */
} size_rows[] = {
    { "v7", "00000000005", NULL, 5 },
    { "ustar", "00000000005", "ustar\00000", 5 },
    { "gnu", "00000000005", "ustar  ", 5 },
    { "base_256", "\x80\0\0\0\0\0\0\2\0\0\0", "ustar  ", 8 * GIB },
    { "octal_of_twelve_digits", "100000000000", "ustar  ", 8 * GIB },
    { "two_to_62", "\x80\0\0\0\x40\0\0\0\0\0\0", "ustar  ", 0 },
    { "negative", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "ustar  ", 0 },
};

/* [R2] [L7] Files with holes, so that 8 GiB take no room. */
static void test_spec_reader_sizes(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(size_rows); i++) {
        const char *name = "blobs/sha256/" HEX;
        char header[BLOCK];
        struct ferry_err err = { 0 };
        int64_t size = 0;
        int rc;

        put_header(header, name, '0', size_rows[i].field, size_rows[i].magic);
        sample_write("s.tar", header, BLOCK);
        assert_int_equal(
            truncate("s.tar", BLOCK + (size_rows[i].size + BLOCK - 1) / BLOCK * BLOCK + 2 * BLOCK),
            0);
        rc = first_size("s.tar", &size, &err);
        CHECK_ROW(size_rows[i].name, rc == (size_rows[i].size ? 0 : FERRY_EFORMAT));
        CHECK_ROW(size_rows[i].name, size == size_rows[i].size);
    }
}

/* [R2] A pax record says the size that its header cannot. */
static void test_spec_reader_pax_size(void **state)
{
    static const char record[] = "19 size=8589934592\n";
    char head[3 * BLOCK] = { 0 };
    struct ferry_err err;
    int64_t size;

    (void)state;
    put_header(head, "PaxHeader", 'x', "00000000023", "ustar\00000");
    memcpy(head + BLOCK, record, sizeof(record) - 1);
    put_header(head + (ptrdiff_t)2 * BLOCK, "blobs/sha256/" HEX, '0', "00000000000", "ustar\00000");
    sample_write("p.tar", head, sizeof(head));
    assert_int_equal(truncate("p.tar", 3 * BLOCK + 8 * GIB + 2 * BLOCK), 0);
    CHECK_OK(first_size("p.tar", &size, &err));
    assert_true(size == 8 * GIB);
}

/* [R10] */
static void test_spec_reader_end(void **state)
{
    struct sample_tar tar = { 0 };
    FERRY_OWNED_MEM char *bytes = NULL;
    struct ferry_err err = { 0 };
    size_t len, good;

    (void)state;
    make_image(10);
    sample_put_head(&tar, &index_json);
    sample_put_blob(&tar, &manifest);
    bytes = sample_tar_bytes(&tar, &len);
    while (len > 0 && !bytes[len - 1])
        len--;
    len = (len + BLOCK - 1) / BLOCK * BLOCK; /* the last byte of the last entry is no zero */
    sample_write("cut.tar", bytes, len);
    CHECK_CODE(load("cut.tar", &good, &err), FERRY_EFORMAT);
    assert_non_null(strstr(err.msg, "end-of-archive"));
    sample_write("cut.tar", bytes, len);
    assert_int_equal(truncate("cut.tar", (off_t)len + BLOCK), 0);
    CHECK_OK(load("cut.tar", &good, &err));
}

/* [L4] A graph that is nearly full, without the gigabyte that it would take. */
static void test_spec_reader_nodes(void **state)
{
    FERRY_OWNED(ferry_graph) graph = NULL;
    struct ferry_descriptor descriptor;
    struct ferry_reference ref = { .tag = "1" };
    struct ferry_err err;

    (void)state;
    make_image(10);
    CHECK_OK(ferry_graph_new(&graph, &err));
    CHECK_OK(ferry_descriptor_init(&descriptor, manifest.media_type, &manifest.digest, 1, &err));
    graph->count = FERRY_NODES_MAX;
    CHECK_CODE(ferry_graph_add_image(graph, &ref, &descriptor, &err), FERRY_ELIMIT);
    graph->count = 0;
    CHECK_OK(ferry_graph_add_image(graph, &ref, &descriptor, &err));
    ferry_descriptor_release(&descriptor);
}

/* [L11] One manifest of ten thousand children, under as many names as there may be, and one more.
 */
static void test_spec_reader_reach(void **state)
{
    enum { LAYERS = FERRY_CHILDREN_MAX - 1, NAMES = FERRY_REACH_MAX / FERRY_CHILDREN_MAX };
    static struct sample layers[LAYERS];
    FERRY_OWNED(ferry_graph) graph = NULL;
    struct ferry_err err;

    (void)state;
    make_image(10);
    for (unsigned i = 0; i < LAYERS; i++)
        layers[i] = sample_layer(8, i);
    manifest = sample_manifest(config, layers, LAYERS);
    CHECK_OK(ferry_graph_new(&graph, &err));
    for (int i = 0; i < NAMES; i++)
        sample_add_image(graph, sample_format("app:%d", i), &manifest);
    CHECK_OK(sample_supply(graph, &manifest, &err));
    CHECK_OK(ferry_graph_check_reach(graph, &err));
    sample_add_image(graph, "app:more", &manifest);
    CHECK_CODE(ferry_graph_check_reach(graph, &err), FERRY_ELIMIT);
}

/* [L13] What one document more would take is not there; and then the graph is as it was. */
static void test_spec_reader_documents(void **state)
{
    FERRY_OWNED(ferry_graph) graph = NULL;
    struct ferry_err err;

    (void)state;
    make_image(10);
    CHECK_OK(ferry_graph_new(&graph, &err));
    sample_add_image(graph, "app:1", &manifest);
    graph->supplied = FERRY_DOCUMENTS_MAX - (int64_t)manifest.len + 1;
    CHECK_CODE(sample_supply(graph, &manifest, &err), FERRY_ELIMIT);
    assert_int_equal(sample_find(graph, &manifest)->state, FERRY_NODE_BAD);
    assert_null(sample_find(graph, &manifest)->bytes);
    graph->supplied--;
    CHECK_OK(sample_supply(graph, &manifest, &err));
    assert_int_equal(graph->supplied, FERRY_DOCUMENTS_MAX);
}

/* A tar of one sparse file: holes, and one byte at its end. */
static void write_sparse(const char *path, int64_t size)
{
    enum { CHUNK = 1024 * 1024 };
    struct archive_entry *entry = archive_entry_new();
    struct archive *out = archive_write_new();
    FERRY_OWNED_MEM char *zeros = calloc(1, CHUNK);

    assert_int_equal(archive_write_set_format_pax(out), ARCHIVE_OK);
    assert_int_equal(archive_write_open_filename(out, path), ARCHIVE_OK);
    archive_entry_set_pathname(entry, "sparse");
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_size(entry, size);
    archive_entry_sparse_add_entry(entry, size - 1, 1);
    assert_int_equal(archive_write_header(out, entry), ARCHIVE_OK);
    for (int64_t left = size; left > 0; left -= CHUNK)
        assert_true(archive_write_data(out, zeros, left < CHUNK ? (size_t)left : CHUNK) > 0);
    assert_int_equal(archive_write_close(out), ARCHIVE_OK);
    archive_entry_free(entry);
    archive_write_free(out);
}

/* [L12] */
static void test_spec_reader_holes(void **state)
{
    static const struct {
        const char *name;
        int64_t more;
        enum ferry_code want;
    } rows[] = { { "as many as may be", 1, FERRY_OK }, { "more", 1024 * 1024, FERRY_ELIMIT } };

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        FERRY_OWNED(ferry_reader) reader = NULL;
        FERRY_OWNED(ferry_source) body = NULL;
        struct ferry_entry entry;
        struct ferry_err err;

        write_sparse("holes.tar", FERRY_HOLES_MAX + rows[i].more);
        CHECK_OK(ferry_reader_open_in_order("holes.tar", &reader, &err));
        CHECK_OK(ferry_reader_next(reader, &entry, &err));
        CHECK_OK(ferry_reader_body(reader, &body, &err));
        CHECK_ROW(rows[i].name, ferry_source_drain(body, &err) == (int)rows[i].want);
    }
}

/* [R29] */
static void test_spec_reader_compressed_twice(void **state)
{
    struct sample_tar tar = { .filter = SAMPLE_ZSTD };
    FERRY_OWNED_MEM char *once = NULL;
    FERRY_OWNED_MEM uint8_t *twice = NULL;
    struct ferry_err err;
    size_t good, len, room;

    (void)state;
    make_image(10);
    sample_put_head(&tar, &index_json);
    sample_put_blob(&tar, &manifest);
    once = sample_tar_bytes(&tar, &len);
    room = ZSTD_compressBound(len);
    twice = malloc(room);
    len = ZSTD_compress(twice, room, once, len, 1);
    assert_false(ZSTD_isError(len));
    sample_write("twice.tar", twice, len);
    CHECK_CODE(load("twice.tar", &good, &err), FERRY_EFORMAT);
    assert_non_null(strstr(err.msg, "compressed more than once"));
}

/* Feeds a pipe. */
struct feed {
    int fd;
    const char *bytes;
    size_t len, times;
};

static void *run_feed(void *arg)
{
    const struct feed *feed = arg;

    for (size_t i = 0; i < feed->times; i++)
        for (size_t at = 0; at < feed->len;) {
            ssize_t n = write(feed->fd, feed->bytes + at, feed->len - at);

            if (n < 0) /* the reader has seen enough */
                i = feed->times;
            at = n < 0 ? feed->len : at + (size_t)n;
        }
    close(feed->fd);
    return NULL;
}

/* [L5] Headers of empty files, more than there may be. */
static void test_spec_reader_entries(void **state)
{
    static char headers[1000 * BLOCK];
    struct feed feed = { .bytes = headers, .len = sizeof(headers), .times = 2001 };
    FERRY_OWNED(ferry_source) stream = NULL;
    FERRY_OWNED(ferry_tar) tar = NULL;
    struct ferry_tar_entry entry;
    struct ferry_err err = { 0 };
    pthread_t thread;
    size_t count = 0;
    int ends[2], rc;

    (void)state;
    for (size_t i = 0; i < 1000; i++)
        put_header(headers + i * BLOCK, "x", '0', "00000000000", "ustar  ");
    assert_int_equal(pipe(ends), 0);
    feed.fd = ends[1];
    assert_int_equal(pthread_create(&thread, NULL, run_feed, &feed), 0);
    CHECK_OK(ferry_source_stream(ends[0], &stream, &err));
    CHECK_OK(ferry_tar_open_stream(stream, &tar, &err));
    while ((rc = ferry_tar_next(tar, &entry, &err)) == 0 && entry.name)
        count++;
    ferry_source_free(ferry_steal(&stream));
    pthread_join(thread, NULL);
    CHECK_CODE(rc, FERRY_ELIMIT);
    assert_int_equal(count, FERRY_ENTRIES_MAX);
}

/* Loads the archive from a pipe. */
static int load_piped(const struct sample_tar *tar, size_t *good, struct ferry_err *err)
{
    size_t len;
    FERRY_OWNED_MEM char *bytes = sample_tar_bytes(tar, &len);
    struct feed feed = { .bytes = bytes, .len = len, .times = 1 };
    char path[64];
    pthread_t thread;
    int ends[2], rc;

    assert_int_equal(pipe(ends), 0);
    feed.fd = ends[1];
    snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
    assert_int_equal(pthread_create(&thread, NULL, run_feed, &feed), 0);
    rc = load(path, good, err);
    close(ends[0]);
    pthread_join(thread, NULL);
    return rc;
}

/* [R19] [R20] [L8] Blobs before what explains them: 32 MiB are set aside, and not a byte more. */
static void test_spec_reader_set_aside(void **state)
{
    (void)state;
    for (size_t more = 0; more <= 1; more++) {
        struct sample_tar tar = { 0 };
        struct ferry_err err = { 0 };
        size_t good;
        int rc;

        /* The two blobs that come early, their names, and 512 bytes for each. */
        make_image((size_t)FERRY_KEEP_MAX - 2 * (strlen("blobs/sha256/" HEX) + 512) - 2 + more);
        index_json = sample_index_json(&manifest, (const char *const[]){ NULL }, 1);
        sample_put_blob(&tar, &config);
        sample_put_blob(&tar, &layer);
        sample_put_head(&tar, &index_json);
        sample_put_blob(&tar, &manifest);
        rc = load_piped(&tar, &good, &err);
        CHECK_CODE(rc, more ? FERRY_ELIMIT : FERRY_OK);
        if (more)
            assert_non_null(strstr(err.msg, "save it to a file"));
        else
            assert_int_equal(good, 1);
        CHECK_OK(load_tar(&tar, &good, &err)); /* a file has no such limit */
        assert_int_equal(good, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spec_reader_passes_over),
        cmocka_unit_test(test_spec_reader_docker_manifest_does_not_count),
        cmocka_unit_test(test_spec_reader_types),
        cmocka_unit_test(test_spec_reader_names),
        cmocka_unit_test(test_spec_reader_heads),
        cmocka_unit_test(test_spec_reader_sizes),
        cmocka_unit_test(test_spec_reader_pax_size),
        cmocka_unit_test(test_spec_reader_end),
        cmocka_unit_test(test_spec_reader_nodes),
        cmocka_unit_test(test_spec_reader_reach),
        cmocka_unit_test(test_spec_reader_documents),
        cmocka_unit_test(test_spec_reader_holes),
        cmocka_unit_test(test_spec_reader_compressed_twice),
        cmocka_unit_test(test_spec_reader_entries),
        cmocka_unit_test(test_spec_reader_set_aside),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("spec_reader", tests, sample_enter_folder,
                                       sample_leave_folder);
}
