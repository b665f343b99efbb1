#include "format/core/blob.h"

#include <assert.h>

#include "format/core/blob_impl.h"
#include "format/core/cancel.h"

/* Fits a second-level cache beside the hash's own state; larger gains nothing. */
#define COPY_CHUNK ((size_t)256 * 1024)

int ferry_source_read(struct ferry_source *source, void *buf, size_t cap, size_t *got,
                      struct ferry_err *err)
{
    int rc;

    assert(cap > 0);
    *got = 0;
    rc = source->ops->read(source, buf, cap, got, err);
    if (rc < 0)
        *got = 0;
    return rc;
}

int ferry_source_rewind(struct ferry_source *source, int64_t offset, struct ferry_err *err)
{
    if (!source->ops->rewind)
        return ferry_fail(err, FERRY_EIO, "the input is a stream and cannot be read again");
    return source->ops->rewind(source, offset, err);
}

int64_t ferry_source_size(const struct ferry_source *source)
{
    return source->size;
}

void ferry_source_free(struct ferry_source *source)
{
    if (source)
        source->ops->free(source);
}

int ferry_sink_write(struct ferry_sink *sink, const void *bytes, size_t len, struct ferry_err *err)
{
    return sink->ops->write(sink, bytes, len, err);
}

void ferry_sink_free(struct ferry_sink *sink)
{
    if (sink)
        sink->ops->free(sink);
}

int ferry_blob_copy(struct ferry_source *source, struct ferry_sink *sink, struct ferry_err *err)
{
    FERRY_OWNED_MEM uint8_t *chunk = malloc(COPY_CHUNK);
    size_t got;

    if (!chunk)
        return ferry_fail_memory(err);
    for (;;) {
        FERRY_TRY(ferry_cancel_check(err));
        FERRY_TRY(ferry_source_read(source, chunk, COPY_CHUNK, &got, err));
        if (got == 0)
            return sink->ops->commit ? sink->ops->commit(sink, err) : 0;
        FERRY_TRY(ferry_sink_write(sink, chunk, got, err));
    }
}

int ferry_source_read_all(struct ferry_source *source, struct ferry_buf *buf, struct ferry_err *err)
{
    uint8_t chunk[16 * 1024];
    size_t got;

    for (;;) {
        FERRY_TRY(ferry_source_read(source, chunk, sizeof(chunk), &got, err));
        FERRY_TRY(ferry_buf_append(buf, chunk, got, err));
        if (got == 0)
            return 0;
    }
}

int ferry_source_drain(struct ferry_source *source, struct ferry_err *err)
{
    FERRY_OWNED_MEM uint8_t *chunk = malloc(COPY_CHUNK);
    size_t got;

    if (!chunk)
        return ferry_fail_memory(err);
    do {
        FERRY_TRY(ferry_cancel_check(err));
        FERRY_TRY(ferry_source_read(source, chunk, COPY_CHUNK, &got, err));
    } while (got > 0);
    return 0;
}

int ferry_source_skip(struct ferry_source *source, int64_t count, int64_t *lacking,
                      struct ferry_err *err)
{
    uint8_t chunk[16 * 1024];
    size_t got = 1;

    for (*lacking = count; *lacking > 0 && got > 0; *lacking -= (int64_t)got) {
        size_t cap = *lacking < (int64_t)sizeof(chunk) ? (size_t)*lacking : sizeof(chunk);

        FERRY_TRY(ferry_source_read(source, chunk, cap, &got, err));
    }
    return 0;
}
