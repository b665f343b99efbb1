#include "export/referrers.h"

#include <string.h>

#include "format/registry/referrer_list.h"
#include "tests/support/check.h"
#include "tests/support/sample.h"
#include "tests/support/stub_registry.h"

#define HEX "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

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

/* A list whose pages never end has as many referrers as an archive can hold, and no more. */
static void test_referrers_without_end(void **state)
{
    const struct ferry_session_options options = { .plain_http = everywhere,
                                                   .authfile = "/dev/null" };
    struct stub_registry *stub = stub_start();
    FERRY_OWNED(ferry_session) session = NULL;
    struct ferry_referrer_list list = { 0 };
    FERRY_OWNED_BUF page;
    const char *registry = sample_format("127.0.0.1:%d", stub_port(stub));
    const struct ferry_call call = { .registry = registry, .repository = "app" };
    struct sample manifest = sample_manifest(sample_text("x/y", "{}"), NULL, 0);
    struct ferry_err err = { 0 };
    bool is_known;

    (void)state;
    ferry_buf_init(&page, (size_t)FERRY_MANIFEST_MAX);
    for (int i = 0; i < FERRY_CHILDREN_MAX; i++)
        CHECK_OK(ferry_buf_print(&page, &err, "%s{\"digest\":\"sha256:%064x\"}",
                                 i ? "," : "{\"manifests\":[", i));
    CHECK_OK(ferry_buf_print(&page, &err, "]}"));
    for (int next = 0; next <= 1; next++) {
        const struct stub_step script[] = {
            { .headers = next ? "Link: </v2/app/referrers/more>; rel=\"next\"\r\n" : NULL,
              .body = (const char *)page.data },
            { .body = "{\"manifests\":[{\"digest\":\"sha256:" HEX "\"}]}",
              .headers = "Link: </v2/app/referrers/yet-more>; rel=\"next\"\r\n" },
        };

        stub_script(stub, script, FERRY_COUNT(script));
        CHECK_OK(ferry_session_new(&options, &session, &err));
        CHECK_CODE(
            ferry_referrer_list_ask(session, &call, &manifest.digest, &is_known, &list, &err),
            next ? FERRY_EPROTOCOL : FERRY_OK);
        ferry_session_free(ferry_steal(&session));
        ferry_referrer_list_release(&list);
    }
    stub_stop(stub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_referrers_of_a_repository_with_too_many_tags),
        cmocka_unit_test(test_referrers_without_end),
    };

    return cmocka_run_group_tests_name("referrers", tests, NULL, sample_forget_group);
}
