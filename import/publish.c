#include "import/publish.h"

#include <string.h>

#include "format/run/pool.h"
#include "import/push.h"

static int check_placement(const struct ferry_push_plan *plan, const struct ferry_node *node,
                           size_t repository, struct ferry_err *err)
{
    const struct ferry_placement *p = ferry_push_plan_find(plan, node, repository);

    if (!p || p->state == FERRY_PLACEMENT_THERE || p->state == FERRY_PLACEMENT_MOUNTED ||
        p->state == FERRY_PLACEMENT_UPLOADED)
        return 0;
    if (p->state == FERRY_PLACEMENT_FAILED && p->failure) {
        *err = *p->failure;
        return (int)err->code;
    }
    return ferry_fail(err, FERRY_EFORMAT, "blob %s: is not in the archive, nor at the destination",
                      node->descriptor.digest.text);
}

static int check_node(const struct ferry_push_plan *plan, const struct ferry_node *node,
                      size_t repository, struct ferry_err *err)
{
    if (node->state == FERRY_NODE_BAD)
        return ferry_fail(err,
                          node->fault_code == FERRY_ENOTFOUND ? FERRY_EFORMAT : node->fault_code,
                          "%s", node->fault ? node->fault : "out of memory");
    return node->is_manifest ? 0 : check_placement(plan, node, repository, err);
}

/* What is wrong with an image, at its first part that is. */
static int check_all(const struct ferry_push_plan *plan, const struct ferry_target *target,
                     struct ferry_node *const *nodes, size_t count, struct ferry_err *err)
{
    size_t repository = ferry_push_plan_repository(plan, target);

    for (size_t i = 0; i < count; i++)
        if (check_node(plan, nodes[i], repository, err) < 0)
            return ferry_wrap(err, "%s", target->image->name);
    return 0;
}

/* Everything that is to be put for one image, found while one thread had the graph. */
struct publication {
    struct ferry_node **nodes; /* children before parents */
    size_t count;
};

struct publish {
    const struct ferry_move *move;
    struct publication *publications; /* by target */
};

static int put_children(const struct ferry_push *to, const struct publication *p,
                        struct ferry_err *err)
{
    for (size_t i = 0; i + 1 < p->count; i++) { /* the root is the last */
        const struct ferry_digest *digest = &p->nodes[i]->descriptor.digest;
        bool has;

        if (!p->nodes[i]->is_manifest)
            continue;
        FERRY_TRY(ferry_push_has_manifest(to, digest->text, digest, &has, err));
        if (!has && ferry_push_manifest(to, p->nodes[i], digest->text, err) < 0)
            return ferry_wrap(err, "manifest %s", digest->text);
    }
    return 0;
}

static int put_root(const struct ferry_push *to, const struct ferry_target *target,
                    struct ferry_outcome *outcome, struct ferry_err *err)
{
    const struct ferry_node *root = target->image->root;

    if (ferry_push_manifest(to, root, ferry_reference_selector(&target->ref), err) < 0)
        return ferry_wrap(err, "manifest %s", root->descriptor.digest.text);
    outcome->kind = FERRY_OUTCOME_PUSHED;
    return 0;
}

static int put_image(const struct ferry_push *to, const struct ferry_target *target,
                     const struct publication *p, struct ferry_outcome *outcome,
                     struct ferry_err *err)
{
    const struct ferry_digest *digest = &target->image->root->descriptor.digest;
    bool has;

    FERRY_TRY(
        ferry_push_has_manifest(to, ferry_reference_selector(&target->ref), digest, &has, err));
    FERRY_TRY(put_children(to, p, err));
    if (!has)
        return put_root(to, target, outcome, err);
    outcome->kind = FERRY_OUTCOME_THERE;
    return 0;
}

static int publish_target(void *ctx, size_t index, struct ferry_err *err)
{
    const struct publish *p = ctx;
    const struct ferry_target *target = &p->move->plan->targets[index];
    struct ferry_outcome *outcome = &p->move->plan->outcomes[index];
    struct ferry_push to = { .session = p->move->session,
                             .registry = p->move->registry,
                             .repository = target->ref.repository };
    char name[FERRY_REFERENCE_TEXT_MAX];

    if (outcome->kind == FERRY_OUTCOME_FAILED)
        return 0;
    ferry_progress_add(p->move->progress, 0, 1);
    if (put_image(&to, target, &p->publications[index], outcome, err) == 0)
        return 0;
    ferry_reference_format(&target->ref, name);
    ferry_wrap(err, "%s", name);
    if (err->code == FERRY_ENET || err->code == FERRY_ECANCEL || err->code == FERRY_ENOMEM)
        return (int)err->code;
    ferry_outcome_fail(outcome, err);
    return 0;
}

/* Decides which images are complete, with the graph to ourselves. */
static int prepare(struct publish *p, struct ferry_err *err)
{
    struct ferry_push_plan *plan = p->move->plan;
    struct ferry_err why;

    for (size_t i = 0; i < plan->target_count; i++) {
        struct publication *publication = &p->publications[i];
        const struct ferry_target *target = &plan->targets[i];

        FERRY_TRY(ferry_graph_closure(plan->graph, target->image->root, &publication->nodes,
                                      &publication->count, err));
        if (check_all(plan, target, publication->nodes, publication->count, &why) < 0)
            ferry_outcome_fail(&plan->outcomes[i], &why);
    }
    return 0;
}

int ferry_publish(const struct ferry_move *move, struct ferry_err *err)
{
    FERRY_OWNED_MEM struct publication *publications = calloc(move->plan->target_count + 1,
                                                              sizeof(*publications));
    struct publish p = { .move = move, .publications = publications };
    int rc;

    if (!publications)
        return ferry_fail_memory(err);
    rc = prepare(&p, err);
    if (rc == 0)
        rc = ferry_pool_run(move->jobs, move->plan->target_count, publish_target, &p, err);
    for (size_t i = 0; i < move->plan->target_count; i++)
        free(publications[i].nodes);
    return rc;
}
