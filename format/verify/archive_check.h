/*
 * The check of one archive of a report: its volumes, structure, every copy of a blob that it has,
 * and what it lacks of what it names.
 *
 * What it is: one pass. What is wrong goes to the report, as a fault of this archive, and what is
 * right is noted there by blob. Borrows all that it points to. Fails: as verify.h.
 */
#ifndef FERRY_VERIFY_ARCHIVE_CHECK_H
#define FERRY_VERIFY_ARCHIVE_CHECK_H

#include "format/verify/diff_ids.h"
#include "format/verify/verify.h"

struct ferry_archive_check {
    struct ferry_verify_report *report;
    size_t place; /* of the archive in its set */
    const struct ferry_verify_options *options;
    struct ferry_diff_ids *diff_ids; /* NULL unless it is a deep one */
};

int ferry_archive_check_run(const struct ferry_archive_check *check,
                            struct ferry_err *err) FERRY_MUST_USE;

/* Adds a fault; `text` is put into words. */
int ferry_archive_check_fault(const struct ferry_archive_check *check, enum ferry_fault_kind kind,
                              const struct ferry_node *node, const char *text,
                              struct ferry_err *err) FERRY_MUST_USE;

#endif
