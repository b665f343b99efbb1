/*
 * The names of volumes, and the sums file that goes with them (SPEC.md 2.10).
 *
 * What it is: an archive NAME in volumes is NAME.001, NAME.002 and so on, and NAME.sha256, which
 * `sha256sum -c` takes: lines "DIGITS  NAME.001", and comments with what it has no place for.
 * Owns: an array. Fails: FERRY_EFORMAT, FERRY_ELIMIT, FERRY_ENOMEM.
 */
#ifndef FERRY_ARCHIVE_VOLUME_SUMS_H
#define FERRY_ARCHIVE_VOLUME_SUMS_H

#include "format/core/digest.h"

#define FERRY_VOLUMES_MAX 9999
#define FERRY_VOLUME_TEXT_MAX 6 /* ".9999", NUL */
#define FERRY_SUMS_SUFFIX ".sha256"
#define FERRY_SUMS_MAX ((size_t)4 * 1024 * 1024) /* bytes of a sums file */

/* ".001" for the volume at place 0. */
const char *ferry_volume_suffix(size_t place, char out[FERRY_VOLUME_TEXT_MAX]);

/* Whether `name` is `stem` and the suffix of a volume; then *place is its place. */
bool ferry_volume_parse(const char *name, size_t stem_len, size_t *place);

struct ferry_volume_sum {
    int64_t size;
    struct ferry_digest digest; /* sha256 */
};

struct ferry_volume_sums {
    struct ferry_volume_sum *items;
    size_t count, room;
};

#define FERRY_OWNED_SUMS                                                                           \
    __attribute__((cleanup(ferry_volume_sums_release))) struct ferry_volume_sums

void ferry_volume_sums_release(struct ferry_volume_sums *sums);
int ferry_volume_sums_add(struct ferry_volume_sums *sums, int64_t size,
                          const struct ferry_digest *digest, struct ferry_err *err) FERRY_MUST_USE;

/* `name` is that of the archive, without folders. */
int ferry_volume_sums_format(const struct ferry_volume_sums *sums, const char *name,
                             struct ferry_buf *out, struct ferry_err *err) FERRY_MUST_USE;

/* `text` is not empty. */
int ferry_volume_sums_parse(const struct ferry_buf *text, const char *name,
                            struct ferry_volume_sums *out, struct ferry_err *err) FERRY_MUST_USE;

#endif
