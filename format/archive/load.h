/*
 * Reads the documents of an archive into a graph: oci-layout, index.json, and every index and
 * manifest that index.json reaches, each verified (SPEC.md 5).
 *
 * What it is: the first step of whoever reads an archive. A document that is missing, wrong or
 * malformed makes its node BAD, with the reason, and the load goes on: who uses the graph decides
 * what that means for which image. What another graph lends (ferry_graph_lend) is GOOD. Of configs
 * and layers nothing is said yet.
 * On return a random reader stands at its first entry; a stream gives what the load did not consume
 * (ferry_reader_next), kept entries first.
 * Fails: FERRY_EFORMAT when this is no image layout; what signature.h has where the signature is
 * not as the policy demands; FERRY_ELIMIT when a pipe brings more than FERRY_KEEP_MAX bytes before
 * the documents that explain them.
 */
#ifndef FERRY_ARCHIVE_LOAD_H
#define FERRY_ARCHIVE_LOAD_H

#include "format/archive/archive_reader.h"
#include "format/archive/signature.h"
#include "format/oci/graph.h"

#define FERRY_KEEP_MAX ((int64_t)32 * 1024 * 1024) /* SPEC 6 */

int ferry_archive_load(struct ferry_reader *reader, struct ferry_graph *graph,
                       struct ferry_err *err) FERRY_MUST_USE;

/*
 * The same by a policy: the signature is checked before index.json is believed, and *found, zeroed
 * before, says what it is worth, also after a failure. A signature is searched for in a file; of a
 * pipe one counts that comes before the first blob behind index.json. (ferry_archive_load() trusts
 * nobody, and refuses a signature that does not fit.)
 */
int ferry_archive_load_signed(struct ferry_reader *reader,
                              const struct ferry_signature_policy *policy,
                              struct ferry_signature *found, struct ferry_graph *graph,
                              struct ferry_err *err) FERRY_MUST_USE;

/*
 * The bytes of a node, at most FERRY_MANIFEST_MAX, verified into memory and supplied to the graph.
 * *source is taken. A wrong blob makes the node BAD and is no failure of the call; what is wrong
 * with the input as a whole (FERRY_EIO, FERRY_ECANCEL, FERRY_ENOMEM, and FERRY_EFORMAT of a tar)
 * is.
 */
int ferry_archive_supply(struct ferry_graph *graph, struct ferry_node *node,
                         struct ferry_source **source, struct ferry_err *err) FERRY_MUST_USE;

#endif
