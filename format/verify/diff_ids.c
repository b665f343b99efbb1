#include "format/verify/diff_ids.h"

#include <string.h>

#include "format/archive/inflate.h"

#define CHUNK ((size_t)256 * 1024)

struct ferry_diff_ids {
    const struct ferry_graph *graph;
    struct ferry_digest found[]; /* by node->place: what a layer inflates to; text "" unknown */
};

int ferry_diff_ids_new(const struct ferry_graph *graph, struct ferry_diff_ids **out,
                       struct ferry_err *err)
{
    struct ferry_diff_ids *ids = calloc(1, sizeof(*ids) + graph->count * sizeof(ids->found[0]));

    if (!ids)
        return ferry_fail_memory(err);
    ids->graph = graph;
    *out = ids;
    return 0;
}

void ferry_diff_ids_free(struct ferry_diff_ids *ids)
{
    free(ids);
}

bool ferry_diff_ids_want(const struct ferry_diff_ids *ids, const struct ferry_node *node)
{
    return node->is_tar && ids->found[node->place].text[0] == '\0';
}

static int hash_inflated(struct ferry_source *layer, struct ferry_digest *out,
                         struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) inflated = NULL;
    FERRY_OWNED(ferry_hash) hash = NULL;
    FERRY_OWNED_MEM uint8_t *chunk = malloc(CHUNK);
    size_t got;

    if (!chunk)
        return ferry_fail_memory(err);
    FERRY_TRY(ferry_inflate_new(layer, &inflated, err));
    FERRY_TRY(ferry_hash_new(FERRY_SHA256, &hash, err));
    do {
        FERRY_TRY(ferry_source_read(inflated, chunk, CHUNK, &got, err));
        FERRY_TRY(ferry_hash_update(hash, chunk, got, err));
    } while (got > 0);
    return ferry_hash_final(hash, out, err);
}

int ferry_diff_ids_read(struct ferry_diff_ids *ids, const struct ferry_node *node,
                        struct ferry_source *layer, struct ferry_err *err)
{
    struct ferry_digest found;

    FERRY_TRY(hash_inflated(layer, &found, err));
    FERRY_TRY(ferry_source_drain(layer, err));
    ids->found[node->place] = found;
    return 0;
}

/* One diffID of a config against what the layer holds. */
static int check_layer(const struct ferry_diff_ids *ids, const struct ferry_node *layer,
                       const char *text, const struct ferry_diff_faults *faults,
                       struct ferry_err *err)
{
    const char *found = ids->found[layer->place].text;

    if (found[0] == '\0' || (text && strcmp(text, found) == 0))
        return 0;
    ferry_fail(err, FERRY_EDIGEST, "layer %s: inflates to %s, its config says %.150s",
               layer->descriptor.digest.text, found, text ? text : "nothing");
    return faults->tell(faults->ctx, layer, err->msg, err);
}

static int check_config(const struct ferry_diff_ids *ids, const struct ferry_node *manifest,
                        const struct ferry_diff_faults *faults, struct ferry_err *err)
{
    const struct ferry_node *config = manifest->children[0];
    const char *digest = config->descriptor.digest.text;
    FERRY_OWNED_JSON *document = NULL;
    json_t *rootfs = NULL, *diff_ids = NULL;
    int rc = ferry_json_load(config->bytes, (size_t)config->descriptor.size, digest, &document,
                             err);

    if (rc == 0)
        rc = ferry_json_object(document, "rootfs", digest, &rootfs, err);
    if (rc == 0 && rootfs)
        rc = ferry_json_array(rootfs, "diff_ids", digest, &diff_ids, err);
    if (rc == FERRY_EFORMAT || rc == FERRY_ELIMIT)
        return faults->tell(faults->ctx, config, err->msg, err);
    FERRY_TRY(rc);
    if (json_array_size(diff_ids) != manifest->count - 1) {
        ferry_fail(err, FERRY_EDIGEST, "config %s: has %zu diffIDs, its manifest %zu layers",
                   digest, json_array_size(diff_ids), manifest->count - 1);
        return faults->tell(faults->ctx, config, err->msg, err);
    }
    for (size_t i = 1; i < manifest->count; i++)
        if (manifest->as_part[i])
            FERRY_TRY(check_layer(ids, manifest->children[i],
                                  json_string_value(json_array_get(diff_ids, i - 1)), faults, err));
    return 0;
}

/* An artifact may have the config of an image, and layers that are none. */
static bool is_image(const struct ferry_node *manifest)
{
    bool has_files = manifest->count == 1;

    for (size_t i = 1; i < manifest->count; i++)
        has_files = has_files || manifest->as_part[i];
    return has_files && manifest->as_part[0];
}

int ferry_diff_ids_check(const struct ferry_diff_ids *ids, const struct ferry_diff_faults *faults,
                         struct ferry_err *err)
{
    for (size_t i = 0; i < ids->graph->count; i++) {
        const struct ferry_node *node = ids->graph->nodes[i];

        if (node->kind == FERRY_KIND_MANIFEST && node->count > 0 && node->children[0]->bytes &&
            is_image(node))
            FERRY_TRY(check_config(ids, node, faults, err));
    }
    return 0;
}
