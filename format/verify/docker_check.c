#include "format/verify/docker_check.h"

#include <string.h>

#include "format/archive/layout.h"

struct check {
    struct ferry_graph *graph;
    const struct ferry_docker_faults *faults;
};

/* What is wrong with one name of an item, or with an item. */
static int tell(const struct check *c, const char *name, const char *what, struct ferry_err *err)
{
    FERRY_OWNED_MEM char *text = NULL;

    FERRY_TRY(
        ferry_text(&text, err, FERRY_DOCKER_NAME ": %.300s%s%s", name, *name ? " " : "", what));
    ferry_text_clean(text);
    return c->faults->tell(c->faults->ctx, text, err);
}

static bool names_blob(const json_t *entry, const struct ferry_node *node)
{
    char name[FERRY_BLOB_NAME_MAX];

    ferry_layout_blob_name(&node->descriptor.digest, name);
    return json_is_string(entry) && strcmp(json_string_value(entry), name) == 0 &&
           !ferry_node_is_left(node);
}

/* Whether the item is what this image manifest lists. */
static bool is_made_of(const json_t *item, const struct ferry_node *manifest)
{
    const json_t *layers = json_object_get(item, "Layers");

    if (manifest->kind != FERRY_KIND_MANIFEST || manifest->count == 0 ||
        json_array_size(layers) != manifest->count - 1 ||
        !names_blob(json_object_get(item, "Config"), manifest->children[0]))
        return false;
    for (size_t i = 1; i < manifest->count; i++)
        if (!names_blob(json_array_get(layers, i - 1), manifest->children[i]))
            return false;
    return true;
}

/* What a document lists that is missing or wrong cannot be told, and it is a fault already. */
static bool is_unknown(const struct ferry_node *node)
{
    return node->is_manifest && (node->state == FERRY_NODE_WANTED || node->state == FERRY_NODE_BAD);
}

static int find_manifest(const struct check *c, const struct ferry_image *image, const json_t *item,
                         bool *found, struct ferry_err *err)
{
    FERRY_OWNED_MEM struct ferry_node **nodes = NULL;
    size_t count;

    FERRY_TRY(ferry_graph_closure(c->graph, image->root, &nodes, &count, err));
    for (size_t i = 0; i < count && !*found; i++)
        *found = is_unknown(nodes[i]) || is_made_of(item, nodes[i]);
    return 0;
}

/* Other tools may name files of their own; then there is nothing to compare. */
static bool is_comparable(const struct check *c, const json_t *item)
{
    const char *config = json_string_value(json_object_get(item, "Config"));
    enum ferry_entry_kind kind;
    struct ferry_digest digest;
    struct ferry_err ignored;

    return c->graph->is_ours ||
           (config && ferry_layout_classify(config, &kind, &digest, &ignored) == 0 &&
            kind == FERRY_ENTRY_BLOB);
}

static int check_name(const struct check *c, const json_t *item, const char *text,
                      struct ferry_err *err)
{
    bool is_known = false, found = false;
    struct ferry_reference name;
    struct ferry_err ignored;
    int rc = ferry_reference_parse(text, &name, &ignored);

    for (size_t i = 0; rc == 0 && i < c->graph->image_count && !found; i++) {
        if (ferry_reference_compare_name(&c->graph->images[i].ref, &name) != 0)
            continue;
        is_known = true;
        FERRY_TRY(find_manifest(c, &c->graph->images[i], item, &found, err));
    }
    if (found || (!is_known && !c->graph->is_ours))
        return 0;
    return tell(c, text,
                is_known ? "stands for a config or layers there that are not those of that image: "
                           "docker load would load something else than index.json says"
                         : "is a name that index.json has not",
                err);
}

static int check_item(const struct check *c, const json_t *item, struct ferry_err *err)
{
    const json_t *names = json_object_get(item, "RepoTags");

    if (!is_comparable(c, item))
        return 0;
    if (c->graph->is_ours && json_array_size(names) == 0)
        return tell(c, "", "has an item without a name", err);
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *text = json_string_value(json_array_get(names, i));

        FERRY_TRY(check_name(c, item, text ? text : "", err));
    }
    return 0;
}

int ferry_docker_check(struct ferry_graph *graph, const struct ferry_buf *text,
                       const struct ferry_docker_faults *faults, struct ferry_err *err)
{
    const struct check c = { .graph = graph, .faults = faults };
    FERRY_OWNED_JSON *items = NULL;
    int rc = ferry_json_load_array(text->data, text->len, FERRY_DOCKER_NAME, &items, err);

    if (rc == FERRY_EFORMAT || rc == FERRY_ELIMIT)
        return graph->is_ours ? faults->tell(faults->ctx, err->msg, err) : 0;
    FERRY_TRY(rc);
    for (size_t i = 0; i < json_array_size(items); i++)
        FERRY_TRY(check_item(&c, json_array_get(items, i), err));
    return 0;
}
