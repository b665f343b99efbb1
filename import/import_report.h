/*
 * What an import did, or would do: a summary for people, JSON for machines (README.md "JSON").
 */
#ifndef FERRY_IMPORT_IMPORT_REPORT_H
#define FERRY_IMPORT_IMPORT_REPORT_H

#include "format/run/progress.h"
#include "import/import_opts.h"
#include "import/push_plan.h"

/* Counts over a plan. */
struct ferry_import_totals {
    size_t pushed, there, failed;
    size_t uploaded, mounted, skipped, absent;
    size_t left_out; /* foreign layers */
    int64_t uploaded_bytes, mounted_bytes, skipped_bytes, absent_bytes;
};

void ferry_import_totals(const struct ferry_push_plan *plan, struct ferry_import_totals *totals);

/* The plan of a dry run and --json go to stdout, --report to its file, the summary and the
 * failures to stderr. */
int ferry_import_report(const struct import_opts *opts, const struct ferry_push_plan *plan,
                        struct ferry_progress *progress, struct ferry_err *err) FERRY_MUST_USE;

#endif
