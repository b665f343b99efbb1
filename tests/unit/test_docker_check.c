#include "format/verify/docker_check.h"

#include <stdio.h>
#include <string.h>

#include "format/archive/layout.h"
#include "tests/support/check.h"
#include "tests/support/sample.h"

/* x:1 is one image; y:1 is an index of another and of x:1; z:1 lists a foreign layer. */
static struct sample config[2], layers[3], foreign;

static struct ferry_graph *make_graph(bool is_ours)
{
    struct ferry_graph *graph = NULL;
    struct sample x, y, z, index;
    struct ferry_err err;

    for (unsigned i = 0; i < FERRY_COUNT(layers); i++)
        layers[i] = sample_layer(10, i);
    config[0] = sample_text(FERRY_TYPE_OCI_CONFIG, "{}");
    config[1] = sample_text(FERRY_TYPE_OCI_CONFIG, "{ }");
    foreign = sample_layer(20, 9);
    foreign.extra = ",\"urls\":[\"https://example.com/x\"]";
    x = sample_manifest(config[0], layers, 2);
    y = sample_manifest(config[1], &layers[2], 1);
    z = sample_manifest(config[1], &foreign, 1);
    index = sample_index((struct sample[]){ y, x }, 2);
    CHECK_OK(ferry_graph_new(&graph, &err));
    graph->is_ours = is_ours;
    sample_add_image(graph, "x:1", &x);
    sample_add_image(graph, "y:1", &index);
    sample_add_image(graph, "z:1", &z);
    CHECK_OK(sample_supply(graph, &index, &err));
    CHECK_OK(sample_supply(graph, &x, &err));
    CHECK_OK(sample_supply(graph, &y, &err));
    CHECK_OK(sample_supply(graph, &z, &err));
    return graph;
}

static const char *path(const struct sample *blob)
{
    char name[FERRY_BLOB_NAME_MAX];

    ferry_layout_blob_name(&blob->digest, name);
    return sample_format("%s", name);
}

/* An item with a layer, or two. */
static const char *item(const char *names, const char *of, const struct sample *first,
                        const struct sample *second)
{
    return sample_format("{\"Config\":\"%s\",\"RepoTags\":[%s],\"Layers\":[\"%s\"%s]}", of, names,
                         path(first), second ? sample_format(",\"%s\"", path(second)) : "");
}

static int gather(void *ctx, const char *text, struct ferry_err *err)
{
    (void)err;
    strncat(ctx, text, 2000 - strlen(ctx));
    strncat(ctx, "\n", 2000 - strlen(ctx));
    return 0;
}

/* What is told of `text`, a line a fault. */
static void check(const char *name, const char *text, bool is_ours, const char *want)
{
    FERRY_OWNED(ferry_graph) graph = make_graph(is_ours);
    FERRY_OWNED_BUF document;
    char told[2048] = "";
    const struct ferry_docker_faults faults = { gather, told };
    struct ferry_err err;

    ferry_buf_init(&document, 1 << 20);
    CHECK_OK(ferry_buf_append(&document, text, strlen(text), &err));
    CHECK_OK(ferry_docker_check(graph, &document, &faults, &err));
    if (!*want && *told)
        fail_msg("row \"%s\": \"%s\"", name, told);
    if (!strstr(told, want) || (*want && strchr(told, '\n') != told + strlen(told) - 1))
        fail_msg("row \"%s\": \"%s\", expected one fault: %s", name, told, want);
}

#define X "\"host.example/x:1\""
#define Y "\"host.example/y:1\""
#define Z "\"host.example/z:1\""
#define DIGEST                                                                                     \
    "\"host.example/x@sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\""
#define ELSE "load something else"
#define LAY(n) (&layers[n])

/* [W20] [R27] */
static void test_docker_check_items(void **state)
{
    FERRY_OWNED(ferry_graph) graph = make_graph(true); /* for the digests */
    const char *c0 = path(&config[0]), *c1 = path(&config[1]);
    const struct {
        const char *name, *item;
        const char *ours, *others; /* what is told; "" for nothing */
    } rows[] = {
        { "image", item(X, c0, LAY(0), LAY(1)), "", "" },
        { "of_an_index", item(Y, c1, LAY(2), NULL), "", "" },
        { "any_of_an_index", item(Y, c0, LAY(0), LAY(1)), "", "" },
        { "two_names", item(X "," Y, c0, LAY(0), LAY(1)), "", "" },
        { "another_image", item(X, c1, LAY(2), NULL), ELSE, ELSE },
        { "another_config", item(X, c1, LAY(0), LAY(1)), ELSE, ELSE },
        { "another_layer", item(X, c0, LAY(0), LAY(2)), ELSE, ELSE },
        { "another_order", item(X, c0, LAY(1), LAY(0)), ELSE, ELSE },
        { "a_layer_less", item(X, c0, LAY(0), NULL), ELSE, ELSE },
        { "second_name_of_another", item(Y "," X, c1, LAY(2), NULL), ELSE, ELSE },
        { "same_name_again", item(X "," X, c0, LAY(0), LAY(1)), "twice", "twice" },
        { "same_name_thrice", item(X "," X "," X, c0, LAY(0), LAY(1)), "twice", "twice" },
        { "of_another_image_twice", item(X "," X, c1, LAY(2), NULL), ELSE, ELSE },
        { "layer_left_out", item(Z, c1, &foreign, NULL), ELSE, ELSE },
        { "unknown_name", item("\"host.example/n:1\"", c0, LAY(0), LAY(1)), "has not", "" },
        { "other_tag", item("\"host.example/x:2\"", c0, LAY(0), LAY(1)), "has not", "" },
        { "digest_for_a_name", item(DIGEST, c0, LAY(0), LAY(1)), "has not", "" },
        { "no_name_at_all", item("\"?\"", c0, LAY(0), LAY(1)), "has not", "" },
        { "number_for_a_name", item("1", c0, LAY(0), LAY(1)), "has not", "" },
        { "nameless", item("", c0, LAY(0), LAY(1)), "without a name", "" },
        { "own_files", item(X, "abc.json", LAY(0), LAY(1)), ELSE, "" },
        { "no_object", "7", "without a name", "" },
        { "empty", "{}", "without a name", "" },
    };

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        const char *text = sample_format("[%s]", rows[i].item);

        check(rows[i].name, text, true, rows[i].ours);
        check(rows[i].name, text, false, rows[i].others);
    }
}

static void test_docker_check_documents(void **state)
{
    (void)state;
    check("empty_array", "[]", true, "");
    check("object", "{}", true, "expected a JSON array");
    check("object", "{}", false, "");
    check("nothing", "", true, "not JSON");
    check("no_json", "[", false, "");
    check("duplicate_key", "[{\"Config\":\"a\",\"Config\":\"b\"}]", true, "not JSON");
}

/* What a document lists that is damaged is not known, and a fault of its own. */
static void test_docker_check_damaged_image(void **state)
{
    FERRY_OWNED(ferry_graph) graph = make_graph(true);
    FERRY_OWNED_BUF document;
    char told[2048] = "";
    const struct ferry_docker_faults faults = { gather, told };
    struct ferry_err err = { .code = FERRY_EDIGEST };

    (void)state;
    ferry_node_set_fault(graph->images[0].root, &err);
    ferry_buf_init(&document, 1 << 20);
    CHECK_OK(ferry_buf_print(&document, &err, "[%s]", item(X, path(&config[1]), &layers[2], NULL)));
    CHECK_OK(ferry_docker_check(graph, &document, &faults, &err));
    assert_string_equal(told, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_docker_check_items),
        cmocka_unit_test(test_docker_check_documents),
        cmocka_unit_test(test_docker_check_damaged_image),
    };

    return cmocka_run_group_tests(tests, NULL, sample_forget_group);
}
