/*
 * One pass over a tar stream, of any dialect that libarchive reads, plain or compressed.
 *
 * What it is: entries in the order of the stream; an entry's bytes are a source. Only regular files
 * are handed out: folders are passed over, and links, devices and the like are refused. The end is
 * an end only where the end-of-archive blocks stand.
 * Owns: borrows what it reads from; an entry's name and source live until the next call.
 * Fails: FERRY_EFORMAT with the byte offset, FERRY_ELIMIT, FERRY_EIO.
 * Threads: one at a time; several streams may read the same volumes.
 */
#ifndef FERRY_ARCHIVE_TAR_STREAM_H
#define FERRY_ARCHIVE_TAR_STREAM_H

#include "format/archive/volume.h"
#include "format/core/blob.h"

#define FERRY_ENTRIES_MAX 2000000                         /* entries in one archive: SPEC 6 */
#define FERRY_HOLES_MAX ((int64_t)4 * 1024 * 1024 * 1024) /* bytes of its holes: SPEC 6 */

struct ferry_tar;

struct ferry_tar_entry {
    const char *name; /* NULL at the end */
    int64_t size;
    int64_t position; /* of its first header, in the uncompressed stream; */
    int64_t data;     /*   of its bytes */
};

/* From byte `offset` of `volumes` on; what is skipped is not read. */
int ferry_tar_open(struct ferry_volumes *volumes, int64_t offset, struct ferry_tar **out,
                   struct ferry_err *err) FERRY_MUST_USE;

/* Of a stream, which goes by once. */
int ferry_tar_open_stream(struct ferry_source *stream, struct ferry_tar **out,
                          struct ferry_err *err) FERRY_MUST_USE;

void ferry_tar_free(struct ferry_tar *tar);
FERRY_OWNED_DEFINE(ferry_tar)

int ferry_tar_next(struct ferry_tar *tar, struct ferry_tar_entry *out,
                   struct ferry_err *err) FERRY_MUST_USE;

/* The bytes of the entry that ferry_tar_next() gave last; one pass. */
int ferry_tar_body(struct ferry_tar *tar, struct ferry_source **out,
                   struct ferry_err *err) FERRY_MUST_USE;

/* Whether the stream is not compressed; known after the first ferry_tar_next(). */
bool ferry_tar_is_plain(const struct ferry_tar *tar);

#endif
