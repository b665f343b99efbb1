/*
 * How large the body of a request to one registry may be: as asked for, and as learnt from refusals
 * (413), which a registry or a proxy before it answers with.
 *
 * What it is: one for each registry, for the whole run. Zeroed, there is no limit.
 * Threads: any.
 */
#ifndef FERRY_IMPORT_CHUNK_SIZE_H
#define FERRY_IMPORT_CHUNK_SIZE_H

#include <stdbool.h>
#include <stdint.h>

#define FERRY_CHUNK_FIRST ((int64_t)64 * 1024 * 1024) /* what is tried first after a refusal */
#define FERRY_CHUNK_MIN ((int64_t)1024 * 1024)        /* smaller is not tried */

struct ferry_chunk_size {
    int64_t asked;           /* --chunk-size; 0: no */
    _Atomic int64_t allowed; /* 0: nothing was refused so far */
};

/* The largest body, at least `minimum` (OCI-Chunk-Min-Length); INT64_MAX: no limit. */
int64_t ferry_chunk_size(struct ferry_chunk_size *size, int64_t minimum);

enum ferry_lesson {
    FERRY_LESSON_NONE,  /* there is nothing smaller to try */
    FERRY_LESSON_FIRST, /* the first refusal of this run */
    FERRY_LESSON_MORE
};

/* A body of `refused` bytes was too large. */
enum ferry_lesson ferry_chunk_size_learn(struct ferry_chunk_size *size, int64_t refused,
                                         int64_t minimum);

#endif
