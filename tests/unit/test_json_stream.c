#include "format/oci/json_stream.h"

#include <string.h>

#include "tests/support/check.h"
#include "tests/support/sample.h"

/* What jansson makes of the whole. */
static char *expected(const char *members, const char *items)
{
    FERRY_OWNED_JSON *all = json_loads(members, 0, NULL);
    FERRY_OWNED_JSON *list = json_loads(items, 0, NULL);
    FERRY_OWNED_MEM char *text = NULL;

    assert_int_equal(json_object_set(all, "list", list), 0);
    assert_int_equal(json_object_set_new(all, "last", json_string("x\ny")), 0);
    text = json_dumps(all, JSON_INDENT(2));
    return (char *)sample_format("%s\n", text);
}

static void test_json_stream_is_the_same(void **state)
{
    static const struct {
        const char *name, *members, *items;
    } rows[] = {
        { "empty", "{}", "[]" },
        { "scalars", "{\"a\": 1, \"b\": null, \"c\": \"x\"}", "[1, true, \"\\n\"]" },
        { "nested", "{\"a\": {\"b\": [1, {}, []]}, \"c\": []}",
          "[{\"d\": {\"e\": [{\"f\": 1}, 2]}}, [], {}, [3, [4]]]" },
    };

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        FERRY_OWNED_JSON *members = json_loads(rows[i].members, 0, NULL);
        FERRY_OWNED_JSON *items = json_loads(rows[i].items, 0, NULL);
        FERRY_OWNED_JSON *last = json_pack("{s:s}", "last", "x\ny");
        FERRY_OWNED_MEM char *text = NULL;
        struct ferry_json_stream stream;
        struct ferry_err err;
        size_t len;
        FILE *out = open_memstream(&text, &len);

        ferry_json_stream_begin(&stream, out, "out");
        CHECK_OK(ferry_json_stream_members(&stream, members, &err));
        ferry_json_stream_array(&stream, "list");
        for (size_t k = 0; k < json_array_size(items); k++) {
            json_t *item = json_incref(json_array_get(items, k));

            CHECK_OK(ferry_json_stream_item(&stream, &item, &err));
            assert_null(item);
        }
        ferry_json_stream_array_end(&stream);
        CHECK_OK(ferry_json_stream_members(&stream, last, &err));
        CHECK_OK(ferry_json_stream_end(&stream, &err));
        fclose(out);
        assert_string_equal(text, expected(rows[i].members, rows[i].items));
    }
}

static void test_json_stream_fails(void **state)
{
    FERRY_OWNED_JSON *members = json_pack("{s:i}", "a", 1);
    struct ferry_json_stream stream;
    struct ferry_err err;
    json_t *item = NULL;
    FILE *full = fopen("/dev/full", "w");

    (void)state;
    setvbuf(full, NULL, _IONBF, 0);
    ferry_json_stream_begin(&stream, full, "report");
    CHECK_CODE(ferry_json_stream_members(&stream, members, &err), FERRY_EIO);
    assert_non_null(strstr(err.msg, "report: cannot write"));
    CHECK_CODE(ferry_json_stream_end(&stream, &err), FERRY_EIO);
    fclose(full);
    full = fopen("/dev/null", "w");
    ferry_json_stream_begin(&stream, full, "report");
    CHECK_CODE(ferry_json_stream_members(&stream, NULL, &err), FERRY_ENOMEM);
    ferry_json_stream_array(&stream, "list");
    CHECK_CODE(ferry_json_stream_item(&stream, &item, &err), FERRY_ENOMEM);
    fclose(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_stream_is_the_same),
        cmocka_unit_test(test_json_stream_fails),
    };

    return cmocka_run_group_tests_name("json_stream", tests, NULL, sample_forget_group);
}
