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

        if (child->kind != FERRY_KIND_MANIFEST || child->state == FERRY_NODE_LEFT_OUT ||
            strcmp(root->platforms[i].os, "linux") != 0)
            continue;
        if (strcmp(root->platforms[i].architecture, "amd64") == 0)
            return child;
        if (!first)
            first = child;
    }
    return first;
}

/* Whether the loaders would take an image of that config and so many layers. What the config says
 * wrong is a reason against, and no failure. */
static int check_config(const struct ferry_node *node, size_t layers, bool *good,
                        struct ferry_err *err)
{
    struct ferry_platform platform;
    FERRY_OWNED_JSON *config = NULL;
    json_t *rootfs, *diff_ids;
    int rc = ferry_json_load(node->bytes, (size_t)node->descriptor.size, "config", &config, err);

    *good = false;
    if (rc == FERRY_ENOMEM)
        return rc;
    if (rc < 0 || ferry_platform_from_json(config, "config", &platform, err) < 0 ||
        ferry_json_object(config, "rootfs", "config", &rootfs, err) < 0 || !rootfs ||
        ferry_json_array(rootfs, "diff_ids", "config", &diff_ids, err) < 0)
        return 0;
    *good = strcmp(platform.os, "linux") == 0 && json_array_size(diff_ids) == layers;
    return 0;
}

/* Whether the loaders would take the image manifest `node`. */
static int check_loadable(const struct ferry_node *node, bool *good, struct ferry_err *err)
{
    const struct ferry_node *config = node->count > 1 ? node->children[0] : NULL;

    *good = false;
    if (!config || !config->bytes || !node->as_part[0])
        return 0;
    for (size_t i = 1; i < node->count; i++)
        if (!node->as_part[i] || ferry_node_is_left(node->children[i]))
            return 0;
    return check_config(config, node->count - 1, good, err);
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

/* Appends an item and what stands before it, or nothing. */
static int add_item(const struct ferry_image *image, const struct ferry_node *manifest,
                    struct ferry_buf *text, struct ferry_err *err)
{
    FERRY_OWNED_JSON *item = format_item(image, manifest);
    size_t before = text->len;
    int rc = ferry_buf_append(text, before > 0 ? "," : "[", 1, err);

    if (rc == 0)
        rc = ferry_json_dump(item, text, err);
    if (rc < 0)
        text->len = before;
    return rc;
}

int ferry_docker_manifest_format(const struct ferry_graph *graph, struct ferry_buf *out,
                                 size_t *count, size_t *left_out, struct ferry_err *err)
{
    FERRY_OWNED_BUF text;

    *count = *left_out = 0;
    ferry_buf_init(&text, FERRY_DOCKER_MANIFEST_MAX - 1); /* room for the closing bracket */
    for (size_t i = 0; i < graph->image_count; i++) {
        const struct ferry_image *image = &graph->images[i];
        const struct ferry_node *manifest = ferry_docker_candidate(image->root);
        bool good;
        int rc;

        if (!manifest || !image->ref.tag[0] || !image->ref.repository[0])
            continue;
        FERRY_TRY(check_loadable(manifest, &good, err));
        if (!good)
            continue;
        rc = add_item(image, manifest, &text, err);
        if (rc < 0 && rc != FERRY_ELIMIT)
            return rc;
        *count += rc == 0;
        *left_out += rc < 0;
    }
    if (*count == 0)
        return 0;
    FERRY_TRY(ferry_buf_append(out, text.data, text.len, err));
    return ferry_buf_append(out, "]", 1, err);
}
