/*
 * What the user should know before an archive is written: what is not checked, and what will not be
 * in it.
 *
 * Owns: nothing. Threads: one.
 */
#ifndef FERRY_EXPORT_EXPORT_WARN_H
#define FERRY_EXPORT_EXPORT_WARN_H

#include "export/export_opts.h"
#include "export/pull_plan.h"
#include "export/resolve.h"
#include "format/run/progress.h"

/* Before the first request. */
void ferry_export_warn_options(const struct export_opts *opts, struct ferry_progress *progress);

/* Once it is known what will be taken; `plan` is that of `graph`, of which only marks are changed.
 * Fails: FERRY_ENOMEM. */
int ferry_export_warn_plan(struct ferry_graph *graph, const struct ferry_pull_plan *plan,
                           const struct ferry_resolve_notes *notes, struct ferry_progress *progress,
                           struct ferry_err *err) FERRY_MUST_USE;

#endif
