#include "format/run/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "format/core/cancel.h"
#include "format/core/mem.h"
#include "tests/support/check.h"

#define COUNT 200

struct work {
    _Atomic int calls[COUNT];
    _Atomic size_t highest; /* + 1 */
    _Atomic int running;
    _Atomic int most_running;
    size_t fail_from, fail_to; /* the indexes [from, to) fail */
    pthread_t caller;
    _Atomic bool in_caller;
};

static void raise_to(_Atomic int *most, int value)
{
    int seen = atomic_load(most);

    while (seen < value && !atomic_compare_exchange_weak(most, &seen, value))
        ;
}

static int count_call(void *ctx, size_t index, struct ferry_err *err)
{
    struct work *w = ctx;

    raise_to(&w->most_running, atomic_fetch_add(&w->running, 1) + 1);
    atomic_fetch_add(&w->calls[index], 1);
    if (pthread_equal(pthread_self(), w->caller))
        atomic_store(&w->in_caller, true);
    usleep(200);
    atomic_fetch_sub(&w->running, 1);
    if (index >= w->fail_from && index < w->fail_to)
        return ferry_fail(err, FERRY_EIO, "index %zu", index);
    return 0;
}

static const int job_rows[] = { -1, 0, 1, 2, 3, 8, COUNT + 5 };

static void test_pool_calls_each_index_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(job_rows); i++) {
        struct work w = { .fail_from = COUNT, .caller = pthread_self() };
        struct ferry_err err;

        CHECK_OK(ferry_pool_run(job_rows[i], COUNT, count_call, &w, &err));
        for (size_t n = 0; n < COUNT; n++)
            assert_int_equal(w.calls[n], 1);
        assert_true(w.most_running <= (job_rows[i] < 1 ? 1 : job_rows[i]));
        assert_int_equal(w.in_caller, job_rows[i] <= 1);
    }
}

static void test_pool_uses_its_jobs(void **state)
{
    struct work w = { .fail_from = COUNT };
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_pool_run(4, COUNT, count_call, &w, &err));
    assert_true(w.most_running > 1);
}

static void test_pool_one_index_runs_in_the_caller(void **state)
{
    struct work w = { .fail_from = COUNT, .caller = pthread_self() };
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_pool_run(8, 1, count_call, &w, &err));
    assert_true(w.in_caller);
}

static void test_pool_of_nothing(void **state)
{
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_pool_run(8, 0, count_call, NULL, &err));
}

static void test_pool_lowest_failure_is_returned(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(job_rows); i++) {
        size_t jobs = job_rows[i] < 1 ? 1 : (size_t)job_rows[i];
        struct work w = { .fail_from = 50, .fail_to = COUNT };
        struct ferry_err err;

        CHECK_CODE(ferry_pool_run(job_rows[i], COUNT, count_call, &w, &err), FERRY_EIO);
        assert_string_equal(err.msg, "index 50");
        for (size_t n = 0; n <= 50; n++)
            assert_int_equal(w.calls[n], 1);
        for (size_t n = 50 + jobs; n < COUNT; n++) /* those that were running already may end */
            assert_int_equal(w.calls[n], 0);
    }
}

/* The first fails last: what is returned goes by index, not by time. */
static int fail_late(void *ctx, size_t index, struct ferry_err *err)
{
    (void)ctx;
    usleep(index == 0 ? 50000 : 1000);
    return ferry_fail(err, FERRY_ENET, "index %zu", index);
}

static void test_pool_failure_goes_by_index(void **state)
{
    struct ferry_err err;

    (void)state;
    CHECK_CODE(ferry_pool_run(3, 10, fail_late, NULL, &err), FERRY_ENET);
    assert_string_equal(err.msg, "index 0");
}

static int look_at_mask(void *ctx, size_t index, struct ferry_err *err)
{
    sigset_t mask;

    (void)ctx;
    (void)index;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    if (!sigismember(&mask, SIGINT) || !sigismember(&mask, SIGTERM) || !sigismember(&mask, SIGHUP))
        return ferry_fail(err, FERRY_EIO, "a worker takes signals");
    return 0;
}

static void test_pool_workers_take_no_signals(void **state)
{
    struct ferry_err err;
    sigset_t mask;

    (void)state;
    CHECK_OK(ferry_pool_run(4, 20, look_at_mask, NULL, &err));
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    assert_false(sigismember(&mask, SIGINT));
}

static int cancel_at_ten(void *ctx, size_t index, struct ferry_err *err)
{
    (void)err;
    atomic_fetch_add((_Atomic int *)ctx, 1);
    if (index == 10)
        ferry_cancel();
    usleep(200);
    return 0;
}

/* In a child, for the flag is never taken back. */
static void test_pool_stops_when_cancelled(void **state)
{
    (void)state;
    for (int jobs = 1; jobs <= 4; jobs += 3) {
        int status;
        pid_t child = fork();

        assert_true(child >= 0);
        if (child == 0) {
            struct ferry_err err;
            _Atomic int calls = 0;
            int rc = ferry_pool_run(jobs, COUNT, cancel_at_ten, &calls, &err);

            _exit(rc == FERRY_ECANCEL && calls >= 11 && calls < 11 + jobs ? 0 : 1);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pool_calls_each_index_once),
        cmocka_unit_test(test_pool_uses_its_jobs),
        cmocka_unit_test(test_pool_one_index_runs_in_the_caller),
        cmocka_unit_test(test_pool_of_nothing),
        cmocka_unit_test(test_pool_lowest_failure_is_returned),
        cmocka_unit_test(test_pool_failure_goes_by_index),
        cmocka_unit_test(test_pool_workers_take_no_signals),
        cmocka_unit_test(test_pool_stops_when_cancelled),
    };

    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
