/*
 * Documents that one graph has of another: what an archive has wrong, or has not, a copy may have.
 *
 * What it is: a graph that was given lenders takes from them, one by one, documents that it cannot
 * have otherwise; each is copied, so that nothing is borrowed but the list. A node that was lent is
 * GOOD, and its `fault` still says what is wrong here.
 * Fails: FERRY_ENOMEM. Threads: one at a time for all of them.
 */
#ifndef FERRY_OCI_LEND_H
#define FERRY_OCI_LEND_H

#include "format/oci/graph.h"

/* From here on a document that is missing or wrong may be had of these graphs (among which may be
 * its own). `lenders` is borrowed as long as documents are supplied. */
void ferry_graph_lend(struct ferry_graph *graph, struct ferry_graph *const *lenders, size_t count);

/* Whether one of them has the document, which is not supplied yet. */
bool ferry_graph_can_borrow(const struct ferry_graph *graph, const struct ferry_node *node);

/* Supplies a copy of it, where ferry_graph_can_borrow() says that it can be had. What the copy says
 * may contradict this graph: the node is BAD then, which is no failure of the call. */
int ferry_graph_borrow(struct ferry_graph *graph, struct ferry_node *node,
                       struct ferry_err *err) FERRY_MUST_USE;

#endif
