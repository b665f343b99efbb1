/*
 * Does an archive fit where it is to go? Asked before its first byte: free space, the largest file
 * that there can be, the number of volumes.
 *
 * Owns: nothing. Fails: FERRY_EIO, and FERRY_EUSAGE for volumes that are too small, with the option
 * that helps.
 */
#ifndef FERRY_EXPORT_MEDIUM_H
#define FERRY_EXPORT_MEDIUM_H

#include <stdint.h>

#include "format/core/err.h"

/* What is known of the place; INT64_MAX where there is no limit. */
struct ferry_medium {
    int64_t free;        /* bytes */
    int64_t file_system; /* its type, as statfs(2) says */
    int64_t file_max;    /* bytes of a file that this process may write */
};

/* Of the folder of `output`; of a stream or device there is nothing to know. */
int ferry_medium_look(const char *output, struct ferry_medium *out,
                      struct ferry_err *err) FERRY_MUST_USE;

struct ferry_medium_need {
    const char *output;
    int64_t bytes;       /* of the archive */
    int64_t there;       /* of these, what an earlier export left */
    int64_t volume_size; /* 0: one file */
};

int ferry_medium_check(const struct ferry_medium *medium, const struct ferry_medium_need *need,
                       struct ferry_err *err) FERRY_MUST_USE;

#endif
