/*
 * What becomes of images whose indexes list what the archive leaves out (SPEC 5.6).
 *
 * What it is: the choice of the user, and what follows from it for images and for what belongs to
 * them; no request is made here. Which form an image has at the destination, with AUTO, is for
 * publication.h to find out.
 * Fails: FERRY_ENOMEM; an image that fails is recorded in the plan.
 */
#ifndef FERRY_IMPORT_SPARSE_H
#define FERRY_IMPORT_SPARSE_H

#include "format/oci/left_out.h"
#include "import/push_plan.h"

/* Of another tool's archive, which cannot say what it leaves out on purpose: manifests that an
 * index lists and that are not there are LEFT_OUT, unless they are images themselves. */
int ferry_sparse_excuse(struct ferry_graph *graph, struct ferry_err *err) FERRY_MUST_USE;

/* Fails the images that are not to be imported as they are: with FAIL those that miss something,
 * and in any case those of which nothing is there. They need no blob then. */
int ferry_sparse_check(struct ferry_push_plan *plan, struct ferry_err *err) FERRY_MUST_USE;

/* With the form of all images known: what belongs to an index that is not at the destination is
 * LEFT_OUT. */
int ferry_sparse_settle(struct ferry_push_plan *plan, struct ferry_err *err) FERRY_MUST_USE;

/* Whether the image of a target misses something that it lists. */
bool ferry_sparse_is(const struct ferry_push_plan *plan, const struct ferry_target *target);

/* What it misses: "linux/arm64/v8, linux/s390x"; the number where nothing says what they are for.
 * Needs the graph to itself. */
int ferry_sparse_missing(const struct ferry_push_plan *plan, const struct ferry_target *target,
                         char out[FERRY_LEFT_OUT_TEXT_MAX], struct ferry_err *err) FERRY_MUST_USE;

#endif
