/*
 * A limit on the rate of all transfers together.
 *
 * What it is: an account of bytes that were moved, and of when the time for them is over. Whoever
 * moved some waits as long as it says before moving more; those who wait at the same time get turns
 * in the order in which they came. What was not used up to now is not saved for later.
 * Owns: nothing. Threads: any.
 */
#ifndef FERRY_REGISTRY_RATE_H
#define FERRY_REGISTRY_RATE_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

struct ferry_rate {
    pthread_mutex_t lock;
    int64_t per_second; /* bytes, > 0 */
    int64_t free_us;    /* when all that was moved is paid for; monotonic */
};

void ferry_rate_init(struct ferry_rate *rate, int64_t bytes_per_second);
void ferry_rate_release(struct ferry_rate *rate);

/* Enters `bytes` that were moved; returns how many ms to wait. */
int64_t ferry_rate_take(struct ferry_rate *rate, size_t bytes);

/* How much to move at once, at most `cap`, so that nobody waits long: an eighth of a second's. */
size_t ferry_rate_portion(const struct ferry_rate *rate, size_t cap);

#endif
