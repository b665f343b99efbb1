#include "import/trim.h"

#include <string.h>

#include "format/oci/json.h"
#include "tests/support/check.h"
#include "tests/support/sample.h"

#define CHILDREN 3

static struct ferry_graph *graph;
static struct ferry_trims *trims;
static struct sample children[CHILDREN];
static struct ferry_err err;

static int setup(void **state)
{
    struct sample config = sample_text(FERRY_TYPE_OCI_CONFIG, "{}");

    (void)state;
    for (unsigned i = 0; i < CHILDREN; i++) {
        struct sample layer = sample_layer(10, i);

        children[i] = sample_manifest(config, &layer, 1);
    }
    CHECK_OK(ferry_graph_new(&graph, &err));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ferry_trims_free(ferry_steal(&trims));
    ferry_graph_free(ferry_steal(&graph));
    return 0;
}

/* From here on these of the children are left out: "ac". */
static void leave_out(const char *which)
{
    struct ferry_digest *list = calloc(CHILDREN + 1, sizeof(*list));
    size_t count = 0;

    assert_non_null(list);
    for (const char *p = which; *p; p++)
        list[count++] = children[*p - 'a'].digest;
    ferry_graph_leave_out(graph, &list, count);
}

/* An index with all that a reader might lose: members in an order of their own, annotations. */
static struct sample make_index(const char *list)
{
    return sample_text(FERRY_TYPE_DOCKER_INDEX,
                       sample_format("{ \"annotations\" : {\"z\":\"1\",\"a\":\"\\u00fc\"},\n"
                                     "\"manifests\": [%s], \"schemaVersion\": 2,"
                                     "\"x\": [1.5, 9007199254740993, null, {\"q\":true}] }",
                                     list));
}

/* The same as it is written after a trim. */
static const char *trimmed_text(const char *list)
{
    return sample_format("{\"annotations\":{\"z\":\"1\",\"a\":\"\xc3\xbc\"},"
                         "\"manifests\":[%s],\"schemaVersion\":2,"
                         "\"x\":[1.5,9007199254740993,null,{\"q\":true}]}",
                         list);
}

/* Descriptors of these children: "ab". */
static const char *list_of(const char *which)
{
    const char *text = "";

    for (const char *p = which; *p; p++)
        text = sample_format("%s%s%s", text, *text ? "," : "",
                             sample_descriptor(&children[*p - 'a'], ",\"annotations\":{}"));
    return text;
}

/* The form of the root. */
static const struct ferry_node *trim(const struct sample *root)
{
    struct ferry_node *node = sample_add_image(graph, "x:1", root);

    CHECK_OK(sample_supply(graph, root, &err));
    for (size_t i = 0; i < CHILDREN; i++)
        if (sample_find(graph, &children[i]) &&
            sample_find(graph, &children[i])->state == FERRY_NODE_WANTED)
            CHECK_OK(sample_supply(graph, &children[i], &err));
    CHECK_OK(ferry_trims_new(graph, &trims, &err));
    return ferry_trims_of(trims, node);
}

static void check_text(const struct ferry_node *node, const char *want)
{
    struct ferry_digest digest;

    assert_int_equal(node->descriptor.size, strlen(want));
    assert_memory_equal(node->bytes, want, strlen(want));
    CHECK_OK(ferry_digest_of(FERRY_SHA256, want, strlen(want), &digest, &err));
    assert_string_equal(node->descriptor.digest.text, digest.text);
}

/* [R41] */
static void test_trim_lists_what_is_there(void **state)
{
    static const struct {
        const char *name, *listed, *left_out, *kept; /* kept NULL: it stays as it is */
    } rows[] = {
        { "nothing", "abc", "", NULL },        { "first", "abc", "a", "bc" },
        { "middle", "abc", "b", "ac" },        { "last", "abc", "c", "ab" },
        { "all_but_one", "abc", "ac", "b" },   { "all", "abc", "abc", "" },
        { "listed_twice", "abab", "a", "bb" }, { "kept_twice", "aab", "b", "aa" },
        { "of_no_child", "ab", "c", NULL },
    };

    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        const struct ferry_node *form;
        struct sample index;

        assert_int_equal(setup(state), 0);
        index = make_index(list_of(rows[i].listed));
        leave_out(rows[i].left_out);
        form = trim(&index);
        if (!rows[i].kept) {
            CHECK_ROW(rows[i].name, form == sample_find(graph, &index));
        } else if (!*rows[i].kept) {
            CHECK_ROW(rows[i].name, form == NULL);
        } else {
            CHECK_ROW(rows[i].name, form != NULL);
            check_text(form, trimmed_text(list_of(rows[i].kept)));
            assert_string_equal(form->descriptor.media_type, FERRY_TYPE_DOCKER_INDEX);
        }
        for (size_t k = 0; k < CHILDREN; k++) {
            const struct ferry_node *child = sample_find(graph, &children[k]);

            if (child)
                CHECK_ROW(rows[i].name, ferry_trims_of(trims, child) ==
                                            (child->state == FERRY_NODE_LEFT_OUT ? NULL : child));
        }
        teardown(state);
    }
}

/* [R41] An index that embeds another embeds the old one. */
static void test_trim_from_the_bottom_up(void **state)
{
    struct sample inner = make_index(list_of("ab")), outer, trimmed;

    (void)state;
    leave_out("a");
    outer = make_index(sample_format("%s,%s", list_of("c"),
                                     sample_descriptor(&inner, ",\"data\":\"e30=\",\"y\":1")));
    sample_add_image(graph, "outer:1", &outer);
    CHECK_OK(sample_supply(graph, &outer, &err));
    trimmed = sample_text(FERRY_TYPE_DOCKER_INDEX, trimmed_text(list_of("b")));
    check_text(trim(&inner), trimmed.bytes);
    check_text(ferry_trims_of(trims, sample_find(graph, &outer)),
               trimmed_text(
                   sample_format("%s,%s", list_of("c"), sample_descriptor(&trimmed, ",\"y\":1"))));
}

/* [R41] */
static void test_trim_drops_an_index_of_nothing(void **state)
{
    struct sample inner = make_index(list_of("a")), outer;

    (void)state;
    leave_out("a");
    outer = make_index(sample_format("%s,%s", sample_descriptor(&inner, ""), list_of("b")));
    sample_add_image(graph, "outer:1", &outer);
    CHECK_OK(sample_supply(graph, &outer, &err));
    assert_null(trim(&inner));
    check_text(ferry_trims_of(trims, sample_find(graph, &outer)), trimmed_text(list_of("b")));
}

/* A layer that is left out is none of an index's. */
static void test_trim_leaves_manifests_alone(void **state)
{
    struct sample layer = sample_layer(10, 0), index = make_index(list_of("a"));
    struct ferry_digest *list = calloc(1, sizeof(*list));
    const struct ferry_node *form;

    (void)state;
    assert_non_null(list);
    *list = layer.digest;
    ferry_graph_leave_out(graph, &list, 1);
    form = trim(&index);
    assert_ptr_equal(form, sample_find(graph, &index));
    assert_int_equal(sample_find(graph, &layer)->state, FERRY_NODE_LEFT_OUT);
}

/* An index that could not be read has no other form: its image fails by what is wrong with it. */
static void test_trim_of_what_was_not_read(void **state)
{
    struct sample index = make_index(list_of("a"));
    struct ferry_node *node = sample_add_image(graph, "x:1", &index);

    (void)state;
    CHECK_OK(ferry_trims_new(graph, &trims, &err));
    assert_ptr_equal(ferry_trims_of(trims, node), node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trim_lists_what_is_there),
        cmocka_unit_test_setup_teardown(test_trim_from_the_bottom_up, setup, teardown),
        cmocka_unit_test_setup_teardown(test_trim_drops_an_index_of_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_trim_leaves_manifests_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_trim_of_what_was_not_read, setup, teardown),
    };

    return cmocka_run_group_tests_name("trim", tests, NULL, sample_forget_group);
}
