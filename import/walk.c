#include "import/walk.h"

#include <pthread.h>

#include "format/core/blob_file.h"
#include "format/core/cancel.h"
#include "format/run/pool.h"
#include "import/freight.h"
#include "import/prefetch.h"

/* Of a pipe, a blob up to this size is read into memory, so that several travel at once. */
#define SMALL_MAX ((int64_t)1024 * 1024)
/* Of a larger one this much is kept for a request that breaks, */
#define KEPT_BEHIND ((size_t)16 * 1024 * 1024)
/* and this much is read before it is sent: a pipe may stand still for longer than a registry, or a
 * proxy before it, waits for a request. Meanwhile as much again is read. */
#define READ_AHEAD ((int64_t)8 * 1024 * 1024)

/* The stream, and whose turn it is to read from it. */
struct stream {
    const struct ferry_move *move;
    size_t archive;
    pthread_mutex_t turn;
    bool ended;
    bool *taken; /* by node->place: has gone by, and is on its way or was */
    pthread_mutex_t failing;
    struct ferry_err failure; /* the first one that ends all, or the first; or FERRY_OK */
};

/* What fails for good fails at once: others may wait for the pipe, which may stand still. Some of
 * them fail for no other reason then. */
static void give_up(struct stream *s, const struct ferry_err *why)
{
    const bool is_over = ferry_push_is_over((int)why->code);

    pthread_mutex_lock(&s->failing);
    if (s->failure.code == FERRY_OK || (is_over && !ferry_push_is_over((int)s->failure.code)))
        s->failure = *why;
    pthread_mutex_unlock(&s->failing);
    if (is_over)
        ferry_cancel();
}

static struct ferry_reader *reader_of(const struct stream *s)
{
    return s->move->archives->items[s->archive].reader;
}

/* The blob of a stream that is wanted next: found, or the end (f->node NULL). */
static int next_wanted(struct stream *s, struct ferry_freight *f, struct ferry_err *err)
{
    const struct ferry_push_plan *plan = s->move->plan;
    struct ferry_entry entry = { 0 };
    struct ferry_node *node;

    while (!s->ended) {
        FERRY_TRY(ferry_reader_next(reader_of(s), &entry, err));
        if (entry.kind == FERRY_ENTRY_END)
            s->ended = true;
        if (entry.kind != FERRY_ENTRY_BLOB)
            continue;
        node = ferry_graph_find(plan->graph, &entry.digest);
        if (node && !s->taken[node->place] && ferry_push_plan_needs(plan, node)) {
            s->taken[node->place] = true;
            f->node = node;
            return 0;
        }
    }
    return 0;
}

/* A small blob is read while others wait, and travels while they read on. */
static int take_small(struct ferry_freight *f, struct ferry_source **body, struct ferry_buf *bytes,
                      struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) checked = NULL;
    int rc;

    FERRY_TRY(ferry_freight_verify(f->node, body, &checked, err));
    rc = ferry_source_read_all(checked, bytes, err);
    if (rc == FERRY_EDIGEST) {
        struct ferry_err why = *err;

        FERRY_TRY(ferry_freight_note(f, &why, err));
        f->node = NULL;
        return 0;
    }
    FERRY_TRY(rc);
    return ferry_source_memory(bytes->data, bytes->len, &f->source, err);
}

/* A large blob travels as it is read, so it keeps the turn. */
static int carry_large(struct stream *s, struct ferry_freight *f, struct ferry_source **body,
                       struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) checked = NULL;
    int rc;

    FERRY_TRY(ferry_freight_verify(f->node, body, &checked, err));
    FERRY_TRY(ferry_prefetch_new(&checked, KEPT_BEHIND, (size_t)READ_AHEAD, &f->source, err));
    f->ahead = READ_AHEAD;
    rc = ferry_freight_deliver(f, err);
    if (rc < 0)
        give_up(s, err);      /* before the end of a read is waited for: */
    ferry_freight_release(f); /* its thread has the stream until then */
    f->node = NULL;
    return rc;
}

/* With the turn: reads one wanted blob; a large one is delivered at once. */
static int read_one(struct stream *s, struct ferry_freight *f, struct ferry_buf *bytes,
                    struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) body = NULL;

    FERRY_TRY(next_wanted(s, f, err));
    if (!f->node)
        return 0;
    FERRY_TRY(ferry_reader_body(reader_of(s), &body, err));
    return f->node->descriptor.size <= SMALL_MAX ? take_small(f, &body, bytes, err)
                                                 : carry_large(s, f, &body, err);
}

static int move_one(struct stream *s, bool *ended, struct ferry_err *err)
{
    struct ferry_freight f = { .move = s->move, .archive = s->archive, .is_passing = true };
    FERRY_OWNED_BUF bytes;
    int rc;

    ferry_buf_init(&bytes, (size_t)SMALL_MAX);
    pthread_mutex_lock(&s->turn);
    rc = read_one(s, &f, &bytes, err);
    s->ended = s->ended || rc < 0; /* nobody else is to meet what comes of it */
    *ended = s->ended;
    pthread_mutex_unlock(&s->turn);
    if (rc == 0 && f.node)
        rc = ferry_freight_deliver(&f, err);
    ferry_freight_release(&f);
    return rc;
}

static int move_stream(void *ctx, size_t index, struct ferry_err *err)
{
    struct stream *s = ctx;
    bool ended = false;
    int rc = 0;

    (void)index;
    while (!ended && rc == 0)
        rc = move_one(s, &ended, err);
    if (rc < 0)
        give_up(s, err);
    return rc;
}

/* A fault of one of several leaves the others as they are. */
static void tell_fault(const struct ferry_move *move, size_t place, struct ferry_err *why)
{
    struct ferry_archive *archive = &move->archives->items[place];

    if (archive->fault.code != FERRY_OK)
        return; /* it was told when the archive was loaded */
    ferry_archive_fail(archive, why);
    if (move->archives->count > 1)
        ferry_progress_warn(move->progress, "%s", why->msg);
    else
        ferry_progress_error(move->progress, "%s", why->msg);
}

int ferry_walk_stream(const struct ferry_move *move, size_t archive, struct ferry_err *err)
{
    FERRY_OWNED_MEM bool *taken = calloc(move->plan->graph->count + 1, sizeof(*taken));
    struct stream s = { .move = move, .archive = archive, .taken = taken };
    int rc;

    if (!taken)
        return ferry_fail_memory(err);
    pthread_mutex_init(&s.turn, NULL);
    pthread_mutex_init(&s.failing, NULL);
    rc = ferry_pool_run(move->jobs, (size_t)move->jobs, move_stream, &s, err);
    pthread_mutex_destroy(&s.failing);
    pthread_mutex_destroy(&s.turn);
    if (rc < 0 && s.failure.code != FERRY_OK) /* why the others stopped */
        *err = s.failure;
    if (rc == 0 || !(ferry_reader_blames_archive((int)err->code) || err->code == FERRY_EIO))
        return rc < 0 ? (int)err->code : 0;
    tell_fault(move, archive, err);
    return 0;
}
