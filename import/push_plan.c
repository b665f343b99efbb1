#include "import/push_plan.h"

#include <string.h>

void ferry_push_plan_free(struct ferry_push_plan *plan)
{
    if (!plan)
        return;
    for (size_t i = 0; i < plan->placement_count; i++)
        free(plan->placements[i].failure);
    for (size_t i = 0; plan->outcomes && i < plan->target_count; i++)
        free(plan->outcomes[i].failure);
    ferry_trims_free(plan->trims);
    for (size_t i = 0; plan->elsewhere && i < plan->graph->count; i++)
        free(plan->elsewhere[i]);
    free(plan->elsewhere);
    free(plan->outcomes);
    free(plan->placements);
    free(plan->first_placement);
    free(plan->repositories);
    free(plan->targets);
    free(plan);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int list_repositories(struct ferry_push_plan *plan, struct ferry_err *err)
{
    size_t kept = 0;

    plan->repositories = calloc(plan->target_count + 1, sizeof(*plan->repositories));
    if (!plan->repositories)
        return ferry_fail_memory(err);
    for (size_t i = 0; i < plan->target_count; i++)
        plan->repositories[i] = plan->targets[i].ref.repository;
    qsort(plan->repositories, plan->target_count, sizeof(*plan->repositories), compare_texts);
    for (size_t i = 0; i < plan->target_count; i++)
        if (kept == 0 || strcmp(plan->repositories[kept - 1], plan->repositories[i]) != 0)
            plan->repositories[kept++] = plan->repositories[i];
    plan->repository_count = kept;
    return 0;
}

size_t ferry_push_plan_repository(const struct ferry_push_plan *plan,
                                  const struct ferry_target *target)
{
    const char *name = target->ref.repository;
    const char **found = bsearch(&name, plan->repositories, plan->repository_count,
                                 sizeof(*plan->repositories), compare_texts);

    return (size_t)(found - plan->repositories);
}

static int compare_placements(const void *a, const void *b)
{
    const struct ferry_placement *x = a, *y = b;

    if (x->node->place != y->node->place)
        return x->node->place < y->node->place ? -1 : 1;
    return (x->repository > y->repository) - (x->repository < y->repository);
}

/* Every blob that the target reaches, in its repository; what repeats is dropped later. */
static int add_placements(struct ferry_push_plan *plan, const struct ferry_target *target,
                          size_t *room, struct ferry_err *err)
{
    FERRY_OWNED_MEM struct ferry_node **reached = NULL;
    size_t repository = ferry_push_plan_repository(plan, target), count;

    FERRY_TRY(ferry_graph_closure(plan->graph, target->image->root, &reached, &count, err));
    for (size_t i = 0; i < count; i++) {
        if (reached[i]->is_manifest)
            continue;
        FERRY_TRY(ferry_grow((void **)&plan->placements, plan->placement_count, room,
                             sizeof(*plan->placements), err));
        plan->placements[plan->placement_count++] = (struct ferry_placement){
            .node = reached[i], .repository = repository
        };
    }
    return 0;
}

static void sort_placements(struct ferry_push_plan *plan)
{
    struct ferry_placement *p = plan->placements;
    size_t kept = 0;

    if (plan->placement_count > 0)
        qsort(p, plan->placement_count, sizeof(*p), compare_placements);
    for (size_t i = 0; i < plan->placement_count; i++)
        if (kept == 0 || compare_placements(&p[kept - 1], &p[i]) != 0)
            p[kept++] = p[i];
    plan->placement_count = kept;
}

static int index_placements(struct ferry_push_plan *plan, struct ferry_err *err)
{
    size_t at = 0;

    free(plan->first_placement);
    plan->first_placement = calloc(plan->graph->count + 1, sizeof(*plan->first_placement));
    if (!plan->first_placement)
        return ferry_fail_memory(err);
    for (size_t place = 0; place <= plan->graph->count; place++) {
        while (at < plan->placement_count && plan->placements[at].node->place < place)
            at++;
        plan->first_placement[place] = at;
    }
    return 0;
}

int ferry_push_plan_replan(struct ferry_push_plan *plan, struct ferry_err *err)
{
    size_t room = plan->placement_count;

    plan->placement_count = 0;
    for (size_t i = 0; i < plan->target_count; i++)
        if (plan->outcomes[i].kind == FERRY_OUTCOME_NONE)
            FERRY_TRY(add_placements(plan, &plan->targets[i], &room, err));
    sort_placements(plan);
    return index_placements(plan, err);
}

int ferry_push_plan_new(struct ferry_graph *graph, struct ferry_target **targets, size_t count,
                        struct ferry_push_plan **out, struct ferry_err *err)
{
    FERRY_OWNED(ferry_push_plan) plan = calloc(1, sizeof(*plan));

    if (!plan) {
        free(ferry_steal(targets));
        return ferry_fail_memory(err);
    }
    plan->graph = graph;
    plan->targets = ferry_steal(targets);
    plan->target_count = count;
    plan->outcomes = calloc(count + 1, sizeof(*plan->outcomes));
    plan->elsewhere = calloc(graph->count + 1, sizeof(*plan->elsewhere));
    if (!plan->outcomes || !plan->elsewhere)
        return ferry_fail_memory(err);
    FERRY_TRY(list_repositories(plan, err));
    FERRY_TRY(ferry_trims_new(graph, &plan->trims, err));
    FERRY_TRY(ferry_push_plan_replan(plan, err));
    *out = ferry_steal(&plan);
    return 0;
}

struct ferry_placement *ferry_push_plan_placements(const struct ferry_push_plan *plan,
                                                   const struct ferry_node *node, size_t *count)
{
    size_t first = plan->first_placement[node->place];

    *count = plan->first_placement[node->place + 1] - first;
    return *count > 0 ? &plan->placements[first] : NULL;
}

/* One blob may be wanted in thousands of repositories: those of a node are sorted by them. */
struct ferry_placement *ferry_push_plan_find(const struct ferry_push_plan *plan,
                                             const struct ferry_node *node, size_t repository)
{
    size_t count;
    struct ferry_placement *placements = ferry_push_plan_placements(plan, node, &count);
    const struct ferry_placement key = { .node = plan->graph->nodes[node->place],
                                         .repository = repository };

    return count > 0 ? bsearch(&key, placements, count, sizeof(key), compare_placements) : NULL;
}

bool ferry_placement_is_there(const struct ferry_placement *placement)
{
    return placement->state == FERRY_PLACEMENT_THERE ||
           placement->state == FERRY_PLACEMENT_MOUNTED ||
           placement->state == FERRY_PLACEMENT_UPLOADED;
}

bool ferry_placement_is_lacking(const struct ferry_placement *placement)
{
    return placement->state == FERRY_PLACEMENT_ABSENT ||
           placement->state == FERRY_PLACEMENT_LEFT_OUT;
}

bool ferry_push_plan_needs(const struct ferry_push_plan *plan, const struct ferry_node *node)
{
    size_t count;
    const struct ferry_placement *placements = ferry_push_plan_placements(plan, node, &count);

    for (size_t i = 0; i < count; i++)
        if (ferry_placement_is_lacking(&placements[i]))
            return true;
    return false;
}

static struct ferry_err *copy_failure(const struct ferry_err *why)
{
    struct ferry_err *copy = malloc(sizeof(*copy));

    if (copy)
        *copy = *why;
    return copy;
}

void ferry_placement_fail(struct ferry_placement *placement, const struct ferry_err *why)
{
    placement->state = FERRY_PLACEMENT_FAILED;
    if (!placement->failure)
        placement->failure = copy_failure(why);
}

void ferry_outcome_fail(struct ferry_outcome *outcome, const struct ferry_err *why)
{
    outcome->kind = FERRY_OUTCOME_FAILED;
    if (!outcome->failure)
        outcome->failure = copy_failure(why);
}
