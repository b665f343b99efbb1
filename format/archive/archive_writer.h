/*
 * Writes an archive: one tar stream, in order (SPEC.md 2).
 *
 * What it is: entries go out in the order in which they are put, to an output, which is whole or
 * not there. Nothing of the clock, the user or the host is in the bytes.
 * Owns: the writer owns its output; one that is freed without a commit leaves out the
 * end-of-archive blocks. An entry's sink borrows the writer; one at a time. Fails: as the output
 * does. After any failure only ferry_writer_flush(), ferry_writer_drop() and ferry_writer_free()
 * are legal. Threads: one at a time.
 */
#ifndef FERRY_ARCHIVE_ARCHIVE_WRITER_H
#define FERRY_ARCHIVE_ARCHIVE_WRITER_H

#include "format/archive/output.h"
#include "format/core/blob.h"
#include "format/core/digest.h"

struct ferry_writer;

struct ferry_writer_options {
    struct ferry_output_options output;
    int zstd_level; /* of the archive as a whole; 0: it is not compressed */
};

int ferry_writer_open(const struct ferry_writer_options *options, struct ferry_writer **out,
                      struct ferry_err *err) FERRY_MUST_USE;
void ferry_writer_free(struct ferry_writer *writer);
FERRY_OWNED_DEFINE(ferry_writer)

/*
 * Going on with what an earlier writer left behind (output.h). Offsets are those of the tar stream.
 * So many bytes of it there are at the most (0 for none, and for a stream), and from any of them on
 * they can be read. Only up to certain places can they be kept: the last one that is not behind
 * `offset` is asked for. With ferry_writer_continue(), made before the first entry, the archive
 * goes on at `offset`, where an entry begins; up to `kept`, one of those places, that entry's
 * header and first bytes are there already, and are put all the same.
 */
int64_t ferry_writer_found(const struct ferry_writer *writer);
int ferry_writer_reread(const struct ferry_writer *writer, int64_t offset,
                        struct ferry_source **out, struct ferry_err *err) FERRY_MUST_USE;
int64_t ferry_writer_keepable(const struct ferry_writer *writer, int64_t offset);
void ferry_writer_continue(struct ferry_writer *writer, int64_t offset, int64_t kept);
bool ferry_writer_can_overwrite(const struct ferry_writer *writer);
void ferry_writer_overwrite(struct ferry_writer *writer);
bool ferry_writer_keep(struct ferry_writer *writer);
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

/* End-of-archive blocks; all is on the medium. The commit follows, and nothing else. */
int ferry_writer_finish(struct ferry_writer *writer, struct ferry_err *err) FERRY_MUST_USE;

/* After that: the files as the medium has them (output.h), and the tar stream in them, once. */
int ferry_writer_read_back(const struct ferry_writer *writer, struct ferry_volumes **files,
                           struct ferry_source **stream, struct ferry_err *err) FERRY_MUST_USE;

/* End-of-archive blocks, and the output's commit. */
int ferry_writer_commit(struct ferry_writer *writer, struct ferry_err *err) FERRY_MUST_USE;

/* What the output was cut into: output.h. */
const struct ferry_volume_sums *ferry_writer_sums(const struct ferry_writer *writer);

/* Where it can overwrite: all that was written so far stands in the file. */
int ferry_writer_flush(struct ferry_writer *writer, struct ferry_err *err) FERRY_MUST_USE;

/* Bytes of the tar stream so far, headers and padding included; and what they took. */
int64_t ferry_writer_written(const struct ferry_writer *writer);
int64_t ferry_writer_stored(const struct ferry_writer *writer);

/* Bytes that a file of `size` bytes takes in the archive: under a short name, and as a blob. */
int64_t ferry_writer_file_cost(int64_t size);
int64_t ferry_writer_entry_cost(const struct ferry_digest *digest, int64_t size);

/* Bytes of the end-of-archive blocks. */
#define FERRY_WRITER_END 1024

#endif
