#include "format/oci/descriptor.h"

#include <string.h>

#include "tests/support/check.h"

#define HEX "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define DIGEST "\"digest\":\"sha256:" HEX "\""
#define BOTH DIGEST ",\"size\":3"
#define TYPE "\"mediaType\":\"application/x\""
#define FIVE "\"a\",\"b\",\"c\",\"d\",\"e\""
#define TEN FIVE "," FIVE

static const struct {
    const char *name, *text;
    int64_t size;
    const char *platform; /* formatted */
    size_t urls;
} good_rows[] = {
    { "least", "{" TYPE "," BOTH "}", 3, "", 0 },
    { "order_is_free", "{\"size\":3," TYPE "," DIGEST "}", 3, "", 0 },
    { "no_bytes", "{" TYPE "," DIGEST ",\"size\":0}", 0, "", 0 },
    { "largest", "{" TYPE "," DIGEST ",\"size\":9223372036854775807}", INT64_MAX, "", 0 },
    { "unknown_members", "{" TYPE "," BOTH ",\"x\":[1],\"data\":\"YWJj\",\"artifactType\":1}", 3,
      "", 0 },
    { "null_members", "{" TYPE "," BOTH ",\"urls\":null,\"platform\":null}", 3, "", 0 },
    { "no_urls", "{" TYPE "," BOTH ",\"urls\":[]}", 3, "", 0 },
    { "urls", "{" TYPE "," BOTH ",\"urls\":[\"https://example.com/x\"]}", 3, "", 1 },
    { "urls_that_are_none", "{" TYPE "," BOTH ",\"urls\":[\"\",\"file:///x\"]}", 3, "", 2 },
    { "urls_without_end", "{" TYPE "," BOTH ",\"urls\":[" TEN "," TEN "]}", 3, "", FERRY_URLS_MAX },
    { "platform",
      "{" TYPE "," BOTH
      ",\"platform\":{\"os\":\"linux\",\"architecture\":\"arm\",\"variant\":\"v7\","
      "\"os.version\":\"1\",\"os.features\":[]}}",
      3, "linux/arm/v7", 0 },
    { "platform_of_two",
      "{" TYPE "," BOTH ",\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}}", 3,
      "linux/amd64", 0 },
    { "platform_empty", "{" TYPE "," BOTH ",\"platform\":{}}", 3, "", 0 },
};

static size_t count_urls(const struct ferry_descriptor *d)
{
    size_t count = 0;

    while (d->urls && d->urls[count])
        count++;
    return count;
}

static void test_descriptor_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(good_rows); i++) {
        FERRY_OWNED_JSON *document = NULL;
        const char *name = good_rows[i].name, *text = good_rows[i].text;
        struct ferry_descriptor d = { 0 };
        char platform[FERRY_PLATFORM_TEXT_MAX];
        struct ferry_err err;

        CHECK_OK(ferry_json_load(text, strlen(text), name, &document, &err));
        if (ferry_descriptor_from_json(document, name, &d, &err) < 0)
            fail_msg("row \"%s\": %s", name, err.msg);
        CHECK_ROW(name, strcmp(d.digest.text, "sha256:" HEX) == 0);
        CHECK_ROW(name, strcmp(d.media_type, "application/x") == 0);
        CHECK_ROW(name, d.size == good_rows[i].size && count_urls(&d) == good_rows[i].urls);
        CHECK_ROW(name,
                  strcmp(ferry_platform_format(&d.platform, platform), good_rows[i].platform) == 0);
        ferry_descriptor_release(&d);
    }
}

static const struct {
    const char *name, *text;
} bad_rows[] = {
    { "empty", "{}" },
    { "no_digest", "{" TYPE ",\"size\":3}" },
    { "no_size", "{" TYPE "," DIGEST "}" },
    { "no_media_type", "{" BOTH "}" },
    { "media_type_null", "{\"mediaType\":null," BOTH "}" },
    { "media_type_empty", "{\"mediaType\":\"\"," BOTH "}" },
    { "media_type_number", "{\"mediaType\":1," BOTH "}" },
    { "size_negative", "{" TYPE "," DIGEST ",\"size\":-1}" },
    { "size_float", "{" TYPE "," DIGEST ",\"size\":3.0}" },
    { "size_exponent", "{" TYPE "," DIGEST ",\"size\":1e18}" },
    { "size_text", "{" TYPE "," DIGEST ",\"size\":\"3\"}" },
    { "digest_number", "{" TYPE ",\"digest\":1,\"size\":3}" },
    { "digest_climbs", "{" TYPE ",\"digest\":\"sha256:../" HEX "\",\"size\":3}" },
    { "digest_upper_case_algorithm", "{" TYPE ",\"digest\":\"SHA256:" HEX "\",\"size\":3}" },
    { "digest_unknown", "{" TYPE ",\"digest\":\"blake3:" HEX "\",\"size\":3}" },
    { "urls_text", "{" TYPE "," BOTH ",\"urls\":\"https://example.com\"}" },
    { "urls_number", "{" TYPE "," BOTH ",\"urls\":[\"https://example.com\",1]}" },
    { "platform_text", "{" TYPE "," BOTH ",\"platform\":\"linux/amd64\"}" },
    { "platform_os_number", "{" TYPE "," BOTH ",\"platform\":{\"os\":1}}" },
};

/* [D3] [D8] */
static void test_descriptor_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(bad_rows); i++) {
        FERRY_OWNED_JSON *document = NULL;
        const char *name = bad_rows[i].name, *text = bad_rows[i].text;
        struct ferry_descriptor d = { 0 };
        struct ferry_err err = { 0 };

        CHECK_OK(ferry_json_load(text, strlen(text), name, &document, &err));
        CHECK_ROW(name, ferry_descriptor_from_json(document, "this", &d, &err) == FERRY_EFORMAT);
        CHECK_ROW(name, strncmp(err.msg, "this: ", 6) == 0 && !d.media_type);
    }
}

static void test_descriptor_not_an_object(void **state)
{
    static const char text[] = "{\"list\":[null,1,\"sha256:" HEX "\",[],true]}";
    FERRY_OWNED_JSON *document = NULL;
    struct ferry_descriptor d = { 0 };
    struct ferry_err err;
    json_t *list;

    (void)state;
    CHECK_OK(ferry_json_load(text, strlen(text), "test", &document, &err));
    CHECK_OK(ferry_json_array(document, "list", "test", &list, &err));
    for (size_t i = 0; i < json_array_size(list); i++)
        CHECK_CODE(ferry_descriptor_from_json(json_array_get(list, i), "this", &d, &err),
                   FERRY_EFORMAT);
}

/* Members of any length, from anywhere: what is too long is cut, and stays within bounds. */
static void test_descriptor_long_platform(void **state)
{
    FERRY_OWNED_JSON *object = NULL;
    char long_text[1000], text[FERRY_PLATFORM_TEXT_MAX];
    struct ferry_platform platform;
    struct ferry_err err;

    (void)state;
    memset(long_text, 'x', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    object = json_pack("{s:s, s:s, s:s}", "os", long_text, "architecture", long_text, "variant",
                       long_text);
    CHECK_OK(ferry_platform_from_json(object, "test", &platform, &err));
    assert_int_equal(strlen(ferry_platform_format(&platform, text)), 31 * 3 + 2);
    CHECK_OK(ferry_platform_from_json(NULL, "test", &platform, &err));
    assert_string_equal(ferry_platform_format(&platform, text), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_descriptor_not_an_object),
        cmocka_unit_test(test_descriptor_good),
        cmocka_unit_test(test_descriptor_bad),
        cmocka_unit_test(test_descriptor_long_platform),
    };

    return cmocka_run_group_tests_name("descriptor", tests, NULL, NULL);
}
