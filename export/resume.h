/*
 * Going on with an export that broke off: what of NAME.partial is a clean beginning of the plan?
 *
 * What it is: the partial file is read as the archive that it is the beginning of. Its entries are
 * compared with the plan, every blob by its digest, up to the first that is cut, damaged or
 * another. Of a blob that is cut, what is there is taken up, and the digest of the whole tells
 * whether it was right. Fails: FERRY_EIO, FERRY_ECANCEL, FERRY_ENOMEM; a file that cannot be gone
 * on with is no failure.
 */
#ifndef FERRY_EXPORT_RESUME_H
#define FERRY_EXPORT_RESUME_H

#include "export/pull_plan.h"
#include "format/archive/archive_writer.h"
#include "format/run/progress.h"

struct ferry_resume {
    bool is_begun; /* the head is there: the export goes on with plan->nodes[node] */
    size_t node;
    int64_t offset; /* where its entry begins */
    int64_t data;   /* where its bytes begin */
    int64_t tail;   /* how many of them are there */
    int64_t kept;   /* up to here the file need not be written again */
};

/* *out is zeroed when there is nothing to go on with; why not is said. A signature that is there,
 * by the same signers, becomes that of the plan. */
int ferry_resume_scan(const struct ferry_writer *writer, struct ferry_pull_plan *plan,
                      struct ferry_progress *progress, struct ferry_resume *out,
                      struct ferry_err *err) FERRY_MUST_USE;

/* A source of the `resume->tail` bytes that are there, followed by `rest`, which is taken. */
int ferry_resume_source(const struct ferry_writer *writer, const struct ferry_resume *resume,
                        struct ferry_source **rest, struct ferry_source **out,
                        struct ferry_err *err) FERRY_MUST_USE;

#endif
