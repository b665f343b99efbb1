#include "export/image_finder.h"

#include <string.h>

#include "export/yaml_tree.h"
#include "format/core/blob_file.h"
#include "format/oci/reference.h"

#define RELATED_IMAGE "RELATED_IMAGE_"

struct finder {
    struct ferry_findings *out;
    size_t objects; /* documents that are Kubernetes objects */
};

/* What a value that is no reference means. */
enum demand {
    MUST_BE_IMAGE, /* a mistake */
    MAY_BE_IMAGE   /* something else that has the same name */
};

static bool is_one_of(const char *text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, words[i]) == 0)
            return true;
    return false;
}

static void release_list(struct ferry_finding *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(list[i].text);
    free(list);
}

void ferry_findings_free(struct ferry_findings *findings)
{
    if (!findings)
        return;
    release_list(findings->images, findings->count);
    release_list(findings->doubts, findings->doubt_count);
    free(findings);
}

static int add_image(struct finder *f, const struct ferry_yaml_node *value, struct ferry_err *err)
{
    struct ferry_findings *out = f->out;
    struct ferry_finding found = { .line = value->line };

    if (out->count == FERRY_FOUND_MAX)
        return ferry_fail(err, FERRY_ELIMIT, "line %zu: more than %d images", value->line,
                          FERRY_FOUND_MAX);
    FERRY_TRY(ferry_grow((void **)&out->images, out->count, &out->room, sizeof(*out->images), err));
    FERRY_TRY(ferry_text(&found.text, err, "%s", value->text));
    out->images[out->count++] = found;
    return 0;
}

static int add_doubt(struct finder *f, const struct ferry_yaml_node *value, const char *why,
                     struct ferry_err *err)
{
    struct ferry_findings *out = f->out;
    struct ferry_finding found = { .line = value->line };

    FERRY_TRY(ferry_grow((void **)&out->doubts, out->doubt_count, &out->doubt_room,
                         sizeof(*out->doubts), err));
    FERRY_TRY(
        ferry_text(&found.text, err, "image \"%.300s\" is passed over: %s", value->text, why));
    out->doubts[out->doubt_count++] = found;
    return 0;
}

/* `value` stands where an image does; NULL, empty and null say that there is none. Helm writes
 * empty what is not set. */
static int take(struct finder *f, const struct ferry_yaml_node *value, enum demand demand,
                struct ferry_err *err)
{
    struct ferry_reference ref;

    if (!value || value->kind == FERRY_YAML_PLAIN ||
        (value->kind == FERRY_YAML_TEXT && !value->text[0]))
        return value && demand == MUST_BE_IMAGE ? add_doubt(f, value, "it is empty", err) : 0;
    if (value->kind == FERRY_YAML_TEXT && ferry_reference_parse(value->text, &ref, err) == 0)
        return add_image(f, value, err);
    if (demand == MAY_BE_IMAGE)
        return value->kind == FERRY_YAML_TEXT ? add_doubt(f, value, "it is no reference", err) : 0;
    if (value->kind != FERRY_YAML_TEXT) /* unquoted, {{ }} is a mapping with a mapping as key */
        return ferry_fail(err, FERRY_EUSAGE,
                          "line %zu: an image is expected, and no text is found: is this a "
                          "template that was not rendered?",
                          value->line);
    if (strpbrk(value->text, "{$"))
        return ferry_fail(err, FERRY_EUSAGE,
                          "line %zu: image \"%.300s\" is no reference: is this a template that "
                          "was not rendered?",
                          value->line, value->text);
    return ferry_wrap(err, "line %zu", value->line);
}

static int take_image(struct finder *f, const struct ferry_yaml_node *value, const char *list,
                      struct ferry_err *err)
{
    static const char *const containers[] = { "containers", "initContainers", "ephemeralContainers",
                                              "relatedImages" };
    const struct ferry_yaml_node *repository;

    if (is_one_of(list, containers, FERRY_COUNT(containers)))
        return take(f, value, MUST_BE_IMAGE, err);
    if (value->kind != FERRY_YAML_MAPPING)
        return take(f, value, MAY_BE_IMAGE, err);
    if (strcmp(list, "volumes") == 0)
        return take(f, ferry_yaml_member(value, "reference"), MUST_BE_IMAGE, err);
    repository = ferry_yaml_member(value, "repository");
    if (repository && repository->kind == FERRY_YAML_TEXT)
        return add_doubt(f, repository,
                         "what becomes of its repository and tag, only its operator knows", err);
    return 0;
}

static bool has_text(const struct ferry_yaml_node *mapping, const char *key, const char *text)
{
    const struct ferry_yaml_node *value = ferry_yaml_member(mapping, key);

    return value && value->kind == FERRY_YAML_TEXT && strcmp(value->text, text) == 0;
}

/* What the mapping itself names; it is an item of `list`, or the value of that key. */
static int take_from(struct finder *f, const struct ferry_yaml_node *mapping, const char *list,
                     struct ferry_err *err)
{
    const struct ferry_yaml_node *image = ferry_yaml_member(mapping, "image");
    const struct ferry_yaml_node *name = ferry_yaml_member(mapping, "name");

    if (image)
        FERRY_TRY(take_image(f, image, list, err));
    if (!name || name->kind != FERRY_YAML_TEXT)
        return 0;
    if (has_text(mapping, "kind", "DockerImage"))
        return take(f, name, MUST_BE_IMAGE, err);
    if (strcmp(list, "env") == 0 && strncmp(name->text, RELATED_IMAGE, strlen(RELATED_IMAGE)) == 0)
        return take(f, ferry_yaml_member(mapping, "value"), MUST_BE_IMAGE, err);
    return 0;
}

static bool is_object(const struct ferry_yaml_node *node)
{
    const struct ferry_yaml_node *version = ferry_yaml_member(node, "apiVersion");
    const struct ferry_yaml_node *kind = ferry_yaml_member(node, "kind");

    return version && version->kind == FERRY_YAML_TEXT && kind && kind->kind == FERRY_YAML_TEXT;
}

/* Whether nothing below the mapping is an image, whatever it is called. */
static bool is_opaque(const struct ferry_yaml_node *mapping)
{
    return is_object(mapping) &&
           (has_text(mapping, "kind", "ConfigMap") || has_text(mapping, "kind", "Secret") ||
            has_text(mapping, "kind", "CustomResourceDefinition"));
}

static bool is_opaque_key(const struct ferry_yaml_node *mapping, const char *key)
{
    static const char *const invented[] = { "annotations", "labels", "matchLabels", "nodeSelector",
                                            "selector" };

    return is_one_of(key, invented, FERRY_COUNT(invented)) ||
           (strcmp(key, "status") == 0 && is_object(mapping));
}

/* `list` is the key that the node stands below. Aliases may lead down a path that is longer than
 * the text is deep, or in a circle. */
static int walk(struct finder *f, struct ferry_yaml_node *node, const char *list, size_t depth,
                struct ferry_err *err)
{
    node = ferry_yaml_resolve(node);
    if (node->seen)
        return 0;
    node->seen = true;
    if (depth > FERRY_YAML_DEPTH_MAX)
        return ferry_fail(err, FERRY_ELIMIT, "line %zu: more than %d levels, of aliases",
                          node->line, FERRY_YAML_DEPTH_MAX);
    if (node->kind == FERRY_YAML_SEQUENCE)
        for (struct ferry_yaml_node *item = node->first; item; item = item->next)
            FERRY_TRY(walk(f, item, list, depth + 1, err));
    if (node->kind != FERRY_YAML_MAPPING || is_opaque(node))
        return 0;
    FERRY_TRY(take_from(f, node, list, err));
    for (struct ferry_yaml_node *key = node->first; key; key = key->next->next) {
        const char *name = ferry_yaml_resolve(key)->text;

        if (!is_opaque_key(node, name))
            FERRY_TRY(walk(f, key->next, name, depth + 1, err));
    }
    return 0;
}

static int find_all(struct finder *f, struct ferry_yaml *yaml, struct ferry_err *err)
{
    struct ferry_yaml_node *root;

    for (;;) {
        FERRY_TRY(ferry_yaml_next(yaml, &root, err));
        if (!root)
            return 0;
        if (!is_object(root))
            continue;
        f->objects++;
        FERRY_TRY(walk(f, root, "", 0, err));
    }
}

int ferry_images_find(const void *bytes, size_t len, struct ferry_findings **out,
                      struct ferry_err *err)
{
    FERRY_OWNED(ferry_findings) findings = calloc(1, sizeof(*findings));
    FERRY_OWNED(ferry_yaml) yaml = NULL;
    struct finder f = { .out = findings };

    if (!findings)
        return ferry_fail_memory(err);
    FERRY_TRY(ferry_yaml_open(bytes, len, &yaml, err));
    FERRY_TRY(find_all(&f, yaml, err));
    if (f.objects == 0)
        return ferry_fail(err, FERRY_EUSAGE,
                          "holds no Kubernetes object: no document in it has apiVersion and kind");
    if (findings->count == 0)
        return ferry_fail(err, FERRY_EUSAGE, "names no image: looked through %zu object%s",
                          f.objects, f.objects == 1 ? "" : "s");
    *out = ferry_steal(&findings);
    return 0;
}

static int find_in(const char *path, struct ferry_findings **out, struct ferry_err *err)
{
    FERRY_OWNED_BUF text;

    ferry_buf_init(&text, FERRY_OBJECTS_MAX);
    FERRY_TRY(ferry_file_read(path, &text, err));
    return ferry_images_find(text.data, text.len, out, err);
}

int ferry_images_find_in(const char *path, struct ferry_findings **out, struct ferry_err *err)
{
    int rc = find_in(path, out, err);

    if (rc == FERRY_ELIMIT) /* it is the user's own file that is too large */
        err->code = FERRY_EUSAGE;
    return rc < 0 ? ferry_wrap(err, "%s", strcmp(path, "-") == 0 ? "stdin" : path) : 0;
}
