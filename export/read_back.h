/*
 * --verify-after-write: is what the medium has the archive that was written?
 *
 * What it is: between the last byte and the name, all of it is read back, past what the system
 * remembers of it where that can be done, and compared with the plan; and volumes with their sums.
 * Fails: FERRY_EDIGEST naming what came back wrong; the file is cut there, so that the same command
 * goes on from there.
 */
#ifndef FERRY_EXPORT_READ_BACK_H
#define FERRY_EXPORT_READ_BACK_H

#include "export/pull_plan.h"
#include "format/archive/archive_writer.h"
#include "format/run/progress.h"

/* `writer` is finished, and writes to files. */
int ferry_read_back(struct ferry_writer *writer, struct ferry_pull_plan *plan,
                    struct ferry_progress *progress, struct ferry_err *err) FERRY_MUST_USE;

#endif
