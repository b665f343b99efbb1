#include "format/core/blob_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "format/core/cancel.h"
#include "tests/support/check.h"

/* A file without a name that holds `text`; its offset is at the end. */
static int file_with(const char *text)
{
    int fd = memfd_create("test", 0);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    return fd;
}

static void check_content(struct ferry_source *source, const char *want)
{
    FERRY_OWNED_BUF buf;
    struct ferry_err err;

    ferry_buf_init(&buf, 1 << 20);
    CHECK_OK(ferry_source_read_all(source, &buf, &err));
    assert_int_equal(buf.len, strlen(want));
    assert_memory_equal(buf.data, want, buf.len);
}

static void test_blob_file_regular(void **state)
{
    FERRY_OWNED(ferry_source) source = NULL;
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_source_fd(file_with("hello, world"), &source, &err));
    assert_int_equal(ferry_source_size(source), 12);
    check_content(source, "hello, world");
    CHECK_OK(ferry_source_rewind(source, 7, &err));
    check_content(source, "world");
    CHECK_OK(ferry_source_rewind(source, 0, &err));
    check_content(source, "hello, world");
}

static void test_blob_file_empty(void **state)
{
    FERRY_OWNED(ferry_source) source = NULL;
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_source_fd(file_with(""), &source, &err));
    assert_int_equal(ferry_source_size(source), 0);
    check_content(source, "");
}

static void test_blob_file_takes_the_descriptor(void **state)
{
    struct ferry_source *source = NULL;
    struct ferry_err err;
    int fd = file_with("x");

    (void)state;
    CHECK_OK(ferry_source_fd(fd, &source, &err));
    assert_true(fcntl(fd, F_GETFD) >= 0);
    ferry_source_free(source);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    ferry_source_free(NULL);
}

static void test_blob_file_pipe_is_one_pass(void **state)
{
    FERRY_OWNED(ferry_source) source = NULL;
    struct ferry_err err;
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "hello", 5), 5);
    close(ends[1]);
    CHECK_OK(ferry_source_fd(ends[0], &source, &err));
    assert_int_equal(ferry_source_size(source), -1);
    check_content(source, "hello");
    CHECK_CODE(ferry_source_rewind(source, 0, &err), FERRY_EIO);
}

static void test_blob_file_bad_descriptors(void **state)
{
    struct ferry_source *source = NULL;
    struct ferry_err err;
    size_t got;
    int fd = open("/dev/null", O_WRONLY);
    char byte;

    (void)state;
    assert_true(fd >= 0);
    CHECK_CODE(ferry_source_fd(-1, &source, &err), FERRY_EIO);
    assert_null(source);
    assert_non_null(strstr(err.msg, strerror(EBADF)));
    CHECK_CODE(ferry_fd_read(fd, &byte, 1, &got, &err), FERRY_EIO);
    assert_non_null(strstr(err.msg, strerror(EBADF)));
    close(fd);
    CHECK_CODE(ferry_fd_write(fd, "x", 1, &err), FERRY_EIO);
    CHECK_OK(ferry_fd_write(fd, "", 0, &err)); /* nothing to do needs no descriptor */
}

static void test_blob_file_no_space(void **state)
{
    struct ferry_err err;
    int fd = open("/dev/full", O_WRONLY);

    (void)state;
    if (fd < 0)
        skip();
    CHECK_CODE(ferry_fd_write(fd, "x", 1, &err), FERRY_EIO);
    assert_non_null(strstr(err.msg, strerror(ENOSPC)));
    close(fd);
}

static void test_blob_file_memory(void **state)
{
    FERRY_OWNED(ferry_source) source = NULL;
    struct ferry_err err;
    char buf[16];
    size_t got;

    (void)state;
    CHECK_OK(ferry_source_memory("hello", 5, &source, &err));
    assert_int_equal(ferry_source_size(source), 5);
    CHECK_OK(ferry_source_read(source, buf, 2, &got, &err));
    assert_int_equal(got, 2);
    check_content(source, "llo");
    CHECK_OK(ferry_source_rewind(source, 4, &err));
    check_content(source, "o");
    CHECK_OK(ferry_source_rewind(source, 5, &err));
    check_content(source, "");
}

static void test_blob_file_empty_memory(void **state)
{
    FERRY_OWNED(ferry_source) source = NULL;
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_source_memory(NULL, 0, &source, &err));
    check_content(source, "");
}

static void test_blob_file_read_all_is_bounded(void **state)
{
    FERRY_OWNED(ferry_source) source = NULL;
    FERRY_OWNED_BUF buf;
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_source_memory("hello", 5, &source, &err));
    ferry_buf_init(&buf, 4);
    CHECK_CODE(ferry_source_read_all(source, &buf, &err), FERRY_ELIMIT);
}

static void test_blob_file_skip(void **state)
{
    static const struct {
        int64_t count, lacking;
        const char *left;
    } rows[] = { { 0, 0, "hello" }, { 2, 0, "llo" }, { 5, 0, "" }, { 7, 2, "" } };

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        FERRY_OWNED(ferry_source) source = NULL;
        int64_t lacking = -1;
        struct ferry_err err;

        CHECK_OK(ferry_source_memory("hello", 5, &source, &err));
        CHECK_OK(ferry_source_skip(source, rows[i].count, &lacking, &err));
        assert_int_equal(lacking, rows[i].lacking);
        check_content(source, rows[i].left);
    }
}

static void on_alarm(int number)
{
    (void)number;
}

/* An interruption alone ends nothing: the byte that comes after it is read. */
static void test_blob_file_waits_out_interruptions(void **state)
{
    struct sigaction action = { .sa_handler = on_alarm };
    struct ferry_err err;
    size_t got;
    int ends[2];
    char byte;
    pid_t child;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        for (int i = 0; i < 5; i++) {
            usleep(10000);
            kill(getppid(), SIGUSR1);
        }
        _exit(write(ends[1], "x", 1) == 1 ? 0 : 1);
    }
    close(ends[1]);
    CHECK_OK(ferry_fd_read(ends[0], &byte, 1, &got, &err));
    assert_int_equal(got, 1);
    close(ends[0]);
    waitpid(child, NULL, 0);
}

/* In a child, for the flag is never taken back. */
static void test_blob_file_stops_when_cancelled(void **state)
{
    int status;
    pid_t child;

    (void)state;
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct ferry_source *source = NULL;
        struct ferry_err err;
        size_t got;
        char byte;
        bool right;

        ferry_cancel();
        right = ferry_cancelled() && ferry_cancel_check(&err) == FERRY_ECANCEL &&
                ferry_fd_read(STDIN_FILENO, &byte, 1, &got, &err) == FERRY_ECANCEL &&
                ferry_source_memory("x", 1, &source, &err) == 0 &&
                ferry_source_drain(source, &err) == FERRY_ECANCEL;
        ferry_source_free(source);
        _exit(right ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blob_file_regular),
        cmocka_unit_test(test_blob_file_empty),
        cmocka_unit_test(test_blob_file_takes_the_descriptor),
        cmocka_unit_test(test_blob_file_pipe_is_one_pass),
        cmocka_unit_test(test_blob_file_bad_descriptors),
        cmocka_unit_test(test_blob_file_no_space),
        cmocka_unit_test(test_blob_file_memory),
        cmocka_unit_test(test_blob_file_empty_memory),
        cmocka_unit_test(test_blob_file_read_all_is_bounded),
        cmocka_unit_test(test_blob_file_skip),
        cmocka_unit_test(test_blob_file_waits_out_interruptions),
        cmocka_unit_test(test_blob_file_stops_when_cancelled),
    };

    return cmocka_run_group_tests_name("blob_file", tests, NULL, NULL);
}
