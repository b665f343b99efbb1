/*
 * What an import did, or would do: a summary for people, JSON for machines (README.md "JSON").
 */
#ifndef FERRY_IMPORT_IMPORT_REPORT_H
#define FERRY_IMPORT_IMPORT_REPORT_H

#include "format/run/output_file.h"
#include "format/run/progress.h"
#include "import/import_json.h"

/* --report, to its file; --json and the plan of a dry run, to stdout; the images that failed and
 * the summary, to stderr. */
int ferry_import_report(const struct ferry_import_result *result, struct ferry_output_file *file,
                        struct ferry_progress *progress, struct ferry_err *err) FERRY_MUST_USE;

#endif
