#include "import/chunk_size.h"

#include <stdatomic.h>

int64_t ferry_chunk_size(struct ferry_chunk_size *size, int64_t minimum)
{
    int64_t allowed = atomic_load(&size->allowed);
    int64_t limit = size->asked > 0 ? size->asked : INT64_MAX;

    if (allowed > 0 && allowed < limit)
        limit = allowed;
    return limit > minimum ? limit : minimum;
}

/* Limits are often round: the next power of two below comes soonest to what is permitted. */
static int64_t next_below(int64_t refused)
{
    int64_t next = FERRY_CHUNK_FIRST;

    while (next >= refused)
        next /= 2;
    return next;
}

enum ferry_lesson ferry_chunk_size_learn(struct ferry_chunk_size *size, int64_t refused,
                                         int64_t minimum)
{
    int64_t known = atomic_load(&size->allowed);

    if (refused <= FERRY_CHUNK_MIN || refused <= minimum)
        return FERRY_LESSON_NONE;
    do {
        if (known > 0 && known < refused) /* another thread has learnt it meanwhile */
            return FERRY_LESSON_MORE;
    } while (!atomic_compare_exchange_weak(&size->allowed, &known, next_below(refused)));
    return known == 0 ? FERRY_LESSON_FIRST : FERRY_LESSON_MORE;
}
