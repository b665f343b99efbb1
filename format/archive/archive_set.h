/*
 * Several archives as one: a base with its deltas, copies that heal each other, or whatever has to
 * go the same way. One archive is a set of one.
 *
 * What it is: each archive has its reader and its graph, of what it says by itself; the graph of
 * the set is their union (unite.h). A document that one archive has not, or has wrong, is taken
 * from another. An archive whose index.json cannot be read, or has a bad signature, names no
 * images, but its blobs serve the others. Owns: readers, graphs and texts; borrows the paths.
 * Fails: FERRY_EIO for a path at which nothing can be opened; FERRY_EUSAGE for a name that stands
 * for different images (unite.h); and for a signature that is not as the policy demands, unless the
 * policy reports or the archive is a damaged copy of another one. What else is wrong with an
 * archive is no failure, but its `fault`.
 * Threads: one at a time, but for ferry_archive_set_blob() and ferry_archive_set_note().
 * Limits: of documents that one pipe has wrong and that lead to documents of another, some are not
 * found; what lies behind damage to the structure of a tar is not looked for.
 */
#ifndef FERRY_ARCHIVE_ARCHIVE_SET_H
#define FERRY_ARCHIVE_ARCHIVE_SET_H

#include <pthread.h>

#include "format/archive/archive_reader.h"
#include "format/archive/signature.h"
#include "format/oci/unite.h"

struct ferry_bad_copy {
    struct ferry_digest digest;
    enum ferry_code code;
    char *text;
};

#define FERRY_NO_ARCHIVE SIZE_MAX

/* One of a set. */
struct ferry_archive {
    const char *path;            /* as given */
    struct ferry_reader *reader; /* NULL: nothing of it can be read */
    struct ferry_graph *graph;   /* without images unless it is_read */
    bool is_read;                /* its index.json and documents are known */
    bool is_cut;                 /* it is opened in order, as it cannot be otherwise */
    struct ferry_signature signature;
    struct ferry_err fault; /* of the archive as a whole; its code is FERRY_OK for none */
    size_t twin; /* where it is not read: the place of one whose index.json differs from its own in
                    FERRY_TWIN_BYTES or less, of which it is a damaged copy; or FERRY_NO_ARCHIVE */
    struct ferry_bad_copy *bad; /* its blobs that turned out wrong or missing so far */
    size_t bad_count, bad_room;
};

/* A digest that is another one differs in more. */
#define FERRY_TWIN_BYTES 8

enum ferry_archive_way {
    FERRY_ARCHIVE_RANDOM,  /* blobs can be opened in any order, where the archive permits it */
    FERRY_ARCHIVE_IN_ORDER /* archives are to be walked, each from its first entry */
};

struct ferry_archive_set_options {
    const char *const *paths; /* at most one is "-" */
    size_t count;
    enum ferry_archive_way way;
    const struct ferry_volume_prompt *prompt; /* NULL, or borrowed until the set is freed */
    const struct ferry_signature_policy *policy;
};

struct ferry_archive_set {
    struct ferry_archive *items;
    size_t count;
    struct ferry_graph *graph; /* all of them; of a single one its own */
    struct ferry_overruled_list overruled;
    const struct ferry_signature_policy *policy; /* while it is loaded */
    struct ferry_graph **graphs, *united;        /* the set's own, as is */
    pthread_mutex_t lock;                        /*   the lock of all `bad` */
};

/* Opens and loads all. On return readers stand as ferry_archive_load() leaves them. */
int ferry_archive_set_open(const struct ferry_archive_set_options *options,
                           struct ferry_archive_set **out, struct ferry_err *err) FERRY_MUST_USE;
void ferry_archive_set_free(struct ferry_archive_set *set);
FERRY_OWNED_DEFINE(ferry_archive_set)

/* What to call an archive in messages. */
const char *ferry_archive_name(const struct ferry_archive *archive);

/* Whether that is how `text` begins: what is said of it, of a file in it, or of a volume. */
bool ferry_archive_is_named(const struct ferry_archive *archive, const char *text);

/* Its fault is *why, in which its name is put, unless it has one already. */
void ferry_archive_fail(struct ferry_archive *archive, struct ferry_err *why);

/* Whether every archive was read, or is a copy of one that was: no image can be missing unseen. */
bool ferry_archive_set_is_known(const struct ferry_archive_set *set);

/*
 * A copy of a blob from the first archive with random access that has one, the *from-th or behind
 * it; *from says which then. A failure other than FERRY_ENOTFOUND is of the copy in archive *from;
 * FERRY_ENOTFOUND says that there is no further one. Nothing is checked against the digest here.
 */
int ferry_archive_set_blob(const struct ferry_archive_set *set, const struct ferry_digest *digest,
                           size_t *from, struct ferry_source **out,
                           struct ferry_err *err) FERRY_MUST_USE;

/* Adds to the `bad` of an archive. */
int ferry_archive_set_note(struct ferry_archive_set *set, size_t archive,
                           const struct ferry_digest *digest, const struct ferry_err *why,
                           struct ferry_err *err) FERRY_MUST_USE;

#endif
