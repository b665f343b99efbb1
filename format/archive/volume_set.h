/*
 * Finding the volumes of an archive (SPEC.md 5.8).
 *
 * What it is: a path stands for one regular file; or for a set, where it is that of the first
 * volume or of the sums file, or no file has it and volumes of it are there. What is known of each
 * volume is put down, and nothing is refused: volume_fault.h says what is wrong.
 * Fails: FERRY_EFORMAT for a sums file that cannot be believed, FERRY_EIO when nothing is there.
 */
#ifndef FERRY_ARCHIVE_VOLUME_SET_H
#define FERRY_ARCHIVE_VOLUME_SET_H

#include "format/archive/volume.h"
#include "format/archive/volume_sums.h"

/* `prompt`: NULL, or the volumes of a set are asked for one by one, and its sums file first: there
 * has to be one then. */
int ferry_volumes_open(const char *path, const struct ferry_volume_prompt *prompt,
                       struct ferry_volumes **out, struct ferry_err *err) FERRY_MUST_USE;

/* Which volumes of `name` have a file: there[place]. All are before `end`. In a folder that is not
 * there, none has; one that cannot be listed to its end is a FERRY_EIO. */
struct ferry_volume_scan {
    bool there[FERRY_VOLUMES_MAX];
    size_t end;
};

int ferry_volume_scan(const char *name, struct ferry_volume_scan *out,
                      struct ferry_err *err) FERRY_MUST_USE;

/* The sums file at `path` of the archive `name`. */
int ferry_volume_sums_read(const char *path, const char *name, struct ferry_volume_sums *out,
                           struct ferry_err *err) FERRY_MUST_USE;

#endif
