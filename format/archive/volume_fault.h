/*
 * What is wrong with the volumes of an archive, said by name.
 */
#ifndef FERRY_ARCHIVE_VOLUME_FAULT_H
#define FERRY_ARCHIVE_VOLUME_FAULT_H

#include "format/archive/volume.h"

enum ferry_volume_state {
    FERRY_VOLUME_UNCHECKED, /* nothing is known against it */
    FERRY_VOLUME_GOOD,      /* its bytes are those of the sums file */
    FERRY_VOLUME_MISSING,
    FERRY_VOLUME_CUT,    /* it has fewer bytes than the sums file says, */
    FERRY_VOLUME_LONG,   /*   or more, */
    FERRY_VOLUME_WRONG,  /*   or others */
    FERRY_VOLUME_SURPLUS /* the sums file does not know of it */
};

enum ferry_volume_state ferry_volumes_state(const struct ferry_volumes *volumes, size_t place);

/* "good", "missing", ... */
const char *ferry_volume_state_text(enum ferry_volume_state state);

/* A sentence with the volume's name. false when there is nothing to say. */
bool ferry_volumes_fault(const struct ferry_volumes *volumes, size_t place,
                         char out[FERRY_ERR_MAX]);

/* FERRY_EFORMAT that names all that are missing or have another size. */
int ferry_volumes_refuse(const struct ferry_volumes *volumes, struct ferry_err *err) FERRY_MUST_USE;

/* *err says that something among the bytes from `first` to `end` is wrong: adds in which volumes
 * they lie, and of these the ones that are to blame, as the sums file tells. Reads them; any thread
 * may ask. Adds nothing for a single file, or where somebody watches. */
void ferry_volumes_blame(struct ferry_volumes *volumes, int64_t first, int64_t end,
                         struct ferry_err *err);

#endif
