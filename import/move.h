/*
 * Brings the blobs to the destination: asks what is there, mounts, uploads.
 *
 * What it is: the two middle steps of an import. From a pipe each blob is moved as it goes by,
 * small ones several at once; then, from archives with random access, many are moved at once, in
 * the order of the graph; then what is still lacking is looked for in files that can only be read
 * in order. A copy that is wrong leaves its blob to the next archive. Memory is bounded by the
 * number of jobs. A blob or repository that fails is recorded in the plan and fails the images that
 * need it, no others. An archive that breaks off has that as its fault. Fails: FERRY_ENET,
 * FERRY_ESTALL, FERRY_ECANCEL, FERRY_ENOMEM.
 */
#ifndef FERRY_IMPORT_MOVE_H
#define FERRY_IMPORT_MOVE_H

#include "format/archive/archive_set.h"
#include "format/run/progress.h"
#include "import/chunk_size.h"
#include "import/push_plan.h"

struct ferry_move {
    struct ferry_session *session;
    struct ferry_archive_set *archives;
    struct ferry_push_plan *plan;
    const char *registry;
    struct ferry_chunk_size *chunk_size;
    int jobs;
    struct ferry_progress *progress;
};

/* What the destination has: every placement is THERE, ABSENT or FAILED after it. */
int ferry_move_ask(const struct ferry_move *move, struct ferry_err *err) FERRY_MUST_USE;

/* Every ABSENT placement is MOUNTED, UPLOADED or FAILED after it; those of what no archive has stay
 * ABSENT. */
int ferry_move_blobs(const struct ferry_move *move, struct ferry_err *err) FERRY_MUST_USE;

#endif
