/*
 * Digests (image-spec 1.1, descriptor.md "Digests"; SPEC.md 3).
 *
 * What it is: a content digest in its one canonical text form, and a running hash. A digest is
 * untrusted text until ferry_digest_parse() accepted it; nothing else makes one from text, so a
 * `struct ferry_digest` may be put into a path or a URL as it stands.
 * Limits: sha256 and sha512, lower-case hexadecimal of the exact length.
 */
#ifndef FERRY_CORE_DIGEST_H
#define FERRY_CORE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include "format/core/err.h"
#include "format/core/mem.h"

enum ferry_algorithm { FERRY_SHA256, FERRY_SHA512 };

#define FERRY_DIGEST_TEXT_MAX 136 /* "sha512:", 128 digits, NUL */

struct ferry_digest {
    enum ferry_algorithm algorithm;
    char text[FERRY_DIGEST_TEXT_MAX]; /* "sha256:<hex>" */
};

/* FERRY_EFORMAT when `text` is not a digest that we know. */
int ferry_digest_parse(const char *text, struct ferry_digest *out,
                       struct ferry_err *err) FERRY_MUST_USE;

bool ferry_digest_equal(const struct ferry_digest *a, const struct ferry_digest *b);

/* Of two struct ferry_digest, for qsort() and bsearch(): in the order of their texts. */
int ferry_digest_compare(const void *a, const void *b);

/* "sha256" or "sha512"; a constant. */
const char *ferry_algorithm_name(enum ferry_algorithm algorithm);

/* The hexadecimal digits alone; part of `digest`. */
const char *ferry_digest_hex(const struct ferry_digest *digest);

/* The digest of bytes in memory. */
int ferry_digest_of(enum ferry_algorithm algorithm, const void *bytes, size_t len,
                    struct ferry_digest *out, struct ferry_err *err) FERRY_MUST_USE;

/* A running hash. One thread at a time. */
struct ferry_hash;

int ferry_hash_new(enum ferry_algorithm algorithm, struct ferry_hash **out,
                   struct ferry_err *err) FERRY_MUST_USE;
void ferry_hash_free(struct ferry_hash *hash);
FERRY_OWNED_DEFINE(ferry_hash)

/* Forgets what was hashed. */
int ferry_hash_restart(struct ferry_hash *hash, struct ferry_err *err) FERRY_MUST_USE;
int ferry_hash_update(struct ferry_hash *hash, const void *bytes, size_t len,
                      struct ferry_err *err) FERRY_MUST_USE;

/* The digest of all bytes since the start; the hash runs on. */
int ferry_hash_peek(const struct ferry_hash *hash, struct ferry_digest *out,
                    struct ferry_err *err) FERRY_MUST_USE;

/* The same, once; restart before further use. */
int ferry_hash_final(struct ferry_hash *hash, struct ferry_digest *out,
                     struct ferry_err *err) FERRY_MUST_USE;

#endif
