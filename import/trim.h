/*
 * Indexes without what is not there (SPEC 5.6).
 *
 * What it is: pure, over one graph. For each index that lists manifests which are left out, at any
 * depth, one that lists the rest and is otherwise the same: it has its media type, its annotations
 * and the order of its members.
 * Owns: the indexes that are made; they join no graph. Borrows the graph, which does not change
 * meanwhile. Fails: FERRY_ENOMEM. Threads: any, once it is made.
 */
#ifndef FERRY_IMPORT_TRIM_H
#define FERRY_IMPORT_TRIM_H

#include "format/oci/graph.h"

struct ferry_trims;

int ferry_trims_new(struct ferry_graph *graph, struct ferry_trims **out,
                    struct ferry_err *err) FERRY_MUST_USE;
void ferry_trims_free(struct ferry_trims *trims);
FERRY_OWNED_DEFINE(ferry_trims)

/* What stands in the place of a manifest or index: itself, where nothing below it is left out; NULL
 * where it is left out, or all that it lists. Of one that is made, only what a push reads is there.
 */
const struct ferry_node *ferry_trims_of(const struct ferry_trims *trims,
                                        const struct ferry_node *node);

#endif
