/*
 * --save-base: what a later export needs to know of this archive, in a folder that has no layers
 * (SPEC.md 2.4).
 *
 * What it is: FOLDER.partial, made before the work so that a place where nothing can be written is
 * found then; it takes its name when all documents are in it and on the medium.
 * Owns: the folder; what is not committed is gone when freed. Fails: FERRY_EIO naming it, also
 * where there is something of that name already, but for an empty folder, and where no folder can
 * be given that name.
 */
#ifndef FERRY_EXPORT_SAVED_BASE_H
#define FERRY_EXPORT_SAVED_BASE_H

#include "export/pull_plan.h"

struct ferry_saved_base;

int ferry_saved_base_open(const char *path, struct ferry_saved_base **out,
                          struct ferry_err *err) FERRY_MUST_USE;
void ferry_saved_base_free(struct ferry_saved_base *saved);
FERRY_OWNED_DEFINE(ferry_saved_base)

/* The documents of the plan's archive, which is complete by now. */
int ferry_saved_base_commit(struct ferry_saved_base *saved, const struct ferry_pull_plan *plan,
                            struct ferry_err *err) FERRY_MUST_USE;

#endif
