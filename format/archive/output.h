/*
 * Where the bytes of an archive go: a file or a set of volumes, whole or not there; or a stream.
 *
 * What it is: a regular file is written as NAME.partial and takes its name when it is complete and
 * on the medium. Volumes are files of `volume_size` bytes, the last one of what is left: NAME.001
 * and so on, written and named likewise, with a sums file NAME.sha256 that comes last (SPEC.md
 * 2.10). "-" is stdout, and a device or pipe is written to as it stands. Of what the bytes mean
 * nothing is known here. Below, NAME.partial stands for all that is written before it is named.
 * Owns: its files; an output that is freed without a commit removes NAME.partial, unless it found
 * it there or was told to keep it. Fails: FERRY_EIO naming the file. After any failure only
 * ferry_output_drop() and ferry_output_free() are legal. Threads: one at a time.
 */
#ifndef FERRY_ARCHIVE_OUTPUT_H
#define FERRY_ARCHIVE_OUTPUT_H

#include "format/archive/volume.h"
#include "format/archive/volume_sums.h"

struct ferry_output;

enum ferry_existing {
    FERRY_EXISTING_KEEP,   /* a file of that name is an error */
    FERRY_EXISTING_REPLACE /* it is replaced when the new one is complete */
};

struct ferry_output_options {
    const char *path;
    enum ferry_existing existing;
    int64_t volume_size; /* 0: one file, or a stream */
};

/* How many volumes a size is cut into. */
int64_t ferry_output_volumes(int64_t bytes, int64_t volume_size);

/* A terminal is refused. */
int ferry_output_open(const struct ferry_output_options *options, struct ferry_output **out,
                      struct ferry_err *err) FERRY_MUST_USE;
void ferry_output_free(struct ferry_output *output);
FERRY_OWNED_DEFINE(ferry_output)

/*
 * What an earlier output left as NAME.partial is found on opening, and lent (empty for a stream).
 * It stays as it is until the first byte is written. Then the file begins anew, unless
 * ferry_output_continue() was called: it goes on at `offset`. What stands in the file between there
 * and `kept` is written like all else by the caller, and passed over here. What stands behind
 * `kept` is cut off.
 */
struct ferry_volumes *ferry_output_found(const struct ferry_output *output);
void ferry_output_continue(struct ferry_output *output, int64_t offset, int64_t kept);

/* Instead of ferry_output_continue(): the file begins anew, but what was found is cut off at the
 * commit and not before. What is not yet written over can be read meanwhile. */
void ferry_output_overwrite(struct ferry_output *output);

/* From here on a failure leaves NAME.partial behind. `true` unless the output is a stream. */
bool ferry_output_keep(struct ferry_output *output);

/* Before it is freed without a commit: what NAME.partial has from `offset` on is worth nothing. */
void ferry_output_drop(struct ferry_output *output, int64_t offset);

int ferry_output_write(struct ferry_output *output, const void *bytes, size_t len,
                       struct ferry_err *err) FERRY_MUST_USE;

/* All bytes are on the medium, under NAME.partial. The commit follows, and nothing else. */
int ferry_output_finish(struct ferry_output *output, struct ferry_err *err) FERRY_MUST_USE;

/* After that, of files: what the medium has, past what the system remembers of it where that can be
 * done. `sum` of a volume is what its digest should be. */
int ferry_output_read_back(const struct ferry_output *output, struct ferry_volumes **out,
                           struct ferry_err *err) FERRY_MUST_USE;

/* The bytes are on the medium, and the file takes its name. */
int ferry_output_commit(struct ferry_output *output, struct ferry_err *err) FERRY_MUST_USE;

/* What is gathered is written: a reader of the file finds all up to the next byte. */
int ferry_output_flush(struct ferry_output *output, struct ferry_err *err) FERRY_MUST_USE;

/* Where the next byte goes. */
int64_t ferry_output_written(const struct ferry_output *output);

/* Of the volumes that are complete: after the commit, all. Lent. */
const struct ferry_volume_sums *ferry_output_sums(const struct ferry_output *output);

#endif
