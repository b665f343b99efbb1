#include "import/sparse.h"

#include <stdio.h>
#include <string.h>

#include "format/run/progress.h"

int ferry_sparse_excuse(struct ferry_graph *graph, struct ferry_err *err)
{
    FERRY_OWNED_MEM bool *is_root = calloc(graph->count + 1, sizeof(*is_root));

    if (!is_root)
        return ferry_fail_memory(err);
    for (size_t i = 0; i < graph->image_count; i++)
        is_root[graph->images[i].root->place] = true;
    for (size_t i = 0; i < graph->count && !graph->is_ours; i++) {
        struct ferry_node *node = graph->nodes[i];

        if (!node->is_manifest || node->state != FERRY_NODE_BAD ||
            node->fault_code != FERRY_ENOTFOUND || is_root[i])
            continue;
        free(ferry_steal(&node->fault));
        node->state = FERRY_NODE_LEFT_OUT;
    }
    return 0;
}

bool ferry_sparse_is(const struct ferry_push_plan *plan, const struct ferry_target *target)
{
    const struct ferry_node *root = target->image->root;

    return ferry_trims_of(plan->trims, root) != root;
}

int ferry_sparse_missing(const struct ferry_push_plan *plan, const struct ferry_target *target,
                         char out[FERRY_LEFT_OUT_TEXT_MAX], struct ferry_err *err)
{
    FERRY_OWNED_MEM struct ferry_left_out *list = NULL;
    size_t count;

    FERRY_TRY(ferry_left_out_list(plan->graph, target->image->root, &list, &count, err));
    if (!*ferry_left_out_platforms(list, count, out))
        snprintf(out, FERRY_LEFT_OUT_TEXT_MAX, "%zu manifest%s", count, ferry_plural(count));
    return 0;
}

/* --- images that are not imported ------------------------------------------------------------- */

static int refuse(const struct ferry_push_plan *plan, const struct ferry_target *target,
                  struct ferry_err *why, struct ferry_err *err)
{
    char missing[FERRY_LEFT_OUT_TEXT_MAX];

    FERRY_TRY(ferry_sparse_missing(plan, target, missing, err));
    if (!ferry_trims_of(plan->trims, target->image->root))
        ferry_fail(why, FERRY_EFORMAT, "%s: nothing of what its index lists is in the archive",
                   target->image->name);
    else
        ferry_fail(why, FERRY_EREFUSED,
                   "%s: the archive has it without %s, and --sparse fail takes it whole or not at "
                   "all",
                   target->image->name, missing);
    return 0;
}

int ferry_sparse_check(struct ferry_push_plan *plan, struct ferry_err *err)
{
    bool some_failed = false;

    for (size_t i = 0; i < plan->target_count; i++) {
        const struct ferry_target *target = &plan->targets[i];
        struct ferry_err why;

        if (!ferry_sparse_is(plan, target) ||
            (plan->sparse != FERRY_SPARSE_FAIL && ferry_trims_of(plan->trims, target->image->root)))
            continue;
        FERRY_TRY(refuse(plan, target, &why, err));
        ferry_outcome_fail(&plan->outcomes[i], &why);
        some_failed = true;
    }
    if (!some_failed)
        return 0;
    FERRY_TRY(ferry_sparse_settle(plan, err));
    return ferry_push_plan_replan(plan, err);
}

/* --- what belongs to what is not there -------------------------------------------------------- */

/* A manifest in a repository of the destination, and how many images bring it. */
struct presence {
    size_t repository;
    const struct ferry_node *node;
    size_t holders;
};

struct presences {
    const struct ferry_push_plan *plan;
    struct presence *items; /* sorted, each once */
    size_t count, room;
};

static int compare_presences(const void *a, const void *b)
{
    const struct presence *x = a, *y = b;

    if (x->repository != y->repository)
        return x->repository < y->repository ? -1 : 1;
    return (x->node->place > y->node->place) - (x->node->place < y->node->place);
}

/* Whether a manifest that the image reaches is at the destination with it. */
static bool is_put(const struct ferry_push_plan *plan, size_t target, const struct ferry_node *node)
{
    const struct ferry_outcome *outcome = &plan->outcomes[target];

    if (!node->is_manifest)
        return false;
    return !outcome->is_trimmed || ferry_trims_of(plan->trims, node) == node ||
           (outcome->has_original && node == plan->targets[target].image->root);
}

/* The manifests that an image brings, at the end of the list. */
static int add_presences(struct presences *p, size_t target, struct ferry_err *err)
{
    FERRY_OWNED_MEM struct ferry_node **nodes = NULL;
    size_t repository = ferry_push_plan_repository(p->plan, &p->plan->targets[target]), count;

    FERRY_TRY(ferry_graph_closure(p->plan->graph, p->plan->targets[target].image->root, &nodes,
                                  &count, err));
    for (size_t i = 0; i < count; i++) {
        if (!is_put(p->plan, target, nodes[i]))
            continue;
        FERRY_TRY(ferry_grow((void **)&p->items, p->count, &p->room, sizeof(*p->items), err));
        p->items[p->count++] = (struct presence){ repository, nodes[i], 1 };
    }
    return 0;
}

static void sort_presences(struct presences *p)
{
    size_t kept = 0;

    if (p->count > 0)
        qsort(p->items, p->count, sizeof(*p->items), compare_presences);
    for (size_t i = 0; i < p->count; i++)
        if (kept > 0 && compare_presences(&p->items[kept - 1], &p->items[i]) == 0)
            p->items[kept - 1].holders++;
        else
            p->items[kept++] = p->items[i];
    p->count = kept;
}

static struct presence *find_presence(const struct presences *p, size_t repository,
                                      const struct ferry_node *node)
{
    const struct presence key = { repository, node, 0 };

    return bsearch(&key, p->items, p->count, sizeof(key), compare_presences);
}

static bool is_idle(const struct presences *p, size_t target)
{
    const struct ferry_target *t = &p->plan->targets[target];
    const struct ferry_node *subject = ferry_graph_find(p->plan->graph, &t->image->subject);
    const struct presence *found;

    if (!t->follows || p->plan->outcomes[target].kind != FERRY_OUTCOME_NONE || !subject)
        return false;
    found = find_presence(p, ferry_push_plan_repository(p->plan, t), subject);
    return !found || found->holders == 0;
}

/* What belongs to it in turn may be idle now. */
static int leave_out(struct presences *p, size_t target, struct ferry_err *err)
{
    FERRY_OWNED_MEM struct presence *items = NULL;
    struct presences gone = { .plan = p->plan };
    int rc = add_presences(&gone, target, err);

    items = gone.items;
    FERRY_TRY(rc);
    for (size_t i = 0; i < gone.count; i++)
        find_presence(p, items[i].repository, items[i].node)->holders--;
    p->plan->outcomes[target].kind = FERRY_OUTCOME_LEFT_OUT;
    return 0;
}

static int settle(struct presences *p, struct ferry_err *err)
{
    bool some = true;

    for (size_t i = 0; i < p->plan->target_count; i++)
        if (p->plan->outcomes[i].kind == FERRY_OUTCOME_NONE)
            FERRY_TRY(add_presences(p, i, err));
    sort_presences(p);
    while (some) { /* what belongs to another mostly stands behind it: one pass finds nearly all */
        some = false;
        for (size_t i = 0; i < p->plan->target_count; i++) {
            if (!is_idle(p, i))
                continue;
            FERRY_TRY(leave_out(p, i, err));
            some = true;
        }
    }
    return 0;
}

int ferry_sparse_settle(struct ferry_push_plan *plan, struct ferry_err *err)
{
    struct presences p = { .plan = plan };
    int rc = settle(&p, err);

    free(p.items);
    return rc;
}
