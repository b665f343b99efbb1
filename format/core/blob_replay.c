#include "format/core/blob_replay.h"

#include <inttypes.h>
#include <string.h>

#include "format/core/blob_impl.h"

struct replay {
    struct ferry_source base;
    struct ferry_source *inner;
    int64_t seen; /* bytes read from `inner` */
    int64_t at;   /* bytes handed out; less than `seen` after a rewind */
    size_t window;
    uint8_t ring[]; /* byte n of the blob is at n % window */
};

/* Bytes go to and from the ring in at most two pieces. */
static void ring_put(struct replay *s, const uint8_t *bytes, size_t len)
{
    size_t at, piece;

    if (len > s->window) { /* only the last ones will be there */
        bytes += len - s->window;
        s->seen += (int64_t)(len - s->window);
        len = s->window;
    }
    at = (size_t)(s->seen % (int64_t)s->window);
    piece = len < s->window - at ? len : s->window - at;
    memcpy(s->ring + at, bytes, piece);
    memcpy(s->ring, bytes + piece, len - piece);
    s->seen += (int64_t)len;
}

static size_t ring_get(struct replay *s, uint8_t *buf, size_t cap)
{
    size_t at = (size_t)(s->at % (int64_t)s->window), left = (size_t)(s->seen - s->at);
    size_t len = left < cap ? left : cap;

    if (len > s->window - at)
        len = s->window - at;
    memcpy(buf, s->ring + at, len);
    s->at += (int64_t)len;
    return len;
}

static int replay_read(struct ferry_source *source, void *buf, size_t cap, size_t *got,
                       struct ferry_err *err)
{
    struct replay *s = (struct replay *)source;

    if (s->at < s->seen) {
        *got = ring_get(s, buf, cap);
        return 0;
    }
    FERRY_TRY(ferry_source_read(s->inner, buf, cap, got, err));
    ring_put(s, buf, *got);
    s->at = s->seen;
    return 0;
}

static int replay_rewind(struct ferry_source *source, int64_t offset, struct ferry_err *err)
{
    struct replay *s = (struct replay *)source;

    if (offset > s->seen || s->seen - offset > (int64_t)s->window)
        return ferry_fail(
            err, FERRY_EIO,
            "the input is a stream: byte %" PRId64 " has gone by and cannot be sent again", offset);
    s->at = offset;
    return 0;
}

static void replay_free(struct ferry_source *source)
{
    ferry_source_free(((struct replay *)source)->inner);
    free(source);
}

static const struct ferry_source_ops replay_ops = { replay_read, replay_rewind, replay_free };

int ferry_replay_new(struct ferry_source **inner, size_t window, struct ferry_source **out,
                     struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) in = ferry_steal(inner);
    struct replay *s = malloc(sizeof(*s) + window); /* untouched memory costs nothing */

    if (!s)
        return ferry_fail_memory(err);
    memset(s, 0, sizeof(*s));
    s->base = (struct ferry_source){ &replay_ops, in->size };
    s->inner = ferry_steal(&in);
    s->window = window;
    *out = &s->base;
    return 0;
}
