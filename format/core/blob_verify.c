#include "format/core/blob_verify.h"

#include <assert.h>
#include <inttypes.h>

#include "format/core/blob_impl.h"

/* What an earlier pass had handed out when it was left, and the next pass must agree with. */
struct mark {
    int64_t at;
    struct ferry_digest digest; /* of the bytes before `at` */
};

#define MARKS_MAX 16

enum verify_state {
    READING,
    BROKEN, /* the wrapped source failed */
    WRONG,  /* the bytes are not the blob */
    PROVED
};

struct verify {
    struct ferry_source base;
    struct ferry_source *inner;
    struct ferry_hash *hash;
    struct ferry_digest want;
    int64_t seen;
    enum verify_state state;
    struct mark marks[MARKS_MAX]; /* a stack: each lies before the one below it, all past `seen` */
    size_t mark_count;
};

static int fail_size(const struct verify *v, const char *what, int64_t seen, struct ferry_err *err)
{
    return ferry_fail(err, FERRY_EDIGEST,
                      "blob %s: %s: expected %" PRId64 " bytes, found %s%" PRId64, v->want.text,
                      what, v->base.size, seen > v->base.size ? "at least " : "", seen);
}

/* All bytes are here: the stream must end now, and the digest must agree. */
static int prove(struct verify *v, struct ferry_err *err)
{
    struct ferry_digest found;
    uint8_t extra;
    size_t got;

    FERRY_TRY(ferry_source_read(v->inner, &extra, 1, &got, err));
    if (got > 0)
        return fail_size(v, "too long", v->seen + 1, err);
    FERRY_TRY(ferry_hash_final(v->hash, &found, err));
    if (!ferry_digest_equal(&found, &v->want))
        return ferry_fail(err, FERRY_EDIGEST, "blob %s: wrong bytes: their digest is %s",
                          v->want.text, found.text);
    v->state = PROVED;
    return 0;
}

/* The top mark is reached: this pass must have had the same bytes so far. */
static int agree(struct verify *v, struct ferry_err *err)
{
    struct ferry_digest found;

    FERRY_TRY(ferry_hash_peek(v->hash, &found, err));
    if (!ferry_digest_equal(&found, &v->marks[v->mark_count - 1].digest))
        return ferry_fail(err, FERRY_EDIGEST,
                          "blob %s: its first %" PRId64 " bytes changed between two readings",
                          v->want.text, v->seen);
    v->mark_count--;
    return 0;
}

static int read_checked(struct verify *v, void *buf, size_t cap, size_t *got, struct ferry_err *err)
{
    if (v->mark_count > 0) {
        uint64_t left = (uint64_t)(v->marks[v->mark_count - 1].at - v->seen);

        cap = cap < left ? cap : (size_t)left;
    }
    FERRY_TRY(ferry_source_read(v->inner, buf, cap, got, err));
    if (*got > (uint64_t)(v->base.size - v->seen))
        return fail_size(v, "too long", v->seen + (int64_t)*got, err);
    if (*got == 0 && v->seen < v->base.size)
        return fail_size(v, "cut short", v->seen, err);
    FERRY_TRY(ferry_hash_update(v->hash, buf, *got, err));
    v->seen += (int64_t)*got;
    if (v->mark_count > 0 && v->seen == v->marks[v->mark_count - 1].at)
        FERRY_TRY(agree(v, err));
    return v->seen < v->base.size ? 0 : prove(v, err);
}

static int verify_read(struct ferry_source *source, void *buf, size_t cap, size_t *got,
                       struct ferry_err *err)
{
    struct verify *v = (struct verify *)source; /* base is the first member */
    int rc;

    if (v->state == PROVED)
        return 0;
    if (v->state != READING) /* a bug, but one that must not bring a wrong blob to its end */
        return ferry_fail(err, FERRY_EDIGEST, "blob %s: read on after a failure", v->want.text);
    rc = read_checked(v, buf, cap, got, err);
    if (rc < 0)
        v->state = rc == FERRY_EDIGEST ? WRONG : BROKEN;
    return rc;
}

/* The reader will keep bytes of this pass: remembers them for the next one. */
static int leave_mark(struct verify *v, struct ferry_err *err)
{
    struct mark *mark;

    if (v->state == WRONG)
        return ferry_fail(err, FERRY_EDIGEST,
                          "blob %s: its bytes were wrong and cannot be gone on with", v->want.text);
    if (v->state == PROVED || v->seen == 0) /* what was proved agrees with all that can be */
        return 0;
    if (v->mark_count > 0 && v->seen == v->marks[v->mark_count - 1].at)
        FERRY_TRY(agree(v, err)); /* failed just there, before it was compared */
    if (v->mark_count == MARKS_MAX)
        return ferry_fail(err, FERRY_EIO, "blob %s: broke off too often", v->want.text);
    mark = &v->marks[v->mark_count];
    FERRY_TRY(ferry_hash_peek(v->hash, &mark->digest, err));
    mark->at = v->seen;
    v->mark_count++;
    return 0;
}

static int start_over(struct verify *v, struct ferry_err *err)
{
    v->state = BROKEN;
    v->seen = 0;
    FERRY_TRY(ferry_source_rewind(v->inner, 0, err));
    FERRY_TRY(ferry_hash_restart(v->hash, err));
    v->state = READING;
    return 0;
}

static int verify_rewind(struct ferry_source *source, int64_t offset, struct ferry_err *err)
{
    struct verify *v = (struct verify *)source;
    FERRY_OWNED_MEM uint8_t *chunk = NULL;
    const size_t chunk_size = (size_t)64 * 1024;

    assert(offset >= 0 && offset <= v->base.size);
    if (offset == 0) {
        v->mark_count = 0; /* nothing is kept */
        return start_over(v, err);
    }
    chunk = malloc(chunk_size);
    if (!chunk)
        return ferry_fail_memory(err);
    FERRY_TRY(leave_mark(v, err));
    FERRY_TRY(start_over(v, err));
    while (v->seen < offset) {
        uint64_t left = (uint64_t)(offset - v->seen);
        size_t got;

        FERRY_TRY(ferry_source_read(source, chunk, left < chunk_size ? (size_t)left : chunk_size,
                                    &got, err));
    }
    return 0;
}

static void verify_free(struct ferry_source *source)
{
    struct verify *v = (struct verify *)source;

    ferry_source_free(v->inner);
    ferry_hash_free(v->hash);
    free(v);
}

static const struct ferry_source_ops verify_ops = { verify_read, verify_rewind, verify_free };

int ferry_verify_new(struct ferry_source **inner, const struct ferry_digest *digest, int64_t size,
                     struct ferry_source **out, struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) in = ferry_steal(inner);
    FERRY_OWNED(ferry_hash) hash = NULL;
    struct verify *v;

    if (size < 0)
        return ferry_fail(err, FERRY_EFORMAT, "blob %s: size %" PRId64 " is negative", digest->text,
                          size);
    FERRY_TRY(ferry_hash_new(digest->algorithm, &hash, err));
    v = calloc(1, sizeof(*v));
    if (!v)
        return ferry_fail_memory(err);
    *v = (struct verify){ .base = { &verify_ops, size },
                          .inner = ferry_steal(&in),
                          .hash = ferry_steal(&hash),
                          .want = *digest };
    *out = &v->base;
    return 0;
}

int ferry_verify_bytes(const void *bytes, size_t len, const struct ferry_digest *digest,
                       int64_t size, struct ferry_err *err)
{
    struct ferry_digest found;

    if (size < 0 || len != (uint64_t)size)
        return ferry_fail(err, FERRY_EDIGEST, "blob %s: expected %" PRId64 " bytes, found %zu",
                          digest->text, size, len);
    FERRY_TRY(ferry_digest_of(digest->algorithm, bytes, len, &found, err));
    if (!ferry_digest_equal(&found, digest))
        return ferry_fail(err, FERRY_EDIGEST, "blob %s: wrong bytes: their digest is %s",
                          digest->text, found.text);
    return 0;
}
