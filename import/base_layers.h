/*
 * Layers that the archive leaves to a base: where does the destination have them? (SPEC.md 5.3)
 *
 * What it is: the step between asking and moving. A repository that lacks such a layer can have it
 * from another one of the destination: from one of the plan, or from that to which the rules of
 * this import lead the repository that had it in the base, which is asked here. An image with a
 * layer that is nowhere fails, and all that is missing is said; what is reached by such images
 * alone need not be moved. Fails: as ferry_move_ask().
 */
#ifndef FERRY_IMPORT_BASE_LAYERS_H
#define FERRY_IMPORT_BASE_LAYERS_H

#include "import/move.h"

/* After ferry_move_ask(), and before ferry_move_blobs(). */
int ferry_base_layers_find(const struct import_opts *opts, const struct ferry_move *move,
                           struct ferry_err *err) FERRY_MUST_USE;

#endif
