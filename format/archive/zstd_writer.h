/*
 * Compresses an archive as a whole, on its way from the tar writer to the output.
 *
 * What it is: the stream is cut into frames of FERRY_ZSTD_FRAME bytes (zstd_frames.h), compressed
 * by several threads. The bytes depend on the stream, the level and the version of libzstd alone.
 * Owns: borrows the output. Fails: as the output does; FERRY_ENOMEM. Threads: one at a time.
 */
#ifndef FERRY_ARCHIVE_ZSTD_WRITER_H
#define FERRY_ARCHIVE_ZSTD_WRITER_H

#include "format/archive/output.h"
#include "format/archive/zstd_frames.h"

#define FERRY_ZSTD_STANDARD 3 /* where none is asked for */
#define FERRY_ZSTD_HIGHEST 19

struct ferry_zstd;

int ferry_zstd_new(struct ferry_output *output, int level, struct ferry_zstd **out,
                   struct ferry_err *err) FERRY_MUST_USE;
void ferry_zstd_free(struct ferry_zstd *zstd);
FERRY_OWNED_DEFINE(ferry_zstd)

/*
 * Going on with what the output found. So many bytes of the stream there are at the most, and from
 * any of them on they can be read; only frames that are there to their end count. It can be kept up
 * to the end of a frame: the last that is not behind `offset`. ferry_zstd_continue(), before the
 * first byte: the stream comes from `offset` on, and what stands before `kept`, the end of a frame,
 * is passed over. ferry_zstd_drop(), after a failure: what is found behind that end is worth
 * nothing.
 */
int64_t ferry_zstd_found(const struct ferry_zstd *zstd);
int ferry_zstd_reread(const struct ferry_zstd *zstd, int64_t offset, struct ferry_source **out,
                      struct ferry_err *err) FERRY_MUST_USE;
int64_t ferry_zstd_keepable(const struct ferry_zstd *zstd, int64_t offset);
void ferry_zstd_continue(struct ferry_zstd *zstd, int64_t offset, int64_t kept);
void ferry_zstd_drop(struct ferry_zstd *zstd, int64_t offset);

int ferry_zstd_write(struct ferry_zstd *zstd, const void *bytes, size_t len,
                     struct ferry_err *err) FERRY_MUST_USE;

/* Ends the last frame. */
int ferry_zstd_finish(struct ferry_zstd *zstd, struct ferry_err *err) FERRY_MUST_USE;

/* Bytes of the stream up to here. */
int64_t ferry_zstd_written(const struct ferry_zstd *zstd);

#endif
