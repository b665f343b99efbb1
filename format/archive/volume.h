/*
 * The bytes of an archive that can be read at any place: of one regular file, or of several that
 * follow each other.
 *
 * What it is: one run of bytes from 0 to ferry_volumes_size(), whatever it is cut into. A file is
 * opened when it is first read, and its size is what it was when it was added.
 * Owns: its file descriptors. Fails: FERRY_EIO, FERRY_ECANCEL.
 * Threads: ferry_volumes_read_at() from any; all else from one at a time.
 */
#ifndef FERRY_ARCHIVE_VOLUME_H
#define FERRY_ARCHIVE_VOLUME_H

#include "format/core/blob.h"
#include "format/core/mem.h"

struct ferry_volumes;

/* The regular file at `path`. */
int ferry_volumes_open(const char *path, struct ferry_volumes **out,
                       struct ferry_err *err) FERRY_MUST_USE;

/* One by one: at first there are none, and each takes its place behind the last. */
int ferry_volumes_new(struct ferry_volumes **out, struct ferry_err *err) FERRY_MUST_USE;
int ferry_volumes_add(struct ferry_volumes *volumes, const char *path, int64_t size,
                      struct ferry_err *err) FERRY_MUST_USE;

void ferry_volumes_free(struct ferry_volumes *volumes);
FERRY_OWNED_DEFINE(ferry_volumes)

int64_t ferry_volumes_size(const struct ferry_volumes *volumes);

/* At most `cap` bytes from `offset` on; *got == 0 at the end, and not before. */
int ferry_volumes_read_at(struct ferry_volumes *volumes, int64_t offset, void *buf, size_t cap,
                          size_t *got, struct ferry_err *err) FERRY_MUST_USE;

/* The bytes from `start` to `end`, once; `volumes` is borrowed until it is freed. FERRY_EIO where
 * there are fewer. */
int ferry_volumes_source(struct ferry_volumes *volumes, int64_t start, int64_t end,
                         struct ferry_source **out, struct ferry_err *err) FERRY_MUST_USE;

#endif
