#include "tests/support/check.h"

#include <string.h>

static void test_err_wrap_reads_from_the_outside_in(void **state)
{
    struct ferry_err err;

    (void)state;
    assert_int_equal(ferry_fail(&err, FERRY_EIO, "no space on %s", "disk"), FERRY_EIO);
    assert_int_equal(ferry_wrap(&err, "blob %d", 7), FERRY_EIO);
    assert_int_equal(ferry_wrap(&err, "export"), FERRY_EIO);
    assert_int_equal(err.code, FERRY_EIO);
    assert_string_equal(err.msg, "export: blob 7: no space on disk");
}

static void test_err_long_messages_are_cut(void **state)
{
    struct ferry_err err;
    char longer[FERRY_ERR_MAX + 50];

    (void)state;
    memset(longer, 'x', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    ferry_fail(&err, FERRY_EIO, "%s", longer);
    assert_int_equal(strlen(err.msg), FERRY_ERR_MAX - 1);
    ferry_wrap(&err, "outer");
    assert_int_equal(strlen(err.msg), FERRY_ERR_MAX - 1);
    assert_memory_equal(err.msg, "outer: xxx", 10);
    ferry_wrap(&err, "%s", longer);
    assert_int_equal(strlen(err.msg), FERRY_ERR_MAX - 1);
    assert_int_equal(err.code, FERRY_EIO);
}

/* Around the place where ": " and the inner text stop fitting. */
static void test_err_wrap_at_every_length(void **state)
{
    struct ferry_err err;
    char outer[FERRY_ERR_MAX + 4];

    (void)state;
    for (size_t len = FERRY_ERR_MAX - 8; len < FERRY_ERR_MAX + 3; len++) {
        memset(outer, 'o', len);
        outer[len] = '\0';
        ferry_fail(&err, FERRY_ENET, "inner");
        assert_int_equal(ferry_wrap(&err, "%s", outer), FERRY_ENET);
        assert_true(strlen(err.msg) < FERRY_ERR_MAX);
        assert_memory_equal(err.msg, outer, FERRY_ERR_MAX - 8);
    }
}

static const struct {
    const char *name, *text, *want;
} clean_rows[] = {
    { "plain", "a b", "a b" },
    { "escape", "\033[2J", "?[2J" },
    { "newline_tab_delete", "a\nb\tc\x7f", "a?b?c?" },
    { "c1",
      "a\xc2\x9b"
      "31m",
      "a??31m" },
    { "utf8_stays", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x9a\xa2 \xc2\xa0",
      "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x9a\xa2 \xc2\xa0" },
    { "turned",
      "a\xe2\x80\xae"
      "b\xe2\x81\xa6\xe2\x80\x8f",
      "a???b??????" },
    { "line_separator", "a\xe2\x80\xa9", "a???" },
    { "beside_those", "\xe2\x80\x8d\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa\xef\xbf\xbd",
      "\xe2\x80\x8d\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa\xef\xbf\xbd" },
    { "no_character", "\xef\xbf\xbe\xef\xbf\xbf", "??????" },
    { "stray_byte", "\x9bx\xff", "?x?" },
    { "cut_two", "a\xc3", "a?" },
    { "cut_four", "\xf0\x9f\x9a", "???" },
    { "overlong", "\xc0\xaf\xe0\x80\xaf\xf0\x80\x80\xaf", "?????????" },
    { "surrogate", "\xed\xa0\x80", "???" },
    { "past_the_last", "\xf4\x90\x80\x80\xf5", "?????" },
    { "empty", "", "" },
};

static void test_err_messages_are_clean(void **state)
{
    struct ferry_err err;

    (void)state;
    for (size_t i = 0; i < sizeof(clean_rows) / sizeof(clean_rows[0]); i++) {
        ferry_fail(&err, FERRY_EFORMAT, "%s", clean_rows[i].text);
        CHECK_ROW(clean_rows[i].name, strcmp(err.msg, clean_rows[i].want) == 0);
    }
    ferry_fail(&err, FERRY_EFORMAT, "inner");
    ferry_wrap(&err, "a\033b");
    assert_string_equal(err.msg, "a?b: inner");
}

/* The cut may fall into a character; what is left must be UTF-8 all the same. */
static void test_err_cut_characters_are_clean(void **state)
{
    struct ferry_err err;
    char text[FERRY_ERR_MAX + 8];

    (void)state;
    memset(text, 'x', sizeof(text));
    memcpy(text + FERRY_ERR_MAX - 3, "\xe2\x82\xac", 4);
    ferry_fail(&err, FERRY_EIO, "%s", text);
    assert_string_equal(err.msg + FERRY_ERR_MAX - 4, "x??");
}

static const struct {
    enum ferry_code code;
    int status;
} status_rows[] = {
    { FERRY_OK, 0 },      { FERRY_ENOMEM, 1 }, { FERRY_EUSAGE, 2 },    { FERRY_EIO, 1 },
    { FERRY_ENET, 5 },    { FERRY_EAUTH, 4 },  { FERRY_ENOTFOUND, 1 }, { FERRY_EDIGEST, 3 },
    { FERRY_EFORMAT, 3 }, { FERRY_ELIMIT, 3 }, { FERRY_ECANCEL, 1 },   { FERRY_ESTALL, 5 },
};

static void test_err_exit_statuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(status_rows) / sizeof(status_rows[0]); i++) {
        int status = ferry_exit_status(status_rows[i].code);

        assert_int_equal(status, status_rows[i].status);
        assert_non_null(ferry_exit_text(status));
    }
    assert_int_equal(ferry_exit_status((enum ferry_code) - 99), FERRY_EXIT_FAILED);
    assert_non_null(ferry_exit_text(FERRY_EXIT_PARTIAL));
    assert_null(ferry_exit_text(FERRY_EXIT_PARTIAL + 1));
    assert_null(ferry_exit_text(-1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_err_wrap_reads_from_the_outside_in),
        cmocka_unit_test(test_err_long_messages_are_cut),
        cmocka_unit_test(test_err_wrap_at_every_length),
        cmocka_unit_test(test_err_messages_are_clean),
        cmocka_unit_test(test_err_cut_characters_are_clean),
        cmocka_unit_test(test_err_exit_statuses),
    };

    return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
