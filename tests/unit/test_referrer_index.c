#include "format/oci/referrer_index.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/check.h"
#include "tests/support/sample.h"

#define HEX "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define SHA512                                                                                     \
    "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"                      \
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
#define ONE "{\"mediaType\":\"x\",\"digest\":\"sha256:" HEX "\",\"size\":3,\"own\":\"kept\"}"

static struct ferry_err err;

static void test_referrer_index_tag(void **state)
{
    struct ferry_digest digest;
    char tag[FERRY_TAG_MAX];

    (void)state;
    CHECK_OK(ferry_digest_parse("sha256:" HEX, &digest, &err));
    ferry_referrer_index_tag(&digest, tag);
    assert_string_equal(tag, "sha256-" HEX);
    CHECK_OK(ferry_digest_parse(SHA512, &digest, &err));
    ferry_referrer_index_tag(&digest, tag);
    assert_string_equal(tag,
                        "sha512-ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a");
    assert_true(ferry_tag_valid(tag));
}

/* A buffer that lends `text`; not to be released. */
static struct ferry_buf lend(const char *text)
{
    return (struct ferry_buf){ .data = (uint8_t *)(uintptr_t)text, .len = strlen(text) };
}

static const struct {
    const char *name, *text;
    enum ferry_code want;
    size_t count;
} parse_rows[] = {
    { "empty", "{\"manifests\":[]}", FERRY_OK, 0 },
    { "two", "{\"manifests\":[" ONE "," ONE "]}", FERRY_OK, 2 },
    { "no_list", "{}", FERRY_EFORMAT, 0 },
    { "no_json", "<html>", FERRY_EFORMAT, 0 },
    { "no_array", "{\"manifests\":{}}", FERRY_EFORMAT, 0 },
    { "no_objects", "{\"manifests\":[\"x\"]}", FERRY_EFORMAT, 0 },
    { "no_digest", "{\"manifests\":[{\"digest\":\"../x\"}]}", FERRY_EFORMAT, 0 },
};

static void test_referrer_index_parse(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(parse_rows); i++) {
        FERRY_OWNED_MEM struct ferry_digest *digests = NULL;
        struct ferry_buf list = lend(parse_rows[i].text);
        size_t count = 0, room = 0;
        int rc = ferry_referrer_index_parse(&list, "list", &digests, &count, &room, &err);

        CHECK_ROW(parse_rows[i].name, rc == (int)parse_rows[i].want);
        if (rc == 0)
            CHECK_ROW(parse_rows[i].name, count == parse_rows[i].count);
    }
}

/* A graph whose images are these documents. */
static struct ferry_graph *graph_of(const struct sample *documents, size_t count)
{
    struct ferry_graph *graph = NULL;

    CHECK_OK(ferry_graph_new(&graph, &err));
    for (size_t i = 0; i < count; i++) {
        sample_add_image(graph, sample_format("x:%zu", i), &documents[i]);
        CHECK_OK(sample_supply(graph, &documents[i], &err));
    }
    return graph;
}

/* What merge appends to `list`; "" for nothing. */
static char *merge(const char *list, const struct ferry_graph *graph)
{
    FERRY_OWNED_BUF out;
    const struct ferry_node *nodes[8];
    struct ferry_buf old = lend(list);

    for (size_t i = 0; i < graph->image_count; i++)
        nodes[i] = graph->images[i].root;
    ferry_buf_init(&out, (size_t)FERRY_MANIFEST_MAX);
    CHECK_OK(ferry_referrer_index_merge(&old, "list", nodes, graph->image_count, &out, &err));
    return strdup(out.len ? (const char *)out.data : "");
}

static void test_referrer_index_merge(void **state)
{
    struct sample documents[] = {
        sample_text(FERRY_TYPE_OCI_MANIFEST,
                    "{\"artifactType\":\"a/sbom\",\"annotations\":{\"k\":\"v\"},\"config\":"
                    "{\"mediaType\":\"c/d\",\"digest\":\"sha256:" HEX "\",\"size\":2}}"),
        sample_text(FERRY_TYPE_OCI_MANIFEST, "{\"config\":{\"mediaType\":\"c/d\",\"digest\":"
                                             "\"sha256:" HEX "\",\"size\":2}}"),
        sample_text("odd/type", "not ours to read"),
    };
    FERRY_OWNED(ferry_graph) graph = graph_of(documents, FERRY_COUNT(documents));
    FERRY_OWNED_MEM char *fresh = merge("", graph);
    FERRY_OWNED_MEM char *longer = merge("{\"manifests\":[" ONE "],\"more\":1}", graph);
    FERRY_OWNED_MEM char *again = merge(fresh, graph);

    (void)state;
    assert_int_equal(strncmp(fresh,
                             "{\"schemaVersion\":2,\"mediaType\":\"" FERRY_TYPE_OCI_INDEX
                             "\",\"manifests\":[",
                             strlen("{\"schemaVersion\":2,\"mediaType\":\"" FERRY_TYPE_OCI_INDEX
                                    "\",\"manifests\":[")),
                     0);
    assert_non_null(strstr(fresh, "\"artifactType\":\"a/sbom\",\"annotations\":{\"k\":\"v\"}}"));
    assert_non_null(strstr(fresh, "\"artifactType\":\"c/d\"}"));
    assert_non_null(strstr(fresh, sample_format("{\"mediaType\":\"odd/type\",\"digest\":\"%s\","
                                                "\"size\":%zu}",
                                                documents[2].digest.text, documents[2].len)));
    assert_int_equal(
        strncmp(longer, "{\"manifests\":[" ONE ",", strlen("{\"manifests\":[" ONE ",")), 0);
    assert_non_null(strstr(longer, "],\"more\":1}"));
    assert_string_equal(again, ""); /* all of them are there */
}

static void test_referrer_index_merge_refuses_what_it_would_break(void **state)
{
    struct sample document = sample_text("odd/type", "x");
    FERRY_OWNED(ferry_graph) graph = graph_of(&document, 1);
    const struct ferry_node *node = graph->images[0].root;
    static const char *const bad[] = { "{}", "[]", "{\"manifests\":1}", "not json" };

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(bad); i++) {
        FERRY_OWNED_BUF out;
        struct ferry_buf old = lend(bad[i]);

        ferry_buf_init(&out, 1000);
        CHECK_CODE(ferry_referrer_index_merge(&old, "list", &node, 1, &out, &err), FERRY_EFORMAT);
        assert_int_equal(out.len, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_referrer_index_tag),
        cmocka_unit_test(test_referrer_index_parse),
        cmocka_unit_test(test_referrer_index_merge),
        cmocka_unit_test(test_referrer_index_merge_refuses_what_it_would_break),
    };

    return cmocka_run_group_tests_name("referrer_index", tests, NULL, sample_forget_group);
}
