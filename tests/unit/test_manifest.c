#include "format/oci/manifest.h"

#include <string.h>

#include "tests/support/check.h"

#define HEX "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define D(type, size) "{\"mediaType\":\"" type "\",\"digest\":\"sha256:" HEX "\",\"size\":" size "}"
#define CONFIG "\"config\":" D("application/vnd.oci.image.config.v1+json", "3")
#define LAYER D("application/vnd.oci.image.layer.v1.tar+gzip", "5")
#define CHILD D(FERRY_TYPE_OCI_MANIFEST, "7")
#define IS(type) "\"mediaType\":\"" type "\""
#define TWO "\"schemaVersion\":2"

static const struct {
    const char *name, *media_type, *text;
    size_t count; /* children */
} good_rows[] = {
    { "oci", FERRY_TYPE_OCI_MANIFEST, "{" TWO "," CONFIG ",\"layers\":[" LAYER "," LAYER "]}", 3 },
    { "oci_says_so", FERRY_TYPE_OCI_MANIFEST,
      "{" IS(FERRY_TYPE_OCI_MANIFEST) "," CONFIG ",\"layers\":[" LAYER "]}", 2 },
    { "docker", FERRY_TYPE_DOCKER_MANIFEST,
      "{" IS(FERRY_TYPE_DOCKER_MANIFEST) "," CONFIG ",\"layers\":[" LAYER "]}", 2 },
    { "no_layers", FERRY_TYPE_OCI_MANIFEST, "{" CONFIG ",\"layers\":[]}", 1 },
    { "layers_absent", FERRY_TYPE_OCI_MANIFEST, "{" CONFIG "}", 1 },
    { "layers_null", FERRY_TYPE_OCI_MANIFEST, "{" CONFIG ",\"layers\":null}", 1 },
    { "subject_is_no_child", FERRY_TYPE_OCI_MANIFEST,
      "{" CONFIG ",\"layers\":[],\"subject\":" CHILD "}", 1 },
    { "huge_layer", FERRY_TYPE_OCI_MANIFEST,
      "{" CONFIG ",\"layers\":[" D("x", "9223372036854775807") "]}", 2 },
    { "oci_index", FERRY_TYPE_OCI_INDEX, "{" TWO ",\"manifests\":[" CHILD "," CHILD "]}", 2 },
    { "docker_list", FERRY_TYPE_DOCKER_INDEX,
      "{" IS(FERRY_TYPE_DOCKER_INDEX) ",\"manifests\":[" CHILD "]}", 1 },
    { "empty_index", FERRY_TYPE_OCI_INDEX, "{\"manifests\":[]}", 0 },
    { "index_null", FERRY_TYPE_OCI_INDEX, "{\"manifests\":null}", 0 },
};

/* [G1] */
static void test_manifest_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(good_rows); i++) {
        FERRY_OWNED(ferry_manifest) m = NULL;
        const char *name = good_rows[i].name, *text = good_rows[i].text;
        struct ferry_err err;

        if (ferry_manifest_parse(text, strlen(text), good_rows[i].media_type, "this", &m, &err) < 0)
            fail_msg("row \"%s\": %s", name, err.msg);
        CHECK_ROW(name, m->kind == ferry_media_type_kind(good_rows[i].media_type));
        CHECK_ROW(name, m->count == good_rows[i].count);
        if (m->kind == FERRY_KIND_MANIFEST) /* the config comes first */
            CHECK_ROW(name, m->children[0].size == 3);
    }
}

static void test_manifest_subject(void **state)
{
    static const char *const rows[][2] = {
        { FERRY_TYPE_OCI_MANIFEST, "{" CONFIG ",\"layers\":[],\"subject\":" CHILD "}" },
        { FERRY_TYPE_OCI_INDEX, "{\"manifests\":[],\"subject\":" CHILD "}" },
        { FERRY_TYPE_OCI_MANIFEST, "{" CONFIG ",\"subject\":null}" },
    };

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        FERRY_OWNED(ferry_manifest) m = NULL;
        struct ferry_err err;

        CHECK_OK(
            ferry_manifest_parse(rows[i][1], strlen(rows[i][1]), rows[i][0], "this", &m, &err));
        assert_int_equal(m->has_subject, i < 2);
        if (i < 2)
            assert_int_equal(strncmp(m->subject.text, "sha256:", 7), 0);
    }
}

static const struct {
    const char *name, *media_type, *text;
} bad_rows[] = {
    { "both", FERRY_TYPE_OCI_MANIFEST, "{" CONFIG ",\"layers\":[],\"manifests\":[]}" },
    { "subject_is_no_digest", FERRY_TYPE_OCI_MANIFEST,
      "{" CONFIG ",\"layers\":[],\"subject\":{\"digest\":\"sha256:..\"}}" },
    { "subject_is_no_object", FERRY_TYPE_OCI_MANIFEST, "{" CONFIG ",\"subject\":\"x\"}" },
    { "both_as_index", FERRY_TYPE_OCI_INDEX, "{\"manifests\":[" CHILD "],\"layers\":[" LAYER "]}" },
    { "config_in_index", FERRY_TYPE_OCI_INDEX, "{\"manifests\":[]," CONFIG "}" },
    { "both_null", FERRY_TYPE_OCI_INDEX, "{\"manifests\":[],\"layers\":null}" },
    { "index_as_manifest", FERRY_TYPE_OCI_MANIFEST, "{\"manifests\":[" CHILD "]}" },
    { "manifest_as_index", FERRY_TYPE_OCI_INDEX, "{" CONFIG ",\"layers\":[]}" },
    { "neither_as_index", FERRY_TYPE_OCI_INDEX, "{" TWO "}" },
    { "neither_as_manifest", FERRY_TYPE_OCI_MANIFEST, "{" TWO "}" },
    { "other_media_type", FERRY_TYPE_OCI_MANIFEST,
      "{" IS(FERRY_TYPE_DOCKER_MANIFEST) "," CONFIG ",\"layers\":[]}" },
    { "media_type_number", FERRY_TYPE_OCI_MANIFEST, "{\"mediaType\":2," CONFIG "}" },
    { "media_type_empty", FERRY_TYPE_OCI_MANIFEST, "{\"mediaType\":\"\"," CONFIG "}" },
    { "no_config", FERRY_TYPE_OCI_MANIFEST, "{\"layers\":[" LAYER "]}" },
    { "config_null", FERRY_TYPE_OCI_MANIFEST, "{\"config\":null,\"layers\":[]}" },
    { "config_text", FERRY_TYPE_OCI_MANIFEST, "{\"config\":\"x\",\"layers\":[]}" },
    { "config_empty", FERRY_TYPE_OCI_MANIFEST, "{\"config\":{},\"layers\":[]}" },
    { "layers_object", FERRY_TYPE_OCI_MANIFEST, "{" CONFIG ",\"layers\":{}}" },
    { "layer_null", FERRY_TYPE_OCI_MANIFEST, "{" CONFIG ",\"layers\":[null]}" },
    { "layer_text", FERRY_TYPE_OCI_MANIFEST, "{" CONFIG ",\"layers\":[\"sha256:" HEX "\"]}" },
    { "layer_size_2_63", FERRY_TYPE_OCI_MANIFEST,
      "{" CONFIG ",\"layers\":[" D("x", "9223372036854775808") "]}" },
    { "layer_size_negative", FERRY_TYPE_OCI_MANIFEST,
      "{" CONFIG ",\"layers\":[" D("x", "-5") "]}" },
    { "second_layer_bad", FERRY_TYPE_OCI_MANIFEST, "{" CONFIG ",\"layers\":[" LAYER ",{}]}" },
    { "manifests_text", FERRY_TYPE_OCI_INDEX, "{\"manifests\":\"x\"}" },
    { "child_number", FERRY_TYPE_OCI_INDEX, "{\"manifests\":[1]}" },
    { "duplicate_key", FERRY_TYPE_OCI_MANIFEST, "{" CONFIG ",\"layers\":[],\"layers\":[]}" },
    { "not_json", FERRY_TYPE_OCI_MANIFEST, "<html>" },
    { "array", FERRY_TYPE_OCI_INDEX, "[" CHILD "]" },
    { "schema1", FERRY_TYPE_DOCKER_SCHEMA1_SIGNED, "{\"schemaVersion\":1,\"fsLayers\":[]}" },
    { "a_config", FERRY_TYPE_OCI_CONFIG, "{}" },
    { "unknown_type", "application/x", "{" CONFIG ",\"layers\":[]}" },
};

/* [G4] [G5] [D8] */
static void test_manifest_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(bad_rows); i++) {
        FERRY_OWNED(ferry_manifest) m = NULL;
        const char *name = bad_rows[i].name, *text = bad_rows[i].text;
        struct ferry_err err = { 0 };
        int rc = ferry_manifest_parse(text, strlen(text), bad_rows[i].media_type, "this", &m, &err);

        CHECK_ROW(name, rc == FERRY_EFORMAT && !m);
        CHECK_ROW(name, strncmp(err.msg, "this: ", 6) == 0);
    }
}

/* [L3] */
static void test_manifest_children_limit(void **state)
{
    static const char *const kinds[] = { "{\"manifests\":[", "{" CONFIG ",\"layers\":[" };
    struct ferry_err err = { 0 };

    (void)state;
    for (size_t kind = 0; kind < 2; kind++) {
        for (size_t count = FERRY_CHILDREN_MAX; count <= FERRY_CHILDREN_MAX + 1; count++) {
            FERRY_OWNED(ferry_manifest) m = NULL;
            FERRY_OWNED_BUF text;

            ferry_buf_init(&text, (size_t)FERRY_MANIFEST_MAX);
            CHECK_OK(ferry_buf_print(&text, &err, "%s", kinds[kind]));
            for (size_t i = 0; i < count; i++)
                CHECK_OK(ferry_buf_print(&text, &err, "%s%s", i ? "," : "", CHILD));
            CHECK_OK(ferry_buf_print(&text, &err, "]}"));
            CHECK_CODE(ferry_manifest_parse(text.data, text.len,
                                            kind ? FERRY_TYPE_OCI_MANIFEST : FERRY_TYPE_OCI_INDEX,
                                            "this", &m, &err),
                       count > FERRY_CHILDREN_MAX ? FERRY_ELIMIT : FERRY_OK);
        }
    }
}

static const struct {
    const char *text, *media_type; /* NULL: refused */
} guess_rows[] = {
    { "{" IS(FERRY_TYPE_DOCKER_MANIFEST) "," CONFIG "}", FERRY_TYPE_DOCKER_MANIFEST },
    { "{" CONFIG ",\"layers\":[]}", FERRY_TYPE_OCI_MANIFEST },
    { "{\"manifests\":[]}", FERRY_TYPE_OCI_INDEX },
    { "{\"schemaVersion\":1,\"fsLayers\":[]}", FERRY_TYPE_DOCKER_SCHEMA1 },
    { "{\"layers\":[]}", NULL },
    { "{\"mediaType\":1,\"manifests\":[]}", NULL },
    { "{\"errors\":[]}", NULL },
    { "{}", NULL },
};

static void test_manifest_media_type(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(guess_rows); i++) {
        FERRY_OWNED_JSON *document = NULL;
        const char *text = guess_rows[i].text, *found = NULL;
        struct ferry_err err = { 0 };
        int rc;

        CHECK_OK(ferry_json_load(text, strlen(text), "test", &document, &err));
        rc = ferry_manifest_media_type(document, "test", &found, &err);
        if (guess_rows[i].media_type)
            CHECK_ROW(text, rc == 0 && strcmp(found, guess_rows[i].media_type) == 0);
        else
            CHECK_ROW(text, rc == FERRY_EFORMAT && !found);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_manifest_good),       cmocka_unit_test(test_manifest_subject),
        cmocka_unit_test(test_manifest_bad),        cmocka_unit_test(test_manifest_children_limit),
        cmocka_unit_test(test_manifest_media_type),
    };

    return cmocka_run_group_tests_name("manifest", tests, NULL, NULL);
}
