/*
 * What belongs to the manifests of a graph, as their registries know it: referrers, by the API of
 * distribution-spec 1.1 or its tag schema, and what is found by a tag made of the digest, as
 * signatures, attestations and SBOMs of cosign are (SPEC 4.5).
 *
 * What it is: asks only; what is found is for the caller to fetch. Tags are taken from the list of
 * the repository's tags, where there is one; else the usual ones are asked for.
 * Owns: borrows the session and the graph; the graph's images and nodes may only become more.
 * Fails: naming image and manifest. That a registry does not know referrers is no failure.
 * Threads: one.
 */
#ifndef FERRY_EXPORT_REFERRERS_H
#define FERRY_EXPORT_REFERRERS_H

#include "format/oci/graph.h"
#include "format/registry/session.h"

struct ferry_referrers;

int ferry_referrers_new(struct ferry_session *session, struct ferry_graph *graph, int jobs,
                        struct ferry_referrers **out, struct ferry_err *err) FERRY_MUST_USE;
void ferry_referrers_free(struct ferry_referrers *referrers);
FERRY_OWNED_DEFINE(ferry_referrers)

struct ferry_referrer {
    struct ferry_reference ref; /* by tag where it was found so, else by digest */
    struct ferry_digest subject;
};

/*
 * Gives, malloc'ed, what belongs to the manifests that were not asked about before, in an order
 * that depends on the graph alone. What the graph has under that name already is left out.
 */
int ferry_referrers_find(struct ferry_referrers *referrers, struct ferry_referrer **found,
                         size_t *count, struct ferry_err *err) FERRY_MUST_USE;

#endif
