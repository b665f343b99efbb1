/* What is left out on purpose: by a choice of platforms, and by an archive that says so. */
#include "format/oci/left_out.h"

#include <stdio.h>
#include <string.h>

#include "format/oci/index.h"
#include "tests/support/check.h"
#include "tests/support/sample.h"

#define CHILDREN_MAX 8
#define ARM64 "linux/arm64/v8"

static struct ferry_graph *new_graph(void)
{
    struct ferry_graph *graph = NULL;
    struct ferry_err err;

    CHECK_OK(ferry_graph_new(&graph, &err));
    return graph;
}

static void supply(struct ferry_graph *graph, const struct sample *sample)
{
    struct ferry_err err;

    CHECK_OK(sample_supply(graph, sample, &err));
}

/* An image manifest that no other `seed` gives. */
static struct sample make_manifest(unsigned seed)
{
    struct sample layer = sample_layer(10, seed);

    return sample_manifest(sample_text(FERRY_TYPE_OCI_CONFIG, "{}"), &layer, 1);
}

static struct sample on(struct sample child, const char *text)
{
    struct ferry_platform p;
    struct ferry_err err;

    CHECK_OK(ferry_platform_parse(text, &p, &err));
    child.extra = sample_format(
        "%s,\"platform\":{\"os\":\"%s\",\"architecture\":\"%s\"%s}", child.extra, p.os,
        p.architecture, p.variant[0] ? sample_format(",\"variant\":\"%s\"", p.variant) : "");
    return child;
}

/* As BuildKit writes it. */
static struct sample attesting(struct sample child, const struct ferry_digest *digest)
{
    child = on(child, "unknown/unknown");
    child.extra = sample_format("%s,\"annotations\":{"
                                "\"vnd.docker.reference.type\":\"attestation-manifest\","
                                "\"vnd.docker.reference.digest\":\"%s\"}",
                                child.extra, digest->text);
    return child;
}

/* The platforms of "linux/amd64 linux/arm". */
static size_t parse_list(const char *text, struct ferry_platform out[CHILDREN_MAX])
{
    char copy[200], *rest = NULL;
    struct ferry_err err;
    size_t count = 0;

    snprintf(copy, sizeof(copy), "%s", text);
    for (char *one = strtok_r(copy, " ", &rest); one; one = strtok_r(NULL, " ", &rest))
        CHECK_OK(ferry_platform_parse(one, &out[count++], &err));
    return count;
}

static const struct {
    const char *name, *selected;
    const char *children[CHILDREN_MAX]; /* a platform; "" none; "@N" attests the Nth; "@" what is
                                           nowhere; "=N" is the Nth again; "nested" an index */
    const char *taken;                  /* '+' or '-' for each */
} rows[] = {
    { "nothing_selected", "", { "linux/amd64", ARM64, "@0", "" }, "++++" },
    { "one", "linux/amd64", { "linux/amd64", ARM64 }, "+-" },
    { "two", "linux/amd64 linux/arm64", { "linux/amd64", ARM64, "linux/s390x" }, "++-" },
    { "every_variant",
      "linux/arm",
      { "linux/arm/v5", "linux/arm/v7", "linux/arm", ARM64 },
      "+++-" },
    { "one_variant", "linux/arm/v7", { "linux/arm/v5", "linux/arm/v7", "linux/arm" }, "-++" },
    { "none_of_them", "linux/s390x", { "linux/amd64", ARM64, "@0" }, "---" },
    { "attestation_of_what_is_taken", "linux/amd64", { "linux/amd64", ARM64, "@0", "@1" }, "+-+-" },
    { "attestation_comes_first", "linux/amd64", { "@2", "@3", "linux/amd64", ARM64 }, "+-+-" },
    { "attestation_of_an_attestation", "linux/amd64", { "@1", "@2", "linux/amd64" }, "+++" },
    { "attestation_of_itself", "linux/amd64", { "linux/amd64", "@1" }, "+-" },
    { "attestation_of_nothing", "linux/amd64", { "linux/amd64", "@" }, "++" },
    { "unknown_and_no_attestation", "linux/amd64", { "unknown/unknown", ARM64 }, "+-" },
    { "no_platform", "linux/amd64", { "", ARM64 }, "+-" },
    { "nested_is_followed", "linux/amd64", { "nested", ARM64 }, "+-" },
    { "twice_with_two_platforms", "linux/amd64", { ARM64, "=0 linux/amd64" }, "++" },
};

/* A child as the table writes it. */
static struct sample make_child(size_t i, const char *text)
{
    static const struct ferry_digest nowhere = {
        FERRY_SHA256, "sha256:"
                      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    };
    struct sample child = make_manifest((unsigned)i);

    if (strcmp(text, "nested") == 0)
        return sample_index(&child, 1);
    if (text[0] == '=') { /* an earlier one again */
        child = make_manifest((unsigned)(text[1] - '0'));
        return on(child, text + 3);
    }
    if (strcmp(text, "@") == 0)
        return attesting(child, &nowhere);
    if (text[0] == '@') {
        struct sample other = make_manifest((unsigned)(text[1] - '0'));

        return attesting(child, &other.digest);
    }
    return text[0] ? on(child, text) : child;
}

static void test_left_out_by_platform(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        FERRY_OWNED(ferry_graph) graph = new_graph();
        struct ferry_platform selected[CHILDREN_MAX];
        struct sample children[CHILDREN_MAX], index;
        size_t count = strlen(rows[i].taken);

        for (size_t k = 0; k < count; k++)
            children[k] = make_child(k, rows[i].children[k]);
        index = sample_index(children, count);
        ferry_graph_select(graph, selected, parse_list(rows[i].selected, selected));
        sample_add_image(graph, "x:1", &index);
        supply(graph, &index);
        while (ferry_graph_want_attestations(graph))
            ;
        for (size_t k = 0; k < count; k++)
            if ((sample_find(graph, &children[k])->state == FERRY_NODE_WANTED) !=
                (rows[i].taken[k] == '+'))
                fail_msg("row \"%s\": child %zu", rows[i].name, k);
    }
}

/* Of two images that share a child, or of which one is that child, one asks for it. */
static void test_left_out_unless_wanted_elsewhere(void **state)
{
    struct sample m[2] = { make_manifest(1), make_manifest(2) }, attestation = make_manifest(3);
    struct sample index;
    struct ferry_platform selected[CHILDREN_MAX];

    (void)state;
    index = sample_index((struct sample[]){ on(m[0], "linux/amd64"), on(m[1], ARM64),
                                            attesting(attestation, &m[1].digest) },
                         3);
    for (int root_first = 0; root_first < 2; root_first++) {
        FERRY_OWNED(ferry_graph) graph = new_graph();

        ferry_graph_select(graph, selected, parse_list("linux/amd64", selected));
        if (root_first)
            sample_add_image(graph, "root:1", &m[1]);
        sample_add_image(graph, "index:1", &index);
        supply(graph, &index);
        if (!root_first) {
            assert_int_equal(sample_find(graph, &m[1])->state, FERRY_NODE_LEFT_OUT);
            assert_int_equal(sample_find(graph, &attestation)->state, FERRY_NODE_LEFT_OUT);
            sample_add_image(graph, "root:1", &m[1]);
            assert_int_equal(sample_find(graph, &m[1])->first_image, 1);
            assert_true(ferry_graph_want_attestations(graph));
        }
        assert_false(ferry_graph_want_attestations(graph));
        assert_int_equal(sample_find(graph, &m[1])->state, FERRY_NODE_WANTED);
        assert_int_equal(sample_find(graph, &attestation)->state, FERRY_NODE_WANTED);
    }
}

/* Indexes in an index, which lists one child twice. */
static void test_left_out_list(void **state)
{
    FERRY_OWNED(ferry_graph) graph = new_graph();
    FERRY_OWNED_MEM struct ferry_left_out *list = NULL;
    FERRY_OWNED_JSON *report = NULL;
    struct sample m[4] = { make_manifest(1), make_manifest(2), make_manifest(3), make_manifest(4) };
    struct sample inner, outer;
    struct ferry_platform selected[CHILDREN_MAX];
    char text[FERRY_LEFT_OUT_TEXT_MAX];
    struct ferry_err err;
    size_t count;

    (void)state;
    inner = sample_index((struct sample[]){ on(m[0], "linux/amd64"), on(m[1], ARM64),
                                            on(m[2], "linux/s390x"),
                                            attesting(m[3], &m[2].digest) },
                         4);
    outer = sample_index((struct sample[]){ inner, on(m[1], ARM64), inner }, 3);
    ferry_graph_select(graph, selected, parse_list("linux/amd64", selected));
    sample_add_image(graph, "outer:1", &outer);
    sample_add_image(graph, "plain:1", &m[0]);
    supply(graph, &outer);
    supply(graph, &inner);
    for (int all = 0; all < 2; all++) {
        free(ferry_steal(&list));
        CHECK_OK(
            ferry_left_out_list(graph, all ? NULL : graph->images[0].root, &list, &count, &err));
        assert_int_equal(count, 3);
        assert_ptr_equal(list[0].node, sample_find(graph, &m[1]));
        assert_ptr_equal(list[1].node, sample_find(graph, &m[2]));
        assert_ptr_equal(list[2].node, sample_find(graph, &m[3]));
        assert_string_equal(ferry_left_out_platforms(list, count, text),
                            "linux/arm64/v8, linux/s390x");
    }
    CHECK_OK(ferry_left_out_json(graph, graph->images[0].root, &report, &err));
    assert_int_equal(json_array_size(report), 3);
    assert_string_equal(json_string_value(json_object_get(json_array_get(report, 2), "platform")),
                        "unknown/unknown");
    free(ferry_steal(&list));
    CHECK_OK(ferry_left_out_list(graph, graph->images[1].root, &list, &count, &err));
    assert_int_equal(count, 0);
    assert_string_equal(ferry_left_out_platforms(list, count, text), "");
}

/* However many and long they are, a line has an end. */
static void test_left_out_text_is_cut(void **state)
{
    struct ferry_platform platforms[100];
    struct ferry_left_out list[100];
    char text[FERRY_LEFT_OUT_TEXT_MAX];

    (void)state;
    memset(platforms, 0, sizeof(platforms));
    for (size_t i = 0; i < FERRY_COUNT(list); i++) {
        snprintf(platforms[i].os, sizeof(platforms[i].os), "system%025zu", i);
        snprintf(platforms[i].architecture, sizeof(platforms[i].architecture), "%031d", 7);
        snprintf(platforms[i].variant, sizeof(platforms[i].variant), "%031d", 8);
        list[i] = (struct ferry_left_out){ NULL, &platforms[i] };
    }
    ferry_left_out_platforms(list, FERRY_COUNT(list), text);
    assert_true(strlen(text) < FERRY_LEFT_OUT_TEXT_MAX);
    assert_string_equal(text + strlen(text) - 5, ", ...");
}

/* index.json that lists `root`, and says that `left_out` is. */
static const char *index_json(const struct sample *root, const char *version, const char *left_out)
{
    return sample_format("{\"manifests\":[%s],\"annotations\":{%s\"" FERRY_NOTE_LEFT_OUT "\":%s}}",
                         sample_descriptor(root, ""), version, left_out);
}

#define OURS "\"" FERRY_NOTE_VERSION "\":\"1.0\","

/* [W28] [G10] [R26] What one side leaves out the other does not miss. */
static void test_left_out_round_trip(void **state)
{
    FERRY_OWNED(ferry_graph) graph = new_graph();
    FERRY_OWNED(ferry_graph) again = new_graph();
    FERRY_OWNED_BUF text;
    FERRY_OWNED_BUF twice;
    struct sample m[4], children[4], index, foreign = sample_layer(9, 9);
    struct ferry_platform selected[CHILDREN_MAX];
    const char *digests[3];
    struct ferry_err err;

    (void)state;
    foreign.extra = ",\"urls\":[\"https://example.com/layer\"]";
    for (unsigned i = 0; i < 4; i++)
        children[i] = m[i] = make_manifest(i);
    m[0] = sample_manifest(sample_text(FERRY_TYPE_OCI_CONFIG, "{}"), &foreign, 1);
    children[0] = on(m[0], "linux/amd64");
    for (size_t i = 1; i < 4; i++) {
        children[i] = on(m[i], "linux/s390x");
        digests[i - 1] = m[i].digest.text;
    }
    for (size_t i = 0; i < 3; i++) /* sorted */
        for (size_t k = 0; k + 1 < 3; k++)
            if (strcmp(digests[k], digests[k + 1]) > 0) {
                const char *later = digests[k];

                digests[k] = digests[k + 1];
                digests[k + 1] = later;
            }
    index = sample_index(children, 4);
    ferry_graph_select(graph, selected, parse_list("linux/amd64", selected));
    sample_add_image(graph, "x:1", &index);
    supply(graph, &index);
    supply(graph, &m[0]);
    ferry_buf_init(&text, (size_t)FERRY_MANIFEST_MAX);
    ferry_buf_init(&twice, (size_t)FERRY_MANIFEST_MAX);
    CHECK_OK(ferry_index_format(graph, FERRY_REF_NAME_TAG, &text, &err));
    assert_non_null(strstr((char *)text.data,
                           sample_format("\"annotations\":{\"" FERRY_NOTE_VERSION
                                         "\":\"1.0\",\"" FERRY_NOTE_LEFT_OUT "\":\"%s %s %s\"}",
                                         digests[0], digests[1], digests[2])));

    CHECK_OK(ferry_index_parse(text.data, text.len, again, &err));
    assert_true(again->is_ours);
    supply(again, &index);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(sample_find(again, &m[i])->state,
                         i == 0 ? FERRY_NODE_WANTED : FERRY_NODE_LEFT_OUT);
    supply(again, &m[0]);
    assert_int_equal(sample_find(again, &foreign)->state, FERRY_NODE_LEFT_OUT);
    CHECK_OK(ferry_index_format(again, FERRY_REF_NAME_TAG, &twice, &err));
    assert_string_equal((char *)text.data, (char *)twice.data);
}

/* [R26] It may be a config or a layer as well, in whatever order, and whoever lists it. */
static void test_left_out_of_any_kind(void **state)
{
    FERRY_OWNED(ferry_graph) graph = new_graph();
    struct sample layers[2] = { sample_layer(10, 1), sample_layer(10, 2) };
    struct sample m[2] = { sample_manifest(sample_text(FERRY_TYPE_OCI_CONFIG, "{}"), layers, 2),
                           sample_manifest(sample_text(FERRY_TYPE_OCI_CONFIG, "{}"), layers, 1) };
    struct sample index = sample_index(m, 2);
    const char *text = index_json(&index, OURS,
                                  sample_format("\"%s %s %s\"", layers[1].digest.text,
                                                m[1].digest.text, layers[1].digest.text));
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_index_parse(text, strlen(text), graph, &err));
    supply(graph, &index);
    supply(graph, &m[0]);
    assert_int_equal(sample_find(graph, &m[1])->state, FERRY_NODE_LEFT_OUT);
    assert_int_equal(sample_find(graph, &layers[0])->state, FERRY_NODE_WANTED);
    assert_int_equal(sample_find(graph, &layers[1])->state, FERRY_NODE_LEFT_OUT);
    supply(graph, &m[1]); /* it is there after all */
    assert_int_equal(sample_find(graph, &m[1])->state, FERRY_NODE_GOOD);
}

#define SHA "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static const struct {
    const char *name, *version, *left_out;
    enum ferry_code want;
    bool counts;
} bad_rows[] = {
    { "one", OURS, "\"" SHA "\"", FERRY_OK, true },
    { "two", OURS, "\"" SHA " " SHA "\"", FERRY_OK, true },
    { "null", OURS, "null", FERRY_OK, false },
    { "not_ours", "", "\"" SHA "\"", FERRY_OK, false },
    { "not_ours_and_wrong", "", "7", FERRY_OK, false },
    { "number", OURS, "7", FERRY_EFORMAT, false },
    { "list", OURS, "[\"" SHA "\"]", FERRY_EFORMAT, false },
    { "empty", OURS, "\"\"", FERRY_EFORMAT, false },
    { "two_spaces", OURS, "\"" SHA "  " SHA "\"", FERRY_EFORMAT, false },
    { "space_behind", OURS, "\"" SHA " \"", FERRY_EFORMAT, false },
    { "comma", OURS, "\"" SHA "," SHA "\"", FERRY_EFORMAT, false },
    { "no_digest", OURS, "\"sha256:12\"", FERRY_EFORMAT, false },
};

/* [D8] */
static void test_left_out_annotation(void **state)
{
    struct sample root = make_manifest(1);

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(bad_rows); i++) {
        FERRY_OWNED(ferry_graph) graph = new_graph();
        const char *text = index_json(&root, bad_rows[i].version, bad_rows[i].left_out);
        struct ferry_err err = { 0 };

        CHECK_ROW(bad_rows[i].name,
                  ferry_index_parse(text, strlen(text), graph, &err) == (int)bad_rows[i].want);
        CHECK_ROW(bad_rows[i].name, (graph->left_out_count > 0) == bad_rows[i].counts);
        if (bad_rows[i].want != FERRY_OK)
            CHECK_ROW(bad_rows[i].name, strstr(err.msg, FERRY_NOTE_LEFT_OUT));
    }
}

/* [R28] */
static void test_left_out_is_no_image(void **state)
{
    FERRY_OWNED(ferry_graph) graph = new_graph();
    struct sample root = make_manifest(1);
    const char *text = index_json(&root, OURS, sample_format("\"%s\"", root.digest.text));
    struct ferry_err err = { 0 };

    (void)state;
    CHECK_CODE(ferry_index_parse(text, strlen(text), graph, &err), FERRY_EFORMAT);
    assert_non_null(strstr(err.msg, root.digest.text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_left_out_by_platform),
        cmocka_unit_test(test_left_out_unless_wanted_elsewhere),
        cmocka_unit_test(test_left_out_list),
        cmocka_unit_test(test_left_out_text_is_cut),
        cmocka_unit_test(test_left_out_round_trip),
        cmocka_unit_test(test_left_out_of_any_kind),
        cmocka_unit_test(test_left_out_annotation),
        cmocka_unit_test(test_left_out_is_no_image),
    };

    return cmocka_run_group_tests_name("left_out", tests, NULL, sample_forget_group);
}
