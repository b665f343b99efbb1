#include "export/components.h"

#include <string.h>

#include "format/oci/json.h"
#include "format/oci/manifest.h"
#include "tests/support/check.h"
#include "tests/support/sample.h"

#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

#define STREAM(name, tags)                                                                         \
    "{\"kind\":\"ImageStream\",\"apiVersion\":\"image.openshift.io/v1\",\"metadata\":{\"name\":"   \
    "\"" name "\",\"creationTimestamp\":null},\"spec\":{\"lookupPolicy\":{\"local\":false},"       \
    "\"tags\":[" tags "]},\"status\":{\"dockerImageRepository\":\"\"}}"
#define TAG(name, image)                                                                           \
    "{\"name\":\"" name "\",\"annotations\":{\"x\":\"y\"},\"from\":{\"kind\":\"DockerImage\","     \
    "\"name\":\"" image "\"},\"generation\":null}"

static const struct {
    const char *name;
    const char *text;
    const char *want; /* version, components, tags that were passed over; or what a failure says */
    enum ferry_code code;
} rows[] = {
    { "two", STREAM("4.16.3", TAG("cli", "quay.io/o/art@" A) "," TAG("etcd", "quay.io/o/art@" B)),
      "4.16.3 cli=quay.io/o/art@" A " etcd=quay.io/o/art@" B " 0", 0 },
    { "same_image_twice", STREAM("4", TAG("b", "q.io/a@" A) "," TAG("a", "q.io/a@" A)),
      "4 b=q.io/a@" A " a=q.io/a@" A " 0", 0 },
    { "short_name", STREAM("4", TAG("a", "debian@" A)), "4 a=docker.io/library/debian@" A " 0", 0 },
    { "without_from", STREAM("4", "{\"name\":\"x\"}," TAG("a", "q.io/a@" A)), "4 a=q.io/a@" A " 1",
      0 },
    { "from_null",
      STREAM("4", "{\"name\":\"x\",\"from\":null}," TAG("a", "q.io/a@" A) ",{\"from\":{}}"),
      "4 a=q.io/a@" A " 2", 0 },
    { "another_kind",
      STREAM("4", TAG("a", "q.io/a@" A) ",{\"name\":\"a\",\"from\":{\"kind\":\"ImageStreamTag\","
                                        "\"name\":\"x:y\"}}"),
      "4 a=q.io/a@" A " 1", 0 },
    { "by_tag", STREAM("4", TAG("a", "q.io/a:1")),
      "release-manifests/image-references: a: expected an image by its digest alone, found "
      "\"q.io/a:1\"",
      FERRY_EFORMAT },
    { "by_tag_and_digest", STREAM("4", TAG("a", "q.io/a:1@" A)), "a: expected an image by its",
      FERRY_EFORMAT },
    { "by_nothing", STREAM("4", TAG("a", "q.io/a")), "a: expected an image by its digest",
      FERRY_EFORMAT },
    { "no_reference", STREAM("4", TAG("a", "Q!@" A)), "a: \"Q!@", FERRY_EFORMAT },
    { "no_image", STREAM("4", "{\"name\":\"a\",\"from\":{\"kind\":\"DockerImage\"}}"),
      "a: its image has no name", FERRY_EFORMAT },
    { "no_name", STREAM("4", "{\"from\":{\"kind\":\"DockerImage\",\"name\":\"q.io/a@" A "\"}}"),
      "a tag has no name", FERRY_EFORMAT },
    { "empty_name", STREAM("4", TAG("", "q.io/a@" A)), "a tag has no name", FERRY_EFORMAT },
    { "one_name",
      STREAM("4", TAG("b", "q.io/a@" A) "," TAG("a", "q.io/a@" A) "," TAG("b", "q.io/b@" B)),
      "two images have the name b", FERRY_EFORMAT },
    { "no_tags", STREAM("4", ""), "lists no images", FERRY_EFORMAT },
    { "no_images", STREAM("4", "{\"name\":\"a\"}"), "lists no images", FERRY_EFORMAT },
    { "no_spec",
      "{\"kind\":\"ImageStream\",\"apiVersion\":\"image.openshift.io/v1\",\"metadata\":"
      "{\"name\":\"4\"}}",
      "lists no images", FERRY_EFORMAT },
    { "no_version", STREAM("", TAG("a", "q.io/a@" A)), "metadata.name, the version, is missing",
      FERRY_EFORMAT },
    { "no_metadata", "{\"kind\":\"ImageStream\",\"apiVersion\":\"image.openshift.io/v1\"}",
      "metadata.name, the version, is missing", FERRY_EFORMAT },
    { "wrong_kind",
      "{\"kind\":\"List\",\"apiVersion\":\"image.openshift.io/v1\",\"metadata\":{\"name\":\"4\"}}",
      "expected kind ImageStream of image.openshift.io/v1, found List of image.openshift.io/v1",
      FERRY_EFORMAT },
    { "wrong_version",
      "{\"kind\":\"ImageStream\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":"
      "\"4\"}}",
      "found ImageStream of v1", FERRY_EFORMAT },
    { "nothing", "{}", "found no kind of no apiVersion", FERRY_EFORMAT },
    { "array", "[]", "expected a JSON object", FERRY_EFORMAT },
    { "tag_is_a_text", STREAM("4", "\"a\""), "what is in spec.tags is not an object",
      FERRY_EFORMAT },
    { "tags_is_an_object",
      "{\"kind\":\"ImageStream\",\"apiVersion\":\"image.openshift.io/v1\",\"metadata\":{\"name\":"
      "\"4\"},\"spec\":{\"tags\":{}}}",
      "\"tags\" is not an array", FERRY_EFORMAT },
    { "from_is_a_text", STREAM("4", "{\"name\":\"a\",\"from\":\"q.io/a@" A "\"}"),
      "\"from\" is not an object", FERRY_EFORMAT },
    { "not_json", "kind: ImageStream\n", "not JSON", FERRY_EFORMAT },
    { "key_twice", "{\"kind\":\"ImageStream\",\"kind\":\"List\"}", "not JSON", FERRY_EFORMAT },
    { "cut", "{\"kind\":\"ImageStream\",\"apiVersion\":", "not JSON", FERRY_EFORMAT },
};

static const char *format(const struct ferry_components *components)
{
    const char *text = components->version;

    for (size_t i = 0; i < components->count; i++) {
        char name[FERRY_REFERENCE_TEXT_MAX];

        ferry_reference_format(&components->items[i].ref, name);
        text = sample_format("%s %s=%s", text, components->items[i].name, name);
    }
    return sample_format("%s %zu", text, components->passed_over);
}

static void test_components_parse(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        FERRY_OWNED(ferry_components) components = NULL;
        struct ferry_err err = { 0 };
        int rc = ferry_components_parse(rows[i].text, strlen(rows[i].text), &components, &err);

        if (rc != (int)rows[i].code)
            fail_msg("row \"%s\": %d, \"%s\"", rows[i].name, rc, err.msg);
        CHECK_ROW(rows[i].name, (rc == 0) == (components != NULL));
        if (rc < 0 && (!strstr(err.msg, rows[i].want) ||
                       strncmp(err.msg, FERRY_IMAGE_REFERENCES, strlen(FERRY_IMAGE_REFERENCES))))
            fail_msg("row \"%s\": \"%s\"", rows[i].name, err.msg);
        if (rc == 0 && strcmp(format(components), rows[i].want) != 0)
            fail_msg("row \"%s\": \"%s\"", rows[i].name, format(components));
    }
}

/* A release of `count` images. */
static int parse_many(size_t count, struct ferry_components **out, struct ferry_err *err)
{
    FERRY_OWNED_BUF text;

    ferry_buf_init(&text, (size_t)FERRY_MANIFEST_MAX);
    FERRY_TRY(ferry_buf_print(&text, err,
                              "{\"kind\":\"ImageStream\",\"apiVersion\":\"image.openshift.io/v1\","
                              "\"metadata\":{\"name\":\"4\"},\"spec\":{\"tags\":["));
    for (size_t i = 0; i < count; i++)
        FERRY_TRY(ferry_buf_print(&text, err,
                                  "%s{\"name\":\"c%zu\",\"from\":{\"kind\":\"DockerImage\","
                                  "\"name\":\"q.io/a@" A "\"}}",
                                  i ? "," : "", i));
    FERRY_TRY(ferry_buf_print(&text, err, "]}}"));
    return ferry_components_parse(text.data, text.len, out, err);
}

static void test_components_limits(void **state)
{
    FERRY_OWNED(ferry_components) components = NULL;
    FERRY_OWNED(ferry_components) more = NULL;
    FERRY_OWNED_MEM char *large = calloc(1, (size_t)FERRY_MANIFEST_MAX + 1);
    struct ferry_err err = { 0 };

    (void)state;
    CHECK_OK(parse_many(FERRY_CHILDREN_MAX, &components, &err));
    assert_int_equal(components->count, FERRY_CHILDREN_MAX);
    CHECK_CODE(parse_many(FERRY_CHILDREN_MAX + 1, &more, &err), FERRY_ELIMIT);
    assert_non_null(large);
    CHECK_CODE(ferry_components_parse(large, (size_t)FERRY_MANIFEST_MAX + 1, &more, &err),
               FERRY_ELIMIT);
    assert_null(more);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_components_parse),
        cmocka_unit_test(test_components_limits),
    };

    return cmocka_run_group_tests_name("components", tests, NULL, sample_forget_group);
}
