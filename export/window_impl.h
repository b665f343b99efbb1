/*
 * What window.c (the window and its reader), window_slots.c (which segment is whose) and
 * window_fetch.c (how one arrives) share.
 *
 * Who has a slot has its `filled` and `data`: a worker while it is FILLING, the reader while it is
 * FULL. All else is under the lock, which the functions below take themselves where nothing else is
 * said.
 */
#ifndef FERRY_EXPORT_WINDOW_IMPL_H
#define FERRY_EXPORT_WINDOW_IMPL_H

#include <pthread.h>

#include "export/places.h"
#include "export/window.h"

enum ferry_slot_state {
    FERRY_SLOT_WAITING, /* for a worker */
    FERRY_SLOT_FILLING, /* one worker's */
    FERRY_SLOT_FULL     /* the reader's */
};

/* One segment in the window. They go round: segment n is in slot n % slot_count. */
struct ferry_slot {
    enum ferry_slot_state state;
    uint64_t segment;
    size_t blob;    /* its place in options.blobs */
    int64_t offset; /* in the blob */
    size_t len, filled;
    uint8_t *data;
};

/* How a blob arrives. */
enum ferry_way {
    FERRY_WAY_RANGES,     /* every segment by itself */
    FERRY_WAY_WHOLE,      /* the server ignores ranges: one worker reads it from its first byte */
    FERRY_WAY_WHOLE_TAKEN /* that worker is at it */
};

struct ferry_window {
    struct ferry_window_options options;
    pthread_mutex_t lock; /* of all that follows, but not of `filled` and `data` of a slot that is
                             FILLING or FULL */
    pthread_cond_t work;  /* a slot may be WAITING, or the window ends */
    pthread_cond_t full;  /* a slot became FULL, or the window failed */
    struct ferry_slot *slots;
    size_t slot_count;
    size_t segment;     /* bytes of the next one; options.segment is the most */
    bool adapts;        /* it changes */
    uint64_t assigned;  /* segments that were given a slot so far */
    uint64_t read;      /* segments that were read so far */
    size_t assign_blob; /* the next segment to be assigned */
    int64_t assign_offset;
    uint8_t *ways; /* enum ferry_way, by blob */
    struct ferry_places *places;
    size_t read_blob; /* the next blob for the reader */
    bool ending;
    struct ferry_err failure; /* FERRY_OK until something fails, */
    size_t failed_blob;       /* with this blob */
    pthread_t *threads;
    size_t thread_count;
};

static inline struct ferry_slot *ferry_window_slot(struct ferry_window *w, uint64_t segment)
{
    return &w->slots[segment % w->slot_count];
}

static inline const struct ferry_node *ferry_window_node(const struct ferry_window *w, size_t blob)
{
    return w->options.blobs[blob];
}

static inline const struct ferry_image *ferry_window_image(const struct ferry_window *w,
                                                           size_t blob)
{
    return &w->options.graph->images[ferry_window_node(w, blob)->first_image];
}

/* Under the lock: gives slots to the segments that the window has room for. */
void ferry_window_assign(struct ferry_window *w);

/* Nobody takes a segment any more. `why`: the failure of `blob`, of which the first counts; or
 * NULL. */
void ferry_window_end(struct ferry_window *w, const struct ferry_err *why, size_t blob);

/* Waits for a segment to fetch; its slot is the caller's. NULL when the window ends. */
struct ferry_slot *ferry_window_take(struct ferry_window *w);

/* One segment of `len` bytes was `took_ms` in coming, `waited_ms` after it was asked for: whether
 * the next ones should be longer or shorter. */
void ferry_window_adapt(struct ferry_window *w, size_t len, int64_t waited_ms, int64_t took_ms);

/* It is the reader's now. */
void ferry_window_set_full(struct ferry_window *w, struct ferry_slot *slot);

/* The server has answered with the whole blob. One worker reads it, the one with the first segment
 * that is missing; any other puts its segment back (false), for that one to fill. */
bool ferry_window_claim_whole(struct ferry_window *w, struct ferry_slot *slot);

/* Before a new attempt, which claims the blob again. */
void ferry_window_give_up_whole(struct ferry_window *w, size_t blob);

/* Goes on from `slot`, which is full, to the segment behind it, as soon as the window has room for
 * that. NULL when there is nothing to go on with: the window ends, or somebody got that segment by
 * its range. */
struct ferry_slot *ferry_window_advance(struct ferry_window *w, struct ferry_slot *slot);

/* Fills `slot`, and what comes in the same body. Fails: naming image and blob. */
int ferry_window_fetch(struct ferry_window *w, struct ferry_slot *slot,
                       struct ferry_err *err) FERRY_MUST_USE;

#endif
