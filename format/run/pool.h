/*
 * A parallel for: the one way in which the programs use threads for many like things.
 *
 * Calls fn(ctx, i, err) for every i in [0, count) on up to `jobs` threads, indexes in rising order,
 * and returns when all calls have returned. After a call failed, or ferry_cancel(), no further
 * index is begun; the failure with the lowest index is returned. Worker threads have all signals
 * blocked. With one job or one index the caller's own thread does the work.
 */
#ifndef FERRY_RUN_POOL_H
#define FERRY_RUN_POOL_H

#include <stddef.h>

#include "format/core/err.h"

typedef int ferry_pool_fn(void *ctx, size_t index, struct ferry_err *err);

int ferry_pool_run(int jobs, size_t count, ferry_pool_fn *fn, void *ctx,
                   struct ferry_err *err) FERRY_MUST_USE;

#endif
