#include "import/trim.h"

#include "format/oci/json.h"

enum form { FORM_UNKNOWN, FORM_SAME, FORM_TRIMMED, FORM_GONE };

struct ferry_trims {
    const struct ferry_graph *graph;
    enum form *forms;          /* by node->place */
    struct ferry_node **nodes; /* by node->place; of TRIMMED ones */
};

static void node_free(struct ferry_node *node)
{
    if (!node)
        return;
    ferry_descriptor_release(&node->descriptor);
    free(node->bytes);
    free(node);
}

void ferry_trims_free(struct ferry_trims *trims)
{
    if (!trims)
        return;
    for (size_t i = 0; trims->nodes && i < trims->graph->count; i++)
        node_free(trims->nodes[i]);
    free(trims->nodes);
    free(trims->forms);
    free(trims);
}

const struct ferry_node *ferry_trims_of(const struct ferry_trims *trims,
                                        const struct ferry_node *node)
{
    switch (trims->forms[node->place]) {
    case FORM_TRIMMED:
        return trims->nodes[node->place];
    case FORM_GONE:
        return NULL;
    case FORM_UNKNOWN: /* no image reaches it */
    case FORM_SAME:
        break;
    }
    return node;
}

/* What a descriptor of an index says of a child that is trimmed. */
static int redirect(json_t *descriptor, const struct ferry_node *child, struct ferry_err *err)
{
    const struct ferry_descriptor *d = &child->descriptor;

    json_object_del(descriptor, "data"); /* the bytes of the old one, where an index embeds them */
    if (json_object_set_new(descriptor, "digest", json_string(d->digest.text)) < 0 ||
        json_object_set_new(descriptor, "size", json_integer(d->size)) < 0)
        return ferry_fail_memory(err);
    return 0;
}

/* Takes out of `list` what is not there. */
static int trim_list(const struct ferry_trims *trims, const struct ferry_node *index, json_t *list,
                     struct ferry_err *err)
{
    size_t at = 0;

    for (size_t i = 0; i < index->count; i++) {
        const struct ferry_node *child = ferry_trims_of(trims, index->children[i]);

        if (!child) {
            json_array_remove(list, at);
            continue;
        }
        if (child != index->children[i])
            FERRY_TRY(redirect(json_array_get(list, at), child, err));
        at++;
    }
    return 0;
}

static int add_node(struct ferry_trims *trims, const struct ferry_node *index,
                    struct ferry_buf *bytes, struct ferry_err *err)
{
    struct ferry_node *node = calloc(1, sizeof(*node));
    struct ferry_digest digest;

    if (!node)
        return ferry_fail_memory(err);
    trims->nodes[index->place] = node;
    FERRY_TRY(
        ferry_digest_of(index->descriptor.digest.algorithm, bytes->data, bytes->len, &digest, err));
    FERRY_TRY(ferry_descriptor_init(&node->descriptor, index->descriptor.media_type, &digest,
                                    (int64_t)bytes->len, err));
    node->kind = index->kind;
    node->is_manifest = true;
    node->bytes = ferry_steal(&bytes->data);
    return 0;
}

static int trim(struct ferry_trims *trims, const struct ferry_node *index, struct ferry_err *err)
{
    const char *what = index->descriptor.digest.text;
    FERRY_OWNED_JSON *document = NULL;
    FERRY_OWNED_BUF bytes;
    json_t *list;

    ferry_buf_init(&bytes, (size_t)FERRY_MANIFEST_MAX);
    FERRY_TRY(ferry_json_load(index->bytes, (size_t)index->descriptor.size, what, &document, err));
    FERRY_TRY(ferry_json_array(document, "manifests", what, &list, err));
    FERRY_TRY(trim_list(trims, index, list, err));
    if (json_array_size(list) == 0) {
        trims->forms[index->place] = FORM_GONE;
        return 0;
    }
    FERRY_TRY(ferry_json_dump(document, &bytes, err));
    FERRY_TRY(add_node(trims, index, &bytes, err));
    trims->forms[index->place] = FORM_TRIMMED;
    return 0;
}

/* Its children have their forms already. */
static int shape(struct ferry_trims *trims, const struct ferry_node *node, struct ferry_err *err)
{
    bool is_whole = true;

    if (trims->forms[node->place] != FORM_UNKNOWN)
        return 0;
    trims->forms[node->place] = node->is_manifest && node->state == FERRY_NODE_LEFT_OUT ? FORM_GONE
                                                                                        : FORM_SAME;
    for (size_t i = 0; node->platforms && i < node->count; i++)
        is_whole = is_whole && ferry_trims_of(trims, node->children[i]) == node->children[i];
    return is_whole || node->state != FERRY_NODE_GOOD ? 0 : trim(trims, node, err);
}

static int shape_all(struct ferry_trims *trims, struct ferry_graph *graph, struct ferry_node *root,
                     struct ferry_err *err)
{
    FERRY_OWNED_MEM struct ferry_node **nodes = NULL;
    size_t count;

    if (trims->forms[root->place] != FORM_UNKNOWN)
        return 0;
    FERRY_TRY(ferry_graph_closure(graph, root, &nodes, &count, err));
    for (size_t i = 0; i < count; i++)
        FERRY_TRY(shape(trims, nodes[i], err));
    return 0;
}

int ferry_trims_new(struct ferry_graph *graph, struct ferry_trims **out, struct ferry_err *err)
{
    FERRY_OWNED(ferry_trims) trims = calloc(1, sizeof(*trims));

    if (!trims)
        return ferry_fail_memory(err);
    trims->graph = graph;
    trims->forms = calloc(graph->count + 1, sizeof(*trims->forms));
    trims->nodes = calloc(graph->count + 1, sizeof(struct ferry_node *));
    if (!trims->forms || !trims->nodes)
        return ferry_fail_memory(err);
    for (size_t i = 0; i < graph->image_count; i++)
        FERRY_TRY(shape_all(trims, graph, graph->images[i].root, err));
    *out = ferry_steal(&trims);
    return 0;
}
