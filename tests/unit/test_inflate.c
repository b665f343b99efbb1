#include "format/archive/inflate.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>

#include "format/core/blob_file.h"
#include "format/core/blob_verify.h"
#include "tests/support/check.h"
#include "tests/support/sample.h"

enum { PLAIN, GZIP, ZSTD };

/* Appends `text` as one compressed stream to `out`. */
static void compress(struct ferry_buf *out, int filter, const void *bytes, size_t len)
{
    struct archive *a = archive_write_new();
    struct archive_entry *entry = archive_entry_new();
    FERRY_OWNED_MEM char *room = malloc(len + 4096);
    struct ferry_err err;
    size_t used = 0;

    assert_int_equal(archive_write_set_format_raw(a), ARCHIVE_OK);
    if (filter == GZIP)
        assert_int_equal(archive_write_add_filter_gzip(a), ARCHIVE_OK);
    if (filter == ZSTD)
        assert_int_equal(archive_write_add_filter_zstd(a), ARCHIVE_OK);
    archive_write_set_bytes_per_block(a, 0);
    assert_int_equal(archive_write_open_memory(a, room, len + 4096, &used), ARCHIVE_OK);
    archive_entry_set_filetype(entry, AE_IFREG);
    assert_int_equal(archive_write_header(a, entry), ARCHIVE_OK);
    assert_int_equal(archive_write_data(a, bytes, len), len);
    assert_int_equal(archive_write_close(a), ARCHIVE_OK);
    archive_entry_free(entry);
    archive_write_free(a);
    CHECK_OK(ferry_buf_append(out, room, used, &err));
}

/* Inflates `in` into `out`, reading `cap` bytes at a time. */
static int inflate(const void *in, size_t len, struct ferry_buf *out, size_t cap,
                   struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) source = NULL;
    FERRY_OWNED(ferry_source) inflated = NULL;
    FERRY_OWNED_MEM char *chunk = malloc(cap);
    size_t got;

    FERRY_TRY(ferry_source_memory(in, len, &source, err));
    FERRY_TRY(ferry_inflate_new(source, &inflated, err));
    assert_int_equal(ferry_source_size(inflated), -1);
    do {
        FERRY_TRY(ferry_source_read(inflated, chunk, cap, &got, err));
        FERRY_TRY(ferry_buf_append(out, chunk, got, err));
    } while (got > 0);
    FERRY_TRY(ferry_source_read(inflated, chunk, cap, &got, err)); /* the end stays */
    assert_int_equal(got, 0);
    return 0;
}

static void check_inflates(const struct ferry_buf *in, const void *want, size_t want_len,
                           const char *what)
{
    static const size_t caps[] = { 1, 4096, 1024 * 1024 };

    for (size_t i = want_len > 10000 ? 1 : 0; i < FERRY_COUNT(caps); i++) {
        FERRY_OWNED_BUF out;
        struct ferry_err err = { 0 };

        ferry_buf_init(&out, want_len + 1);
        if (inflate(in->data, in->len, &out, caps[i], &err) < 0)
            fail_msg("%s: %s", what, err.msg);
        CHECK_ROW(what, out.len == want_len);
        CHECK_ROW(what, want_len == 0 || memcmp(out.data, want, want_len) == 0);
    }
}

static void test_inflate_filters(void **state)
{
    static const size_t lens[] = { 0, 1, 511, 100000, 3 * 1024 * 1024 + 1 };

    (void)state;
    for (int filter = PLAIN; filter <= ZSTD; filter++) {
        for (size_t i = 0; i < FERRY_COUNT(lens); i++) {
            struct sample data = sample_layer(lens[i], 1);
            FERRY_OWNED_BUF in;

            ferry_buf_init(&in, 2 * lens[i] + 4096);
            compress(&in, filter, data.bytes, data.len);
            check_inflates(&in, data.bytes, data.len,
                           sample_format("filter %d, %zu bytes", filter, lens[i]));
        }
    }
}

/* Layers may be several streams, one behind the other: pigz, estargz, zstd:chunked. */
static void test_inflate_many_streams(void **state)
{
    static const char skippable[] = "\x50\x2a\x4d\x18\x05\0\0\0hello";
    struct sample data = sample_layer(300000, 1);

    (void)state;
    for (int filter = GZIP; filter <= ZSTD; filter++) {
        FERRY_OWNED_BUF in;
        struct ferry_err err;

        ferry_buf_init(&in, 1024 * 1024);
        for (size_t at = 0; at < data.len; at += 100000) {
            compress(&in, filter, data.bytes + at, 100000);
            compress(&in, filter, "", 0);
            if (filter == ZSTD)
                CHECK_OK(ferry_buf_append(&in, skippable, sizeof(skippable) - 1, &err));
        }
        check_inflates(&in, data.bytes, data.len, filter == GZIP ? "gzip" : "zstd");
    }
}

static void test_inflate_begins_with_a_skippable_frame(void **state)
{
    static const char skippable[] = "\x5f\x2a\x4d\x18\x05\0\0\0hello";
    FERRY_OWNED_BUF in;
    struct ferry_err err;

    (void)state;
    ferry_buf_init(&in, 4096);
    CHECK_OK(ferry_buf_append(&in, skippable, sizeof(skippable) - 1, &err));
    compress(&in, ZSTD, "text", 4);
    check_inflates(&in, "text", 4, "skippable frame first");
}

/* Each time multiplies what a few bytes inflate to. */
static void test_inflate_twice(void **state)
{
    FERRY_OWNED_BUF once, twice, out;
    struct ferry_err err;

    (void)state;
    ferry_buf_init(&once, 1024 * 1024);
    ferry_buf_init(&twice, 1024 * 1024);
    ferry_buf_init(&out, 1024 * 1024);
    compress(&once, ZSTD, "text", 4);
    compress(&twice, GZIP, once.data, once.len);
    CHECK_CODE(inflate(twice.data, twice.len, &out, 4096, &err), FERRY_EFORMAT);
    assert_non_null(strstr(err.msg, "more than once"));
}

static void test_inflate_cut(void **state)
{
    struct sample data = sample_layer(3000, 1);

    (void)state;
    for (int filter = GZIP; filter <= ZSTD; filter++) {
        FERRY_OWNED_BUF in;

        ferry_buf_init(&in, 1024 * 1024);
        compress(&in, filter, data.bytes, data.len);
        for (size_t cut = 12; cut < in.len; cut += cut + 30 < in.len ? 101 : 1) {
            FERRY_OWNED_BUF out;
            struct ferry_err err = { 0 };

            ferry_buf_init(&out, 1024 * 1024);
            if (inflate(in.data, cut, &out, 4096, &err) != FERRY_EFORMAT)
                fail_msg("filter %d cut at %zu of %zu: \"%s\"", filter, cut, in.len, err.msg);
        }
    }
}

static void test_inflate_damaged(void **state)
{
    struct sample data = sample_layer(3000, 1);
    FERRY_OWNED_BUF in;

    (void)state;
    ferry_buf_init(&in, 1024 * 1024);
    compress(&in, GZIP, data.bytes, data.len);
    for (size_t at = 10; at < in.len; at += 97) {
        FERRY_OWNED_BUF out;
        struct ferry_err err = { 0 };
        int rc;

        ferry_buf_init(&out, 1024 * 1024);
        in.data[at] ^= 0x55;
        rc = inflate(in.data, in.len, &out, 4096, &err);
        in.data[at] ^= 0x55;
        /* The decoder does not look at check sums: whoever wants the bytes right has a digest. */
        if (rc != 0)
            assert_int_equal(rc, FERRY_EFORMAT);
    }
}

/* What the wrapped source says comes through as it is. */
static void test_inflate_source_fails(void **state)
{
    struct sample data = sample_layer(300000, 1);

    (void)state;
    for (int filter = PLAIN; filter <= ZSTD; filter++) {
        FERRY_OWNED(ferry_source) source = NULL;
        FERRY_OWNED(ferry_source) checked = NULL;
        FERRY_OWNED(ferry_source) inflated = NULL;
        FERRY_OWNED_BUF in;
        struct ferry_err err;

        ferry_buf_init(&in, 1024 * 1024);
        compress(&in, filter, data.bytes, data.len);
        CHECK_OK(ferry_source_memory(in.data, in.len, &source, &err));
        CHECK_OK(ferry_verify_new(&source, &data.digest, (int64_t)in.len + 1, &checked, &err));
        CHECK_OK(ferry_inflate_new(checked, &inflated, &err));
        CHECK_CODE(ferry_source_drain(inflated, &err), FERRY_EDIGEST);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inflate_filters),
        cmocka_unit_test(test_inflate_many_streams),
        cmocka_unit_test(test_inflate_begins_with_a_skippable_frame),
        cmocka_unit_test(test_inflate_twice),
        cmocka_unit_test(test_inflate_cut),
        cmocka_unit_test(test_inflate_damaged),
        cmocka_unit_test(test_inflate_source_fails),
    };

    return cmocka_run_group_tests_name("inflate", tests, NULL, sample_forget_group);
}
