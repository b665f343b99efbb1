#include "format/core/blob_verify.h"

#include <inttypes.h>

#include "format/core/blob_impl.h"

struct verify {
    struct ferry_source base;
    struct ferry_source *inner;
    struct ferry_hash *hash;
    struct ferry_digest want;
    int64_t seen;
    bool proved;
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
    v->proved = true;
    return 0;
}

static int verify_read(struct ferry_source *source, void *buf, size_t cap, size_t *got,
                       struct ferry_err *err)
{
    struct verify *v = (struct verify *)source; /* base is the first member */

    if (v->proved)
        return 0;
    FERRY_TRY(ferry_source_read(v->inner, buf, cap, got, err));
    if (*got > (uint64_t)(v->base.size - v->seen))
        return fail_size(v, "too long", v->seen + (int64_t)*got, err);
    if (*got == 0 && v->seen < v->base.size)
        return fail_size(v, "cut short", v->seen, err);
    FERRY_TRY(ferry_hash_update(v->hash, buf, *got, err));
    v->seen += (int64_t)*got;
    return v->seen < v->base.size ? 0 : prove(v, err);
}

static int verify_rewind(struct ferry_source *source, int64_t offset, struct ferry_err *err)
{
    struct verify *v = (struct verify *)source;
    FERRY_OWNED_MEM uint8_t *chunk = NULL;
    const size_t chunk_size = (size_t)64 * 1024;

    FERRY_TRY(ferry_source_rewind(v->inner, 0, err));
    FERRY_TRY(ferry_hash_restart(v->hash, err));
    v->seen = 0;
    v->proved = false;
    if (offset == 0)
        return 0;
    chunk = malloc(chunk_size);
    if (!chunk)
        return ferry_fail_memory(err);
    while (v->seen < offset) {
        uint64_t left = (uint64_t)(offset - v->seen);
        size_t got;

        FERRY_TRY(
            verify_read(source, chunk, left < chunk_size ? (size_t)left : chunk_size, &got, err));
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
