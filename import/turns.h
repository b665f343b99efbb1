/*
 * Whose turn it is: an index is not put while a manifest that it lists is.
 *
 * What it is: a registry looks up what an index lists while it takes that. docker-registry does not
 * find a manifest, for a moment, that is just being put once more, as under a tag of its own, and
 * refuses the index then.
 * Owns: borrows the graph. Threads: any; a thread has one turn at a time, and holds it for one
 * request.
 */
#ifndef FERRY_IMPORT_TURNS_H
#define FERRY_IMPORT_TURNS_H

#include "format/oci/graph.h"

struct ferry_turns;

int ferry_turns_new(const struct ferry_graph *graph, struct ferry_turns **out,
                    struct ferry_err *err) FERRY_MUST_USE;
void ferry_turns_free(struct ferry_turns *turns);
FERRY_OWNED_DEFINE(ferry_turns)

/* Waits until `node`, a manifest or index of the graph, may be put; and ends its turn. */
void ferry_turns_take(struct ferry_turns *turns, const struct ferry_node *node);
void ferry_turns_give(struct ferry_turns *turns, const struct ferry_node *node);

#endif
