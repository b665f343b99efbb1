/*
 * A source that tells the live line how far the pass is.
 *
 * Owns: the source that it wraps. Borrows `progress` until it is freed. One pass.
 */
#ifndef FERRY_VERIFY_PACED_H
#define FERRY_VERIFY_PACED_H

#include "format/core/blob.h"
#include "format/run/progress.h"

/* Takes *inner. */
int ferry_paced_new(struct ferry_source **inner, struct ferry_progress *progress,
                    struct ferry_source **out, struct ferry_err *err) FERRY_MUST_USE;

#endif
