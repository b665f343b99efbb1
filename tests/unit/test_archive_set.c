#include "format/archive/set_notes.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "format/core/blob_verify.h"
#include "tests/support/check.h"
#include "tests/support/sample.h"

#define PATHS_MAX 3

/* Two images below an index, and one beside it. */
static struct sample config, layers[3], m[3], index_doc, index_json;
static const struct sample *const blobs[] = { &index_doc, &m[0],      &m[1],      &m[2],
                                              &config,    &layers[0], &layers[1], &layers[2] };

static int enter(void **state)
{
    static const char *const names[] = { "host.example/a:1", "host.example/b:1" };

    if (sample_enter_folder(state) < 0)
        return -1;
    config = sample_text(FERRY_TYPE_OCI_CONFIG, "{\"os\":\"linux\"}");
    for (unsigned i = 0; i < 3; i++) {
        layers[i] = sample_layer(1000 + i, i);
        m[i] = sample_manifest(config, &layers[i], 1);
    }
    index_doc = sample_index(m, 2);
    index_json = sample_index_json((struct sample[]){ index_doc, m[2] }, names, 2);
    return 0;
}

/* One bit is wrong. */
static struct sample damage(const struct sample *right)
{
    struct sample wrong = sample_blob(right->media_type, right->bytes, right->len);

    ((char *)wrong.bytes)[right->len / 2] ^= 4;
    wrong.digest = right->digest;
    return wrong;
}

/* All blobs but `missing`; `wrong` is damaged. Each may be NULL. */
static void put_all(struct sample_tar *tar, const struct sample *wrong,
                    const struct sample *missing)
{
    for (size_t i = 0; i < FERRY_COUNT(blobs); i++) {
        struct sample bad;

        if (blobs[i] == missing)
            continue;
        if (blobs[i] != wrong) {
            sample_put_blob(tar, blobs[i]);
            continue;
        }
        bad = damage(blobs[i]);
        sample_put_blob(tar, &bad);
    }
}

static void write_archive(const char *path, const struct sample *wrong,
                          const struct sample *missing)
{
    struct sample_tar tar = { 0 };

    sample_put_head(&tar, &index_json);
    put_all(&tar, wrong, missing);
    sample_tar_file(&tar, path);
}

enum way { WAY_FILE, WAY_GZIP, WAY_PIPE, WAY_COUNT };

/* The second archive, in that way. */
static const char *write_way(enum way way, const struct sample *wrong, const struct sample *missing)
{
    struct sample_tar tar = { .filter = way == WAY_GZIP ? SAMPLE_GZIP : SAMPLE_PLAIN };
    static char *bytes; /* outlives the pipe's thread */
    size_t len;

    sample_put_head(&tar, &index_json);
    put_all(&tar, wrong, missing);
    if (way != WAY_PIPE) {
        sample_tar_file(&tar, "b.tar");
        return "b.tar";
    }
    free(bytes);
    bytes = sample_tar_bytes(&tar, &len);
    sample_pipe_begin("b.pipe", bytes, len);
    return "b.pipe";
}

static int open_set(const char *first, const char *second, struct ferry_archive_set **set,
                    struct ferry_err *err)
{
    static const struct ferry_signature_policy nobody;
    const char *const paths[] = { first, second };
    const struct ferry_archive_set_options what = {
        .paths = paths, .count = second ? 2 : 1, .way = FERRY_ARCHIVE_RANDOM, .policy = &nobody
    };

    return ferry_archive_set_open(&what, set, err);
}

/* Every document is there, and every blob known. */
static void check_complete(const char *what, const struct ferry_archive_set *set)
{
    CHECK_ROW(what, set->graph->image_count == 2);
    CHECK_ROW(what, set->graph->count == FERRY_COUNT(blobs));
    for (size_t i = 0; i < FERRY_COUNT(blobs); i++)
        CHECK_ROW(what, sample_find(set->graph, blobs[i])->state ==
                            (i < 4 ? FERRY_NODE_GOOD : FERRY_NODE_WANTED));
    CHECK_ROW(what, ferry_archive_set_is_known(set));
}

/* [R70] Any document may be wrong in one archive and any other one wrong or missing in the other,
 * however that is read. */
static void test_archive_set_heals_documents(void **state)
{
    (void)state;
    for (size_t a = 0; a < 4; a++) /* the documents among the blobs */
        for (size_t b = 0; b < 4; b++)
            for (int way = 0; way < WAY_COUNT; way++)
                for (int is_missing = 0; is_missing < 2; is_missing++) {
                    FERRY_OWNED(ferry_archive_set) set = NULL;
                    const char *what = sample_format("%zu, %zu, %d, %d", a, b, way, is_missing);
                    struct ferry_err err;

                    if (a == b)
                        continue;
                    write_archive("a.tar", blobs[a], NULL);
                    CHECK_OK(open_set("a.tar",
                                      write_way((enum way)way, is_missing ? NULL : blobs[b],
                                                is_missing ? blobs[b] : NULL),
                                      &set, &err));
                    check_complete(what, set);
                    for (size_t i = 0; i < 2; i++) {
                        const struct sample *bad = blobs[i == 0 ? a : b];

                        CHECK_ROW(what, set->items[i].is_read);
                        CHECK_ROW(what, set->items[i].fault.code == FERRY_OK);
                        if (i == 1 && way == WAY_PIPE) /* which is not read again */
                            continue;
                        CHECK_ROW(what, set->items[i].bad_count == 1);
                        assert_string_equal(set->items[i].bad[0].digest.text, bad->digest.text);
                        CHECK_ROW(what, sample_find(set->items[i].graph, bad)->is_lent);
                    }
                    if (way == WAY_PIPE) {
                        ferry_archive_set_free(ferry_steal(&set));
                        sample_pipe_end();
                    }
                }
}

/* One archive is a set of one, whose graph is its own. */
static void test_archive_set_of_one(void **state)
{
    FERRY_OWNED(ferry_archive_set) set = NULL;
    struct ferry_err err;

    (void)state;
    write_archive("a.tar", &m[0], NULL);
    CHECK_OK(open_set("a.tar", NULL, &set, &err));
    assert_ptr_equal(set->graph, set->items[0].graph);
    assert_int_equal(sample_find(set->graph, &m[0])->state, FERRY_NODE_BAD);
    assert_int_equal(set->items[0].bad_count, 1);
    assert_true(ferry_archive_set_is_known(set));
}

/* A blob is opened from one archive after the other. */
static void test_archive_set_blob(void **state)
{
    FERRY_OWNED(ferry_archive_set) set = NULL;
    struct ferry_err err;
    size_t from = 0;

    (void)state;
    write_archive("a.tar", &layers[0], NULL);
    write_archive("b.tar", NULL, NULL);
    CHECK_OK(open_set("a.tar", "b.tar", &set, &err));
    for (size_t i = 0; i < 2; i++, from++) {
        FERRY_OWNED(ferry_source) copy = NULL;
        FERRY_OWNED(ferry_source) checked = NULL;

        CHECK_OK(ferry_archive_set_blob(set, &layers[0].digest, &from, &copy, &err));
        assert_int_equal(from, i);
        CHECK_OK(
            ferry_verify_new(&copy, &layers[0].digest, (int64_t)layers[0].len, &checked, &err));
        CHECK_CODE(ferry_source_drain(checked, &err), i == 0 ? FERRY_EDIGEST : FERRY_OK);
    }
    from = 2;
    {
        struct ferry_source *none = NULL;

        CHECK_CODE(ferry_archive_set_blob(set, &layers[0].digest, &from, &none, &err),
                   FERRY_ENOTFOUND);
        assert_null(none);
    }
}

/* What set_notes says, one line after the other. */
static void add_line(void *ctx, const char *text)
{
    char *said = ctx;

    snprintf(said + strlen(said), 2000 - strlen(said), "%s\n", text);
}

static const char *notes_of(const struct ferry_archive_set *set)
{
    char said[2000] = "";
    const struct ferry_set_listener listener = { .say = add_line, .warn = add_line, .ctx = said };

    ferry_set_notes(set, &listener);
    return sample_format("%s", said);
}

/* An index.json that is none, and how far it is from that of the other archive. */
static const struct {
    const char *name;
    size_t bytes; /* that are wrong; 0: the archive is cut */
    bool has_twin;
} index_rows[] = {
    { "one byte", 1, true },
    { "as many as a copy may have", FERRY_TWIN_BYTES, true },
    { "one more", FERRY_TWIN_BYTES + 1, false },
    { "cut", 0, false },
};

/* [R73] It names no images, but its blobs serve the other archive. */
static void test_archive_set_unreadable_index(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(index_rows); i++) {
        FERRY_OWNED(ferry_archive_set) set = NULL;
        struct sample wrong = sample_text(FERRY_TYPE_OCI_INDEX, index_json.bytes);
        const char *what = index_rows[i].name;
        struct sample_tar tar = { 0 };
        struct ferry_source *copy = NULL;
        struct ferry_err err;
        size_t from = 1;

        memset((char *)wrong.bytes, '#', index_rows[i].bytes);
        sample_put_head(&tar, &wrong);
        put_all(&tar, NULL, NULL);
        sample_tar_file(&tar, "b.tar");
        if (index_rows[i].bytes == 0)
            assert_int_equal(truncate("b.tar", 700), 0);
        write_archive("a.tar", &layers[0], NULL);
        CHECK_OK(open_set("a.tar", "b.tar", &set, &err));
        CHECK_ROW(what, set->items[0].is_read && !set->items[1].is_read);
        CHECK_ROW(what, set->graph->image_count == 2);
        CHECK_ROW(what, set->items[1].graph->image_count == 0);
        CHECK_ROW(what, set->items[1].fault.code == FERRY_EFORMAT);
        CHECK_ROW(what, strncmp(set->items[1].fault.msg, "b.tar: ", 7) == 0);
        CHECK_ROW(what, set->items[1].twin == (index_rows[i].has_twin ? 0 : FERRY_NO_ARCHIVE));
        CHECK_ROW(what, ferry_archive_set_is_known(set) == index_rows[i].has_twin);
        CHECK_ROW(what, strstr(notes_of(set), index_rows[i].has_twin
                                                  ? "b.tar: is a damaged copy of a.tar"
                                                  : "b.tar: which images it names is unknown"));
        if (index_rows[i].bytes > 0)
            CHECK_OK(ferry_archive_set_blob(set, &layers[0].digest, &from, &copy, &err));
        ferry_source_free(copy);
    }
}

/* Of a tar that is cut, what stands before that serves, in order; and its images are known. */
static void test_archive_set_cut(void **state)
{
    FERRY_OWNED(ferry_archive_set) set = NULL;
    struct ferry_entry entry;
    struct ferry_err err;
    size_t seen = 0, len;
    int rc;

    (void)state;
    write_archive("b.tar", NULL, NULL);
    free(sample_read("b.tar", &len));
    assert_int_equal(truncate("b.tar", (off_t)len - 2000), 0);
    write_archive("a.tar", &layers[0], NULL);
    CHECK_OK(open_set("a.tar", "b.tar", &set, &err));
    check_complete("cut", set);
    assert_true(set->items[1].is_read);
    assert_int_equal(set->items[1].fault.code, FERRY_EFORMAT);
    assert_false(ferry_reader_is_random(set->items[1].reader));
    while ((rc = ferry_reader_next(set->items[1].reader, &entry, &err)) == 0)
        seen += entry.kind == FERRY_ENTRY_BLOB &&
                ferry_digest_equal(&entry.digest, &layers[0].digest);
    assert_int_equal(rc, FERRY_EFORMAT);
    assert_int_equal(seen, 1);
}

/* A document that the medium does not give is lent as well. */
static void test_archive_set_unreadable_document(void **state)
{
    FERRY_OWNED(ferry_archive_set) set = NULL;
    struct sample_tar tar = { 0 };
    const char *path = sample_format("layout/blobs/sha256/%s", ferry_digest_hex(&m[1].digest));
    struct ferry_err err;

    (void)state;
    sample_put_head(&tar, &index_json);
    put_all(&tar, NULL, NULL);
    sample_tar_folder(&tar, "layout");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink(ferry_digest_hex(&m[1].digest), path), 0); /* leads to itself */
    write_archive("a.tar", &m[0], NULL);
    CHECK_OK(open_set("layout", "a.tar", &set, &err));
    check_complete("a loop of links", set);
    assert_true(set->items[0].is_read);
    assert_int_equal(set->items[0].fault.code, FERRY_EIO);
    assert_true(sample_find(set->items[0].graph, &m[1])->is_lent);
    ferry_archive_set_free(ferry_steal(&set));
    CHECK_CODE(open_set("layout", NULL, &set, &err), FERRY_EIO);
}

/* What cannot be opened at all is no fault of an archive. */
static void test_archive_set_missing_file(void **state)
{
    struct ferry_archive_set *set = NULL;
    struct ferry_err err;

    (void)state;
    write_archive("a.tar", NULL, NULL);
    CHECK_CODE(open_set("a.tar", "nowhere.tar", &set, &err), FERRY_EIO);
    assert_non_null(strstr(err.msg, "nowhere.tar"));
    CHECK_CODE(open_set("nowhere.tar", NULL, &set, &err), FERRY_EIO);
    assert_null(set);
}

/* A chain of indexes whose links lie in two archives by turns: what one needs of the other comes to
 * light level by level. */
static void test_archive_set_rounds(void **state)
{
    enum { LINKS_MAX = 50 };
    static const char *const names[] = { "host.example/a:1" }, *const paths[] = { "a.tar",
                                                                                  "b.tar" };
    static const struct {
        const char *name;
        unsigned links;
        enum ferry_code want;
    } rows[] = { { "shallow", 20, FERRY_OK }, { "deep", LINKS_MAX, FERRY_ELIMIT } };

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        FERRY_OWNED(ferry_archive_set) set = NULL;
        struct sample_tar tars[FERRY_COUNT(paths)] = { { .count = 0 }, { .count = 0 } };
        struct sample link = m[0], head;
        struct ferry_err err;

        for (unsigned k = 0; k < rows[i].links; k++) {
            link = sample_index(&link, 1);
            sample_put_blob(&tars[k % 2], &link);
        }
        head = sample_index_json(&link, names, 1);
        for (unsigned k = 0; k < FERRY_COUNT(paths); k++) {
            sample_put_head(&tars[k], &head);
            sample_tar_file(&tars[k], paths[k]);
        }
        CHECK_ROW(rows[i].name, open_set(paths[0], paths[1], &set, &err) == (int)rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_archive_set_heals_documents),
        cmocka_unit_test(test_archive_set_of_one),
        cmocka_unit_test(test_archive_set_blob),
        cmocka_unit_test(test_archive_set_unreadable_index),
        cmocka_unit_test(test_archive_set_cut),
        cmocka_unit_test(test_archive_set_unreadable_document),
        cmocka_unit_test(test_archive_set_missing_file),
        cmocka_unit_test(test_archive_set_rounds),
    };

    return cmocka_run_group_tests(tests, enter, sample_leave_folder);
}
