/*
 * Writing the archive of a plan: its head, then every blob in order, through the window.
 *
 * Owns: nothing. Fails: as its parts do; what is written so far stays in the writer's file.
 */
#ifndef FERRY_EXPORT_STREAM_H
#define FERRY_EXPORT_STREAM_H

#include "export/export_opts.h"
#include "export/failures.h"
#include "export/pull_plan.h"
#include "export/resume.h"
#include "export/salvage.h"

struct ferry_stream {
    const struct export_opts *opts;
    struct ferry_session *session;
    struct ferry_pull_plan *plan;
    struct ferry_writer *out;
    struct ferry_resume resume;   /* what is there already: of an earlier run, */
    struct ferry_salvage salvage; /*   or of an archive that is begun again; not of both */
    const struct ferry_failures *failures;
    struct ferry_progress *progress;
};

/* Writes and commits. Where a blob cannot be had, and `failures` permits to do without it, its node
 * is BAD after the failure. */
int ferry_stream_run(const struct ferry_stream *stream, struct ferry_err *err) FERRY_MUST_USE;

#endif
