/*
 * Writes an archive: one tar stream, in order, whole or not there (SPEC.md 2).
 *
 * What it is: entries go out in the order in which they are put. A regular file is written as
 * NAME.partial and takes its name when it is complete and on the medium; "-" is stdout, and a
 * device or pipe is written to as it stands. Nothing of the clock, the user or the host is in the
 * bytes.
 * Owns: the writer owns its file; an uncommitted writer removes NAME.partial when freed, unless it
 * found it there or was told to keep it, and on a stream leaves out the end-of-archive blocks. An
 * entry's sink borrows the writer; one at a time. Fails: FERRY_EIO naming the file. After any
 * failure only ferry_writer_free() is legal. Threads: one at a time.
 */
#ifndef FERRY_ARCHIVE_ARCHIVE_WRITER_H
#define FERRY_ARCHIVE_ARCHIVE_WRITER_H

#include "format/archive/volume.h"
#include "format/core/blob.h"
#include "format/core/digest.h"

struct ferry_writer;

enum ferry_existing {
    FERRY_EXISTING_KEEP,   /* an archive of that name is an error */
    FERRY_EXISTING_REPLACE /* it is replaced when the new one is complete */
};

/* `path` is copied. A terminal is refused. */
int ferry_writer_open(const char *path, enum ferry_existing existing, struct ferry_writer **out,
                      struct ferry_err *err) FERRY_MUST_USE;
void ferry_writer_free(struct ferry_writer *writer);
FERRY_OWNED_DEFINE(ferry_writer)

/*
 * Going on with what an earlier writer left as NAME.partial. It is found on opening: so many bytes
 * of it (0 for none, and for a stream), to be read from volumes that are lent. It stays as it is
 * until the first entry is put. Then the archive begins anew, unless
 * ferry_writer_continue() was called: it goes on at `offset`, where an entry begins. What stands in
 * the file between there and `kept` are that entry's header and first bytes; the caller hands them
 * over like all others, and they are not written again. What stands behind `kept` is cut off.
 */
int64_t ferry_writer_found(const struct ferry_writer *writer);
struct ferry_volumes *ferry_writer_found_volumes(const struct ferry_writer *writer);
void ferry_writer_continue(struct ferry_writer *writer, int64_t offset, int64_t kept);

/* Instead of ferry_writer_continue(): the archive begins anew, but what was found is cut off at the
 * commit and not before. What is not yet written over can be read meanwhile. */
void ferry_writer_overwrite(struct ferry_writer *writer);

/* From here on a failure leaves NAME.partial behind. `true` unless the output is a stream. */
bool ferry_writer_keep(struct ferry_writer *writer);

/* After a failure: what stands in NAME.partial from `offset` on is worth nothing. */
void ferry_writer_drop(struct ferry_writer *writer, int64_t offset);

/* A whole entry from memory. */
int ferry_writer_put(struct ferry_writer *writer, const char *name, const void *bytes, size_t len,
                     struct ferry_err *err) FERRY_MUST_USE;

/* An entry for a folder, which some readers want before what is in it; `name` ends with '/'. */
int ferry_writer_folder(struct ferry_writer *writer, const char *name,
                        struct ferry_err *err) FERRY_MUST_USE;

/* An entry of `size` bytes that the sink takes; its commit fails unless all were written. */
int ferry_writer_entry(struct ferry_writer *writer, const char *name, int64_t size,
                       struct ferry_sink **out, struct ferry_err *err) FERRY_MUST_USE;

/* End-of-archive blocks, fsync, rename. */
int ferry_writer_commit(struct ferry_writer *writer, struct ferry_err *err) FERRY_MUST_USE;

/* Bytes handed to the file or stream so far, headers and padding included. */
int64_t ferry_writer_written(const struct ferry_writer *writer);

/* Bytes that a file of `size` bytes takes in the archive: under a short name, and as a blob. */
int64_t ferry_writer_file_cost(int64_t size);
int64_t ferry_writer_entry_cost(const struct ferry_digest *digest, int64_t size);

/* Bytes of the end-of-archive blocks. */
#define FERRY_WRITER_END 1024

#endif
