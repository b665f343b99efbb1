#include "format/core/blob_verify.h"

#include <string.h>

#include "format/core/blob_file.h"
#include "format/core/blob_impl.h"
#include "tests/support/check.h"

static const int64_t never[] = { -1 };

/* A source that hands out at most `step` bytes a read, and can misbehave. */
struct script {
    const char *bytes;
    const char *second_pass; /* what a rewound source yields instead; or NULL */
    size_t step;
    bool endless;          /* the bytes come again and again */
    const int64_t *deaths; /* FERRY_ENET in place of byte deaths[n] of pass n; -1 ends them */
    bool one_pass;
};

struct script_source {
    struct ferry_source base;
    struct script script;
    int64_t at;
};

static int script_read(struct ferry_source *source, void *buf, size_t cap, size_t *got,
                       struct ferry_err *err)
{
    struct script_source *s = (struct script_source *)source;
    size_t len = strlen(s->script.bytes);
    size_t want = cap < s->script.step ? cap : s->script.step;

    for (size_t i = 0; i < want; i++) {
        if (s->at == *s->script.deaths)
            return i > 0 ? 0 : ferry_fail(err, FERRY_ENET, "the line went dead");
        if (!s->script.endless && s->at == (int64_t)len)
            return 0;
        ((char *)buf)[i] = s->script.bytes[(size_t)s->at % len];
        s->at++;
        *got = i + 1;
    }
    return 0;
}

static int script_rewind(struct ferry_source *source, int64_t offset, struct ferry_err *err)
{
    struct script_source *s = (struct script_source *)source;

    (void)err;
    s->at = offset;
    if (s->script.second_pass)
        s->script.bytes = s->script.second_pass;
    if (*s->script.deaths >= 0)
        s->script.deaths++;
    return 0;
}

static void script_free(struct ferry_source *source)
{
    free(source);
}

static const struct ferry_source_ops script_ops = { script_read, script_rewind, script_free };
static const struct ferry_source_ops one_pass_ops = { script_read, NULL, script_free };

static struct ferry_source *script_new(struct script script)
{
    struct script_source *s = calloc(1, sizeof(*s));

    assert_non_null(s);
    *s = (struct script_source){ .base = { script.one_pass ? &one_pass_ops : &script_ops, -1 },
                                 .script = script };
    return &s->base;
}

/* The verifying source for `expected` over what `script` yields. */
static struct ferry_source *checked(struct script script, const char *expected)
{
    struct ferry_source *inner = script_new(script);
    struct ferry_source *out = NULL;
    struct ferry_digest digest;
    struct ferry_err err;

    CHECK_OK(ferry_digest_of(FERRY_SHA256, expected, strlen(expected), &digest, &err));
    CHECK_OK(ferry_verify_new(&inner, &digest, (int64_t)strlen(expected), &out, &err));
    assert_null(inner);
    assert_int_equal(ferry_source_size(out), strlen(expected));
    return out;
}

struct text_sink {
    struct ferry_sink base;
    char text[64];
    size_t len;
    bool committed;
};

static int text_write(struct ferry_sink *sink, const void *bytes, size_t len, struct ferry_err *err)
{
    struct text_sink *s = (struct text_sink *)sink;

    if (len >= sizeof(s->text) - s->len)
        return ferry_fail(err, FERRY_ELIMIT, "too much for the test");
    memcpy(s->text + s->len, bytes, len);
    s->len += len;
    return 0;
}

static int text_commit(struct ferry_sink *sink, struct ferry_err *err)
{
    (void)err;
    ((struct text_sink *)sink)->committed = true;
    return 0;
}

static void text_free(struct ferry_sink *sink)
{
    (void)sink; /* lives on the stack */
}

static const struct ferry_sink_ops text_ops = { text_write, text_commit, text_free };

#define HELLO "hello, world"

static const struct {
    const char *name;
    const char *sent;
    bool endless;
    const char *expected;
    enum ferry_code want;
} rows[] = {
    { "exact", HELLO, false, HELLO, FERRY_OK },
    { "truncated", "hello, worl", false, HELLO, FERRY_EDIGEST },
    { "one_over", HELLO "!", false, HELLO, FERRY_EDIGEST },
    { "far_over", HELLO HELLO HELLO, false, HELLO, FERRY_EDIGEST },
    { "first_bit_flip", "iello, world", false, HELLO, FERRY_EDIGEST },
    { "last_bit_flip", "hello, worle", false, HELLO, FERRY_EDIGEST },
    { "empty", "", false, "", FERRY_OK },
    { "empty_sent", "", false, HELLO, FERRY_EDIGEST },
    { "empty_expected", "x", false, "", FERRY_EDIGEST },
    { "one_byte", "x", false, "x", FERRY_OK },
    { "endless", HELLO, true, HELLO, FERRY_EDIGEST },
    { "endless_empty_expected", "x", true, "", FERRY_EDIGEST },
};

/* Reads `cap` bytes a call until the end or a failure; how many came is in *len. */
static int read_by(struct ferry_source *source, size_t cap, char *text, size_t *len,
                   struct ferry_err *err)
{
    size_t got;

    do {
        FERRY_TRY(ferry_source_read(source, text + *len, cap, &got, err));
        *len += got;
        assert_true(*len < 64);
    } while (got > 0);
    return 0;
}

/* Every row, with every size of the reader's and of the source's reads. */
/* [R15] */
static void test_blob_verify_withholds_the_last_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        size_t limit = strlen(HELLO) + 3;

        for (size_t cap = 1; cap <= limit; cap++) {
            for (size_t step = 1; step <= limit; step++) {
                FERRY_OWNED(ferry_source)
                source = checked(
                    (struct script){ rows[i].sent, NULL, step, rows[i].endless, never, false },
                    rows[i].expected);
                struct ferry_err err;
                char text[128];
                size_t len = 0;
                int rc = read_by(source, cap, text, &len, &err);

                CHECK_ROW(rows[i].name, rc == (int)rows[i].want);
                if (rc == 0)
                    CHECK_ROW(rows[i].name, len == strlen(rows[i].expected) &&
                                                memcmp(text, rows[i].expected, len) == 0);
                else
                    CHECK_ROW(rows[i].name,
                              rows[i].expected[0] == '\0' || len < strlen(rows[i].expected));
            }
        }
    }
}

static void test_blob_verify_end_stays_the_end(void **state)
{
    FERRY_OWNED(ferry_source)
    source = checked((struct script){ "ab", NULL, 9, false, never, false }, "ab");
    struct ferry_err err;
    char text[64];
    size_t len = 0;

    (void)state;
    CHECK_OK(read_by(source, 9, text, &len, &err));
    CHECK_OK(read_by(source, 9, text, &len, &err));
    assert_int_equal(len, 2);
}

/* Whoever does not look at the failure and reads on must not come to the end either. */
static void test_blob_verify_failure_is_final(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        for (size_t step = 1; step <= strlen(HELLO) + 3; step++) {
            FERRY_OWNED(ferry_source)
            source = checked(
                (struct script){ rows[i].sent, NULL, step, rows[i].endless, never, false },
                rows[i].expected);
            struct ferry_err err;
            char text[128];
            size_t len = 0;

            if (rows[i].want == FERRY_OK)
                continue;
            CHECK_CODE(read_by(source, 64, text, &len, &err), rows[i].want);
            for (int again = 0; again < 20; again++)
                assert_true(read_by(source, 1, text, &len, &err) < 0);
        }
    }
}

/* [R15] [W18] */
static void test_blob_verify_copy_commits_the_right_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        FERRY_OWNED(ferry_source)
        source = checked((struct script){ rows[i].sent, NULL, 5, rows[i].endless, never, false },
                         rows[i].expected);
        struct text_sink sink = { .base = { &text_ops } };
        struct ferry_err err;
        int rc = ferry_blob_copy(source, &sink.base, &err);

        CHECK_ROW(rows[i].name, rc == (int)rows[i].want);
        CHECK_ROW(rows[i].name, sink.committed == (rows[i].want == FERRY_OK));
        ferry_sink_free(&sink.base);
    }
}

static void test_blob_verify_drain_and_read_all(void **state)
{
    struct ferry_err err;

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        struct script script = { rows[i].sent, NULL, 3, rows[i].endless, never, false };
        FERRY_OWNED(ferry_source) drained = checked(script, rows[i].expected);
        FERRY_OWNED(ferry_source) read = checked(script, rows[i].expected);
        FERRY_OWNED_BUF buf;

        ferry_buf_init(&buf, 64);
        CHECK_ROW(rows[i].name, ferry_source_drain(drained, &err) == (int)rows[i].want);
        CHECK_ROW(rows[i].name, ferry_source_read_all(read, &buf, &err) == (int)rows[i].want);
        CHECK_ROW(rows[i].name, buf.data || rows[i].want != FERRY_OK);
    }
}

/* Reads `first` bytes, goes back to every offset up to there, and reads to the end. */
static void test_blob_verify_rewinds_to_every_offset(void **state)
{
    (void)state;
    for (size_t first = 0; first <= strlen(HELLO); first++) {
        for (size_t offset = 0; offset <= first; offset++) {
            FERRY_OWNED(ferry_source)
            source = checked((struct script){ HELLO, NULL, 4, false, never, false }, HELLO);
            struct ferry_err err;
            char text[64];
            size_t len = 0, got = 0;

            while (len < first) {
                CHECK_OK(ferry_source_read(source, text + len, first - len, &got, &err));
                len += got;
            }
            CHECK_OK(ferry_source_rewind(source, (int64_t)offset, &err));
            len = offset;
            CHECK_OK(read_by(source, 5, text, &len, &err));
            assert_int_equal(len, strlen(HELLO));
            assert_memory_equal(text, HELLO, len);
        }
    }
}

static void test_blob_verify_rewinds_after_a_failure(void **state)
{
    (void)state;
    for (int64_t dead = 0; dead < (int64_t)strlen(HELLO); dead++) {
        FERRY_OWNED(ferry_source)
        source = checked((struct script){ HELLO, NULL, 3, false, (int64_t[]){ dead, -1 }, false },
                         HELLO);
        struct ferry_err err;
        char text[64];
        size_t len = 0;

        CHECK_CODE(read_by(source, 2, text, &len, &err), FERRY_ENET);
        assert_string_equal(err.msg, "the line went dead");
        assert_int_equal(len, dead);
        CHECK_OK(ferry_source_rewind(source, (int64_t)len, &err));
        CHECK_OK(read_by(source, 2, text, &len, &err));
        assert_int_equal(len, strlen(HELLO));
        assert_memory_equal(text, HELLO, len);
    }
}

/*
 * The reader keeps what it had of the first pass and gets the rest from the second: the two
 * together must be right, not the second alone.
 */
static void test_blob_verify_passes_must_agree(void **state)
{
    (void)state;
    for (size_t first = 1; first < strlen(HELLO); first++) {
        for (size_t offset = 1; offset <= first; offset++) {
            FERRY_OWNED(ferry_source)
            source = checked((struct script){ "jello, world", HELLO, 4, false, never, false },
                             HELLO);
            struct ferry_err err;
            char text[64];
            size_t len = 0, got = 0;
            int rc;

            while (len < first) {
                CHECK_OK(ferry_source_read(source, text + len, first - len, &got, &err));
                len += got;
            }
            rc = ferry_source_rewind(source, (int64_t)offset, &err);
            len = offset;
            if (rc == 0)
                rc = read_by(source, 5, text, &len, &err);
            assert_int_equal(rc, FERRY_EDIGEST);
            assert_true(len < strlen(HELLO));

            /* From the first byte on there is nothing to agree with. */
            CHECK_OK(ferry_source_rewind(source, 0, &err));
            len = 0;
            CHECK_OK(read_by(source, 5, text, &len, &err));
            assert_memory_equal(text, HELLO, strlen(HELLO));
        }
    }
}

static void test_blob_verify_passes_may_break_off(void **state)
{
    static const int64_t deaths[] = { 10, 4, 10, 7, 3, 1, 0, 8, 12, 12, -1 };
    FERRY_OWNED(ferry_source)
    source = checked((struct script){ HELLO, NULL, 3, false, deaths, false }, HELLO);
    struct ferry_err err;
    char text[64];
    size_t len = 0;
    int rc = read_by(source, 2, text, &len, &err);

    (void)state;
    for (size_t pass = 1; pass < FERRY_COUNT(deaths); pass++) {
        assert_int_equal(rc, FERRY_ENET);
        rc = ferry_source_rewind(source, (int64_t)len, &err);
        if (rc == 0)
            rc = read_by(source, 2, text, &len, &err);
    }
    CHECK_OK(rc);
    assert_int_equal(len, strlen(HELLO));
    assert_memory_equal(text, HELLO, len);
}

/* A pass in between that breaks off early must not make the first one be forgotten. */
static void test_blob_verify_first_pass_is_remembered(void **state)
{
    (void)state;
    for (int64_t second = 0; second < 10; second++) {
        const int64_t deaths[] = { 10, second, -1 };
        FERRY_OWNED(ferry_source)
        source = checked((struct script){ "jello, world", HELLO, 3, false, deaths, false }, HELLO);
        struct ferry_err err;
        char text[64];
        size_t len = 0;
        int rc;

        CHECK_CODE(read_by(source, 2, text, &len, &err), FERRY_ENET);
        CHECK_CODE(ferry_source_rewind(source, (int64_t)len, &err), FERRY_ENET);
        rc = ferry_source_rewind(source, (int64_t)len, &err);
        assert_int_equal(rc, FERRY_EDIGEST);
        assert_non_null(strstr(err.msg, "changed between two readings"));
        CHECK_CODE(ferry_source_rewind(source, (int64_t)len, &err), FERRY_EDIGEST);
    }
}

/* Each pass shorter than the one before: there is a limit, and it holds. */
static void test_blob_verify_breaks_off_too_often(void **state)
{
    static const int64_t deaths[] = { 30, 29, 28, 27, 26, 25, 24, 23, 22, 21,
                                      20, 19, 18, 17, 16, 15, 14, 13, -1 };
    static const char long_text[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    FERRY_OWNED(ferry_source)
    source = checked((struct script){ long_text, NULL, 3, false, deaths, false }, long_text);
    struct ferry_err err;
    char text[64];
    size_t len = 0;
    int rc = read_by(source, 2, text, &len, &err);

    (void)state;
    for (size_t pass = 0; pass < 16; pass++) {
        assert_int_equal(rc, FERRY_ENET);
        rc = ferry_source_rewind(source, 30, &err);
    }
    assert_int_equal(rc, FERRY_ENET);
    CHECK_CODE(ferry_source_rewind(source, 30, &err), FERRY_EIO);
    assert_non_null(strstr(err.msg, "too often"));
}

static void test_blob_verify_stream_does_not_rewind(void **state)
{
    FERRY_OWNED(ferry_source)
    source = checked((struct script){ HELLO, NULL, 4, false, never, true }, HELLO);
    struct ferry_err err;

    (void)state;
    CHECK_CODE(ferry_source_rewind(source, 0, &err), FERRY_EIO);
}

static void test_blob_verify_refuses_negative_sizes(void **state)
{
    struct ferry_source *inner = script_new((struct script){ "", NULL, 1, false, never, false });
    struct ferry_source *out = NULL;
    struct ferry_digest digest;
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_digest_of(FERRY_SHA512, "", 0, &digest, &err));
    CHECK_CODE(ferry_verify_new(&inner, &digest, -1, &out, &err), FERRY_EFORMAT);
    assert_null(inner);
    assert_null(out);
}

static void test_blob_verify_says_what_is_wrong(void **state)
{
    static const struct {
        const char *name, *sent, *want;
    } messages[] = {
        { "truncated", "hell", "cut short: expected 5 bytes, found 4" },
        { "one_over", "hello!", "too long: expected 5 bytes, found at least 6" },
        { "bit_flip", "hellp", "wrong bytes: their digest is sha256:" },
    };

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(messages); i++) {
        FERRY_OWNED(ferry_source)
        source = checked((struct script){ messages[i].sent, NULL, 64, false, never, false },
                         "hello");
        struct ferry_err err;

        CHECK_CODE(ferry_source_drain(source, &err), FERRY_EDIGEST);
        CHECK_ROW(messages[i].name, strstr(err.msg, messages[i].want) != NULL);
        CHECK_ROW(messages[i].name, strstr(err.msg, "blob sha256:2cf24dba") == err.msg);
    }
}

static void test_blob_verify_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        size_t len = strlen(rows[i].expected);
        struct ferry_digest digest;
        struct ferry_err err;

        if (rows[i].endless)
            continue;
        CHECK_OK(ferry_digest_of(FERRY_SHA512, rows[i].expected, len, &digest, &err));
        CHECK_ROW(rows[i].name, ferry_verify_bytes(rows[i].sent, strlen(rows[i].sent), &digest,
                                                   (int64_t)len, &err) == (int)rows[i].want);
        CHECK_CODE(ferry_verify_bytes(rows[i].sent, 0, &digest, -1, &err), FERRY_EDIGEST);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blob_verify_withholds_the_last_byte),
        cmocka_unit_test(test_blob_verify_end_stays_the_end),
        cmocka_unit_test(test_blob_verify_failure_is_final),
        cmocka_unit_test(test_blob_verify_copy_commits_the_right_alone),
        cmocka_unit_test(test_blob_verify_drain_and_read_all),
        cmocka_unit_test(test_blob_verify_rewinds_to_every_offset),
        cmocka_unit_test(test_blob_verify_rewinds_after_a_failure),
        cmocka_unit_test(test_blob_verify_passes_must_agree),
        cmocka_unit_test(test_blob_verify_passes_may_break_off),
        cmocka_unit_test(test_blob_verify_first_pass_is_remembered),
        cmocka_unit_test(test_blob_verify_breaks_off_too_often),
        cmocka_unit_test(test_blob_verify_stream_does_not_rewind),
        cmocka_unit_test(test_blob_verify_refuses_negative_sizes),
        cmocka_unit_test(test_blob_verify_says_what_is_wrong),
        cmocka_unit_test(test_blob_verify_bytes),
    };

    return cmocka_run_group_tests_name("blob_verify", tests, NULL, NULL);
}
