/*
 * Where the entries of a plain tar file stand, so that each can be opened at any time.
 *
 * What it is: a list that one walk fills, and that is then sorted and searched. Zeroed, it is
 * empty.
 * Owns: its list. A source borrows the volumes, and the name that it has in messages.
 * Fails: as tar_stream.h.
 * Threads: any number, once it is sorted.
 */
#ifndef FERRY_ARCHIVE_TAR_PLACES_H
#define FERRY_ARCHIVE_TAR_PLACES_H

#include "format/archive/layout.h"
#include "format/archive/volume.h"
#include "format/core/blob.h"

struct ferry_tar_place {
    enum ferry_entry_kind kind;
    struct ferry_digest digest; /* of a FERRY_ENTRY_BLOB */
    int64_t position;           /* of its first header, */
    int64_t data;               /*   of its bytes */
};

struct ferry_tar_places {
    struct ferry_tar_place *list; /* by kind and digest, once it is sorted */
    size_t count, room;
};

int ferry_tar_places_add(struct ferry_tar_places *places, const struct ferry_tar_place *place,
                         struct ferry_err *err) FERRY_MUST_USE;
void ferry_tar_places_sort(struct ferry_tar_places *places);
void ferry_tar_places_release(struct ferry_tar_places *places);

/* `digest`: of a FERRY_ENTRY_BLOB; else NULL. NULL when the archive has no such entry. */
const struct ferry_tar_place *ferry_tar_places_find(const struct ferry_tar_places *places,
                                                    enum ferry_entry_kind kind,
                                                    const struct ferry_digest *digest);

/* The bytes of the entry that begins at byte `position`. The source can be rewound. */
int ferry_tar_place_open(struct ferry_volumes *volumes, int64_t position, const char *name,
                         struct ferry_source **out, struct ferry_err *err) FERRY_MUST_USE;

#endif
