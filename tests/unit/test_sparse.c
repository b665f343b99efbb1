#include "import/sparse.h"

#include <string.h>

#include "tests/support/check.h"
#include "tests/support/sample.h"

static struct ferry_graph *graph;
static struct ferry_push_plan *plan;
static struct sample there, missing, whole, sparse, layer;
static struct ferry_err err;

/* Two images: an index of two manifests, and one of the first alone. */
static int setup(void **state)
{
    struct sample config = sample_text(FERRY_TYPE_OCI_CONFIG, "{}"), other = sample_layer(11, 2);

    (void)state;
    layer = sample_layer(10, 1);
    there = sample_platform(sample_manifest(config, &layer, 1), "linux", "amd64");
    missing = sample_platform(sample_manifest(config, &other, 1), "linux", "s390x");
    whole = sample_index(&there, 1);
    sparse = sample_index((struct sample[]){ there, missing }, 2);
    CHECK_OK(ferry_graph_new(&graph, &err));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ferry_push_plan_free(ferry_steal(&plan));
    ferry_graph_free(ferry_steal(&graph));
    return 0;
}

static void supply(const struct sample *sample)
{
    CHECK_OK(sample_supply(graph, sample, &err));
}

/* As a reader says it of a document. */
static struct ferry_node *miss(const struct sample *sample, enum ferry_code code)
{
    struct ferry_node *node = sample_find(graph, sample);
    struct ferry_err why;

    ferry_fail(&why, code, "%s is not in it", sample->digest.text);
    ferry_node_set_fault(node, &why);
    return node;
}

static void add_images(void)
{
    sample_add_image(graph, "sparse:1", &sparse);
    sample_add_image(graph, "whole:1", &whole);
    supply(&sparse);
    supply(&whole);
    supply(&there);
}

/* [R44] */
static void test_sparse_excuses_what_others_cannot_say(void **state)
{
    static const struct {
        const char *name;
        bool is_ours;
        enum ferry_code code;
        enum ferry_node_state want;
    } rows[] = {
        { "theirs_missing", false, FERRY_ENOTFOUND, FERRY_NODE_LEFT_OUT },
        { "theirs_wrong", false, FERRY_EDIGEST, FERRY_NODE_BAD },
        { "theirs_malformed", false, FERRY_EFORMAT, FERRY_NODE_BAD },
        { "ours_missing", true, FERRY_ENOTFOUND, FERRY_NODE_BAD },
    };

    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        struct ferry_node *node;

        assert_int_equal(setup(state), 0);
        add_images();
        graph->is_ours = rows[i].is_ours;
        node = miss(&missing, rows[i].code);
        CHECK_OK(ferry_sparse_excuse(graph, &err));
        CHECK_ROW(rows[i].name, node->state == rows[i].want);
        CHECK_ROW(rows[i].name, (node->fault == NULL) == (rows[i].want == FERRY_NODE_LEFT_OUT));
        teardown(state);
    }
}

/* [R44] */
static void test_sparse_excuses_no_root_and_no_blob(void **state)
{
    (void)state;
    add_images();
    sample_add_image(graph, "root:1", &missing);
    miss(&missing, FERRY_ENOTFOUND);
    miss(&layer, FERRY_ENOTFOUND);
    CHECK_OK(ferry_sparse_excuse(graph, &err));
    assert_int_equal(sample_find(graph, &missing)->state, FERRY_NODE_BAD);
    assert_int_equal(sample_find(graph, &layer)->state, FERRY_NODE_BAD);
}

/* --- plans ------------------------------------------------------------------------------------ */

/* An image that belongs to `subject`, under the tag that says so. */
static struct sample add_signature(const struct sample *subject, unsigned seed)
{
    struct sample blob = sample_layer(20, seed),
                  signature = sample_manifest(sample_text("a/b", "{}"), &blob, 1);

    sample_add_image(graph,
                     sample_format("sparse:sha256-%.64s.sig", ferry_digest_hex(&subject->digest)),
                     &signature);
    supply(&signature);
    return signature;
}

/* Every image goes to where it came from. */
static void make_plan(enum ferry_sparse mode)
{
    struct ferry_target *targets = calloc(graph->image_count + 1, sizeof(*targets));

    assert_non_null(targets);
    for (size_t i = 0; i < graph->image_count; i++)
        targets[i] = (struct ferry_target){ .image = &graph->images[i],
                                            .ref = graph->images[i].ref,
                                            .follows = graph->images[i].has_subject };
    CHECK_OK(ferry_push_plan_new(graph, &targets, graph->image_count, &plan, &err));
    plan->sparse = mode;
    CHECK_OK(ferry_sparse_check(plan, &err));
}

/* The outcomes as letters: '.' none, '-' left out, '!' failed. */
static const char *outcomes(void)
{
    const char *text = "";

    for (size_t i = 0; i < plan->target_count; i++)
        text = sample_format("%s%c", text,
                             plan->outcomes[i].kind == FERRY_OUTCOME_NONE       ? '.'
                             : plan->outcomes[i].kind == FERRY_OUTCOME_LEFT_OUT ? '-'
                                                                                : '!');
    return text;
}

static bool needs(const struct sample *blob, const char *repository)
{
    const struct ferry_node *node = sample_find(graph, blob);

    for (size_t i = 0; i < plan->placement_count; i++)
        if (plan->placements[i].node == node &&
            strcmp(plan->repositories[plan->placements[i].repository], repository) == 0)
            return true;
    return false;
}

/* [R40] */
static void test_sparse_fail_needs_no_blob(void **state)
{
    (void)state;
    add_images();
    graph->is_ours = true;
    sample_find(graph, &missing)->state = FERRY_NODE_LEFT_OUT;
    add_signature(&sparse, 7);
    make_plan(FERRY_SPARSE_FAIL);
    assert_string_equal(outcomes(), "!.-");
    assert_non_null(strstr(plan->outcomes[0].failure->msg, "without linux/s390x, and"));
    assert_true(needs(&layer, "whole"));
    assert_false(needs(&layer, "sparse"));
    assert_false(needs(&(struct sample){ .digest = sample_layer(20, 7).digest }, "sparse"));
}

static void test_sparse_other_modes_fail_nothing(void **state)
{
    static const enum ferry_sparse modes[] = { FERRY_SPARSE_AUTO, FERRY_SPARSE_KEEP,
                                               FERRY_SPARSE_TRIM };

    for (size_t i = 0; i < FERRY_COUNT(modes); i++) {
        assert_int_equal(setup(state), 0);
        add_images();
        sample_find(graph, &missing)->state = FERRY_NODE_LEFT_OUT;
        make_plan(modes[i]);
        assert_string_equal(outcomes(), "..");
        assert_true(ferry_sparse_is(plan, &plan->targets[0]));
        assert_false(ferry_sparse_is(plan, &plan->targets[1]));
        assert_true(needs(&layer, "sparse"));
        teardown(state);
    }
}

/* [R41] */
static void test_sparse_nothing_there_fails_in_every_mode(void **state)
{
    for (int mode = FERRY_SPARSE_AUTO; mode <= FERRY_SPARSE_FAIL; mode++) {
        assert_int_equal(setup(state), 0);
        sample_add_image(graph, "sparse:1", &sparse);
        supply(&sparse);
        sample_find(graph, &missing)->state = FERRY_NODE_LEFT_OUT;
        sample_find(graph, &there)->state = FERRY_NODE_LEFT_OUT;
        make_plan((enum ferry_sparse)mode);
        assert_string_equal(outcomes(), "!");
        assert_non_null(strstr(plan->outcomes[0].failure->msg, "nothing of what its index lists"));
        teardown(state);
    }
}

/* [R43] */
static void test_sparse_settle(void **state)
{
    static const struct {
        const char *name;
        bool is_trimmed, has_original, has_failed;
        const char *want; /* sparse, whole, of sparse, of that, of the child */
    } rows[] = {
        { "as_it_is", false, false, false, "....." },
        { "trimmed", true, false, false, "..--." },
        { "trimmed_beside_the_original", true, true, false, "....." },
        { "failed", false, false, true, "!.---" },
    };

    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        struct sample signature;

        assert_int_equal(setup(state), 0);
        add_images();
        sample_find(graph, &missing)->state = FERRY_NODE_LEFT_OUT;
        signature = add_signature(&sparse, 7);
        add_signature(&signature, 8);
        add_signature(&there, 9);
        make_plan(FERRY_SPARSE_AUTO);
        plan->outcomes[0].is_trimmed = rows[i].is_trimmed;
        plan->outcomes[0].has_original = rows[i].has_original;
        if (rows[i].has_failed)
            plan->outcomes[0].kind = FERRY_OUTCOME_FAILED;
        CHECK_OK(ferry_sparse_settle(plan, &err));
        if (strcmp(outcomes(), rows[i].want) != 0)
            fail_msg("row \"%s\": %s, expected %s", rows[i].name, outcomes(), rows[i].want);
        teardown(state);
    }
}

/* What the user named is there for its own sake. What stands before its subject is found as well.
 */
static void test_sparse_settle_in_any_order(void **state)
{
    struct ferry_target swap;
    struct sample signature;

    (void)state;
    add_images();
    sample_find(graph, &missing)->state = FERRY_NODE_LEFT_OUT;
    signature = add_signature(&sparse, 7);
    add_signature(&signature, 8);
    make_plan(FERRY_SPARSE_AUTO);
    swap = plan->targets[2];
    plan->targets[2] = plan->targets[3];
    plan->targets[3] = swap;
    plan->outcomes[0].is_trimmed = true;
    CHECK_OK(ferry_sparse_settle(plan, &err));
    assert_string_equal(outcomes(), "..--");

    plan->outcomes[2].kind = plan->outcomes[3].kind = FERRY_OUTCOME_NONE;
    plan->targets[3].follows = false;
    CHECK_OK(ferry_sparse_settle(plan, &err));
    assert_string_equal(outcomes(), "....");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sparse_excuses_what_others_cannot_say),
        cmocka_unit_test_setup_teardown(test_sparse_excuses_no_root_and_no_blob, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sparse_fail_needs_no_blob, setup, teardown),
        cmocka_unit_test(test_sparse_other_modes_fail_nothing),
        cmocka_unit_test(test_sparse_nothing_there_fails_in_every_mode),
        cmocka_unit_test(test_sparse_settle),
        cmocka_unit_test_setup_teardown(test_sparse_settle_in_any_order, setup, teardown),
    };

    return cmocka_run_group_tests_name("sparse", tests, NULL, sample_forget_group);
}
