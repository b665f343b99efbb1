/*
 * The offline check of archives: is each whole, are they together, and what is in them?
 *
 * What it is: one pass over each archive (and over its head once more), in constant memory, that
 * names every fault and not the first: structure, volumes, every copy of every blob by size and
 * digest, every edge of the graph, and with `deep` that each layer inflates to the diffID in its
 * config. A fault of one of several archives is healed when the others have right what it has
 * wrong. Owns: the report owns its archives and texts, and borrows the paths. Fails: only where
 * there was nothing to check (FERRY_EIO, FERRY_ENOMEM, FERRY_ECANCEL), or the archives do not go
 * together (FERRY_EUSAGE, unite.h); what is wrong with an archive is in the report.
 */
#ifndef FERRY_VERIFY_VERIFY_H
#define FERRY_VERIFY_VERIFY_H

#include "format/archive/archive_set.h"
#include "format/oci/in_base.h"
#include "format/run/progress.h"
#include "format/verify/volume_check.h"

enum ferry_verify_depth {
    FERRY_VERIFY_QUICK, /* structure and sizes only */
    FERRY_VERIFY_BYTES, /* every digest */
    FERRY_VERIFY_DEEP   /* and every diffID */
};

struct ferry_verify_options {
    enum ferry_verify_depth depth;
    const struct ferry_signature_policy *signature; /* it reports: a bad one is a fault of many */
    const struct ferry_volume_prompt *prompt;       /* for volumes that are not there; or NULL */
    struct ferry_progress *progress;
};

#define FERRY_UNLISTED_MAX 1000 /* names kept for a report */

enum ferry_fault_kind {
    FERRY_FAULT_COPY,    /* a blob is missing or wrong here, and another archive may have it */
    FERRY_FAULT_ARCHIVE, /* it cannot be read, or not to its end, or not be believed */
    FERRY_FAULT_CONTENT  /* what another archive has does not help */
};

struct ferry_fault {
    enum ferry_fault_kind kind;
    size_t archive; /* its place in the set */
    const struct ferry_node
        *node; /* NULL: of the archive as a whole, or of what no image reaches */
    bool is_healed;
    char *text; /* of one of several archives, it begins with the name of that */
};

/* What was seen of one archive. */
struct ferry_verified {
    uint8_t *copies; /* by node->place: FERRY_COPY_GOOD, FERRY_COPY_BAD, both, or neither */
    size_t blobs;    /* of the graph that are right here */
    int64_t bytes;
    size_t faults;
};

#define FERRY_COPY_GOOD 1
#define FERRY_COPY_BAD 2

struct ferry_verify_report {
    struct ferry_archive_set *set;    /* may be NULL where a report was not made by a check */
    struct ferry_graph *graph;        /* the set's: all archives as one */
    struct ferry_verified *verified;  /* by place in the set */
    struct ferry_signature signature; /* of a single archive, which owns it; else zeroed */
    struct ferry_fault *faults;
    size_t fault_count;
    char **unlisted; /* names of entries that nothing refers to, the first FERRY_UNLISTED_MAX */
    size_t unlisted_named;
    size_t unlisted_count; /* all of them */
    size_t blobs;          /* of the graph that are right in some archive */
    int64_t bytes;
    size_t left_out;                     /* layers that are kept elsewhere, on purpose */
    size_t manifests_left_out;           /* for other platforms, on purpose */
    struct ferry_in_base in_base;        /* left to bases that are not among the archives */
    struct ferry_volume_results volumes; /* of all archives that are in such */
    size_t fault_room, unlisted_room;
};

/* Whether the copy in this archive is right; of two copies, if both are. */
bool ferry_verify_is_good(const struct ferry_verify_report *report, size_t archive,
                          const struct ferry_node *node);

/* How many archives it is of. */
size_t ferry_verify_count(const struct ferry_verify_report *report);

/* Whether every fault, if there is any, is healed. */
bool ferry_verify_is_whole(const struct ferry_verify_report *report);

int ferry_verify_archives(const char *const *paths, size_t count,
                          const struct ferry_verify_options *options,
                          struct ferry_verify_report **out, struct ferry_err *err) FERRY_MUST_USE;
void ferry_verify_report_free(struct ferry_verify_report *report);
FERRY_OWNED_DEFINE(ferry_verify_report)

#endif
