#include "format/oci/json.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/check.h"

#define SHA "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static const struct {
    const char *name, *text;
    size_t len; /* 0: strlen(text) */
    enum ferry_code want;
} load_rows[] = {
    { "empty_object", "{}", 0, FERRY_OK },
    { "white_space_around", " \r\n\t{ \"a\" : 1 } \n", 0, FERRY_OK },
    { "nested", "{\"a\":{\"b\":[1,2,{\"c\":null}]}}", 0, FERRY_OK },
    { "utf8", "{\"caf\xc3\xa9\":\"\\u00e9\"}", 0, FERRY_OK },
    { "brackets_in_text", "{\"a\":\"[[[{{{\\\"[[[\"}", 0, FERRY_OK },
    { "nothing", "", 0, FERRY_EFORMAT },
    { "white_space", "  ", 0, FERRY_EFORMAT },
    { "array", "[]", 0, FERRY_EFORMAT },
    { "text", "\"x\"", 0, FERRY_EFORMAT },
    { "number", "7", 0, FERRY_EFORMAT },
    { "null", "null", 0, FERRY_EFORMAT },
    { "cut", "{\"a\":1", 0, FERRY_EFORMAT },
    { "cut_in_text", "{\"a", 0, FERRY_EFORMAT },
    { "cut_in_escape", "{\"a\\", 0, FERRY_EFORMAT },
    { "garbage_behind", "{} x", 0, FERRY_EFORMAT },
    { "object_behind", "{}{}", 0, FERRY_EFORMAT },
    { "brackets_before", "]]]]{}", 0, FERRY_EFORMAT },
    { "comma_at_the_end", "{\"a\":1,}", 0, FERRY_EFORMAT },
    { "comment", "{/* */}", 0, FERRY_EFORMAT },
    { "single_quotes", "{'a':1}", 0, FERRY_EFORMAT },
    { "byte_order_mark", "\xef\xbb\xbf{}", 0, FERRY_EFORMAT },
    { "duplicate_key", "{\"a\":1,\"a\":1}", 0, FERRY_EFORMAT },
    { "duplicate_key_escaped", "{\"a\":1,\"\\u0061\":2}", 0, FERRY_EFORMAT },
    { "duplicate_key_below", "{\"x\":[{\"a\":1,\"b\":2,\"a\":3}]}", 0, FERRY_EFORMAT },
    { "nul_behind", "{}\0", 3, FERRY_EFORMAT },
    { "nul_in_text", "{\"a\":\"x\0y\"}", 11, FERRY_EFORMAT },
    { "nul_escaped", "{\"a\":\"\\u0000\"}", 0, FERRY_EFORMAT },
    { "nul_in_key", "{\"a\\u0000b\":1}", 0, FERRY_EFORMAT },
    { "broken_utf8", "{\"a\":\"\xff\"}", 0, FERRY_EFORMAT },
    { "lone_surrogate", "{\"a\":\"\\ud800\"}", 0, FERRY_EFORMAT },
    { "past_2_63", "{\"a\":9223372036854775808}", 0, FERRY_EFORMAT },
    { "past_double", "{\"a\":1e999}", 0, FERRY_EFORMAT },
};

/* [D7] */
static void test_json_load(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(load_rows); i++) {
        FERRY_OWNED_JSON *document = NULL;
        const char *name = load_rows[i].name;
        size_t len = load_rows[i].len ? load_rows[i].len : strlen(load_rows[i].text);
        struct ferry_err err = { 0 };
        int rc = ferry_json_load(load_rows[i].text, len, "the document", &document, &err);

        if (rc != (int)load_rows[i].want)
            fail_msg("row \"%s\": %d, \"%s\"", name, rc, err.msg);
        CHECK_ROW(name, (document != NULL) == (rc == 0));
        if (rc < 0)
            CHECK_ROW(name, strncmp(err.msg, "the document: ", 14) == 0);
    }
}

/* `depth` objects, or arrays in an object, one in the other. */
static int load_nested(int depth, bool arrays, struct ferry_err *err)
{
    FERRY_OWNED_JSON *document = NULL;
    FERRY_OWNED_BUF text;

    ferry_buf_init(&text, (size_t)1024 * 1024);
    for (int i = 0; i < depth; i++)
        FERRY_TRY(ferry_buf_print(&text, err, "%s", i > 0 && arrays ? "[" : "{\"a\":"));
    FERRY_TRY(ferry_buf_print(&text, err, "%s", arrays && depth > 1 ? "" : "1"));
    for (int i = depth - 1; i >= 0; i--)
        FERRY_TRY(ferry_buf_print(&text, err, "%s", i > 0 && arrays ? "]" : "}"));
    return ferry_json_load(text.data, text.len, "nested", &document, err);
}

/* [L2] */
static void test_json_depth(void **state)
{
    struct ferry_err err = { 0 };

    (void)state;
    CHECK_CODE(load_nested(FERRY_JSON_DEPTH_MAX, false, &err), FERRY_OK);
    CHECK_CODE(load_nested(FERRY_JSON_DEPTH_MAX, true, &err), FERRY_OK);
    CHECK_CODE(load_nested(FERRY_JSON_DEPTH_MAX + 1, false, &err), FERRY_ELIMIT);
    CHECK_CODE(load_nested(FERRY_JSON_DEPTH_MAX + 1, true, &err), FERRY_ELIMIT);
    CHECK_CODE(load_nested(100000, true, &err), FERRY_ELIMIT);
}

/* [L14] */
static void test_json_containers(void **state)
{
    (void)state;
    for (int more = 0; more <= 1; more++) {
        FERRY_OWNED_JSON *document = NULL;
        FERRY_OWNED_BUF text;
        struct ferry_err err;

        ferry_buf_init(&text, (size_t)FERRY_MANIFEST_MAX);
        CHECK_OK(ferry_buf_print(&text, &err, "{\"{[\":[1")); /* two of them */
        for (int i = 2; i < FERRY_JSON_CONTAINERS_MAX + more; i++)
            CHECK_OK(ferry_buf_print(&text, &err, i % 2 ? ",[]" : ",{}"));
        CHECK_OK(ferry_buf_print(&text, &err, "]}"));
        CHECK_CODE(ferry_json_load(text.data, text.len, "crowded", &document, &err),
                   more ? FERRY_ELIMIT : FERRY_OK);
    }
}

/* [L1] */
static void test_json_size_of_document(void **state)
{
    const size_t limit = (size_t)FERRY_MANIFEST_MAX;
    FERRY_OWNED_MEM char *text = malloc(limit + 1);
    struct ferry_err err = { 0 };

    (void)state;
    assert_non_null(text);
    memset(text, ' ', limit + 1);
    memcpy(text, "{}", 2);
    for (size_t len = limit; len <= limit + 1; len++) {
        FERRY_OWNED_JSON *document = NULL;

        CHECK_CODE(ferry_json_load(text, len, "large", &document, &err),
                   len > limit ? FERRY_ELIMIT : FERRY_OK);
    }
}

/* A document for the accessors: {"it": VALUE}. */
static json_t *document_of(const char *value)
{
    char text[512];
    json_t *document = NULL;
    struct ferry_err err;

    snprintf(text, sizeof(text), "{\"it\":%s}", value);
    if (ferry_json_load(text, strlen(text), "test", &document, &err) < 0)
        fail_msg("%s: %s", text, err.msg);
    return document;
}

static const struct {
    const char *value;
    enum ferry_code want;
    int64_t size;
} size_rows[] = {
    { "0", FERRY_OK, 0 },
    { "1", FERRY_OK, 1 },
    { "9223372036854775807", FERRY_OK, INT64_MAX },
    { "-0", FERRY_OK, 0 },
    { "-1", FERRY_EFORMAT, 0 },
    { "-9223372036854775808", FERRY_EFORMAT, 0 },
    { "1.0", FERRY_EFORMAT, 0 },
    { "1e3", FERRY_EFORMAT, 0 },
    { "0.5", FERRY_EFORMAT, 0 },
    { "\"12\"", FERRY_EFORMAT, 0 },
    { "\"\"", FERRY_EFORMAT, 0 },
    { "null", FERRY_EFORMAT, 0 },
    { "true", FERRY_EFORMAT, 0 },
    { "[1]", FERRY_EFORMAT, 0 },
    { "{}", FERRY_EFORMAT, 0 },
};

static void test_json_size(void **state)
{
    struct ferry_err err = { 0 };
    FERRY_OWNED_JSON *without = document_of("1");
    int64_t size = 7;

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(size_rows); i++) {
        FERRY_OWNED_JSON *document = document_of(size_rows[i].value);
        int rc;

        size = 7;
        rc = ferry_json_size(document, "it", "test", &size, &err);
        CHECK_ROW(size_rows[i].value, rc == (int)size_rows[i].want);
        CHECK_ROW(size_rows[i].value, size == (rc == 0 ? size_rows[i].size : 7));
    }
    CHECK_CODE(ferry_json_size(without, "other", "test", &size, &err), FERRY_EFORMAT);
    assert_non_null(strstr(err.msg, "test: \"other\""));
}

static const struct {
    const char *value;
    bool text, array, object; /* which accessors take it */
} type_rows[] = {
    { "\"x\"", true, false, false }, { "[]", false, true, false },
    { "{}", false, false, true },    { "1", false, false, false },
    { "1.5", false, false, false },  { "true", false, false, false },
    { "null", true, true, true }, /* counts as absent */
};

/* [D8] */
static void test_json_types(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(type_rows); i++) {
        FERRY_OWNED_JSON *document = document_of(type_rows[i].value);
        const char *name = type_rows[i].value, *text = "before";
        bool is_null = strcmp(name, "null") == 0;
        json_t *array = document, *object = document;
        struct ferry_err err = { 0 };

        CHECK_ROW(name,
                  (ferry_json_text(document, "it", "test", &text, &err) == 0) == type_rows[i].text);
        CHECK_ROW(name, (ferry_json_array(document, "it", "test", &array, &err) == 0) ==
                            type_rows[i].array);
        CHECK_ROW(name, (ferry_json_object(document, "it", "test", &object, &err) == 0) ==
                            type_rows[i].object);
        CHECK_ROW(name, err.code == FERRY_OK || strncmp(err.msg, "test: \"it\" is not", 17) == 0);
        if (is_null)
            CHECK_ROW(name, !text && !array && !object);
        CHECK_ROW(name, ferry_json_text(document, "no", "test", &text, &err) == 0 && !text);
        CHECK_ROW(name, ferry_json_array(document, "no", "test", &array, &err) == 0 && !array);
        CHECK_ROW(name, ferry_json_object(document, "no", "test", &object, &err) == 0 && !object);
    }
}

static const struct {
    const char *value;
    enum ferry_code want;
} digest_rows[] = {
    { "\"" SHA "\"", FERRY_OK },
    { "\"sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD\"",
      FERRY_EFORMAT },
    { "\"sha256:../../etc/passwd\"", FERRY_EFORMAT },
    { "\"" SHA "?x=y\"", FERRY_EFORMAT },
    { "\"" SHA "\\r\\nHost: x\"", FERRY_EFORMAT },
    { "\"md5:900150983cd24fb0d6963f7d28e17f72\"", FERRY_EFORMAT },
    { "\"\"", FERRY_EFORMAT },
    { "null", FERRY_EFORMAT },
    { "1", FERRY_EFORMAT },
};

static void test_json_digest(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(digest_rows); i++) {
        FERRY_OWNED_JSON *document = document_of(digest_rows[i].value);
        struct ferry_digest digest;
        struct ferry_err err = { 0 };
        int rc = ferry_json_digest(document, "it", "test", &digest, &err);

        CHECK_ROW(digest_rows[i].value, rc == (int)digest_rows[i].want);
        if (rc < 0)
            CHECK_ROW(digest_rows[i].value, strncmp(err.msg, "test: \"it\"", 10) == 0);
        else
            assert_string_equal(digest.text, SHA);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_load),       cmocka_unit_test(test_json_depth),
        cmocka_unit_test(test_json_containers), cmocka_unit_test(test_json_size_of_document),
        cmocka_unit_test(test_json_size),       cmocka_unit_test(test_json_types),
        cmocka_unit_test(test_json_digest),
    };

    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
