#include "format/registry/rate.h"

#include "format/core/clock.h"

#define SECOND_US 1000000
#define PORTIONS 8 /* a second */

void ferry_rate_init(struct ferry_rate *rate, int64_t bytes_per_second)
{
    pthread_mutex_init(&rate->lock, NULL);
    rate->per_second = bytes_per_second;
    rate->free_us = 0;
}

void ferry_rate_release(struct ferry_rate *rate)
{
    pthread_mutex_destroy(&rate->lock);
}

int64_t ferry_rate_take(struct ferry_rate *rate, size_t bytes)
{
    const int64_t now = ferry_now_us();
    int64_t wait;

    pthread_mutex_lock(&rate->lock);
    if (rate->free_us < now)
        rate->free_us = now;
    rate->free_us += (int64_t)((double)bytes * SECOND_US / (double)rate->per_second);
    wait = (rate->free_us - now) / 1000;
    pthread_mutex_unlock(&rate->lock);
    return wait;
}

size_t ferry_rate_portion(const struct ferry_rate *rate, size_t cap)
{
    const int64_t portion = rate->per_second / PORTIONS + 1;

    return portion < (int64_t)cap ? (size_t)portion : cap;
}
