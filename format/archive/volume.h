/*
 * The bytes of an archive that can be read at any place: of one regular file, or of the volumes
 * that it was cut into.
 *
 * What it is: one run of bytes from 0 to ferry_volumes_size(), whatever files it lies in, and what
 * is known of each of these. A file is opened when it is first read.
 * Owns: its file descriptors and texts. Fails: FERRY_EFORMAT where a volume is missing or cut;
 * FERRY_EIO, FERRY_ECANCEL, FERRY_ENOMEM.
 * Threads: ferry_volumes_read_at() from any; all else from one at a time.
 */
#ifndef FERRY_ARCHIVE_VOLUME_H
#define FERRY_ARCHIVE_VOLUME_H

#include "format/core/blob.h"
#include "format/core/digest.h"

struct ferry_volumes;

struct ferry_volume {
    const char *path;
    const char *name;           /* the same without folders */
    int64_t size;               /* that it has: as the sums file says, else as it was found */
    int64_t found;              /* of the file that is there; -1: there is none */
    bool is_surplus;            /* a file of such a name that is none of the volumes */
    struct ferry_digest sum;    /* that it has as the sums file says; text "": says nothing */
    struct ferry_digest digest; /* of its bytes; text "": they were not all read */
};

/* Whom to ask for a volume that is not there: returns to have it looked for again. */
struct ferry_volume_prompt {
    int (*ask)(void *ctx, const char *what, struct ferry_err *err);
    void *ctx;
};

/* `name` is that of the archive. */
int ferry_volumes_new(const char *name, struct ferry_volumes **out,
                      struct ferry_err *err) FERRY_MUST_USE;
void ferry_volumes_free(struct ferry_volumes *volumes);
FERRY_OWNED_DEFINE(ferry_volumes)

/* Takes its place behind the last; surplus ones come at the end. All is copied. */
int ferry_volumes_add(struct ferry_volumes *volumes, const struct ferry_volume *volume,
                      struct ferry_err *err) FERRY_MUST_USE;

/* A volume that is not there, or of another size, is asked for; and only one is open at a time, for
 * reading in order. `prompt` is borrowed, or NULL. */
void ferry_volumes_set_prompt(struct ferry_volumes *volumes,
                              const struct ferry_volume_prompt *prompt);

const char *ferry_volumes_name(const struct ferry_volumes *volumes);
int64_t ferry_volumes_size(const struct ferry_volumes *volumes);
size_t ferry_volumes_count(const struct ferry_volumes *volumes);
const struct ferry_volume *ferry_volumes_get(const struct ferry_volumes *volumes, size_t place);

/* Whether they are a set, and no single file. */
bool ferry_volumes_is_set(const struct ferry_volumes *volumes);

/* The place of the volume that has the byte at `offset`, which is below the size. */
size_t ferry_volumes_find(const struct ferry_volumes *volumes, int64_t offset);

/* At most `cap` bytes from `offset` on; *got == 0 at the end, and not before. */
int ferry_volumes_read_at(struct ferry_volumes *volumes, int64_t offset, void *buf, size_t cap,
                          size_t *got, struct ferry_err *err) FERRY_MUST_USE;

/* The bytes from `start` to `end`, once; `volumes` is borrowed until it is freed. FERRY_EIO where
 * there are fewer. */
int ferry_volumes_source(struct ferry_volumes *volumes, int64_t start, int64_t end,
                         struct ferry_source **out, struct ferry_err *err) FERRY_MUST_USE;

/*
 * Digests. After ferry_volumes_watch() each volume is hashed while its bytes are read for the first
 * time, as long as that goes in order and by one thread. ferry_volumes_hash() does what is left of
 * one, and reads it if need be.
 */
int ferry_volumes_watch(struct ferry_volumes *volumes, struct ferry_err *err) FERRY_MUST_USE;
bool ferry_volumes_watched(const struct ferry_volumes *volumes);
int ferry_volumes_hash(struct ferry_volumes *volumes, size_t place,
                       struct ferry_err *err) FERRY_MUST_USE;

#endif
