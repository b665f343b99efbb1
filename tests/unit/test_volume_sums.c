#include "format/archive/volume_sums.h"

#include <string.h>

#include "tests/support/check.h"
#include "tests/support/sample.h"

#define A "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" /* of "abc" */
#define B "cb8379ac2098aa165029e3938a51da0bcecfc008fd6795f401178647f96c5b34" /* of "def" */
#define HEAD "# ociferry volumes 1: 2 volumes, 10 bytes\n"
#define GOOD HEAD "# 7 bytes\n" A "  x.tar.001\n# 3 bytes\n" B "  x.tar.002\n"

static int parse(const char *text, struct ferry_volume_sums *out, struct ferry_err *err)
{
    FERRY_OWNED_BUF buf;

    ferry_buf_init(&buf, FERRY_SUMS_MAX);
    FERRY_TRY(ferry_buf_append(&buf, text, strlen(text), err));
    return ferry_volume_sums_parse(&buf, "x.tar", out, err);
}

/* [W61] What is written is what is read. */
static void test_volume_sums_round_trip(void **state)
{
    FERRY_OWNED_SUMS sums = { 0 };
    FERRY_OWNED_BUF text;
    struct ferry_err err;

    (void)state;
    ferry_buf_init(&text, FERRY_SUMS_MAX);
    CHECK_OK(parse(GOOD, &sums, &err));
    assert_int_equal(sums.count, 2);
    assert_int_equal(sums.items[0].size, 7);
    assert_int_equal(sums.items[1].size, 3);
    assert_string_equal(sums.items[1].digest.text, "sha256:" B);
    CHECK_OK(ferry_volume_sums_format(&sums, "x.tar", &text, &err));
    assert_string_equal((char *)text.data, GOOD);
}

static const struct {
    const char *name;
    const char *text;
    const char *says;
} bad_rows[] = {
    { "empty", "", "is not the sums file" },
    { "of_sha256sum", A "  x.tar.001\n", "is not the sums file" },
    { "of_one_archive", A "  x.tar\n", "is not the sums file" },
    { "later_version", "# ociferry volumes 2: 2 volumes, 10 bytes\n", "not known here: \"2:" },
    { "no_volumes", "# ociferry volumes 1: 0 volumes, 0 bytes\n", "is damaged" },
    { "cut_in_head", "# ociferry volumes 1: 2 vol", "is damaged" },
    { "cut_in_size", HEAD "# 7 by", "has no size for volume 1" },
    { "cut_in_digest", HEAD "# 7 bytes\nba78", "has no sum for volume 1" },
    { "cut_behind_digest", HEAD "# 7 bytes\n" A, "names" },
    { "cut_in_name", HEAD "# 7 bytes\n" A "  x.tar.0", "names \"x.tar.0\"" },
    { "one_volume_less", HEAD "# 7 bytes\n" A "  x.tar.001\n", "is damaged" },
    { "other_name", HEAD "# 7 bytes\n" A "  y.tar.001\n",
      "names \"y.tar.001\" where \"x.tar.001\"" },
    { "folder", HEAD "# 7 bytes\n" A "  ../x.tar.001\n", "names" },
    { "other_order", HEAD "# 7 bytes\n" A "  x.tar.002\n", "names" },
    { "binary_mark", HEAD "# 7 bytes\n" A " *x.tar.001\n", "names" },
    { "size_0", HEAD "# 0 bytes\n" A "  x.tar.001\n", "has no size" },
    { "size_negative", HEAD "# -7 bytes\n" A "  x.tar.001\n", "has no size" },
    { "size_past_int64", HEAD "# 9223372036854775808 bytes\n" A "  x.tar.001\n", "has no size" },
    { "sizes_past_int64",
      HEAD "# 9223372036854775807 bytes\n" A "  x.tar.001\n# 1 bytes\n" B "  x.tar.002\n",
      "larger than any file" },
    { "size_with_zero", HEAD "# 07 bytes\n" A "  x.tar.001\n# 3 bytes\n" B "  x.tar.002\n",
      "is damaged" },
    { "other_sum",
      "# ociferry volumes 1: 2 volumes, 11 bytes\n"
      "# 7 bytes\n" A "  x.tar.001\n# 3 bytes\n" B "  x.tar.002\n",
      "is damaged" },
    { "line_ends_of_dos", HEAD "# 7 bytes\r\n" A "  x.tar.001\r\n", "has no size" },
    { "more_behind", GOOD "\n", "has no size for volume 3" },
};

/* [R63] */
static void test_volume_sums_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(bad_rows); i++) {
        FERRY_OWNED_SUMS sums = { 0 };
        struct ferry_err err = { 0 };
        int rc = parse(bad_rows[i].text, &sums, &err);

        CHECK_ROW(bad_rows[i].name, rc == FERRY_EFORMAT || rc == FERRY_ELIMIT);
        if (!strstr(err.msg, bad_rows[i].says))
            fail_msg("%s: \"%s\"", bad_rows[i].name, err.msg);
        assert_int_equal(sums.count, 0);
    }
}

static const struct {
    const char *name;
    bool is_volume;
    size_t place;
} name_rows[] = {
    { "x.tar.001", true, 0 },     { "x.tar.010", true, 9 },     { "x.tar.999", true, 998 },
    { "x.tar.1000", true, 999 },  { "x.tar.9999", true, 9998 }, { "x.tar.000", false, 0 },
    { "x.tar.01", false, 0 },     { "x.tar.1", false, 0 },      { "x.tar.0001", false, 0 },
    { "x.tar.10000", false, 0 },  { "x.tar.0x1", false, 0 },    { "x.tar.001.partial", false, 0 },
    { "x.tar.sha256", false, 0 }, { "x.tar", false, 0 },        { "x.tar001", false, 0 },
    { "x.tar. 01", false, 0 },
};

/* [W60] */
static void test_volume_sums_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(name_rows); i++) {
        char suffix[FERRY_VOLUME_TEXT_MAX];
        size_t place = 0;
        bool is_volume = ferry_volume_parse(name_rows[i].name, strlen("x.tar"), &place);

        CHECK_ROW(name_rows[i].name, is_volume == name_rows[i].is_volume);
        if (!is_volume)
            continue;
        assert_int_equal(place, name_rows[i].place);
        assert_string_equal(ferry_volume_suffix(place, suffix),
                            name_rows[i].name + strlen("x.tar"));
    }
}

/* As many as there can be, and not one more. */
static void test_volume_sums_limit(void **state)
{
    FERRY_OWNED_SUMS sums = { 0 };
    FERRY_OWNED_BUF text;
    struct ferry_digest digest;
    struct ferry_err err = { 0 };

    (void)state;
    ferry_buf_init(&text, FERRY_SUMS_MAX);
    CHECK_OK(ferry_digest_parse("sha256:" A, &digest, &err));
    for (size_t i = 0; i < FERRY_VOLUMES_MAX; i++)
        CHECK_OK(ferry_volume_sums_add(&sums, 5, &digest, &err));
    CHECK_OK(ferry_volume_sums_format(&sums, "x.tar", &text, &err));
    ferry_volume_sums_release(&sums);
    CHECK_OK(ferry_volume_sums_parse(&text, "x.tar", &sums, &err));
    assert_int_equal(sums.count, FERRY_VOLUMES_MAX);
    ferry_volume_sums_release(&sums);
    CHECK_OK(ferry_buf_print(&text, &err, "# 5 bytes\n" A "  x.tar.10000\n"));
    CHECK_CODE(ferry_volume_sums_parse(&text, "x.tar", &sums, &err), FERRY_ELIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_volume_sums_round_trip),
        cmocka_unit_test(test_volume_sums_bad),
        cmocka_unit_test(test_volume_sums_names),
        cmocka_unit_test(test_volume_sums_limit),
    };

    return cmocka_run_group_tests_name("volume_sums", tests, NULL, NULL);
}
