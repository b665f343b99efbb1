#include "format/verify/html.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/check.h"

static const struct {
    const char *name, *text, *want;
} rows[] = {
    { "plain", "debian:12", "debian:12" },
    { "markup", "<b a=\"1\" c='2'>&amp;", "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;amp;" },
    { "control", "a\033[31m\n\tb", "a?[31m??b" },
    { "turned",
      "a\xe2\x80\xae"
      "b",
      "a???b" },
    { "not_utf8", "\xff<\xc3", "?&lt;?" },
    { "utf8", "\xc3\xa9\xe2\x82\xac", "\xc3\xa9\xe2\x82\xac" },
    { "percent", "100%s", "100%s" },
    { "empty", "", "" },
};

static void test_html_text_is_no_markup(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        FERRY_OWNED_HTML html;
        struct ferry_err err;
        char want[200];

        ferry_html_init(&html);
        ferry_html_put(&html, "<p title=\"%s\">%zu%%</p>", rows[i].text, (size_t)7);
        CHECK_OK(ferry_html_end(&html, &err));
        snprintf(want, sizeof(want), "<p title=\"%s\">7%%</p>", rows[i].want);
        CHECK_ROW(rows[i].name, strcmp((char *)html.text.data, want) == 0);
    }
}

static void test_html_sizes_and_digests(void **state)
{
    FERRY_OWNED_HTML html;
    struct ferry_digest digest;
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_digest_of(FERRY_SHA256, "", 0, &digest, &err));
    ferry_html_init(&html);
    ferry_html_raw(&html, "100%s<br/>");
    ferry_html_size(&html, 1536);
    ferry_html_digest(&html, &digest);
    CHECK_OK(ferry_html_end(&html, &err));
    assert_string_equal((char *)html.text.data,
                        "100%s<br/>1.5 KiB<code class=\"digest\">sha256:"
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855</code>");
}

/* Nothing is appended behind what could not be. */
static void test_html_keeps_a_failure(void **state)
{
    FERRY_OWNED_HTML html;
    struct ferry_err err;

    (void)state;
    ferry_html_init(&html);
    html.text.limit = 10;
    ferry_html_put(&html, "12345");
    ferry_html_put(&html, "%s", "6789ab");
    ferry_html_put(&html, "c");
    CHECK_CODE(ferry_html_end(&html, &err), FERRY_ELIMIT);
    assert_string_equal((char *)html.text.data, "12345");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_html_text_is_no_markup),
        cmocka_unit_test(test_html_sizes_and_digests),
        cmocka_unit_test(test_html_keeps_a_failure),
    };

    return cmocka_run_group_tests_name("html", tests, NULL, NULL);
}
