#include "import/referrals.h"

#include <string.h>

#include "format/run/pool.h"
#include "import/listing.h"

/* One that was published; those of one subject in one repository stand side by side. */
struct referral {
    const struct ferry_digest *subject;
    struct ferry_publication *publication;
};

struct referrals {
    struct referral *items;
    size_t count;
    size_t *groups; /* where each begins; one more at the end */
    size_t group_count;
};

static int compare_subjects(const struct referral *x, const struct referral *y)
{
    int order = strcmp(x->publication->to.repository, y->publication->to.repository);

    return order ? order : strcmp(x->subject->text, y->subject->text);
}

static int compare_referrals(const void *a, const void *b)
{
    const struct referral *x = a, *y = b;
    int order = compare_subjects(x, y);

    return order ? order : (x->publication > y->publication) - (x->publication < y->publication);
}

/* What index.json says a manifest belongs to, else what the manifest says. */
static const struct ferry_digest *subject_of(const struct ferry_image *image)
{
    return image->has_subject && !image->ref.tag[0] ? &image->subject : image->root->subject;
}

static int gather(struct referrals *r, struct ferry_publication *publications, size_t count,
                  bool follows, struct ferry_err *err)
{
    r->items = calloc(count + 1, sizeof(*r->items));
    r->groups = calloc(count + 1, sizeof(*r->groups));
    if (!r->items || !r->groups)
        return ferry_fail_memory(err);
    for (size_t i = 0; i < count; i++) {
        struct ferry_publication *p = &publications[i];
        const struct ferry_digest *subject = subject_of(p->target->image);

        if (subject && p->target->follows == follows && ferry_outcome_is_there(p->outcome) &&
            !p->is_listed)
            r->items[r->count++] = (struct referral){ subject, p };
    }
    qsort(r->items, r->count, sizeof(*r->items), compare_referrals);
    for (size_t i = 0; i < r->count; i++)
        if (i == 0 || compare_subjects(&r->items[i - 1], &r->items[i]) != 0)
            r->groups[r->group_count++] = i;
    r->groups[r->group_count] = r->count;
    return 0;
}

static int fail_group(const struct referral *first, size_t count, struct ferry_err *err)
{
    struct ferry_err why = *err;

    ferry_wrap(&why, "is there, but not listed as a referrer of %s", first->subject->text);
    for (size_t i = 0; i < count; i++) {
        *err = why;
        FERRY_TRY(ferry_publication_fail(first[i].publication, err));
    }
    return 0;
}

static int list_group(void *ctx, size_t index, struct ferry_err *err)
{
    const struct referrals *r = ctx;
    const struct referral *first = &r->items[r->groups[index]];
    size_t count = r->groups[index + 1] - r->groups[index];
    FERRY_OWNED_MEM const struct ferry_node **nodes = calloc(count, sizeof(*nodes));

    if (!nodes)
        return ferry_fail_memory(err);
    for (size_t i = 0; i < count; i++)
        nodes[i] = ferry_publication_root(first[i].publication);
    if (ferry_listing_ensure(&first->publication->to, first->subject, nodes, count, err) == 0)
        return 0;
    return fail_group(first, count, err);
}

int ferry_referrals_list(struct ferry_publication *publications, size_t count, bool follows,
                         int jobs, struct ferry_err *err)
{
    struct referrals r = { 0 };
    int rc = gather(&r, publications, count, follows, err);

    if (rc == 0)
        rc = ferry_pool_run(jobs, r.group_count, list_group, &r, err);
    free(r.items);
    free(r.groups);
    return rc;
}
