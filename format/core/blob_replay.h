/*
 * The replaying source: lets a stream be rewound a little, by keeping the bytes that it handed out
 * last. For an upload from a pipe whose connection breaks: what the registry has not got is still
 * here, if it was in flight.
 *
 * Owns: takes *inner. Fails: a rewind past what is kept is FERRY_EIO.
 */
#ifndef FERRY_CORE_BLOB_REPLAY_H
#define FERRY_CORE_BLOB_REPLAY_H

#include "format/core/blob.h"

/* Keeps the last `window` bytes. */
int ferry_replay_new(struct ferry_source **inner, size_t window, struct ferry_source **out,
                     struct ferry_err *err) FERRY_MUST_USE;

#endif
