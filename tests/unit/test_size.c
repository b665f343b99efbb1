#include "format/core/mem.h"
#include "format/core/size.h"
#include "format/run/opt.h"

#include <string.h>

#include "tests/support/check.h"

static const struct {
    const char *name, *text;
    int64_t want;
} good_rows[] = {
    { "bytes", "65536", 65536 },
    { "bytes_by_name", "65536B", 65536 },
    { "one", "1", 1 },
    { "leading_zeros", "007", 7 },
    { "k", "1K", 1024 },
    { "m", "3M", 3 << 20 },
    { "g", "4G", INT64_C(4) << 30 },
    { "t", "2T", INT64_C(2) << 40 },
    { "kib", "1KiB", 1024 },
    { "mib", "700MiB", INT64_C(700) << 20 },
    { "gib", "1GiB", INT64_C(1) << 30 },
    { "tib", "1TiB", INT64_C(1) << 40 },
    { "kb", "1KB", 1000 },
    { "mb", "4700MB", INT64_C(4700000000) },
    { "gb", "25GB", INT64_C(25000000000) },
    { "tb", "1TB", INT64_C(1000000000000) },
    { "lower_case", "5g", INT64_C(5) << 30 },
    { "lower_case_kb", "5kB", 5000 },
    { "largest", "9223372036854775807", INT64_MAX },
    { "largest_t", "8388607T", INT64_C(8388607) << 40 },
};

static const struct {
    const char *name, *text;
} bad_rows[] = {
    { "empty", "" },
    { "zero", "0" },
    { "zero_with_unit", "0G" },
    { "negative", "-1" },
    { "plus", "+1" },
    { "blank_before", " 1" },
    { "blank_after", "1 " },
    { "blank_between", "1 G" },
    { "unit_alone", "G" },
    { "unknown_unit", "1X" },
    { "unknown_unit_letter", "1Kx" },
    { "unit_and_more", "1KiBs" },
    { "ib_alone", "1iB" },
    { "two_units", "1KM" },
    { "fraction", "1.5G" },
    { "hexadecimal", "0x10" },
    { "exponent", "1e9" },
    { "past_the_largest", "9223372036854775808" },
    { "far_past", "99999999999999999999999999999999" },
    { "past_with_unit", "8388608T" },
    { "far_past_with_unit", "9223372036854775807K" },
};

static void test_size_parses(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(good_rows); i++) {
        struct ferry_err err = { 0 };
        int64_t size = -1;
        int rc = ferry_size_parse(good_rows[i].text, &size, &err);

        CHECK_ROW(good_rows[i].name, rc == 0 && size == good_rows[i].want);
    }
}

static void test_size_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(bad_rows); i++) {
        struct ferry_err err;
        int64_t size = -1;
        int rc = ferry_size_parse(bad_rows[i].text, &size, &err);

        CHECK_ROW(bad_rows[i].name, rc == FERRY_EUSAGE && size == -1);
        CHECK_ROW(bad_rows[i].name, strstr(err.msg, bad_rows[i].text) != NULL);
    }
}

static const struct {
    int64_t bytes;
    const char *want;
} format_rows[] = {
    { 0, "0 B" },
    { 640, "640 B" },
    { 1023, "1023 B" },
    { 1024, "1.0 KiB" },
    { 1536, "1.5 KiB" },
    { (1 << 20) - 1, "1.0 MiB" }, /* not "1024.0 KiB" */
    { INT64_C(1288490189), "1.2 GiB" },
    { INT64_C(1) << 40, "1.0 TiB" },
    { INT64_C(1) << 50, "1.0 PiB" },
    { INT64_MAX, "8.0 EiB" },
    { -5, "-5 B" },
};

static void test_size_formats(void **state)
{
    char text[FERRY_SIZE_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(format_rows); i++)
        assert_string_equal(ferry_size_format(format_rows[i].bytes, text), format_rows[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_size_parses),
        cmocka_unit_test(test_size_refuses),
        cmocka_unit_test(test_size_formats),
    };

    return cmocka_run_group_tests_name("size", tests, NULL, NULL);
}
