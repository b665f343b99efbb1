/*
 * The files of an output while they are written: NAME.partial; or of volumes NAME.001.partial and
 * so on, and at last NAME.sha256.partial.
 *
 * What it is: all that has to do with their names. The bytes of an output are cut into files of
 * `volume_size` bytes. The first file is locked as long as this lives.
 * Owns: the files, as ferry_output does (output.h). Fails: FERRY_EIO naming the file.
 * Threads: one at a time.
 */
#ifndef FERRY_ARCHIVE_OUTPUT_FILES_H
#define FERRY_ARCHIVE_OUTPUT_FILES_H

#include "format/archive/output.h"
#include "format/archive/volume_sums.h"

struct ferry_output_files;

/* Refuses what exists already, unless it is to be replaced, and what another process is writing. A
 * set of volumes whose writer died while they took their names is taken back. */
int ferry_output_files_open(const struct ferry_output_options *options,
                            struct ferry_output_files **out, struct ferry_err *err) FERRY_MUST_USE;
void ferry_output_files_free(struct ferry_output_files *files);
FERRY_OWNED_DEFINE(ferry_output_files)

/* The clean beginning that is there, as far as it is cut as it should be. */
struct ferry_volumes *ferry_output_files_found(const struct ferry_output_files *files);

/* They outlive a failure. */
void ferry_output_files_keep(struct ferry_output_files *files);

/* What the output has behind `size` is cut off. */
int ferry_output_files_cut(struct ferry_output_files *files, int64_t size,
                           struct ferry_err *err) FERRY_MUST_USE;

/* The file at that place, made where there is none. *fd is lent until the next call. */
int ferry_output_files_get(struct ferry_output_files *files, size_t place, int *fd,
                           struct ferry_err *err) FERRY_MUST_USE;

/* "NAME.003.partial", to be freed. */
int ferry_output_files_name(const struct ferry_output_files *files, size_t place, char **out,
                            struct ferry_err *err) FERRY_MUST_USE;

/* Everything is on the medium: the files take their names, in order; the sums file of volumes comes
 * last. */
int ferry_output_files_commit(struct ferry_output_files *files,
                              const struct ferry_volume_sums *sums,
                              struct ferry_err *err) FERRY_MUST_USE;

#endif
