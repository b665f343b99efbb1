/*
 * A result for which a file was named: there whole or not at all.
 *
 * What it is: NAME.partial, which takes its name when it is finished, and is gone when it is not.
 * It is opened before the work, so that a place where nothing can be written is found then. What is
 * there and no regular file (/dev/stderr, a pipe) is written to as it stands; "-" is stdout.
 * Owns: the file. Fails: FERRY_EIO naming it.
 */
#ifndef FERRY_RUN_OUTPUT_FILE_H
#define FERRY_RUN_OUTPUT_FILE_H

#include <stdbool.h>

#include "format/core/mem.h"

struct ferry_output_file;

int ferry_output_file_open(const char *path, struct ferry_output_file **out,
                           struct ferry_err *err) FERRY_MUST_USE;

/* Once: all of its bytes. */
int ferry_output_file_finish(struct ferry_output_file *file, const void *bytes, size_t len,
                             struct ferry_err *err) FERRY_MUST_USE;
void ferry_output_file_free(struct ferry_output_file *file);
FERRY_OWNED_DEFINE(ferry_output_file)

/* After the last of what was printed: FERRY_EIO if not all of it came out, whenever that was. */
int ferry_stdout_flush(struct ferry_err *err) FERRY_MUST_USE;

#endif
