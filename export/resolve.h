/*
 * From references to the graph of everything that they reach, and to the plan of an archive.
 *
 * What it is: manifests are asked for by name, indexes are followed, each level with many requests
 * at once; then the configs that docker's manifest.json is made from. The graph, and so the
 * archive, depends on the order of the references and not on that of the replies.
 * Owns: gives the graph. Fails: at the first reference or manifest that cannot be had, naming it.
 */
#ifndef FERRY_EXPORT_RESOLVE_H
#define FERRY_EXPORT_RESOLVE_H

#include "format/oci/graph.h"
#include "format/registry/session.h"

/* `refs`, each once, in the order in which they are to stand in the archive. */
int ferry_resolve(struct ferry_session *session, const struct ferry_reference *refs, size_t count,
                  int jobs, struct ferry_graph **out, struct ferry_err *err) FERRY_MUST_USE;

#endif
