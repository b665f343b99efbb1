/*
 * The one flag that asks everything to stop: set by a signal handler, or by whoever has met a
 * failure that makes all else vain; looked at by every loop that waits. Lock-free, so it may be set
 * from a handler and read from any thread.
 */
#ifndef FERRY_CORE_CANCEL_H
#define FERRY_CORE_CANCEL_H

#include <stdbool.h>

#include "format/core/err.h"

void ferry_cancel(void);
bool ferry_cancelled(void);

/* 0, or FERRY_ECANCEL "interrupted" once ferry_cancel() was called. */
int ferry_cancel_check(struct ferry_err *err) FERRY_MUST_USE;

#endif
