#include "export/tag_list.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/check.h"
#include "tests/support/sample.h"
#include "tests/support/stub_registry.h"

#define LIST "/v2/app/web/tags/list"

static const char *const everywhere[] = { "", NULL };

/* Of the test that runs. */
static struct stub_registry *stub;
static struct ferry_session *session;
static struct ferry_reference ref;
static struct ferry_err err;

static int setup(void **state)
{
    const struct ferry_session_options options = {
        .plain_http = everywhere, .authfile = "/dev/null", .retries = 1, .stall_seconds = 2
    };

    (void)state;
    err = (struct ferry_err){ 0 };
    stub = stub_start();
    CHECK_OK(ferry_session_new(&options, &session, &err));
    CHECK_OK(ferry_reference_parse(sample_format("127.0.0.1:%d/app/web:1", stub_port(stub)), &ref,
                                   &err));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ferry_session_free(ferry_steal(&session));
    stub_stop(ferry_steal(&stub));
    sample_forget();
    return 0;
}

/* The list that this script gives, as one text. */
static int list_all(const struct stub_step *steps, size_t count, const char **out)
{
    FERRY_OWNED(ferry_tag_list) list = NULL;
    const char *text = "";
    int rc;

    stub_script(stub, steps, count);
    rc = ferry_tag_list_pull(session, &ref, &list, &err);
    for (size_t i = 0; list && i < list->count; i++)
        text = sample_format("%s%s%s", text, i ? " " : "", list->tags[i]);
    *out = text;
    return rc;
}

static void test_tag_list_one_page(void **state)
{
    static const struct {
        const char *name, *body, *want;
    } rows[] = {
        { "sorted_by_bytes", "{\"name\":\"app/web\",\"tags\":[\"b\",\"a\",\"10\",\"9\",\"B\"]}",
          "10 9 B a b" },
        { "each_once", "{\"tags\":[\"a\",\"b\",\"a\"]}", "a b" },
        { "none", "{\"tags\":[]}", "" },
        { "null", "{\"name\":\"app/web\",\"tags\":null}", "" },
        { "absent", "{}", "" },
        { "unknown_members",
          "{\"child\":[],\"manifest\":{\"x\":{\"tag\":[\"1\"]}},\"tags\":[\"1\"],\"n\":4}", "1" },
    };

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        const struct stub_step step = { .path = LIST "?n=1000", .body = rows[i].body };
        const char *text;

        CHECK_OK(list_all(&step, 1, &text));
        CHECK_ROW(rows[i].name, strcmp(text, rows[i].want) == 0);
        CHECK_ROW(rows[i].name, stub_count(stub) == 1);
    }
}

/* Relative and absolute links, one in a second header, an empty page, a page that broke off. */
static void test_tag_list_pages(void **state)
{
    const char *absolute = sample_format("Link: <http://127.0.0.1:%d" LIST "?last=c>; rel=next\r\n",
                                         stub_port(stub));
    const struct stub_step steps[] = {
        { .path = LIST "?n=1000",
          .headers = "Link: <" LIST "?last=b&n=2>; rel=\"next\"\r\n",
          .body = "{\"tags\":[\"b\",\"a\"]}" },
        { .path = LIST "?last=b&n=2", .headers = absolute, .body = "{\"tags\":[\"c\"]}" },
        { .path = LIST "?last=c", .body = "{\"tags\":[\"d\"]}", .action = STUB_CUT, .cut = 5 },
        { .path = LIST "?last=c",
          .headers = "Link: <https://example.org/terms>; rel=terms\r\n"
                     "Link: <list?last=d>; rel=next\r\n",
          .body = "{\"tags\":null}" },
        { .path = LIST "?last=d", .body = "{\"tags\":[\"e\"]}" },
    };
    const char *text;

    (void)state;
    CHECK_OK(list_all(steps, FERRY_COUNT(steps), &text));
    assert_string_equal(text, "a b c e");
    assert_int_equal(stub_count(stub), 5);
}

static void test_tag_list_refusals(void **state)
{
    static const struct {
        int status;
        enum ferry_code code;
    } rows[] = { { 401, FERRY_EAUTH },    { 403, FERRY_EAUTH },    { 404, FERRY_ENOTFOUND },
                 { 405, FERRY_EREFUSED }, { 400, FERRY_EREFUSED }, { 503, FERRY_ENET } };

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        const struct stub_step step = {
            .status = rows[i].status, .headers = "Retry-After: 0\r\n", .body = "no", .times = -1
        };
        const char *text;

        CHECK_CODE(list_all(&step, 1, &text), rows[i].code);
        assert_non_null(strstr(err.msg, "/app/web: "));
    }
}

static void test_tag_list_is_none(void **state)
{
    static const struct {
        const char *name, *body, *says;
    } rows[] = {
        { "html", "<html>sign in</html>", "not JSON" },
        { "array", "[\"a\"]", "object" },
        { "tags_no_array", "{\"tags\":\"a\"}", "array" },
        { "tag_no_text", "{\"tags\":[1]}", "not a tag" },
        { "tag_with_path", "{\"tags\":[\"../../x\"]}", "../../x" },
        { "tag_with_query", "{\"tags\":[\"a?b\"]}", "not a tag" },
        { "tag_with_nul", "{\"tags\":[\"a\\u0000b\"]}", "JSON" },
        { "tag_empty", "{\"tags\":[\"\"]}", "not a tag" },
    };

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        const struct stub_step step = { .body = rows[i].body };
        const char *text;

        CHECK_ROW(rows[i].name, list_all(&step, 1, &text) == FERRY_EPROTOCOL);
        CHECK_ROW(rows[i].name, strstr(err.msg, rows[i].says) != NULL);
        CHECK_ROW(rows[i].name, strstr(err.msg, "/app/web: ") != NULL);
    }
}

static void test_tag_list_circles(void **state)
{
    static const struct {
        const char *name;
        struct stub_step steps[3];
        size_t requests;
    } rows[] = {
        { "to_itself",
          { { .headers = "Link: <" LIST "?n=1000>; rel=next\r\n",
              .body = "{\"tags\":[\"a\"]}",
              .times = -1 } },
          2 },
        { "over_two_pages",
          { { .path = LIST "?n",
              .headers = "Link: <?b>; rel=next\r\n",
              .body = "{\"tags\":[\"a\"]}" },
            { .path = LIST "?b",
              .headers = "Link: <?c>; rel=next\r\n",
              .body = "{\"tags\":[\"b\"]}" },
            { .path = LIST "?c",
              .headers = "Link: <?b>; rel=next\r\n",
              .body = "{\"tags\":[\"c\"]}" } },
          3 },
        { "of_empty_pages",
          { { .headers = "Link: <?b>; rel=next\r\n", .body = "{\"tags\":[]}", .times = -1 } },
          2 },
        { "nothing_new",
          { { .path = LIST "?n",
              .headers = "Link: <?b>; rel=next\r\n",
              .body = "{\"tags\":[\"a\"]}" },
            { .path = LIST "?b",
              .headers = "Link: <?c>; rel=next\r\n",
              .body = "{\"tags\":[\"a\"]}" } },
          2 },
    };

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        const char *text;

        CHECK_ROW(rows[i].name, list_all(rows[i].steps, 3, &text) == FERRY_EPROTOCOL);
        CHECK_ROW(rows[i].name, strstr(err.msg, "app/web") && strstr(err.msg, "circle"));
        CHECK_ROW(rows[i].name, stub_count(stub) == rows[i].requests);
    }
}

static void test_tag_list_stays_at_the_registry(void **state)
{
    const struct stub_step step = { .headers = "Link: <http://localhost:1/x>; rel=next\r\n",
                                    .body = "{\"tags\":[\"a\"]}" };
    const struct stub_step broken = { .headers = "Link: next page\r\n", .body = "{}" };
    const char *text;

    (void)state;
    CHECK_CODE(list_all(&step, 1, &text), FERRY_EPROTOCOL);
    assert_non_null(strstr(err.msg, "http://localhost:1"));
    CHECK_CODE(list_all(&broken, 1, &text), FERRY_EPROTOCOL);
    assert_non_null(strstr(err.msg, "Link"));
}

/* `count` tags of six bytes each, as one page. */
static char *make_page(size_t count, size_t *len)
{
    char *page = malloc(count * 9 + 64), *p = page;

    assert_non_null(page);
    p += sprintf(p, "{\"tags\":[\"x\"");
    for (size_t i = 0; i < count; i++)
        p += sprintf(p, ",\"%06zu\"", i);
    p += sprintf(p, "]}");
    *len = (size_t)(p - page);
    return page;
}

static void test_tag_list_limits(void **state)
{
    static const size_t counts[] = { FERRY_TAGS_MAX - 1, FERRY_TAGS_MAX };
    const char *text;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        FERRY_OWNED(ferry_tag_list) list = NULL;
        FERRY_OWNED_MEM char *page = NULL;
        struct stub_step step = { .status = 200 };

        page = make_page(counts[i], &step.body_len);
        step.body = page;
        stub_script(stub, &step, 1);
        CHECK_CODE(ferry_tag_list_pull(session, &ref, &list, &err), i == 0 ? 0 : FERRY_ELIMIT);
        if (list)
            assert_int_equal(list->count, FERRY_TAGS_MAX);
    }
    {
        FERRY_OWNED_MEM char *page = calloc(1, (size_t)FERRY_MANIFEST_MAX + 2);
        struct stub_step step = { .body = page, .body_len = (size_t)FERRY_MANIFEST_MAX + 1 };

        memset(page, ' ', (size_t)FERRY_MANIFEST_MAX + 1);
        CHECK_CODE(list_all(&step, 1, &text), FERRY_ELIMIT);
        assert_non_null(strstr(err.msg, "app/web"));
    }
}

/* 10,000 tags over 50 pages, the last of them first. */
static void test_tag_list_of_many_pages(void **state)
{
    enum { PAGES = 50, TAGS = 200 };
    struct stub_step steps[PAGES] = { 0 };
    FERRY_OWNED(ferry_tag_list) list = NULL;

    (void)state;
    for (size_t i = 0; i < PAGES; i++) {
        FERRY_OWNED_BUF body;

        ferry_buf_init(&body, 10000);
        for (size_t k = 0; k < TAGS; k++)
            CHECK_OK(ferry_buf_print(&body, &err, "%s\"v%05zu\"", k ? "," : "{\"tags\":[",
                                     (PAGES - i) * TAGS - k - 1));
        CHECK_OK(ferry_buf_print(&body, &err, "]}"));
        steps[i] = (struct stub_step){
            .path = i ? sample_format(LIST "?page=%zu&", i) : LIST "?n=1000",
            .headers = i + 1 < PAGES
                           ? sample_format("Link: <?page=%zu&n=100>; rel=\"next\"\r\n", i + 1)
                           : NULL,
            .body = sample_format("%s", (char *)body.data),
        };
    }
    stub_script(stub, steps, PAGES);
    CHECK_OK(ferry_tag_list_pull(session, &ref, &list, &err));
    assert_int_equal(stub_count(stub), PAGES);
    assert_int_equal(list->count, PAGES * TAGS);
    for (size_t i = 0; i < list->count; i++)
        assert_int_equal(strtoul(list->tags[i] + 1, NULL, 10), i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_tag_list_one_page, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tag_list_pages, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tag_list_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tag_list_is_none, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tag_list_circles, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tag_list_stays_at_the_registry, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tag_list_of_many_pages, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tag_list_limits, setup, teardown),
    };

    return cmocka_run_group_tests_name("tag_list", tests, NULL, NULL);
}
