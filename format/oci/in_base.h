/*
 * What an archive leaves to its bases, added up for people and reports.
 *
 * What it is: a view of a graph. Fails: FERRY_ENOMEM.
 */
#ifndef FERRY_OCI_IN_BASE_H
#define FERRY_OCI_IN_BASE_H

#include "format/oci/graph.h"
#include "format/oci/json.h"

struct ferry_in_base {
    size_t count; /* layers, each once */
    int64_t bytes;
};

/* Of what `root` reaches; of the whole graph when it is NULL. */
int ferry_in_base_sum(struct ferry_graph *graph, struct ferry_node *root, struct ferry_in_base *out,
                      struct ferry_err *err) FERRY_MUST_USE;

/* The member "inBase" of a report. */
int ferry_in_base_json(const struct ferry_in_base *sum, json_t *report,
                       struct ferry_err *err) FERRY_MUST_USE;

#endif
