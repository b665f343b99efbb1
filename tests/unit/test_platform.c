#include "format/oci/platform.h"

#include <string.h>

#include "tests/support/check.h"

static const struct {
    const char *text;
    bool good;
} parse_rows[] = {
    { "linux/amd64", true },
    { "linux/arm/v7", true },
    { "windows/amd64", true },
    { "linux/x86_64", true },
    { "a/b", true },
    { "0123456789012345678901234567890/0123456789012345678901234567890/x", true },
    { "", false },
    { "linux", false },
    { "linux/", false },
    { "/amd64", false },
    { "linux//v7", false },
    { "linux/arm/", false },
    { "linux/arm/v7/", false },
    { "linux/arm/v7/x", false },
    { "linux/amd64,linux/arm64", false },
    { "Linux/amd64", false },
    { "linux/ARM64", false },
    { " linux/amd64", false },
    { "linux/amd64 ", false },
    { "linux\\amd64", false },
    { "linux/amd64:10.0", false },
    { "01234567890123456789012345678901/x", false },
    { "linux/\xc3\xa4", false },
};

static void test_platform_parse(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(parse_rows); i++) {
        struct ferry_platform platform;
        char text[FERRY_PLATFORM_TEXT_MAX];
        struct ferry_err err = { 0 };
        const char *name = parse_rows[i].text;
        int rc = ferry_platform_parse(name, &platform, &err);

        CHECK_ROW(name, rc == (parse_rows[i].good ? 0 : FERRY_EUSAGE));
        if (rc == 0) /* what was read is what was written */
            CHECK_ROW(name, strcmp(ferry_platform_format(&platform, text), name) == 0);
        else
            CHECK_ROW(name, strstr(err.msg, "expected OS/ARCH"));
    }
}

static const struct {
    const char *wanted, *offered;
    bool matches;
} match_rows[] = {
    { "linux/amd64", "linux/amd64", true },
    { "linux/amd64", "linux/arm64", false },
    { "linux/amd64", "windows/amd64", false },
    /* Without a variant all of them. */
    { "linux/arm", "linux/arm", true },
    { "linux/arm", "linux/arm/v5", true },
    { "linux/arm", "linux/arm/v7", true },
    { "linux/arm", "linux/arm64", false },
    { "linux/arm64", "linux/arm64/v8", true },
    { "linux/arm64", "linux/arm64/v9", true },
    { "linux/amd64", "linux/amd64/v3", true },
    /* With one, that one. */
    { "linux/arm/v7", "linux/arm/v7", true },
    { "linux/arm/v7", "linux/arm/7", true },
    { "linux/arm/7", "linux/arm/v7", true },
    { "linux/arm/v7", "linux/arm/v6", false },
    { "linux/amd64/v2", "linux/amd64/v3", false },
    /* And what is meant where the index says none. */
    { "linux/arm/v7", "linux/arm", true },
    { "linux/arm/v6", "linux/arm", false },
    { "linux/arm64/v8", "linux/arm64", true },
    { "linux/arm64/v9", "linux/arm64", false },
    { "linux/amd64/v1", "linux/amd64", true },
    { "linux/amd64/v2", "linux/amd64", false },
    { "linux/s390x/z13", "linux/s390x", false },
    /* Other names of the same. */
    { "linux/aarch64", "linux/arm64/v8", true },
    { "linux/x86_64", "linux/amd64", true },
    { "linux/386", "linux/i386", true },
    { "linux/arm64/v8", "linux/aarch64", true },
    { "linux/amd64", "unknown/unknown", false },
};

static void test_platform_matches(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(match_rows); i++) {
        struct ferry_platform wanted, offered;
        struct ferry_err err;

        CHECK_OK(ferry_platform_parse(match_rows[i].wanted, &wanted, &err));
        CHECK_OK(ferry_platform_parse(match_rows[i].offered, &offered, &err));
        if (ferry_platform_matches(&wanted, &offered) != match_rows[i].matches)
            fail_msg("%s and %s", match_rows[i].wanted, match_rows[i].offered);
    }
}

static void test_platform_unknown(void **state)
{
    static const struct {
        struct ferry_platform platform;
        bool is_unknown;
    } rows[] = {
        { { "", "", "" }, true },
        { { "unknown", "unknown", "" }, true },
        { { "unknown", "unknown", "v1" }, true },
        { { "linux", "unknown", "" }, false },
        { { "unknown", "amd64", "" }, false },
        { { "linux", "", "" }, false },
        { { "linux", "amd64", "" }, false },
    };
    char text[FERRY_PLATFORM_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++)
        CHECK_ROW(ferry_platform_format(&rows[i].platform, text),
                  ferry_platform_is_unknown(&rows[i].platform) == rows[i].is_unknown);
}

/* An operating system's version and features are for those who run it. */
static void test_platform_of_an_index(void **state)
{
    static const char text[] = "{\"os\":\"windows\",\"architecture\":\"amd64\","
                               "\"os.version\":\"10.0.20348.1\",\"os.features\":[\"win32k\"]}";
    FERRY_OWNED_JSON *object = NULL;
    struct ferry_platform wanted, offered;
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_json_load(text, strlen(text), "this", &object, &err));
    CHECK_OK(ferry_platform_from_json(object, "this", &offered, &err));
    CHECK_OK(ferry_platform_parse("windows/amd64", &wanted, &err));
    assert_true(ferry_platform_matches(&wanted, &offered));
    CHECK_OK(ferry_platform_from_json(NULL, "this", &offered, &err));
    assert_true(ferry_platform_is_unknown(&offered));
}

/* It is printed on terminals and put into JSON. */
static void test_platform_is_clean(void **state)
{
    static const struct {
        const char *json, *want;
    } clean_rows[] = {
        { "{\"os\": \"linux\\u001b[31m\", \"architecture\": \"\\u0007\\n\"}", "linux?[31m/??" },
        { "{\"os\": \"x\", \"architecture\": \"123456789012345678901234567890\\u00e9\"}",
          "x/123456789012345678901234567890?" }, /* cut between its two bytes */
    };

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(clean_rows); i++) {
        FERRY_OWNED_JSON *object = json_loads(clean_rows[i].json, 0, NULL);
        struct ferry_platform platform;
        char text[FERRY_PLATFORM_TEXT_MAX];
        struct ferry_err err;

        CHECK_OK(ferry_platform_from_json(object, "test", &platform, &err));
        assert_string_equal(ferry_platform_format(&platform, text), clean_rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_platform_parse),    cmocka_unit_test(test_platform_matches),
        cmocka_unit_test(test_platform_unknown),  cmocka_unit_test(test_platform_of_an_index),
        cmocka_unit_test(test_platform_is_clean),
    };

    return cmocka_run_group_tests_name("platform", tests, NULL, NULL);
}
