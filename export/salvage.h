/*
 * Beginning an archive again without some of its images: what of the file can be used?
 *
 * What it is: the file holds the beginning of an old plan. The new plan's archive is written over
 * it from its first byte, and a blob that stands in the file further back than it will stand is
 * read from there: what is written never gets ahead of what is still to be read.
 * Owns: an array.
 */
#ifndef FERRY_EXPORT_SALVAGE_H
#define FERRY_EXPORT_SALVAGE_H

#include "export/pull_plan.h"

struct ferry_salvage {
    int64_t *data; /* where in the file the bytes of nodes[i] of the new plan begin; 0: nowhere */
    int64_t bytes; /* of all these */
};

/* `written` bytes of the archive of `old` stand in the file, whole blobs and the beginning of one.
 * *out is released by its owner. */
int ferry_salvage_find(const struct ferry_pull_plan *old, int64_t written,
                       const struct ferry_pull_plan *plan, struct ferry_salvage *out,
                       struct ferry_err *err) FERRY_MUST_USE;
void ferry_salvage_release(struct ferry_salvage *salvage);

#endif
