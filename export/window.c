#include "export/window.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#include "export/places.h"
#include "export/pull.h"
#include "format/core/blob_impl.h"
#include "format/core/thread.h"
#include "format/registry/retry.h"

#define PROGRESS_PARTS 32 /* of a segment: who moves less than one makes no progress */

enum slot_state {
    SLOT_WAITING, /* for a worker */
    SLOT_FILLING, /* one worker's */
    SLOT_FULL     /* the reader's */
};

/* One segment in the window. They go round: segment n is in slot n % slot_count. */
struct slot {
    enum slot_state state;
    uint64_t segment;
    size_t blob;    /* its place in options.blobs */
    int64_t offset; /* in the blob */
    size_t len, filled;
    uint8_t *data;
};

/* How a blob arrives. */
enum way {
    WAY_RANGES,     /* every segment by itself */
    WAY_WHOLE,      /* the server ignores ranges: one worker reads it from its first byte */
    WAY_WHOLE_TAKEN /* that worker is at it */
};

struct ferry_window {
    struct ferry_window_options options;
    pthread_mutex_t lock; /* of all that follows, but not of `filled` and `data` of a slot that is
                             FILLING or FULL */
    pthread_cond_t work;  /* a slot may be WAITING, or the window ends */
    pthread_cond_t full;  /* a slot became FULL, or the window failed */
    struct slot *slots;
    size_t slot_count;
    uint64_t assigned;  /* segments that were given a slot so far */
    uint64_t read;      /* segments that were read so far */
    size_t assign_blob; /* the next segment to be assigned */
    int64_t assign_offset;
    uint8_t *ways; /* enum way, by blob */
    struct ferry_places *places;
    size_t read_blob; /* the next blob for the reader */
    bool ending;
    struct ferry_err failure; /* FERRY_OK until something fails, */
    size_t failed_blob;       /* with this blob */
    pthread_t *threads;
    size_t thread_count;
};

static struct slot *slot_of(struct ferry_window *w, uint64_t segment)
{
    return &w->slots[segment % w->slot_count];
}

static const struct ferry_node *node_of(const struct ferry_window *w, size_t blob)
{
    return w->options.blobs[blob];
}

static const struct ferry_image *image_of(const struct ferry_window *w, size_t blob)
{
    return &w->options.graph->images[node_of(w, blob)->first_image];
}

static bool is_last(const struct ferry_window *w, const struct slot *slot)
{
    return slot->offset + (int64_t)slot->len == node_of(w, slot->blob)->descriptor.size;
}

/* Gives slots to the segments that the window has room for. A blob of no bytes has none. */
static void assign(struct ferry_window *w)
{
    while (w->assigned < w->read + w->slot_count && w->assign_blob < w->options.count) {
        int64_t left = node_of(w, w->assign_blob)->descriptor.size - w->assign_offset;
        struct slot *slot = slot_of(w, w->assigned);

        if (left == 0) {
            w->assign_blob++;
            w->assign_offset = 0;
            continue;
        }
        slot->state = SLOT_WAITING;
        slot->segment = w->assigned++;
        slot->blob = w->assign_blob;
        slot->offset = w->assign_offset;
        slot->len = left < (int64_t)w->options.segment ? (size_t)left : w->options.segment;
        slot->filled = 0;
        w->assign_offset += (int64_t)slot->len;
    }
    pthread_cond_broadcast(&w->work);
}

/* `why`: the failure of `blob`; or NULL. */
static void end_window(struct ferry_window *w, const struct ferry_err *why, size_t blob)
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
static struct slot *find_work(struct ferry_window *w)
{
    size_t missing = SIZE_MAX; /* the blob of a segment that somebody is at */

    for (uint64_t segment = w->read; segment < w->assigned; segment++) {
        struct slot *slot = slot_of(w, segment);
        enum way way = w->ways[slot->blob];

        if (slot->state == SLOT_WAITING &&
            (way == WAY_RANGES || (way == WAY_WHOLE && slot->blob != missing)))
            return slot;
        if (slot->state != SLOT_FULL)
            missing = slot->blob;
    }
    return NULL;
}

/* NULL when the window ends. */
static struct slot *take_work(struct ferry_window *w)
{
    struct slot *slot = NULL;

    pthread_mutex_lock(&w->lock);
    while (!w->ending && !(slot = find_work(w)))
        pthread_cond_wait(&w->work, &w->lock);
    if (w->ending)
        slot = NULL;
    if (slot)
        slot->state = SLOT_FILLING;
    pthread_mutex_unlock(&w->lock);
    return slot;
}

static void set_full(struct ferry_window *w, struct slot *slot)
{
    pthread_mutex_lock(&w->lock);
    slot->state = SLOT_FULL;
    pthread_cond_signal(&w->full);
    pthread_mutex_unlock(&w->lock);
}

/* Whether what one server did says something of the other blob as well. */
static bool are_served_alike(const struct ferry_window *w, size_t a, size_t b)
{
    return !node_of(w, a)->descriptor.urls && !node_of(w, b)->descriptor.urls &&
           strcmp(image_of(w, a)->ref.registry, image_of(w, b)->ref.registry) == 0;
}

/* Under the lock: this blob, and those after it from the same registry, come whole. */
static void learn_whole(struct ferry_window *w, size_t blob)
{
    for (size_t i = blob; i < w->options.count; i++)
        if (w->ways[i] == WAY_RANGES && (i == blob || are_served_alike(w, i, blob)))
            w->ways[i] = WAY_WHOLE;
}

/*
 * The server has answered with the whole blob. One worker reads it, the one with the first
 * segment that is missing; any other puts its segment back (false), for that one to fill.
 */
static bool claim_whole(struct ferry_window *w, struct slot *slot)
{
    bool mine;

    pthread_mutex_lock(&w->lock);
    learn_whole(w, slot->blob);
    mine = w->ways[slot->blob] != WAY_WHOLE_TAKEN;
    for (uint64_t segment = w->read; segment < slot->segment; segment++)
        if (slot_of(w, segment)->blob == slot->blob && slot_of(w, segment)->state != SLOT_FULL)
            mine = false;
    if (mine) {
        w->ways[slot->blob] = WAY_WHOLE_TAKEN;
    } else {
        slot->filled = 0;
        slot->state = SLOT_WAITING;
        pthread_cond_broadcast(&w->work);
    }
    pthread_mutex_unlock(&w->lock);
    return mine;
}

/* Before a new attempt, which claims the blob again. */
static void give_up_whole(struct ferry_window *w, size_t blob)
{
    pthread_mutex_lock(&w->lock);
    w->ways[blob] = WAY_WHOLE;
    pthread_mutex_unlock(&w->lock);
}

/*
 * Goes on to the segment behind `slot`, which is full, as soon as the window has room for it. NULL
 * when there is nothing to go on with: the window ends, or somebody got that segment by its range.
 */
static struct slot *advance_whole(struct ferry_window *w, struct slot *slot)
{
    uint64_t next = slot->segment + 1;
    size_t blob = slot->blob;
    struct slot *behind = slot_of(w, next), *found = NULL;

    pthread_mutex_lock(&w->lock);
    slot->state = SLOT_FULL;
    pthread_cond_signal(&w->full);
    /* Somebody else's segment may also be read, and its slot another's, before this one looks. */
    while (!w->ending &&
           (next >= w->assigned || (behind->segment == next && behind->state == SLOT_FILLING)))
        pthread_cond_wait(&w->work, &w->lock);
    if (!w->ending && behind->segment == next && behind->state == SLOT_WAITING)
        found = behind;
    if (found) {
        found->state = SLOT_FILLING;
    } else {
        w->ways[blob] = WAY_WHOLE;
        pthread_cond_broadcast(&w->work);
    }
    pthread_mutex_unlock(&w->lock);
    return found;
}

/* Reads into the slot until it is full. */
static int fill(const struct ferry_window *w, struct slot *slot, struct ferry_source *body,
                struct ferry_err *err)
{
    size_t got;

    if (!slot->data) /* untouched memory costs nothing, so every slot has a whole segment */
        slot->data = malloc(w->options.segment);
    if (!slot->data)
        return ferry_fail_memory(err);
    while (slot->filled < slot->len) {
        FERRY_TRY(ferry_source_read(body, slot->data + slot->filled, slot->len - slot->filled, &got,
                                    err));
        if (got == 0)
            return ferry_fail(err, FERRY_ENET, "the reply ends early, at byte %" PRId64,
                              slot->offset + (int64_t)slot->filled);
        slot->filled += got;
        ferry_progress_add(w->options.progress, (int64_t)got, 0);
    }
    return 0;
}

/* Passes over what a body that begins at byte 0 has before the place where the slot goes on. */
static int discard(struct ferry_source *body, int64_t count, struct ferry_err *err)
{
    uint8_t scratch[16 * 1024];
    size_t got;

    for (; count > 0; count -= (int64_t)got) {
        size_t cap = count < (int64_t)sizeof(scratch) ? (size_t)count : sizeof(scratch);

        FERRY_TRY(ferry_source_read(body, scratch, cap, &got, err));
        if (got == 0)
            return ferry_fail(err, FERRY_ENET, "the reply ends %" PRId64 " bytes early", count);
    }
    return 0;
}

/* What goes on after the last byte is not the blob. Reading to the end frees the connection. */
static int expect_end(const struct ferry_window *w, const struct slot *slot,
                      struct ferry_source *body, struct ferry_err *err)
{
    uint8_t extra;
    size_t got;

    FERRY_TRY(ferry_source_read(body, &extra, 1, &got, err));
    if (got > 0)
        return ferry_fail(err, FERRY_EDIGEST,
                          "goes on after the %" PRId64 " bytes of its descriptor",
                          node_of(w, slot->blob)->descriptor.size);
    return 0;
}

/* Fills *slot and, of a body that is the whole blob, those behind it. *slot is NULL when the rest
 * is left to others. */
static int fill_from(struct ferry_window *w, struct slot **slot, struct ferry_source *body,
                     bool whole, struct ferry_err *err)
{
    if (whole)
        FERRY_TRY(discard(body, (*slot)->offset + (int64_t)(*slot)->filled, err));
    FERRY_TRY(fill(w, *slot, body, err));
    while (whole && !is_last(w, *slot)) {
        *slot = advance_whole(w, *slot);
        if (!*slot)
            return 0;
        FERRY_TRY(fill(w, *slot, body, err));
    }
    FERRY_TRY(expect_end(w, *slot, body, err));
    set_full(w, *slot);
    *slot = NULL;
    return 0;
}

/* One request for what is missing of *slot. *answered: its reply has begun. */
static int fetch_once(struct ferry_window *w, struct slot **slot, size_t place, bool *answered,
                      struct ferry_err *err)
{
    FERRY_OWNED_REPLY reply = { 0 };
    size_t blob = (*slot)->blob;
    bool whole, spans = (*slot)->offset == 0 && is_last(w, *slot) && (*slot)->filled == 0;
    const struct ferry_pull pull = {
        .image = image_of(w, blob),
        .node = node_of(w, blob),
        .place = place,
        .first = (*slot)->offset + (int64_t)(*slot)->filled,
        .last = (*slot)->offset + (int64_t)(*slot)->len - 1,
    };

    FERRY_TRY(ferry_pull_range(w->options.session, &pull, &reply, &whole, err));
    *answered = true;
    if (whole && !spans && !claim_whole(w, *slot)) {
        *slot = NULL;
        return 0;
    }
    if (fill_from(w, slot, reply.body, whole, err) < 0) {
        if (whole && !spans)
            give_up_whole(w, blob);
        return (int)err->code;
    }
    return 0;
}

/* What a place that failed has sent of this segment is not built upon. */
static void forget(const struct ferry_window *w, struct slot *slot)
{
    ferry_progress_add(w->options.progress, -(int64_t)slot->filled, 0);
    slot->filled = 0;
}

/* Silence is a body that broke off if there was something before it; else there is no use in asking
 * again. */
static bool broke_off(int rc, size_t moved)
{
    return rc == FERRY_ENET || (rc == FERRY_ESTALL && moved >= FERRY_STALL_BYTES);
}

/*
 * Goes on where a body broke off, until it breaks off too often with little in between; then at the
 * next place, if there is one. Up to the head of a reply the session makes its own attempts, and
 * has the last word on that place.
 */
static int fetch(struct ferry_window *w, struct slot *slot, struct ferry_err *err)
{
    int attempt = 0;

    while (slot) {
        const struct slot *before = slot;
        size_t filled = slot->filled, blob = slot->blob, moved;
        size_t place = ferry_places_at(w->places, blob);
        bool answered = false;
        int rc = fetch_once(w, &slot, place, &answered, err);

        if (rc == 0)
            continue;
        moved = slot == before ? slot->filled - filled : w->options.segment;
        if (moved > w->options.segment / PROGRESS_PARTS)
            attempt = 0;
        if (answered && broke_off(rc, moved) &&
            ++attempt <= ferry_session_retries(w->options.session)) {
            FERRY_TRY(ferry_session_backoff(w->options.session, attempt, err));
            continue;
        }
        if (!ferry_places_next(w->places, blob, place, err))
            return ferry_pull_wrap(image_of(w, blob), node_of(w, blob), err);
        forget(w, slot);
        attempt = 0;
    }
    return 0;
}

static void *work(void *ctx)
{
    struct ferry_window *w = ctx;
    struct ferry_err err;
    struct slot *slot;

    while ((slot = take_work(w))) {
        size_t blob = slot->blob;

        if (fetch(w, slot, &err) < 0)
            end_window(w, &err, blob);
    }
    return NULL;
}

static int start_threads(struct ferry_window *w, struct ferry_err *err)
{
    w->threads = calloc((size_t)w->options.jobs, sizeof(*w->threads));
    if (!w->threads)
        return ferry_fail_memory(err);
    while (w->thread_count < (size_t)w->options.jobs &&
           ferry_thread_start(&w->threads[w->thread_count], work, w))
        w->thread_count++;
    if (w->thread_count == 0)
        return ferry_fail(err, FERRY_EIO, "cannot start a thread");
    return 0;
}

int ferry_window_new(const struct ferry_window_options *options, struct ferry_window **out,
                     struct ferry_err *err)
{
    FERRY_OWNED(ferry_window) w = calloc(1, sizeof(*w));

    if (!w)
        return ferry_fail_memory(err);
    w->options = *options;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->work, NULL);
    pthread_cond_init(&w->full, NULL);
    if (w->options.segment == 0)
        w->options.segment = FERRY_SEGMENT_DEFAULT;
    /* Half as many again as connections: one that is done need not wait for the reader. */
    w->slot_count = (size_t)w->options.jobs + (size_t)w->options.jobs / 2 + 1;
    w->slots = calloc(w->slot_count, sizeof(*w->slots));
    w->ways = calloc(w->options.count + 1, sizeof(*w->ways));
    if (!w->slots || !w->ways)
        return ferry_fail_memory(err);
    FERRY_TRY(ferry_places_new(w->options.blobs, w->options.count, &w->places, err));
    w->assign_offset = w->options.first_offset;
    assign(w);
    FERRY_TRY(start_threads(w, err));
    *out = ferry_steal(&w);
    return 0;
}

void ferry_window_free(struct ferry_window *window)
{
    if (!window)
        return;
    end_window(window, NULL, 0);
    for (size_t i = 0; i < window->thread_count; i++)
        pthread_join(window->threads[i], NULL);
    for (size_t i = 0; window->slots && i < window->slot_count; i++)
        free(window->slots[i].data);
    pthread_cond_destroy(&window->work);
    pthread_cond_destroy(&window->full);
    pthread_mutex_destroy(&window->lock);
    ferry_places_free(window->places);
    free(window->slots);
    free(window->ways);
    free(window->threads);
    free(window);
}

struct window_source {
    struct ferry_source base;
    struct ferry_window *window;
    int64_t left;
    size_t at; /* in the slot that is being read */
};

/* Waits for the segment that is to be read. */
static int wait_full(struct ferry_window *w, struct slot **out, struct ferry_err *err)
{
    int rc = 0;

    pthread_mutex_lock(&w->lock);
    *out = slot_of(w, w->read);
    while (w->failure.code == FERRY_OK && (*out)->state != SLOT_FULL)
        pthread_cond_wait(&w->full, &w->lock);
    if ((*out)->state != SLOT_FULL) {
        *err = w->failure;
        rc = (int)err->code;
    }
    pthread_mutex_unlock(&w->lock);
    return rc;
}

static int window_read(struct ferry_source *source, void *buf, size_t cap, size_t *got,
                       struct ferry_err *err)
{
    struct window_source *s = (struct window_source *)source;
    struct ferry_window *w = s->window;
    struct slot *slot;

    if (s->left == 0)
        return 0;
    FERRY_TRY(wait_full(w, &slot, err));
    *got = slot->len - s->at < cap ? slot->len - s->at : cap;
    memcpy(buf, slot->data + s->at, *got);
    s->at += *got;
    s->left -= (int64_t)*got;
    if (s->at == slot->len) {
        s->at = 0;
        pthread_mutex_lock(&w->lock);
        w->read++;
        assign(w);
        pthread_mutex_unlock(&w->lock);
    }
    return 0;
}

static void window_source_free(struct ferry_source *source)
{
    free(source);
}

static const struct ferry_source_ops window_ops = { window_read, NULL, window_source_free };

struct ferry_node *ferry_window_failed(struct ferry_window *window)
{
    struct ferry_node *node = NULL;

    pthread_mutex_lock(&window->lock);
    if (window->failure.code != FERRY_OK)
        node = window->options.blobs[window->failed_blob];
    pthread_mutex_unlock(&window->lock);
    return node;
}

int ferry_window_next(struct ferry_window *window, struct ferry_source **out, struct ferry_err *err)
{
    struct window_source *s = calloc(1, sizeof(*s));
    int64_t size;

    assert(window->read_blob < window->options.count);
    if (!s)
        return ferry_fail_memory(err);
    size = node_of(window, window->read_blob)->descriptor.size;
    if (window->read_blob++ == 0)
        size -= window->options.first_offset;
    *s = (struct window_source){ .base = { &window_ops, size }, .window = window, .left = size };
    *out = &s->base;
    return 0;
}
