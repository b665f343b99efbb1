/*
 * What an import did, or would do: a summary for people, JSON for machines (README.md "JSON").
 */
#ifndef FERRY_IMPORT_IMPORT_REPORT_H
#define FERRY_IMPORT_IMPORT_REPORT_H

#include "format/archive/archive_set.h"
#include "format/run/output_file.h"
#include "format/run/progress.h"
#include "import/import_opts.h"
#include "import/push_plan.h"

/* Counts over a plan. */
struct ferry_import_totals {
    size_t planned, pushed, there, failed;
    size_t uploaded, mounted, skipped, absent, broken; /* `broken`: cannot be brought */
    size_t left_out;                                   /* foreign layers */
    int64_t uploaded_bytes, mounted_bytes, skipped_bytes, absent_bytes, broken_bytes;
};

void ferry_import_totals(const struct ferry_push_plan *plan, struct ferry_import_totals *totals);

/* All that is known at the end, be it an early one. */
struct ferry_import_result {
    const struct import_opts *opts;
    const struct ferry_archive_set *archives; /* NULL when they were not opened */
    const struct ferry_push_plan *plan;       /* NULL when there never was one */
    const struct ferry_err *ended_by; /* what broke the import off; NULL when it came to its end */
};

/* --report, to its file; --json and the plan of a dry run, to stdout; the images that failed and
 * the summary, to stderr. */
int ferry_import_report(const struct ferry_import_result *result, struct ferry_output_file *file,
                        struct ferry_progress *progress, struct ferry_err *err) FERRY_MUST_USE;

#endif
