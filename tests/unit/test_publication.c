/* Against a registry that plays a script: which form of an index is put, and on which word. */
#include "import/publication.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/check.h"
#include "tests/support/sample.h"
#include "tests/support/stub_registry.h"

#define MANIFESTS "/v2/app/manifests/"
#define SCRIPT(steps) stub_script(stub, steps, FERRY_COUNT(steps))

static const char *const everywhere[] = { "", NULL };

static struct stub_registry *stub;
static struct ferry_session *session;
static struct ferry_graph *graph;
static struct ferry_push_plan *plan;
static struct ferry_turns *turns;
static struct ferry_publication publication;
static struct sample child, sparse;
static const char *original, *trimmed, *child_path;
static char registry[32];
static struct ferry_err err;

/* An image app:1 whose index lists one manifest that is there and one that is left out. */
static void make_graph(void)
{
    struct sample config = sample_text(FERRY_TYPE_OCI_CONFIG, "{}"), layer = sample_layer(10, 1),
                  missing = sample_manifest(config, NULL, 0);
    struct ferry_digest *list = calloc(1, sizeof(*list));

    assert_non_null(list);
    *list = missing.digest;
    child = sample_manifest(config, &layer, 1);
    sparse = sample_index((struct sample[]){ child, missing }, 2);
    CHECK_OK(ferry_graph_new(&graph, &err));
    ferry_graph_leave_out(graph, &list, 1);
    sample_add_image(graph, "app:1", &sparse);
    CHECK_OK(sample_supply(graph, &sparse, &err));
    CHECK_OK(sample_supply(graph, &child, &err));
}

static void make_publication(void)
{
    struct ferry_target *targets = calloc(1, sizeof(*targets));

    assert_non_null(targets);
    *targets = (struct ferry_target){ .image = &graph->images[0], .ref = graph->images[0].ref };
    CHECK_OK(ferry_push_plan_new(graph, &targets, 1, &plan, &err));
    CHECK_OK(ferry_turns_new(graph, &turns, &err));
    publication = (struct ferry_publication){ .plan = plan,
                                              .turns = turns,
                                              .target = &plan->targets[0],
                                              .outcome = &plan->outcomes[0],
                                              .to = { session, registry, "app" },
                                              .is_sparse = true };
    CHECK_OK(ferry_text(&publication.missing, &err, "linux/x"));
    CHECK_OK(ferry_graph_closure(graph, graph->images[0].root, &publication.nodes,
                                 &publication.count, &err));
    original = sample_format(MANIFESTS "%s", sparse.digest.text);
    child_path = sample_format(MANIFESTS "%s", child.digest.text);
    trimmed = sample_format(
        MANIFESTS "%s", ferry_trims_of(plan->trims, graph->images[0].root)->descriptor.digest.text);
}

static int setup(void **state)
{
    struct ferry_session_options options = {
        .plain_http = everywhere, .authfile = "/dev/null", .retries = 1, .stall_seconds = 5
    };

    (void)state;
    stub = stub_start();
    snprintf(registry, sizeof(registry), "127.0.0.1:%d", stub_port(stub));
    CHECK_OK(ferry_session_new(&options, &session, &err));
    make_graph();
    make_publication();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ferry_publication_release(&publication);
    ferry_turns_free(ferry_steal(&turns));
    ferry_push_plan_free(ferry_steal(&plan));
    ferry_graph_free(ferry_steal(&graph));
    ferry_session_free(ferry_steal(&session));
    stub_stop(ferry_steal(&stub));
    return 0;
}

/* What was put, in order: c the child, o the original, t the trimmed index, 1 the tag. */
static const char *puts_seen(void)
{
    const char *text = "";

    for (size_t i = 0; i < stub_count(stub); i++) {
        struct stub_request request = stub_request(stub, i);

        if (strcmp(request.method, "PUT") != 0)
            continue;
        text = sample_format("%s%c", text,
                             strcmp(request.path, child_path) == 0 ? 'c'
                             : strcmp(request.path, original) == 0 ? 'o'
                             : strcmp(request.path, trimmed) == 0
                                 ? 't'
                                 : request.path[strlen(MANIFESTS)]);
    }
    return text;
}

static int publish(enum ferry_sparse mode)
{
    plan->sparse = mode;
    FERRY_TRY(ferry_publication_below(&publication, &err));
    return ferry_publication_name(&publication, &err);
}

/* [R42] Another registry says it in other words; what is no word on the children is none. */
static void test_publication_auto_by_the_error_code(void **state)
{
    static const struct {
        const char *name;
        int status;
        const char *body;
        bool is_trimmed;
        enum ferry_code want;
    } rows[] = {
        { "distribution", 400, "{\"errors\":[{\"code\":\"MANIFEST_BLOB_UNKNOWN\"}]}", true, 0 },
        { "several", 400,
          "{\"errors\":[{\"code\":\"MANIFEST_BLOB_UNKNOWN\"},{\"code\":\"UNKNOWN\"}]}", true, 0 },
        { "blob_unknown", 404, "{\"errors\":[{\"code\":\"BLOB_UNKNOWN\"}]}", true, 0 },
        { "manifest_unknown", 404, "{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\"}]}", true, 0 },
        { "quay", 400, "{\"errors\":[{\"code\":\"MANIFEST_INVALID\"}]}", true, 0 },
        { "no_code", 400, "no", false, FERRY_EREFUSED },
        { "unverified", 400, "{\"errors\":[{\"code\":\"MANIFEST_UNVERIFIED\"}]}", false,
          FERRY_EREFUSED },
        { "name", 404, "{\"errors\":[{\"code\":\"NAME_UNKNOWN\"}]}", false, FERRY_ENOTFOUND },
        { "denied", 403, "{\"errors\":[{\"code\":\"DENIED\"}]}", false, FERRY_EAUTH },
        { "too_large", 413, "", false, FERRY_EREFUSED },
    };

    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        assert_int_equal(setup(state), 0);
        const struct stub_step steps[] = {
            { "HEAD", MANIFESTS, .status = 404, .times = -1 },
            { "PUT", original, .status = rows[i].status, .body = rows[i].body, .times = -1 },
            { "PUT", MANIFESTS, .status = 201, .times = -1 },
        };

        SCRIPT(steps);
        CHECK_CODE(publish(FERRY_SPARSE_AUTO), rows[i].want);
        CHECK_ROW(rows[i].name, plan->outcomes[0].is_trimmed == rows[i].is_trimmed);
        assert_string_equal(puts_seen(), rows[i].is_trimmed ? "coct1" : "co");
        teardown(state);
    }
}

/* [R40] [R42] */
static void test_publication_modes(void **state)
{
    static const struct {
        const char *name;
        enum ferry_sparse mode;
        bool takes;
        const char *puts;
        enum ferry_code want;
    } rows[] = {
        { "auto_taken", FERRY_SPARSE_AUTO, true, "co1", 0 },
        { "keep_taken", FERRY_SPARSE_KEEP, true, "co1", 0 },
        { "trim_taken", FERRY_SPARSE_TRIM, true, "ct1", 0 },
        { "keep_refused", FERRY_SPARSE_KEEP, false, "co", FERRY_EREFUSED },
        { "trim_refused", FERRY_SPARSE_TRIM, false, "ct1", 0 },
    };

    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        assert_int_equal(setup(state), 0);
        const struct stub_step steps[] = {
            { "HEAD", MANIFESTS, .status = 404, .times = -1 },
            { "PUT", original, .status = rows[i].takes ? 201 : 400,
              .body = "{\"errors\":[{\"code\":\"MANIFEST_BLOB_UNKNOWN\"}]}", .times = -1 },
            { "PUT", MANIFESTS, .status = 201, .times = -1 },
        };

        SCRIPT(steps);
        CHECK_CODE(publish(rows[i].mode), rows[i].want);
        assert_string_equal(puts_seen(), rows[i].puts);
        if (rows[i].want == FERRY_EREFUSED)
            assert_non_null(
                strstr(err.msg, "lists linux/x, which the archive leaves out; --sparse"));
        teardown(state);
    }
}

/* A registry may mind what it had no objection to when it took it. */
static void test_publication_asks_again_although_it_is_there(void **state)
{
    const struct stub_step steps[] = {
        { "HEAD", original,
          .headers = sample_format("Docker-Content-Digest: %s\r\n", sparse.digest.text),
          .times = -1 },
        { "HEAD", MANIFESTS, .status = 404, .times = -1 },
        { "PUT", original, .status = 400,
          .body = "{\"errors\":[{\"code\":\"MANIFEST_BLOB_UNKNOWN\"}]}" },
        { "PUT", MANIFESTS, .status = 201, .times = -1 },
    };

    (void)state;
    SCRIPT(steps);
    publication.leads = true;
    CHECK_OK(publish(FERRY_SPARSE_AUTO));
    assert_true(plan->outcomes[0].is_trimmed);
    assert_true(plan->outcomes[0].has_original);
}

/* docker-registry says so of an index while what it lists is being put. */
static void test_publication_a_digest_that_is_right(void **state)
{
    static const struct {
        const char *name;
        int times;
        const char *puts;
        enum ferry_code want;
    } rows[] = { { "once", 1, "coo1", 0 }, { "for_good", -1, "coo", FERRY_EREFUSED } };

    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        assert_int_equal(setup(state), 0);
        const struct stub_step steps[] = {
            { "HEAD", MANIFESTS, .status = 404, .times = -1 },
            { "PUT", original, .status = 400,
              .body = "{\"errors\":[{\"code\":\"DIGEST_INVALID\"}]}", .times = rows[i].times },
            { "PUT", MANIFESTS, .status = 201, .times = -1 },
        };

        SCRIPT(steps);
        CHECK_CODE(publish(FERRY_SPARSE_KEEP), rows[i].want);
        assert_string_equal(puts_seen(), rows[i].puts);
        teardown(state);
    }
}

/* A refusal of a child is not one of what the index lists. */
static void test_publication_a_child_is_refused(void **state)
{
    const struct stub_step steps[] = {
        { "HEAD", MANIFESTS, .status = 404, .times = -1 },
        { "PUT", child_path, .status = 400,
          .body = "{\"errors\":[{\"code\":\"MANIFEST_BLOB_UNKNOWN\"}]}" },
    };

    (void)state;
    SCRIPT(steps);
    CHECK_CODE(publish(FERRY_SPARSE_AUTO), FERRY_EREFUSED);
    assert_string_equal(puts_seen(), "c");
    assert_false(plan->outcomes[0].is_trimmed);
}

/* The name of another image that listens to the API says nothing of this one. */
static void test_publication_lists_the_root_alone(void **state)
{
    const struct stub_step steps[] = {
        { "HEAD", MANIFESTS, .status = 404, .times = -1 },
        { "PUT", child_path, .status = 201, .headers = "OCI-Subject: sha256:0\r\n" },
        { "PUT", MANIFESTS, .status = 201, .times = -1 },
    };

    (void)state;
    SCRIPT(steps);
    CHECK_OK(publish(FERRY_SPARSE_AUTO));
    assert_false(publication.is_listed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_publication_auto_by_the_error_code),
        cmocka_unit_test(test_publication_modes),
        cmocka_unit_test(test_publication_a_digest_that_is_right),
        cmocka_unit_test_setup_teardown(test_publication_asks_again_although_it_is_there, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_publication_a_child_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_publication_lists_the_root_alone, setup, teardown),
    };

    return cmocka_run_group_tests_name("publication", tests, NULL, sample_forget_group);
}
