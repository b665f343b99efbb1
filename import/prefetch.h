/*
 * The prefetching source: reads on from a stream, in a thread of its own, while its reader is busy
 * with what it has; and keeps what it handed out last, so that it can go back a little. For an
 * upload from a pipe: the next chunk is read while this one is sent, and what was in flight when a
 * connection broke is sent again.
 *
 * Owns: takes *inner, which nobody else may touch until this is freed; so for what `inner` reads
 * from. To free it waits for a read of `inner` that is under way.
 * Fails: as `inner` did, behind the bytes that came before; a rewind past what is kept is
 * FERRY_EIO.
 * Limits: memory for `behind` and `ahead` bytes, of which a smaller stream touches only its size.
 */
#ifndef FERRY_IMPORT_PREFETCH_H
#define FERRY_IMPORT_PREFETCH_H

#include "format/core/blob.h"

/* Reads at most `ahead` bytes further than its reader, who may go back by `behind` bytes from the
 * furthest one that he had. Both are more than 0. */
int ferry_prefetch_new(struct ferry_source **inner, size_t behind, size_t ahead,
                       struct ferry_source **out, struct ferry_err *err) FERRY_MUST_USE;

#endif
