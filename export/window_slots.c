#include <string.h>

#include "export/window_impl.h"

#define ENOUGH_MS 100

/* A blob of no bytes has no segments. */
void ferry_window_assign(struct ferry_window *w)
{
    while (w->assigned < w->read + w->slot_count && w->assign_blob < w->options.count) {
        int64_t left = ferry_window_node(w, w->assign_blob)->descriptor.size - w->assign_offset;
        struct ferry_slot *slot = ferry_window_slot(w, w->assigned);

        if (left == 0) {
            w->assign_blob++;
            w->assign_offset = 0;
            continue;
        }
        slot->state = FERRY_SLOT_WAITING;
        slot->segment = w->assigned++;
        slot->blob = w->assign_blob;
        slot->offset = w->assign_offset;
        slot->len = left < (int64_t)w->segment ? (size_t)left : w->segment;
        slot->filled = 0;
        w->assign_offset += (int64_t)slot->len;
    }
    pthread_cond_broadcast(&w->work);
}

void ferry_window_end(struct ferry_window *w, const struct ferry_err *why, size_t blob)
{
    pthread_mutex_lock(&w->lock);
    if (why && w->failure.code == FERRY_OK) {
        w->failure = *why;
        w->failed_blob = blob;
    }
    w->ending = true;
    pthread_cond_broadcast(&w->work);
    pthread_cond_broadcast(&w->full);
    pthread_mutex_unlock(&w->lock);
}

/*
 * Under the lock: the first segment that a worker may begin. Of a blob that comes whole that is the
 * first one that is missing; the others follow in the same body.
 */
static struct ferry_slot *find_work(struct ferry_window *w)
{
    size_t missing = SIZE_MAX; /* the blob of a segment that somebody is at */

    for (uint64_t segment = w->read; segment < w->assigned; segment++) {
        struct ferry_slot *slot = ferry_window_slot(w, segment);
        enum ferry_way way = w->ways[slot->blob];

        if (slot->state == FERRY_SLOT_WAITING &&
            (way == FERRY_WAY_RANGES || (way == FERRY_WAY_WHOLE && slot->blob != missing)))
            return slot;
        if (slot->state != FERRY_SLOT_FULL)
            missing = slot->blob;
    }
    return NULL;
}

struct ferry_slot *ferry_window_take(struct ferry_window *w)
{
    struct ferry_slot *slot = NULL;

    pthread_mutex_lock(&w->lock);
    while (!w->ending && !(slot = find_work(w)))
        pthread_cond_wait(&w->work, &w->lock);
    if (w->ending)
        slot = NULL;
    if (slot)
        slot->state = FERRY_SLOT_FILLING;
    pthread_mutex_unlock(&w->lock);
    return slot;
}

/*
 * A request costs little once its bytes take a tenth of a second and four times as long as the
 * waiting for them; four times as many bytes as that would only be lost by a kill. Of another size
 * than the present one there is nothing to learn: all that were in flight together change it once.
 */
void ferry_window_adapt(struct ferry_window *w, size_t len, int64_t waited_ms, int64_t took_ms)
{
    const int64_t enough_ms = waited_ms * 4 > ENOUGH_MS ? waited_ms * 4 : ENOUGH_MS;

    pthread_mutex_lock(&w->lock);
    if (w->adapts && len == w->segment) {
        if (took_ms < enough_ms && w->segment < FERRY_SEGMENT_LARGEST)
            w->segment *= 2;
        else if (took_ms > enough_ms * 4 && w->segment > FERRY_SEGMENT_SMALLEST)
            w->segment /= 2;
    }
    pthread_mutex_unlock(&w->lock);
}

void ferry_window_set_full(struct ferry_window *w, struct ferry_slot *slot)
{
    pthread_mutex_lock(&w->lock);
    slot->state = FERRY_SLOT_FULL;
    pthread_cond_signal(&w->full);
    pthread_mutex_unlock(&w->lock);
}

/* Whether what one server did says something of the other blob as well. */
static bool are_served_alike(const struct ferry_window *w, size_t a, size_t b)
{
    return !ferry_window_node(w, a)->descriptor.urls && !ferry_window_node(w, b)->descriptor.urls &&
           strcmp(ferry_window_image(w, a)->ref.registry, ferry_window_image(w, b)->ref.registry) ==
               0;
}

/* Under the lock: this blob, and those after it from the same registry, come whole. */
static void learn_whole(struct ferry_window *w, size_t blob)
{
    for (size_t i = blob; i < w->options.count; i++)
        if (w->ways[i] == FERRY_WAY_RANGES && (i == blob || are_served_alike(w, i, blob)))
            w->ways[i] = FERRY_WAY_WHOLE;
}

bool ferry_window_claim_whole(struct ferry_window *w, struct ferry_slot *slot)
{
    bool mine;

    pthread_mutex_lock(&w->lock);
    learn_whole(w, slot->blob);
    mine = w->ways[slot->blob] != FERRY_WAY_WHOLE_TAKEN;
    for (uint64_t segment = w->read; segment < slot->segment; segment++)
        if (ferry_window_slot(w, segment)->blob == slot->blob &&
            ferry_window_slot(w, segment)->state != FERRY_SLOT_FULL)
            mine = false;
    if (mine) {
        w->ways[slot->blob] = FERRY_WAY_WHOLE_TAKEN;
    } else {
        slot->filled = 0;
        slot->state = FERRY_SLOT_WAITING;
        pthread_cond_broadcast(&w->work);
    }
    pthread_mutex_unlock(&w->lock);
    return mine;
}

void ferry_window_give_up_whole(struct ferry_window *w, size_t blob)
{
    pthread_mutex_lock(&w->lock);
    w->ways[blob] = FERRY_WAY_WHOLE;
    pthread_mutex_unlock(&w->lock);
}

struct ferry_slot *ferry_window_advance(struct ferry_window *w, struct ferry_slot *slot)
{
    uint64_t next = slot->segment + 1;
    size_t blob = slot->blob;
    struct ferry_slot *behind = ferry_window_slot(w, next), *found = NULL;

    pthread_mutex_lock(&w->lock);
    slot->state = FERRY_SLOT_FULL;
    pthread_cond_signal(&w->full);
    /* Somebody else's segment may also be read, and its slot another's, before this one looks. */
    while (!w->ending && (next >= w->assigned ||
                          (behind->segment == next && behind->state == FERRY_SLOT_FILLING)))
        pthread_cond_wait(&w->work, &w->lock);
    if (!w->ending && behind->segment == next && behind->state == FERRY_SLOT_WAITING)
        found = behind;
    if (found) {
        found->state = FERRY_SLOT_FILLING;
    } else {
        w->ways[blob] = FERRY_WAY_WHOLE;
        pthread_cond_broadcast(&w->work);
    }
    pthread_mutex_unlock(&w->lock);
    return found;
}
