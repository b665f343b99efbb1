#include "export/pins.h"

#include <string.h>

#include "export/pull.h"
#include "format/run/pool.h"

/* What is known of a reference; of one that is no pin, nothing. */
struct pin {
    struct ferry_reference *ref;
    bool is_given;
    bool is_pin;   /* its tag is asked for */
    bool is_there; /* the tag is, and means: */
    struct ferry_digest now;
    bool is_unnamed; /* another has its name */
    struct ferry_err failure;
};

struct pins {
    struct ferry_session *session;
    const struct ferry_failures *failures;
    struct pin *items;   /* of all references */
    struct pin **tagged; /* those with a tag, by name */
    size_t tagged_count;
    struct pin **asked; /* the pins among them */
    size_t asked_count;
};

static void pins_release(struct pins *p)
{
    free(p->items);
    free(p->tagged);
    free(p->asked);
}

/* By name; of one name that by the tag alone comes first, then as they were named. */
static int compare_names(const void *a, const void *b)
{
    const struct pin *x = *(const struct pin *const *)a, *y = *(const struct pin *const *)b;
    struct ferry_reference left = *x->ref, right = *y->ref;
    int order;

    left.has_digest = right.has_digest = false;
    order = ferry_reference_compare(&left, &right);
    if (order == 0)
        order = x->ref->has_digest - y->ref->has_digest;
    return order != 0 ? order : (x > y) - (x < y);
}

/* How many of the tagged have the name of the first of these. */
static size_t count_group(const struct pins *p, size_t first)
{
    size_t count = 1;

    while (first + count < p->tagged_count &&
           ferry_reference_compare_name(p->tagged[first]->ref, p->tagged[first + count]->ref) == 0)
        count++;
    return count;
}

/* Who is to be asked for: a tag that is given is nobody's, unless another has it too. */
static void choose(struct pins *p)
{
    for (size_t first = 0, count; first < p->tagged_count; first += count) {
        count = count_group(p, first);
        for (size_t i = first; i < first + count; i++) {
            struct pin *pin = p->tagged[i];

            pin->is_pin = pin->ref->has_digest && (!pin->is_given || count > 1);
            if (pin->is_pin)
                p->asked[p->asked_count++] = pin;
        }
    }
}

static int gather(struct pins *p, struct ferry_references *refs, struct ferry_err *err)
{
    p->items = calloc(refs->count + 1, sizeof(*p->items));
    p->tagged = calloc(refs->count + 1, sizeof(struct pin *));
    p->asked = calloc(refs->count + 1, sizeof(struct pin *));
    if (!p->items || !p->tagged || !p->asked)
        return ferry_fail_memory(err);
    for (size_t i = 0; i < refs->count; i++) {
        struct pin *pin = &p->items[i];

        *pin = (struct pin){ .ref = &refs->items[i], .is_given = i >= refs->count - refs->given };
        if (pin->ref->tag[0])
            p->tagged[p->tagged_count++] = pin;
    }
    qsort(p->tagged, p->tagged_count, sizeof(struct pin *), compare_names);
    choose(p);
    return 0;
}

static int ask(void *ctx, size_t index, struct ferry_err *err)
{
    const struct pins *p = ctx;
    struct pin *pin = p->asked[index];

    if (ferry_pull_digest(p->session, pin->ref, &pin->now, &pin->is_there, err) == 0)
        return 0;
    if (!ferry_failures_permit(p->failures, err))
        return (int)err->code;
    pin->failure = *err;
    return 0;
}

static bool is_current(const struct pin *pin)
{
    return pin->is_pin && pin->is_there && ferry_digest_equal(&pin->now, &pin->ref->digest);
}

/* --- names ------------------------------------------------------------------------------------ */

/* `group` has one name. The tag alone stands for the pin that is what the tag means. */
static void settle_name(struct pin **group, size_t count)
{
    size_t keeper = 0;

    for (size_t i = count; i-- > 0;)
        if (is_current(group[i]))
            keeper = i;
    if (!group[0]->is_pin)
        *group[0]->ref = *group[keeper]->ref;
    for (size_t i = 0; i < count; i++)
        group[i]->is_unnamed = group[i]->is_pin && i != keeper;
}

/* Of those whose tag could be asked for. */
static void settle_names(struct pins *p)
{
    size_t kept = 0;

    for (size_t i = 0; i < p->tagged_count; i++)
        if (p->tagged[i]->failure.code == FERRY_OK)
            p->tagged[kept++] = p->tagged[i];
    p->tagged_count = kept;
    for (size_t first = 0, count; first < p->tagged_count; first += count) {
        count = count_group(p, first);
        if (count > 1)
            settle_name(&p->tagged[first], count);
    }
}

/* --- what comes of it ------------------------------------------------------------------------- */

static void tell_moved(const struct pin *pin, const char *name, struct ferry_progress *progress)
{
    ferry_progress_warn(
        progress, "%s: its tag %s%s%s", name, pin->is_there ? "has moved to " : "is gone",
        pin->is_there ? pin->now.text : "",
        pin->is_unnamed ? ": it goes by its digest alone, since another image has that name" : "");
}

static int finish(struct pins *p, struct ferry_references *refs, struct ferry_failures *failures,
                  size_t *moved, struct ferry_err *err)
{
    size_t kept = 0;

    for (size_t i = 0; i < refs->count; i++) {
        struct pin *pin = &p->items[i];
        char name[FERRY_REFERENCE_TEXT_MAX];

        ferry_reference_format(pin->ref, name);
        if (pin->failure.code != FERRY_OK) {
            *err = pin->failure;
            FERRY_TRY(ferry_failures_add(failures, name, err));
            continue;
        }
        if (pin->is_pin && !is_current(pin)) {
            tell_moved(pin, name, failures->progress);
            ++*moved;
        }
        refs->items[kept] = *pin->ref;
        if (pin->is_unnamed)
            refs->items[kept].tag[0] = '\0';
        kept++;
    }
    refs->count = kept;
    refs->given = 0; /* a name is a name from here on */
    return ferry_references_unique(refs, err);
}

int ferry_pins_check(struct ferry_session *session, int jobs, struct ferry_references *refs,
                     struct ferry_failures *failures, size_t *moved, struct ferry_err *err)
{
    __attribute__((cleanup(pins_release))) struct pins p = { .session = session,
                                                             .failures = failures };

    *moved = 0;
    FERRY_TRY(gather(&p, refs, err));
    FERRY_TRY(ferry_pool_run(jobs, p.asked_count, ask, &p, err));
    settle_names(&p);
    return finish(&p, refs, failures, moved, err);
}
