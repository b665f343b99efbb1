/*
 * What people are told of the archives before anything is imported, on stderr: what is wrong with
 * one of several, who signed them, and what set_notes.h says of them together.
 *
 * Fails: FERRY_ENOMEM.
 */
#ifndef FERRY_IMPORT_ARCHIVE_NOTES_H
#define FERRY_IMPORT_ARCHIVE_NOTES_H

#include "format/archive/archive_set.h"
#include "format/run/progress.h"

/* Of archives of which one at least was read; `policy` is that by which they were. */
int ferry_archive_notes_say(const struct ferry_archive_set *archives,
                            const struct ferry_signature_policy *policy,
                            struct ferry_progress *progress, struct ferry_err *err) FERRY_MUST_USE;

#endif
