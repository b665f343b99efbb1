#include "export/referrers.h"

#include <string.h>

#include "tests/support/check.h"
#include "tests/support/sample.h"
#include "tests/support/stub_registry.h"

static const char *const everywhere[] = { "", NULL };

/* A repository with more tags than are listed, as quay.io has them, is asked for the tags that
 * matter. */
static void test_referrers_of_a_repository_with_too_many_tags(void **state)
{
    const struct ferry_session_options options = { .plain_http = everywhere,
                                                   .authfile = "/dev/null" };
    struct stub_registry *stub = stub_start();
    size_t page_len = (size_t)FERRY_MANIFEST_MAX + 1, count;
    FERRY_OWNED_MEM char *page = malloc(page_len);
    FERRY_OWNED_MEM struct ferry_referrer *found = NULL;
    FERRY_OWNED(ferry_session) session = NULL;
    FERRY_OWNED(ferry_graph) graph = NULL;
    FERRY_OWNED(ferry_referrers) referrers = NULL;
    struct sample manifest = sample_manifest(sample_text("x/y", "{}"), NULL, 0);
    const char *hex = manifest.digest.text + strlen("sha256:");
    const struct ferry_descriptor descriptor = { .digest = manifest.digest,
                                                 .size = (int64_t)manifest.len,
                                                 .media_type = (char[]){
                                                     FERRY_TYPE_OCI_MANIFEST } };
    const char *signature = sample_format("sha256-%s.sig", hex);
    const struct stub_step script[] = {
        { .path = "/v2/app/tags/list", .body = page, .body_len = page_len },
        { .method = "HEAD", .path = sample_format("/v2/app/manifests/%s", signature) },
        { .status = 404, .body = "{}", .times = -1 },
    };
    struct ferry_reference ref;
    struct ferry_err err = { 0 };

    (void)state;
    assert_non_null(page);
    memset(page, ' ', page_len);
    stub_script(stub, script, FERRY_COUNT(script));
    CHECK_OK(ferry_session_new(&options, &session, &err));
    CHECK_OK(
        ferry_reference_parse(sample_format("127.0.0.1:%d/app:1", stub_port(stub)), &ref, &err));
    CHECK_OK(ferry_graph_new(&graph, &err));
    CHECK_OK(ferry_graph_add_image(graph, &ref, &descriptor, &err));
    CHECK_OK(sample_supply(graph, &manifest, &err));
    CHECK_OK(ferry_referrers_new(session, graph, 1, &referrers, &err));
    CHECK_OK(ferry_referrers_find(referrers, &found, &count, &err));
    assert_int_equal(count, 1);
    assert_string_equal(found[0].ref.tag, signature);
    ferry_session_free(ferry_steal(&session));
    stub_stop(stub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_referrers_of_a_repository_with_too_many_tags),
    };

    return cmocka_run_group_tests_name("referrers", tests, NULL, sample_forget_group);
}
