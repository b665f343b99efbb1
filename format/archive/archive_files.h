/*
 * Which files an archive consists of, so that nothing is written over what is read.
 *
 * Fails: never; what cannot be looked at is none. Threads: any.
 */
#ifndef FERRY_ARCHIVE_ARCHIVE_FILES_H
#define FERRY_ARCHIVE_ARCHIVE_FILES_H

#include <stdbool.h>

/* Whether the file at `path` is there, and is the archive at `archive`, one of its volumes, its
 * sums file (SPEC.md 2.10), or a file in its folder. */
bool ferry_archive_has_file(const char *archive, const char *path);

#endif
