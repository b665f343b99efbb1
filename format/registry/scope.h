/*
 * Scopes of tokens: "repository:NAME:pull,push", several separated by spaces.
 *
 * Fails: only for want of memory.
 */
#ifndef FERRY_REGISTRY_SCOPE_H
#define FERRY_REGISTRY_SCOPE_H

#include <stdbool.h>

#include "format/core/err.h"

/* Gives what a request on a repository needs; "" where `repository` is. `mount_from` may be NULL.
 */
int ferry_scope_format(const char *repository, bool push, const char *mount_from, char **out,
                       struct ferry_err *err) FERRY_MUST_USE;

/* Gives everything that either asks for, `ours` first; `theirs` (a registry's words, or NULL) is
 * cut at FERRY_SCOPES_MAX items. */
int ferry_scope_merge(const char *ours, const char *theirs, char **out,
                      struct ferry_err *err) FERRY_MUST_USE;

#define FERRY_SCOPES_MAX 8

#endif
