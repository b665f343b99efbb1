#include "import/prefetch.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#include "format/core/blob_impl.h"
#include "format/core/thread.h"

#define READ_MAX ((size_t)256 * 1024) /* so that the reader need not wait for more */

struct prefetch {
    struct ferry_source base;
    struct ferry_source *inner; /* the thread's */
    pthread_t thread;
    size_t behind, ahead;
    pthread_mutex_t lock; /* of what follows, but not of the ring: the thread writes what comes
                             behind `seen`, and so over what the reader cannot go back to */
    pthread_cond_t moved;
    int64_t seen;     /* bytes read from `inner` */
    int64_t at;       /* where the reader is */
    int64_t furthest; /* where it ever was */
    bool ended;       /* no more will be seen: the end, or `failure` */
    bool ending;      /* no more is wanted */
    struct ferry_err failure;
    uint8_t ring[]; /* byte n of the blob is at n % (behind + ahead) */
};

/* From byte `n` to the end of the ring, or `len` bytes if that is less. */
static size_t piece_at(const struct prefetch *p, int64_t n, int64_t len, size_t *place)
{
    size_t size = p->behind + p->ahead;

    *place = (size_t)(n % (int64_t)size);
    return len < (int64_t)(size - *place) ? (size_t)len : size - *place;
}

/* --- the thread ------------------------------------------------------------------------------ */

/* Bytes that may be read now, and where to; 0 when no more are wanted. */
static size_t await_room(struct prefetch *p, size_t *place)
{
    size_t room = 0;

    pthread_mutex_lock(&p->lock);
    while (!p->ending && p->seen >= p->at + (int64_t)p->ahead)
        pthread_cond_wait(&p->moved, &p->lock);
    if (!p->ending)
        room = piece_at(p, p->seen, p->at + (int64_t)p->ahead - p->seen, place);
    pthread_mutex_unlock(&p->lock);
    return room < READ_MAX ? room : READ_MAX;
}

/* `rc` is the outcome of a read of `got` bytes. */
static void publish(struct prefetch *p, int rc, size_t got, const struct ferry_err *err)
{
    pthread_mutex_lock(&p->lock);
    p->seen += (int64_t)got;
    p->ended = rc < 0 || got == 0;
    if (rc < 0)
        p->failure = *err;
    pthread_cond_broadcast(&p->moved);
    pthread_mutex_unlock(&p->lock);
}

static void *fetch(void *ctx)
{
    struct prefetch *p = ctx;
    struct ferry_err err;
    size_t place, room, got = 1;
    int rc = 0;

    while (rc == 0 && got > 0 && (room = await_room(p, &place)) > 0) {
        rc = ferry_source_read(p->inner, p->ring + place, room, &got, &err);
        publish(p, rc, got, &err);
    }
    return NULL;
}

/* --- the reader ------------------------------------------------------------------------------ */

static int prefetch_read(struct ferry_source *source, void *buf, size_t cap, size_t *got,
                         struct ferry_err *err)
{
    struct prefetch *p = (struct prefetch *)source;
    size_t place, len;
    int rc = 0;

    pthread_mutex_lock(&p->lock);
    while (p->at == p->seen && !p->ended)
        pthread_cond_wait(&p->moved, &p->lock);
    len = piece_at(p, p->at, p->seen - p->at, &place);
    if (len == 0 && p->failure.code != FERRY_OK) {
        *err = p->failure;
        rc = (int)err->code;
    }
    pthread_mutex_unlock(&p->lock);
    if (len == 0)
        return rc;
    *got = len < cap ? len : cap;
    memcpy(buf, p->ring + place, *got);
    pthread_mutex_lock(&p->lock);
    p->at += (int64_t)*got;
    if (p->furthest < p->at)
        p->furthest = p->at;
    pthread_cond_broadcast(&p->moved);
    pthread_mutex_unlock(&p->lock);
    return 0;
}

static int prefetch_rewind(struct ferry_source *source, int64_t offset, struct ferry_err *err)
{
    struct prefetch *p = (struct prefetch *)source;

    if (offset > p->furthest || p->furthest - offset > (int64_t)p->behind)
        return ferry_fail(
            err, FERRY_EIO,
            "the input is a stream: byte %" PRId64 " has gone by and cannot be sent again", offset);
    pthread_mutex_lock(&p->lock);
    p->at = offset;
    pthread_mutex_unlock(&p->lock);
    return 0;
}

static void release(struct prefetch *p)
{
    pthread_cond_destroy(&p->moved);
    pthread_mutex_destroy(&p->lock);
    ferry_source_free(p->inner);
    free(p);
}

static void prefetch_free(struct ferry_source *source)
{
    struct prefetch *p = (struct prefetch *)source;

    pthread_mutex_lock(&p->lock);
    p->ending = true;
    pthread_cond_broadcast(&p->moved);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->thread, NULL);
    release(p);
}

static const struct ferry_source_ops prefetch_ops = { prefetch_read, prefetch_rewind,
                                                      prefetch_free };

int ferry_prefetch_new(struct ferry_source **inner, size_t behind, size_t ahead,
                       struct ferry_source **out, struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) in = ferry_steal(inner);
    struct prefetch *p = malloc(sizeof(*p) + behind + ahead); /* untouched memory costs nothing */

    if (!p)
        return ferry_fail_memory(err);
    memset(p, 0, sizeof(*p));
    p->base = (struct ferry_source){ &prefetch_ops, in->size };
    p->inner = ferry_steal(&in);
    p->behind = behind;
    p->ahead = ahead;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->moved, NULL);
    if (!ferry_thread_start(&p->thread, fetch, p)) {
        release(p);
        return ferry_fail(err, FERRY_EIO, "cannot start a thread");
    }
    *out = &p->base;
    return 0;
}
