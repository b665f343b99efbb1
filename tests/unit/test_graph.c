#include "format/oci/graph.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/check.h"
#include "tests/support/sample.h"

#define CONFIG_TYPE FERRY_TYPE_OCI_CONFIG
#define URLS ",\"urls\":[\"https://example.com/layer\"]"

/* Supplies and expects success. */
static void supply(struct ferry_graph *graph, const struct sample *sample)
{
    struct ferry_err err;

    CHECK_OK(sample_supply(graph, sample, &err));
}

/* Supplies what fails; the node is BAD with that reason. */
static void supply_bad(struct ferry_graph *graph, const struct sample *sample, enum ferry_code want,
                       const char *why)
{
    struct ferry_err err = { 0 };

    CHECK_CODE(sample_supply(graph, sample, &err), want);
    if (!strstr(err.msg, why))
        fail_msg("\"%s\" does not say \"%s\"", err.msg, why);
    assert_int_equal(sample_find(graph, sample)->state, FERRY_NODE_BAD);
    assert_string_equal(sample_find(graph, sample)->fault, err.msg);
    assert_int_equal(sample_find(graph, sample)->fault_code, want);
}

static struct ferry_graph *new_graph(void)
{
    struct ferry_graph *graph = NULL;
    struct ferry_err err;

    CHECK_OK(ferry_graph_new(&graph, &err));
    return graph;
}

/* [G1] [G2] */
static void test_graph_order_of_discovery(void **state)
{
    FERRY_OWNED(ferry_graph) graph = new_graph();
    struct sample config = sample_text(CONFIG_TYPE, "{}");
    struct sample layers[2] = { sample_layer(10, 1), sample_layer(20, 2) };
    struct sample m[2] = { sample_manifest(config, layers, 2), sample_manifest(config, layers, 1) };
    struct sample index = sample_index(m, 2);
    const struct sample *order[] = { &index, &m[0], &m[1], &config, &layers[0], &layers[1] };
    struct ferry_node *root;

    (void)state;
    root = sample_add_image(graph, "x:1", &index);
    assert_true(ferry_node_unread(root));
    assert_string_equal(graph->images[0].name, "host.example/x:1");
    supply(graph, &index);
    assert_false(ferry_node_unread(root));
    assert_int_equal(graph->count, 3);
    supply(graph, &m[0]);
    supply(graph, &m[1]);
    assert_int_equal(graph->count, FERRY_COUNT(order));
    for (size_t i = 0; i < graph->count; i++) {
        const struct ferry_node *node = graph->nodes[i];

        assert_ptr_equal(node, sample_find(graph, order[i]));
        assert_int_equal(node->place, i);
        assert_int_equal(node->is_manifest, i < 3);
        assert_int_equal(node->is_config, i == 3);
        assert_int_equal(node->state, i < 3 ? FERRY_NODE_GOOD : FERRY_NODE_WANTED);
        assert_int_equal(node->descriptor.size, order[i]->len);
    }
    assert_int_equal(root->count, 2);
    assert_ptr_equal(root->children[1], sample_find(graph, &m[1]));
    assert_memory_equal(root->bytes, index.bytes, index.len);
}

/* Many digests: the table of slots grows, and everything is found again. */
static void test_graph_many_nodes(void **state)
{
    FERRY_OWNED(ferry_graph) graph = new_graph();
    struct sample config = sample_text(CONFIG_TYPE, "{}"), layers[300], manifest;

    (void)state;
    for (unsigned i = 0; i < FERRY_COUNT(layers); i++)
        layers[i] = sample_layer(4, i);
    manifest = sample_manifest(config, layers, FERRY_COUNT(layers));
    assert_null(sample_find(graph, &manifest));
    sample_add_image(graph, "x:1", &manifest);
    supply(graph, &manifest);
    assert_int_equal(graph->count, FERRY_COUNT(layers) + 2);
    for (size_t i = 0; i < FERRY_COUNT(layers); i++)
        assert_int_equal(sample_find(graph, &layers[i])->place, i + 2);
}

/* [G3] */
static void test_graph_shares_nodes(void **state)
{
    FERRY_OWNED(ferry_graph) graph = new_graph();
    struct sample config = sample_text(CONFIG_TYPE, "{}");
    struct sample layers[3] = { sample_layer(10, 1), sample_layer(10, 1), sample_layer(9, 2) };
    struct sample a = sample_manifest(config, layers, 2), b = sample_manifest(config, layers, 3);

    (void)state;
    sample_add_image(graph, "a:1", &a);
    sample_add_image(graph, "a:2", &a); /* the same image under another tag */
    sample_add_image(graph, "b:1", &b);
    supply(graph, &a);
    supply(graph, &b);
    assert_int_equal(graph->image_count, 3);
    assert_ptr_equal(graph->images[0].root, graph->images[1].root);
    assert_int_equal(graph->count, 5);
    assert_int_equal(graph->images[0].root->count, 3); /* the layer counts twice */
    assert_ptr_equal(graph->images[0].root->children[1], graph->images[0].root->children[2]);
    assert_int_equal(sample_find(graph, &layers[0])->first_image, 0);
    assert_int_equal(sample_find(graph, &layers[2])->first_image, 2);
}

/* [D4] [D5] [D6] */
static void test_graph_disagreement(void **state)
{
    FERRY_OWNED(ferry_graph) graph = new_graph();
    struct sample config = sample_text(CONFIG_TYPE, "{}");
    struct sample layer = sample_layer(10, 1), other = layer;
    struct sample good = sample_manifest(config, &layer, 1), size, as_blob, docker = good;
    struct sample index;
    struct ferry_descriptor descriptor;
    struct ferry_err err;

    (void)state;
    other.len = 11;
    size = sample_manifest(config, &other, 1);
    as_blob = sample_manifest(config, &good, 1);
    docker.media_type = FERRY_TYPE_DOCKER_MANIFEST;
    index = sample_index(&docker, 1);
    sample_add_image(graph, "good:1", &good);
    sample_add_image(graph, "size:1", &size);
    sample_add_image(graph, "as_blob:1", &as_blob);
    sample_add_image(graph, "index:1", &index);
    supply(graph, &good);
    supply_bad(graph, &size, FERRY_EFORMAT, "is said to be 11 bytes here and 10 elsewhere");
    supply_bad(graph, &as_blob, FERRY_EFORMAT, "both as a manifest and as a blob");
    supply_bad(graph, &index, FERRY_EFORMAT, "is said to be both");
    assert_int_equal(sample_find(graph, &good)->state, FERRY_NODE_GOOD);

    CHECK_OK(ferry_descriptor_init(&descriptor, docker.media_type, &good.digest, (int64_t)good.len,
                                   &err));
    CHECK_CODE(ferry_graph_add_image(graph, &graph->images[0].ref, &descriptor, &err),
               FERRY_EFORMAT);
    assert_int_equal(graph->image_count, 4);
    ferry_descriptor_release(&descriptor);
}

/* [L1] */
static void test_graph_refuses_manifests_past_the_limit(void **state)
{
    FERRY_OWNED(ferry_graph) graph = new_graph();
    struct sample child = sample_text(FERRY_TYPE_OCI_MANIFEST, "{}"), index;

    (void)state;
    child.len = (size_t)FERRY_MANIFEST_MAX + 1;
    index = sample_index(&child, 1);
    sample_add_image(graph, "x:1", &index);
    supply_bad(graph, &index, FERRY_ELIMIT, "limit");
}

/* [G2] [G7] */
static void test_graph_bad_documents(void **state)
{
    FERRY_OWNED(ferry_graph) graph = new_graph();
    struct sample schema1 = sample_text(FERRY_TYPE_DOCKER_SCHEMA1_SIGNED, "{\"fsLayers\":[]}");
    struct sample broken = sample_text(FERRY_TYPE_OCI_MANIFEST, "{");
    struct sample unknown = sample_text("application/x", "anything");
    struct ferry_err later = { 0 };

    (void)state;
    sample_add_image(graph, "old:1", &schema1);
    sample_add_image(graph, "broken:1", &broken);
    sample_add_image(graph, "unknown:1", &unknown);
    supply_bad(graph, &schema1, FERRY_EFORMAT, "schema 1");
    supply_bad(graph, &broken, FERRY_EFORMAT, broken.digest.text);
    supply(graph, &unknown); /* bytes that we carry and do not look into */
    assert_int_equal(sample_find(graph, &unknown)->count, 0);

    ferry_fail(&later, FERRY_ENOTFOUND, "another reason"); /* the first one stays */
    ferry_node_set_fault(sample_find(graph, &broken), &later);
    assert_null(strstr(sample_find(graph, &broken)->fault, "another"));
    assert_int_equal(sample_find(graph, &broken)->fault_code, FERRY_EFORMAT);
}

/* [G6] */
static void test_graph_external_layers(void **state)
{
    FERRY_OWNED(ferry_graph) graph = new_graph();
    struct sample config = sample_text(CONFIG_TYPE, "{}"), plain = sample_layer(10, 1);
    struct sample foreign = sample_layer(20, 2), sometimes = sample_layer(30, 3);
    struct sample here = sometimes, a, b;

    (void)state;
    foreign.extra = sometimes.extra = URLS;
    a = sample_manifest(config, (struct sample[]){ plain, foreign, sometimes }, 3);
    b = sample_manifest(config, &here, 1);
    b.extra = URLS; /* of a manifest it means nothing */
    sample_add_image(graph, "a:1", &a);
    sample_add_image(graph, "b:1", &b);
    supply(graph, &a);
    assert_int_equal(sample_find(graph, &plain)->state, FERRY_NODE_WANTED);
    assert_int_equal(sample_find(graph, &foreign)->state, FERRY_NODE_LEFT_OUT);
    assert_int_equal(sample_find(graph, &sometimes)->state, FERRY_NODE_LEFT_OUT);
    assert_true(ferry_node_is_elsewhere(sample_find(graph, &sometimes)));
    assert_false(ferry_node_is_elsewhere(sample_find(graph, &plain)));
    assert_string_equal(sample_find(graph, &foreign)->descriptor.urls[0],
                        "https://example.com/layer");
    assert_null(sample_find(graph, &foreign)->descriptor.urls[1]);
    supply(graph, &b); /* who does not say where else it is needs it here, and has it */
    assert_int_equal(sample_find(graph, &sometimes)->state, FERRY_NODE_WANTED);
    assert_int_equal(sample_find(graph, &sometimes)->first_image, 1);
    assert_null(sample_find(graph, &sometimes)->descriptor.urls);
    assert_int_equal(sample_find(graph, &foreign)->state, FERRY_NODE_LEFT_OUT);
}

/* An image met first as a root, without a platform, is still that platform's in an index. */
static void test_graph_platforms_are_the_index_s(void **state)
{
    FERRY_OWNED(ferry_graph) graph = new_graph();
    struct sample config = sample_text(CONFIG_TYPE, "{}");
    struct sample m = sample_manifest(config, NULL, 0), index;
    struct ferry_node *root;

    (void)state;
    index = sample_index((struct sample[]){ sample_platform(m, "linux", "arm64") }, 1);
    sample_add_image(graph, "m:1", &m);
    root = sample_add_image(graph, "index:1", &index);
    supply(graph, &index);
    supply(graph, &m);
    assert_string_equal(root->platforms[0].architecture, "arm64");
    assert_null(sample_find(graph, &m)->platforms);
}

static void test_graph_names(void **state)
{
    FERRY_OWNED(ferry_graph) graph = new_graph();
    struct sample blob = sample_text("application/x", "x");
    struct ferry_reference refs[4] = { 0 };
    struct ferry_descriptor d;
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_descriptor_init(&d, blob.media_type, &blob.digest, 1, &err));
    snprintf(refs[0].tag, sizeof(refs[0].tag), "v1");
    refs[1].has_digest = true;
    refs[1].digest = blob.digest;
    CHECK_OK(ferry_reference_parse(sample_format("q.io/x:1@%s", blob.digest.text), &refs[2], &err));
    for (size_t i = 0; i < FERRY_COUNT(refs); i++)
        CHECK_OK(ferry_graph_add_image(graph, &refs[i], &d, &err));
    ferry_descriptor_release(&d);
    assert_string_equal(graph->images[0].name, "v1");
    assert_string_equal(graph->images[1].name, blob.digest.text);
    assert_string_equal(graph->images[2].name, sample_format("q.io/x:1@%s", blob.digest.text));
    assert_string_equal(graph->images[3].name, blob.digest.text);
}

/* Every node once, each after all its children. */
static void check_closure(struct ferry_graph *graph, struct ferry_node *root, size_t want)
{
    FERRY_OWNED_MEM struct ferry_node **list = NULL;
    FERRY_OWNED_MEM bool *seen = calloc(graph->count, sizeof(*seen));
    struct ferry_err err;
    size_t count;

    CHECK_OK(ferry_graph_closure(graph, root, &list, &count, &err));
    assert_int_equal(count, want);
    assert_ptr_equal(list[count - 1], root);
    for (size_t i = 0; i < count; i++) {
        assert_false(seen[list[i]->place]);
        for (size_t c = 0; c < list[i]->count; c++)
            assert_true(seen[list[i]->children[c]->place]);
        seen[list[i]->place] = true;
    }
}

static void test_graph_closure(void **state)
{
    FERRY_OWNED(ferry_graph) graph = new_graph();
    struct sample config = sample_text(CONFIG_TYPE, "{}"), layer = sample_layer(5, 1);
    struct sample m[2] = { sample_manifest(config, &layer, 1), sample_manifest(config, NULL, 0) };
    struct sample inner[2] = { sample_index(m, 2), sample_index(&m[1], 1) }; /* a diamond */
    struct sample top = sample_index((struct sample[]){ inner[0], m[1], inner[1] }, 3);
    struct ferry_node *root = sample_add_image(graph, "x:1", &top);

    (void)state;
    check_closure(graph, root, 1);
    supply(graph, &top);
    check_closure(graph, root, 4);
    for (size_t i = 0; i < 2; i++)
        supply(graph, &inner[i]);
    for (size_t i = 0; i < 2; i++)
        supply(graph, &m[i]);
    check_closure(graph, root, 7);
    check_closure(graph, sample_find(graph, &inner[1]), 3);
    check_closure(graph, sample_find(graph, &layer), 1);
}

/* 40 indexes, each listing the next one twice: 2^40 ways to the end, and 41 nodes. */
/* [G3] */
static void test_graph_closure_of_many_paths(void **state)
{
    FERRY_OWNED(ferry_graph) graph = new_graph();
    struct sample chain[41];

    (void)state;
    chain[0] = sample_manifest(sample_text(CONFIG_TYPE, "{}"), NULL, 0);
    for (size_t i = 1; i < FERRY_COUNT(chain); i++)
        chain[i] = sample_index((struct sample[]){ chain[i - 1], chain[i - 1] }, 2);
    sample_add_image(graph, "x:1", &chain[40]);
    for (size_t i = FERRY_COUNT(chain); i-- > 0;)
        supply(graph, &chain[i]);
    check_closure(graph, graph->images[0].root, FERRY_COUNT(chain) + 1);
}

/* A chain as deep as you like must not need a stack as deep. */
static void test_graph_closure_of_a_long_chain(void **state)
{
    FERRY_OWNED(ferry_graph) graph = new_graph();
    FERRY_OWNED_MEM struct sample *chain = calloc(10000, sizeof(*chain));

    (void)state;
    chain[0] = sample_manifest(sample_text(CONFIG_TYPE, "{}"), NULL, 0);
    for (size_t i = 1; i < 10000; i++)
        chain[i] = sample_index(&chain[i - 1], 1);
    sample_add_image(graph, "x:1", &chain[9999]);
    for (size_t i = 10000; i-- > 0;)
        supply(graph, &chain[i]);
    check_closure(graph, graph->images[0].root, 10001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_graph_order_of_discovery),
        cmocka_unit_test(test_graph_many_nodes),
        cmocka_unit_test(test_graph_shares_nodes),
        cmocka_unit_test(test_graph_disagreement),
        cmocka_unit_test(test_graph_refuses_manifests_past_the_limit),
        cmocka_unit_test(test_graph_bad_documents),
        cmocka_unit_test(test_graph_external_layers),
        cmocka_unit_test(test_graph_platforms_are_the_index_s),
        cmocka_unit_test(test_graph_names),
        cmocka_unit_test(test_graph_closure),
        cmocka_unit_test(test_graph_closure_of_many_paths),
        cmocka_unit_test(test_graph_closure_of_a_long_chain),
    };

    return cmocka_run_group_tests_name("graph", tests, NULL, sample_forget_group);
}
