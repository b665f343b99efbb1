/*
 * Reads an archive: a tar of any order and dialect, plain, gzip or zstd, from a file, from volumes
 * or from a pipe; or an image layout in a folder (SPEC.md 5).
 *
 * What it is: two ways in. Every input can be walked once, entry by entry (ferry_reader_next). A
 * plain tar file or a folder also opens any blob at any time (ferry_reader_blob), from any thread.
 * Nothing is checked against digests here: wrap the source (blob_verify.h).
 * Owns: the reader owns its files. An entry's name and body live until the next ferry_reader_next.
 * Fails: FERRY_EFORMAT, FERRY_ELIMIT, FERRY_EIO, each naming the input.
 * Threads: one at a time, but for ferry_reader_blob.
 */
#ifndef FERRY_ARCHIVE_ARCHIVE_READER_H
#define FERRY_ARCHIVE_ARCHIVE_READER_H

#include "format/archive/layout.h"
#include "format/archive/volume.h"
#include "format/core/blob.h"

struct ferry_reader;

struct ferry_entry {
    enum ferry_entry_kind kind;
    const char *name; /* as it stands in the archive */
    int64_t size;
    struct ferry_digest digest; /* of a FERRY_ENTRY_BLOB: what its name says */
};

struct ferry_reader_options {
    const char *path; /* "-" is stdin */
    bool in_order;
    const struct ferry_volume_prompt *prompt; /* NULL, or borrowed until the reader is freed */
};

/*
 * A plain tar file is scanned once, by seeking from header to header. Volumes are refused unless
 * all are there, each of its size.
 * `in_order`: to be walked only. A tar file is not scanned first and is not random, so that of one
 * that is cut or damaged, or lacks a volume, everything before that can still be read.
 * `prompt`: if `path` is that of volumes, they are asked for one by one (volume_set.h), and read in
 * one pass as a pipe is.
 */
int ferry_reader_open_with(const struct ferry_reader_options *options, struct ferry_reader **out,
                           struct ferry_err *err) FERRY_MUST_USE;
int ferry_reader_open(const char *path, struct ferry_reader **out,
                      struct ferry_err *err) FERRY_MUST_USE;
int ferry_reader_open_in_order(const char *path, struct ferry_reader **out,
                               struct ferry_err *err) FERRY_MUST_USE;
void ferry_reader_free(struct ferry_reader *reader);
FERRY_OWNED_DEFINE(ferry_reader)

/* What to call it in messages: the path, or "stdin". */
const char *ferry_reader_name(const struct ferry_reader *reader);

/* Whether such a failure is the archive's, as against one of the machine. */
static inline bool ferry_reader_blames_archive(int code)
{
    return code == FERRY_EFORMAT || code == FERRY_ELIMIT || code == FERRY_EUNFIT;
}

bool ferry_reader_is_folder(const struct ferry_reader *reader);

/* The file or volumes that it is read from, lent; NULL for a folder or pipe. */
struct ferry_volumes *ferry_reader_volumes(const struct ferry_reader *reader);

/* Where the bytes of a blob begin in them; -1 when that is not known. */
int64_t ferry_reader_offset(const struct ferry_reader *reader, const struct ferry_digest *digest);

/* Whether blobs can be opened in any order. */
bool ferry_reader_is_random(const struct ferry_reader *reader);

/* The next entry, or FERRY_ENTRY_END. A second one of those that a layout has once (oci-layout,
 * index.json and the like) is refused, since readers differ on which one counts. At the end a pipe
 * is drained. */
int ferry_reader_next(struct ferry_reader *reader, struct ferry_entry *entry,
                      struct ferry_err *err) FERRY_MUST_USE;

/* The bytes of the entry that ferry_reader_next() gave last. */
int ferry_reader_body(struct ferry_reader *reader, struct ferry_source **out,
                      struct ferry_err *err) FERRY_MUST_USE;

/* From the first entry again. FERRY_EIO on a pipe. */
int ferry_reader_restart(struct ferry_reader *reader, struct ferry_err *err) FERRY_MUST_USE;
bool ferry_reader_can_restart(const struct ferry_reader *reader);

/* Whether passing over an entry costs nothing: a folder, or a tar file that is not compressed. */
bool ferry_reader_can_skip(struct ferry_reader *reader);

/* A named top-level file or a blob, where the reader is random. FERRY_ENOTFOUND when it is not in
 * the archive. The source can be rewound. */
int ferry_reader_file(struct ferry_reader *reader, enum ferry_entry_kind kind,
                      struct ferry_source **out, struct ferry_err *err) FERRY_MUST_USE;
int ferry_reader_blob(struct ferry_reader *reader, const struct ferry_digest *digest,
                      struct ferry_source **out, struct ferry_err *err) FERRY_MUST_USE;

/*
 * For ferry_archive_load(), which looks ahead in a pipe. ferry_reader_keep sets the current entry
 * aside with its bytes (takes bytes->data), ferry_reader_kept finds a blob among those (its bytes
 * are lent). ferry_reader_repeat lets the current entry, of which nothing was read, come again.
 * After ferry_reader_replay all kept entries come again in their order, then the repeated one.
 */
int ferry_reader_keep(struct ferry_reader *reader, const struct ferry_entry *entry,
                      struct ferry_buf *bytes, struct ferry_err *err) FERRY_MUST_USE;
const uint8_t *ferry_reader_kept(const struct ferry_reader *reader,
                                 const struct ferry_digest *digest, int64_t *size);
void ferry_reader_repeat(struct ferry_reader *reader);
void ferry_reader_replay(struct ferry_reader *reader);

#endif
