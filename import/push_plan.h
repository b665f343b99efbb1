/*
 * What has to reach the destination: every blob once for each repository that needs it.
 *
 * What it is: the targets (which image goes where), the repositories, and the placements: a blob
 * and a repository that is to have it. The steps of an import fill in what became of them. Owns:
 * takes the targets; borrows the graph. Threads: a placement belongs to the one thread that moves
 * its blob.
 */
#ifndef FERRY_IMPORT_PUSH_PLAN_H
#define FERRY_IMPORT_PUSH_PLAN_H

#include "import/name_map.h"
#include "import/trim.h"

enum ferry_placement_state {
    FERRY_PLACEMENT_UNKNOWN,
    FERRY_PLACEMENT_THERE, /* the repository had it */
    FERRY_PLACEMENT_ABSENT,
    FERRY_PLACEMENT_NEEDLESS, /* absent, and the images that reach it fail for another reason */
    FERRY_PLACEMENT_LEFT_OUT, /* a foreign layer that neither archive nor repository has so far */
    FERRY_PLACEMENT_MOUNTED,
    FERRY_PLACEMENT_UPLOADED,
    FERRY_PLACEMENT_FAILED
};

struct ferry_placement {
    struct ferry_node *node;
    size_t repository; /* its place in plan->repositories */
    enum ferry_placement_state state;
    struct ferry_err *failure; /* malloc'ed; of a FAILED placement whose node is not to blame */
};

enum ferry_outcome_kind {
    FERRY_OUTCOME_NONE, /* nothing yet */
    FERRY_OUTCOME_PUSHED,
    FERRY_OUTCOME_THERE,    /* the destination had exactly this image under this name */
    FERRY_OUTCOME_LEFT_OUT, /* it belongs to what is not there */
    FERRY_OUTCOME_FAILED
};

struct ferry_outcome {
    enum ferry_outcome_kind kind;
    struct ferry_err *failure; /* malloc'ed; NULL unless FAILED */
    bool is_trimmed;           /* its index was put as ferry_trims_of() has it */
    bool has_original;         /* of a trimmed one: the index as it was is there besides */
};

/* Whether the image is at the destination, under its name. */
static inline bool ferry_outcome_is_there(const struct ferry_outcome *outcome)
{
    return outcome->kind == FERRY_OUTCOME_PUSHED || outcome->kind == FERRY_OUTCOME_THERE;
}

struct ferry_push_plan {
    struct ferry_graph *graph;
    struct ferry_trims *trims;
    enum ferry_sparse sparse; /* AUTO unless it is set */
    struct ferry_target *targets;
    struct ferry_outcome *outcomes; /* by target */
    size_t target_count;
    const char **repositories; /* each once, sorted; texts are the targets' */
    size_t repository_count;
    struct ferry_placement *placements; /* by node in the order of the graph, then by repository */
    size_t placement_count;
    size_t *first_placement; /* by node->place; one more at the end */
    char **elsewhere; /* by node->place: a repository without a placement that has the blob, as far
                         as that is known; else NULL */
};

/* Takes *targets. */
int ferry_push_plan_new(struct ferry_graph *graph, struct ferry_target **targets, size_t count,
                        struct ferry_push_plan **out, struct ferry_err *err) FERRY_MUST_USE;
/* Forgets what only images need that have failed, or are left out. */
int ferry_push_plan_replan(struct ferry_push_plan *plan, struct ferry_err *err) FERRY_MUST_USE;

void ferry_push_plan_free(struct ferry_push_plan *plan);
FERRY_OWNED_DEFINE(ferry_push_plan)

/* The repository of a target, as a place in plan->repositories. */
size_t ferry_push_plan_repository(const struct ferry_push_plan *plan,
                                  const struct ferry_target *target);

/* The placement of a blob in a repository; NULL when the plan has none. */
struct ferry_placement *ferry_push_plan_find(const struct ferry_push_plan *plan,
                                             const struct ferry_node *node, size_t repository);

/* All placements of a blob, *count of them side by side. */
struct ferry_placement *ferry_push_plan_placements(const struct ferry_push_plan *plan,
                                                   const struct ferry_node *node, size_t *count);

/* Whether the repository has the blob, from the start or by now; */
bool ferry_placement_is_there(const struct ferry_placement *placement);
/* and whether it has it in neither way, and could have it. */
bool ferry_placement_is_lacking(const struct ferry_placement *placement);

/* Whether a repository lacks the blob, and could have it. */
bool ferry_push_plan_needs(const struct ferry_push_plan *plan, const struct ferry_node *node);

/* Copies *why to a FAILED placement or outcome. Out of memory, the failure has no text. */
void ferry_placement_fail(struct ferry_placement *placement, const struct ferry_err *why);
void ferry_outcome_fail(struct ferry_outcome *outcome, const struct ferry_err *why);

#endif
