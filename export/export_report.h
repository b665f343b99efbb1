/*
 * What an export did, or would do: a summary for people, or JSON (README.md "JSON").
 */
#ifndef FERRY_EXPORT_EXPORT_REPORT_H
#define FERRY_EXPORT_EXPORT_REPORT_H

#include "export/base.h"
#include "export/export_opts.h"
#include "export/pull_plan.h"
#include "export/resolve.h"
#include "export/signer.h"
#include "format/archive/volume_sums.h"
#include "format/run/progress.h"

struct ferry_export_result {
    const struct ferry_pull_plan *plan;
    const struct ferry_base_set *bases;
    const struct ferry_signers *signers; /* NULL: nobody */
    const struct ferry_failures *failures;
    const struct ferry_resolve_notes *notes;
    size_t moved;   /* tags of references that mean another digest than these say */
    int64_t stored; /* bytes of the file or stream; 0 in a dry run */
    const struct ferry_volume_sums *volumes; /* that were written; NULL in a dry run */
};

/* JSON and the plan of a dry run go to stdout, the summary of an export to stderr. */
int ferry_export_report(const struct export_opts *opts, const struct ferry_export_result *result,
                        struct ferry_progress *progress, struct ferry_err *err) FERRY_MUST_USE;

#endif
