/*
 * The names of an output's files: what they are called while they are written, and how they take
 * the names that they are meant to have.
 *
 * What it is: NAME.partial becomes NAME; of volumes, NAME.001.partial becomes NAME.001 and so on,
 * in order, and the sums file comes last. It is complete before the first volume takes its name: so
 * a set whose writer died in between is known by it, and can be taken back.
 * Owns: nothing. Fails: FERRY_EIO naming the file.
 */
#ifndef FERRY_ARCHIVE_OUTPUT_NAMES_H
#define FERRY_ARCHIVE_OUTPUT_NAMES_H

#include "format/archive/output.h"
#include "format/archive/volume_sums.h"

struct ferry_output_names {
    const char *path; /* NAME */
    bool is_cut;      /* into volumes */
    enum ferry_existing existing;
};

/* "NAME.003.partial", to be freed. */
int ferry_output_name(const struct ferry_output_names *names, size_t place, char **out,
                      struct ferry_err *err) FERRY_MUST_USE;

/* FERRY_EIO when a file has a name already, and is not to be replaced. */
int ferry_output_names_check(const struct ferry_output_names *names,
                             struct ferry_err *err) FERRY_MUST_USE;

/* Volumes that have their names, of a set that has not: they are .partial again. */
int ferry_output_names_take_back(const struct ferry_output_names *names,
                                 struct ferry_err *err) FERRY_MUST_USE;

/* Everything is on the medium: the files take their names; when one cannot, none has. `sums` is
 * that of volumes. */
int ferry_output_names_take(const struct ferry_output_names *names,
                            const struct ferry_volume_sums *sums,
                            struct ferry_err *err) FERRY_MUST_USE;

/* A file that another process writes is locked by it. FERRY_EIO naming `path`, if this one is. */
int ferry_output_lock(int fd, const char *path, struct ferry_err *err) FERRY_MUST_USE;

#endif
