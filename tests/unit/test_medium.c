#include "export/medium.h"

#include <linux/magic.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/support/check.h"
#include "tests/support/sample.h"

#define MIB ((int64_t)1024 * 1024)
#define GIB (1024 * MIB)

static const struct {
    const char *name;
    struct ferry_medium medium;
    struct ferry_medium_need need;
    int code;
    const char *says;
} rows[] = {
    { "fits", { 10 * GIB, EXT4_SUPER_MAGIC, INT64_MAX }, { .bytes = 10 * GIB }, 0, "" },
    { "no_room",
      { 10 * GIB, EXT4_SUPER_MAGIC, INT64_MAX },
      { .bytes = 10 * GIB + 1 },
      FERRY_EIO,
      "takes 10.0 GiB, and 10.0 GiB are free" },
    { "room_for_the_rest",
      { 1 * GIB, EXT4_SUPER_MAGIC, INT64_MAX },
      { .bytes = 10 * GIB, .there = 9 * GIB },
      0,
      "" },
    { "no_room_for_the_rest",
      { 1 * GIB, EXT4_SUPER_MAGIC, INT64_MAX },
      { .bytes = 10 * GIB, .there = 8 * GIB },
      FERRY_EIO,
      "2.0 GiB, and 1.0 GiB" },
    { "largest_on_fat",
      { 10 * GIB, MSDOS_SUPER_MAGIC, INT64_MAX },
      { .bytes = 4 * GIB - 1 },
      0,
      "" },
    { "too_large_for_fat",
      { 10 * GIB, MSDOS_SUPER_MAGIC, INT64_MAX },
      { .bytes = 4 * GIB },
      FERRY_EIO,
      "FAT) permits 4.0 GiB: --volume-size 4095M" },
    { "volumes_on_fat",
      { 90 * GIB, MSDOS_SUPER_MAGIC, INT64_MAX },
      { .bytes = 80 * GIB, .volume_size = 4095 * MIB },
      0,
      "" },
    { "volumes_too_large_for_fat",
      { 90 * GIB, MSDOS_SUPER_MAGIC, INT64_MAX },
      { .bytes = 80 * GIB, .volume_size = 4 * GIB },
      FERRY_EIO,
      "--volume-size 4095M" },
    { "one_small_volume_on_fat",
      { 90 * GIB, MSDOS_SUPER_MAGIC, INT64_MAX },
      { .bytes = 3 * GIB, .volume_size = 8 * GIB },
      0,
      "" },
    { "ulimit",
      { 90 * GIB, EXT4_SUPER_MAGIC, 100 * MIB + 5 },
      { .bytes = 101 * MIB },
      FERRY_EIO,
      "ulimit -f) permits 100.0 MiB: --volume-size 100M" },
    { "small_ulimit",
      { 90 * GIB, EXT4_SUPER_MAGIC, 512 * 1024 },
      { .bytes = 2 * MIB },
      FERRY_EIO,
      "ulimit -f) permits 512.0 KiB" },
    { "as_many_volumes_as_can_be",
      { 90 * GIB, EXT4_SUPER_MAGIC, INT64_MAX },
      { .bytes = 9999 * MIB, .volume_size = MIB },
      0,
      "" },
    { "too_many_volumes",
      { 90 * GIB, EXT4_SUPER_MAGIC, INT64_MAX },
      { .bytes = 9999 * MIB + 1, .volume_size = MIB },
      FERRY_EUSAGE,
      "10000 volumes, and there can be 9999: make them at least 2M" },
};

static void test_medium_check(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        struct ferry_medium_need need = rows[i].need;
        struct ferry_err err = { 0 };

        need.output = "a.tar";
        CHECK_ROW(rows[i].name, ferry_medium_check(&rows[i].medium, &need, &err) == rows[i].code);
        if (!strstr(err.msg, rows[i].says))
            fail_msg("%s: \"%s\"", rows[i].name, err.msg);
        if (strstr(rows[i].name, "small_ulimit")) /* volumes cannot be that small */
            assert_null(strstr(err.msg, "--volume-size"));
    }
}

static void test_medium_look(void **state)
{
    struct ferry_medium medium;
    struct rlimit before, small;
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_medium_look("-", &medium, &err));
    assert_true(medium.free == INT64_MAX && medium.file_max == INT64_MAX);
    CHECK_OK(ferry_medium_look("/dev/null", &medium, &err));
    assert_true(medium.free == INT64_MAX);
    CHECK_OK(ferry_medium_look("no/such/folder/a.tar", &medium, &err));
    assert_true(medium.free == INT64_MAX);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 5000000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    CHECK_OK(ferry_medium_look("a.tar", &medium, &err));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_true(medium.free < INT64_MAX);
    assert_int_not_equal(medium.file_system, 0);
    assert_int_equal(medium.file_max, 5000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_medium_check),
        cmocka_unit_test(test_medium_look),
    };

    return cmocka_run_group_tests_name("medium", tests, sample_enter_folder, sample_leave_folder);
}
