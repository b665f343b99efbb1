/*
 * From references to the graph of everything that they reach, and to the plan of an archive.
 *
 * What it is: manifests are asked for by name, indexes are followed, each level with many requests
 * at once; then what belongs to them (referrers.h), and what belongs to that; then the configs that
 * docker's manifest.json is made from. The graph, and so the archive, depends on the order of the
 * references and not on that of the replies.
 * Owns: gives the graph. Fails: at the first reference or manifest that cannot be had, naming it,
 * unless `failures` permits to go on.
 */
#ifndef FERRY_EXPORT_RESOLVE_H
#define FERRY_EXPORT_RESOLVE_H

#include "export/failures.h"
#include "format/oci/graph.h"
#include "format/registry/session.h"

/* What is asked for. */
struct ferry_resolve_options {
    const struct ferry_reference *refs; /* each once, in the order of the archive */
    size_t count;
    const struct ferry_platform *platforms; /* of an index; borrowed by the graph */
    size_t platform_count;                  /* 0: all */
    bool no_referrers; /* what belongs to an image is left behind, and counted if it can be */
    int jobs;
    const struct ferry_graph
        *known; /* what an earlier graph holds is not asked for again; or NULL */
    struct ferry_failures *failures;
};

/* What was not taken. */
struct ferry_resolve_notes {
    size_t referrers_left_out;           /* those of images that no_referrers left behind */
    struct ferry_err not_counted;        /* why their number is not known; else FERRY_OK */
    size_t referrers_gone;               /* the registry lists them, and does not have them */
    char gone[FERRY_REFERENCE_TEXT_MAX]; /* the first of those */
};

/* Where `failures` keeps going, a reference without a manifest joins it and has no image in the
 * graph; further on, what cannot be had is a BAD node. */
int ferry_resolve(struct ferry_session *session, const struct ferry_resolve_options *options,
                  struct ferry_graph **out, struct ferry_resolve_notes *notes,
                  struct ferry_err *err) FERRY_MUST_USE;

#endif
