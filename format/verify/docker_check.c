#include "format/verify/docker_check.h"

#include <string.h>

#include "format/archive/layout.h"

/* An image of index.json. */
struct named {
    const struct ferry_image *image;
    bool is_met;  /* an item has its name, */
    bool is_told; /*   and something is wrong with that */
};

struct check {
    struct ferry_graph *graph;
    const struct ferry_docker_faults *faults;
    struct named *names; /* by name */
};

static int compare_names(const void *a, const void *b)
{
    return ferry_reference_compare_name(&((const struct named *)a)->image->ref,
                                        &((const struct named *)b)->image->ref);
}

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

/* An image of that name; NULL when index.json has none. */
static struct named *find_name(const struct check *c, const char *text)
{
    struct ferry_image image;
    struct ferry_err ignored;

    if (ferry_reference_parse(text, &image.ref, &ignored) < 0 || !image.ref.tag[0])
        return NULL;
    return bsearch(&(struct named){ .image = &image }, c->names, c->graph->image_count,
                   sizeof(*c->names), compare_names);
}

/* Another tool's index.json may give one name to several. */
static int find_among(const struct check *c, struct named *named, const json_t *item, bool *found,
                      struct ferry_err *err)
{
    const struct named *end = c->names + c->graph->image_count;
    struct named *first = named;

    while (first > c->names && compare_names(first - 1, named) == 0)
        first--;
    for (named = first; named < end && compare_names(named, first) == 0; named++) {
        named->is_met = true;
        if (!*found)
            FERRY_TRY(find_manifest(c, named->image, item, found, err));
    }
    return 0;
}

static int check_name(const struct check *c, const json_t *item, const char *text,
                      struct ferry_err *err)
{
    struct named *named = find_name(c, text);
    bool found = false;

    if (!named)
        return c->graph->is_ours ? tell(c, text, "is a name that index.json has not", err) : 0;
    if (named->is_told)
        return 0;
    if (named->is_met) {
        named->is_told = true;
        return tell(c, text, "stands there twice: docker load would take the last", err);
    }
    FERRY_TRY(find_among(c, named, item, &found, err));
    if (found)
        return 0;
    named->is_told = true;
    return tell(c, text,
                "stands for a config or layers there that are not those of that image: docker load "
                "would load something else than index.json says",
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
    FERRY_OWNED_MEM struct named *names = calloc(graph->image_count + 1, sizeof(*names));
    const struct check c = { .graph = graph, .faults = faults, .names = names };
    FERRY_OWNED_JSON *items = NULL;
    int rc;

    if (!names)
        return ferry_fail_memory(err);
    rc = ferry_json_load_array(text->data, text->len, FERRY_DOCKER_NAME, &items, err);
    if (rc == FERRY_EFORMAT || rc == FERRY_ELIMIT)
        return graph->is_ours ? faults->tell(faults->ctx, err->msg, err) : 0;
    FERRY_TRY(rc);
    for (size_t i = 0; i < graph->image_count; i++)
        names[i].image = &graph->images[i];
    qsort(names, graph->image_count, sizeof(*names), compare_names);
    for (size_t i = 0; i < json_array_size(items); i++)
        FERRY_TRY(check_item(&c, json_array_get(items, i), err));
    return 0;
}
