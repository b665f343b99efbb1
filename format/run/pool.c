#include "format/run/pool.h"

#include <pthread.h>
#include <stdbool.h>

#include "format/core/cancel.h"
#include "format/core/mem.h"
#include "format/core/thread.h"

struct pool {
    pthread_mutex_t lock; /* over all that follows */
    size_t next;
    size_t count;
    ferry_pool_fn *fn;
    void *ctx;
    bool failed;
    size_t failed_index;
    struct ferry_err failure;
};

/* false when there is nothing more to begin. */
static bool take(struct pool *pool, size_t *index)
{
    bool more;

    pthread_mutex_lock(&pool->lock);
    more = !pool->failed && pool->next < pool->count;
    if (more)
        *index = pool->next++;
    pthread_mutex_unlock(&pool->lock);
    return more;
}

static void report(struct pool *pool, size_t index, const struct ferry_err *err)
{
    pthread_mutex_lock(&pool->lock);
    if (!pool->failed || index < pool->failed_index) {
        pool->failed = true;
        pool->failed_index = index;
        pool->failure = *err;
    }
    pthread_mutex_unlock(&pool->lock);
}

static int call(struct pool *pool, size_t index, struct ferry_err *err)
{
    FERRY_TRY(ferry_cancel_check(err));
    return pool->fn(pool->ctx, index, err);
}

static void *work(void *arg)
{
    struct pool *pool = arg;
    struct ferry_err err;
    size_t index;

    while (take(pool, &index))
        if (call(pool, index, &err) < 0)
            report(pool, index, &err);
    return NULL;
}

int ferry_pool_run(int jobs, size_t count, ferry_pool_fn *fn, void *ctx, struct ferry_err *err)
{
    struct pool pool = { .lock = PTHREAD_MUTEX_INITIALIZER, .count = count, .fn = fn, .ctx = ctx };
    size_t wanted = jobs > 1 ? (size_t)jobs : 1;
    size_t started = 0;
    FERRY_OWNED_MEM pthread_t *threads = NULL;

    if (wanted > count)
        wanted = count;
    if (wanted > 1) {
        threads = calloc(wanted, sizeof(*threads));
        if (!threads)
            return ferry_fail_memory(err);
    }
    while (threads && started < wanted && ferry_thread_start(&threads[started], work, &pool))
        started++;
    if (started == 0) /* nothing to share, or the system has no threads to give */
        work(&pool);
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    pthread_mutex_destroy(&pool.lock);
    if (!pool.failed)
        return 0;
    *err = pool.failure;
    return (int)err->code;
}
