#include "format/run/output_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/check.h"
#include "tests/support/sample.h"

static void check_text(const char *path, const char *want)
{
    size_t len;
    FERRY_OWNED_MEM char *text = sample_read(path, &len);

    assert_int_equal(len, strlen(want));
    assert_memory_equal(text, want, len);
}

static void test_output_file_takes_its_name_last(void **state)
{
    FERRY_OWNED(ferry_output_file) file = NULL;
    struct ferry_err err;

    (void)state;
    sample_write("a", "old", 3);
    CHECK_OK(ferry_output_file_open("a", &file, &err));
    assert_int_equal(access("a.partial", F_OK), 0);
    check_text("a", "old");
    CHECK_OK(ferry_output_file_finish(file, "new", 3, &err));
    check_text("a", "new");
    assert_int_not_equal(access("a.partial", F_OK), 0);
}

static void test_output_file_leaves_nothing(void **state)
{
    struct ferry_output_file *file;
    struct ferry_err err;

    (void)state;
    sample_write("b", "old", 3);
    sample_write("b.partial", "of a run that was killed", 24);
    CHECK_OK(ferry_output_file_open("b", &file, &err));
    ferry_output_file_free(file);
    check_text("b", "old");
    assert_int_not_equal(access("b.partial", F_OK), 0);
    ferry_output_file_free(NULL);
}

static void test_output_file_where_it_cannot_be(void **state)
{
    static const char *const places[] = { "not/there", ".", "" };
    struct ferry_output_file *file = NULL;
    struct ferry_err err;

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(places); i++) {
        CHECK_CODE(ferry_output_file_open(places[i], &file, &err), FERRY_EIO);
        assert_non_null(strstr(err.msg, "cannot write"));
        assert_null(file);
    }
}

/* What is there and no regular file is written to, not replaced. */
static void test_output_file_special(void **state)
{
    FERRY_OWNED(ferry_output_file) file = NULL;
    struct ferry_err err;
    struct stat st;
    char got[4] = "";
    int fd;

    (void)state;
    assert_int_equal(mkfifo("pipe", 0600), 0);
    fd = open("pipe", O_RDWR | O_CLOEXEC);
    CHECK_OK(ferry_output_file_open("pipe", &file, &err));
    CHECK_OK(ferry_output_file_finish(file, "new", 3, &err));
    assert_int_equal(read(fd, got, 3), 3);
    assert_string_equal(got, "new");
    assert_int_equal(stat("pipe", &st), 0);
    assert_true(S_ISFIFO(st.st_mode));
    close(fd);
}

static void test_output_file_stdout(void **state)
{
    FERRY_OWNED(ferry_output_file) file = NULL;
    struct ferry_err err;
    int before = dup(STDOUT_FILENO), fd = open("out", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    int rc;

    (void)state;
    assert_int_equal(fflush(stdout), 0);
    assert_int_equal(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
    printf("first ");
    rc = ferry_output_file_open("-", &file, &err);
    if (rc == 0)
        rc = ferry_output_file_finish(file, "then", 4, &err);
    assert_int_equal(dup2(before, STDOUT_FILENO), STDOUT_FILENO);
    close(before);
    close(fd);
    CHECK_OK(rc);
    check_text("out", "first then");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output_file_takes_its_name_last),
        cmocka_unit_test(test_output_file_leaves_nothing),
        cmocka_unit_test(test_output_file_where_it_cannot_be),
        cmocka_unit_test(test_output_file_special),
        cmocka_unit_test(test_output_file_stdout),
    };

    return cmocka_run_group_tests_name("output_file", tests, sample_enter_folder,
                                       sample_leave_folder);
}
