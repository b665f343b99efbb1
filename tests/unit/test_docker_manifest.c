#include "format/archive/docker_manifest.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/check.h"
#include "tests/support/sample.h"

#define DIFF "\"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\""
#define LINUX "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"diff_ids\":["
#define TWO_LAYERS LINUX DIFF "," DIFF "]}}"

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

/* An image of two layers that loaders take, with that config. */
static struct sample add(struct ferry_graph *graph, const char *name, struct sample config)
{
    struct sample layers[2] = { sample_layer(5, 1), sample_layer(6, 2) };
    struct sample manifest = sample_manifest(config, layers, 2);

    sample_add_image(graph, name, &manifest);
    if (ferry_node_unread(sample_find(graph, &manifest)))
        supply(graph, &manifest);
    if (sample_find(graph, &config)->state == FERRY_NODE_WANTED)
        supply(graph, &config);
    return manifest;
}

/* What the document says, in brief: "NAME CONFIG-LENGTH LAYERS;" for each item. */
static const char *format(const struct ferry_graph *graph, size_t want_count)
{
    FERRY_OWNED_JSON *document = NULL;
    FERRY_OWNED_BUF text;
    const char *brief = "";
    struct ferry_err err;
    size_t count, left_out;

    ferry_buf_init(&text, FERRY_DOCKER_MANIFEST_MAX);
    CHECK_OK(ferry_docker_manifest_format(graph, &text, &count, &left_out, &err));
    assert_int_equal(count, want_count);
    assert_int_equal(left_out, 0);
    if (count == 0) {
        assert_int_equal(text.len, 0);
        return "";
    }
    document = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    assert_int_equal(json_array_size(document), count);
    for (size_t i = 0; i < count; i++) {
        const char *config, *tag;
        json_t *layers;

        assert_int_equal(json_unpack(json_array_get(document, i), "{s:s, s:[s!], s:o !}", "Config",
                                     &config, "RepoTags", &tag, "Layers", &layers),
                         0);
        assert_int_equal(strncmp(config, "blobs/sha256/", 13), 0);
        brief = sample_format("%s%s %.4s %zu;", brief, tag, config + 13, json_array_size(layers));
    }
    return brief;
}

static const char *first_digits(const struct sample *sample)
{
    return sample_format("%.4s", ferry_digest_hex(&sample->digest));
}

/* [W20] */
static void test_docker_manifest_golden(void **state)
{
    FERRY_OWNED(ferry_graph) graph = new_graph();
    FERRY_OWNED_BUF text;
    struct sample config = sample_text(FERRY_TYPE_DOCKER_CONFIG, TWO_LAYERS);
    struct sample layers[2] = { sample_layer(5, 1), sample_layer(6, 2) };
    struct ferry_err err;
    size_t count, left_out;

    (void)state;
    add(graph, "a/b:1", config);
    ferry_buf_init(&text, FERRY_DOCKER_MANIFEST_MAX);
    CHECK_OK(ferry_docker_manifest_format(graph, &text, &count, &left_out, &err));
    assert_string_equal(
        (const char *)text.data,
        sample_format("[{\"Config\":\"blobs/sha256/%s\",\"RepoTags\":[\"host.example/a/b:1\"],"
                      "\"Layers\":[\"blobs/sha256/%s\",\"blobs/sha256/%s\"]}]",
                      ferry_digest_hex(&config.digest), ferry_digest_hex(&layers[0].digest),
                      ferry_digest_hex(&layers[1].digest)));
}

/* One item a tag, in the order of the images; names in full, whatever digest stood behind them. */
/* [W19] [W20] */
static void test_docker_manifest_one_item_a_tag(void **state)
{
    FERRY_OWNED(ferry_graph) graph = new_graph();
    struct sample config = sample_text(FERRY_TYPE_OCI_CONFIG, TWO_LAYERS);
    struct sample manifest;
    const char *digits = first_digits(&config);

    (void)state;
    manifest = add(graph, "b:2", config);
    add(graph, "a:1", config);
    sample_add_image(graph, sample_format("c:3@%s", manifest.digest.text), &manifest);
    sample_add_image(graph, sample_format("d@%s", manifest.digest.text), &manifest);
    assert_string_equal(format(graph, 3),
                        sample_format("host.example/b:2 %s 2;host.example/a:1 %s 2;"
                                      "host.example/c:3 %s 2;",
                                      digits, digits, digits));
}

static const struct {
    const char *name, *media_type, *config;
    bool taken;
} config_rows[] = {
    { "oci", FERRY_TYPE_OCI_CONFIG, TWO_LAYERS, true },
    { "docker", FERRY_TYPE_DOCKER_CONFIG, TWO_LAYERS, true },
    { "artifact", "application/vnd.cncf.helm.config.v1+json", TWO_LAYERS, false },
    { "one_diff_id_less", FERRY_TYPE_OCI_CONFIG, LINUX DIFF "]}}", false },
    { "one_diff_id_more", FERRY_TYPE_OCI_CONFIG, LINUX DIFF "," DIFF "," DIFF "]}}", false },
    { "no_rootfs", FERRY_TYPE_OCI_CONFIG, "{\"os\":\"linux\"}", false },
    { "rootfs_text", FERRY_TYPE_OCI_CONFIG, "{\"os\":\"linux\",\"rootfs\":\"x\"}", false },
    { "diff_ids_text", FERRY_TYPE_OCI_CONFIG, "{\"os\":\"linux\",\"rootfs\":{\"diff_ids\":\"xx\"}}",
      false },
    { "windows", FERRY_TYPE_OCI_CONFIG,
      "{\"os\":\"windows\",\"rootfs\":{\"diff_ids\":[" DIFF "," DIFF "]}}", false },
    { "no_os", FERRY_TYPE_OCI_CONFIG, "{\"rootfs\":{\"diff_ids\":[" DIFF "," DIFF "]}}", false },
    { "os_number", FERRY_TYPE_OCI_CONFIG,
      "{\"os\":1,\"rootfs\":{\"diff_ids\":[" DIFF "," DIFF "]}}", false },
    { "not_json", FERRY_TYPE_OCI_CONFIG, "<html>", false },
    { "empty", FERRY_TYPE_OCI_CONFIG, "", false },
};

/* [W22] */
static void test_docker_manifest_configs(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(config_rows); i++) {
        FERRY_OWNED(ferry_graph) graph = new_graph();
        FERRY_OWNED_BUF text;
        struct ferry_err err;
        size_t count, left_out;

        add(graph, "x:1", sample_text(config_rows[i].media_type, config_rows[i].config));
        ferry_buf_init(&text, FERRY_DOCKER_MANIFEST_MAX);
        CHECK_OK(ferry_docker_manifest_format(graph, &text, &count, &left_out, &err));
        CHECK_ROW(config_rows[i].name, count == config_rows[i].taken);
    }
}

/* [W22] */
static void test_docker_manifest_layers(void **state)
{
    FERRY_OWNED(ferry_graph) graph = new_graph();
    struct sample config = sample_text(FERRY_TYPE_OCI_CONFIG, LINUX DIFF "]}}");
    struct sample none = sample_text(FERRY_TYPE_OCI_CONFIG, LINUX "]}}");
    struct sample foreign = sample_layer(5, 1), odd = sample_layer(5, 2), m[3];

    (void)state;
    foreign.extra = ",\"urls\":[\"https://example.com/x\"]";
    odd.media_type = "application/vnd.oci.image.layer.v1.tar+gzip+encrypted";
    m[0] = sample_manifest(config, &foreign, 1); /* not in the archive */
    m[1] = sample_manifest(config, &odd, 1);     /* of a type that no loader knows */
    m[2] = sample_manifest(none, NULL, 0);
    for (size_t i = 0; i < FERRY_COUNT(m); i++) {
        sample_add_image(graph, sample_format("x:%zu", i), &m[i]);
        supply(graph, &m[i]);
    }
    supply(graph, &config);
    supply(graph, &none);
    assert_string_equal(format(graph, 0), "");
}

/* [W22] What a blob is depends on who lists it, and not on who does so first. */
static void test_docker_manifest_one_blob_under_two_types(void **state)
{
    FERRY_OWNED(ferry_graph) graph = new_graph();
    struct sample config = sample_text(FERRY_TYPE_OCI_CONFIG, LINUX DIFF "]}}");
    struct sample layer = sample_layer(5, 1), file = layer, settings = config, m[4];

    (void)state;
    file.media_type = "application/octet-stream";
    settings.media_type = "application/json";
    m[0] = sample_manifest(settings, &file, 1);
    m[1] = sample_manifest(config, &layer, 1);
    m[2] = sample_manifest(config, &file, 1);
    m[3] = sample_manifest(settings, &layer, 1);
    for (size_t i = 0; i < FERRY_COUNT(m); i++) {
        sample_add_image(graph, sample_format("x:%zu", i), &m[i]);
        supply(graph, &m[i]);
    }
    supply(graph, &config);
    assert_string_equal(format(graph, 1),
                        sample_format("host.example/x:1 %s 1;", first_digits(&config)));
    assert_true(sample_find(graph, &layer)->is_tar);
    assert_true(sample_find(graph, &config)->is_image_config);
}

/* A config that the graph has no bytes of: its image is passed over. */
static void test_docker_manifest_config_not_held(void **state)
{
    FERRY_OWNED(ferry_graph) graph = new_graph();
    struct sample config = sample_text(FERRY_TYPE_OCI_CONFIG, LINUX DIFF "]}}");
    struct sample layer = sample_layer(5, 1), manifest = sample_manifest(config, &layer, 1);

    (void)state;
    sample_add_image(graph, "x:1", &manifest);
    supply(graph, &manifest);
    assert_string_equal(format(graph, 0), "");
}

static const struct {
    const char *name;
    const char *children; /* of the index: "os/architecture" each, or "-" for an attestation */
    int chosen;           /* which; -1 none */
} index_rows[] = {
    { "one", "linux/arm64", 0 },
    { "amd64_wherever", "linux/arm64 linux/s390x linux/amd64", 2 },
    { "first_linux", "windows/amd64 linux/arm64 linux/s390x", 1 },
    { "no_linux", "windows/amd64 freebsd/amd64", -1 },
    { "attestations", "unknown/unknown linux/arm64 unknown/unknown", 1 },
    { "only_attestations", "unknown/unknown", -1 },
};

/* [W21] */
static void test_docker_manifest_of_an_index(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(index_rows); i++) {
        FERRY_OWNED(ferry_graph) graph = new_graph();
        struct sample children[3], index;
        size_t count = 0;
        const char *p = index_rows[i].children;

        while (*p) {
            char os[16], architecture[16];
            int used;
            struct sample config = sample_text(FERRY_TYPE_OCI_CONFIG,
                                               sample_format("{\"n\":%zu}", count));

            assert_int_equal(sscanf(p, "%15[^/]/%15s%n", os, architecture, &used), 2);
            children[count++] = sample_platform(sample_manifest(config, NULL, 0), os, architecture);
            p += used + (p[used] == ' ');
        }
        index = sample_index(children, count);
        sample_add_image(graph, "x:1", &index);
        supply(graph, &index);
        CHECK_ROW(index_rows[i].name,
                  ferry_docker_candidate(graph->images[0].root) ==
                      (index_rows[i].chosen < 0
                           ? NULL
                           : sample_find(graph, &children[index_rows[i].chosen])));
    }
}

/* Of what the archive has. */
/* [W21] */
static void test_docker_manifest_of_a_sparse_index(void **state)
{
    static const struct ferry_platform arm64 = { "linux", "arm64", "" };
    FERRY_OWNED(ferry_graph) graph = new_graph();
    struct sample m[2] = { sample_manifest(sample_text(FERRY_TYPE_OCI_CONFIG, "{}"), NULL, 0),
                           sample_manifest(sample_text(FERRY_TYPE_OCI_CONFIG, "{ }"), NULL, 0) };
    struct sample index = sample_index((struct sample[]){ sample_platform(m[0], "linux", "amd64"),
                                                          sample_platform(m[1], "linux", "arm64") },
                                       2);

    (void)state;
    ferry_graph_select(graph, &arm64, 1);
    sample_add_image(graph, "x:1", &index);
    supply(graph, &index);
    assert_ptr_equal(ferry_docker_candidate(graph->images[0].root), sample_find(graph, &m[1]));
}

static void test_docker_manifest_of_nested_and_odd_roots(void **state)
{
    FERRY_OWNED(ferry_graph) graph = new_graph();
    struct sample m = sample_manifest(sample_text(FERRY_TYPE_OCI_CONFIG, "{}"), NULL, 0);
    struct sample inner = sample_index((struct sample[]){ sample_platform(m, "linux", "amd64") },
                                       1);
    struct sample outer = sample_index(&inner, 1), odd = sample_text("application/x", "x");

    (void)state;
    sample_add_image(graph, "outer:1", &outer);
    sample_add_image(graph, "odd:1", &odd);
    assert_null(ferry_docker_candidate(graph->images[0].root)); /* unread */
    supply(graph, &outer);
    supply(graph, &odd);
    assert_null(ferry_docker_candidate(graph->images[0].root));
    assert_null(ferry_docker_candidate(graph->images[1].root));
    assert_string_equal(format(graph, 0), "");
}

/* Readers refuse a larger one: what does not fit is left out, and counted. */
/* [W23] [L9] */
static void test_docker_manifest_limit(void **state)
{
    FERRY_OWNED(ferry_graph) graph = new_graph();
    FERRY_OWNED_JSON *document = NULL;
    FERRY_OWNED_BUF text;
    struct sample config = sample_text(FERRY_TYPE_OCI_CONFIG, TWO_LAYERS), manifest;
    const size_t images = 4000;
    struct ferry_err err;
    size_t count, left_out;

    (void)state;
    manifest = add(graph, "x:first", config);
    for (size_t i = 1; i < images; i++)
        sample_add_image(graph, sample_format("x:%04zu", i), &manifest);
    ferry_buf_init(&text, FERRY_DOCKER_MANIFEST_MAX);
    CHECK_OK(ferry_docker_manifest_format(graph, &text, &count, &left_out, &err));
    assert_true(left_out > 0);
    assert_int_equal(count + left_out, images);
    assert_in_range(text.len, FERRY_DOCKER_MANIFEST_MAX - 1024, FERRY_DOCKER_MANIFEST_MAX);
    document = json_loadb((const char *)text.data, text.len, 0, NULL);
    assert_int_equal(json_array_size(document), count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_docker_manifest_golden),
        cmocka_unit_test(test_docker_manifest_one_item_a_tag),
        cmocka_unit_test(test_docker_manifest_configs),
        cmocka_unit_test(test_docker_manifest_layers),
        cmocka_unit_test(test_docker_manifest_one_blob_under_two_types),
        cmocka_unit_test(test_docker_manifest_config_not_held),
        cmocka_unit_test(test_docker_manifest_of_an_index),
        cmocka_unit_test(test_docker_manifest_of_a_sparse_index),
        cmocka_unit_test(test_docker_manifest_of_nested_and_odd_roots),
        cmocka_unit_test(test_docker_manifest_limit),
    };

    return cmocka_run_group_tests_name("docker_manifest", tests, NULL, sample_forget_group);
}
