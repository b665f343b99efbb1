/*
 * The offline check of an archive: is it whole, and what is in it?
 *
 * What it is: one pass over the archive (and over its head once more), in constant memory, that
 * names every fault and not the first: structure, volumes, every blob's size and digest, every edge
 * of the graph, and with `deep` that each layer inflates to the diffID in its config.
 * Owns: the report owns its graph and texts.
 * Fails: only where there was nothing to check (FERRY_EIO, FERRY_ENOMEM, FERRY_ECANCEL); what is
 * wrong with the archive is in the report.
 */
#ifndef FERRY_VERIFY_VERIFY_H
#define FERRY_VERIFY_VERIFY_H

#include "format/archive/signature.h"
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

struct ferry_fault {
    const struct ferry_node *node; /* NULL: of the archive as a whole */
    char *text;
};

struct ferry_verify_report {
    struct ferry_graph *graph;
    struct ferry_signature signature;
    struct ferry_fault *faults;
    size_t fault_count;
    char **unlisted; /* names of entries that nothing refers to, the first FERRY_UNLISTED_MAX */
    size_t unlisted_named;
    size_t unlisted_count; /* all of them */
    size_t blobs;          /* seen and right */
    int64_t bytes;
    size_t left_out;              /* layers that are kept elsewhere, on purpose */
    size_t manifests_left_out;    /* for other platforms, on purpose */
    struct ferry_in_base in_base; /* left to bases */
    struct ferry_volume_results volumes;
    size_t fault_room, unlisted_room;
};

int ferry_verify_archive(const char *path, const struct ferry_verify_options *options,
                         struct ferry_verify_report **out, struct ferry_err *err) FERRY_MUST_USE;
void ferry_verify_report_free(struct ferry_verify_report *report);
FERRY_OWNED_DEFINE(ferry_verify_report)

#endif
