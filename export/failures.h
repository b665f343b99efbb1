/*
 * What could not be had: the end of an export, or with --keep-going images that are left out.
 *
 * What it is: the list of those images, each with its reason, which is said in a line as it joins.
 * Owns: its texts. Zeroed but for `keep_going` and `progress`, it is empty. Fails: as its calls
 * say. Threads: one at a time, but for ferry_failures_permit().
 */
#ifndef FERRY_EXPORT_FAILURES_H
#define FERRY_EXPORT_FAILURES_H

#include "format/oci/graph.h"
#include "format/run/progress.h"

struct ferry_failure {
    char *name; /* what the user asked for */
    char *why;
    enum ferry_code code;
};

struct ferry_failures {
    bool keep_going;
    struct ferry_progress *progress; /* borrowed */
    struct ferry_failure *items;
    size_t count, room;
};

void ferry_failures_release(struct ferry_failures *list);
#define FERRY_OWNED_FAILURES __attribute__((cleanup(ferry_failures_release))) struct ferry_failures

/* Whether the export may go on after *err: a shortage here, or an interrupt, is no image's fault.
 */
bool ferry_failures_permit(const struct ferry_failures *list, const struct ferry_err *err);

/* `name` cannot be had, since *err. Takes note of it and returns 0 where the export may go on; else
 * returns the code of *err. */
int ferry_failures_add(struct ferry_failures *list, const char *name,
                       struct ferry_err *err) FERRY_MUST_USE;

/* Whether a node is BAD. */
bool ferry_failures_any_bad(const struct ferry_graph *graph);

/*
 * Removes from `refs` what a graph made of them cannot give: references without an image in it, and
 * those whose image, or what belongs to that, reaches a BAD node. The latter join the list, and
 * *has_bad says that there were some, so that the graph must be made again. Fails, with the code
 * of the first, when nothing is left.
 */
int ferry_failures_drop(struct ferry_failures *list, struct ferry_graph *graph,
                        struct ferry_reference *refs, size_t *count, bool *has_bad,
                        struct ferry_err *err) FERRY_MUST_USE;

#endif
