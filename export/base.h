/*
 * The bases of an export: earlier archives, whose layers need not be taken again (SPEC.md 2.4).
 *
 * What it is: each is read offline, its documents by their digests; of its layers only that an
 * entry of the right size is there. Of a saved base, which has no layers, the documents are
 * believed. Owns: all that it read; nodes that are left to a base borrow their repository from
 * here. Fails: naming the base: FERRY_EUSAGE where it can be none, FERRY_EFORMAT and the like where
 * it is damaged.
 */
#ifndef FERRY_EXPORT_BASE_H
#define FERRY_EXPORT_BASE_H

#include "format/oci/graph.h"
#include "format/run/opt.h"
#include "format/run/progress.h"

struct ferry_base {
    const char *path;          /* borrowed */
    struct ferry_graph *graph; /* graph->index names it */
    const char **where;        /* by node->place: the repository there; NULL: it has it not */
    char **repositories;       /* by image: REGISTRY/REPOSITORY; NULL: no such */
    size_t layers;             /* what the last ferry_base_set_apply() left to it */
    int64_t bytes;
};

struct ferry_base_set {
    struct ferry_base *items;
    size_t count;
};

/* Two paths of one base make one. Layers that a base itself lacks are warned of. */
int ferry_base_set_load(const struct ferry_list *paths, struct ferry_progress *progress,
                        struct ferry_base_set **out, struct ferry_err *err) FERRY_MUST_USE;
void ferry_base_set_free(struct ferry_base_set *set);
FERRY_OWNED_DEFINE(ferry_base_set)

/* FERRY_EUSAGE where the archive would take the place of a file of one of them. */
int ferry_base_set_check_output(const struct ferry_base_set *set, const char *output,
                                bool in_volumes, struct ferry_err *err) FERRY_MUST_USE;

/* Leaves to the first base that has it every layer of the graph that is WANTED, and names all bases
 * in the graph. */
int ferry_base_set_apply(struct ferry_base_set *set, struct ferry_graph *graph,
                         struct ferry_err *err) FERRY_MUST_USE;

#endif
