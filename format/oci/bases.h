/*
 * What an archive leaves to earlier ones, its bases: two annotations of its index.json (SPEC.md
 * 2.4).
 *
 * What it is: the digests that name the bases, and the layers that are not in the archive since a
 * base has them, each with a repository that had it there. Zeroed, it leaves nothing to anybody.
 * Owns: its arrays; repositories point into its text. Fails: FERRY_EFORMAT, FERRY_ENOMEM; what a
 * failure leaves in *out is to be released all the same.
 */
#ifndef FERRY_OCI_BASES_H
#define FERRY_OCI_BASES_H

#include "format/core/digest.h"

#define FERRY_NOTE_BASE "io.ociferry.archive.base"
#define FERRY_NOTE_IN_BASE "io.ociferry.archive.in-base"

struct ferry_base_layer {
    struct ferry_digest digest;
    const char *repository; /* REGISTRY/REPOSITORY */
};

struct ferry_bases {
    struct ferry_digest *digests; /* of the index.json of each base; sorted, each once */
    size_t count;
    struct ferry_base_layer *layers; /* sorted by digest, each once */
    size_t layer_count;
    char *text;
};

/* The annotations as they stand there; NULL for one that does not. */
int ferry_bases_parse(const char *base, const char *in_base, struct ferry_bases *out,
                      struct ferry_err *err) FERRY_MUST_USE;
void ferry_bases_release(struct ferry_bases *bases);

/* NULL when the digest is not left to a base. */
const struct ferry_base_layer *ferry_bases_find(const struct ferry_bases *bases,
                                                const struct ferry_digest *digest);

/* "sha256:..., sha256:...": of many the first ones. "" when there is none. */
#define FERRY_BASES_TEXT_MAX 240
const char *ferry_bases_format(const struct ferry_bases *bases, char out[FERRY_BASES_TEXT_MAX]);

#endif
