/*
 * What people have to know of images that were not imported as their index says (SPEC 5.6).
 *
 * What it is: lines for stderr, after an import or in place of one; a view of the plan.
 */
#ifndef FERRY_IMPORT_SPARSE_NOTES_H
#define FERRY_IMPORT_SPARSE_NOTES_H

#include "format/run/progress.h"
#include "import/push_plan.h"

/* What became of them, both digests, and which signatures do not apply any more. */
void ferry_sparse_say(const struct ferry_push_plan *plan, struct ferry_progress *progress);

/* What would become of them. */
void ferry_sparse_foretell(const struct ferry_push_plan *plan, struct ferry_progress *progress);

#endif
