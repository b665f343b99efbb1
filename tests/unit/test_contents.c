#include "format/verify/contents.h"

#include <string.h>

#include "tests/support/check.h"
#include "tests/support/sample.h"

/* Two images that share a layer, one of them by two names, the other with a foreign layer. */
static struct sample config[2], shared, own[2], foreign, image[2];
static struct ferry_verify_report report;

static int enter(void **state)
{
    struct ferry_err err;

    (void)state;
    config[0] = sample_text(FERRY_TYPE_OCI_CONFIG, "{\"a\":1}");
    config[1] = sample_text(FERRY_TYPE_OCI_CONFIG, "{\"b\":22}");
    shared = sample_layer(1000, 1);
    own[0] = sample_layer(200, 2);
    own[1] = sample_layer(30, 3);
    foreign = sample_layer(4, 4);
    foreign.extra = ",\"urls\":[\"https://example.com/layer\"]";
    image[0] = sample_manifest(config[0], (struct sample[]){ shared, own[0], shared }, 3);
    image[1] = sample_manifest(config[1], (struct sample[]){ shared, own[1], foreign }, 3);
    report = (struct ferry_verify_report){ 0 };
    CHECK_OK(ferry_graph_new(&report.graph, &err));
    sample_add_image(report.graph, "a:1", &image[0]);
    sample_add_image(report.graph, "b:1", &image[1]);
    sample_add_image(report.graph, "a:latest", &image[0]);
    CHECK_OK(sample_supply(report.graph, &image[0], &err));
    CHECK_OK(sample_supply(report.graph, &image[1], &err));
    for (size_t i = 0; i < report.graph->count; i++)
        if (report.graph->nodes[i]->state == FERRY_NODE_WANTED)
            report.graph->nodes[i]->state = FERRY_NODE_GOOD;
    return 0;
}

static int leave(void **state)
{
    (void)state;
    ferry_graph_free(ferry_steal(&report.graph));
    sample_forget();
    return 0;
}

static struct ferry_contents *count(void)
{
    struct ferry_contents *contents = NULL;
    struct ferry_err err;

    CHECK_OK(ferry_contents_new(&report, &contents, &err));
    return contents;
}

/* A layer that a manifest lists twice is there once, and so are two names of one digest. */
static void test_contents_counts(void **state)
{
    FERRY_OWNED(ferry_contents) c = count();
    int64_t own_bytes[2] = { (int64_t)(image[0].len + config[0].len + own[0].len),
                             (int64_t)(image[1].len + config[1].len + own[1].len) };

    (void)state;
    assert_int_equal(c->count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(c->images[i].bytes[FERRY_SPACE_OWN], own_bytes[i]);
        assert_int_equal(c->images[i].bytes[FERRY_SPACE_SHARED], 1000);
        assert_int_equal(c->images[i].bytes[FERRY_SPACE_ELSEWHERE], i * 4);
        assert_int_equal(c->images[i].bytes[FERRY_SPACE_FAULTY], 0);
        assert_int_equal(c->images[i].sum, own_bytes[i] + 1000 + (int64_t)i * 4);
        assert_true(c->images[i].whole);
    }
    assert_int_equal(c->image_of[0], 0);
    assert_int_equal(c->image_of[1], 1);
    assert_int_equal(c->image_of[2], 0);
    assert_int_equal(c->next_name[0], 2);
    assert_int_equal(c->next_name[1], 0);
    assert_int_equal(c->bytes[FERRY_SPACE_OWN], own_bytes[0] + own_bytes[1]);
    assert_int_equal(c->bytes[FERRY_SPACE_SHARED], 1000);
    assert_int_equal(c->bytes[FERRY_SPACE_ELSEWHERE], 4);
    assert_int_equal(c->sum, own_bytes[0] + own_bytes[1] + 1004);
    assert_int_equal(c->shared_blobs, 1);
    assert_int_equal(c->saved, 1000);
    assert_int_equal(c->reached_by[sample_find(report.graph, &shared)->place], 2);
    assert_int_equal(c->damage_count, 0);
}

/* What a base has is not here, and no fault. */
static void test_contents_in_base(void **state)
{
    struct ferry_node *base = sample_find(report.graph, &shared);

    (void)state;
    base->state = FERRY_NODE_IN_BASE;
    {
        FERRY_OWNED(ferry_contents) c = count();

        assert_int_equal(c->bytes[FERRY_SPACE_BASE], 1000);
        assert_int_equal(c->bytes[FERRY_SPACE_SHARED], 0);
        assert_int_equal(c->bytes[FERRY_SPACE_FAULTY], 0);
        for (size_t i = 0; i < 2; i++) {
            assert_int_equal(c->images[i].bytes[FERRY_SPACE_BASE], 1000);
            assert_true(c->images[i].whole);
        }
        assert_int_equal(c->shared_blobs, 0);
        assert_int_equal(c->damage_count, 0);
    }
    base->state = FERRY_NODE_GOOD;
}

/* The names that a fault of this node damages, with a space behind each. */
static const char *damaged(const struct ferry_contents *c, const struct ferry_node *node)
{
    const struct ferry_fault fault = { .node = node };
    struct ferry_damaged walk;
    const char *names = "";

    ferry_damaged_begin(&walk, c, &fault);
    for (const char *name; (name = ferry_damaged_next(&walk));)
        names = sample_format("%s%s ", names, name);
    assert_null(ferry_damaged_next(&walk));
    return names;
}

static void test_contents_faults(void **state)
{
    struct ferry_node *base = sample_find(report.graph, &shared);
    struct ferry_node *layer = sample_find(report.graph, &own[1]);
    struct ferry_node *good = sample_find(report.graph, &own[0]);
    struct ferry_fault deep = { .node = good };

    (void)state;
    base->state = FERRY_NODE_BAD;
    layer->state = FERRY_NODE_WANTED;
    {
        FERRY_OWNED(ferry_contents) c = count();

        assert_string_equal(damaged(c, base),
                            "host.example/a:1 host.example/a:latest host.example/b:1 ");
        assert_string_equal(damaged(c, layer), "host.example/b:1 ");
        assert_string_equal(damaged(c, good), "");
        assert_string_equal(damaged(c, NULL), "");
        assert_false(c->images[0].whole);
        assert_int_equal(c->bytes[FERRY_SPACE_FAULTY], 1030);
        assert_int_equal(c->images[0].bytes[FERRY_SPACE_FAULTY], 1000);
        assert_int_equal(c->images[1].bytes[FERRY_SPACE_FAULTY], 1030);
        assert_int_equal(c->shared_blobs, 0);
    }
    base->state = layer->state = FERRY_NODE_GOOD;
    report.faults = &deep; /* a layer of the right digest that inflates to something else */
    report.fault_count = 1;
    {
        FERRY_OWNED(ferry_contents) c = count();

        assert_string_equal(damaged(c, good), "host.example/a:1 host.example/a:latest ");
        assert_false(c->images[0].whole);
        assert_true(c->images[1].whole);
        assert_int_equal(c->bytes[FERRY_SPACE_FAULTY], 200);
    }
    report.fault_count = 0;
}

/* Sizes that no medium has do not turn around. */
static void test_contents_sums_are_bounded(void **state)
{
    struct ferry_node *base = sample_find(report.graph, &shared);
    FERRY_OWNED(ferry_contents) c = NULL;

    (void)state;
    base->descriptor.size = INT64_MAX;
    c = count();
    base->descriptor.size = 1000;
    assert_int_equal(c->sum, INT64_MAX);
    assert_int_equal(c->images[0].sum, INT64_MAX);
    assert_int_equal(c->saved, INT64_MAX);
}

static void test_contents_platforms(void **state)
{
    FERRY_OWNED(ferry_graph) graph = NULL;
    struct sample children[4], index;
    struct ferry_err err;

    (void)state;
    for (unsigned i = 0; i < 4; i++)
        children[i] = sample_manifest(config[0], (struct sample[]){ sample_layer(9, 10 + i) }, 1);
    index = sample_index((struct sample[]){ sample_platform(children[0], "linux", "amd64"),
                                            sample_platform(children[1], "unknown", "unknown"),
                                            sample_platform(children[2], "linux", "arm64"),
                                            sample_platform(children[3], "linux", "s390x") },
                         4);
    CHECK_OK(ferry_graph_new(&graph, &err));
    sample_add_image(graph, "x:1", &index);
    CHECK_OK(sample_supply(graph, &index, &err));
    for (size_t limit = 1; limit < 100; limit += 98) {
        FERRY_OWNED_BUF text;

        ferry_buf_init(&text, 100);
        CHECK_OK(ferry_contents_platforms(graph->images[0].root, limit, &text, &err));
        assert_string_equal((char *)text.data,
                            limit == 1 ? "linux/amd64 ..." : "linux/amd64 linux/arm64 linux/s390x");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contents_counts),    cmocka_unit_test(test_contents_faults),
        cmocka_unit_test(test_contents_in_base),   cmocka_unit_test(test_contents_sums_are_bounded),
        cmocka_unit_test(test_contents_platforms),
    };

    return cmocka_run_group_tests_name("contents", tests, enter, leave);
}
