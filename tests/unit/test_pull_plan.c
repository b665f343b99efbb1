#include "export/pull_plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "format/archive/archive_writer.h"
#include "format/archive/layout.h"
#include "format/archive/load.h"
#include "tests/support/check.h"
#include "tests/support/sample.h"

#define LINUX_OF_TWO                                                                               \
    "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"diff_ids\":["                      \
    "\"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\","                 \
    "\"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"]}}"

/* An index of two images and a third one beside it; each blob once. */
static struct fixture {
    struct sample config[2], layers[3], foreign, m[2], index;
    struct ferry_graph *graph;
} fx;

static int make(void **state)
{
    struct ferry_err err;

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        fx.layers[i] = sample_layer(500 + i * 12, i); /* below, at and past a block */
    fx.foreign = sample_layer(7, 9);
    fx.foreign.extra = ",\"urls\":[\"https://example.com/x\"]";
    fx.config[0] = sample_text(FERRY_TYPE_OCI_CONFIG, LINUX_OF_TWO);
    fx.config[1] = sample_text(FERRY_TYPE_OCI_CONFIG, "{\"os\":\"windows\"}");
    fx.m[0] = sample_manifest(fx.config[0], fx.layers, 2);
    fx.m[1] = sample_manifest(fx.config[1],
                              (struct sample[]){ fx.layers[2], fx.foreign, fx.layers[0] }, 3);
    fx.index = sample_index((struct sample[]){ sample_platform(fx.m[0], "linux", "amd64"),
                                               sample_platform(fx.m[1], "windows", "amd64") },
                            2);
    CHECK_OK(ferry_graph_new(&fx.graph, &err));
    sample_add_image(fx.graph, "m:1", &fx.m[1]); /* a manifest before the index */
    sample_add_image(fx.graph, "index:1", &fx.index);
    CHECK_OK(sample_supply(fx.graph, &fx.m[1], &err));
    CHECK_OK(sample_supply(fx.graph, &fx.index, &err));
    CHECK_OK(sample_supply(fx.graph, &fx.m[0], &err));
    CHECK_OK(sample_supply(fx.graph, &fx.config[0], &err));
    return 0;
}

static int unmake(void **state)
{
    (void)state;
    ferry_graph_free(ferry_steal(&fx.graph));
    return 0;
}

static void test_pull_plan_order(void **state)
{
    const struct sample *order[] = { &fx.index,     &fx.m[1],      &fx.m[0],      &fx.config[1],
                                     &fx.config[0], &fx.layers[2], &fx.layers[0], &fx.layers[1] };
    FERRY_OWNED(ferry_pull_plan) plan = NULL;
    int64_t bytes = 0;
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_pull_plan_new(fx.graph, FERRY_REF_NAME_TAG, &plan, &err));
    assert_int_equal(plan->count, FERRY_COUNT(order));
    for (size_t i = 0; i < plan->count; i++) {
        assert_ptr_equal(plan->nodes[i], sample_find(fx.graph, order[i]));
        bytes += (int64_t)order[i]->len;
    }
    assert_int_equal(plan->bytes, bytes);
    assert_int_equal(plan->foreign, 1);
    assert_int_equal(plan->docker_count, 1);
    assert_int_equal(plan->docker_left_out, 0);
}

/* Writes what was planned, as the exporter does. */
static void write_planned(const struct ferry_pull_plan *plan, const char *path)
{
    FERRY_OWNED(ferry_writer) w = NULL;
    struct ferry_err err;

    CHECK_OK(sample_writer(path, FERRY_EXISTING_REPLACE, &w, &err));
    CHECK_OK(
        ferry_writer_put(w, FERRY_LAYOUT_NAME, FERRY_LAYOUT_TEXT, strlen(FERRY_LAYOUT_TEXT), &err));
    CHECK_OK(ferry_writer_put(w, FERRY_INDEX_NAME, plan->index.data, plan->index.len, &err));
    if (plan->docker.len > 0)
        CHECK_OK(ferry_writer_put(w, FERRY_DOCKER_NAME, plan->docker.data, plan->docker.len, &err));
    for (size_t i = 0; i < plan->folder_count; i++)
        CHECK_OK(ferry_writer_folder(w, plan->folders[i], &err));
    for (size_t i = 0; i < plan->count; i++) {
        const struct sample *all[] = { &fx.index,     &fx.m[0],      &fx.m[1],      &fx.config[0],
                                       &fx.config[1], &fx.layers[0], &fx.layers[1], &fx.layers[2] };
        char name[FERRY_BLOB_NAME_MAX];

        ferry_layout_blob_name(&plan->nodes[i]->descriptor.digest, name);
        for (size_t k = 0; k < FERRY_COUNT(all); k++)
            if (ferry_digest_equal(&all[k]->digest, &plan->nodes[i]->descriptor.digest))
                CHECK_OK(ferry_writer_put(w, name, all[k]->bytes, all[k]->len, &err));
    }
    CHECK_OK(ferry_writer_commit(w, &err));
}

static void test_pull_plan_size_is_that_of_the_archive(void **state)
{
    (void)state;
    for (int ref_name = FERRY_REF_NAME_TAG; ref_name <= FERRY_REF_NAME_FULL; ref_name++) {
        FERRY_OWNED(ferry_pull_plan) plan = NULL;
        struct ferry_err err;
        struct stat st;

        CHECK_OK(ferry_pull_plan_new(fx.graph, (enum ferry_ref_name)ref_name, &plan, &err));
        write_planned(plan, "planned.tar");
        assert_int_equal(stat("planned.tar", &st), 0);
        assert_int_equal(plan->archive_bytes, st.st_size);
    }
}

/* What is written loads again, with the same roots under the same names. */
static void test_pull_plan_loads_again(void **state)
{
    FERRY_OWNED(ferry_pull_plan) plan = NULL;
    FERRY_OWNED(ferry_reader) reader = NULL;
    FERRY_OWNED(ferry_graph) again = NULL;
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_pull_plan_new(fx.graph, FERRY_REF_NAME_TAG, &plan, &err));
    write_planned(plan, "planned.tar");
    CHECK_OK(ferry_graph_new(&again, &err));
    CHECK_OK(ferry_reader_open("planned.tar", &reader, &err));
    CHECK_OK(ferry_archive_load(reader, again, &err));
    assert_int_equal(again->count, fx.graph->count);
    for (size_t i = 0; i < fx.graph->count; i++) {
        const struct ferry_node *node = fx.graph->nodes[i];
        const struct ferry_node *found = ferry_graph_find(again, &node->descriptor.digest);

        assert_non_null(found);
        assert_int_equal(found->state == FERRY_NODE_LEFT_OUT, node->state == FERRY_NODE_LEFT_OUT);
    }
    for (size_t i = 0; i < 2; i++)
        assert_string_equal(again->images[i].name, fx.graph->images[i].name);
}

/* What is left to a base is not in the archive, and an image without it is none for docker. */
/* [W17] [W22] */
static void test_pull_plan_in_base(void **state)
{
    FERRY_OWNED(ferry_pull_plan) plan = NULL;
    struct ferry_err err;
    struct stat st;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct ferry_node *node = sample_find(fx.graph, &fx.layers[i]);

        node->state = FERRY_NODE_IN_BASE;
        node->base_repository = "host.example/m";
    }
    CHECK_OK(ferry_pull_plan_new(fx.graph, FERRY_REF_NAME_TAG, &plan, &err));
    assert_int_equal(plan->count, 6);
    assert_int_equal(plan->in_base, 2);
    assert_int_equal(plan->in_base_bytes, fx.layers[0].len + fx.layers[1].len);
    assert_int_equal(plan->foreign, 1);
    assert_int_equal(plan->docker_count, 0);
    assert_int_equal(plan->docker.len, 0);
    for (size_t i = 0; i < plan->count; i++)
        assert_int_not_equal(plan->nodes[i]->state, FERRY_NODE_IN_BASE);
    write_planned(plan, "delta.tar");
    assert_int_equal(stat("delta.tar", &st), 0);
    assert_int_equal(plan->archive_bytes, st.st_size);
}

/* A manifest of many layers that are like no others. */
static struct sample make_many(unsigned *seed)
{
    static struct sample layers[1000];

    for (size_t i = 0; i < FERRY_COUNT(layers); i++)
        layers[i] = sample_layer(8, ++*seed);
    return sample_manifest(sample_text(FERRY_TYPE_OCI_CONFIG, "{}"), layers, FERRY_COUNT(layers));
}

/* Past 4 MiB of index.json no reader would take the archive: better no archive than that. */
/* [L1] */
static void test_pull_plan_too_much_in_base(void **state)
{
    static char repositories[16001][FERRY_REPOSITORY_MAX];
    FERRY_OWNED(ferry_pull_plan) plan = NULL;
    FERRY_OWNED(ferry_graph) graph = NULL;
    struct ferry_err err = { 0 };
    unsigned seed = 0;

    (void)state;
    CHECK_OK(ferry_graph_new(&graph, &err));
    for (size_t image = 0; image < 16; image++) {
        struct sample manifest = make_many(&seed);

        sample_add_image(graph, sample_format("x:%zu", image), &manifest);
        CHECK_OK(sample_supply(graph, &manifest, &err));
        sample_forget();
    }
    for (size_t i = 0, k = 0; i < graph->count; i++) {
        struct ferry_node *node = graph->nodes[i];

        if (node->is_manifest || node->is_config)
            continue;
        snprintf(repositories[k], sizeof(repositories[k]), "q.io/%0*zu", 240, k);
        node->state = FERRY_NODE_IN_BASE;
        node->base_repository = repositories[k++];
    }
    CHECK_CODE(ferry_pull_plan_new(graph, FERRY_REF_NAME_TAG, &plan, &err), FERRY_ELIMIT);
    assert_non_null(strstr(err.msg, "16000 layers left to bases"));
}

static void test_pull_plan_without_docker(void **state)
{
    FERRY_OWNED(ferry_graph) graph = NULL;
    FERRY_OWNED(ferry_pull_plan) plan = NULL;
    struct sample artifact = sample_manifest(sample_text("application/x", "{}"), NULL, 0);
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_graph_new(&graph, &err));
    sample_add_image(graph, "x:1", &artifact);
    CHECK_OK(sample_supply(graph, &artifact, &err));
    CHECK_OK(ferry_pull_plan_new(graph, FERRY_REF_NAME_TAG, &plan, &err));
    assert_int_equal(plan->docker.len, 0);
    assert_int_equal(plan->docker_count, 0);
    assert_int_equal(plan->archive_bytes,
                     ferry_writer_file_cost((int64_t)strlen(FERRY_LAYOUT_TEXT)) +
                         ferry_writer_file_cost((int64_t)plan->index.len) +
                         ferry_writer_file_cost((int64_t)artifact.len) + ferry_writer_file_cost(2) +
                         2 * ferry_writer_file_cost(0) + FERRY_WRITER_END); /* two folders */
}

/* Sizes that no archive can hold are refused before they are added up. */
static void test_pull_plan_huge_sizes(void **state)
{
    static const struct {
        const char *name;
        int64_t sizes[2];
        enum ferry_code want;
    } rows[] = {
        { "large", { INT64_MAX / 8, INT64_MAX / 16 }, FERRY_OK },
        { "one_too_large", { INT64_MAX, 1 }, FERRY_ELIMIT },
        { "sum_too_large", { INT64_MAX / 5, INT64_MAX / 5 }, FERRY_ELIMIT },
    };

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        FERRY_OWNED(ferry_graph) graph = NULL;
        FERRY_OWNED(ferry_pull_plan) plan = NULL;
        struct sample layers[2] = { sample_layer(1, 1), sample_layer(1, 2) };
        struct sample config = sample_text(FERRY_TYPE_OCI_CONFIG, "{}"), manifest;
        struct ferry_err err = { 0 };

        layers[0].len = (size_t)rows[i].sizes[0];
        layers[1].len = (size_t)rows[i].sizes[1];
        manifest = sample_manifest(config, layers, 2);
        CHECK_OK(ferry_graph_new(&graph, &err));
        sample_add_image(graph, "x:1", &manifest);
        CHECK_OK(sample_supply(graph, &manifest, &err));
        if (ferry_pull_plan_new(graph, FERRY_REF_NAME_TAG, &plan, &err) != (int)rows[i].want)
            fail_msg("row \"%s\": \"%s\"", rows[i].name, err.msg);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pull_plan_order, make, unmake),
        cmocka_unit_test_setup_teardown(test_pull_plan_size_is_that_of_the_archive, make, unmake),
        cmocka_unit_test_setup_teardown(test_pull_plan_loads_again, make, unmake),
        cmocka_unit_test_setup_teardown(test_pull_plan_in_base, make, unmake),
        cmocka_unit_test(test_pull_plan_too_much_in_base),
        cmocka_unit_test(test_pull_plan_without_docker),
        cmocka_unit_test(test_pull_plan_huge_sizes),
    };

    return cmocka_run_group_tests_name("pull_plan", tests, sample_enter_folder,
                                       sample_leave_folder);
}
