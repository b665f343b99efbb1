#include "export/failures.h"

#include <string.h>

void ferry_failures_release(struct ferry_failures *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].name);
        free(list->items[i].why);
    }
    free(list->items);
    *list = (struct ferry_failures){ 0 };
}

bool ferry_failures_permit(const struct ferry_failures *list, const struct ferry_err *err)
{
    switch (err->code) {
    case FERRY_OK:
    case FERRY_ENOMEM:
    case FERRY_EUSAGE:
    case FERRY_EIO:
    case FERRY_ECANCEL:
    case FERRY_EUNTRUSTED:
        return false;
    case FERRY_ENET:
    case FERRY_EAUTH:
    case FERRY_ENOTFOUND:
    case FERRY_EDIGEST:
    case FERRY_EFORMAT:
    case FERRY_ELIMIT:
    case FERRY_EREFUSED:
    case FERRY_ESTALL:
    case FERRY_EPROTOCOL:
    case FERRY_EUNFIT:
        break;
    }
    return list->keep_going;
}

int ferry_failures_add(struct ferry_failures *list, const char *name, struct ferry_err *err)
{
    struct ferry_err shortage;
    struct ferry_failure *item;

    if (!ferry_failures_permit(list, err))
        return (int)err->code;
    if (ferry_grow((void **)&list->items, list->count, &list->room, sizeof(*list->items),
                   &shortage) < 0)
        return ferry_fail_memory(err);
    item = &list->items[list->count++];
    *item = (struct ferry_failure){ .name = strdup(name),
                                    .why = strdup(err->msg),
                                    .code = err->code };
    if (!item->name || !item->why)
        return ferry_fail_memory(err);
    ferry_progress_error(list->progress, "left out: %s", err->msg);
    return 0;
}

/* --- which references a BAD node spoils ------------------------------------------------------- */

bool ferry_failures_any_bad(const struct ferry_graph *graph)
{
    for (size_t i = 0; i < graph->count; i++)
        if (graph->nodes[i]->state == FERRY_NODE_BAD)
            return true;
    return false;
}

/* The first BAD node that an image reaches; NULL when it is whole. */
static int find_bad(struct ferry_graph *graph, const struct ferry_image *image,
                    const struct ferry_node **out, struct ferry_err *err)
{
    FERRY_OWNED_MEM struct ferry_node **nodes = NULL;
    size_t count;

    FERRY_TRY(ferry_graph_closure(graph, image->root, &nodes, &count, err));
    *out = NULL;
    for (size_t i = 0; i < count && !*out; i++)
        if (nodes[i]->state == FERRY_NODE_BAD)
            *out = nodes[i];
    return 0;
}

static void tell_fault(const struct ferry_node *bad, const char *name, struct ferry_err *err)
{
    const char *fault = bad->fault ? bad->fault : "out of memory";
    bool is_named = strstr(fault, name) != NULL;

    ferry_fail(err, bad->fault_code, "%s%s%s", is_named ? "" : name, is_named ? "" : ": ", fault);
}

/* An image without its signature is not what was asked for: what belongs to a manifest and cannot
 * be had spoils that, and so on. */
static int spoil_subjects(struct ferry_graph *graph, struct ferry_err *err)
{
    bool spread = true;

    while (spread) {
        spread = false;
        for (size_t i = 0; i < graph->image_count; i++) {
            const struct ferry_image *image = &graph->images[i];
            struct ferry_node *subject = image->has_subject
                                             ? ferry_graph_find(graph, &image->subject)
                                             : NULL;
            const struct ferry_node *bad;
            struct ferry_err why;

            if (!subject || subject->state == FERRY_NODE_BAD)
                continue;
            FERRY_TRY(find_bad(graph, image, &bad, err));
            if (!bad)
                continue;
            tell_fault(bad, image->name, &why);
            ferry_node_set_fault(subject, &why);
            spread = true;
        }
    }
    return 0;
}

/* Whether a reference stays; a BAD node that it reaches is taken note of. */
static int judge(struct ferry_failures *list, struct ferry_graph *graph,
                 const struct ferry_image *image, bool *stays, struct ferry_err *err)
{
    const struct ferry_node *bad;

    FERRY_TRY(find_bad(graph, image, &bad, err));
    *stays = !bad;
    if (!bad)
        return 0;
    tell_fault(bad, image->name, err);
    return ferry_failures_add(list, image->name, err);
}

int ferry_failures_drop(struct ferry_failures *list, struct ferry_graph *graph,
                        struct ferry_reference *refs, size_t *count, bool *has_bad,
                        struct ferry_err *err)
{
    size_t kept = 0, image = 0;

    *has_bad = ferry_failures_any_bad(graph);
    if (*has_bad)
        FERRY_TRY(spoil_subjects(graph, err));
    for (size_t i = 0; i < *count; i++) { /* images are in the order of their references */
        bool stays = true;

        if (image == graph->image_count ||
            ferry_reference_compare(&graph->images[image].ref, &refs[i]) != 0)
            continue;
        if (*has_bad)
            FERRY_TRY(judge(list, graph, &graph->images[image], &stays, err));
        image++;
        if (stays)
            refs[kept++] = refs[i];
    }
    *count = kept;
    if (kept > 0)
        return 0;
    return ferry_fail(err, list->items[0].code, "nothing is left to export: %s",
                      list->items[0].why);
}
