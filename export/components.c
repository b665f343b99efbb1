#include "export/components.h"

#include <string.h>

#include "format/oci/json.h"
#include "format/oci/manifest.h"

#define API_VERSION "image.openshift.io/v1"
#define KIND "ImageStream"

static const char what[] = FERRY_IMAGE_REFERENCES;

void ferry_components_free(struct ferry_components *components)
{
    if (!components)
        return;
    for (size_t i = 0; i < components->count; i++)
        free(components->items[i].name);
    free(components->items);
    free(components->version);
    free(components);
}

static int check_kind(const json_t *document, struct ferry_err *err)
{
    const char *version, *kind;

    FERRY_TRY(ferry_json_text(document, "apiVersion", what, &version, err));
    FERRY_TRY(ferry_json_text(document, "kind", what, &kind, err));
    if (version && kind && strcmp(version, API_VERSION) == 0 && strcmp(kind, KIND) == 0)
        return 0;
    return ferry_fail(err, FERRY_EFORMAT,
                      "%s: expected kind " KIND " of " API_VERSION ", found %.100s of %.100s", what,
                      kind ? kind : "no kind", version ? version : "no apiVersion");
}

static int read_version(const json_t *document, char **out, struct ferry_err *err)
{
    const char *name = NULL;
    json_t *metadata;

    FERRY_TRY(ferry_json_object(document, "metadata", what, &metadata, err));
    if (metadata)
        FERRY_TRY(ferry_json_text(metadata, "name", what, &name, err));
    if (!name || !name[0])
        return ferry_fail(err, FERRY_EFORMAT, "%s: metadata.name, the version, is missing", what);
    return ferry_text(out, err, "%s", name);
}

static int read_reference(const char *name, const char *text, struct ferry_reference *out,
                          struct ferry_err *err)
{
    if (!text)
        return ferry_fail(err, FERRY_EFORMAT, "%s: %.200s: its image has no name", what, name);
    if (ferry_reference_parse(text, out, err) < 0) {
        err->code = FERRY_EFORMAT; /* of the document, not of the command line */
        return ferry_wrap(err, "%s: %.200s", what, name);
    }
    if (out->tag[0] || !out->has_digest)
        return ferry_fail(err, FERRY_EFORMAT,
                          "%s: %.200s: expected an image by its digest alone, found \"%.300s\"",
                          what, name, text);
    return 0;
}

/* Whether a tag is an image, and its name then; *image is NULL where it is none. */
static int find_image(const json_t *tag, const char **name, const char **image, bool *is_image,
                      struct ferry_err *err)
{
    const char *kind = NULL;
    json_t *from;

    if (!json_is_object(tag))
        return ferry_fail(err, FERRY_EFORMAT, "%s: what is in spec.tags is not an object", what);
    FERRY_TRY(ferry_json_text(tag, "name", what, name, err));
    FERRY_TRY(ferry_json_object(tag, "from", what, &from, err));
    if (from)
        FERRY_TRY(ferry_json_text(from, "kind", what, &kind, err));
    *is_image = kind && strcmp(kind, "DockerImage") == 0;
    return *is_image ? ferry_json_text(from, "name", what, image, err) : 0;
}

static int add_tag(struct ferry_components *components, const json_t *tag, struct ferry_err *err)
{
    struct ferry_component *item = &components->items[components->count];
    const char *name, *image;
    bool is_image = false;

    FERRY_TRY(find_image(tag, &name, &image, &is_image, err));
    if (!is_image) {
        components->passed_over++;
        return 0;
    }
    if (!name || !name[0])
        return ferry_fail(err, FERRY_EFORMAT, "%s: a tag has no name", what);
    FERRY_TRY(read_reference(name, image, &item->ref, err));
    FERRY_TRY(ferry_text(&item->name, err, "%s", name));
    components->count++;
    return 0;
}

static int add_tags(struct ferry_components *components, const json_t *document,
                    struct ferry_err *err)
{
    json_t *spec, *tags = NULL;

    FERRY_TRY(ferry_json_object(document, "spec", what, &spec, err));
    if (spec)
        FERRY_TRY(ferry_json_array(spec, "tags", what, &tags, err));
    if (json_array_size(tags) > FERRY_CHILDREN_MAX)
        return ferry_fail(err, FERRY_ELIMIT, "%s: lists %zu tags, limit %d", what,
                          json_array_size(tags), FERRY_CHILDREN_MAX);
    components->items = calloc(json_array_size(tags) + 1, sizeof(*components->items));
    if (!components->items)
        return ferry_fail_memory(err);
    for (size_t i = 0; i < json_array_size(tags); i++)
        FERRY_TRY(add_tag(components, json_array_get(tags, i), err));
    if (components->count == 0)
        return ferry_fail(err, FERRY_EFORMAT, "%s: lists no images", what);
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Of two components of one name only one could have the tag. */
static int check_names(const struct ferry_components *components, struct ferry_err *err)
{
    FERRY_OWNED_MEM const char **sorted = calloc(components->count + 1, sizeof(*sorted));

    if (!sorted)
        return ferry_fail_memory(err);
    for (size_t i = 0; i < components->count; i++)
        sorted[i] = components->items[i].name;
    qsort(sorted, components->count, sizeof(*sorted), compare_names);
    for (size_t i = 1; i < components->count; i++)
        if (strcmp(sorted[i - 1], sorted[i]) == 0)
            return ferry_fail(err, FERRY_EFORMAT, "%s: two images have the name %.200s", what,
                              sorted[i]);
    return 0;
}

int ferry_components_parse(const void *bytes, size_t len, struct ferry_components **out,
                           struct ferry_err *err)
{
    FERRY_OWNED(ferry_components) components = calloc(1, sizeof(*components));
    FERRY_OWNED_JSON *document = NULL;

    if (!components)
        return ferry_fail_memory(err);
    FERRY_TRY(ferry_json_load(bytes, len, what, &document, err));
    FERRY_TRY(check_kind(document, err));
    FERRY_TRY(read_version(document, &components->version, err));
    FERRY_TRY(add_tags(components, document, err));
    FERRY_TRY(check_names(components, err));
    *out = ferry_steal(&components);
    return 0;
}
