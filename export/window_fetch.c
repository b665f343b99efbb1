#include <inttypes.h>

#include "export/pull.h"
#include "export/window_impl.h"
#include "format/core/clock.h"
#include "format/registry/retry.h"

#define PROGRESS_PARTS 32 /* of the longest segment: who moves less than one makes no progress */

static bool is_last(const struct ferry_window *w, const struct ferry_slot *slot)
{
    return slot->offset + (int64_t)slot->len == ferry_window_node(w, slot->blob)->descriptor.size;
}

/* Reads into the slot until it is full. The body was waited for. */
static int fill(struct ferry_window *w, struct ferry_slot *slot, struct ferry_source *body,
                int64_t waited_ms, struct ferry_err *err)
{
    const int64_t began_ms = ferry_now_ms();
    const bool from_first = slot->filled == 0;
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
    if (from_first)
        ferry_window_adapt(w, slot->len, waited_ms, ferry_now_ms() - began_ms);
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
static int expect_end(const struct ferry_window *w, const struct ferry_slot *slot,
                      struct ferry_source *body, struct ferry_err *err)
{
    uint8_t extra;
    size_t got;

    FERRY_TRY(ferry_source_read(body, &extra, 1, &got, err));
    if (got > 0)
        return ferry_fail(err, FERRY_EDIGEST,
                          "goes on after the %" PRId64 " bytes of its descriptor",
                          ferry_window_node(w, slot->blob)->descriptor.size);
    return 0;
}

/* Fills *slot and, of a body that is the whole blob, those behind it. *slot is NULL when the rest
 * is left to others. */
static int fill_from(struct ferry_window *w, struct ferry_slot **slot, struct ferry_source *body,
                     bool whole, int64_t waited_ms, struct ferry_err *err)
{
    if (whole)
        FERRY_TRY(discard(body, (*slot)->offset + (int64_t)(*slot)->filled, err));
    FERRY_TRY(fill(w, *slot, body, waited_ms, err));
    while (whole && !is_last(w, *slot)) {
        *slot = ferry_window_advance(w, *slot);
        if (!*slot)
            return 0;
        FERRY_TRY(fill(w, *slot, body, 0, err));
    }
    FERRY_TRY(expect_end(w, *slot, body, err));
    ferry_window_set_full(w, *slot);
    *slot = NULL;
    return 0;
}

/* One request for what is missing of *slot. *answered: its reply has begun. */
static int fetch_once(struct ferry_window *w, struct ferry_slot **slot, size_t place,
                      bool *answered, struct ferry_err *err)
{
    FERRY_OWNED_REPLY reply = { 0 };
    const int64_t asked_ms = ferry_now_ms();
    size_t blob = (*slot)->blob;
    bool whole, spans = (*slot)->offset == 0 && is_last(w, *slot) && (*slot)->filled == 0;
    const struct ferry_pull pull = {
        .image = ferry_window_image(w, blob),
        .node = ferry_window_node(w, blob),
        .place = place,
        .first = (*slot)->offset + (int64_t)(*slot)->filled,
        .last = (*slot)->offset + (int64_t)(*slot)->len - 1,
    };
    int64_t waited_ms;

    FERRY_TRY(ferry_pull_range(w->options.session, &pull, &reply, &whole, err));
    waited_ms = ferry_now_ms() - asked_ms;
    *answered = true;
    if (whole && !spans && !ferry_window_claim_whole(w, *slot)) {
        *slot = NULL;
        return 0;
    }
    if (fill_from(w, slot, reply.body, whole, waited_ms, err) < 0) {
        if (whole && !spans)
            ferry_window_give_up_whole(w, blob);
        return (int)err->code;
    }
    return 0;
}

/* What a place that failed has sent of this segment is not built upon. */
static void forget(const struct ferry_window *w, struct ferry_slot *slot)
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
int ferry_window_fetch(struct ferry_window *w, struct ferry_slot *slot, struct ferry_err *err)
{
    int attempt = 0;

    while (slot) {
        const struct ferry_slot *before = slot;
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
            return ferry_pull_wrap(ferry_window_image(w, blob), ferry_window_node(w, blob), err);
        forget(w, slot);
        attempt = 0;
    }
    return 0;
}
