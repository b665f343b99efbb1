/*
 * Which volumes are to blame, when bytes of an archive turn out wrong.
 *
 * What it is: of volumes in which bad blobs lie, those are named that are not what the sums file
 * says; without a sums file, where each such blob lies. They are read for that.
 * Owns: nothing. Fails: never; what cannot be found out is not said.
 */
#ifndef FERRY_IMPORT_BAD_VOLUMES_H
#define FERRY_IMPORT_BAD_VOLUMES_H

#include "format/archive/archive_set.h"
#include "format/run/progress.h"

/* For heads that could not be understood. */
void ferry_bad_volumes_say_heads(const struct ferry_archive_set *archives,
                                 struct ferry_progress *progress);

/* For the `bad` blobs of each archive. */
void ferry_bad_volumes_say(const struct ferry_archive_set *archives,
                           struct ferry_progress *progress);

#endif
