/*
 * When to try again.
 *
 * Fails: FERRY_ECANCEL when cancelled while waiting.
 * Threads: any.
 */
#ifndef FERRY_REGISTRY_RETRY_H
#define FERRY_REGISTRY_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "format/core/err.h"

#define FERRY_RETRY_AFTER_MAX_MS ((int64_t)5 * 60 * 1000)

/* Who moves less within the limit for a stall is silent. Not a rate, so that a longer limit takes
 * any server, however slow. */
#define FERRY_STALL_BYTES 1024

/* Milliseconds before retry `attempt` (1, 2, ...): 0.2 s doubling to 10 s, give or take a quarter,
 * so that many clients that were cut off together do not come back together. */
int64_t ferry_retry_delay(int attempt);

/* Milliseconds that a Retry-After value (seconds or a date) asks for, at most
 * FERRY_RETRY_AFTER_MAX_MS; -1 when it says nothing. NULL is legal. */
int64_t ferry_retry_after(const char *value);

/* Whether a status may be another one if asked again. */
bool ferry_retry_status(int status);

int ferry_retry_wait(int64_t ms, struct ferry_err *err) FERRY_MUST_USE;

#endif
