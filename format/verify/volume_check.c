#include "format/verify/volume_check.h"

#include <stdio.h>
#include <string.h>

static struct ferry_volumes *volumes_of(const struct ferry_volume_check *c)
{
    struct ferry_volumes *v = ferry_reader_volumes(c->reader);

    return v && ferry_volumes_is_set(v) ? v : NULL;
}

static int tell(const struct ferry_volume_check *c, size_t place, struct ferry_err *err)
{
    char text[FERRY_ERR_MAX];

    return ferry_volumes_fault(volumes_of(c), place, text) ? c->tell(c->ctx, text, err) : 0;
}

/* Whether its size alone says that something is wrong. */
static bool has_size_fault(const struct ferry_volumes *v, size_t place)
{
    switch (ferry_volumes_state(v, place)) {
    case FERRY_VOLUME_UNCHECKED:
    case FERRY_VOLUME_GOOD:
    case FERRY_VOLUME_WRONG:
        return false;
    default:
        return true;
    }
}

int ferry_volume_check_begin(const struct ferry_volume_check *check, struct ferry_err *err)
{
    struct ferry_volumes *v = volumes_of(check);

    for (size_t i = 0; v && i < ferry_volumes_count(v); i++) {
        if (!has_size_fault(v, i))
            continue;
        if (check->bytes) /* whose bytes are they? */
            FERRY_TRY(ferry_volumes_hash(v, i, err));
        FERRY_TRY(tell(check, i, err));
    }
    return 0;
}

int ferry_volume_check_watch(const struct ferry_volume_check *check, struct ferry_err *err)
{
    struct ferry_volumes *v = volumes_of(check);

    return v && check->bytes ? ferry_volumes_watch(v, err) : 0;
}

bool ferry_volume_check_explains(const struct ferry_volume_check *check, const char *text)
{
    const struct ferry_volumes *v = volumes_of(check);

    for (size_t i = 0; v && i < ferry_volumes_count(v); i++) {
        enum ferry_volume_state state = ferry_volumes_state(v, i);

        if ((state == FERRY_VOLUME_MISSING || state == FERRY_VOLUME_CUT) &&
            strstr(text, ferry_volumes_get(v, i)->name))
            return true;
    }
    return false;
}

/* What the pass did not come to. Of volumes that are asked for, none is once the pass broke off. */
static int hash_rest(const struct ferry_volume_check *c, bool reached_end, struct ferry_err *err)
{
    struct ferry_volumes *v = volumes_of(c);
    size_t count = ferry_volumes_count(v), left = 0;

    if (!c->bytes || (!reached_end && !ferry_reader_can_restart(c->reader)))
        return 0;
    for (size_t i = 0; i < count; i++)
        left += ferry_volumes_state(v, i) == FERRY_VOLUME_UNCHECKED;
    if (left > 1) /* more than a tail */
        ferry_progress_phase(c->progress, "verifying the other volumes", -1, (int64_t)left);
    for (size_t i = 0; i < count; i++) {
        if (ferry_volumes_state(v, i) != FERRY_VOLUME_UNCHECKED)
            continue;
        FERRY_TRY(ferry_volumes_hash(v, i, err));
        ferry_progress_add(c->progress, 0, 1);
    }
    return 0;
}

static int report(const struct ferry_volume_check *c, size_t place,
                  struct ferry_volume_results *out, struct ferry_err *err)
{
    const struct ferry_volume *volume = ferry_volumes_get(volumes_of(c), place);
    struct ferry_volume_result result = { .archive = c->archive,
                                          .bytes = volume->found < 0 ? volume->size : volume->found,
                                          .state = ferry_volumes_state(volumes_of(c), place) };

    if (volume->digest.text[0])
        snprintf(result.sha256, sizeof(result.sha256), "%s", ferry_digest_hex(&volume->digest));
    FERRY_TRY(ferry_grow((void **)&out->items, out->count, &out->room, sizeof(*out->items), err));
    FERRY_TRY(ferry_text(&result.file, err, "%s", volume->name));
    ferry_text_clean(result.file);
    out->items[out->count++] = result;
    return 0;
}

int ferry_volume_check_end(const struct ferry_volume_check *check, bool reached_end,
                           struct ferry_volume_results *out, struct ferry_err *err)
{
    struct ferry_volumes *v = volumes_of(check);

    if (!v)
        return 0;
    FERRY_TRY(hash_rest(check, reached_end, err));
    for (size_t i = 0; i < ferry_volumes_count(v); i++) {
        /* Of those that are asked for, nothing was known before the pass. */
        if (!has_size_fault(v, i) || !ferry_reader_can_restart(check->reader))
            FERRY_TRY(tell(check, i, err));
        FERRY_TRY(report(check, i, out, err));
    }
    return 0;
}

void ferry_volume_results_release(struct ferry_volume_results *results)
{
    for (size_t i = 0; i < results->count; i++)
        free(results->items[i].file);
    free(results->items);
    *results = (struct ferry_volume_results){ 0 };
}
