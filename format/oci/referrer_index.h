/*
 * Lists of referrers: what a registry answers to "who refers to this digest", and the index that
 * the referrers tag schema keeps where there is no such API (distribution-spec 1.1 "Listing
 * Referrers", "Referrers Tag Schema").
 *
 * Owns: gives what it says. Fails: FERRY_EFORMAT, FERRY_ELIMIT naming `what`.
 */
#ifndef FERRY_OCI_REFERRER_INDEX_H
#define FERRY_OCI_REFERRER_INDEX_H

#include "format/oci/graph.h"

/* The tag under which the list of a subject's referrers is kept: "sha256-" and 64 digits. */
void ferry_referrer_index_tag(const struct ferry_digest *subject, char out[FERRY_TAG_MAX]);

/* The digests of a list, in its order, appended to *digests with room for *room. */
int ferry_referrer_index_parse(const struct ferry_buf *list, const char *what,
                               struct ferry_digest **digests, size_t *count, size_t *room,
                               struct ferry_err *err) FERRY_MUST_USE;

/*
 * The list (empty: there was none) with these manifests in it as well, each once, appended to
 * *out; what it held stays as it was. Nothing is appended when it lists all of them already. The
 * nodes' bytes must be there.
 */
int ferry_referrer_index_merge(const struct ferry_buf *list, const char *what,
                               const struct ferry_node *const *nodes, size_t count,
                               struct ferry_buf *out, struct ferry_err *err) FERRY_MUST_USE;

#endif
