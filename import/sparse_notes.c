#include "import/sparse_notes.h"

#include <stdio.h>
#include <string.h>

#include "import/sparse.h"

static const char *missing_text(const struct ferry_push_plan *plan,
                                const struct ferry_target *target,
                                char out[FERRY_LEFT_OUT_TEXT_MAX])
{
    struct ferry_err ignored;

    return ferry_sparse_missing(plan, target, out, &ignored) < 0 ? "other platforms" : out;
}

static const char *trimmed_digest(const struct ferry_push_plan *plan,
                                  const struct ferry_target *target)
{
    return ferry_trims_of(plan->trims, target->image->root)->descriptor.digest.text;
}

static bool belongs_to(const struct ferry_target *companion, const struct ferry_target *target)
{
    return companion->follows && strcmp(companion->ref.repository, target->ref.repository) == 0 &&
           ferry_digest_equal(&companion->image->subject, &target->image->root->descriptor.digest);
}

/* The tags and digests of what belongs to the image; of very many the first. Gives their number. */
static size_t list_companions(const struct ferry_push_plan *plan, const struct ferry_target *target,
                              char out[FERRY_LEFT_OUT_TEXT_MAX])
{
    size_t count = 0, len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < plan->target_count; i++) {
        const char *name = ferry_reference_selector(&plan->targets[i].ref);

        if (!belongs_to(&plan->targets[i], target))
            continue;
        count++;
        if (len + strlen(name) + sizeof(", , ...") <= FERRY_LEFT_OUT_TEXT_MAX)
            len += (size_t)snprintf(out + len, FERRY_LEFT_OUT_TEXT_MAX - len, "%s%s",
                                    len ? ", " : "", name);
        else if (len < FERRY_LEFT_OUT_TEXT_MAX - sizeof(", ..."))
            snprintf(out + len, FERRY_LEFT_OUT_TEXT_MAX - len, ", ...");
    }
    return count;
}

/* Says of one image that it is another index now. Gives the number of companions that it named. */
static size_t say_trimmed(const struct ferry_push_plan *plan, size_t place,
                          struct ferry_progress *progress)
{
    const struct ferry_target *target = &plan->targets[place];
    const char *digest = target->image->root->descriptor.digest.text;
    const bool has_original = plan->outcomes[place].has_original;
    char name[FERRY_REFERENCE_TEXT_MAX], text[FERRY_LEFT_OUT_TEXT_MAX];
    size_t count;

    ferry_reference_format(&target->ref, name);
    ferry_progress_warn(progress, "%s is %s in place of %s%s: without %s", name,
                        trimmed_digest(plan, target), digest,
                        plan->sparse == FERRY_SPARSE_AUTO ? ", which the registry refuses" : "",
                        missing_text(plan, target, text));
    count = list_companions(plan, target, text);
    if (count > 0)
        ferry_progress_warn(progress,
                            "%s: %zu referrer%s (signatures and the like) of %s %s, and do%s not "
                            "apply to the index in its place: %s",
                            name, count, ferry_plural(count), digest,
                            has_original ? count == 1 ? "is there" : "are there"
                            : count == 1 ? "is left out"
                                         : "are left out",
                            count == 1 ? "es" : "", text);
    return has_original ? 0 : count;
}

/* It is what it was, and some of it cannot be pulled. */
static void say_kept(const struct ferry_push_plan *plan, const struct ferry_target *target,
                     struct ferry_progress *progress)
{
    char name[FERRY_REFERENCE_TEXT_MAX], text[FERRY_LEFT_OUT_TEXT_MAX];

    ferry_reference_format(&target->ref, name);
    if (plan->graph->is_ours)
        ferry_progress_say(progress, "%s: the archive leaves out %s", name,
                           missing_text(plan, target, text));
    else
        ferry_progress_warn(progress, "%s: its index lists %s, which the archive has not", name,
                            missing_text(plan, target, text));
}

void ferry_sparse_say(const struct ferry_push_plan *plan, struct ferry_progress *progress)
{
    size_t left_out = 0, named = 0;

    for (size_t i = 0; i < plan->target_count; i++) {
        const struct ferry_target *target = &plan->targets[i];
        const struct ferry_outcome *outcome = &plan->outcomes[i];

        left_out += outcome->kind == FERRY_OUTCOME_LEFT_OUT;
        if (!ferry_sparse_is(plan, target) || !ferry_outcome_is_there(outcome))
            continue;
        if (outcome->is_trimmed)
            named += say_trimmed(plan, i, progress);
        else
            say_kept(plan, target, progress);
    }
    if (left_out > named)
        ferry_progress_warn(progress, "%zu %sreferrer%s left out: what they belong to is not there",
                            left_out - named, named ? "more " : "",
                            left_out - named == 1 ? " is" : "s are");
}

void ferry_sparse_foretell(const struct ferry_push_plan *plan, struct ferry_progress *progress)
{
    for (size_t i = 0; i < plan->target_count; i++) {
        const struct ferry_target *target = &plan->targets[i];
        char text[FERRY_LEFT_OUT_TEXT_MAX];

        if (!ferry_sparse_is(plan, target) || plan->outcomes[i].kind != FERRY_OUTCOME_NONE)
            continue;
        ferry_progress_warn(progress, "%s: its index lists %s, which the archive leaves out; %s%s",
                            target->image->name, missing_text(plan, target, text),
                            plan->sparse == FERRY_SPARSE_KEEP ? "it would be pushed as it is"
                            : plan->sparse == FERRY_SPARSE_TRIM
                                ? "in its place would be pushed "
                                : "where the registry refuses it, in its place would be pushed ",
                            plan->sparse == FERRY_SPARSE_KEEP ? "" : trimmed_digest(plan, target));
    }
}
