#include "import/publish.h"

#include <string.h>

#include "format/run/pool.h"
#include "import/listing.h"
#include "import/push.h"

static int check_placement(const struct ferry_push_plan *plan, const struct ferry_node *node,
                           size_t repository, struct ferry_err *err)
{
    const struct ferry_placement *p = ferry_push_plan_find(plan, node, repository);

    if (!p || p->state == FERRY_PLACEMENT_THERE || p->state == FERRY_PLACEMENT_MOUNTED ||
        p->state == FERRY_PLACEMENT_UPLOADED || p->state == FERRY_PLACEMENT_LEFT_OUT)
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
    struct ferry_node **nodes; /* children before parents, the root last */
    size_t count;
    bool leads;     /* others belong to its root, and come between that and its name */
    bool has;       /* the destination has the root under that name */
    bool is_listed; /* the registry lists it as a referrer by itself */
};

struct publish {
    const struct ferry_move *move;
    struct publication *publications; /* by target */
    bool follows;                     /* which targets have their turn to be named */
};

static struct ferry_push destination(const struct publish *p, const struct ferry_target *target)
{
    return (struct ferry_push){ .session = p->move->session,
                                .registry = p->move->registry,
                                .repository = target->ref.repository };
}

static bool has_urls(const struct ferry_node *node)
{
    for (size_t i = 0; i < node->count; i++)
        if (node->children[i]->descriptor.urls)
            return true;
    return false;
}

/* Puts one manifest. Registries that take no foreign layers say little of why. */
static int put(const struct ferry_push *to, const struct ferry_node *node, const char *selector,
               bool *is_listed, struct ferry_err *err)
{
    if (ferry_push_manifest(to, node, selector, is_listed, err) == 0)
        return 0;
    if (err->code == FERRY_EREFUSED && has_urls(node))
        return ferry_wrap(err,
                          "manifest %s has layers with \"urls\", which a registry may not permit "
                          "(docker-registry: see validation.manifests.urls.allow)",
                          node->descriptor.digest.text);
    return ferry_wrap(err, "manifest %s", node->descriptor.digest.text);
}

static int put_if_absent(const struct ferry_push *to, const struct ferry_node *node,
                         struct ferry_err *err)
{
    const struct ferry_digest *digest = &node->descriptor.digest;
    bool has, ignored;

    FERRY_TRY(ferry_push_has_manifest(to, digest->text, digest, &has, err));
    return has ? 0 : put(to, node, digest->text, &ignored, err);
}

/* Everything but the name. What belongs to the root is put after it, and before its name. */
static int put_below(const struct ferry_push *to, const struct ferry_target *target,
                     struct publication *p, struct ferry_err *err)
{
    const struct ferry_node *root = target->image->root;

    FERRY_TRY(ferry_push_has_manifest(to, ferry_reference_selector(&target->ref),
                                      &root->descriptor.digest, &p->has, err));
    for (size_t i = 0; i + 1 < p->count; i++)
        if (p->nodes[i]->is_manifest && p->nodes[i]->state != FERRY_NODE_LEFT_OUT)
            FERRY_TRY(put_if_absent(to, p->nodes[i], err));
    return p->leads && !p->has ? put_if_absent(to, root, err) : 0;
}

static int put_name(const struct ferry_push *to, const struct ferry_target *target,
                    struct publication *p, struct ferry_outcome *outcome, struct ferry_err *err)
{
    if (!p->has)
        FERRY_TRY(put(to, target->image->root, ferry_reference_selector(&target->ref),
                      &p->is_listed, err));
    outcome->kind = p->has ? FERRY_OUTCOME_THERE : FERRY_OUTCOME_PUSHED;
    return 0;
}

/* A failure that is the image's own; what ends everything is passed on. */
static int take_failure(const struct ferry_target *target, struct ferry_outcome *outcome,
                        struct ferry_err *err)
{
    char name[FERRY_REFERENCE_TEXT_MAX];

    ferry_reference_format(&target->ref, name);
    ferry_wrap(err, "%s", name);
    if (ferry_push_is_over((int)err->code))
        return (int)err->code;
    ferry_outcome_fail(outcome, err);
    return 0;
}

static int publish_below(void *ctx, size_t index, struct ferry_err *err)
{
    const struct publish *p = ctx;
    const struct ferry_target *target = &p->move->plan->targets[index];
    struct ferry_outcome *outcome = &p->move->plan->outcomes[index];
    const struct ferry_push to = destination(p, target);

    if (outcome->kind == FERRY_OUTCOME_FAILED ||
        put_below(&to, target, &p->publications[index], err) == 0)
        return 0;
    return take_failure(target, outcome, err);
}

static int publish_name(void *ctx, size_t index, struct ferry_err *err)
{
    const struct publish *p = ctx;
    const struct ferry_target *target = &p->move->plan->targets[index];
    struct ferry_outcome *outcome = &p->move->plan->outcomes[index];
    const struct ferry_push to = destination(p, target);

    if (outcome->kind == FERRY_OUTCOME_FAILED || target->follows != p->follows)
        return 0;
    ferry_progress_add(p->move->progress, 0, 1);
    if (put_name(&to, target, &p->publications[index], outcome, err) == 0)
        return 0;
    return take_failure(target, outcome, err);
}

/* --- referrers that the registry may not list by itself --------------------------------------- */

/* One that was published; those of one subject in one repository stand side by side. */
struct referral {
    const struct ferry_digest *subject;
    const struct ferry_target *target;
};

struct referrals {
    const struct publish *publish;
    struct referral *items;
    size_t count;
    size_t *groups; /* where each begins; one more at the end */
    size_t group_count;
};

static int compare_subjects(const struct referral *x, const struct referral *y)
{
    int order = strcmp(x->target->ref.repository, y->target->ref.repository);

    return order ? order : strcmp(x->subject->text, y->subject->text);
}

static int compare_referrals(const void *a, const void *b)
{
    const struct referral *x = a, *y = b;
    int order = compare_subjects(x, y);

    return order ? order : (x->target > y->target) - (x->target < y->target);
}

/* What index.json says a manifest belongs to, else what the manifest says. */
static const struct ferry_digest *subject_of(const struct ferry_image *image)
{
    return image->has_subject && !image->ref.tag[0] ? &image->subject : image->root->subject;
}

static int gather_referrals(struct referrals *r, struct ferry_err *err)
{
    const struct ferry_push_plan *plan = r->publish->move->plan;

    r->items = calloc(plan->target_count + 1, sizeof(*r->items));
    r->groups = calloc(plan->target_count + 1, sizeof(*r->groups));
    if (!r->items || !r->groups)
        return ferry_fail_memory(err);
    for (size_t i = 0; i < plan->target_count; i++) {
        const struct ferry_digest *subject = subject_of(plan->targets[i].image);

        if (subject && plan->outcomes[i].kind != FERRY_OUTCOME_FAILED &&
            !r->publish->publications[i].is_listed)
            r->items[r->count++] = (struct referral){ subject, &plan->targets[i] };
    }
    qsort(r->items, r->count, sizeof(*r->items), compare_referrals);
    for (size_t i = 0; i < r->count; i++)
        if (i == 0 || compare_subjects(&r->items[i - 1], &r->items[i]) != 0)
            r->groups[r->group_count++] = i;
    r->groups[r->group_count] = r->count;
    return 0;
}

static int fail_group(const struct referrals *r, const struct referral *first, size_t count,
                      struct ferry_err *err)
{
    const struct ferry_push_plan *plan = r->publish->move->plan;
    struct ferry_err why = *err;

    ferry_wrap(&why, "is there, but not listed as a referrer of %s", first->subject->text);
    for (size_t i = 0; i < count; i++) {
        *err = why;
        FERRY_TRY(
            take_failure(first[i].target, &plan->outcomes[first[i].target - plan->targets], err));
    }
    return 0;
}

static int list_group(void *ctx, size_t index, struct ferry_err *err)
{
    const struct referrals *r = ctx;
    const struct referral *first = &r->items[r->groups[index]];
    size_t count = r->groups[index + 1] - r->groups[index];
    const struct ferry_push to = destination(r->publish, first->target);
    FERRY_OWNED_MEM const struct ferry_node **nodes = calloc(count, sizeof(*nodes));

    if (!nodes)
        return ferry_fail_memory(err);
    for (size_t i = 0; i < count; i++)
        nodes[i] = first[i].target->image->root;
    if (ferry_listing_ensure(&to, first->subject, nodes, count, err) == 0)
        return 0;
    return fail_group(r, first, count, err);
}

static int list_referrers(const struct publish *p, struct ferry_err *err)
{
    struct referrals r = { .publish = p };
    int rc = gather_referrals(&r, err);

    if (rc == 0)
        rc = ferry_pool_run(p->move->jobs, r.group_count, list_group, &r, err);
    free(r.items);
    free(r.groups);
    return rc;
}

/* --- the steps ------------------------------------------------------------------------------- */

/* Whether anything among the targets belongs to the root of this one. */
static bool leads(const struct ferry_push_plan *plan, const struct ferry_target *target)
{
    for (size_t i = 0; i < plan->target_count; i++)
        if (plan->targets[i].follows &&
            strcmp(plan->targets[i].ref.repository, target->ref.repository) == 0 &&
            ferry_digest_equal(&plan->targets[i].image->subject,
                               &target->image->root->descriptor.digest))
            return true;
    return false;
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
        publication->leads = leads(plan, target);
        if (check_all(plan, target, publication->nodes, publication->count, &why) < 0)
            ferry_outcome_fail(&plan->outcomes[i], &why);
    }
    return 0;
}

static int publish(struct publish *p, struct ferry_err *err)
{
    size_t count = p->move->plan->target_count;
    int jobs = p->move->jobs;

    FERRY_TRY(prepare(p, err));
    FERRY_TRY(ferry_pool_run(jobs, count, publish_below, p, err));
    p->follows = true; /* whoever finds an image by its name finds its signature */
    FERRY_TRY(ferry_pool_run(jobs, count, publish_name, p, err));
    FERRY_TRY(list_referrers(p, err));
    p->follows = false;
    return ferry_pool_run(jobs, count, publish_name, p, err);
}

int ferry_publish(const struct ferry_move *move, struct ferry_err *err)
{
    FERRY_OWNED_MEM struct publication *publications = calloc(move->plan->target_count + 1,
                                                              sizeof(*publications));
    struct publish p = { .move = move, .publications = publications };
    int rc;

    if (!publications)
        return ferry_fail_memory(err);
    rc = publish(&p, err);
    for (size_t i = 0; i < move->plan->target_count; i++)
        free(publications[i].nodes);
    return rc;
}
