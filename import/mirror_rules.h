/*
 * The fewest prefixes that lead a cluster from the names of images to where they are now.
 *
 * What it is: pure. From pairs (a source repository, the repository that has its images) it makes
 * rules (the beginning of a name, what stands in its place) as containers' registries.conf and
 * OpenShift's mirror sets apply them: of the rules whose source is the name, or its beginning up to
 * a slash, the longest counts, and its mirror replaces its source; of several mirrors the first
 * that has the image. The rules lead every repository of the pairs right, and no set of fewer
 * prefixes does; of such sets this is the one with the longest prefixes. A registry is never
 * claimed as a whole: of what else it has the import knows nothing, and whoever may push to the
 * mirror would answer for all of it.
 * Owns: the texts of a list. Fails: FERRY_ENOMEM, and as said below.
 */
#ifndef FERRY_IMPORT_MIRROR_RULES_H
#define FERRY_IMPORT_MIRROR_RULES_H

#include "format/core/mem.h"

struct ferry_mirror {
    char *source; /* "quay.io/prometheus": a repository in a pair, a prefix in a rule */
    char *mirror; /* "registry.internal:5000/mirror/prometheus" */
};

/* Pairs or rules. One source may stand in several, its mirrors in the order of preference; rules
 * are sorted, so those stand together. Zeroed is empty. */
struct ferry_mirrors {
    struct ferry_mirror *items;
    size_t count, room;
};

int ferry_mirrors_add(struct ferry_mirrors *list, const char *source, const char *mirror,
                      struct ferry_err *err) FERRY_MUST_USE;
void ferry_mirrors_release(struct ferry_mirrors *list);

/* Adds the rules for the pairs to *rules. */
int ferry_mirror_rules(const struct ferry_mirrors *pairs, struct ferry_mirrors *rules,
                       struct ferry_err *err) FERRY_MUST_USE;

/* Adds to *hosts one rule for each registry of the pairs, which claims it as a whole, for what
 * knows no other. FERRY_EUSAGE where a registry's repositories do not all keep their path behind
 * one and the same prefix. */
int ferry_mirror_hosts(const struct ferry_mirrors *pairs, struct ferry_mirrors *hosts,
                       struct ferry_err *err) FERRY_MUST_USE;

#endif
