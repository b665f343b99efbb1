#include "format/archive/docker_manifest.h"

#include <string.h>

#include "format/archive/layout.h"

struct ferry_node *ferry_docker_candidate(const struct ferry_node *root)
{
    struct ferry_node *first = NULL;

    if (root->kind == FERRY_KIND_MANIFEST)
        return (struct ferry_node *)root;
    if (root->kind != FERRY_KIND_INDEX)
        return NULL;
    for (size_t i = 0; i < root->count; i++) {
        struct ferry_node *child = root->children[i];

        if (child->kind != FERRY_KIND_MANIFEST || strcmp(root->platforms[i].os, "linux") != 0)
            continue;
        if (strcmp(root->platforms[i].architecture, "amd64") == 0)
            return child;
        if (!first)
            first = child;
    }
    return first;
}

/* Whether the loaders would take the image manifest `node`. */
static bool loadable(const struct ferry_node *node)
{
    struct ferry_platform platform;
    struct ferry_err ignored;
    FERRY_OWNED_JSON *config = NULL;
    json_t *rootfs, *diff_ids;
    const struct ferry_node *config_node = node->count > 1 ? node->children[0] : NULL;

    if (!config_node || !config_node->bytes ||
        !ferry_media_type_is_image_config(config_node->descriptor.media_type))
        return false;
    for (size_t i = 1; i < node->count; i++)
        if (!ferry_media_type_is_layer(node->children[i]->descriptor.media_type) ||
            node->children[i]->state == FERRY_NODE_LEFT_OUT)
            return false;
    if (ferry_json_load(config_node->bytes, (size_t)config_node->descriptor.size, "config", &config,
                        &ignored) < 0 ||
        ferry_platform_from_json(config, "config", &platform, &ignored) < 0 ||
        ferry_json_object(config, "rootfs", "config", &rootfs, &ignored) < 0 || !rootfs ||
        ferry_json_array(rootfs, "diff_ids", "config", &diff_ids, &ignored) < 0)
        return false;
    return strcmp(platform.os, "linux") == 0 && json_array_size(diff_ids) == node->count - 1;
}

/* NULL for want of memory. */
static json_t *format_layers(const struct ferry_node *manifest)
{
    FERRY_OWNED_JSON *layers = json_array();
    char path[FERRY_BLOB_NAME_MAX];

    for (size_t i = 1; i < manifest->count; i++) {
        ferry_layout_blob_name(&manifest->children[i]->descriptor.digest, path);
        if (json_array_append_new(layers, json_string(path)) < 0)
            return NULL;
    }
    return ferry_steal(&layers);
}

static json_t *format_item(const struct ferry_image *image, const struct ferry_node *manifest)
{
    char name[FERRY_REFERENCE_TEXT_MAX], path[FERRY_BLOB_NAME_MAX];
    struct ferry_reference ref = image->ref;
    FERRY_OWNED_JSON *layers = format_layers(manifest);

    if (!layers)
        return NULL;
    ref.has_digest = false;
    ferry_reference_format(&ref, name);
    ferry_layout_blob_name(&manifest->children[0]->descriptor.digest, path);
    return json_pack("{s:s, s:[s], s:O}", "Config", path, "RepoTags", name, "Layers", layers);
}

int ferry_docker_manifest_format(const struct ferry_graph *graph, struct ferry_buf *out,
                                 size_t *count, size_t *left_out, struct ferry_err *err)
{
    FERRY_OWNED_BUF text;
    struct ferry_err full;

    *count = *left_out = 0;
    ferry_buf_init(&text, FERRY_DOCKER_MANIFEST_MAX - 1); /* room for the closing bracket */
    for (size_t i = 0; i < graph->image_count; i++) {
        const struct ferry_image *image = &graph->images[i];
        const struct ferry_node *manifest = ferry_docker_candidate(image->root);
        FERRY_OWNED_JSON *item = NULL;
        FERRY_OWNED_MEM char *json = NULL;

        if (!manifest || !loadable(manifest) || !image->ref.tag[0] || !image->ref.repository[0])
            continue;
        item = format_item(image, manifest);
        json = item ? json_dumps(item, JSON_COMPACT) : NULL;
        if (!json)
            return ferry_fail_memory(err);
        if (ferry_buf_print(&text, &full, "%c%s", *count ? ',' : '[', json) < 0) {
            if (full.code != FERRY_ELIMIT)
                return ferry_fail_memory(err);
            ++*left_out;
            continue;
        }
        ++*count;
    }
    if (*count == 0)
        return 0;
    FERRY_TRY(ferry_buf_append(out, text.data, text.len, err));
    return ferry_buf_append(out, "]", 1, err);
}
