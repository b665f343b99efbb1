/*
 * Several graphs as one: the images of several archives, and all that they reach.
 *
 * What it is: the union of `parts`, each read from an archive of its own. An image that several
 * parts have is there once. Of a name that stands for different digests the part counts to which
 * the others are bases (SPEC.md 2.4), directly or through another part. Where there is no such
 * part, an entry whose root no archive has at all is none; and if that does not settle it either,
 * it is an error.
 * A document is taken from any part that has it, and is BAD when none has. A blob is WANTED if one
 * part does not do without it; else IN_BASE, or LEFT_OUT. The union has the bases that are not
 * among the parts, and is ours if one of them is.
 * Owns: gives the union, which takes the bytes of documents out of the parts and borrows texts of
 * theirs, so that they have to live as long. Fails: FERRY_EUSAGE for such a name, naming both
 * archives; FERRY_EFORMAT when parts disagree on what a digest is; FERRY_ELIMIT.
 */
#ifndef FERRY_OCI_UNITE_H
#define FERRY_OCI_UNITE_H

#include "format/oci/graph.h"

struct ferry_part {
    const char *name; /* of the archive, for messages */
    struct ferry_graph *graph;
};

/* An image that does not count, since another part has its name. */
struct ferry_overruled {
    const struct ferry_image *image; /* of the graph of `part` */
    size_t part, by;
    bool is_lost; /* its root is in no archive; else its part is a base of the other */
};

struct ferry_overruled_list {
    struct ferry_overruled *items; /* malloc'ed */
    size_t count, room;
};

/* `overruled` comes zeroed. */
int ferry_graph_unite(const struct ferry_part *parts, size_t count,
                      struct ferry_overruled_list *overruled, struct ferry_graph **out,
                      struct ferry_err *err) FERRY_MUST_USE;

#endif
