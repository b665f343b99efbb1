/*
 * The monotonic clock: for how long something took, and until when to wait. It has no date.
 * Threads: any.
 */
#ifndef FERRY_CORE_CLOCK_H
#define FERRY_CORE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t ferry_now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static inline int64_t ferry_now_ms(void)
{
    return ferry_now_us() / 1000;
}

#endif
