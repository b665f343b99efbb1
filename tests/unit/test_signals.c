#include "format/run/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "format/core/cancel.h"
#include "format/core/mem.h"
#include "tests/support/check.h"

/* Signals end processes, so each case is one of its own. Returns what waitpid says of it. */
static int run_child(void (*body)(int), int argument)
{
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        body(argument);
        _exit(99);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static const int stopping[] = { SIGINT, SIGTERM, SIGHUP };

static void first_sets_the_flag(int number)
{
    ferry_signals_install();
    if (ferry_cancelled())
        _exit(1);
    raise(number);
    _exit(ferry_cancelled() ? 0 : 1);
}

static void second_ends(int number)
{
    ferry_signals_install();
    raise(number);
    raise(number);
    _exit(0);
}

static void test_signals_first_asks_second_ends(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(stopping); i++) {
        int status = run_child(second_ends, stopping[i]);

        assert_int_equal(run_child(first_sets_the_flag, stopping[i]), 0);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), stopping[i]);
    }
}

/* Of any kind. */
static void second_of_another_kind_ends(int number)
{
    ferry_signals_install();
    raise(SIGINT);
    raise(number);
    _exit(0);
}

/* A failure may have set the flag: what the user asks for is still the first. */
static void first_after_a_failure_asks(int number)
{
    ferry_signals_install();
    ferry_cancel();
    raise(number);
    _exit(0);
}

static void test_signals_are_counted_not_the_flag(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(stopping); i++) {
        int status = run_child(second_of_another_kind_ends, stopping[i]);

        assert_int_equal(run_child(first_after_a_failure_asks, stopping[i]), 0);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), stopping[i]);
    }
}

/* Until the process sleeps: a signal that came before its read would interrupt nothing. */
static void wait_until_asleep(pid_t pid)
{
    char path[64], line[256], *state;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    do {
        FILE *stat = fopen(path, "r");

        if (!stat)
            _exit(1);
        state = fgets(line, sizeof(line), stat) ? strrchr(line, ')') : NULL;
        fclose(stat);
        usleep(1000);
    } while (state && strncmp(state, ") S", 3) != 0);
}

static void waiting_read_is_interrupted(int number)
{
    int ends[2];
    char byte;
    pid_t parent = getpid();

    ferry_signals_install();
    if (pipe(ends) != 0)
        _exit(1);
    if (fork() == 0) {
        wait_until_asleep(parent);
        kill(parent, number);
        _exit(0);
    }
    _exit(read(ends[0], &byte, 1) < 0 && errno == EINTR && ferry_cancelled() ? 0 : 1);
}

static void test_signals_interrupt_waiting(void **state)
{
    (void)state;
    assert_int_equal(run_child(waiting_read_is_interrupted, SIGTERM), 0);
}

static void ignored_stays_ignored(int number)
{
    signal(number, SIG_IGN);
    ferry_signals_install();
    raise(number);
    raise(number);
    if (ferry_cancelled())
        _exit(1);
    raise(SIGTERM); /* makes the next one end the process, but not one that is ignored */
    raise(number);
    _exit(ferry_cancelled() ? 0 : 1);
}

static void test_signals_nohup_is_respected(void **state)
{
    (void)state;
    assert_int_equal(run_child(ignored_stays_ignored, SIGHUP), 0);
    assert_int_equal(run_child(ignored_stays_ignored, SIGINT), 0);
}

static void closed_pipe_is_an_error(int unused)
{
    int ends[2];

    (void)unused;
    ferry_signals_install();
    if (pipe(ends) != 0)
        _exit(1);
    close(ends[0]);
    _exit(write(ends[1], "x", 1) < 0 && errno == EPIPE ? 0 : 1);
}

static void test_signals_closed_pipe_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(run_child(closed_pipe_is_an_error, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signals_first_asks_second_ends),
        cmocka_unit_test(test_signals_are_counted_not_the_flag),
        cmocka_unit_test(test_signals_interrupt_waiting),
        cmocka_unit_test(test_signals_nohup_is_respected),
        cmocka_unit_test(test_signals_closed_pipe_is_an_error),
    };

    return cmocka_run_group_tests_name("signals", tests, NULL, NULL);
}
