#include "format/core/blob_replay.h"

#include <inttypes.h>
#include <string.h>

#include "format/core/blob_impl.h"
#include "tests/support/check.h"

#define LEN 1000
#define WINDOW 100

/* A stream that cannot be read again: byte n is n % 251. */
struct stream {
    struct ferry_source base;
    int64_t at;
    int64_t fail_at; /* -1 never */
    bool *freed;
};

static int stream_read(struct ferry_source *source, void *buf, size_t cap, size_t *got,
                       struct ferry_err *err)
{
    struct stream *s = (struct stream *)source;

    if (s->at == s->fail_at)
        return ferry_fail(err, FERRY_EIO, "the stream broke");
    while (*got < cap && s->at < s->base.size && s->at != s->fail_at)
        ((uint8_t *)buf)[(*got)++] = (uint8_t)(s->at++ % 251);
    return 0;
}

static void stream_free(struct ferry_source *source)
{
    *((struct stream *)source)->freed = true;
    free(source);
}

static const struct ferry_source_ops stream_ops = { stream_read, NULL, stream_free };

static struct ferry_source *open_replay(int64_t fail_at, bool *freed)
{
    struct stream *s = calloc(1, sizeof(*s));
    struct ferry_source *source = &s->base, *replay = NULL;
    struct ferry_err err;

    *freed = false;
    *s = (struct stream){ .base = { &stream_ops, LEN }, .fail_at = fail_at, .freed = freed };
    CHECK_OK(ferry_replay_new(&source, WINDOW, &replay, &err));
    assert_null(source);
    assert_int_equal(ferry_source_size(replay), LEN);
    return replay;
}

/* Reads up to byte `end` in steps of at most `cap`; every byte is the right one. */
static void read_to(struct ferry_source *source, int64_t *at, int64_t end, size_t cap)
{
    uint8_t buf[LEN];
    struct ferry_err err;
    size_t got;

    while (*at < end) {
        size_t want = end - *at < (int64_t)cap ? (size_t)(end - *at) : cap;

        CHECK_OK(ferry_source_read(source, buf, want, &got, &err));
        assert_in_range(got, 1, want);
        for (size_t i = 0; i < got; i++)
            assert_int_equal(buf[i], (*at + (int64_t)i) % 251);
        *at += (int64_t)got;
    }
}

static void test_replay_goes_back(void **state)
{
    static const size_t caps[] = { 1, 7, WINDOW - 1, WINDOW, WINDOW + 1, LEN };

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(caps); i++) {
        bool freed;
        struct ferry_source *source = open_replay(-1, &freed);
        struct ferry_err err;
        uint8_t byte;
        size_t got;

        for (int64_t seen = 0; seen <= LEN; seen += 50) {
            for (int64_t back = 0; back <= WINDOW && back <= seen; back += 25) {
                int64_t at = seen - back;

                if (seen > 0) /* come to `seen` first, from wherever the last round ended */
                    CHECK_OK(ferry_source_rewind(source, seen - (seen < 50 ? seen : 50), &err));
                at = seen - (seen < 50 ? seen : 50);
                read_to(source, &at, seen, caps[i]);
                CHECK_OK(ferry_source_rewind(source, seen - back, &err));
                at = seen - back;
                read_to(source, &at, seen, caps[i]);
            }
        }
        CHECK_OK(ferry_source_read(source, &byte, 1, &got, &err));
        assert_int_equal(got, 0);
        CHECK_OK(ferry_source_rewind(source, LEN - 3, &err)); /* also from the end */
        read_to(source, &(int64_t){ LEN - 3 }, LEN, caps[i]);
        CHECK_OK(ferry_source_read(source, &byte, 1, &got, &err));
        assert_int_equal(got, 0);
        ferry_source_free(source);
        assert_true(freed);
    }
}

static void test_replay_limits(void **state)
{
    bool freed;
    FERRY_OWNED(ferry_source) source = open_replay(-1, &freed);
    int64_t at = 0;
    struct ferry_err err = { 0 };

    (void)state;
    CHECK_CODE(ferry_source_rewind(source, 1, &err), FERRY_EIO); /* ahead */
    CHECK_OK(ferry_source_rewind(source, 0, &err));
    read_to(source, &at, 150, 150);
    CHECK_CODE(ferry_source_rewind(source, 49, &err), FERRY_EIO);
    assert_non_null(strstr(err.msg, "byte 49"));
    CHECK_OK(ferry_source_rewind(source, 50, &err));
    CHECK_OK(ferry_source_rewind(source, 150, &err)); /* what is kept may be passed over */
    read_to(source, &at, LEN, 13);
}

static void test_replay_source_fails(void **state)
{
    bool freed;
    FERRY_OWNED(ferry_source) source = open_replay(40, &freed);
    int64_t at = 0;
    struct ferry_err err = { 0 };
    uint8_t byte;
    size_t got;

    (void)state;
    read_to(source, &at, 40, 100);
    CHECK_CODE(ferry_source_read(source, &byte, 1, &got, &err), FERRY_EIO);
    CHECK_OK(ferry_source_rewind(source, 10, &err)); /* what was read is there all the same */
    at = 10;
    read_to(source, &at, 40, 100);
    CHECK_CODE(ferry_source_read(source, &byte, 1, &got, &err), FERRY_EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replay_goes_back),
        cmocka_unit_test(test_replay_limits),
        cmocka_unit_test(test_replay_source_fails),
    };

    return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
