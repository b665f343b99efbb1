/*
 * A running hash that a thread of its own computes: whoever reads or writes the bytes, and maybe
 * hashes them for another purpose, goes on meanwhile.
 *
 * What it is: the bytes are copied into a ring of FERRY_HASHER_ROOM bytes; who is ahead waits.
 * Where the system has no thread to give, the hash is computed in the calls.
 * Owns: its thread. Fails: FERRY_ENOMEM; a failure to hash is told by the next call. Threads: one
 * at a time.
 */
#ifndef FERRY_CORE_HASHER_H
#define FERRY_CORE_HASHER_H

#include "format/core/digest.h"

#define FERRY_HASHER_ROOM ((size_t)2 * 1024 * 1024)

struct ferry_hasher;

int ferry_hasher_new(enum ferry_algorithm algorithm, struct ferry_hasher **out,
                     struct ferry_err *err) FERRY_MUST_USE;
void ferry_hasher_free(struct ferry_hasher *hasher);
FERRY_OWNED_DEFINE(ferry_hasher)

int ferry_hasher_update(struct ferry_hasher *hasher, const void *bytes, size_t len,
                        struct ferry_err *err) FERRY_MUST_USE;

/* The digest of all bytes since the start, or since the last digest. */
int ferry_hasher_final(struct ferry_hasher *hasher, struct ferry_digest *out,
                       struct ferry_err *err) FERRY_MUST_USE;

/* Forgets what was hashed. */
int ferry_hasher_restart(struct ferry_hasher *hasher, struct ferry_err *err) FERRY_MUST_USE;

#endif
