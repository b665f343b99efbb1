/*
 * Which paths a destination takes, as far as that is known before it is asked.
 *
 * What it is: pure. Registries that are known by their host, and --max-depth for all others.
 * Fails: FERRY_EUSAGE naming the image, where it would go, the rule and the remedy.
 */
#ifndef FERRY_IMPORT_PATH_RULES_H
#define FERRY_IMPORT_PATH_RULES_H

#include "format/oci/reference.h"

/* Joins the last components with hyphens so that `max_depth` are left; 0 for no limit. */
void ferry_path_flatten(char *repository, int max_depth);

/* `image` is the name of what is to go to `ref`. */
int ferry_path_check(const struct ferry_reference *ref, int max_depth, const char *image,
                     struct ferry_err *err) FERRY_MUST_USE;

#endif
