#include "import/move.h"

#include <pthread.h>
#include <string.h>

#include "format/core/blob_file.h"
#include "format/core/blob_verify.h"
#include "format/core/cancel.h"
#include "format/run/pool.h"
#include "import/prefetch.h"
#include "import/upload.h"

/* Of a pipe, a blob up to this size is read into memory, so that several travel at once. */
#define SMALL_MAX ((int64_t)1024 * 1024)
/* Of a larger one this much is kept for a request that breaks, */
#define KEPT_BEHIND ((size_t)16 * 1024 * 1024)
/* and this much is read before it is sent: a pipe may stand still for longer than a registry, or a
 * proxy before it, waits for a request. Meanwhile as much again is read. */
#define READ_AHEAD ((int64_t)8 * 1024 * 1024)

static struct ferry_push push_to(const struct ferry_move *m, const struct ferry_placement *p)
{
    return (struct ferry_push){ .session = m->session,
                                .registry = m->registry,
                                .repository = m->plan->repositories[p->repository] };
}

/* "REGISTRY/REPOSITORY: blob DIGEST: " in front. */
static int wrap_place(const struct ferry_move *m, const struct ferry_placement *p,
                      struct ferry_err *err)
{
    if (strstr(err->msg, p->node->descriptor.digest.text))
        return ferry_wrap(err, "%s/%s", m->registry, m->plan->repositories[p->repository]);
    return ferry_wrap(err, "%s/%s: blob %s", m->registry, m->plan->repositories[p->repository],
                      p->node->descriptor.digest.text);
}

/* A foreign layer is missed by nobody; a pipe may bring it all the same. */
static enum ferry_placement_state state_of_absent(const struct ferry_node *node)
{
    return ferry_node_is_elsewhere(node) ? FERRY_PLACEMENT_LEFT_OUT : FERRY_PLACEMENT_ABSENT;
}

static int ask(const struct ferry_move *m, struct ferry_placement *p, struct ferry_err *err)
{
    struct ferry_push to = push_to(m, p);
    bool has;

    if (ferry_push_has_blob(&to, &p->node->descriptor.digest, &has, err) == 0) {
        p->state = has ? FERRY_PLACEMENT_THERE : state_of_absent(p->node);
        ferry_progress_add(m->progress, 0, 1);
        return 0;
    }
    wrap_place(m, p, err);
    if (ferry_push_is_over((int)err->code))
        return (int)err->code;
    ferry_placement_fail(p, err);
    return 0;
}

static int ask_other(void *ctx, size_t index, struct ferry_err *err)
{
    const struct ferry_move *m = ctx;

    return ask(m, &m->plan->placements[index + 1], err);
}

int ferry_move_ask(const struct ferry_move *move, struct ferry_err *err)
{
    size_t count = move->plan->placement_count;

    if (count == 0)
        return 0;
    /* One settles scheme and login for all, or fails for all. */
    FERRY_TRY(ask(move, &move->plan->placements[0], err));
    return ferry_pool_run(move->jobs, count - 1, ask_other, (void *)move, err);
}

/* One blob on its way: where its bytes come from. */
struct freight {
    const struct ferry_move *move;
    struct ferry_node *node;
    struct ferry_source *source; /* verifying, owned; NULL: to be opened */
    bool used;                   /* the source has been read from */
    int64_t ahead;               /* of ferry_cargo */
    const char *from; /* a repository of the destination that has the blob; NULL: none yet */
    struct ferry_reply reply; /* while it is read back from there */
};

static int verify(struct ferry_source **body, const struct ferry_node *node,
                  struct ferry_source **out, struct ferry_err *err)
{
    return ferry_verify_new(body, &node->descriptor.digest, node->descriptor.size, out, err);
}

/* A pipe does not come again, and an archive may lack a blob; but where one repository has it by
 * now, others can have it from there. */
static int read_back(struct freight *f, struct ferry_err *err)
{
    const struct ferry_push from = { .session = f->move->session,
                                     .registry = f->move->registry,
                                     .repository = f->from,
                                     .reads_only = true };

    ferry_reply_release(&f->reply);
    f->ahead = 0;
    FERRY_TRY(ferry_push_read_back(&from, &f->node->descriptor.digest, &f->reply, err));
    return verify(&f->reply.body, f->node, &f->source, err);
}

/* A source that stands at the first byte. */
static int load(struct freight *f, struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) body = NULL;
    struct ferry_err ignored;
    int rc;

    if (f->source && (!f->used || ferry_source_rewind(f->source, 0, &ignored) == 0))
        return 0;
    ferry_source_free(ferry_steal(&f->source));
    if (ferry_reader_is_random(f->move->reader))
        rc = ferry_reader_blob(f->move->reader, &f->node->descriptor.digest, &body, err);
    else
        rc = ferry_fail(err, FERRY_ENOTFOUND, "blob %s: has gone by in the stream",
                        f->node->descriptor.digest.text);
    if (rc == FERRY_ENOTFOUND && f->from)
        return read_back(f, err);
    FERRY_TRY(rc);
    return verify(&body, f->node, &f->source, err);
}

/* The archive's fault, not the repository's: every image with this blob fails. */
static bool blames_blob(const struct freight *f, int code)
{
    return code == FERRY_EDIGEST || code == FERRY_EFORMAT ||
           (code == FERRY_ENOTFOUND && !f->source && f->node->state != FERRY_NODE_IN_BASE);
}

static int upload(struct freight *f, const struct ferry_push *to, struct ferry_upload *upload,
                  struct ferry_err *err)
{
    struct ferry_cargo cargo;

    if (load(f, err) < 0) {
        ferry_upload_cancel(to, upload);
        return (int)err->code;
    }
    f->used = true;
    cargo = (struct ferry_cargo){ .digest = &f->node->descriptor.digest,
                                  .source = f->source,
                                  .ahead = f->ahead,
                                  .chunk_size = f->move->chunk_size,
                                  .progress = f->move->progress };
    return ferry_upload_blob(to, &cargo, upload, err);
}

static int place(struct freight *f, struct ferry_placement *p, struct ferry_err *err)
{
    struct ferry_push to = push_to(f->move, p);
    struct ferry_upload begun = { 0 };
    bool mounted;

    if (!f->from) /* no use in an upload that has nothing to carry */
        FERRY_TRY(load(f, err));
    FERRY_TRY(ferry_upload_begin(&to, &f->node->descriptor.digest, f->from, &mounted, &begun, err));
    if (mounted) {
        p->state = FERRY_PLACEMENT_MOUNTED;
        ferry_progress_add(f->move->progress, f->node->descriptor.size, 0);
        return 0;
    }
    FERRY_TRY(upload(f, &to, &begun, err));
    p->state = FERRY_PLACEMENT_UPLOADED;
    return 0;
}

static bool is_lacking(const struct ferry_placement *p)
{
    return p->state == FERRY_PLACEMENT_ABSENT || p->state == FERRY_PLACEMENT_LEFT_OUT;
}

static bool is_had(const struct ferry_placement *p)
{
    return p->state == FERRY_PLACEMENT_THERE || p->state == FERRY_PLACEMENT_MOUNTED ||
           p->state == FERRY_PLACEMENT_UPLOADED;
}

/* Brings one blob to every repository that lacks it. */
static int deliver(struct freight *f, struct ferry_err *err)
{
    struct ferry_push_plan *plan = f->move->plan;
    size_t first = plan->first_placement[f->node->place];
    size_t end = plan->first_placement[f->node->place + 1];

    f->from = plan->elsewhere[f->node->place];
    for (size_t i = first; i < end; i++)
        if (is_had(&plan->placements[i]))
            f->from = plan->repositories[plan->placements[i].repository];
    for (size_t i = first; i < end; i++) {
        struct ferry_placement *p = &plan->placements[i];

        if (!is_lacking(p))
            continue;
        if (place(f, p, err) == 0) {
            f->from = plan->repositories[p->repository];
            ferry_progress_add(f->move->progress, 0, 1);
            continue;
        }
        if (blames_blob(f, (int)err->code)) {
            ferry_node_set_fault(f->node, err);
            return 0;
        }
        wrap_place(f->move, p, err);
        if (ferry_push_is_over((int)err->code))
            return (int)err->code;
        ferry_placement_fail(p, err);
    }
    return 0;
}

static void freight_release(struct freight *f)
{
    ferry_source_free(ferry_steal(&f->source));
    ferry_reply_release(&f->reply);
}

static bool is_needed(const struct ferry_push_plan *plan, const struct ferry_node *node)
{
    for (size_t i = plan->first_placement[node->place]; i < plan->first_placement[node->place + 1];
         i++)
        if (is_lacking(&plan->placements[i]))
            return true;
    return false;
}

static int move_node(void *ctx, size_t index, struct ferry_err *err)
{
    const struct ferry_move *m = ctx;
    struct freight f = { .move = m, .node = m->plan->graph->nodes[index] };
    int rc;

    if (ferry_node_is_elsewhere(f.node) || !is_needed(m->plan, f.node))
        return 0;
    rc = deliver(&f, err);
    freight_release(&f);
    return rc;
}

/* What no stream will bring. */
static int move_in_base(void *ctx, size_t index, struct ferry_err *err)
{
    const struct ferry_move *m = ctx;

    return m->plan->graph->nodes[index]->state == FERRY_NODE_IN_BASE ? move_node(ctx, index, err)
                                                                     : 0;
}

/* The stream, and whose turn it is to read from it. */
struct stream {
    const struct ferry_move *move;
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

/* The blob of a stream that is wanted next: found, or the end (f->node NULL). */
static int next_wanted(struct stream *s, struct freight *f, struct ferry_err *err)
{
    struct ferry_reader *reader = s->move->reader;
    const struct ferry_push_plan *plan = s->move->plan;
    struct ferry_entry entry = { 0 };
    struct ferry_node *node;

    while (!s->ended) {
        FERRY_TRY(ferry_reader_next(reader, &entry, err));
        if (entry.kind == FERRY_ENTRY_END)
            s->ended = true;
        if (entry.kind != FERRY_ENTRY_BLOB)
            continue;
        node = ferry_graph_find(plan->graph, &entry.digest);
        if (node && !s->taken[node->place] && is_needed(plan, node)) {
            s->taken[node->place] = true;
            f->node = node;
            return 0;
        }
    }
    return 0;
}

/* A small blob is read while others wait, and travels while they read on. */
static int take_small(struct freight *f, struct ferry_source **body, struct ferry_buf *bytes,
                      struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) checked = NULL;
    int rc;

    FERRY_TRY(verify(body, f->node, &checked, err));
    rc = ferry_source_read_all(checked, bytes, err);
    if (rc == FERRY_EDIGEST) {
        ferry_node_set_fault(f->node, err);
        f->node = NULL;
        return 0;
    }
    FERRY_TRY(rc);
    return ferry_source_memory(bytes->data, bytes->len, &f->source, err);
}

/* A large blob travels as it is read, so it keeps the turn. */
static int carry_large(struct stream *s, struct freight *f, struct ferry_source **body,
                       struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) checked = NULL;
    int rc;

    FERRY_TRY(verify(body, f->node, &checked, err));
    FERRY_TRY(ferry_prefetch_new(&checked, KEPT_BEHIND, (size_t)READ_AHEAD, &f->source, err));
    f->ahead = READ_AHEAD;
    rc = deliver(f, err);
    if (rc < 0)
        give_up(s, err);
    freight_release(f); /* whose thread has the stream until then */
    f->node = NULL;
    return rc;
}

/* With the turn: reads one wanted blob; a large one is delivered at once. */
static int read_one(struct stream *s, struct freight *f, struct ferry_buf *bytes,
                    struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) body = NULL;

    FERRY_TRY(next_wanted(s, f, err));
    if (!f->node)
        return 0;
    FERRY_TRY(ferry_reader_body(s->move->reader, &body, err));
    return f->node->descriptor.size <= SMALL_MAX ? take_small(f, &body, bytes, err)
                                                 : carry_large(s, f, &body, err);
}

static int move_one(struct stream *s, bool *ended, struct ferry_err *err)
{
    struct freight f = { .move = s->move };
    FERRY_OWNED_BUF bytes;
    int rc;

    ferry_buf_init(&bytes, (size_t)SMALL_MAX);
    pthread_mutex_lock(&s->turn);
    rc = read_one(s, &f, &bytes, err);
    *ended = s->ended;
    pthread_mutex_unlock(&s->turn);
    if (rc == 0 && f.node)
        rc = deliver(&f, err);
    freight_release(&f);
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
    if (rc < 0) { /* the others need not read on */
        give_up(s, err);
        pthread_mutex_lock(&s->turn);
        s->ended = true;
        pthread_mutex_unlock(&s->turn);
    }
    return rc;
}

int ferry_move_blobs(const struct ferry_move *move, struct ferry_err *err)
{
    struct stream s = { .move = move };
    int rc;

    if (ferry_reader_is_random(move->reader))
        return ferry_pool_run(move->jobs, move->plan->graph->count, move_node, (void *)move, err);
    FERRY_TRY(
        ferry_pool_run(move->jobs, move->plan->graph->count, move_in_base, (void *)move, err));
    s.taken = calloc(move->plan->graph->count + 1, sizeof(*s.taken));
    if (!s.taken)
        return ferry_fail_memory(err);
    pthread_mutex_init(&s.turn, NULL);
    pthread_mutex_init(&s.failing, NULL);
    rc = ferry_pool_run(move->jobs, (size_t)move->jobs, move_stream, &s, err);
    pthread_mutex_destroy(&s.failing);
    pthread_mutex_destroy(&s.turn);
    free(s.taken);
    if (rc < 0 && s.failure.code != FERRY_OK) /* why the others stopped */
        *err = s.failure;
    return rc < 0 ? (int)err->code : 0;
}
