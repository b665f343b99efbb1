#include "format/core/digest_map.h"

#include <assert.h>
#include <openssl/rand.h>
#include <string.h>

struct ferry_digest_entry {
    const struct ferry_digest *digest;
    void *value;
    uint32_t next;
};

/*
 * Multilinear: over words of 32 bits, the sum of key[i + 1] * word[i], of which the high half is
 * taken. Two digests meet by chance alone, whatever they are (Lemire and Kaser, "Strongly universal
 * string hashing is fast", 2014).
 */
static uint32_t *head_of(const struct ferry_digest_map *map, const struct ferry_digest *digest)
{
    uint64_t sum = map->key[0];
    size_t len = strlen(digest->text) + 1; /* 72 or 136: whole words */
    uint32_t word;

    for (size_t i = 0; i < len / sizeof(word); i++) {
        memcpy(&word, digest->text + i * sizeof(word), sizeof(word));
        sum += map->key[i + 1] * word;
    }
    return &map->heads[(sum >> 32) & (map->head_count - 1)];
}

static void link_entry(struct ferry_digest_map *map, size_t place)
{
    struct ferry_digest_entry *entry = &map->entries[place];
    uint32_t *head = head_of(map, entry->digest);

    entry->next = *head;
    *head = (uint32_t)place + 1;
}

/* No more entries than chains. */
static int reserve(struct ferry_digest_map *map, struct ferry_err *err)
{
    size_t wanted = map->head_count ? map->head_count * 2 : 64;
    uint32_t *heads;

    FERRY_TRY(
        ferry_grow((void **)&map->entries, map->count, &map->room, sizeof(*map->entries), err));
    if (map->count < map->head_count)
        return 0;
    if (map->head_count == 0 && RAND_bytes((unsigned char *)map->key, sizeof(map->key)) != 1)
        return ferry_fail(err, FERRY_EIO, "the system has no random numbers");
    heads = calloc(wanted, sizeof(*heads));
    if (!heads)
        return ferry_fail_memory(err);
    free(map->heads);
    map->heads = heads;
    map->head_count = wanted;
    for (size_t i = 0; i < map->count; i++)
        link_entry(map, i);
    return 0;
}

int ferry_digest_map_add(struct ferry_digest_map *map, const struct ferry_digest *digest,
                         void *value, struct ferry_err *err)
{
    assert(value && map->count < UINT32_MAX - 1);
    if (ferry_digest_map_find(map, digest))
        return 0;
    FERRY_TRY(reserve(map, err));
    map->entries[map->count] = (struct ferry_digest_entry){ .digest = digest, .value = value };
    link_entry(map, map->count++);
    return 0;
}

void *ferry_digest_map_find(const struct ferry_digest_map *map, const struct ferry_digest *digest)
{
    if (map->count == 0)
        return NULL;
    for (uint32_t at = *head_of(map, digest); at != 0; at = map->entries[at - 1].next)
        if (ferry_digest_equal(map->entries[at - 1].digest, digest))
            return map->entries[at - 1].value;
    return NULL;
}

void ferry_digest_map_release(struct ferry_digest_map *map)
{
    free(map->entries);
    free(map->heads);
    *map = (struct ferry_digest_map){ 0 };
}
