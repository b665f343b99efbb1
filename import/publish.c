#include "import/publish.h"

#include <string.h>

#include "format/run/pool.h"
#include "import/publication.h"
#include "import/referrals.h"
#include "import/sparse.h"

static int check_placement(const struct ferry_push_plan *plan, const struct ferry_node *node,
                           size_t repository, struct ferry_err *err)
{
    const struct ferry_placement *p = ferry_push_plan_find(plan, node, repository);

    if (!p || ferry_placement_is_there(p) || p->state == FERRY_PLACEMENT_LEFT_OUT)
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

struct publish {
    const struct ferry_move *move;
    struct ferry_publication *publications; /* by target */
    struct ferry_turns *turns;
    bool decide, follows; /* which targets have their turn */
};

/* What a target belongs to: a digest in a repository. */
struct follower {
    const char *repository;
    const struct ferry_digest *subject;
};

static int compare_followers(const void *a, const void *b)
{
    const struct follower *x = a, *y = b;
    int order = strcmp(x->repository, y->repository);

    return order ? order : strcmp(x->subject->text, y->subject->text);
}

/* Those of the targets that come with others, sorted for leads(). */
static int list_followers(const struct ferry_push_plan *plan, struct follower **out, size_t *count,
                          struct ferry_err *err)
{
    struct follower *list = calloc(plan->target_count + 1, sizeof(*list));

    if (!list)
        return ferry_fail_memory(err);
    *count = 0;
    for (size_t i = 0; i < plan->target_count; i++)
        if (plan->targets[i].follows)
            list[(*count)++] = (struct follower){ plan->targets[i].ref.repository,
                                                  &plan->targets[i].image->subject };
    qsort(list, *count, sizeof(*list), compare_followers);
    *out = list;
    return 0;
}

/* Whether one of the followers belongs to the root of this target. */
static bool leads(const struct follower *followers, size_t count, const struct ferry_target *target)
{
    const struct follower its = { target->ref.repository, &target->image->root->descriptor.digest };

    return bsearch(&its, followers, count, sizeof(*followers), compare_followers) != NULL;
}

static int note_missing(struct ferry_publication *p, struct ferry_err *err)
{
    char text[FERRY_LEFT_OUT_TEXT_MAX];

    FERRY_TRY(ferry_sparse_missing(p->plan, p->target, text, err));
    return ferry_text(&p->missing, err, "%s", text);
}

/* Decides which images are complete, with the graph to ourselves. */
static int prepare(struct publish *p, struct ferry_err *err)
{
    struct ferry_push_plan *plan = p->move->plan;
    FERRY_OWNED_MEM struct follower *followers = NULL;
    size_t follower_count = 0;
    struct ferry_err why;

    FERRY_TRY(list_followers(plan, &followers, &follower_count, err));
    for (size_t i = 0; i < plan->target_count; i++) {
        struct ferry_publication *publication = &p->publications[i];
        const struct ferry_target *target = &plan->targets[i];

        *publication = (struct ferry_publication){
            .plan = plan,
            .target = target,
            .outcome = &plan->outcomes[i],
            .to = { p->move->session, p->move->registry, target->ref.repository },
            .turns = p->turns,
            .leads = leads(followers, follower_count, target),
            .is_sparse = ferry_sparse_is(plan, target)
        };
        if (plan->outcomes[i].kind != FERRY_OUTCOME_NONE)
            continue;
        FERRY_TRY(ferry_graph_closure(plan->graph, target->image->root, &publication->nodes,
                                      &publication->count, err));
        if (publication->is_sparse)
            FERRY_TRY(note_missing(publication, err));
        if (check_all(plan, target, publication->nodes, publication->count, &why) < 0)
            ferry_outcome_fail(&plan->outcomes[i], &why);
    }
    return 0;
}

/* Whether it decides on what belongs to it: an image, and whatever may turn out to be trimmed. */
static bool decides(const struct ferry_publication *p)
{
    return !p->target->follows || p->is_sparse;
}

static int publish_below(void *ctx, size_t index, struct ferry_err *err)
{
    const struct publish *p = ctx;
    struct ferry_publication *publication = &p->publications[index];

    if (publication->outcome->kind != FERRY_OUTCOME_NONE || decides(publication) != p->decide ||
        ferry_publication_below(publication, err) == 0)
        return 0;
    return ferry_publication_fail(publication, err);
}

static int publish_name(void *ctx, size_t index, struct ferry_err *err)
{
    const struct publish *p = ctx;
    struct ferry_publication *publication = &p->publications[index];

    if (publication->target->follows != p->follows)
        return 0;
    ferry_progress_add(p->move->progress, 0, 1);
    if (publication->outcome->kind != FERRY_OUTCOME_NONE ||
        ferry_publication_name(publication, err) == 0)
        return 0;
    return ferry_publication_fail(publication, err);
}

/* Gives their names to the images, or to what belongs to them. */
static int publish_names(struct publish *p, bool follows, struct ferry_err *err)
{
    size_t count = p->move->plan->target_count;

    p->follows = follows;
    FERRY_TRY(ferry_pool_run(p->move->jobs, count, publish_name, p, err));
    return ferry_referrals_list(p->publications, count, follows, p->move->jobs, err);
}

static int publish(struct publish *p, struct ferry_err *err)
{
    size_t count = p->move->plan->target_count;

    FERRY_TRY(prepare(p, err));
    p->decide = true;
    FERRY_TRY(ferry_pool_run(p->move->jobs, count, publish_below, p, err));
    FERRY_TRY(ferry_sparse_settle(p->move->plan, err));
    p->decide = false;
    FERRY_TRY(ferry_pool_run(p->move->jobs, count, publish_below, p, err));
    /* Whoever finds an image by its name finds its signature. */
    FERRY_TRY(publish_names(p, true, err));
    return publish_names(p, false, err);
}

int ferry_publish(const struct ferry_move *move, struct ferry_err *err)
{
    FERRY_OWNED_MEM struct ferry_publication *publications = calloc(move->plan->target_count + 1,
                                                                    sizeof(*publications));
    struct publish p = { .move = move, .publications = publications };
    FERRY_OWNED(ferry_turns) turns = NULL;
    int rc;

    if (!publications)
        return ferry_fail_memory(err);
    FERRY_TRY(ferry_turns_new(move->plan->graph, &turns, err));
    p.turns = turns;
    rc = publish(&p, err);
    for (size_t i = 0; i < move->plan->target_count; i++)
        ferry_publication_release(&publications[i]);
    return rc;
}
