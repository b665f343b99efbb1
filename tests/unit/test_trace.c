#include "format/registry/trace.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/check.h"

static char told[2048];

static void keep(void *ctx, const char *line)
{
    (void)ctx;
    snprintf(told, sizeof(told), "%s", line);
}

static const struct {
    const char *name, *url;
    struct ferry_http_head head;
    int64_t received;
    const char *want;
} rows[] = {
    { "plain",
      "https://r.example/v2/a/manifests/1",
      { .status = 200, .body_size = 7 },
      7,
      "GET https://r.example/v2/a/manifests/1: 200, 7 bytes, 1.005 s" },
    { "signed",
      "https://s.example/blob?X-Amz-Signature=secret&X-Amz-Expires=60",
      { .status = 206, .body_size = 9 },
      9,
      "GET https://s.example/blob?...: 206, 9 bytes, 1.005 s" },
    { "harmless_and_not",
      "https://r.example/token?account=secret&service=s&scope=repository%3Aa%3Apull",
      { .status = 200 },
      0,
      "GET https://r.example/token?service=s&scope=repository%3Aa%3Apull&...: 200, 1.005 s" },
    { "part_of_a_harmless_name",
      "https://r.example/x?nn=secret&xdigest=secret&digest=sha256:1",
      { .status = 404 },
      0,
      "GET https://r.example/x?digest=sha256:1&...: 404, 1.005 s" },
    { "second_question_mark",
      "https://r.example/x?n=1?secret",
      { .status = 200 },
      0,
      "GET https://r.example/x?n=1?secret: 200, 1.005 s" },
    { "fragment",
      "https://r.example/x#secret",
      { .status = 200 },
      0,
      "GET https://r.example/x: 200, 1.005 s" },
    { "empty_query",
      "https://r.example/x?&",
      { .status = 200 },
      0,
      "GET https://r.example/x: 200, 1.005 s" },
    { "cut",
      "https://r.example/x",
      { .status = 200, .body_size = 100 },
      10,
      "GET https://r.example/x: 200, 10 of 100 bytes, 1.005 s" },
    { "sent",
      "https://r.example/x",
      { .status = 201, .sent = 100 },
      0,
      "GET https://r.example/x: 201, 100 bytes sent, 1.005 s" },
    { "nothing",
      "https://r.example/x",
      { .status = 0 },
      0,
      "GET https://r.example/x: no reply, 1.005 s" },
};

static void test_trace_lines(void **state)
{
    const struct ferry_http_options options = { .trace = keep };

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        const struct ferry_trace trace = {
            .method = "GET", .url = rows[i].url, .received = rows[i].received, .ms = 1005
        };

        told[0] = '\0';
        ferry_trace_tell(&options, &trace, &rows[i].head);
        if (strcmp(told, rows[i].want) != 0)
            fail_msg("row \"%s\": expected %s, found %s", rows[i].name, rows[i].want, told);
    }
}

/* The rest of a line is left out, and never all of what is long. */
static void test_trace_long_url(void **state)
{
    const struct ferry_http_options options = { .trace = keep };
    char url[6000] = "https://r.example/";
    const struct ferry_trace trace = { .method = "GET", .url = url };
    const struct ferry_http_head head = { .status = 200 };

    (void)state;
    memset(url + strlen(url), 'a', 1500);
    told[0] = '\0';
    ferry_trace_tell(&options, &trace, &head);
    assert_in_range(strlen(told), 900, 1000);
    memset(url + 18, 'a', sizeof(url) - 19);
    ferry_trace_tell(&options, &trace, &head); /* no crash */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trace_lines),
        cmocka_unit_test(test_trace_long_url),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
