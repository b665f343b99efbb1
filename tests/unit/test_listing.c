#include "import/listing.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/check.h"
#include "tests/support/sample.h"
#include "tests/support/stub_registry.h"

#define SUBJECT_HEX "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define SUBJECT "sha256:" SUBJECT_HEX
#define API "/v2/app/referrers/" SUBJECT
#define TAG "/v2/app/manifests/sha256-" SUBJECT_HEX

static const char *const everywhere[] = { "", NULL };

static struct stub_registry *stub;
static struct ferry_session *session;
static struct ferry_graph *graph;
static struct sample document;
static char registry[32];
static struct ferry_err err;

static int setup(void **state)
{
    struct ferry_session_options options = {
        .plain_http = everywhere, .authfile = "/dev/null", .retries = 1, .stall_seconds = 5
    };

    (void)state;
    stub = stub_start();
    snprintf(registry, sizeof(registry), "127.0.0.1:%d", stub_port(stub));
    CHECK_OK(ferry_session_new(&options, &session, &err));
    CHECK_OK(ferry_graph_new(&graph, &err));
    document = sample_text(FERRY_TYPE_OCI_MANIFEST,
                           "{\"artifactType\":\"a/b\",\"config\":{\"mediaType\":\"c/d\",\"digest\":"
                           "\"" SUBJECT "\",\"size\":2},\"subject\":{\"digest\":\"" SUBJECT "\"}}");
    sample_add_image(graph, "app:1", &document);
    CHECK_OK(sample_supply(graph, &document, &err));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ferry_session_free(ferry_steal(&session));
    ferry_graph_free(ferry_steal(&graph));
    stub_stop(ferry_steal(&stub));
    return 0;
}

static int ensure(void)
{
    const struct ferry_push to = { .session = session, .registry = registry, .repository = "app" };
    const struct ferry_node *node = graph->images[0].root;

    return ferry_listing_ensure(&to, node->subject, &node, 1, &err);
}

/* The last request, which must have put the index of the tag schema. */
static const char *put_body(void)
{
    struct stub_request request = stub_request(stub, stub_count(stub) - 1);

    assert_string_equal(request.method, "PUT");
    assert_string_equal(request.path, TAG);
    assert_non_null(strstr(request.head, "Content-Type: " FERRY_TYPE_OCI_INDEX));
    return sample_format("%.*s", (int)request.body_len, request.body);
}

static const char *list_of(const char *digest)
{
    return sample_format("{\"manifests\":[{\"mediaType\":\"x\",\"digest\":\"%s\",\"size\":1}]}",
                         digest);
}

static void test_listing_api_lists_it(void **state)
{
    const struct stub_step steps[] = { { "GET", API, .body = list_of(document.digest.text) } };

    (void)state;
    stub_script(stub, steps, FERRY_COUNT(steps));
    CHECK_OK(ensure());
    assert_int_equal(stub_count(stub), 1);
}

static void test_listing_api_lists_it_on_the_second_page(void **state)
{
    const struct stub_step steps[] = {
        { "GET", API "?page=2", .body = list_of(document.digest.text) },
        { "GET", API, .body = list_of(SUBJECT),
          .headers = "Link: <" API "?page=2>; rel=\"next\"\r\n" },
    };

    (void)state;
    stub_script(stub, steps, FERRY_COUNT(steps));
    CHECK_OK(ensure());
    assert_int_equal(stub_count(stub), 2);
}

static void test_listing_pages_in_a_circle_end(void **state)
{
    const struct stub_step steps[] = { { "GET", API, .body = list_of(SUBJECT),
                                         .headers = "Link: <" API ">; rel=\"next\"\r\n",
                                         .times = -1 } };

    (void)state;
    stub_script(stub, steps, FERRY_COUNT(steps));
    CHECK_CODE(ensure(), FERRY_EPROTOCOL);
    assert_in_range(stub_count(stub), 1, 3);
}

/* [R25] */
static void test_listing_without_api(void **state)
{
    static const int statuses[] = { 404, 400, 405, 406, 501 };

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(statuses); i++) {
        const struct stub_step steps[] = { { "GET", API, .status = statuses[i] },
                                           { "GET", TAG, .status = 404 },
                                           { "PUT", TAG, .status = 201 } };

        stub_script(stub, steps, FERRY_COUNT(steps));
        CHECK_OK(ensure());
        assert_non_null(strstr(put_body(), document.digest.text));
        assert_non_null(strstr(put_body(), "\"artifactType\":\"a/b\""));
    }
}

static void test_listing_a_page_for_people_is_no_api(void **state)
{
    const struct stub_step steps[] = { { "GET", API, .body = "<html>hello</html>" },
                                       { "GET", TAG, .status = 404 },
                                       { "PUT", TAG, .status = 201 } };

    (void)state;
    stub_script(stub, steps, FERRY_COUNT(steps));
    CHECK_OK(ensure());
    assert_non_null(strstr(put_body(), document.digest.text));
}

/* [R25] */
static void test_listing_keeps_what_is_there(void **state)
{
    const struct stub_step steps[] = { { "GET", API, .status = 404 },
                                       { "GET", TAG, .body = list_of(SUBJECT) },
                                       { "PUT", TAG, .status = 201 } };

    (void)state;
    stub_script(stub, steps, FERRY_COUNT(steps));
    CHECK_OK(ensure());
    assert_non_null(strstr(put_body(), "\"digest\":\"" SUBJECT "\""));
    assert_non_null(strstr(put_body(), document.digest.text));
}

static void test_listing_again_changes_nothing(void **state)
{
    const struct stub_step steps[] = { { "GET", API, .status = 404 },
                                       { "GET", TAG, .body = list_of(document.digest.text) } };

    (void)state;
    stub_script(stub, steps, FERRY_COUNT(steps));
    CHECK_OK(ensure());
    assert_int_equal(stub_count(stub), 2);
}

/* An API that answers and does not know the manifest leaves it to the client, as the spec asks. */
static void test_listing_api_does_not_list_it(void **state)
{
    const struct stub_step steps[] = { { "GET", API, .body = "{\"manifests\":[]}" },
                                       { "GET", TAG, .status = 404 },
                                       { "PUT", TAG, .status = 201 } };

    (void)state;
    stub_script(stub, steps, FERRY_COUNT(steps));
    CHECK_OK(ensure());
    assert_non_null(strstr(put_body(), document.digest.text));
}

static void test_listing_failures(void **state)
{
    const struct stub_step forbidden[] = { { "GET", API, .status = 403 } };
    const struct stub_step refused[] = { { "GET", API, .status = 404 },
                                         { "GET", TAG, .status = 404 },
                                         { "PUT", TAG, .status = 409 } };
    const struct stub_step garbage[] = { { "GET", API, .status = 404 },
                                         { "GET", TAG, .body = "{\"manifests\":3}" } };

    (void)state;
    stub_script(stub, forbidden, FERRY_COUNT(forbidden));
    CHECK_CODE(ensure(), FERRY_EAUTH);
    stub_script(stub, refused, FERRY_COUNT(refused));
    CHECK_CODE(ensure(), FERRY_EREFUSED);
    assert_non_null(strstr(err.msg, "list of referrers sha256-" SUBJECT_HEX));
    stub_script(stub, garbage, FERRY_COUNT(garbage));
    CHECK_CODE(ensure(), FERRY_EPROTOCOL); /* and what is there is not overwritten */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_listing_api_lists_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_listing_api_lists_it_on_the_second_page, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_listing_pages_in_a_circle_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_listing_without_api, setup, teardown),
        cmocka_unit_test_setup_teardown(test_listing_a_page_for_people_is_no_api, setup, teardown),
        cmocka_unit_test_setup_teardown(test_listing_keeps_what_is_there, setup, teardown),
        cmocka_unit_test_setup_teardown(test_listing_again_changes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_listing_api_does_not_list_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_listing_failures, setup, teardown),
    };

    return cmocka_run_group_tests_name("listing", tests, NULL, sample_forget_group);
}
