#include "format/oci/unite.h"

#include <string.h>

#include "format/oci/index.h"
#include "tests/support/check.h"
#include "tests/support/sample.h"

#define PARTS_MAX 3

/* Images of one layer each. */
static struct sample config, layers[4], m[4];

static int enter(void **state)
{
    (void)state;
    config = sample_text(FERRY_TYPE_OCI_CONFIG, "{}");
    for (unsigned i = 0; i < 4; i++) {
        layers[i] = sample_layer(10 + i, i);
        m[i] = sample_manifest(config, &layers[i], 1);
    }
    return 0;
}

/* An index.json of ours that names `name` as `root`; `notes` are further annotations. */
static const char *index_json(const char *name, const struct sample *root, const char *notes)
{
    return sample_format(
        "{\"manifests\":[%s],\"annotations\":{\"io.ociferry.archive.version\":\"1.0\"%s}}",
        sample_descriptor(root, sample_format(",\"annotations\":{\"io.containerd.image.name\":"
                                              "\"host.example/%s\"}",
                                              name)),
        notes);
}

static struct ferry_graph *parse(const char *text)
{
    struct ferry_graph *graph;
    struct ferry_err err;

    CHECK_OK(ferry_graph_new(&graph, &err));
    CHECK_OK(ferry_index_parse(text, strlen(text), graph, &err));
    return graph;
}

static void supply(struct ferry_graph *graph, const struct sample *sample)
{
    struct ferry_err err;

    CHECK_OK(sample_supply(graph, sample, &err));
}

static void fail_node(struct ferry_graph *graph, const struct sample *sample, enum ferry_code code)
{
    struct ferry_err why;

    ferry_fail(&why, code, "a.tar: %s is of no use", sample->digest.text);
    ferry_node_set_fault(sample_find(graph, sample), &why);
}

static int unite(struct ferry_graph *const *graphs, size_t count,
                 struct ferry_overruled_list *overruled, struct ferry_graph **out,
                 struct ferry_err *err)
{
    static const char *const names[] = { "a.tar", "b.tar", "c.tar" };
    struct ferry_part parts[PARTS_MAX];
    int rc;

    for (size_t i = 0; i < count; i++)
        parts[i] = (struct ferry_part){ names[i], graphs[i] };
    *overruled = (struct ferry_overruled_list){ 0 };
    rc = ferry_graph_unite(parts, count, overruled, out, err);
    if (rc < 0)
        free(overruled->items);
    return rc;
}

/* Each part has one image, one letter for each: its name, the manifest that it is, and the parts
 * that are its bases. `want`: the manifest, in the order of the images that count; or "" when the
 * parts do not go together. "?" behind a manifest: no part has it. */
static const struct {
    const char *name;
    const char *images[PARTS_MAX]; /* "x0?" */
    const char *bases[PARTS_MAX];
    const char *want, *overruled;
} name_rows[] = {
    { "different names", { "x0", "y1" }, { "", "" }, "01", "" },
    { "the same image", { "x0", "x0" }, { "", "" }, "0", "" },
    { "two names of one image", { "x0", "y0" }, { "", "" }, "00", "" },
    { "a conflict", { "x0", "x1" }, { "", "" }, "", "" },
    { "the second is newer", { "x0", "x1" }, { "", "0" }, "1", "0" },
    { "the first is newer", { "x0", "x1" }, { "1", "" }, "0", "1" },
    { "a base of a base", { "x0", "y1", "x2" }, { "", "0", "1" }, "12", "0" },
    { "three versions", { "x1", "x2", "x0" }, { "2", "0", "" }, "2", "02" },
    { "a delta and a stranger", { "x0", "x1", "x2" }, { "", "0", "" }, "", "" },
    { "two deltas of one base", { "x0", "x1", "x2" }, { "", "0", "0" }, "", "" },
    { "two deltas that agree", { "x0", "x1", "x1" }, { "", "0", "0" }, "1", "0" },
    { "a root that no archive has", { "x0?", "x1" }, { "", "" }, "1", "0" },
    { "the same, the other way round", { "x0", "x1?" }, { "", "" }, "0", "1" },
    { "two that no archive has", { "x0?", "x1?" }, { "", "" }, "", "" },
    { "a newer one that is lost is not replaced", { "x0", "x1?" }, { "", "0" }, "1", "0" },
};

/* The graph of part `i` of a row; those of its bases come first. */
static void make_part(size_t row, size_t i, struct ferry_graph **graphs)
{
    const char *image = name_rows[row].images[i];
    const struct sample *root = &m[image[1] - '0'];
    char name[] = { image[0], ':', '1', '\0' };
    const char *bases = "";

    if (!image || graphs[i])
        return;
    for (const char *p = name_rows[row].bases[i]; *p; p++) {
        make_part(row, (size_t)(*p - '0'), graphs);
        bases = sample_format(",\"io.ociferry.archive.base\":\"%s\"", graphs[*p - '0']->index.text);
    }
    graphs[i] = parse(index_json(name, root, bases));
    if (image[2] == '?')
        fail_node(graphs[i], root, FERRY_ENOTFOUND);
    else
        supply(graphs[i], root);
}

static void check_names(size_t row, const struct ferry_graph *graph,
                        const struct ferry_overruled_list *overruled)
{
    const char *want = name_rows[row].want, *parts = name_rows[row].overruled;

    CHECK_ROW(name_rows[row].name, graph->image_count == strlen(want));
    for (size_t i = 0; want[i]; i++)
        CHECK_ROW(name_rows[row].name,
                  graph->images[i].root == sample_find(graph, &m[want[i] - '0']));
    CHECK_ROW(name_rows[row].name, overruled->count == strlen(parts));
    for (size_t i = 0; parts[i]; i++)
        CHECK_ROW(name_rows[row].name, overruled->items[i].part == (size_t)(parts[i] - '0'));
}

/* [R71] */
static void test_unite_names(void **state)
{
    (void)state;
    for (size_t row = 0; row < FERRY_COUNT(name_rows); row++) {
        struct ferry_graph *graphs[PARTS_MAX] = { NULL };
        FERRY_OWNED(ferry_graph) graph = NULL;
        struct ferry_overruled_list overruled;
        struct ferry_err err;
        size_t count = 0;
        int rc;

        while (count < PARTS_MAX && name_rows[row].images[count])
            make_part(row, count++, graphs);
        rc = unite(graphs, count, &overruled, &graph, &err);
        if (name_rows[row].want[0]) {
            if (rc < 0)
                fail_msg("row \"%s\": %s", name_rows[row].name, err.msg);
            check_names(row, graph, &overruled);
            free(overruled.items);
        } else {
            CHECK_ROW(name_rows[row].name, rc == FERRY_EUSAGE);
            CHECK_ROW(name_rows[row].name, strstr(err.msg, "host.example/x:1") != NULL);
            CHECK_ROW(name_rows[row].name, strstr(err.msg, ".tar and sha256:") != NULL);
        }
        for (size_t i = 0; i < count; i++)
            ferry_graph_free(graphs[i]);
    }
}

/* What two parts say of a layer, and what becomes of it. */
enum view { WANTS, LEAVES_OUT, LEAVES_TO_BASE, KNOWS_NOT };

static const struct {
    const char *name;
    enum view views[2];
    enum ferry_node_state want;
} state_rows[] = {
    { "both want it", { WANTS, WANTS }, FERRY_NODE_WANTED },
    { "one does without it, the other not", { LEAVES_OUT, WANTS }, FERRY_NODE_WANTED },
    { "the same the other way round", { WANTS, LEAVES_OUT }, FERRY_NODE_WANTED },
    { "both do without it", { LEAVES_OUT, LEAVES_OUT }, FERRY_NODE_LEFT_OUT },
    { "one does without it, the other has not its image",
      { KNOWS_NOT, LEAVES_OUT },
      FERRY_NODE_LEFT_OUT },
    { "a delta and its base", { WANTS, LEAVES_TO_BASE }, FERRY_NODE_WANTED },
    { "a delta alone", { LEAVES_TO_BASE, KNOWS_NOT }, FERRY_NODE_IN_BASE },
    { "left to a base and left out", { LEAVES_OUT, LEAVES_TO_BASE }, FERRY_NODE_IN_BASE },
};

static struct ferry_graph *make_view(enum view view)
{
    static const char *const digest =
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const struct sample *root = view == KNOWS_NOT ? &m[1] : &m[0];
    const char *notes = "";
    struct ferry_graph *graph;

    if (view == LEAVES_OUT)
        notes = sample_format(",\"io.ociferry.archive.left-out\":\"%s\"", layers[0].digest.text);
    if (view == LEAVES_TO_BASE)
        notes = sample_format(",\"io.ociferry.archive.base\":\"%s\","
                              "\"io.ociferry.archive.in-base\":\"host.example/x %s\"",
                              digest, layers[0].digest.text);
    graph = parse(index_json(view == KNOWS_NOT ? "y:1" : "x:1", root, notes));
    supply(graph, root);
    return graph;
}

/* [R72] */
static void test_unite_states(void **state)
{
    (void)state;
    for (size_t row = 0; row < FERRY_COUNT(state_rows); row++) {
        struct ferry_graph *graphs[2] = { make_view(state_rows[row].views[0]),
                                          make_view(state_rows[row].views[1]) };
        FERRY_OWNED(ferry_graph) graph = NULL;
        struct ferry_overruled_list overruled;
        const struct ferry_node *node;
        struct ferry_err err;

        CHECK_OK(unite(graphs, 2, &overruled, &graph, &err));
        node = sample_find(graph, &layers[0]);
        CHECK_ROW(state_rows[row].name, node->state == state_rows[row].want);
        if (node->state == FERRY_NODE_IN_BASE)
            assert_string_equal(node->base_repository, "host.example/x");
        ferry_graph_free(graphs[0]);
        ferry_graph_free(graphs[1]);
    }
}

/* [R70] A document is had from whichever part has it; one that none has is BAD, and says why. */
static void test_unite_takes_documents_from_any_part(void **state)
{
    struct sample index = sample_index(m, 2), roots[2] = { index, m[2] };
    static const char *const names[] = { "host.example/x:1", "host.example/y:1" };
    struct sample text = sample_index_json(roots, names, 2);
    struct ferry_graph *graphs[2] = { parse(text.bytes), parse(text.bytes) };
    FERRY_OWNED(ferry_graph) graph = NULL;
    struct ferry_overruled_list overruled;
    struct ferry_err err;

    (void)state;
    for (size_t i = 0; i < 2; i++)
        supply(graphs[i], &index);
    supply(graphs[0], &m[0]);
    fail_node(graphs[0], &m[1], FERRY_EDIGEST);
    fail_node(graphs[1], &m[0], FERRY_EDIGEST);
    supply(graphs[1], &m[1]);
    for (size_t i = 0; i < 2; i++)
        fail_node(graphs[i], &m[2], FERRY_EDIGEST);
    CHECK_OK(unite(graphs, 2, &overruled, &graph, &err));
    assert_int_equal(graph->image_count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct ferry_node *node = sample_find(graph, &m[i]);

        assert_int_equal(node->state, FERRY_NODE_GOOD);
        assert_memory_equal(node->bytes, m[i].bytes, m[i].len);
        assert_int_equal(sample_find(graph, &layers[i])->state, FERRY_NODE_WANTED);
    }
    assert_int_equal(sample_find(graph, &m[2])->state, FERRY_NODE_BAD);
    assert_int_equal(sample_find(graph, &m[2])->fault_code, FERRY_EDIGEST);
    assert_non_null(strstr(sample_find(graph, &m[2])->fault, "is of no use"));
    assert_null(sample_find(graph, &layers[2]));
    ferry_graph_free(graphs[0]);
    ferry_graph_free(graphs[1]);
}

/* A size that one index.json has wrong does not count when another has it right. */
static void test_unite_takes_the_right_descriptor(void **state)
{
    struct sample lie = m[0];
    struct ferry_graph *graphs[2];
    FERRY_OWNED(ferry_graph) graph = NULL;
    struct ferry_overruled_list overruled;
    struct ferry_err err;

    (void)state;
    lie.len++;
    graphs[0] = parse(index_json("x:1", &lie, ""));
    graphs[1] = parse(index_json("x:1", &m[0], ""));
    fail_node(graphs[0], &lie, FERRY_EDIGEST);
    supply(graphs[1], &m[0]);
    CHECK_OK(unite(graphs, 2, &overruled, &graph, &err));
    assert_int_equal(graph->image_count, 1);
    assert_int_equal(graph->images[0].root->state, FERRY_NODE_GOOD);
    assert_int_equal(graph->images[0].root->descriptor.size, m[0].len);
    ferry_graph_free(graphs[0]);
    ferry_graph_free(graphs[1]);
}

/* What belongs to an image is there once for each repository and subject. */
static void test_unite_referrers(void **state)
{
    const struct {
        const char *repository;
        const struct sample *subject;
    } rows[2] = { { "host.example/x", &m[0] }, { "host.example/y", &m[0] } };
    struct ferry_graph *graphs[2];
    FERRY_OWNED(ferry_graph) graph = NULL;
    struct ferry_overruled_list overruled;
    struct ferry_err err;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const char *both = "";

        for (size_t k = 0; k <= i; k++)
            both = sample_format(
                "%s%s%s", both, k ? "," : "",
                sample_descriptor(
                    &m[1], sample_format(",\"annotations\":{\"" FERRY_NOTE_SUBJECT
                                         "\":\"%s\",\"" FERRY_NOTE_REFERRER_REPOSITORY "\":\"%s\"}",
                                         rows[k].subject->digest.text, rows[k].repository)));
        graphs[i] = parse(sample_format("{\"manifests\":[%s]}", both));
        supply(graphs[i], &m[1]);
    }
    CHECK_OK(unite(graphs, 2, &overruled, &graph, &err));
    assert_int_equal(graph->image_count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_true(graph->images[i].has_subject);
        assert_true(ferry_digest_equal(&graph->images[i].subject, &m[0].digest));
        assert_string_equal(graph->images[i].ref.repository, i == 0 ? "x" : "y");
    }
    ferry_graph_free(graphs[0]);
    ferry_graph_free(graphs[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unite_names),
        cmocka_unit_test(test_unite_states),
        cmocka_unit_test(test_unite_takes_documents_from_any_part),
        cmocka_unit_test(test_unite_takes_the_right_descriptor),
        cmocka_unit_test(test_unite_referrers),
    };

    return cmocka_run_group_tests(tests, enter, sample_forget_group);
}
