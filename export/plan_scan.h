/*
 * Compares a tar stream with the plan of the archive that it should be, or be the beginning of.
 *
 * What it is: the head by its very bytes, then every blob by its digest, up to the first entry that
 * is cut, damaged or another. A signature that is there is taken over by the plan, if it is as good
 * as its own. Owns: nothing. Fails: FERRY_EIO, FERRY_ECANCEL, FERRY_ENOMEM; what the stream gets
 * wrong is a verdict.
 */
#ifndef FERRY_EXPORT_PLAN_SCAN_H
#define FERRY_EXPORT_PLAN_SCAN_H

#include "export/resume.h"
#include "format/archive/tar_stream.h"

/* What the next entry is. */
enum ferry_verdict {
    FERRY_VERDICT_SAME,
    FERRY_VERDICT_CUT,      /* the stream ends before it is complete, or it is damaged */
    FERRY_VERDICT_DIFFERENT /* the stream is the beginning of another archive */
};

struct ferry_plan_scan {
    struct ferry_pull_plan *plan;
    struct ferry_progress *progress;
    struct ferry_tar *tar;
    int64_t found;  /* bytes of the stream, at most */
    int64_t offset; /* where the next entry of the plan begins */
};

int ferry_plan_scan_head(struct ferry_plan_scan *scan, enum ferry_verdict *verdict,
                         struct ferry_err *err) FERRY_MUST_USE;

/* Goes through the blobs, from out->node on; *out says where it had to stop. */
int ferry_plan_scan_nodes(struct ferry_plan_scan *scan, struct ferry_resume *out,
                          enum ferry_verdict *verdict, struct ferry_err *err) FERRY_MUST_USE;

/* Sets offset, data and tail of *out: the stream is good up to `end`, before or in the entry of
 * `node`, which begins at `offset`. Of a blob that the plan holds the tail is 0: it is written
 * again whole. */
void ferry_plan_scan_stop(const struct ferry_node *node, int64_t offset, int64_t end,
                          struct ferry_resume *out);

#endif
