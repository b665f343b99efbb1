#include "format/oci/mapping.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/check.h"
#include "tests/support/sample.h"

#define FILE_NAME "list.txt"

static const struct {
    const char *name, *text;
    size_t count;
    struct {
        const char *source, *destination;
        size_t number;
    } lines[3];
} good_rows[] = {
    { "empty", "", 0, { { 0 } } },
    { "blank_lines", "\n \n\t\n\r\n", 0, { { 0 } } },
    { "source", "debian:12\n", 1, { { "debian:12", NULL, 1 } } },
    { "no_newline", "debian:12", 1, { { "debian:12", NULL, 1 } } },
    { "crlf", "a b\r\nc\r\n", 2, { { "a", "b", 1 }, { "c", NULL, 2 } } },
    { "pair", "q.io/a:1 r.io/b:2\n", 1, { { "q.io/a:1", "r.io/b:2", 1 } } },
    { "byte_order_mark", "\xef\xbb\xbfq.io/a:1\n", 1, { { "q.io/a:1", NULL, 1 } } },
    { "tabs", "\ta\t\tb\t\n", 1, { { "a", "b", 1 } } },
    { "equals", "q.io/a:1=r.io/b:2\n", 1, { { "q.io/a:1", "r.io/b:2", 1 } } },
    { "pairs", "a=b c=d\n", 2, { { "a", "b", 1 }, { "c", "d", 1 } } },
    { "destinations", "a b  c\nd e\n", 3, { { "a", "b", 1 }, { "a", "c", 1 }, { "d", "e", 2 } } },
    { "comments",
      "# all\n  # more\na:1 # why\nb:1 #\n",
      2,
      { { "a:1", NULL, 3 }, { "b:1", NULL, 4 } } },
    { "hash_inside", "a b#c=d\n", 1, { { "a", "b", 1 } } },
    { "digest", "a@sha256:00=b\n", 1, { { "a@sha256:00", "b", 1 } } },
};

static void test_mapping_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(good_rows); i++) {
        FERRY_OWNED(ferry_mapping) m = NULL;
        const char *name = good_rows[i].name;
        struct ferry_err err;

        sample_write(FILE_NAME, good_rows[i].text, strlen(good_rows[i].text));
        if (ferry_mapping_read(FILE_NAME, &m, &err) < 0)
            fail_msg("row \"%s\": %s", name, err.msg);
        assert_string_equal(m->name, FILE_NAME);
        CHECK_ROW(name, m->count == good_rows[i].count);
        for (size_t k = 0; k < m->count; k++) {
            const char *want = good_rows[i].lines[k].destination;

            CHECK_ROW(name, strcmp(m->lines[k].source, good_rows[i].lines[k].source) == 0);
            CHECK_ROW(name, (m->lines[k].destination == NULL) == (want == NULL));
            if (want)
                CHECK_ROW(name, strcmp(m->lines[k].destination, want) == 0);
            CHECK_ROW(name, m->lines[k].number == good_rows[i].lines[k].number);
        }
    }
}

static const struct {
    const char *name, *text;
    size_t len;
} bad_rows[] = {
    { "two_equals", "ok\na=b=c\n", 9 },    { "pair_and_more", "ok\na=b c\n", 9 },
    { "more_and_pair", "ok\na b=c\n", 9 }, { "equals_with_blanks", "ok\na = b\n", 9 },
    { "no_source", "ok\n=b\n", 6 },        { "no_destination", "ok\na=\n", 6 },
    { "nul", "ok\na\0b c\n", 9 },          { "nul_first", "ok\n\0b\n", 6 },
};

static void test_mapping_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(bad_rows); i++) {
        FERRY_OWNED(ferry_mapping) m = NULL;
        struct ferry_err err = { 0 };

        sample_write(FILE_NAME, bad_rows[i].text, bad_rows[i].len);
        CHECK_ROW(bad_rows[i].name, ferry_mapping_read(FILE_NAME, &m, &err) == FERRY_EUSAGE && !m);
        CHECK_ROW(bad_rows[i].name, strncmp(err.msg, FILE_NAME ": line 2: ", 18) == 0);
    }
}

/* Neither a file without end nor a list without end is taken in. */
static void test_mapping_limits(void **state)
{
    FERRY_OWNED_MEM char *text = calloc(2, FERRY_MAPPING_LINES_MAX + 1);
    FERRY_OWNED(ferry_mapping) m = NULL;
    struct ferry_err err = { 0 };

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i <= FERRY_MAPPING_LINES_MAX; i++)
        memcpy(text + 2 * i, "a\n", 2);
    sample_write(FILE_NAME, text, 2 * (size_t)FERRY_MAPPING_LINES_MAX);
    CHECK_OK(ferry_mapping_read(FILE_NAME, &m, &err));
    assert_int_equal(m->count, FERRY_MAPPING_LINES_MAX);
    ferry_mapping_free(ferry_steal(&m));
    sample_write(FILE_NAME, text, 2 * (size_t)(FERRY_MAPPING_LINES_MAX + 1));
    CHECK_CODE(ferry_mapping_read(FILE_NAME, &m, &err), FERRY_EUSAGE);
    assert_non_null(strstr(err.msg, "line 100001: more than 100000 references"));
    CHECK_CODE(ferry_mapping_read("/dev/zero", &m, &err), FERRY_EUSAGE);
    assert_string_equal(err.msg, "/dev/zero: more than the limit of 33554432 bytes");
}

static void test_mapping_files(void **state)
{
    FERRY_OWNED(ferry_mapping) m = NULL;
    struct ferry_err err = { 0 };
    int before = dup(STDIN_FILENO), file;

    (void)state;
    CHECK_CODE(ferry_mapping_read("not/there", &m, &err), FERRY_EUSAGE);
    assert_non_null(strstr(err.msg, "not/there: No such file"));
    CHECK_CODE(ferry_mapping_read(".", &m, &err), FERRY_EIO);
    sample_write(FILE_NAME, "a b\n", 4);
    file = open(FILE_NAME, O_RDONLY | O_CLOEXEC);
    assert_int_equal(dup2(file, STDIN_FILENO), STDIN_FILENO);
    CHECK_OK(ferry_mapping_read("-", &m, &err));
    assert_string_equal(m->name, "stdin");
    assert_string_equal(m->lines[0].destination, "b");
    assert_int_equal(dup2(before, STDIN_FILENO), STDIN_FILENO);
    close(file);
    close(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mapping_good),
        cmocka_unit_test(test_mapping_bad),
        cmocka_unit_test(test_mapping_limits),
        cmocka_unit_test(test_mapping_files),
    };

    return cmocka_run_group_tests_name("mapping", tests, sample_enter_folder, sample_leave_folder);
}
