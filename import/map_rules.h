/*
 * The repository to which an image goes that no line of -f sends anywhere: by --map, else by its
 * own path.
 *
 * What it is: pure. The longest --map whose SRC the name begins with, SRC being short or in full;
 * else the repository below DEST, behind the source's registry with --keep-registry. --max-depth
 * joins what is too deep.
 * Fails: FERRY_EUSAGE naming the rule or the image.
 */
#ifndef FERRY_IMPORT_MAP_RULES_H
#define FERRY_IMPORT_MAP_RULES_H

#include "format/oci/graph.h"
#include "import/import_opts.h"

/* That every --map is SRC=DST, on which ferry_map_rules_find() relies. */
int ferry_map_rules_check(const struct import_opts *opts, struct ferry_err *err) FERRY_MUST_USE;

/* Fills in ref->repository alone. *rule is the --map by which it goes, of opts->maps; or NULL. */
int ferry_map_rules_find(const struct import_opts *opts, const struct ferry_image *image,
                         struct ferry_reference *ref, const char **rule,
                         struct ferry_err *err) FERRY_MUST_USE;

#endif
