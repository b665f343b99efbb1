/*
 * What is known by its digest.
 *
 * What it is: a hash table. Archives and registries choose the digests that they list, for nothing
 * has to be there under them; so the hash has a key, drawn anew for each map, and nobody can choose
 * digests that get into each other's way.
 * Owns: the table. Borrows the digests and what they stand for, while the map lives: neither may
 * move. Bounds: 2^32-2 entries. A zeroed map is an empty one. Threads: one at a time while it is
 * added to.
 */
#ifndef FERRY_CORE_DIGEST_MAP_H
#define FERRY_CORE_DIGEST_MAP_H

#include "format/core/digest.h"

#define FERRY_DIGEST_WORDS (FERRY_DIGEST_TEXT_MAX / 4)

struct ferry_digest_map {
    struct ferry_digest_entry *entries;
    size_t count, room;
    uint32_t *heads; /* of the chains: places in `entries` from 1; 0 ends one */
    size_t head_count;
    uint64_t key[FERRY_DIGEST_WORDS + 1];
};

/* `value` is not NULL. Of two with one digest, the first is found. */
int ferry_digest_map_add(struct ferry_digest_map *map, const struct ferry_digest *digest,
                         void *value, struct ferry_err *err) FERRY_MUST_USE;

/* NULL when it is not there. */
void *ferry_digest_map_find(const struct ferry_digest_map *map, const struct ferry_digest *digest);

/* Empties it. */
void ferry_digest_map_release(struct ferry_digest_map *map);

#endif
