/* What SPEC.md 2 demands of a writer, byte by byte where it says so. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "export/pull_plan.h"
#include "format/archive/archive_writer.h"
#include "format/archive/layout.h"
#include "format/core/blob_file.h"
#include "format/core/blob_verify.h"
#include "tests/support/check.h"
#include "tests/support/sample.h"

#define BLOCK 512
#define GIB ((int64_t)1024 * 1024 * 1024)
#define LAYOUT_LEN (sizeof(FERRY_LAYOUT_TEXT) - 1)
#define CONFIG_TYPE "application/vnd.oci.image.config.v1+json"
#define HEX512                                                                                     \
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"                             \
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"

static struct ferry_writer *open_writer(const char *path, enum ferry_existing existing)
{
    struct ferry_writer *writer = NULL;
    struct ferry_err err;

    CHECK_OK(sample_writer(path, existing, &writer, &err));
    return writer;
}

/* An archive of these entries, all with the same text; its bytes are to be freed. */
static char *archive_of(const char *const *names, size_t count, const char *text, size_t *len)
{
    FERRY_OWNED(ferry_writer) writer = open_writer("a.tar", FERRY_EXISTING_REPLACE);
    struct ferry_err err;

    for (size_t i = 0; i < count; i++)
        CHECK_OK(ferry_writer_put(writer, names[i], text, strlen(text), &err));
    CHECK_OK(ferry_writer_commit(writer, &err));
    return sample_read("a.tar", len);
}

static bool all_zero(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (bytes[i])
            return false;
    return true;
}

/* [W1] [W4] [W10] */
static void test_spec_writer_header(void **state)
{
    static const char *const name[] = { FERRY_LAYOUT_NAME };
    size_t len;
    FERRY_OWNED_MEM char *tar = archive_of(name, 1, FERRY_LAYOUT_TEXT, &len);
    char want[BLOCK] = { 0 };
    unsigned sum = 8 * ' '; /* the field of the sum counts as spaces */

    (void)state;
    memcpy(want, "oci-layout", 10);
    memcpy(want + 100, "0000644", 7);
    memcpy(want + 108, "0000000", 7);      /* user */
    memcpy(want + 116, "0000000", 7);      /* group */
    memcpy(want + 124, "00000000036", 11); /* 30 bytes */
    memcpy(want + 136, "00000000000", 11); /* time */
    want[156] = '0';
    memcpy(want + 257, "ustar  ", 8);
    for (size_t i = 0; i < BLOCK; i++)
        sum += (unsigned char)want[i];
    snprintf(want + 148, 8, "%06o", sum);
    want[155] = ' ';
    assert_memory_equal(tar, want, BLOCK);
    assert_memory_equal(tar + BLOCK, "{\"imageLayoutVersion\":\"1.0.0\"}", 30);
}

/* [W5] */
static void test_spec_writer_padding_and_end(void **state)
{
    static const char *const names[] = { "index.json", "manifest.json" };
    size_t len;
    FERRY_OWNED_MEM char *tar = archive_of(names, 2, "[]", &len);

    (void)state;
    assert_int_equal(len, 2 * 2 * BLOCK + 2 * BLOCK);
    assert_true(all_zero(tar + BLOCK + 2, BLOCK - 2));
    assert_true(all_zero(tar + len - 2 * BLOCK, (size_t)2 * BLOCK));
    assert_string_equal(tar + (size_t)2 * BLOCK, "manifest.json");
}

/* [W3] [W15] */
static void test_spec_writer_long_name(void **state)
{
    static const char *const names[] = { "blobs/sha512/" HEX512 };
    size_t len;
    FERRY_OWNED_MEM char *tar = archive_of(names, 1, "abc", &len);

    (void)state;
    assert_string_equal(tar, "././@LongLink");
    assert_int_equal(tar[156], 'L');
    assert_string_equal(tar + BLOCK, names[0]);
    assert_int_equal(tar[(size_t)2 * BLOCK + 156], '0');
    assert_memory_equal(tar + (size_t)2 * BLOCK, names[0], 99);
    assert_memory_equal(tar + (size_t)3 * BLOCK, "abc", 3);
    assert_int_equal(len, 6 * BLOCK);
}

static const struct {
    const char *name;
    int64_t size;
    const char *field; /* 12 bytes */
} size_rows[] = {
    { "largest_octal", 8 * GIB - 1, "77777777777" },
    { "smallest_base_256", 8 * GIB, "\x80\0\0\0\0\0\0\2\0\0\0" },
    { "a_tebibyte", 1024 * GIB, "\x80\0\0\0\0\0\1\0\0\0\0" },
};

/* [W2] A stream, since the header is all that is needed of such an entry. */
static void test_spec_writer_large_sizes(void **state)
{
    static const char chunk[256 * 1024]; /* enough that the header does not wait for more */

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(size_rows); i++) {
        FERRY_OWNED(ferry_writer) writer = NULL;
        FERRY_OWNED(ferry_sink) sink = NULL;
        char path[64], header[BLOCK];
        struct ferry_err err;
        int ends[2];

        assert_int_equal(pipe(ends), 0);
        assert_true(fcntl(ends[1], F_SETPIPE_SZ, 1024 * 1024) >= (int)sizeof(chunk) + BLOCK);
        snprintf(path, sizeof(path), "/dev/fd/%d", ends[1]);
        writer = open_writer(path, FERRY_EXISTING_KEEP);
        CHECK_OK(ferry_writer_entry(writer, "blobs/sha256/x", size_rows[i].size, &sink, &err));
        CHECK_OK(ferry_sink_write(sink, chunk, sizeof(chunk), &err));
        assert_int_equal(read(ends[0], header, BLOCK), BLOCK);
        CHECK_ROW(size_rows[i].name, memcmp(header + 124, size_rows[i].field, 12) == 0);
        CHECK_ROW(size_rows[i].name, header[156] == '0');
        close(ends[0]);
        close(ends[1]);
    }
}

/* Writes a whole blob and then one whose bytes are wrong. */
static void write_wrong(struct ferry_writer *writer)
{
    struct sample wrong = sample_text("x", "right");
    FERRY_OWNED(ferry_source) body = NULL;
    FERRY_OWNED(ferry_source) checked = NULL;
    FERRY_OWNED(ferry_sink) entry = NULL;
    struct ferry_err err;

    CHECK_OK(ferry_writer_put(writer, FERRY_LAYOUT_NAME, FERRY_LAYOUT_TEXT, LAYOUT_LEN, &err));
    CHECK_OK(ferry_source_memory("wrong", 5, &body, &err));
    CHECK_OK(ferry_verify_new(&body, &wrong.digest, 5, &checked, &err));
    CHECK_OK(ferry_writer_entry(writer, "blobs/sha256/x", 5, &entry, &err));
    CHECK_CODE(ferry_blob_copy(checked, entry, &err), FERRY_EDIGEST);
}

/* [W18] [W24] [W25] [W26] */
static void test_spec_writer_wrong_blob_in_a_file(void **state)
{
    (void)state;
    for (int was_there = 0; was_there <= 1; was_there++) {
        struct ferry_writer *writer;

        if (was_there)
            sample_write("w.tar", "old", 3);
        writer = open_writer("w.tar", FERRY_EXISTING_REPLACE);
        write_wrong(writer);
        assert_int_equal(access("w.tar", F_OK), was_there ? 0 : -1);
        assert_int_equal(access("w.tar.partial", F_OK), 0);
        ferry_writer_free(writer);
        assert_int_equal(access("w.tar.partial", F_OK), -1);
        assert_int_equal(access("w.tar", F_OK), was_there ? 0 : -1);
        if (was_there) {
            size_t len;
            FERRY_OWNED_MEM char *old = sample_read("w.tar", &len);

            assert_int_equal(len, 3);
            assert_non_null(old);
        }
    }
}

/* [W18] [W25] What a pipe got has no end. */
static void test_spec_writer_wrong_blob_in_a_stream(void **state)
{
    char path[64], got[16 * BLOCK];
    struct ferry_writer *writer;
    ssize_t len;
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    snprintf(path, sizeof(path), "/dev/fd/%d", ends[1]);
    writer = open_writer(path, FERRY_EXISTING_KEEP);
    write_wrong(writer);
    ferry_writer_free(writer);
    close(ends[1]);
    len = read(ends[0], got, sizeof(got));
    close(ends[0]);
    for (ssize_t at = 0; at + BLOCK <= len; at += BLOCK)
        assert_false(all_zero(got + at, BLOCK));
}

/* [W26] */
static void test_spec_writer_keeps_what_is_there(void **state)
{
    struct ferry_writer *writer = NULL;
    struct ferry_err err;

    (void)state;
    sample_write("kept.tar", "old", 3);
    CHECK_CODE(sample_writer("kept.tar", FERRY_EXISTING_KEEP, &writer, &err), FERRY_EIO);
    assert_null(writer);
}

/* [W8] [W17] [G6] Indexes, what they list, configs, the rest; each once, no foreign layer. */
static void test_spec_writer_plan(void **state)
{
    struct sample config = sample_text(CONFIG_TYPE, "{}");
    struct sample layers[3] = { sample_layer(9, 1), sample_layer(9, 2), sample_layer(9, 3) };
    struct sample odd = sample_text("application/x", "listed by an index"), m[2], inner, outer;
    FERRY_OWNED(ferry_graph) graph = NULL;
    FERRY_OWNED(ferry_pull_plan) plan = NULL;
    struct ferry_err err;

    (void)state;
    layers[1].extra = ",\"urls\":[\"https://example.com/layer\"]";
    m[0] = sample_manifest(config, layers, 3);
    m[1] = sample_manifest(config, layers, 1);
    inner = sample_index((struct sample[]){ m[1], odd }, 2);
    outer = sample_index((struct sample[]){ m[0], inner }, 2);
    CHECK_OK(ferry_graph_new(&graph, &err));
    sample_add_image(graph, "m:1", &m[0]);
    CHECK_OK(sample_supply(graph, &m[0], &err));
    sample_add_image(graph, "outer:1", &outer);
    sample_add_image(graph, "outer:2", &outer);
    CHECK_OK(sample_supply(graph, &outer, &err));
    CHECK_OK(sample_supply(graph, &inner, &err));
    CHECK_OK(sample_supply(graph, &m[1], &err));
    CHECK_OK(ferry_pull_plan_new(graph, FERRY_REF_NAME_TAG, &plan, &err));

    const struct sample *order[] = { &outer, &inner,  &m[0],      &m[1],
                                     &odd,   &config, &layers[0], &layers[2] };
    assert_int_equal(plan->count, FERRY_COUNT(order));
    for (size_t i = 0; i < plan->count; i++)
        assert_ptr_equal(plan->nodes[i], sample_find(graph, order[i]));
    assert_int_equal(plan->foreign, 1);
}

/* [L3] What no reader would take is not written. */
static void test_spec_writer_too_many_images(void **state)
{
    FERRY_OWNED(ferry_graph) graph = NULL;
    struct sample root = sample_text(FERRY_TYPE_OCI_MANIFEST, "{}");
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_graph_new(&graph, &err));
    for (int i = 0; i < FERRY_CHILDREN_MAX; i++)
        sample_add_image(graph, "x:1", &root);
    for (int more = 0; more <= 1; more++) {
        FERRY_OWNED_BUF text;

        ferry_buf_init(&text, (size_t)FERRY_MANIFEST_MAX);
        CHECK_CODE(ferry_index_format(graph, FERRY_REF_NAME_TAG, &text, &err),
                   more ? FERRY_ELIMIT : FERRY_OK);
        sample_add_image(graph, "x:1", &root);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spec_writer_header),
        cmocka_unit_test(test_spec_writer_padding_and_end),
        cmocka_unit_test(test_spec_writer_long_name),
        cmocka_unit_test(test_spec_writer_large_sizes),
        cmocka_unit_test(test_spec_writer_wrong_blob_in_a_file),
        cmocka_unit_test(test_spec_writer_wrong_blob_in_a_stream),
        cmocka_unit_test(test_spec_writer_keeps_what_is_there),
        cmocka_unit_test(test_spec_writer_plan),
        cmocka_unit_test(test_spec_writer_too_many_images),
    };

    return cmocka_run_group_tests_name("spec_writer", tests, sample_enter_folder,
                                       sample_leave_folder);
}
