#include "export/window.h"

#include <assert.h>
#include <string.h>

#include "export/window_impl.h"
#include "format/core/blob_impl.h"
#include "format/core/thread.h"

static void *work(void *ctx)
{
    struct ferry_window *w = ctx;
    struct ferry_err err;
    struct ferry_slot *slot;

    while ((slot = ferry_window_take(w))) {
        size_t blob = slot->blob;

        if (ferry_window_fetch(w, slot, &err) < 0)
            ferry_window_end(w, &err, blob);
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
    w->adapts = options->segment == 0;
    w->segment = w->adapts ? FERRY_SEGMENT_SMALLEST : options->segment;
    if (w->adapts)
        w->options.segment = FERRY_SEGMENT_LARGEST;
    /* Half as many again as connections: one that is done need not wait for the reader. */
    w->slot_count = (size_t)w->options.jobs + (size_t)w->options.jobs / 2 + 1;
    w->slots = calloc(w->slot_count, sizeof(*w->slots));
    w->ways = calloc(w->options.count + 1, sizeof(*w->ways));
    if (!w->slots || !w->ways)
        return ferry_fail_memory(err);
    FERRY_TRY(ferry_places_new(w->options.blobs, w->options.count, &w->places, err));
    w->assign_offset = w->options.first_offset;
    ferry_window_assign(w);
    FERRY_TRY(start_threads(w, err));
    *out = ferry_steal(&w);
    return 0;
}

void ferry_window_free(struct ferry_window *window)
{
    if (!window)
        return;
    ferry_window_end(window, NULL, 0);
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
static int wait_full(struct ferry_window *w, struct ferry_slot **out, struct ferry_err *err)
{
    int rc = 0;

    pthread_mutex_lock(&w->lock);
    *out = ferry_window_slot(w, w->read);
    while (w->failure.code == FERRY_OK && (*out)->state != FERRY_SLOT_FULL)
        pthread_cond_wait(&w->full, &w->lock);
    if ((*out)->state != FERRY_SLOT_FULL) {
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
    struct ferry_slot *slot;

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
        ferry_window_assign(w);
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
    size = ferry_window_node(window, window->read_blob)->descriptor.size;
    if (window->read_blob++ == 0)
        size -= window->options.first_offset;
    *s = (struct window_source){ .base = { &window_ops, size }, .window = window, .left = size };
    *out = &s->base;
    return 0;
}
