/*
 * What layers hold against the diffIDs in the configs of their images: right bytes can still be
 * those of a wrong layer.
 *
 * What it is: each layer is inflated and hashed as it goes by, and all configs are looked at in the
 * end. Owns: borrows the graph, which is complete. Fails: FERRY_EFORMAT for a layer that does not
 * inflate, and what its source says.
 */
#ifndef FERRY_VERIFY_DIFF_IDS_H
#define FERRY_VERIFY_DIFF_IDS_H

#include "format/core/blob.h"
#include "format/oci/graph.h"

struct ferry_diff_ids;

int ferry_diff_ids_new(const struct ferry_graph *graph, struct ferry_diff_ids **out,
                       struct ferry_err *err) FERRY_MUST_USE;
void ferry_diff_ids_free(struct ferry_diff_ids *ids);
FERRY_OWNED_DEFINE(ferry_diff_ids)

/* Whether the node is a layer that is still to be inflated. */
bool ferry_diff_ids_want(const struct ferry_diff_ids *ids, const struct ferry_node *node);

/* Reads it to its end; what it inflates to counts if all of its bytes are right. */
int ferry_diff_ids_read(struct ferry_diff_ids *ids, const struct ferry_node *node,
                        struct ferry_source *layer, struct ferry_err *err) FERRY_MUST_USE;

/* Whom to tell of each fault. */
struct ferry_diff_faults {
    int (*tell)(void *ctx, const struct ferry_node *node, const char *text, struct ferry_err *err);
    void *ctx;
};

/* Looks at the configs whose bytes the graph has. */
int ferry_diff_ids_check(const struct ferry_diff_ids *ids, const struct ferry_diff_faults *faults,
                         struct ferry_err *err) FERRY_MUST_USE;

#endif
