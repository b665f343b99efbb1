#include "import/base_layers.h"

#include <string.h>

#include "format/core/size.h"
#include "format/run/pool.h"
#include "import/push.h"

struct find {
    const struct import_opts *opts;
    const struct ferry_move *move;
    struct ferry_node **nodes; /* that no repository of the plan has, and some lack */
    size_t count;
    bool *missing; /* by node->place: nor has any other */
};

static bool is_to_be_found(const struct ferry_push_plan *plan, const struct ferry_node *node)
{
    size_t count;
    const struct ferry_placement *placements = ferry_push_plan_placements(plan, node, &count);
    bool is_lacking = false;

    for (size_t i = 0; i < count; i++) {
        if (ferry_placement_is_there(&placements[i]))
            return false;
        is_lacking = is_lacking || placements[i].state == FERRY_PLACEMENT_ABSENT;
    }
    return is_lacking && node->state == FERRY_NODE_IN_BASE;
}

static int list_nodes(struct find *f, struct ferry_err *err)
{
    const struct ferry_push_plan *plan = f->move->plan;

    f->nodes = calloc(plan->graph->count + 1, sizeof(struct ferry_node *));
    f->missing = calloc(plan->graph->count + 1, sizeof(*f->missing));
    if (!f->nodes || !f->missing)
        return ferry_fail_memory(err);
    for (size_t i = 0; i < plan->graph->count; i++)
        if (is_to_be_found(plan, plan->graph->nodes[i]))
            f->nodes[f->count++] = plan->graph->nodes[i];
    return 0;
}

/* Whether the repository was asked for it already. */
static bool is_asked(const struct ferry_push_plan *plan, const struct ferry_node *node,
                     const char *repository)
{
    size_t count;
    const struct ferry_placement *placements = ferry_push_plan_placements(plan, node, &count);

    for (size_t i = 0; i < count; i++)
        if (strcmp(plan->repositories[placements[i].repository], repository) == 0)
            return true;
    return false;
}

/* Of a repository that need not even be there, a refusal says no more than that it cannot help. */
static int ask(void *ctx, size_t index, struct ferry_err *err)
{
    const struct find *f = ctx;
    const struct ferry_node *node = f->nodes[index];
    char repository[FERRY_REPOSITORY_MAX];
    const struct ferry_push there = { .session = f->move->session,
                                      .registry = f->move->registry,
                                      .repository = repository,
                                      .reads_only = true };
    bool has = false;
    int rc;

    if (!ferry_name_map_repository(f->opts, node->base_repository, repository) ||
        is_asked(f->move->plan, node, repository))
        return 0;
    rc = ferry_push_has_blob(&there, &node->descriptor.digest, node->descriptor.size, &has, err);
    if (rc < 0 && ferry_push_is_over(rc))
        return ferry_wrap(err, "%s/%s: blob %s", there.registry, repository,
                          node->descriptor.digest.text);
    if (rc < 0 || !has)
        return 0;
    return ferry_text(&f->move->plan->elsewhere[node->place], err, "%s", repository);
}

/* --- what is missing -------------------------------------------------------------------------- */

/* What one image lacks. */
struct lack {
    size_t count;
    int64_t bytes;
};

static int find_lack(const struct find *f, const struct ferry_target *target, struct lack *lack,
                     struct ferry_err *err)
{
    const struct ferry_push_plan *plan = f->move->plan;
    size_t repository = ferry_push_plan_repository(plan, target), count;
    FERRY_OWNED_MEM struct ferry_node **reached = NULL;
    char size[FERRY_SIZE_TEXT_MAX];

    *lack = (struct lack){ 0 };
    FERRY_TRY(ferry_graph_closure(plan->graph, target->image->root, &reached, &count, err));
    for (size_t i = 0; i < count; i++) {
        const struct ferry_node *node = reached[i];

        if (!f->missing[node->place] ||
            ferry_push_plan_find(plan, node, repository)->state != FERRY_PLACEMENT_ABSENT)
            continue;
        ferry_progress_error(f->move->progress, "%s: lacks layer %s, %s, of %s in the base",
                             target->image->name, node->descriptor.digest.text,
                             ferry_size_format(node->descriptor.size, size), node->base_repository);
        lack->count++;
        lack->bytes += node->descriptor.size;
    }
    return 0;
}

static void fail_target(const struct find *f, size_t target, const struct lack *lack)
{
    const struct ferry_push_plan *plan = f->move->plan;
    char size[FERRY_SIZE_TEXT_MAX], bases[FERRY_BASES_TEXT_MAX];
    struct ferry_err why;

    ferry_fail(&why, FERRY_ENOTFOUND,
               "%s: %zu layer%s, %s, left to a base and not found at %s: import the base first, or "
               "give it as well (its index.json is %s)",
               plan->targets[target].image->name, lack->count, ferry_plural(lack->count),
               ferry_size_format(lack->bytes, size), f->move->registry,
               ferry_bases_format(&plan->graph->bases, bases));
    ferry_outcome_fail(&plan->outcomes[target], &why);
}

/* What is missing will not come, and nobody waits for it. */
static void fail_placements(const struct find *f)
{
    const struct ferry_push_plan *plan = f->move->plan;
    struct ferry_err why;

    ferry_fail(&why, FERRY_ENOTFOUND, "left to a base, and not found at %s", f->move->registry);
    for (size_t i = 0; i < plan->placement_count; i++)
        if (f->missing[plan->placements[i].node->place] &&
            plan->placements[i].state == FERRY_PLACEMENT_ABSENT)
            ferry_placement_fail(&plan->placements[i], &why);
}

/* What an image that has not failed needs, by its place among the placements. */
static int mark_needed(const struct ferry_push_plan *plan, const struct ferry_target *target,
                       bool *is_needed, struct ferry_err *err)
{
    size_t repository = ferry_push_plan_repository(plan, target), count;
    FERRY_OWNED_MEM struct ferry_node **reached = NULL;

    FERRY_TRY(ferry_graph_closure(plan->graph, target->image->root, &reached, &count, err));
    for (size_t i = 0; i < count; i++)
        if (!reached[i]->is_manifest)
            is_needed[ferry_push_plan_find(plan, reached[i], repository) - plan->placements] = true;
    return 0;
}

static int drop_needless(const struct ferry_push_plan *plan, struct ferry_err *err)
{
    FERRY_OWNED_MEM bool *is_needed = calloc(plan->placement_count + 1, sizeof(*is_needed));

    if (!is_needed)
        return ferry_fail_memory(err);
    for (size_t i = 0; i < plan->target_count; i++)
        if (plan->outcomes[i].kind == FERRY_OUTCOME_NONE)
            FERRY_TRY(mark_needed(plan, &plan->targets[i], is_needed, err));
    for (size_t i = 0; i < plan->placement_count; i++)
        if (!is_needed[i] && plan->placements[i].state == FERRY_PLACEMENT_ABSENT)
            plan->placements[i].state = FERRY_PLACEMENT_NEEDLESS;
    return 0;
}

static int settle(const struct find *f, struct ferry_err *err)
{
    const struct ferry_push_plan *plan = f->move->plan;
    bool is_any = false;

    for (size_t i = 0; i < f->count; i++) {
        f->missing[f->nodes[i]->place] = !plan->elsewhere[f->nodes[i]->place];
        is_any = is_any || f->missing[f->nodes[i]->place];
    }
    if (!is_any)
        return 0;
    for (size_t i = 0; i < plan->target_count; i++) {
        struct lack lack;

        if (plan->outcomes[i].kind != FERRY_OUTCOME_NONE) /* has no placements */
            continue;
        FERRY_TRY(find_lack(f, &plan->targets[i], &lack, err));
        if (lack.count > 0)
            fail_target(f, i, &lack);
    }
    fail_placements(f);
    return drop_needless(plan, err);
}

int ferry_base_layers_find(const struct import_opts *opts, const struct ferry_move *move,
                           struct ferry_err *err)
{
    struct find f = { .opts = opts, .move = move };
    int rc = list_nodes(&f, err);

    if (rc == 0)
        rc = ferry_pool_run(move->jobs, f.count, ask, &f, err);
    if (rc == 0)
        rc = settle(&f, err);
    free(f.nodes);
    free(f.missing);
    return rc;
}
