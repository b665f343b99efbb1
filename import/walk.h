/*
 * An archive that goes by: each blob that is needed is moved as it comes, small ones several at
 * once.
 *
 * What it is: the step of move.h for pipes, and for files that can only be read in order. A stream
 * that breaks off, or turns out to be damaged, has that as the fault of its archive, which is told;
 * what went by before that is as good as any. What fails for good ends the import at once
 * (ferry_cancel()), since the pipe may stand still.
 * Fails: as ferry_move_blobs().
 * Limits: memory for 1 MiB a job, and 24 MiB for a blob that is larger.
 */
#ifndef FERRY_IMPORT_WALK_H
#define FERRY_IMPORT_WALK_H

#include "import/move.h"

/* `archive` is its place in move->archives; it is read on from where it stands. */
int ferry_walk_stream(const struct ferry_move *move, size_t archive,
                      struct ferry_err *err) FERRY_MUST_USE;

#endif
