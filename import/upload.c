#include "import/upload.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "format/core/blob_impl.h"
#include "format/core/cancel.h"
#include "format/core/size.h"
#include "format/registry/retry.h"

#define READ_AHEAD_STEP ((size_t)256 * 1024)
#define NOWHERE ((int64_t)-1)
#define STALL_RETRIES_MAX 1 /* a registry that is silent again is so for good */

/* --- begin and cancel ----------------------------------------------------------------------- */

static int take_location(struct ferry_reply *reply, char **url, struct ferry_err *err)
{
    if (!reply->location)
        return ferry_fail(err, FERRY_ENET, "the registry did not say where the upload goes on");
    free(*url);
    *url = ferry_steal(&reply->location);
    return 0;
}

int ferry_upload_begin(const struct ferry_push *to, const struct ferry_digest *digest,
                       const char *from, bool *mounted, struct ferry_upload *upload,
                       struct ferry_err *err)
{
    FERRY_OWNED_REPLY reply = { 0 };
    struct ferry_call call = ferry_push_call(to, "POST");
    char path[FERRY_PUSH_PATH_MAX];
    int rc;

    if (from)
        snprintf(path, sizeof(path), "blobs/uploads/?mount=%s&from=%s", digest->text, from);
    else
        snprintf(path, sizeof(path), "blobs/uploads/");
    call.path = path;
    call.mount_from = from;
    rc = ferry_session_call(to->session, &call, &reply, err);
    if (from && (rc == FERRY_EAUTH || (rc == 0 && reply.status / 100 == 4))) {
        /* A mount saves time where it is granted; some registries answer 404 or 403 instead of 202.
         */
        ferry_reply_release(&reply);
        return ferry_upload_begin(to, digest, NULL, mounted, upload, err);
    }
    FERRY_TRY(rc);
    *mounted = from && reply.status == 201;
    if (*mounted)
        return 0;
    if (reply.status != 202)
        return ferry_reply_fail(&reply, err);
    *upload = (struct ferry_upload){ .chunk_min = reply.chunk_min };
    return take_location(&reply, &upload->url, err);
}

void ferry_upload_cancel(const struct ferry_push *to, struct ferry_upload *upload)
{
    FERRY_OWNED_REPLY reply = { 0 };
    FERRY_OWNED_MEM char *url = ferry_steal(&upload->url);
    struct ferry_call call = ferry_push_call(to, "DELETE");
    struct ferry_err ignored;

    if (!url)
        return;
    call.url = url;
    call.last_words = true;
    (void)!ferry_session_call(to->session, &call, &reply, &ignored);
}

/* --- the state of one upload ---------------------------------------------------------------- */

/* What may help after a failure. */
enum remedy {
    GIVE_UP,
    ASK,        /* for where the registry stands, after a while */
    ASK_AT_ONCE /* a smaller request comes next */
};

struct carrier {
    const struct ferry_push *to;
    const struct ferry_cargo *cargo;
    struct ferry_upload upload;
    int64_t size;
    int64_t at;       /* bytes that the registry has */
    int64_t sent;     /* bytes of this upload that it may have */
    int64_t stands;   /* where the source is; NOWHERE after it failed */
    int64_t shown;    /* bytes that the live line was told of */
    int64_t furthest; /* that `at` ever was */
    int attempt;      /* since then */
    enum remedy remedy;
    int64_t wait_ms; /* that the registry asked for, with ASK; else -1 */
};

static void show(struct carrier *c, int64_t at)
{
    ferry_progress_add(c->cargo->progress, at - c->shown, 0);
    c->shown = at;
}

static int seek(struct carrier *c, int64_t at, struct ferry_err *err)
{
    int rc = c->stands == at ? 0 : ferry_source_rewind(c->cargo->source, at, err);

    c->stands = rc < 0 ? NOWHERE : at;
    return rc;
}

static int take(struct carrier *c, void *buf, size_t cap, size_t *got, struct ferry_err *err)
{
    int rc = ferry_source_read(c->cargo->source, buf, cap, got, err);

    c->stands = rc < 0 ? NOWHERE : c->stands + (int64_t)*got;
    return rc;
}

static int prove_empty(struct carrier *c, struct ferry_err *err)
{
    int rc = ferry_source_drain(c->cargo->source, err);

    if (rc < 0)
        c->stands = NOWHERE;
    return rc;
}

static void reach(struct carrier *c, int64_t at)
{
    c->at = at;
    if (at <= c->furthest)
        return;
    c->furthest = at;
    c->attempt = 0;
}

/* --- one request ---------------------------------------------------------------------------- */

/* The body of a request: a part of the cargo. */
struct slice {
    struct ferry_source base;
    struct carrier *carrier;
    int64_t first;
};

static int slice_read(struct ferry_source *source, void *buf, size_t cap, size_t *got,
                      struct ferry_err *err)
{
    struct slice *s = (struct slice *)source;
    struct carrier *c = s->carrier;
    uint64_t left;

    assert(c->stands >= s->first);
    left = (uint64_t)(s->first + s->base.size - c->stands);
    if (left == 0)
        return 0;
    FERRY_TRY(take(c, buf, left < cap ? (size_t)left : cap, got, err));
    if (c->sent < c->stands)
        c->sent = c->stands;
    show(c, c->stands);
    return 0;
}

static int slice_rewind(struct ferry_source *source, int64_t offset, struct ferry_err *err)
{
    struct slice *s = (struct slice *)source;

    return seek(s->carrier, s->first + offset, err);
}

static void slice_free(struct ferry_source *source)
{
    (void)source; /* on the stack of its only user */
}

static const struct ferry_source_ops slice_ops = { slice_read, slice_rewind, slice_free };

/* Bytes that the next request carries. */
static int64_t next_length(const struct carrier *c)
{
    int64_t left = c->size - c->at, ahead = c->cargo->ahead;
    int64_t length = ferry_chunk_size(c->cargo->chunk_size, c->upload.chunk_min);

    /* A minimum that cannot be kept in memory is sent as it is read. */
    if (ahead > 0 && length > ahead && c->upload.chunk_min <= ahead)
        length = ahead;
    return length < left ? length : left;
}

/* Waits for the source now, so that nobody waits for it while a request is open. */
static int read_ahead(struct carrier *c, int64_t length, struct ferry_err *err)
{
    FERRY_OWNED_MEM uint8_t *step = NULL;
    size_t got = 1;

    if (length > c->cargo->ahead)
        return 0;
    step = malloc(READ_AHEAD_STEP);
    if (!step)
        return ferry_fail_memory(err);
    for (int64_t left = length; left > 0 && got > 0; left -= (int64_t)got) {
        FERRY_TRY(ferry_cancel_check(err));
        FERRY_TRY(take(c, step, left < (int64_t)READ_AHEAD_STEP ? (size_t)left : READ_AHEAD_STEP,
                       &got, err));
    }
    return seek(c, c->at, err);
}

/* A larger request than this registry takes. */
static enum remedy learn(const struct carrier *c, int64_t length)
{
    char size[FERRY_SIZE_TEXT_MAX];

    switch (ferry_chunk_size_learn(c->cargo->chunk_size, length, c->upload.chunk_min)) {
    case FERRY_LESSON_NONE:
        return GIVE_UP;
    case FERRY_LESSON_FIRST:
        ferry_progress_say(c->cargo->progress,
                           "%s: does not take %s in one request (413): uploading in chunks",
                           c->to->registry, ferry_size_format(length, size));
        break;
    case FERRY_LESSON_MORE:
        break;
    }
    return ASK_AT_ONCE;
}

/* Another reply than was wanted. */
static int take_refusal(struct carrier *c, struct ferry_reply *reply, int64_t length,
                        struct ferry_err *err)
{
    int rc = ferry_reply_fail(reply, err);

    if (reply->status == 413)
        c->remedy = learn(c, length);
    else if (rc == FERRY_ENET || reply->status == 416 || reply->status == 404)
        c->remedy = ASK;
    c->wait_ms = reply->retry_after_ms;
    return rc;
}

/* Sends `length` bytes from where the registry stands, or none. */
static int request(struct carrier *c, struct ferry_call *call, int64_t length,
                   struct ferry_reply *reply, struct ferry_err *err)
{
    struct slice slice = { .base = { &slice_ops, length }, .carrier = c, .first = c->at };
    int rc;

    call->content_type = length > 0 ? "application/octet-stream" : NULL;
    call->body = length > 0 ? &slice.base : NULL;
    call->body_size = length;
    call->settles = length > 0 ? length : c->size;
    call->once = true;
    rc = ferry_session_call(c->to->session, call, reply, err);
    if (rc == FERRY_ENET || rc == FERRY_ESTALL)
        c->remedy = ASK;
    return rc;
}

/* The end of an upload, with all that is left. */
static int put(struct carrier *c, int64_t length, struct ferry_err *err)
{
    FERRY_OWNED_REPLY reply = { 0 };
    FERRY_OWNED_MEM char *url = NULL;
    struct ferry_call call = ferry_push_call(c->to, "PUT");

    FERRY_TRY(ferry_text(&url, err, "%s%cdigest=%s", c->upload.url,
                         strchr(c->upload.url, '?') ? '&' : '?', c->cargo->digest->text));
    call.url = url;
    FERRY_TRY(request(c, &call, length, &reply, err));
    if (reply.status != 201 && reply.status != 204)
        return take_refusal(c, &reply, length, err);
    return 0;
}

/* Where the registry stands after a chunk that it took. */
static int take_range(struct carrier *c, int64_t end, int64_t length, struct ferry_err *err)
{
    if (end < 0 || (end == 0 && c->at + length == 1)) /* "0-0" means one byte as well as none */
        end = c->at + length;
    if (end <= c->at || end > c->at + length) {
        c->remedy = ASK;
        return ferry_fail(err, FERRY_ENET,
                          "the registry took bytes %" PRId64 " to %" PRId64
                          " and says that it has %" PRId64,
                          c->at, c->at + length - 1, end);
    }
    reach(c, end);
    return seek(c, end, err);
}

static int patch(struct carrier *c, int64_t length, struct ferry_err *err)
{
    FERRY_OWNED_REPLY reply = { 0 };
    struct ferry_call call = ferry_push_call(c->to, "PATCH");
    char range[64];

    snprintf(range, sizeof(range), "%" PRId64 "-%" PRId64, c->at, c->at + length - 1);
    call.url = c->upload.url;
    call.content_range = range;
    FERRY_TRY(request(c, &call, length, &reply, err));
    if (reply.status / 100 != 2)
        return take_refusal(c, &reply, length, err);
    FERRY_TRY(take_location(&reply, &c->upload.url, err));
    return take_range(c, reply.upload_end, length, err);
}

/* --- all of them ---------------------------------------------------------------------------- */

static int send_rest(struct carrier *c, struct ferry_err *err)
{
    c->remedy = GIVE_UP;
    c->wait_ms = -1;
    if (c->size == 0) /* nothing will be read of it: so it is proved here */
        FERRY_TRY(prove_empty(c, err));
    while (c->at < c->size) {
        int64_t length = next_length(c);

        FERRY_TRY(read_ahead(c, length, err));
        if (length == c->size)
            return put(c, length, err);
        FERRY_TRY(patch(c, length, err));
    }
    return put(c, 0, err);
}

/* *known: the registry goes on with this upload, at c->at. */
static int ask_state(struct carrier *c, bool *known, struct ferry_err *err)
{
    FERRY_OWNED_REPLY reply = { 0 };
    struct ferry_call call = ferry_push_call(c->to, "GET");

    call.url = c->upload.url;
    FERRY_TRY(ferry_session_call(c->to->session, &call, &reply, err));
    if (reply.status == 401 || reply.status == 403 || ferry_retry_status(reply.status))
        return ferry_reply_fail(&reply, err); /* that says nothing of the upload */
    if (reply.status == 404)                  /* nothing to cancel */
        free(ferry_steal(&c->upload.url));
    /* Who claims more than was sent means another upload. */
    *known = reply.status / 100 == 2 && reply.upload_end >= 0 && reply.upload_end <= c->sent;
    if (!*known)
        return 0;
    reach(c, reply.upload_end);
    return reply.location ? take_location(&reply, &c->upload.url, err) : 0;
}

static int begin_again(struct carrier *c, struct ferry_err *err)
{
    bool mounted;

    ferry_upload_cancel(c->to, &c->upload);
    c->at = c->sent = 0;
    return ferry_upload_begin(c->to, c->cargo->digest, NULL, &mounted, &c->upload, err);
}

/* The registry may have the whole blob, part of it, or have forgotten the upload. */
static int recover(struct carrier *c, bool *done, struct ferry_err *err)
{
    bool known = false;

    FERRY_TRY(ferry_push_has_blob(c->to, c->cargo->digest, ferry_source_size(c->cargo->source),
                                  done, err));
    if (*done)
        return 0;
    FERRY_TRY(ask_state(c, &known, err));
    if (!known)
        FERRY_TRY(begin_again(c, err));
    FERRY_TRY(seek(c, c->at, err));
    show(c, c->at);
    return 0;
}

/* *err is why; it stays what it is, unless we are cancelled meanwhile. */
static int wait(const struct carrier *c, int retries, struct ferry_err *err)
{
    int64_t ms = c->wait_ms >= 0 ? c->wait_ms : ferry_retry_delay(c->attempt);

    ferry_progress_say(c->cargo->progress, "%s; trying again in %.1f s (%d of %d)", err->msg,
                       (double)ms / 1000, c->attempt, retries);
    return ferry_retry_wait(ms, err);
}

static int carry(struct carrier *c, struct ferry_err *err)
{
    bool done = false;

    while (!done) {
        int rc = send_rest(c, err), retries = ferry_session_retries(c->to->session);
        struct ferry_err cause;

        if (rc == FERRY_ESTALL && retries > STALL_RETRIES_MAX)
            retries = STALL_RETRIES_MAX;
        if (rc == 0 || c->remedy == GIVE_UP)
            return rc;
        if (c->remedy == ASK) {
            if (++c->attempt > retries)
                return rc;
            FERRY_TRY(wait(c, retries, err));
        }
        cause = *err;
        rc = recover(c, &done, err);
        if (rc == FERRY_EIO) /* it cannot be sent again: why did it have to be? */
            return ferry_wrap(err, "%.400s", cause.msg);
        FERRY_TRY(rc);
    }
    show(c, c->size);
    return 0;
}

int ferry_upload_blob(const struct ferry_push *to, const struct ferry_cargo *cargo,
                      struct ferry_upload *upload, bool *source_failed, struct ferry_err *err)
{
    struct carrier c = {
        .to = to, .cargo = cargo, .upload = *upload, .size = ferry_source_size(cargo->source)
    };
    int rc;

    *upload = (struct ferry_upload){ .url = NULL };
    rc = carry(&c, err);
    *source_failed = rc < 0 && c.stands == NOWHERE;
    if (rc < 0)
        ferry_upload_cancel(to, &c.upload);
    free(c.upload.url);
    return rc;
}
