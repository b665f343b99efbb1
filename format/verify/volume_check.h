/*
 * Are the volumes of an archive those that its sums file lists?
 *
 * What it is: what a look at their sizes tells is told before the pass over the archive, what their
 * bytes tell after it: they are hashed as they go by, and what did not is read then. So every
 * volume that is there is told of, whatever became of the pass.
 * Owns: the report owns its texts. Fails: FERRY_EIO, FERRY_ENOMEM, and what `tell` returns.
 */
#ifndef FERRY_VERIFY_VOLUME_CHECK_H
#define FERRY_VERIFY_VOLUME_CHECK_H

#include "format/archive/archive_reader.h"
#include "format/archive/volume_fault.h"
#include "format/run/progress.h"

struct ferry_volume_check {
    struct ferry_reader *reader;
    size_t archive; /* its place among several */
    bool bytes;     /* and not sizes alone */
    struct ferry_progress *progress;
    int (*tell)(void *ctx, const char *text, struct ferry_err *err); /* of each fault */
    void *ctx;
};

/* One volume, for a report. */
struct ferry_volume_result {
    size_t archive; /* its place among several */
    char *file;
    int64_t bytes;   /* that it has, or should have where it is missing */
    char sha256[65]; /* of what it holds; "": it was not read */
    enum ferry_volume_state state;
};

struct ferry_volume_results {
    struct ferry_volume_result *items;
    size_t count, room;
};

int ferry_volume_check_begin(const struct ferry_volume_check *check,
                             struct ferry_err *err) FERRY_MUST_USE;

/* From here on the archive is read from its first byte to its end. */
int ferry_volume_check_watch(const struct ferry_volume_check *check,
                             struct ferry_err *err) FERRY_MUST_USE;

/* Whether a fault is but this, that a volume is not there to its end: that is told by itself. */
bool ferry_volume_check_explains(const struct ferry_volume_check *check, const char *text);

/* Adds to *out; nothing where the archive is not in volumes. `reached_end`: the pass did. */
int ferry_volume_check_end(const struct ferry_volume_check *check, bool reached_end,
                           struct ferry_volume_results *out, struct ferry_err *err) FERRY_MUST_USE;
void ferry_volume_results_release(struct ferry_volume_results *results);

#endif
