#include "format/archive/volume_fault.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "format/archive/volume_sums.h"

enum ferry_volume_state ferry_volumes_state(const struct ferry_volumes *volumes, size_t place)
{
    const struct ferry_volume *v = ferry_volumes_get(volumes, place);

    if (v->is_surplus)
        return FERRY_VOLUME_SURPLUS;
    if (v->found < 0)
        return FERRY_VOLUME_MISSING;
    if (v->found != v->size)
        return v->found < v->size ? FERRY_VOLUME_CUT : FERRY_VOLUME_LONG;
    if (!v->sum.text[0] || !v->digest.text[0])
        return FERRY_VOLUME_UNCHECKED;
    return ferry_digest_equal(&v->sum, &v->digest) ? FERRY_VOLUME_GOOD : FERRY_VOLUME_WRONG;
}

const char *ferry_volume_state_text(enum ferry_volume_state state)
{
    static const char *const texts[] = {
        [FERRY_VOLUME_UNCHECKED] = "unchecked", [FERRY_VOLUME_GOOD] = "good",
        [FERRY_VOLUME_MISSING] = "missing",     [FERRY_VOLUME_CUT] = "cut",
        [FERRY_VOLUME_LONG] = "too long",       [FERRY_VOLUME_WRONG] = "wrong",
        [FERRY_VOLUME_SURPLUS] = "surplus"
    };

    return texts[state];
}

/* The volume that should hold what this one holds; NULL when none is known. */
static const struct ferry_volume *find_rightful(const struct ferry_volumes *volumes,
                                                const struct ferry_volume *v)
{
    for (size_t i = 0; v->digest.text[0] && i < ferry_volumes_count(volumes); i++)
        if (ferry_digest_equal(&ferry_volumes_get(volumes, i)->sum, &v->digest))
            return ferry_volumes_get(volumes, i);
    return NULL;
}

bool ferry_volumes_fault(const struct ferry_volumes *volumes, size_t place, char out[FERRY_ERR_MAX])
{
    const struct ferry_volume *v = ferry_volumes_get(volumes, place);
    const struct ferry_volume *rightful = find_rightful(volumes, v);
    enum ferry_volume_state state = ferry_volumes_state(volumes, place);

    if (state == FERRY_VOLUME_UNCHECKED || state == FERRY_VOLUME_GOOD)
        return false;
    if (state == FERRY_VOLUME_MISSING)
        snprintf(out, FERRY_ERR_MAX, "%s is missing", v->name);
    else if (rightful)
        snprintf(out, FERRY_ERR_MAX, "%s holds what %s should hold", v->name, rightful->name);
    else if (state == FERRY_VOLUME_SURPLUS)
        snprintf(out, FERRY_ERR_MAX,
                 "%s is none of the volumes in the sums file: it is of another set, and has to go",
                 v->name);
    else if (!v->sum.text[0])
        snprintf(out, FERRY_ERR_MAX, "%s is empty", v->name);
    else if (state == FERRY_VOLUME_WRONG)
        snprintf(out, FERRY_ERR_MAX,
                 "%s has other bytes than the sums file says: it is damaged, or of another set",
                 v->name);
    else
        snprintf(out, FERRY_ERR_MAX,
                 "%s has %" PRId64 " bytes, and the sums file says %" PRId64
                 ": it is %s, or of another set",
                 v->name, v->found, v->size, ferry_volume_state_text(state));
    return true;
}

/* How many volumes from `place` on are missing. */
static size_t count_missing(const struct ferry_volumes *volumes, size_t place)
{
    size_t end = place;

    while (end < ferry_volumes_count(volumes) &&
           ferry_volumes_state(volumes, end) == FERRY_VOLUME_MISSING)
        end++;
    return end - place;
}

/* The fault of the volume at *place, or that of a run of them; *place is moved to the last. */
static bool describe_run(const struct ferry_volumes *volumes, size_t *place,
                         char out[FERRY_ERR_MAX])
{
    size_t missing = count_missing(volumes, *place);

    if (missing < 2)
        return ferry_volumes_fault(volumes, *place, out);
    snprintf(out, FERRY_ERR_MAX, "%s to %s are missing", ferry_volumes_get(volumes, *place)->name,
             ferry_volumes_get(volumes, *place + missing - 1)->name);
    *place += missing - 1;
    return true;
}

int ferry_volumes_refuse(const struct ferry_volumes *volumes, struct ferry_err *err)
{
    FERRY_OWNED_BUF all;
    char one[FERRY_ERR_MAX];

    ferry_buf_init(&all, SIZE_MAX);
    for (size_t i = 0; i < ferry_volumes_count(volumes); i++)
        if (describe_run(volumes, &i, one))
            FERRY_TRY(ferry_buf_print(&all, err, "%s%s", all.len > 0 ? "; " : "", one));
    return all.len > 0 ? ferry_fail(err, FERRY_EFORMAT, "%s", (char *)all.data) : 0;
}

/* What the sums file says of the volumes from `first` to `last`: adds what is wrong. */
static int find_wrong(struct ferry_volumes *volumes, size_t first, size_t last,
                      struct ferry_buf *out, struct ferry_err *err)
{
    char one[FERRY_ERR_MAX];

    for (size_t i = first; i <= last; i++) {
        if (ferry_volumes_get(volumes, i)->sum.text[0])
            FERRY_TRY(ferry_volumes_hash(volumes, i, err));
        if (ferry_volumes_fault(volumes, i, one))
            FERRY_TRY(ferry_buf_print(out, err, "%s%s", out->len > 0 ? "; " : "", one));
    }
    return 0;
}

/* Nobody knows how many there should be: it may be that one more is missing. */
static bool blame_end(const struct ferry_volumes *volumes, struct ferry_err *err)
{
    size_t count = ferry_volumes_count(volumes);
    const struct ferry_volume *last = ferry_volumes_get(volumes, count - 1);
    char suffix[FERRY_VOLUME_TEXT_MAX];

    if (last->sum.text[0])
        return false;
    ferry_wrap(err, "%s is the last volume that is there; is %s missing?", last->name,
               ferry_volume_suffix(count, suffix));
    return true;
}

/* Says which of these volumes are wrong; or, if that cannot be told, just that these are meant. */
static void blame_volumes(struct ferry_volumes *volumes, size_t first, size_t last,
                          struct ferry_err *err)
{
    const char *from = ferry_volumes_get(volumes, first)->name;
    const char *to = ferry_volumes_get(volumes, last)->name;
    struct ferry_err ignored;
    FERRY_OWNED_BUF wrong;

    ferry_buf_init(&wrong, FERRY_ERR_MAX);
    if (find_wrong(volumes, first, last, &wrong, &ignored) == 0 && wrong.len > 0)
        ferry_wrap(err, "%s", (char *)wrong.data);
    else if (first == last)
        ferry_wrap(err, "in %s", from);
    else
        ferry_wrap(err, "in %s to %s", from, to);
}

void ferry_volumes_blame(struct ferry_volumes *volumes, int64_t first, int64_t end,
                         struct ferry_err *err)
{
    int64_t size = ferry_volumes_size(volumes);

    if (!ferry_volumes_is_set(volumes) || (end >= size && blame_end(volumes, err)))
        return;
    if (ferry_volumes_watched(volumes)) /* who watches hears of all */
        return;
    first = first < 0 ? 0 : first < size ? first : size - 1;
    end = end < size ? end : size;
    blame_volumes(volumes, ferry_volumes_find(volumes, first),
                  ferry_volumes_find(volumes, end > first ? end - 1 : first), err);
}
