#include "format/oci/left_out.h"

#include <stdio.h>
#include <string.h>

/* A walk over indexes: each node comes into the queue once. What it costs does not depend on what
 * else is in the graph: what was met is marked in the nodes, and no longer when the walk is over.
 */
struct walk {
    struct ferry_node **queue;
    size_t queued, queue_room;
    struct ferry_left_out *list;
    size_t count, room;
};

#define MET SIZE_MAX

static int add(struct walk *w, struct ferry_node *node, struct ferry_err *err)
{
    if (node->mark == MET)
        return 0;
    FERRY_TRY(ferry_grow((void **)&w->queue, w->queued, &w->queue_room, sizeof(*w->queue), err));
    w->queue[w->queued++] = node;
    node->mark = MET;
    return 0;
}

static int visit(struct walk *w, const struct ferry_node *index, struct ferry_err *err)
{
    for (size_t i = 0; i < index->count; i++) {
        struct ferry_node *child = index->children[i];
        bool is_new = child->mark != MET;

        FERRY_TRY(add(w, child, err));
        if (!is_new || child->state != FERRY_NODE_LEFT_OUT)
            continue;
        FERRY_TRY(ferry_grow((void **)&w->list, w->count, &w->room, sizeof(*w->list), err));
        w->list[w->count++] = (struct ferry_left_out){ child, &index->platforms[i] };
    }
    return 0;
}

static int walk(const struct ferry_graph *graph, const struct ferry_node *root, struct walk *w,
                struct ferry_err *err)
{
    if (root)
        FERRY_TRY(add(w, graph->nodes[root->place], err));
    for (size_t i = 0; !root && i < graph->image_count; i++)
        FERRY_TRY(add(w, graph->images[i].root, err));
    for (size_t i = 0; i < w->queued; i++)
        if (w->queue[i]->platforms) /* an index */
            FERRY_TRY(visit(w, w->queue[i], err));
    return 0;
}

int ferry_left_out_list(const struct ferry_graph *graph, const struct ferry_node *root,
                        struct ferry_left_out **out, size_t *count, struct ferry_err *err)
{
    struct walk w = { 0 };
    int rc = walk(graph, root, &w, err);

    for (size_t i = 0; i < w.queued; i++)
        w.queue[i]->mark = 0;
    free(w.queue);
    if (rc < 0) {
        free(w.list);
        return rc;
    }
    *out = w.list;
    *count = w.count;
    return 0;
}

int ferry_left_out_json(const struct ferry_graph *graph, const struct ferry_node *root,
                        json_t **out, struct ferry_err *err)
{
    FERRY_OWNED_MEM struct ferry_left_out *list = NULL;
    FERRY_OWNED_JSON *array = json_array();
    char platform[FERRY_PLATFORM_TEXT_MAX];
    size_t count;

    FERRY_TRY(ferry_left_out_list(graph, root, &list, &count, err));
    for (size_t i = 0; i < count; i++)
        if (json_array_append_new(array,
                                  json_pack("{s:s, s:s}", "digest",
                                            list[i].node->descriptor.digest.text, "platform",
                                            ferry_platform_format(list[i].platform, platform))) < 0)
            return ferry_fail_memory(err);
    *out = ferry_steal(&array);
    return 0;
}

/* Those that a text names: no more than it has bytes, however long the list is. */
struct said {
    const struct ferry_platform *platforms[FERRY_LEFT_OUT_TEXT_MAX];
    size_t count;
};

static bool was_said(const struct said *said, const struct ferry_platform *platform)
{
    for (size_t i = 0; i < said->count; i++)
        if (memcmp(said->platforms[i], platform, sizeof(*platform)) == 0)
            return true;
    return false;
}

const char *ferry_left_out_platforms(const struct ferry_left_out *list, size_t count,
                                     char out[FERRY_LEFT_OUT_TEXT_MAX])
{
    char text[FERRY_PLATFORM_TEXT_MAX];
    struct said said = { .count = 0 };
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        if (ferry_platform_is_unknown(list[i].platform) || was_said(&said, list[i].platform))
            continue;
        if (len + FERRY_PLATFORM_TEXT_MAX + sizeof(", ...") > FERRY_LEFT_OUT_TEXT_MAX) {
            snprintf(out + len, FERRY_LEFT_OUT_TEXT_MAX - len, ", ...");
            break;
        }
        len += (size_t)snprintf(out + len, FERRY_LEFT_OUT_TEXT_MAX - len, "%s%s", len ? ", " : "",
                                ferry_platform_format(list[i].platform, text));
        said.platforms[said.count++] = list[i].platform;
    }
    return out;
}
