/*
 * One image on its way to be published: children before parents, its name last.
 *
 * What it is: two steps of publish.h, which knows what comes between them. The first puts all that
 * the image reaches, and its root where others belong to it; with that it is known in which form
 * its indexes are taken (sparse.h), and the outcome says so. The second puts the name.
 * Owns: what it says it does, until ferry_publication_release(). Fails: as push.h, with the
 * manifest in the message. Threads: one at a time for one publication; any number of publications.
 */
#ifndef FERRY_IMPORT_PUBLICATION_H
#define FERRY_IMPORT_PUBLICATION_H

#include "import/push.h"
#include "import/push_plan.h"
#include "import/turns.h"

struct ferry_publication {
    const struct ferry_push_plan *plan;
    const struct ferry_target *target;
    struct ferry_outcome *outcome;
    struct ferry_push to;
    struct ferry_turns *turns;
    struct ferry_node **nodes; /* children before parents, the root last; malloc'ed */
    size_t count;
    char *missing;  /* of a sparse image what it misses, for people; malloc'ed, else NULL */
    bool leads;     /* others belong to its root, and come between that and its name */
    bool is_sparse; /* an index of it lists what is not there */
    bool is_minded; /* the registry refused such an index for what it lists */
    bool has;       /* the destination has the root under that name */
    bool is_listed; /* the registry lists it as a referrer by itself */
};

/* The root in the form in which it is put. */
const struct ferry_node *ferry_publication_root(const struct ferry_publication *p);

int ferry_publication_below(struct ferry_publication *p, struct ferry_err *err) FERRY_MUST_USE;
int ferry_publication_name(struct ferry_publication *p, struct ferry_err *err) FERRY_MUST_USE;

void ferry_publication_release(struct ferry_publication *p);

/* A failure that is the image's own becomes its outcome; what ends everything is passed on. */
int ferry_publication_fail(struct ferry_publication *p, struct ferry_err *err) FERRY_MUST_USE;

#endif
