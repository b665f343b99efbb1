/*
 * Whom to ask for each blob of a window: the registry, and for a foreign layer one of its URLs
 * after the other.
 *
 * What it is: per blob the place (pull.h) that is asked at present, and what was said at those
 * before. A place that fails is not asked for that blob again.
 * Owns: its texts; borrows the nodes. Threads: any.
 */
#ifndef FERRY_EXPORT_PLACES_H
#define FERRY_EXPORT_PLACES_H

#include "format/oci/graph.h"

struct ferry_places;

int ferry_places_new(struct ferry_node *const *blobs, size_t count, struct ferry_places **out,
                     struct ferry_err *err) FERRY_MUST_USE;
void ferry_places_free(struct ferry_places *places);
FERRY_OWNED_DEFINE(ferry_places)

/* The place to ask for this blob. */
size_t ferry_places_at(struct ferry_places *places, size_t blob);

/*
 * What was asked of `place` failed with *err. true: there is another to ask now. false: the failure
 * is final; *err then says of a foreign layer what each place said.
 */
bool ferry_places_next(struct ferry_places *places, size_t blob, size_t place,
                       struct ferry_err *err);

#endif
