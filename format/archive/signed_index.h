/*
 * index.json, read and not yet believed: what its signature is worth comes first (SPEC.md 5.7).
 *
 * What it is: the two files are given in any order; then ferry_signed_index_believe() checks the
 * one against the other by a policy, and what index.json says joins the graph. Owns: the bytes of
 * both. Borrows what its first three members point to.
 */
#ifndef FERRY_ARCHIVE_SIGNED_INDEX_H
#define FERRY_ARCHIVE_SIGNED_INDEX_H

#include "format/archive/archive_reader.h"
#include "format/archive/signature.h"
#include "format/oci/graph.h"

struct ferry_signed_index {
    const struct ferry_reader *reader; /* for messages */
    const struct ferry_signature_policy *policy;
    struct ferry_signature *found;
    struct ferry_buf index;
    struct ferry_buf signature;
    bool has_index, has_signature;
    int64_t signature_size; /* past FERRY_SIGNATURE_MAX it is not read */
};

#define FERRY_OWNED_SIGNED_INDEX                                                                   \
    __attribute__((cleanup(ferry_signed_index_release))) struct ferry_signed_index

void ferry_signed_index_init(struct ferry_signed_index *head, const struct ferry_reader *reader,
                             const struct ferry_signature_policy *policy,
                             struct ferry_signature *found);
void ferry_signed_index_release(struct ferry_signed_index *head);

/* Reads index.json, or its signature; *source is taken. */
int ferry_signed_index_read(struct ferry_signed_index *head, struct ferry_source **source,
                            struct ferry_err *err) FERRY_MUST_USE;
int ferry_signed_index_read_signature(struct ferry_signed_index *head, struct ferry_source **source,
                                      struct ferry_err *err) FERRY_MUST_USE;

/* Once index.json is read, and its signature, or it is known that none counts. The graph takes the
 * text, also of one that is refused. */
int ferry_signed_index_believe(struct ferry_signed_index *head, struct ferry_graph *graph,
                               struct ferry_err *err) FERRY_MUST_USE;

#endif
