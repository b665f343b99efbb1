#include "import/move.h"

#include "format/run/pool.h"
#include "import/freight.h"
#include "import/walk.h"

/* A foreign layer is missed by nobody; a pipe may bring it all the same. */
static enum ferry_placement_state state_of_absent(const struct ferry_node *node)
{
    return ferry_node_is_elsewhere(node) ? FERRY_PLACEMENT_LEFT_OUT : FERRY_PLACEMENT_ABSENT;
}

static int ask(const struct ferry_move *m, struct ferry_placement *p, struct ferry_err *err)
{
    struct ferry_push to = ferry_freight_push(m, p);
    bool has;

    if (ferry_push_has_blob(&to, &p->node->descriptor.digest, p->node->descriptor.size, &has,
                            err) == 0) {
        p->state = has ? FERRY_PLACEMENT_THERE : state_of_absent(p->node);
        ferry_progress_add(m->progress, 0, 1);
        return 0;
    }
    ferry_freight_wrap(m, p, err);
    if (ferry_push_is_over((int)err->code))
        return (int)err->code;
    ferry_placement_fail(p, err);
    return 0;
}

static int ask_other(void *ctx, size_t index, struct ferry_err *err)
{
    const struct ferry_move *m = ctx;

    return ask(m, &m->plan->placements[index + 1], err);
}

int ferry_move_ask(const struct ferry_move *move, struct ferry_err *err)
{
    size_t count = move->plan->placement_count;

    if (count == 0)
        return 0;
    /* One settles scheme and login for all, or fails for all. */
    FERRY_TRY(ask(move, &move->plan->placements[0], err));
    return ferry_pool_run(move->jobs, count - 1, ask_other, (void *)move, err);
}

static bool is_any_needed(const struct ferry_push_plan *plan)
{
    for (size_t i = 0; i < plan->placement_count; i++)
        if (ferry_placement_is_lacking(&plan->placements[i]))
            return true;
    return false;
}

/* --- from archives with random access --------------------------------------------------------- */

static int move_node(void *ctx, size_t index, struct ferry_err *err)
{
    const struct ferry_move *m = ctx;
    struct ferry_freight f = { .move = m, .node = m->plan->graph->nodes[index] };
    int rc;

    if (ferry_node_is_elsewhere(f.node) || !ferry_push_plan_needs(m->plan, f.node))
        return 0;
    rc = ferry_freight_deliver(&f, err);
    ferry_freight_release(&f);
    return rc;
}

/* What no stream will bring. */
static int move_in_base(void *ctx, size_t index, struct ferry_err *err)
{
    const struct ferry_move *m = ctx;

    return m->plan->graph->nodes[index]->state == FERRY_NODE_IN_BASE ? move_node(ctx, index, err)
                                                                     : 0;
}

/* --- all of them ------------------------------------------------------------------------------ */

static bool has_random(const struct ferry_archive_set *archives)
{
    for (size_t i = 0; i < archives->count; i++)
        if (archives->items[i].reader && ferry_reader_is_random(archives->items[i].reader))
            return true;
    return false;
}

/* A pipe is walked in any case, since somebody writes to it. */
static int walk_streams(const struct ferry_move *move, bool can_restart, struct ferry_err *err)
{
    for (size_t i = 0; i < move->archives->count; i++) {
        const struct ferry_reader *reader = move->archives->items[i].reader;

        if (!reader || ferry_reader_is_random(reader) ||
            ferry_reader_can_restart(reader) != can_restart ||
            (can_restart && !is_any_needed(move->plan)))
            continue;
        FERRY_TRY(ferry_walk_stream(move, i, err));
    }
    return 0;
}

static int move_all(const struct ferry_move *move, struct ferry_err *err)
{
    FERRY_TRY(walk_streams(move, false, err));
    FERRY_TRY(ferry_pool_run(move->jobs, move->plan->graph->count,
                             has_random(move->archives) ? move_node : move_in_base, (void *)move,
                             err));
    return walk_streams(move, true, err);
}

/* What no copy could bring fails for the reason why one of them could not. */
static void fail_needed(const struct ferry_push_plan *plan, const struct ferry_move *move,
                        const struct ferry_bad_copy *bad)
{
    const struct ferry_node *node = ferry_graph_find(plan->graph, &bad->digest);
    struct ferry_placement *placements;
    size_t count;

    if (!node)
        return;
    placements = ferry_push_plan_placements(plan, node, &count);
    for (size_t i = 0; i < count; i++) {
        struct ferry_err why;

        if (!ferry_placement_is_lacking(&placements[i]))
            continue;
        ferry_fail(&why, bad->code, "%s", bad->text);
        ferry_freight_wrap(move, &placements[i], &why);
        ferry_placement_fail(&placements[i], &why);
    }
}

int ferry_move_blobs(const struct ferry_move *move, struct ferry_err *err)
{
    int rc = move_all(move, err);

    for (size_t i = 0; i < move->archives->count; i++)
        for (size_t k = 0; k < move->archives->items[i].bad_count; k++)
            fail_needed(move->plan, move, &move->archives->items[i].bad[k]);
    return rc;
}
