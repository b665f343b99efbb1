/*
 * Referrers that are published are also found from what they belong to (distribution-spec 1.1
 * "Pushing Manifests with Subject").
 *
 * What it is: a registry with the referrers API lists them by itself; for one without, the client
 * keeps an index under the tag of the referrers tag schema, and that is done here. What the index
 * holds already stays.
 * Fails: as push.h; the caller adds names. Threads: one at a time for one subject in one
 * repository.
 */
#ifndef FERRY_IMPORT_LISTING_H
#define FERRY_IMPORT_LISTING_H

#include "import/push.h"

/* Makes sure that these manifests, which are in the repository, are listed for `subject`. */
int ferry_listing_ensure(const struct ferry_push *to, const struct ferry_digest *subject,
                         const struct ferry_node *const *nodes, size_t count,
                         struct ferry_err *err) FERRY_MUST_USE;

#endif
