#include "export/places.h"

#include <pthread.h>
#include <string.h>

#include "export/pull.h"
#include "format/registry/origin.h"

/* Of what a place said; an error has room for a few of them. */
#define SAID_MAX 200

struct place {
    size_t at;
    char *said; /* what went wrong so far, "...; ..."; NULL for nothing */
};

struct ferry_places {
    struct ferry_node *const *blobs;
    size_t count;
    pthread_mutex_t lock; /* of the list: */
    struct place *list;   /* by blob */
};

int ferry_places_new(struct ferry_node *const *blobs, size_t count, struct ferry_places **out,
                     struct ferry_err *err)
{
    FERRY_OWNED(ferry_places) places = calloc(1, sizeof(*places));

    if (!places)
        return ferry_fail_memory(err);
    pthread_mutex_init(&places->lock, NULL);
    places->blobs = blobs;
    places->list = calloc(count + 1, sizeof(*places->list));
    if (!places->list)
        return ferry_fail_memory(err);
    places->count = count;
    *out = ferry_steal(&places);
    return 0;
}

void ferry_places_free(struct ferry_places *places)
{
    if (!places)
        return;
    for (size_t i = 0; i < places->count; i++)
        free(places->list[i].said);
    pthread_mutex_destroy(&places->lock);
    free(places->list);
    free(places);
}

size_t ferry_places_at(struct ferry_places *places, size_t blob)
{
    size_t at;

    pthread_mutex_lock(&places->lock);
    at = places->list[blob].at;
    pthread_mutex_unlock(&places->lock);
    return at;
}

/* What would go wrong anywhere is nothing that another place could mend. */
static bool blames_place(enum ferry_code code)
{
    return code != FERRY_ENOMEM && code != FERRY_ECANCEL && code != FERRY_EIO &&
           code != FERRY_EUSAGE;
}

/* Adds what this place said. A URL that is none is named by its failure, and may hold a password.
 */
static int add_said(struct place *p, const struct ferry_node *node, size_t place,
                    const struct ferry_err *why, struct ferry_err *err)
{
    const char *url = place > 0 ? node->descriptor.urls[place - 1] : "the registry";
    struct ferry_origin origin;
    struct ferry_err ignored;
    FERRY_OWNED_MEM char *before = ferry_steal(&p->said);
    bool is_named = place == 0 || ferry_origin_of(url, &origin, &ignored) == 0;

    return ferry_text(&p->said, err, "%s%s%.*s%s%.*s", before ? before : "", before ? "; " : "",
                      is_named ? ferry_url_shown(url) : 0, url, is_named ? ": " : "", SAID_MAX,
                      why->msg);
}

/* With the lock. */
static bool next(struct place *p, const struct ferry_node *node, size_t place,
                 struct ferry_err *err)
{
    const struct ferry_err why = *err;

    if (p->at != place) /* another worker met the same, and has moved on */
        return true;
    if (add_said(p, node, place, &why, err) < 0)
        return false;
    if (place + 1 < ferry_pull_places(node)) {
        p->at++;
        return true;
    }
    ferry_fail(err, why.code, "blob %s: a foreign layer that is nowhere to be had: %s",
               node->descriptor.digest.text, p->said);
    return false;
}

bool ferry_places_next(struct ferry_places *places, size_t blob, size_t place,
                       struct ferry_err *err)
{
    const struct ferry_node *node = places->blobs[blob];
    bool again;

    if (!blames_place(err->code) || ferry_pull_places(node) == 1)
        return false;
    pthread_mutex_lock(&places->lock);
    again = next(&places->list[blob], node, place, err);
    pthread_mutex_unlock(&places->lock);
    return again;
}
