#include "export/image_finder.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "export/yaml_tree.h"
#include "tests/support/check.h"
#include "tests/support/sample.h"

#define FILE_NAME "manifests.yaml"
#define POD "apiVersion: v1\nkind: Pod\n"

/* What is found, as "LINE TEXT" joined by ", "; doubts as "LINE?". */
static const struct {
    const char *name, *text, *found;
} good_rows[] = {
    { "pod",
      POD "spec:\n  containers:\n  - name: a\n    image: nginx:1.25\n  initContainers:\n"
          "  - {image: q.io/b}\n  ephemeralContainers:\n  - image: \"c\"\n",
      "6 nginx:1.25, 8 q.io/b, 10 c" },
    { "deployment",
      "apiVersion: apps/v1\nkind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n"
      "      - image: a:1\n      - image: b:1\n",
      "7 a:1, 8 b:1" },
    { "repeated", POD "spec:\n  containers:\n  - image: a\n  - image: a\n", "5 a, 6 a" },
    { "tag_and_digest",
      POD "image: q.io/a:1@sha256:"
          "0123456789012345678901234567890123456789012345678901234567890123\n",
      "3 q.io/a:1@sha256:0123456789012345678901234567890123456789012345678901234567890123" },
    { "documents",
      "---\n# Source: chart/templates/a.yaml\n" POD "image: a\n---\n---\n# nothing\n---\n" POD
      "image: b\n...\n",
      "5 a, 12 b" },
    { "no_object_beside", "image:\n  repository: x\n---\n" POD "image: a\n---\nimage: y\n", "6 a" },
    { "kind_last",
      "items:\n- image: a\n  kind: Pod\n  apiVersion: v1\nkind: List\napiVersion: v1\n", "2 a" },
    { "custom_resource",
      "apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nspec:\n  image: q.io/p/p:v2\n"
      "  thanos: {image: q.io/t/t}\n",
      "4 q.io/p/p:v2, 5 q.io/t/t" },
    { "tekton",
      "apiVersion: tekton.dev/v1\nkind: Task\nspec:\n  steps:\n  - image: a\n"
      "  - image: $(params.image)\n",
      "5 a, 6?" },
    { "other_images",
      POD "logo:\n  image: https://example.com/logo.png\nwelcome:\n  image: Some Words\n"
          "  next: {image: [b, c]}\n  last: {image: a}\n",
      "8 a, 4?, 6?" },
    { "repository_and_tag",
      POD "values:\n  image:\n    repository: q.io/x\n    tag: 1\n  other: {image: a}\n",
      "7 a, 5?" },
    { "image_volume",
      POD "spec:\n  volumes:\n  - name: v\n    image:\n      reference: q.io/v:1\n"
          "  - name: w\n    emptyDir: {}\n  other:\n  - image: {reference: no}\n",
      "7 q.io/v:1" },
    { "operator",
      "apiVersion: operators.coreos.com/v1alpha1\nkind: ClusterServiceVersion\nspec:\n"
      "  relatedImages:\n  - {name: a, image: q.io/a:1}\n  env:\n"
      "  - {name: RELATED_IMAGE_B, value: q.io/b:1}\n  - {name: OTHER, value: q.io/c:1}\n"
      "  - {name: RELATED_IMAGE_D, valueFrom: {x: y}}\n",
      "5 q.io/a:1, 7 q.io/b:1" },
    { "docker_image",
      "apiVersion: image.openshift.io/v1\nkind: ImageStream\nspec:\n  tags:\n  - name: t\n"
      "    from: {kind: DockerImage, name: q.io/a:1}\n  - from: {kind: ImageStreamTag, name: "
      "b:1}\n",
      "6 q.io/a:1" },
    { "not_looked_at",
      "apiVersion: v1\nkind: List\nitems:\n"
      "- {apiVersion: v1, kind: ConfigMap, data: {image: a}}\n"
      "- {apiVersion: v1, kind: Secret, stringData: {image: a}}\n"
      "- {kind: CustomResourceDefinition, apiVersion: x/v1, spec: {image: a}}\n"
      "- apiVersion: v1\n  kind: Pod\n  metadata: {labels: {image: a}, annotations: {image: a}}\n"
      "  status: {image: a}\n"
      "  spec: {selector: {image: a}, nodeSelector: {image: a}, status: {image: b}}\n",
      "11 b" },
    { "a_kind_that_is_mentioned", POD "ref: {kind: ConfigMap, name: c}\nspec: {image: a}\n",
      "4 a" },
    { "nothing_said",
      POD "a: {image: }\nb: {image: ''}\nc: {image: ~}\nd: {image: true}\ne: {image: 1.5}\n"
          "containers:\n- image: \"\"\n- image: a\n",
      "10 a, 9?" },
    { "aliases",
      POD "x: &x q.io/a:1\ny: &y\n- image: *x\nspec:\n  containers: *y\n  &k image : b\n  z: {*k : "
          "c}\n",
      "3 q.io/a:1, 8 b, 9 c" },
    { "merged", POD "x: &x {image: a}\nspec:\n  containers:\n  - <<: *x\n    name: n\n", "3 a" },
    { "behind_what_is_not_looked_at",
      "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n"
      "  data: &d {image: a}\n- spec: *d\n",
      "6 a" },
    { "circle", POD "x: &x\n- image: a\n- *x\n- y: *x\n", "4 a" },
    { "laughs",
      POD
      "a: &a [{image: a}]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\n"
      "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"
      "f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n"
      "h: &h [*g,*g,*g,*g,*g,*g,*g,*g,*g]\ni: &i [*h,*h,*h,*h,*h,*h,*h,*h,*h]\n",
      "3 a" },
    { "json",
      "\r\n{\r\n\t\"apiVersion\":\"v1\",\t\"items\":[\n\t\t{\"image\":\"q.io\\/a:1\"},\n"
      "{\"x\":\"\\u00e9 \\ud83d\\ude00 \\\\ud83d \\uD83D\\uDE00\\n\"},\n\n{\"image\":\"b\"}\n\t],"
      "\"n\": 1e5, \"f\": false, \"z\":null,\n\"kind\":\"List\"}\n",
      "4 q.io/a:1, 7 b" },
    { "bytes_order_mark", "\xef\xbb\xbf" POD "image: a\n", "3 a" },
    { "block_text", POD "script: |\n  image: x\nimage: >-\n  q.io/a:1\n", "5 q.io/a:1" },
    { "windows", "apiVersion: v1\r\nkind: Pod\r\nimage: a\r\n", "3 a" },
};

static void append(char *out, size_t room, const char *fmt, size_t line, const char *text)
{
    size_t len = strlen(out);

    snprintf(out + len, room - len, fmt, len > 0 ? ", " : "", line, text);
}

static void test_image_finder_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(good_rows); i++) {
        FERRY_OWNED(ferry_findings) found = NULL;
        struct ferry_err err;
        char text[1000] = "";

        if (ferry_images_find(good_rows[i].text, strlen(good_rows[i].text), &found, &err) < 0)
            fail_msg("row \"%s\": %s", good_rows[i].name, err.msg);
        for (size_t k = 0; k < found->count; k++)
            append(text, sizeof(text), "%s%zu %s", found->images[k].line, found->images[k].text);
        for (size_t k = 0; k < found->doubt_count; k++)
            append(text, sizeof(text), "%s%zu?%.0s", found->doubts[k].line, "");
        if (strcmp(text, good_rows[i].found) != 0)
            fail_msg("row \"%s\": found \"%s\", expected \"%s\"", good_rows[i].name, text,
                     good_rows[i].found);
    }
}

static const struct {
    const char *name, *text, *message;
} bad_rows[] = {
    { "template_text", POD "containers:\n- image: \"{{ .Values.image }}\"\n",
      "line 4: image \"{{ .Values.image }}\" is no reference: is this a template" },
    { "template", POD "containers:\n- image: {{ .Values.image }}\n",
      "line 4: an image is expected, and no text is found: is this a template" },
    { "openshift_template", POD "containers:\n- image: ${IMAGE}\n",
      "line 4: image \"${IMAGE}\" is no reference: is this a template" },
    { "upper_case", POD "initContainers:\n- image: Nginx\n",
      "line 4: \"Nginx\" is not a reference" },
    { "spaces", POD "ephemeralContainers:\n- image: a b\n", "line 4: \"a b\" is not a reference" },
    { "nul", POD "containers:\n- image: \"a\\0b\"\n", "line 4: \"a?b\" is not a reference" },
    { "list", POD "containers:\n- image: [a]\n", "line 4: an image is expected" },
    { "related", POD "relatedImages:\n- image: A\n", "line 4: \"A\" is not a reference" },
    { "related_env", POD "env:\n- name: RELATED_IMAGE_A\n  value: A\n", "line 5: \"A\" is not" },
    { "image_volume", POD "volumes:\n- image:\n    reference: A\n", "line 5: \"A\" is not" },
    { "docker_image", POD "from:\n  kind: DockerImage\n  name: A\n", "line 5: \"A\" is not" },
    { "nothing", "", "holds no Kubernetes object" },
    { "blank", " \n", "holds no Kubernetes object" },
    { "values", "image: a\n", "holds no Kubernetes object" },
    { "compose", "services:\n  a: {image: a}\n", "holds no Kubernetes object" },
    { "text", "hello\n", "holds no Kubernetes object" },
    { "sequence", "- {apiVersion: v1, kind: Pod, image: a}\n", "holds no Kubernetes object" },
    { "no_image", POD "---\n" POD, "names no image: looked through 2 objects" },
    { "config_map", "apiVersion: v1\nkind: ConfigMap\ndata: {image: a}\n",
      "names no image: looked through 1 object" },
    { "unclosed", POD "a: [1\nb: 2\n", "line 4: not YAML: while parsing a flow sequence, did not" },
    { "tab", POD "\timage: a\n", "line 3: not YAML: while scanning a plain scalar, found a tab" },
    { "two_values", POD "a: b: c\n", "line 3: not YAML: mapping values are not allowed" },
    { "no_utf8", POD "a: b\nc: \xff\n", "line 4: not YAML: invalid leading UTF-8 octet" },
    { "control", POD "a: \x07\n", "line 3: not YAML: control characters are not allowed" },
    { "no_anchor", POD "a: *b\n", "line 3: not YAML: *b has no anchor before it" },
    { "anchor_of_before", POD "a: &a b\n---\n" POD "c: *a\n",
      "line 7: not YAML: *a has no anchor" },
    { "cut_json", "{\"apiVersion\":\"v1\",\n\"kind\":",
      "line 3: not YAML: while parsing a flow node, did not find expected node content" },
    { "lone_surrogate", "{\"a\":\"\\ud83d\"}", "line 1: not YAML: while parsing a quoted scalar" },
    { "cut_escape", "[\"\\u00", "line 1: not YAML: while parsing a quoted scalar" },
};

static void test_image_finder_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(bad_rows); i++) {
        FERRY_OWNED(ferry_findings) found = NULL;
        struct ferry_err err = { 0 };
        int rc = ferry_images_find(bad_rows[i].text, strlen(bad_rows[i].text), &found, &err);

        CHECK_ROW(bad_rows[i].name, rc == FERRY_EUSAGE && err.code == FERRY_EUSAGE && !found);
        if (strncmp(err.msg, bad_rows[i].message, strlen(bad_rows[i].message)) != 0)
            fail_msg("row \"%s\": \"%s\"", bad_rows[i].name, err.msg);
    }
}

/* `count` times `unit` between `before` and `after`; a '#' in it becomes the turn's number. */
static void check_limit(const char *before, const char *unit, size_t count, const char *after,
                        const char *message)
{
    FERRY_OWNED_MEM char *text = malloc(strlen(before) + (strlen(unit) + 40) * count +
                                        strlen(after) + 1);
    FERRY_OWNED(ferry_findings) found = NULL;
    struct ferry_err err = { 0 };
    size_t len;
    int rc;

    assert_non_null(text);
    len = (size_t)sprintf(text, "%s", before);
    for (size_t i = 0; i < count; i++)
        for (const char *p = unit; *p; p++)
            if (*p == '#')
                len += (size_t)sprintf(text + len, "%zu", i);
            else
                text[len++] = *p;
    len += (size_t)sprintf(text + len, "%s", after);
    rc = ferry_images_find(text, len, &found, &err);
    if (!message) {
        CHECK_OK(rc);
        return;
    }
    assert_int_equal(rc, FERRY_ELIMIT);
    if (!strstr(err.msg, message))
        fail_msg("\"%s\" does not say \"%s\"", err.msg, message);
}

static void test_image_finder_limits(void **state)
{
    (void)state;
    check_limit(POD "image: a\nb: ", "[", FERRY_YAML_DEPTH_MAX, "", "line 4: more than 100 levels");
    check_limit(POD "image: a\nb: ", "{\"k\": ", FERRY_YAML_DEPTH_MAX, "", "more than 100 levels");
    check_limit(POD "image: a\nb: [", "a,", FERRY_YAML_NODES_MAX, "]",
                "2000000 nodes in a document");
    check_limit(POD "image: a\n", "k#: &a# b\n", FERRY_YAML_ANCHORS_MAX, "", NULL);
    check_limit(POD "image: a\n", "k#: &a# b\n", FERRY_YAML_ANCHORS_MAX + 1, "",
                "1000 anchors in a document");
    check_limit("", "---\n", FERRY_YAML_DOCUMENTS_MAX + 1, "", "100000 documents");
    check_limit("", "%TAG !a#! b\n", 101, "--- a", "100 directives");
    check_limit(POD, "a#: {image: a}\n", FERRY_FOUND_MAX, "", NULL);
    check_limit(POD, "a#: {image: a}\n", FERRY_FOUND_MAX + 1, "", "line 100003: more than 100000");
    /* In a ConfigMap nobody has walked down the aliases, of which each holds the one before. */
    check_limit("apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n"
                "  a: &a0 [{image: a}]\n",
                "  a: &b# [*a0]\n  b: &a0 [*b#]\n", 60, "- spec: *a0\n", "100 levels, of aliases");
    check_limit("apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n"
                "  a: &a0 [{image: a}]\n",
                "  a: &b# [*a0]\n  b: &a0 [*b#]\n", 40, "- spec: *a0\n", NULL);
}

static void test_image_finder_files(void **state)
{
    FERRY_OWNED(ferry_findings) found = NULL;
    struct ferry_err err = { 0 };
    int before = dup(STDIN_FILENO), file;

    (void)state;
    CHECK_CODE(ferry_images_find_in("not/there", &found, &err), FERRY_EUSAGE);
    assert_non_null(strstr(err.msg, "not/there: No such file"));
    CHECK_CODE(ferry_images_find_in(".", &found, &err), FERRY_EIO);
    sample_write(FILE_NAME, "a: [", 4);
    CHECK_CODE(ferry_images_find_in(FILE_NAME, &found, &err), FERRY_EUSAGE);
    assert_int_equal(strncmp(err.msg, FILE_NAME ": line 1: not YAML", 18), 0);
    sample_write(FILE_NAME, POD "image: a\n", strlen(POD "image: a\n"));
    file = open(FILE_NAME, O_RDONLY | O_CLOEXEC);
    assert_int_equal(dup2(file, STDIN_FILENO), STDIN_FILENO);
    CHECK_OK(ferry_images_find_in("-", &found, &err));
    assert_string_equal(found->images[0].text, "a");
    assert_int_equal(dup2(before, STDIN_FILENO), STDIN_FILENO);
    close(file);
    close(before);
}

static void test_image_finder_large_file(void **state)
{
    FERRY_OWNED(ferry_findings) found = NULL;
    FERRY_OWNED_MEM char *text = malloc(FERRY_OBJECTS_MAX + 1);
    struct ferry_err err = { 0 };

    (void)state;
    assert_non_null(text);
    memset(text, '\n', FERRY_OBJECTS_MAX + 1);
    memcpy(text, POD "image: a\n", strlen(POD "image: a\n"));
    sample_write(FILE_NAME, text, FERRY_OBJECTS_MAX + 1);
    CHECK_CODE(ferry_images_find_in(FILE_NAME, &found, &err), FERRY_EUSAGE);
    assert_non_null(strstr(err.msg, "limit of 33554432 bytes"));
    assert_int_equal(truncate(FILE_NAME, FERRY_OBJECTS_MAX), 0);
    CHECK_OK(ferry_images_find_in(FILE_NAME, &found, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_image_finder_good),       cmocka_unit_test(test_image_finder_bad),
        cmocka_unit_test(test_image_finder_limits),     cmocka_unit_test(test_image_finder_files),
        cmocka_unit_test(test_image_finder_large_file),
    };

    return cmocka_run_group_tests_name("image_finder", tests, sample_enter_folder,
                                       sample_leave_folder);
}
