#include "export/export_warn.h"

#include "format/core/size.h"

void ferry_export_warn_options(const struct export_opts *opts, struct ferry_progress *progress)
{
    if (opts->insecure.count > 0)
        ferry_progress_warn(progress,
                            "--insecure: certificates are not checked; whoever is in between may "
                            "read credentials and change images that are named by tag");
    for (size_t i = 0; i < opts->selections.doubt_count; i++)
        ferry_progress_warn(progress, "%s", opts->selections.doubts[i]);
}

/* What belongs to the images and is not taken. */
static void warn_referrers(const struct ferry_resolve_notes *notes, struct ferry_progress *progress)
{
    if (notes->not_counted.code != FERRY_OK)
        ferry_progress_warn(progress,
                            "referrers are left behind, as --no-referrers asks; how many is not "
                            "known: %s",
                            notes->not_counted.msg);
    else if (notes->referrers_left_out > 0)
        ferry_progress_warn(progress,
                            "%zu referrer%s (signatures, attestations, SBOMs and the like), and "
                            "what belongs to them, are left behind, as --no-referrers asks",
                            notes->referrers_left_out, ferry_plural(notes->referrers_left_out));
    if (notes->referrers_gone > 0)
        ferry_progress_warn(progress,
                            "%zu referrer%s cannot be taken: the registry lists them, and does not "
                            "have them (%s)",
                            notes->referrers_gone, ferry_plural(notes->referrers_gone),
                            notes->gone);
}

/* Documents that were taken without a look into them. */
static void warn_unknown(const struct ferry_graph *graph, struct ferry_progress *progress)
{
    for (size_t i = 0; i < graph->count; i++) {
        const struct ferry_node *node = graph->nodes[i];

        if (node->is_manifest && node->kind == FERRY_KIND_BLOB && node->state == FERRY_NODE_GOOD)
            ferry_progress_warn(progress,
                                "%s: manifest %s is of type %.100s, which is not known here: it is "
                                "taken, and nothing that it may list",
                                graph->images[node->first_image].name, node->descriptor.digest.text,
                                node->descriptor.media_type);
    }
}

/* What one image lacks, if anything. */
static int warn_image(struct ferry_graph *graph, const struct ferry_image *image,
                      struct ferry_progress *progress, struct ferry_err *err)
{
    FERRY_OWNED_MEM struct ferry_node **nodes = NULL;
    char size[FERRY_SIZE_TEXT_MAX];
    size_t count, foreign = 0;
    int64_t bytes = 0;

    FERRY_TRY(ferry_graph_closure(graph, image->root, &nodes, &count, err));
    for (size_t i = 0; i < count; i++) {
        if (!ferry_node_is_elsewhere(nodes[i]))
            continue;
        foreign++;
        bytes += nodes[i]->descriptor.size;
    }
    if (foreign > 0)
        ferry_progress_warn(progress,
                            "%s: %zu foreign layer%s, %s, left out: whoever pulls the image has to "
                            "reach the URLs in its manifest; --foreign-layers takes them along",
                            image->name, foreign, ferry_plural(foreign),
                            ferry_size_format(bytes, size));
    return 0;
}

static int warn_left_out(struct ferry_graph *graph, const struct ferry_pull_plan *plan,
                         struct ferry_progress *progress, struct ferry_err *err)
{
    for (size_t i = 0; plan->foreign > 0 && i < graph->image_count; i++)
        FERRY_TRY(warn_image(graph, &graph->images[i], progress, err));
    if (plan->docker_left_out > 0)
        ferry_progress_warn(progress,
                            "manifest.json is full: docker load and podman load will not see %zu "
                            "of the images (everything else does)",
                            plan->docker_left_out);
    return 0;
}

int ferry_export_warn_plan(struct ferry_graph *graph, const struct ferry_pull_plan *plan,
                           const struct ferry_resolve_notes *notes, struct ferry_progress *progress,
                           struct ferry_err *err)
{
    warn_referrers(notes, progress);
    warn_unknown(graph, progress);
    return warn_left_out(graph, plan, progress, err);
}
