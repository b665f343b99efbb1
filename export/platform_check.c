#include "export/platform_check.h"

#include <stdio.h>
#include <string.h>

#include "format/oci/left_out.h"

static bool is_asked_for(const struct ferry_graph *graph, const struct ferry_platform *platform)
{
    for (size_t i = 0; i < graph->selected_count; i++)
        if (ferry_platform_matches(&graph->selected[i], platform))
            return true;
    return false;
}

/* Whether one of these nodes is an index with a child that is asked for, or goes without a
 * platform. */
static bool have_asked_for(const struct ferry_graph *graph, struct ferry_node *const *nodes,
                           size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; nodes[i]->platforms && k < nodes[i]->count; k++)
            if (nodes[i]->children[k]->kind != FERRY_KIND_INDEX &&
                (!nodes[i]->platforms[k].os[0] || is_asked_for(graph, &nodes[i]->platforms[k])))
                return true;
    return false;
}

/* "linux/amd64, linux/arm64" */
static const char *asked_text(const struct ferry_graph *graph, char out[FERRY_LEFT_OUT_TEXT_MAX])
{
    char text[FERRY_PLATFORM_TEXT_MAX];
    size_t len = 0;

    for (size_t i = 0;
         i < graph->selected_count && len + sizeof(text) + 2 < FERRY_LEFT_OUT_TEXT_MAX; i++)
        len += (size_t)snprintf(out + len, FERRY_LEFT_OUT_TEXT_MAX - len, "%s%s", i ? ", " : "",
                                ferry_platform_format(&graph->selected[i], text));
    return out;
}

static int check_index(struct ferry_graph *graph, const struct ferry_image *image,
                       struct ferry_err *err)
{
    FERRY_OWNED_MEM struct ferry_node **nodes = NULL;
    FERRY_OWNED_MEM struct ferry_left_out *left_out = NULL;
    char has[FERRY_LEFT_OUT_TEXT_MAX], wanted[FERRY_LEFT_OUT_TEXT_MAX];
    size_t count;

    FERRY_TRY(ferry_graph_closure(graph, image->root, &nodes, &count, err));
    if (have_asked_for(graph, nodes, count))
        return 0;
    FERRY_TRY(ferry_left_out_list(graph, image->root, &left_out, &count, err));
    if (count == 0) /* what it lists runs nowhere, and is there */
        return 0;
    return ferry_fail(err, FERRY_ENOTFOUND, "%s: has nothing for --platform %s: it has %s",
                      image->name, asked_text(graph, wanted),
                      ferry_left_out_platforms(left_out, count, has));
}

/* What its config says, where it was looked into. */
static void warn_other(const struct ferry_graph *graph, const struct ferry_image *image,
                       struct ferry_progress *progress)
{
    const struct ferry_node *config = image->root->count > 0 ? image->root->children[0] : NULL;
    FERRY_OWNED_JSON *document = NULL;
    struct ferry_platform platform;
    struct ferry_err ignored;
    char text[FERRY_PLATFORM_TEXT_MAX];

    if (!config || !config->bytes ||
        ferry_json_load(config->bytes, (size_t)config->descriptor.size, "config", &document,
                        &ignored) < 0 ||
        ferry_platform_from_json(document, "config", &platform, &ignored) < 0 ||
        ferry_platform_is_unknown(&platform) || is_asked_for(graph, &platform))
        return;
    ferry_progress_warn(progress, "%s: is %s only; taken as it is", image->name,
                        ferry_platform_format(&platform, text));
}

int ferry_platform_check(struct ferry_graph *graph, const struct ferry_failures *failures,
                         struct ferry_err *err)
{
    for (size_t i = 0; graph->selected_count > 0 && i < graph->image_count; i++) {
        const struct ferry_image *image = &graph->images[i];

        if (image->has_subject || image->root->kind != FERRY_KIND_INDEX ||
            image->root->state == FERRY_NODE_BAD || check_index(graph, image, err) == 0)
            continue;
        if (!ferry_failures_permit(failures, err))
            return (int)err->code;
        ferry_node_set_fault(image->root, err);
    }
    return 0;
}

static bool has_platform(struct ferry_node *const *nodes, size_t count,
                         const struct ferry_platform *platform)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; nodes[i]->platforms && k < nodes[i]->count; k++)
            if (ferry_platform_matches(platform, &nodes[i]->platforms[k]))
                return true;
    return false;
}

/* One of several that were asked for. */
static int warn_missing(struct ferry_graph *graph, const struct ferry_image *image,
                        struct ferry_progress *progress, struct ferry_err *err)
{
    FERRY_OWNED_MEM struct ferry_node **nodes = NULL;
    char text[FERRY_PLATFORM_TEXT_MAX];
    size_t count;

    FERRY_TRY(ferry_graph_closure(graph, image->root, &nodes, &count, err));
    for (size_t i = 0; i < graph->selected_count; i++)
        if (!has_platform(nodes, count, &graph->selected[i]))
            ferry_progress_warn(progress, "%s: has nothing for --platform %s", image->name,
                                ferry_platform_format(&graph->selected[i], text));
    return 0;
}

int ferry_platform_warn(struct ferry_graph *graph, struct ferry_progress *progress,
                        struct ferry_err *err)
{
    for (size_t i = 0; graph->selected_count > 0 && i < graph->image_count; i++) {
        const struct ferry_image *image = &graph->images[i];

        if (image->has_subject || image->root->state == FERRY_NODE_BAD)
            continue;
        if (image->root->kind == FERRY_KIND_MANIFEST)
            warn_other(graph, image, progress);
        else if (image->root->kind == FERRY_KIND_INDEX && graph->selected_count > 1)
            FERRY_TRY(warn_missing(graph, image, progress, err));
    }
    return 0;
}
