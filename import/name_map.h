/*
 * Where an image goes: from the names in an archive to references at the destination.
 *
 * What it is: pure; no request is made. Rules, the first that applies: a line of -f; the longest
 * --map whose SRC the name begins with; else the repository below DEST, behind the source's
 * registry with --keep-registry. An image named by a tag alone (as skopeo and oras write it) goes
 * to DEST as its repository. What belongs to an image goes where that goes (companions.h). Owns:
 * gives the targets, which borrow the graph's images. Fails: FERRY_EUSAGE when a rule does not
 * parse, a name cannot be mapped, the destination does not take such a path (path_rules.h), or two
 * different images would land on the same tag; FERRY_ENOTFOUND when a line of -f names no image of
 * the archive, or nothing is left to import.
 */
#ifndef FERRY_IMPORT_NAME_MAP_H
#define FERRY_IMPORT_NAME_MAP_H

#include "format/oci/graph.h"
#include "import/import_opts.h"

struct ferry_target {
    const struct ferry_image *image;
    struct ferry_reference ref; /* registry, repository, and a tag or a digest */
    bool follows;               /* it was not named, but belongs to what was */
    const char *rule;           /* the --map that it goes by; or NULL */
};

/* *targets is malloc'ed. */
int ferry_name_map(const struct import_opts *opts, struct ferry_graph *graph,
                   struct ferry_target **targets, size_t *count,
                   struct ferry_err *err) FERRY_MUST_USE;

/* Where these rules send, or would send, the images of REGISTRY/REPOSITORY: a repository at the
 * destination. false where they do not say. */
bool ferry_name_map_repository(const struct import_opts *opts, const char *source,
                               char out[FERRY_REPOSITORY_MAX]);

#endif
