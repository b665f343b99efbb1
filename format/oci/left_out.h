/*
 * The manifests that indexes list and that are left out on purpose, for people and reports.
 *
 * What it is: a view of a graph. Owns: gives a malloc'ed array that borrows from the graph.
 */
#ifndef FERRY_OCI_LEFT_OUT_H
#define FERRY_OCI_LEFT_OUT_H

#include "format/oci/graph.h"

struct ferry_left_out {
    const struct ferry_node *node;
    const struct ferry_platform *platform; /* what the index says of it */
};

/* What `root` reaches of them, each once; of all images when it is NULL. */
int ferry_left_out_list(const struct ferry_graph *graph, const struct ferry_node *root,
                        struct ferry_left_out **out, size_t *count,
                        struct ferry_err *err) FERRY_MUST_USE;

/* The same as a report's array: "digest" and "platform" of each. */
int ferry_left_out_json(const struct ferry_graph *graph, const struct ferry_node *root,
                        json_t **out, struct ferry_err *err) FERRY_MUST_USE;

/* "linux/arm/v7, linux/s390x": their platforms, each once, without those of what runs nowhere; of
 * very many the first. "" when there is none. */
#define FERRY_LEFT_OUT_TEXT_MAX 400
const char *ferry_left_out_platforms(const struct ferry_left_out *list, size_t count,
                                     char out[FERRY_LEFT_OUT_TEXT_MAX]);

#endif
