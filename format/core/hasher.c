#include "format/core/hasher.h"

#include <string.h>

#include "format/core/thread.h"

struct ferry_hasher {
    struct ferry_hash *hash;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock; /* over what follows */
    pthread_cond_t moved; /* one side went on */
    bool stop;
    uint64_t put, taken;      /* bytes that ever went in and out */
    struct ferry_err failure; /* of the thread */
    uint8_t ring[];
};

/* What is in the ring up to its end, or to the last byte. */
static void take_step(struct ferry_hasher *h)
{
    size_t at = (size_t)(h->taken % FERRY_HASHER_ROOM);
    size_t len = (size_t)(h->put - h->taken);
    struct ferry_err err;
    int rc;

    len = len < FERRY_HASHER_ROOM - at ? len : FERRY_HASHER_ROOM - at;
    pthread_mutex_unlock(&h->lock); /* nobody writes there before it is taken */
    rc = ferry_hash_update(h->hash, h->ring + at, len, &err);
    pthread_mutex_lock(&h->lock);
    if (rc < 0)
        h->failure = err;
    h->taken += len;
    pthread_cond_broadcast(&h->moved);
}

static void *hash_all(void *arg)
{
    struct ferry_hasher *h = arg;

    pthread_mutex_lock(&h->lock);
    while (!h->stop || h->taken < h->put) {
        if (h->taken < h->put)
            take_step(h);
        else
            pthread_cond_wait(&h->moved, &h->lock);
    }
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

int ferry_hasher_new(enum ferry_algorithm algorithm, struct ferry_hasher **out,
                     struct ferry_err *err)
{
    struct ferry_hasher *h = calloc(1, sizeof(*h) + FERRY_HASHER_ROOM);

    if (!h)
        return ferry_fail_memory(err);
    if (ferry_hash_new(algorithm, &h->hash, err) < 0) {
        free(h);
        return (int)err->code;
    }
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->moved, NULL);
    h->has_thread = ferry_thread_start(&h->thread, hash_all, h);
    *out = h;
    return 0;
}

void ferry_hasher_free(struct ferry_hasher *hasher)
{
    if (!hasher)
        return;
    pthread_mutex_lock(&hasher->lock);
    hasher->stop = true;
    hasher->put = hasher->taken; /* what waits is not wanted any more */
    pthread_cond_broadcast(&hasher->moved);
    pthread_mutex_unlock(&hasher->lock);
    if (hasher->has_thread)
        pthread_join(hasher->thread, NULL);
    pthread_cond_destroy(&hasher->moved);
    pthread_mutex_destroy(&hasher->lock);
    ferry_hash_free(hasher->hash);
    free(hasher);
}

/* Waits for room; returns how many of the bytes went in. */
static size_t put_step(struct ferry_hasher *h, const uint8_t *bytes, size_t len)
{
    size_t at = (size_t)(h->put % FERRY_HASHER_ROOM), room;

    while (h->put - h->taken == FERRY_HASHER_ROOM)
        pthread_cond_wait(&h->moved, &h->lock);
    room = FERRY_HASHER_ROOM - (size_t)(h->put - h->taken);
    room = room < FERRY_HASHER_ROOM - at ? room : FERRY_HASHER_ROOM - at;
    len = len < room ? len : room;
    pthread_mutex_unlock(&h->lock); /* nobody reads there before it is put */
    memcpy(h->ring + at, bytes, len);
    pthread_mutex_lock(&h->lock);
    h->put += len;
    pthread_cond_broadcast(&h->moved);
    return len;
}

/* With the lock held. */
static int check_failure(const struct ferry_hasher *h, struct ferry_err *err)
{
    if (h->failure.code == FERRY_OK)
        return 0;
    *err = h->failure;
    return (int)err->code;
}

int ferry_hasher_update(struct ferry_hasher *hasher, const void *bytes, size_t len,
                        struct ferry_err *err)
{
    const uint8_t *at = bytes;
    int rc;

    if (!hasher->has_thread)
        return ferry_hash_update(hasher->hash, bytes, len, err);
    pthread_mutex_lock(&hasher->lock);
    for (size_t step; len > 0; at += step, len -= step)
        step = put_step(hasher, at, len);
    rc = check_failure(hasher, err);
    pthread_mutex_unlock(&hasher->lock);
    return rc;
}

/* Until all is hashed that was put in. */
static int wait(struct ferry_hasher *h, struct ferry_err *err)
{
    int rc;

    pthread_mutex_lock(&h->lock);
    while (h->has_thread && h->taken < h->put)
        pthread_cond_wait(&h->moved, &h->lock);
    rc = check_failure(h, err);
    pthread_mutex_unlock(&h->lock);
    return rc;
}

int ferry_hasher_restart(struct ferry_hasher *hasher, struct ferry_err *err)
{
    FERRY_TRY(wait(hasher, err));
    return ferry_hash_restart(hasher->hash, err);
}

int ferry_hasher_final(struct ferry_hasher *hasher, struct ferry_digest *out, struct ferry_err *err)
{
    FERRY_TRY(wait(hasher, err));
    FERRY_TRY(ferry_hash_final(hasher->hash, out, err));
    return ferry_hash_restart(hasher->hash, err);
}
