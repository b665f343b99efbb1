/*
 * The zstd frames of a compressed archive that broke off: where may it be gone on with?
 *
 * What it is: an archive that is compressed as a whole is a run of frames, each of
 * FERRY_ZSTD_FRAME bytes of the tar stream, the last of what is left (SPEC 2.8). Each can be read
 * without the others, so that a file may be cut where one ends. Only headers are read here; what
 * is in the frames is found out by reading them.
 * Owns: borrows the volumes. Fails: FERRY_EIO, FERRY_ECANCEL, FERRY_ENOMEM; what is no frame ends
 * the list.
 */
#ifndef FERRY_ARCHIVE_ZSTD_FRAMES_H
#define FERRY_ARCHIVE_ZSTD_FRAMES_H

#include "format/archive/volume.h"
#include "format/core/blob.h"

#define FERRY_ZSTD_FRAME ((int64_t)64 * 1024 * 1024) /* bytes of the tar stream in a frame */

struct ferry_frames {
    struct ferry_volumes *volumes;
    int64_t *ends; /* ends[i]: where frame i ends in the file */
    size_t count;  /* frames that are there to their end */
    size_t room;
};

/* *frames is released by its owner, also after a failure. */
int ferry_frames_find(struct ferry_volumes *volumes, struct ferry_frames *frames,
                      struct ferry_err *err) FERRY_MUST_USE;
void ferry_frames_release(struct ferry_frames *frames);

/* Where frame `i` begins in the file. */
int64_t ferry_frames_start(const struct ferry_frames *frames, size_t i);

/* The tar stream from byte `offset` on, as far as the frames go; one pass. FERRY_EFORMAT where
 * they are damaged. */
int ferry_frames_source(const struct ferry_frames *frames, int64_t offset,
                        struct ferry_source **out, struct ferry_err *err) FERRY_MUST_USE;

#endif
