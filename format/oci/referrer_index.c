#include "format/oci/referrer_index.h"

#include <stdio.h>
#include <string.h>

void ferry_referrer_index_tag(const struct ferry_digest *subject, char out[FERRY_TAG_MAX])
{
    /* 64 digits also of a longer digest: the rest of sha512 would not fit a tag. */
    snprintf(out, FERRY_TAG_MAX, "%s-%.64s", ferry_algorithm_name(subject->algorithm),
             ferry_digest_hex(subject));
}

/* The array of descriptors in a list. */
static int load(const struct ferry_buf *list, const char *what, json_t **document,
                json_t **manifests, struct ferry_err *err)
{
    FERRY_TRY(ferry_json_load(list->data, list->len, what, document, err));
    FERRY_TRY(ferry_json_array(*document, "manifests", what, manifests, err));
    if (json_array_size(*manifests) > FERRY_CHILDREN_MAX)
        return ferry_fail(err, FERRY_ELIMIT, "%s: lists %zu referrers, limit %d", what,
                          json_array_size(*manifests), FERRY_CHILDREN_MAX);
    return 0;
}

int ferry_referrer_index_parse(const struct ferry_buf *list, const char *what,
                               struct ferry_digest **digests, size_t *count, size_t *room,
                               struct ferry_err *err)
{
    FERRY_OWNED_JSON *document = NULL;
    json_t *manifests;

    FERRY_TRY(load(list, what, &document, &manifests, err));
    if (!manifests)
        return ferry_fail(err, FERRY_EFORMAT, "%s: lists no manifests", what);
    for (size_t i = 0; i < json_array_size(manifests); i++) {
        struct ferry_digest digest;

        FERRY_TRY(ferry_json_digest(json_array_get(manifests, i), "digest", what, &digest, err));
        FERRY_TRY(ferry_grow((void **)digests, *count, room, sizeof(**digests), err));
        (*digests)[(*count)++] = digest;
    }
    return 0;
}

/* A set of digests: an object whose keys they are. */
static int add_to_set(json_t *set, const char *digest, struct ferry_err *err)
{
    return json_object_set_new(set, digest, json_null()) < 0 ? ferry_fail_memory(err) : 0;
}

/* Those that the list has; what is wrong with an entry is not ours to say. */
static int add_listed(json_t *set, const json_t *manifests, struct ferry_err *err)
{
    size_t i;
    json_t *entry;

    json_array_foreach(manifests, i, entry)
    {
        const char *digest = json_string_value(json_object_get(entry, "digest"));

        if (digest)
            FERRY_TRY(add_to_set(set, digest, err));
    }
    return 0;
}

/* By which readers tell a signature from an SBOM: without a type of its own that of the config. */
static int find_artifact_type(const json_t *document, const char *what, const char **out,
                              struct ferry_err *err)
{
    json_t *config;

    FERRY_TRY(ferry_json_text(document, "artifactType", what, out, err));
    if (*out)
        return 0;
    FERRY_TRY(ferry_json_object(document, "config", what, &config, err));
    return config ? ferry_json_text(config, "mediaType", what, out, err) : 0;
}

/* The descriptor of a referrer in a list: with its artifact type and annotations. */
static int describe(const struct ferry_node *node, json_t **out, struct ferry_err *err)
{
    const struct ferry_descriptor *d = &node->descriptor;
    FERRY_OWNED_JSON *document = NULL;
    FERRY_OWNED_JSON *object = json_pack("{s:s, s:s, s:I}", "mediaType", d->media_type, "digest",
                                         d->digest.text, "size", (json_int_t)d->size);
    const char *artifact_type = NULL, *what = d->digest.text;
    json_t *annotations = NULL;

    if (node->kind != FERRY_KIND_BLOB) { /* a document that we can read */
        FERRY_TRY(ferry_json_load(node->bytes, (size_t)d->size, what, &document, err));
        FERRY_TRY(find_artifact_type(document, what, &artifact_type, err));
        FERRY_TRY(ferry_json_object(document, "annotations", what, &annotations, err));
    }
    if (!object ||
        (artifact_type &&
         json_object_set_new(object, "artifactType", json_string(artifact_type)) < 0) ||
        (annotations && json_object_set(object, "annotations", annotations) < 0))
        return ferry_fail_memory(err);
    *out = ferry_steal(&object);
    return 0;
}

/* Unless the list has it. */
static int add(json_t *manifests, json_t *set, const struct ferry_node *node, struct ferry_err *err)
{
    json_t *descriptor = NULL;

    if (json_object_get(set, node->descriptor.digest.text))
        return 0;
    FERRY_TRY(add_to_set(set, node->descriptor.digest.text, err));
    FERRY_TRY(describe(node, &descriptor, err));
    return json_array_append_new(manifests, descriptor) < 0 ? ferry_fail_memory(err) : 0;
}

int ferry_referrer_index_merge(const struct ferry_buf *list, const char *what,
                               const struct ferry_node *const *nodes, size_t count,
                               struct ferry_buf *out, struct ferry_err *err)
{
    FERRY_OWNED_JSON *document = NULL;
    FERRY_OWNED_JSON *set = json_object();
    json_t *manifests = NULL;
    size_t before;

    if (list->len > 0) {
        FERRY_TRY(load(list, what, &document, &manifests, err));
        if (!manifests)
            return ferry_fail(err, FERRY_EFORMAT, "%s: lists no manifests", what);
    } else {
        document = json_pack("{s:i, s:s, s:[]}", "schemaVersion", 2, "mediaType",
                             FERRY_TYPE_OCI_INDEX, "manifests");
        manifests = json_object_get(document, "manifests");
    }
    before = json_array_size(manifests);
    FERRY_TRY(add_listed(set, manifests, err));
    for (size_t i = 0; i < count; i++)
        FERRY_TRY(add(manifests, set, nodes[i], err));
    return json_array_size(manifests) > before ? ferry_json_dump(document, out, err) : 0;
}
