#include "format/oci/bases.h"

#include <string.h>

#include "format/oci/index.h"
#include "tests/support/check.h"
#include "tests/support/sample.h"

/* In the order of their bytes. */
#define A "sha256:0000000000000000000000000000000000000000000000000000000000000001"
#define B "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define C "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define LONG                                                                                       \
    "sha512:cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"                      \
    "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"

static const struct {
    const char *name, *base, *in_base;
    size_t count, layers;
    const char *why; /* NULL where it is right */
} rows[] = {
    { "none", NULL, NULL, 0, 0, NULL },
    { "nothing_left", A, NULL, 1, 0, NULL },
    { "one", A, "q.io/a " B, 1, 1, NULL },
    { "two_of_each", A " " B, "q.io/a " B " " C " q.io/b " A, 2, 3, NULL },
    { "sha512_layer", A, "q.io/a " B " " LONG, 1, 2, NULL },
    { "port", A, "127.0.0.1:5000/a/b " B, 1, 1, NULL },
    { "bare_ipv6", A, "[::1]:5000/a " B, 1, 1, NULL },
    { "no_base", NULL, "q.io/a " B, 0, 0, "names none" },
    { "base_empty", "", NULL, 0, 0, FERRY_NOTE_BASE },
    { "base_no_digest", "latest", NULL, 0, 0, FERRY_NOTE_BASE },
    { "base_sha512", LONG, NULL, 0, 0, "sha256" },
    { "base_not_sorted", B " " A, NULL, 0, 0, "sorted" },
    { "base_twice", A " " A, NULL, 0, 0, "sorted" },
    { "base_two_spaces", A "  " B, NULL, 0, 0, FERRY_NOTE_BASE },
    { "base_space_behind", A " ", NULL, 0, 0, FERRY_NOTE_BASE },
    { "empty", A, "", 0, 0, FERRY_NOTE_IN_BASE },
    { "digest_first", A, B " q.io/a " C, 0, 0, "no repository before it" },
    { "repository_alone", A, "q.io/a", 0, 0, "no digest behind it" },
    { "repository_last", A, "q.io/a " B " q.io/b", 0, 0, "no digest behind it" },
    { "repository_empty", A, "q.io/a q.io/b " B, 0, 0, "no digest behind it" },
    { "repositories_not_sorted", A, "q.io/b " B " q.io/a " C, 0, 0, "sorted" },
    { "repository_twice", A, "q.io/a " B " q.io/a " C, 0, 0, "sorted" },
    { "digests_not_sorted", A, "q.io/a " C " " B, 0, 0, "sorted" },
    { "digest_twice", A, "q.io/a " B " " B, 0, 0, "sorted" },
    { "digest_in_two_repositories", A, "q.io/a " B " q.io/b " B, 0, 0, "twice" },
    { "two_spaces", A, "q.io/a  " B, 0, 0, FERRY_NOTE_IN_BASE },
    { "tab", A, "q.io/a\t" B, 0, 0, "REGISTRY/REPOSITORY" },
    { "tag", A, "q.io/a:1 " B, 0, 0, "REGISTRY/REPOSITORY" },
    { "short_name", A, "a/b " B, 0, 0, "REGISTRY/REPOSITORY" },
    { "climbing", A, "q.io/../a " B, 0, 0, "REGISTRY/REPOSITORY" },
    { "url", A, "https://q.io/a " B, 0, 0, "REGISTRY/REPOSITORY" },
    { "digest_cut", A, "q.io/a sha256:ba78", 0, 0, FERRY_NOTE_IN_BASE },
};

/* [R80] */
static void test_bases_parse(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        struct ferry_bases bases;
        struct ferry_err err = { 0 };
        int rc = ferry_bases_parse(rows[i].base, rows[i].in_base, &bases, &err);

        CHECK_ROW(rows[i].name, rc == (rows[i].why ? (int)FERRY_EFORMAT : 0));
        if (rc == 0) {
            CHECK_ROW(rows[i].name, bases.count == rows[i].count);
            CHECK_ROW(rows[i].name, bases.layer_count == rows[i].layers);
        } else {
            CHECK_ROW(rows[i].name, strstr(err.msg, rows[i].why));
        }
        ferry_bases_release(&bases);
    }
}

static void test_bases_find(void **state)
{
    struct ferry_bases bases;
    struct ferry_digest digest;
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_bases_parse(A, "q.io/a " C " q.io/b " A, &bases, &err));
    CHECK_OK(ferry_digest_parse(A, &digest, &err));
    assert_string_equal(ferry_bases_find(&bases, &digest)->repository, "q.io/b");
    CHECK_OK(ferry_digest_parse(C, &digest, &err));
    assert_string_equal(ferry_bases_find(&bases, &digest)->repository, "q.io/a");
    CHECK_OK(ferry_digest_parse(B, &digest, &err));
    assert_null(ferry_bases_find(&bases, &digest));
    ferry_bases_release(&bases);
}

/* --- in index.json ---------------------------------------------------------------------------- */

/* An image of a config and two layers, and an index.json that leaves `in_base` to a base. */
struct image {
    struct sample config, layers[2], manifest, index;
};

static struct image make_image(void)
{
    struct image image = { .config = sample_text(FERRY_TYPE_OCI_CONFIG, "{}"),
                           .layers = { sample_layer(10, 1), sample_layer(20, 2) } };

    image.manifest = sample_manifest(image.config, image.layers, 2);
    image.index = sample_index(&image.manifest, 1);
    return image;
}

static const char *index_json(const struct image *image, const char *more)
{
    return sample_format("{\"manifests\":[%s],\"annotations\":{\"" FERRY_NOTE_VERSION
                         "\":\"1.0\",\"" FERRY_NOTE_BASE "\":\"" A "\"%s}}",
                         sample_descriptor(&image->index, ""), more);
}

static const char *in_base(const struct sample *blob)
{
    return sample_format(",\"" FERRY_NOTE_IN_BASE "\":\"q.io/a %s\"", blob->digest.text);
}

static struct ferry_graph *new_graph(void)
{
    struct ferry_graph *graph = NULL;
    struct ferry_err err;

    CHECK_OK(ferry_graph_new(&graph, &err));
    return graph;
}

static int load(struct ferry_graph *graph, const struct image *image, const char *text,
                struct ferry_err *err)
{
    FERRY_TRY(ferry_index_parse(text, strlen(text), graph, err));
    FERRY_TRY(sample_supply(graph, &image->index, err));
    return sample_supply(graph, &image->manifest, err);
}

static void test_bases_of_a_graph(void **state)
{
    FERRY_OWNED(ferry_graph) graph = new_graph();
    struct image image = make_image();
    const struct ferry_node *node;
    struct ferry_err err;

    (void)state;
    CHECK_OK(load(graph, &image, index_json(&image, in_base(&image.layers[1])), &err));
    node = sample_find(graph, &image.layers[1]);
    assert_int_equal(node->state, FERRY_NODE_IN_BASE);
    assert_string_equal(node->base_repository, "q.io/a");
    assert_true(ferry_node_is_left(node));
    assert_false(ferry_node_is_elsewhere(node));
    assert_int_equal(sample_find(graph, &image.layers[0])->state, FERRY_NODE_WANTED);
    assert_null(sample_find(graph, &image.layers[0])->base_repository);
    assert_int_equal(graph->bases.count, 1);
    assert_string_equal(graph->bases.digests[0].text, A);
}

/* Of an archive without a version these annotations mean nothing. */
/* [V3] */
static void test_bases_of_another_tool(void **state)
{
    FERRY_OWNED(ferry_graph) graph = new_graph();
    struct image image = make_image();
    struct ferry_err err;

    (void)state;
    CHECK_OK(load(graph, &image,
                  sample_format("{\"manifests\":[%s],\"annotations\":{\"" FERRY_NOTE_BASE
                                "\":\"nonsense\"%s}}",
                                sample_descriptor(&image.index, ""), in_base(&image.layers[1])),
                  &err));
    assert_int_equal(sample_find(graph, &image.layers[1])->state, FERRY_NODE_WANTED);
    assert_int_equal(graph->bases.count, 0);
}

/* Whoever could leave a document to a base could have the reader publish what it has not seen. */
/* [G11] [G12] [R80] */
static void test_bases_refused(void **state)
{
    struct image image = make_image();
    const struct {
        const char *name, *more, *why;
        bool is_read; /* index.json is */
    } refused[] = {
        { "root", in_base(&image.index), "is no layer", false },
        { "child", in_base(&image.manifest), "is no layer", true },
        { "config", in_base(&image.config), "is no layer", true },
        { "malformed", ",\"" FERRY_NOTE_IN_BASE "\":\"q.io/a\"", "no digest behind it", false },
        { "number", ",\"" FERRY_NOTE_IN_BASE "\":1", FERRY_NOTE_IN_BASE, false },
        { "left_out",
          sample_format("%s,\"" FERRY_NOTE_LEFT_OUT "\":\"%s\"", in_base(&image.layers[0]),
                        image.layers[0].digest.text),
          "both list", false },
    };

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(refused); i++) {
        FERRY_OWNED(ferry_graph) graph = new_graph();
        struct ferry_err err = { 0 };

        CHECK_ROW(refused[i].name, load(graph, &image, index_json(&image, refused[i].more), &err) ==
                                       (int)FERRY_EFORMAT);
        CHECK_ROW(refused[i].name, strstr(err.msg, refused[i].why));
        CHECK_ROW(refused[i].name, (graph->image_count == 1) == refused[i].is_read);
    }
}

/* A blob may be a layer here and a config there (an empty one is): then it is none to be left. */
/* [G11] */
static void test_bases_layer_that_is_a_config(void **state)
{
    FERRY_OWNED(ferry_graph) graph = new_graph();
    struct image image = make_image();
    struct sample other;
    struct ferry_err err = { 0 };

    (void)state;
    image.layers[0] = image.config;
    image.manifest = sample_manifest(sample_text(FERRY_TYPE_OCI_CONFIG, "{} "), image.layers, 2);
    image.index = sample_index(&image.manifest, 1);
    other = sample_manifest(image.config, image.layers, 1);
    CHECK_OK(load(graph, &image, index_json(&image, in_base(&image.config)), &err));
    sample_add_image(graph, "other:1", &other);
    CHECK_CODE(sample_supply(graph, &other, &err), FERRY_EFORMAT);
    assert_int_equal(sample_find(graph, &other)->state, FERRY_NODE_BAD);
    assert_int_equal(sample_find(graph, &image.manifest)->state, FERRY_NODE_GOOD);
}

/* What one program writes is what the other reads, byte for byte. */
/* [W70] [W71] [W9] */
static void test_bases_round_trip(void **state)
{
    FERRY_OWNED(ferry_graph) graph = new_graph();
    FERRY_OWNED(ferry_graph) again = new_graph();
    FERRY_OWNED_BUF text;
    FERRY_OWNED_BUF same;
    struct image image = make_image();
    struct ferry_bases bases;
    struct ferry_err err;
    const char *want;

    (void)state;
    sample_add_image(graph, "x:1", &image.index);
    CHECK_OK(sample_supply(graph, &image.index, &err));
    CHECK_OK(sample_supply(graph, &image.manifest, &err));
    CHECK_OK(ferry_bases_parse(A " " C, NULL, &bases, &err));
    ferry_graph_leave_to_bases(graph, &bases);
    for (size_t i = 0; i < 2; i++) {
        sample_find(graph, &image.layers[i])->state = FERRY_NODE_IN_BASE;
        sample_find(graph, &image.layers[i])->base_repository = i == 0 ? "q.io/b" : "q.io/a";
    }
    ferry_buf_init(&text, (size_t)FERRY_MANIFEST_MAX);
    CHECK_OK(ferry_index_format(graph, FERRY_REF_NAME_TAG, &text, &err));
    want = sample_format("\"annotations\":{\"" FERRY_NOTE_VERSION "\":\"1.0\",\"" FERRY_NOTE_BASE
                         "\":\"" A " " C "\",\"" FERRY_NOTE_IN_BASE "\":\"q.io/a %s q.io/b %s\"}}",
                         image.layers[1].digest.text, image.layers[0].digest.text);
    assert_non_null(strstr((const char *)text.data, want));

    CHECK_OK(load(again, &image, (const char *)text.data, &err));
    assert_int_equal(sample_find(again, &image.layers[0])->state, FERRY_NODE_IN_BASE);
    assert_string_equal(sample_find(again, &image.layers[0])->base_repository, "q.io/b");
    ferry_buf_init(&same, (size_t)FERRY_MANIFEST_MAX);
    CHECK_OK(ferry_index_format(again, FERRY_REF_NAME_TAG, &same, &err));
    assert_string_equal((const char *)same.data, (const char *)text.data);
}

/* The digest that a later archive names this one by. */
static void test_bases_digest_of_the_index(void **state)
{
    FERRY_OWNED(ferry_graph) graph = new_graph();
    struct ferry_digest want;
    struct ferry_err err;
    static const char text[] = "{\"manifests\":[]}";

    (void)state;
    assert_string_equal(graph->index.text, "");
    CHECK_OK(ferry_index_parse(text, strlen(text), graph, &err));
    CHECK_OK(ferry_digest_of(FERRY_SHA256, text, strlen(text), &want, &err));
    assert_string_equal(graph->index.text, want.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bases_parse),
        cmocka_unit_test(test_bases_find),
        cmocka_unit_test(test_bases_of_a_graph),
        cmocka_unit_test(test_bases_of_another_tool),
        cmocka_unit_test(test_bases_refused),
        cmocka_unit_test(test_bases_layer_that_is_a_config),
        cmocka_unit_test(test_bases_round_trip),
        cmocka_unit_test(test_bases_digest_of_the_index),
    };

    return cmocka_run_group_tests_name("bases", tests, NULL, sample_forget_group);
}
