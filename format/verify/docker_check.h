/*
 * Does manifest.json say the same as index.json?
 *
 * What it is: `docker load` and `podman load` may go by manifest.json, which no digest and no
 * signature over index.json covers. So every name in it must be one of index.json, and stand for a
 * config and layers that an image manifest below that name lists. In an archive that is not
 * ociferry's, names that index.json has not, and entries that are no blobs of the layout, say
 * nothing.
 * Fails: FERRY_ENOMEM, and what `fault` returns.
 */
#ifndef FERRY_VERIFY_DOCKER_CHECK_H
#define FERRY_VERIFY_DOCKER_CHECK_H

#include "format/oci/graph.h"

/* Whom to tell of each fault. */
struct ferry_docker_faults {
    int (*tell)(void *ctx, const char *text, struct ferry_err *err);
    void *ctx;
};

/* `text` is manifest.json; the graph is complete. */
int ferry_docker_check(struct ferry_graph *graph, const struct ferry_buf *text,
                       const struct ferry_docker_faults *faults,
                       struct ferry_err *err) FERRY_MUST_USE;

#endif
