#include "import/push_plan.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/check.h"
#include "tests/support/sample.h"

/* Three images: a and b share their config and a layer, c is an index of both. */
static struct ferry_graph *make_graph(struct sample layers[3], struct sample *config)
{
    struct ferry_graph *graph = NULL;
    struct sample a, b, c, foreign = sample_layer(7, 9);
    struct ferry_err err;

    for (unsigned i = 0; i < 3; i++)
        layers[i] = sample_layer(10 + i, i);
    foreign.extra = ",\"urls\":[\"https://example.com/x\"]";
    *config = sample_text(FERRY_TYPE_OCI_CONFIG, "{}");
    a = sample_manifest(*config, (struct sample[]){ layers[0], layers[1], layers[0] }, 3);
    b = sample_manifest(*config, (struct sample[]){ layers[0], layers[2], foreign }, 3);
    c = sample_index((struct sample[]){ a, b }, 2);
    CHECK_OK(ferry_graph_new(&graph, &err));
    sample_add_image(graph, "a:1", &a);
    sample_add_image(graph, "b:1", &b);
    sample_add_image(graph, "c:1", &c);
    CHECK_OK(sample_supply(graph, &c, &err));
    CHECK_OK(sample_supply(graph, &b, &err));
    CHECK_OK(sample_supply(graph, &a, &err));
    return graph;
}

/* Targets "REPOSITORY:TAG" in the order of the graph's images. */
static struct ferry_target *make_targets(const struct ferry_graph *graph, const char *const *names,
                                         size_t count)
{
    struct ferry_target *targets = calloc(count + 1, sizeof(*targets));
    struct ferry_err err;

    for (size_t i = 0; i < count; i++) {
        CHECK_OK(ferry_reference_parse(sample_format("r.io/%s", names[i]), &targets[i].ref, &err));
        targets[i].image = &graph->images[i % graph->image_count];
    }
    return targets;
}

static void test_push_plan_placements(void **state)
{
    static const char *const names[] = { "z/one:1", "one:1", "z/one:2" };
    struct sample layers[3], config;
    FERRY_OWNED(ferry_graph) graph = make_graph(layers, &config);
    FERRY_OWNED(ferry_push_plan) plan = NULL;
    struct ferry_target *targets = make_targets(graph, names, 3);
    const char *found = "";
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_push_plan_new(graph, &targets, 3, &plan, &err));
    assert_null(targets);
    assert_int_equal(plan->target_count, 3);
    assert_int_equal(plan->repository_count, 2);
    assert_string_equal(plan->repositories[0], "one");
    assert_string_equal(plan->repositories[1], "z/one");
    assert_int_equal(ferry_push_plan_repository(plan, &plan->targets[0]), 1);
    assert_int_equal(ferry_push_plan_repository(plan, &plan->targets[1]), 0);
    assert_int_equal(ferry_push_plan_repository(plan, &plan->targets[2]), 1);

    /* By blob in the order of the graph, then by repository; each pair once; no manifest, but the
     * foreign layer, which a pipe may turn out to have. "one" has b alone. */
    for (size_t i = 0; i < plan->placement_count; i++) {
        const struct ferry_placement *p = &plan->placements[i];

        assert_int_equal(p->state, FERRY_PLACEMENT_UNKNOWN);
        assert_ptr_equal(ferry_push_plan_find(plan, p->node, p->repository), p);
        if (i > 0)
            assert_true(p[-1].node->place < p->node->place ||
                        (p[-1].node == p->node && p[-1].repository < p->repository));
        found = sample_format("%s%d@%zu ", found, (int)p->node->descriptor.size, p->repository);
    }
    assert_string_equal(found, "2@0 2@1 10@0 10@1 12@0 12@1 7@0 7@1 11@1 ");
    assert_null(ferry_push_plan_find(plan, sample_find(graph, &layers[1]), 0));
    assert_null(ferry_push_plan_find(plan, graph->images[0].root, 1));
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(plan->outcomes[i].kind, FERRY_OUTCOME_NONE);
}

static void test_push_plan_of_nothing(void **state)
{
    struct sample layers[3], config;
    FERRY_OWNED(ferry_graph) graph = make_graph(layers, &config);
    FERRY_OWNED(ferry_push_plan) plan = NULL;
    struct ferry_target *targets = NULL;
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_push_plan_new(graph, &targets, 0, &plan, &err));
    assert_int_equal(plan->placement_count, 0);
    assert_null(ferry_push_plan_find(plan, sample_find(graph, &config), 0));
}

/* An image whose documents could not be read reaches what is known of it. */
static void test_push_plan_of_an_unread_image(void **state)
{
    static const char *const names[] = { "x:1" };
    FERRY_OWNED(ferry_graph) graph = NULL;
    FERRY_OWNED(ferry_push_plan) plan = NULL;
    struct sample m = sample_manifest(sample_text(FERRY_TYPE_OCI_CONFIG, "{}"), NULL, 0);
    struct ferry_target *targets;
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_graph_new(&graph, &err));
    sample_add_image(graph, "x:1", &m);
    targets = make_targets(graph, names, 1);
    CHECK_OK(ferry_push_plan_new(graph, &targets, 1, &plan, &err));
    assert_int_equal(plan->placement_count, 0);
    assert_int_equal(plan->repository_count, 1);
}

/* The first failure stays. */
static void test_push_plan_failures(void **state)
{
    static const char *const names[] = { "x:1" };
    struct sample layers[3], config;
    FERRY_OWNED(ferry_graph) graph = make_graph(layers, &config);
    FERRY_OWNED(ferry_push_plan) plan = NULL;
    struct ferry_target *targets = make_targets(graph, names, 1);
    struct ferry_err err, why = { 0 };

    (void)state;
    CHECK_OK(ferry_push_plan_new(graph, &targets, 1, &plan, &err));
    ferry_fail(&why, FERRY_ENET, "first");
    ferry_placement_fail(&plan->placements[0], &why);
    ferry_outcome_fail(&plan->outcomes[0], &why);
    ferry_fail(&why, FERRY_EDIGEST, "second");
    ferry_placement_fail(&plan->placements[0], &why);
    ferry_outcome_fail(&plan->outcomes[0], &why);
    assert_int_equal(plan->placements[0].state, FERRY_PLACEMENT_FAILED);
    assert_string_equal(plan->placements[0].failure->msg, "first");
    assert_int_equal(plan->outcomes[0].kind, FERRY_OUTCOME_FAILED);
    assert_int_equal(plan->outcomes[0].failure->code, FERRY_ENET);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_push_plan_placements),
        cmocka_unit_test(test_push_plan_of_nothing),
        cmocka_unit_test(test_push_plan_of_an_unread_image),
        cmocka_unit_test(test_push_plan_failures),
    };

    return cmocka_run_group_tests_name("push_plan", tests, NULL, sample_forget_group);
}
