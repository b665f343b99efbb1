/*
 * The exporter: references to an archive.
 */
#ifndef FERRY_EXPORT_EXPORT_H
#define FERRY_EXPORT_EXPORT_H

#include "export/export_opts.h"
#include "format/run/progress.h"

/* Does what the options say. Leaves nothing behind when it fails. *status is FERRY_EXIT_DONE, or
 * FERRY_EXIT_PARTIAL when images were left out that could not be had. */
int ferry_export(const struct export_opts *opts, struct ferry_progress *progress, int *status,
                 struct ferry_err *err) FERRY_MUST_USE;

/* The program: an exit status. */
int ferry_export_main(int argc, char **argv);

#endif
