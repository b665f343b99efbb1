/*
 * What a check found: for people (faults, a table, a sentence) and for machines (JSON).
 */
#ifndef FERRY_VERIFY_VERIFY_REPORT_H
#define FERRY_VERIFY_VERIFY_REPORT_H

#include "format/verify/contents.h"
#include "format/verify/verify_opts.h"

/* Faults go to stderr, each with the images that it damages; the rest goes to stdout, unless the
 * page does. */
int ferry_verify_report_print(const struct verify_opts *opts, const struct ferry_contents *contents,
                              struct ferry_progress *progress,
                              struct ferry_err *err) FERRY_MUST_USE;

#endif
