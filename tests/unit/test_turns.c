#include "import/turns.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "tests/support/check.h"
#include "tests/support/sample.h"

/* An index of an index of a manifest, and another manifest. */
static struct ferry_graph *graph;
static struct ferry_node *outer, *inner, *manifest, *other;
static struct ferry_turns *turns;

static int setup(void **state)
{
    struct sample config = sample_text("application/x", "{}");
    struct sample m = sample_manifest(config, NULL, 0), index, set;
    struct sample o = sample_manifest(sample_text("application/x", "{\"o\":1}"), NULL, 0);
    struct ferry_err err;

    (void)state;
    index = sample_index(&m, 1);
    set = sample_index((struct sample[]){ index, o }, 2);
    CHECK_OK(ferry_graph_new(&graph, &err));
    sample_add_image(graph, "set:1", &set);
    CHECK_OK(sample_supply(graph, &set, &err));
    CHECK_OK(sample_supply(graph, &index, &err));
    CHECK_OK(sample_supply(graph, &m, &err));
    CHECK_OK(sample_supply(graph, &o, &err));
    outer = sample_find(graph, &set);
    inner = sample_find(graph, &index);
    manifest = sample_find(graph, &m);
    other = sample_find(graph, &o);
    CHECK_OK(ferry_turns_new(graph, &turns, &err));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ferry_turns_free(ferry_steal(&turns));
    ferry_graph_free(ferry_steal(&graph));
    sample_forget();
    return 0;
}

/* A thread that wants a turn. */
struct worker {
    pthread_t thread;
    const struct ferry_node *node;
    atomic_bool has;
};

static void *work(void *ctx)
{
    struct worker *w = ctx;

    ferry_turns_take(turns, w->node);
    atomic_store(&w->has, true);
    ferry_turns_give(turns, w->node);
    return NULL;
}

static void begin(struct worker *w, const struct ferry_node *node)
{
    *w = (struct worker){ .node = node };
    assert_int_equal(pthread_create(&w->thread, NULL, work, w), 0);
}

static void check_waits(struct worker *w)
{
    nanosleep(&(struct timespec){ .tv_nsec = 50 * 1000 * 1000 }, NULL);
    assert_false(atomic_load(&w->has));
}

static void check_ends(struct worker *w)
{
    assert_int_equal(pthread_join(w->thread, NULL), 0);
    assert_true(atomic_load(&w->has));
}

static void test_turns_index_waits_for_what_it_lists(void **state)
{
    struct worker w;

    (void)state;
    ferry_turns_take(turns, manifest);
    ferry_turns_take(turns, manifest); /* under two tags */
    begin(&w, inner);
    check_waits(&w);
    ferry_turns_give(turns, manifest);
    check_waits(&w);
    ferry_turns_give(turns, manifest);
    check_ends(&w);
}

static void test_turns_manifest_waits_for_who_lists_it(void **state)
{
    struct worker w;

    (void)state;
    ferry_turns_take(turns, outer);
    begin(&w, inner);
    check_waits(&w);
    ferry_turns_give(turns, outer);
    check_ends(&w);
}

/* What is looked up is what an index lists itself, and nothing below that. */
static void test_turns_others_go_at_once(void **state)
{
    struct worker w[3];

    (void)state;
    ferry_turns_take(turns, manifest);
    begin(&w[0], other);
    begin(&w[1], manifest);
    begin(&w[2], outer);
    for (size_t i = 0; i < FERRY_COUNT(w); i++)
        check_ends(&w[i]);
    ferry_turns_give(turns, manifest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_turns_index_waits_for_what_it_lists, setup, teardown),
        cmocka_unit_test_setup_teardown(test_turns_manifest_waits_for_who_lists_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_turns_others_go_at_once, setup, teardown),
    };

    return cmocka_run_group_tests_name("turns", tests, NULL, NULL);
}
