#include "format/archive/zstd_writer.h"

#include <unistd.h>
#include <zstd.h>
#include <zstd_errors.h>

/* Each thread has a piece of this size at hand, and some more wait: memory is about 3 pieces a
 * thread, whatever the level. */
#define PIECE (8 * 1024 * 1024)
#define THREADS_MAX 8

struct ferry_zstd {
    struct ferry_output *output;
    struct ferry_frames found; /* in the output */
    ZSTD_CCtx *ctx;
    int64_t written; /* bytes of the stream */
    int64_t kept;    /* up to here they are in the file */
    size_t room;
    uint8_t packed[];
};

static int fail_zstd(size_t code, struct ferry_err *err)
{
    if (ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation)
        return ferry_fail_memory(err);
    return ferry_fail(err, FERRY_EIO, "cannot compress: %s", ZSTD_getErrorName(code));
}

static int set(ZSTD_CCtx *ctx, ZSTD_cParameter parameter, int value, struct ferry_err *err)
{
    size_t code = ZSTD_CCtx_setParameter(ctx, parameter, value);

    return ZSTD_isError(code) ? fail_zstd(code, err) : 0;
}

/* One thread gives the bytes that many give, and a library without threads gives others: it is
 * asked for as many as the machine has. */
static int set_threads(ZSTD_CCtx *ctx, struct ferry_err *err)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int threads = cores < 1 ? 1 : cores > THREADS_MAX ? THREADS_MAX : (int)cores;

    if (ZSTD_isError(ZSTD_CCtx_setParameter(ctx, ZSTD_c_nbWorkers, threads)))
        return 0; /* it has none: slower */
    return set(ctx, ZSTD_c_jobSize, PIECE, err);
}

int ferry_zstd_new(struct ferry_output *output, int level, struct ferry_zstd **out,
                   struct ferry_err *err)
{
    size_t room = ZSTD_CStreamOutSize();
    FERRY_OWNED(ferry_zstd) z = calloc(1, sizeof(*z) + room);

    if (!z)
        return ferry_fail_memory(err);
    z->output = output;
    z->room = room;
    z->ctx = ZSTD_createCCtx();
    if (!z->ctx)
        return ferry_fail_memory(err);
    FERRY_TRY(set(z->ctx, ZSTD_c_compressionLevel, level, err));
    FERRY_TRY(set(z->ctx, ZSTD_c_checksumFlag, 1, err));
    FERRY_TRY(set_threads(z->ctx, err));
    FERRY_TRY(ferry_frames_find(ferry_output_found(output), &z->found, err));
    *out = ferry_steal(&z);
    return 0;
}

void ferry_zstd_free(struct ferry_zstd *zstd)
{
    if (!zstd)
        return;
    ferry_frames_release(&zstd->found);
    ZSTD_freeCCtx(zstd->ctx);
    free(zstd);
}

int64_t ferry_zstd_found(const struct ferry_zstd *zstd)
{
    return (int64_t)zstd->found.count * FERRY_ZSTD_FRAME;
}

int ferry_zstd_reread(const struct ferry_zstd *zstd, int64_t offset, struct ferry_source **out,
                      struct ferry_err *err)
{
    return ferry_frames_source(&zstd->found, offset, out, err);
}

/* Frames from the first byte of the stream to `offset`. */
static size_t frames_before(const struct ferry_zstd *z, int64_t offset)
{
    size_t frames = (size_t)(offset / FERRY_ZSTD_FRAME);

    return frames < z->found.count ? frames : z->found.count;
}

int64_t ferry_zstd_keepable(const struct ferry_zstd *zstd, int64_t offset)
{
    return (int64_t)frames_before(zstd, offset) * FERRY_ZSTD_FRAME;
}

void ferry_zstd_continue(struct ferry_zstd *zstd, int64_t offset, int64_t kept)
{
    int64_t end = ferry_frames_start(&zstd->found, frames_before(zstd, kept));

    zstd->written = offset;
    zstd->kept = kept;
    ferry_output_continue(zstd->output, end, end);
}

void ferry_zstd_drop(struct ferry_zstd *zstd, int64_t offset)
{
    ferry_output_drop(zstd->output, ferry_frames_start(&zstd->found, frames_before(zstd, offset)));
}

/* Hands bytes to the library, and to the output what it gives back; with ZSTD_e_end all of it. */
static int pack(struct ferry_zstd *z, const void *bytes, size_t len, ZSTD_EndDirective directive,
                struct ferry_err *err)
{
    ZSTD_inBuffer in = { bytes, len, 0 };
    size_t left;

    do {
        ZSTD_outBuffer out = { z->packed, z->room, 0 };

        left = ZSTD_compressStream2(z->ctx, &out, &in, directive);
        if (ZSTD_isError(left))
            return fail_zstd(left, err);
        FERRY_TRY(ferry_output_write(z->output, z->packed, out.pos, err));
    } while (directive == ZSTD_e_end ? left > 0 : in.pos < in.size);
    z->written += (int64_t)len;
    return 0;
}

/* Passes over bytes that the file has already. Returns how many. */
static size_t skip_kept(struct ferry_zstd *z, size_t len)
{
    int64_t left = z->kept - z->written;
    size_t skipped = left <= 0 ? 0 : left < (int64_t)len ? (size_t)left : len;

    z->written += (int64_t)skipped;
    return skipped;
}

int ferry_zstd_write(struct ferry_zstd *zstd, const void *bytes, size_t len, struct ferry_err *err)
{
    size_t done = skip_kept(zstd, len);

    while (done < len) {
        int64_t left = FERRY_ZSTD_FRAME - zstd->written % FERRY_ZSTD_FRAME;
        bool is_last = left <= (int64_t)(len - done);
        size_t step = is_last ? (size_t)left : len - done;

        FERRY_TRY(pack(zstd, (const uint8_t *)bytes + done, step,
                       is_last ? ZSTD_e_end : ZSTD_e_continue, err));
        done += step;
    }
    return 0;
}

int ferry_zstd_finish(struct ferry_zstd *zstd, struct ferry_err *err)
{
    return zstd->written % FERRY_ZSTD_FRAME == 0 ? 0 : pack(zstd, "", 0, ZSTD_e_end, err);
}

int64_t ferry_zstd_written(const struct ferry_zstd *zstd)
{
    return zstd->written;
}
