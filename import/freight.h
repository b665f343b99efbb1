/*
 * One blob on its way to every repository that lacks it: mounted, or uploaded from a copy that is
 * right.
 *
 * What it is: copies are tried one after the other. One that is wrong or cannot be read is noted in
 * its archive (archive_set.h), and no upload of it is completed. When no copy is left, placements
 * that lack the blob stay as they are.
 * Fails: what ends everything (ferry_push_is_over). A refusal is a failure of its placement.
 * Threads: any number at once, each with another blob.
 */
#ifndef FERRY_IMPORT_FREIGHT_H
#define FERRY_IMPORT_FREIGHT_H

#include "import/move.h"
#include "import/push.h"

struct ferry_freight {
    const struct ferry_move *move;
    struct ferry_node *node;
    struct ferry_source *source; /* verifying, owned; NULL: to be opened */
    size_t archive;              /* whose copy that is, or would have been */
    size_t next;                 /* archives before this one are not asked for a copy */
    bool is_out;                 /* there was no copy left */
    bool is_passing;             /* the source goes by in a stream */
    bool used;                   /* the source has been read from */
    bool source_failed;          /* and not the registry, when it failed last */
    int64_t ahead;               /* of ferry_cargo */
    const char *from; /* a repository of the destination that has the blob; NULL: none yet */
    bool is_back;     /* the source reads it back from there, */
    struct ferry_reply reply; /*   by this */
};

void ferry_freight_release(struct ferry_freight *freight);

int ferry_freight_deliver(struct ferry_freight *freight, struct ferry_err *err) FERRY_MUST_USE;

/* A source of the blob, as it is or as it fails to be. Takes *body. */
int ferry_freight_verify(const struct ferry_node *node, struct ferry_source **body,
                         struct ferry_source **out, struct ferry_err *err) FERRY_MUST_USE;

/* Notes that the copy of `archive` is of no use; *why is put into words. */
int ferry_freight_note(const struct ferry_freight *freight, struct ferry_err *why,
                       struct ferry_err *err) FERRY_MUST_USE;

/* The repository of a placement, and the wire to it. */
struct ferry_push ferry_freight_push(const struct ferry_move *move,
                                     const struct ferry_placement *placement);

/* "REGISTRY/REPOSITORY: blob DIGEST: " in front. */
int ferry_freight_wrap(const struct ferry_move *move, const struct ferry_placement *placement,
                       struct ferry_err *err);

#endif
