/*
 * The importer: an archive to a registry.
 */
#ifndef FERRY_IMPORT_IMPORT_H
#define FERRY_IMPORT_IMPORT_H

#include "format/run/progress.h"
#include "import/import_opts.h"

/*
 * Does what the options say. Images that fail do not stop the others: *status is the exit status
 * then (FERRY_EXIT_VERIFY when an image failed since its bytes are wrong, else FERRY_EXIT_PARTIAL
 * when others are done). A failure of the call is one of the import as a whole.
 */
int ferry_import(const struct import_opts *opts, struct ferry_progress *progress, int *status,
                 struct ferry_err *err) FERRY_MUST_USE;

/* The program: an exit status. */
int ferry_import_main(int argc, char **argv);

#endif
