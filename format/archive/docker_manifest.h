/*
 * manifest.json, docker-archive's table of contents, for `docker load` and `podman load`
 * (SPEC.md 2.6).
 *
 * What it is: one item per tag and platform that those loaders can take: a Linux image whose config
 * is an image config with as many diffIDs as there are layers, all of them in the archive. Of an
 * index, linux/amd64 is taken, else its first Linux image, so that the bytes do not depend on the
 * machine. Needs the bytes of configs in the graph (node->bytes); an image without is passed over.
 */
#ifndef FERRY_ARCHIVE_DOCKER_MANIFEST_H
#define FERRY_ARCHIVE_DOCKER_MANIFEST_H

#include "format/oci/graph.h"

#define FERRY_DOCKER_MANIFEST_MAX ((size_t)1024 * 1024) /* the readers' own limit */

/*
 * Of the image below `root`: the manifest that a loader would get under its tag, if its config
 * turns out to be right; NULL when there is none. Its config is what the document is made from.
 */
struct ferry_node *ferry_docker_candidate(const struct ferry_node *root);

/*
 * Appends the document to *out; *count is the number of items, and nothing is appended for none.
 * Items past FERRY_DOCKER_MANIFEST_MAX bytes are left out; *left_out counts them.
 */
int ferry_docker_manifest_format(const struct ferry_graph *graph, struct ferry_buf *out,
                                 size_t *count, size_t *left_out,
                                 struct ferry_err *err) FERRY_MUST_USE;

#endif
