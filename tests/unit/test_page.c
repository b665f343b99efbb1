/* What tests/cli/page.sh cannot build: limits, and sizes that no archive has. */
#include "format/verify/page.h"

#include <string.h>

#include "tests/support/check.h"
#include "tests/support/sample.h"

static struct sample layer, manifest;
static struct ferry_verify_report report;

static int enter(void **state)
{
    struct ferry_err err;

    (void)state;
    layer = sample_layer(1000, 1);
    manifest = sample_manifest(sample_text(FERRY_TYPE_OCI_CONFIG, "{}"), &layer, 1);
    CHECK_OK(ferry_graph_new(&report.graph, &err));
    sample_add_image(report.graph, "a:1", &manifest);
    CHECK_OK(sample_supply(report.graph, &manifest, &err));
    return 0;
}

static int leave(void **state)
{
    (void)state;
    ferry_graph_free(report.graph);
    sample_forget();
    return 0;
}

/* Whether the page of the report has `text`. */
static bool page_has(const char *archive, const char *text)
{
    FERRY_OWNED(ferry_contents) contents = NULL;
    FERRY_OWNED_HTML html;
    struct ferry_err err;

    CHECK_OK(ferry_contents_new(&report, &contents, &err));
    ferry_html_init(&html);
    ferry_page_write(&(struct ferry_page){
        .contents = contents, .archives = &archive, .archive_count = 1, .html = &html });
    CHECK_OK(ferry_html_end(&html, &err));
    return strstr((char *)html.text.data, text) != NULL;
}

static const struct {
    const char *archive, *title;
} title_rows[] = {
    { "images.tar", "<h1>images.tar</h1>" },
    { "/mnt/stick/images.tar", "<h1>images.tar</h1>" },
    { "layouts/today/", "<h1>today</h1>" },
    { "./today//", "<h1>today</h1>" },
    { "/", "<h1>/</h1>" },
    { "-", "<h1>stdin</h1>" },
    { "a<b>\033", "<h1>a&lt;b&gt;?</h1>" },
};

static void test_page_title(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(title_rows); i++)
        CHECK_ROW(title_rows[i].archive, page_has(title_rows[i].archive, title_rows[i].title));
}

static void test_page_of_sizes_that_no_medium_has(void **state)
{
    struct ferry_node *config = sample_find(report.graph, &manifest)->children[0];
    struct ferry_node *big = sample_find(report.graph, &layer);

    (void)state;
    big->descriptor.size = config->descriptor.size = INT64_MAX;
    config->state = FERRY_NODE_GOOD;
    assert_true(page_has("a.tar", "8.0 EiB"));
    config->state = FERRY_NODE_WANTED;
    config->descriptor.size = 2;
    big->descriptor.size = 1000;
}

static void test_page_has_an_end(void **state)
{
    FERRY_OWNED_MEM struct ferry_fault *faults = calloc(FERRY_PAGE_FAULTS_MAX + 2, sizeof(*faults));

    (void)state;
    assert_non_null(faults);
    for (size_t i = 0; i < FERRY_PAGE_FAULTS_MAX + 2; i++)
        faults[i].text = (char *)sample_format("fault %zu", i);
    report.faults = faults;
    report.fault_count = FERRY_PAGE_FAULTS_MAX;
    assert_true(page_has("a.tar", "<p>fault 9999</p>"));
    assert_false(page_has("a.tar", "<p>And "));
    report.fault_count += 2;
    assert_true(page_has("a.tar", "Not whole: 10002 faults"));
    assert_true(page_has("a.tar", "<p>And 2 more.</p>"));
    assert_false(page_has("a.tar", "<p>fault 10000</p>"));
    report.fault_count = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page_title),
        cmocka_unit_test(test_page_of_sizes_that_no_medium_has),
        cmocka_unit_test(test_page_has_an_end),
    };

    return cmocka_run_group_tests_name("page", tests, enter, leave);
}
