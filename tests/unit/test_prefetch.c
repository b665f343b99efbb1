#include "import/prefetch.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "format/core/blob_impl.h"
#include "tests/support/check.h"

#define LEN 1000
#define BEHIND 100
#define AHEAD 70

static const struct timespec moment = { .tv_nsec = 20000000 };

/* A stream that cannot be read again: byte n is n % 251. */
struct stream {
    struct ferry_source base;
    _Atomic int64_t at;
    int64_t fail_at; /* -1 never */
    bool slow;
    bool *freed;
};

static int stream_read(struct ferry_source *source, void *buf, size_t cap, size_t *got,
                       struct ferry_err *err)
{
    struct stream *s = (struct stream *)source;

    if (s->slow)
        nanosleep(&moment, NULL);
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

/* Of the test that runs. */
static struct stream *stream;
static bool freed;

static struct ferry_source *open_prefetch(int64_t fail_at, bool slow, size_t ahead)
{
    struct ferry_source *source, *prefetch = NULL;
    struct ferry_err err;

    stream = calloc(1, sizeof(*stream));
    assert_non_null(stream);
    freed = false;
    stream->base = (struct ferry_source){ &stream_ops, LEN };
    stream->fail_at = fail_at;
    stream->slow = slow;
    stream->freed = &freed;
    source = &stream->base;
    CHECK_OK(ferry_prefetch_new(&source, BEHIND, ahead, &prefetch, &err));
    assert_null(source);
    assert_int_equal(ferry_source_size(prefetch), LEN);
    return prefetch;
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

/* Back and forth, by every step, with the thread little and far ahead. */
static void go_back(size_t ahead, size_t cap)
{
    struct ferry_source *source = open_prefetch(-1, false, ahead);
    struct ferry_err err;
    uint8_t byte;
    size_t got;

    for (int64_t seen = 0; seen <= LEN; seen += 50) {
        for (int64_t back = 0; back <= BEHIND && back <= seen; back += 25) {
            int64_t at = seen - (seen < 50 ? seen : 50);

            if (seen > 0) /* come to `seen` first, from wherever the last round ended */
                CHECK_OK(ferry_source_rewind(source, at, &err));
            read_to(source, &at, seen, cap);
            CHECK_OK(ferry_source_rewind(source, seen - back, &err));
            at = seen - back;
            read_to(source, &at, seen, cap);
        }
    }
    CHECK_OK(ferry_source_read(source, &byte, 1, &got, &err));
    assert_int_equal(got, 0);
    CHECK_OK(ferry_source_rewind(source, LEN - 3, &err)); /* also from the end */
    read_to(source, &(int64_t){ LEN - 3 }, LEN, cap);
    CHECK_OK(ferry_source_read(source, &byte, 1, &got, &err));
    assert_int_equal(got, 0);
    ferry_source_free(source);
    assert_true(freed);
}

static void test_prefetch_goes_back(void **state)
{
    static const size_t aheads[] = { 1, AHEAD, 2 * LEN };
    static const size_t caps[] = { 1, 7, BEHIND - 1, BEHIND, BEHIND + 1, LEN };

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(aheads); i++)
        for (size_t j = 0; j < FERRY_COUNT(caps); j++)
            go_back(aheads[i], caps[j]);
}

static void test_prefetch_limits(void **state)
{
    FERRY_OWNED(ferry_source) source = open_prefetch(-1, false, AHEAD);
    int64_t at = 0;
    struct ferry_err err = { 0 };

    (void)state;
    CHECK_CODE(ferry_source_rewind(source, 1, &err), FERRY_EIO); /* not read so far */
    CHECK_OK(ferry_source_rewind(source, 0, &err));
    read_to(source, &at, 150, 150);
    CHECK_CODE(ferry_source_rewind(source, 49, &err), FERRY_EIO);
    assert_non_null(strstr(err.msg, "byte 49"));
    CHECK_OK(ferry_source_rewind(source, 50, &err));
    CHECK_CODE(ferry_source_rewind(source, 49, &err), FERRY_EIO); /* it counts from the furthest */
    CHECK_OK(ferry_source_rewind(source, 150, &err)); /* what is kept may be passed over */
    read_to(source, &at, LEN, 13);
}

/* The stream comes to byte `at`, while nobody reads, and not further. */
static void check_stands_at(int64_t at)
{
    for (int i = 0; i < 500 && stream->at != at; i++)
        nanosleep(&moment, NULL);
    nanosleep(&moment, NULL);
    assert_int_equal(stream->at, at);
}

static void test_prefetch_reads_on(void **state)
{
    FERRY_OWNED(ferry_source) source = open_prefetch(-1, false, AHEAD);
    int64_t at = 0;
    struct ferry_err err;

    (void)state;
    check_stands_at(AHEAD);
    read_to(source, &at, 200, 9);
    check_stands_at(200 + AHEAD);
    CHECK_OK(ferry_source_rewind(source, 100, &err));
    at = 100;
    read_to(source, &at, 200, 100); /* again: there is nothing to read on for */
    check_stands_at(200 + AHEAD);
    read_to(source, &at, LEN - 1, 100);
    check_stands_at(LEN);
}

static void test_prefetch_source_fails(void **state)
{
    FERRY_OWNED(ferry_source) source = open_prefetch(40, false, AHEAD);
    int64_t at = 0;
    struct ferry_err err = { 0 };
    uint8_t byte;
    size_t got;

    (void)state;
    check_stands_at(40); /* it has failed, and that is told when it is come to */
    read_to(source, &at, 40, 100);
    CHECK_CODE(ferry_source_read(source, &byte, 1, &got, &err), FERRY_EIO);
    assert_non_null(strstr(err.msg, "the stream broke"));
    CHECK_OK(ferry_source_rewind(source, 10, &err)); /* what was read is there all the same */
    at = 10;
    read_to(source, &at, 40, 100);
    CHECK_CODE(ferry_source_read(source, &byte, 1, &got, &err), FERRY_EIO);
}

/* Whatever its thread is at: waiting for room, or in a read. */
static void test_prefetch_freed_early(void **state)
{
    (void)state;
    for (int slow = 0; slow < 2; slow++) {
        struct ferry_source *source = open_prefetch(-1, slow, AHEAD);
        int64_t at = 0;

        read_to(source, &at, 150, 10);
        ferry_source_free(source);
        assert_true(freed);
        ferry_source_free(open_prefetch(-1, slow, AHEAD));
        assert_true(freed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prefetch_goes_back),   cmocka_unit_test(test_prefetch_limits),
        cmocka_unit_test(test_prefetch_reads_on),    cmocka_unit_test(test_prefetch_source_fails),
        cmocka_unit_test(test_prefetch_freed_early),
    };

    return cmocka_run_group_tests_name("prefetch", tests, NULL, NULL);
}
