#include "format/oci/manifest.h"

#include <string.h>

#define NOTE_TYPE "vnd.docker.reference.type"
#define NOTE_DIGEST "vnd.docker.reference.digest"

void ferry_manifest_free(struct ferry_manifest *manifest)
{
    if (!manifest)
        return;
    for (size_t i = 0; i < manifest->count; i++)
        ferry_descriptor_release(&manifest->children[i]);
    free(manifest->children);
    free(manifest->described);
    free(manifest);
}

/* One meaning only: the members of the other kind must not be there. */
static int check_kind(const json_t *document, enum ferry_kind kind, const char *what,
                      struct ferry_err *err)
{
    bool lists_manifests = json_object_get(document, "manifests") != NULL;
    bool lists_layers = json_object_get(document, "layers") != NULL ||
                        json_object_get(document, "config") != NULL;

    if (lists_manifests && lists_layers)
        return ferry_fail(err, FERRY_EFORMAT,
                          "%s: lists both manifests and layers, so readers would differ on it",
                          what);
    if (lists_manifests != (kind == FERRY_KIND_INDEX))
        return ferry_fail(err, FERRY_EFORMAT, "%s: is announced as %s and is not one", what,
                          kind == FERRY_KIND_INDEX ? "an index" : "an image manifest");
    return 0;
}

static int check_media_type(const json_t *document, const char *media_type, const char *what,
                            struct ferry_err *err)
{
    const char *own;

    FERRY_TRY(ferry_json_text(document, "mediaType", what, &own, err));
    if (own && strcmp(own, media_type) != 0)
        return ferry_fail(err, FERRY_EFORMAT, "%s: says mediaType %.100s, announced as %.100s",
                          what, own, media_type);
    return 0;
}

/* Nothing of the subject travels with its referrer, so of its descriptor only the digest counts. */
static int find_subject(const json_t *document, const char *what, struct ferry_manifest *manifest,
                        struct ferry_err *err)
{
    json_t *subject;

    FERRY_TRY(ferry_json_object(document, "subject", what, &subject, err));
    if (!subject)
        return 0;
    manifest->has_subject = true;
    return ferry_json_digest(subject, "digest", what, &manifest->subject, err);
}

/* What is not written as BuildKit does is a child like any other, and no failure. */
static void find_described(const json_t *object, struct ferry_digest *out)
{
    const json_t *annotations = json_object_get(object, "annotations");
    const char *type = json_string_value(json_object_get(annotations, NOTE_TYPE));
    const char *digest = json_string_value(json_object_get(annotations, NOTE_DIGEST));
    struct ferry_err ignored;

    if (!type || !digest || strcmp(type, "attestation-manifest") != 0 ||
        ferry_digest_parse(digest, out, &ignored) < 0)
        out->text[0] = '\0';
}

static int add_child(struct ferry_manifest *manifest, const json_t *object, const char *what,
                     struct ferry_err *err)
{
    FERRY_TRY(ferry_descriptor_from_json(object, what, &manifest->children[manifest->count], err));
    if (manifest->described)
        find_described(object, &manifest->described[manifest->count]);
    manifest->count++;
    return 0;
}

int ferry_manifest_parse(const void *bytes, size_t len, const char *media_type, const char *what,
                         struct ferry_manifest **out, struct ferry_err *err)
{
    FERRY_OWNED_JSON *document = NULL;
    FERRY_OWNED(ferry_manifest) manifest = calloc(1, sizeof(*manifest));
    json_t *list, *config = NULL;

    if (!manifest)
        return ferry_fail_memory(err);
    manifest->kind = ferry_media_type_kind(media_type);
    if (manifest->kind != FERRY_KIND_INDEX && manifest->kind != FERRY_KIND_MANIFEST)
        return ferry_fail(err, FERRY_EFORMAT, "%s: %.100s is not a manifest that we know", what,
                          media_type);
    FERRY_TRY(ferry_json_load(bytes, len, what, &document, err));
    FERRY_TRY(check_media_type(document, media_type, what, err));
    FERRY_TRY(check_kind(document, manifest->kind, what, err));
    FERRY_TRY(find_subject(document, what, manifest, err));
    if (manifest->kind == FERRY_KIND_INDEX) {
        FERRY_TRY(ferry_json_array(document, "manifests", what, &list, err));
    } else {
        FERRY_TRY(ferry_json_array(document, "layers", what, &list, err));
        FERRY_TRY(ferry_json_object(document, "config", what, &config, err));
        if (!config)
            return ferry_fail(err, FERRY_EFORMAT, "%s: has no config", what);
    }
    if (json_array_size(list) > FERRY_CHILDREN_MAX)
        return ferry_fail(err, FERRY_ELIMIT, "%s: lists %zu descriptors, limit %d", what,
                          json_array_size(list), FERRY_CHILDREN_MAX);
    manifest->children = calloc(json_array_size(list) + 1, sizeof(*manifest->children));
    if (manifest->kind == FERRY_KIND_INDEX)
        manifest->described = calloc(json_array_size(list) + 1, sizeof(*manifest->described));
    if (!manifest->children || (manifest->kind == FERRY_KIND_INDEX && !manifest->described))
        return ferry_fail_memory(err);
    if (config)
        FERRY_TRY(add_child(manifest, config, what, err));
    for (size_t i = 0; i < json_array_size(list); i++)
        FERRY_TRY(add_child(manifest, json_array_get(list, i), what, err));
    *out = ferry_steal(&manifest);
    return 0;
}

int ferry_manifest_media_type(const json_t *document, const char *what, const char **out,
                              struct ferry_err *err)
{
    const char *own;

    FERRY_TRY(ferry_json_text(document, "mediaType", what, &own, err));
    if (own)
        *out = own;
    else if (json_object_get(document, "manifests"))
        *out = FERRY_TYPE_OCI_INDEX;
    else if (json_object_get(document, "config"))
        *out = FERRY_TYPE_OCI_MANIFEST;
    else if (json_object_get(document, "fsLayers"))
        *out = FERRY_TYPE_DOCKER_SCHEMA1;
    else
        return ferry_fail(err, FERRY_EFORMAT, "%s: is no manifest that we know", what);
    return 0;
}
