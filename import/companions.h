/*
 * What belongs to an image goes where the image goes: referrers, and the tags of cosign (SPEC 4.5).
 *
 * What it is: pure. To the targets of images it adds those of everything that belongs to a manifest
 * which they reach, and so on: a signature of an SBOM follows the SBOM.
 * Owns: adds to the caller's array.
 */
#ifndef FERRY_IMPORT_COMPANIONS_H
#define FERRY_IMPORT_COMPANIONS_H

#include "import/name_map.h"

/* Whether the image belongs to something in the graph, and need not be named to be imported. */
bool ferry_image_follows(const struct ferry_graph *graph, const struct ferry_image *image);

/* Appends to *targets, *count of them with room for *room; each image once in each repository. */
int ferry_companions_follow(struct ferry_graph *graph, struct ferry_target **targets, size_t *count,
                            size_t *room, struct ferry_err *err) FERRY_MUST_USE;

#endif
