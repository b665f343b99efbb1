/*
 * The plan of an archive: every blob of a graph once, in the order of the archive (SPEC.md 2.2).
 *
 * Owns: borrows the graph's nodes.
 */
#ifndef FERRY_EXPORT_PULL_PLAN_H
#define FERRY_EXPORT_PULL_PLAN_H

#include "format/oci/graph.h"
#include "format/oci/index.h"

struct ferry_pull_plan {
    const struct ferry_graph *graph;
    struct ferry_buf index;     /* index.json */
    struct ferry_buf signature; /* index.json.p7s; empty when nobody signs */
    struct ferry_buf docker;    /* manifest.json; empty when no image can be loaded by docker */
    const char *folders[3];     /* entries in front of the blobs */
    size_t folder_count;
    struct ferry_node **nodes; /* indexes, manifests, configs, layers */
    size_t count;
    int64_t bytes;         /* all of `nodes` */
    int64_t archive_bytes; /* the size of the archive */
    size_t foreign;        /* layers that are left out, since they live elsewhere */
    int64_t foreign_bytes; /*   and their bytes */
    size_t in_base;        /* layers that are, since a base has them */
    int64_t in_base_bytes; /*   and their bytes */
    size_t left_out;       /* manifests that are, since they are for other platforms */
    size_t docker_count, docker_left_out;
};

int ferry_pull_plan_new(struct ferry_graph *graph, enum ferry_ref_name ref_name,
                        struct ferry_pull_plan **out, struct ferry_err *err) FERRY_MUST_USE;

/* Gives it a signature over its index.json, in place of one that it has; *signature is taken. */
void ferry_pull_plan_sign(struct ferry_pull_plan *plan, struct ferry_buf *signature);
void ferry_pull_plan_free(struct ferry_pull_plan *plan);
FERRY_OWNED_DEFINE(ferry_pull_plan)

#endif
