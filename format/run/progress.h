/*
 * Progress and messages, on stderr: a live line with bytes, rate and ETA on a terminal, plain lines
 * elsewhere, nothing when quiet. Results never come here.
 *
 * Owns: nothing of the caller's. Fails: only to be made. Threads: every function, any thread.
 */
#ifndef FERRY_RUN_PROGRESS_H
#define FERRY_RUN_PROGRESS_H

#include <stdint.h>

#include "format/core/err.h"
#include "format/core/mem.h"

enum ferry_progress_style {
    FERRY_PROGRESS_AUTO, /* bar on a terminal, plain elsewhere */
    FERRY_PROGRESS_BAR,
    FERRY_PROGRESS_PLAIN, /* a line every ten seconds and at the end of each phase */
    FERRY_PROGRESS_NONE
};

struct ferry_progress;

/* `program` stands before each message. `quiet`: warnings and errors only. */
int ferry_progress_new(const char *program, enum ferry_progress_style style, bool quiet,
                       struct ferry_progress **out, struct ferry_err *err) FERRY_MUST_USE;
void ferry_progress_free(struct ferry_progress *progress); /* wipes the live line */
FERRY_OWNED_DEFINE(ferry_progress)

/* Begins a phase: `what` ("resolving", "exporting") is copied; totals of -1 are unknown. */
void ferry_progress_phase(struct ferry_progress *progress, const char *what, int64_t total_bytes,
                          int64_t total_items);

/* Ends the phase without beginning another: what follows is a result. */
void ferry_progress_end(struct ferry_progress *progress);

/* Adds to the phase; negative amounts take back. Cheap enough for every 64 KiB. */
void ferry_progress_add(struct ferry_progress *progress, int64_t bytes, int64_t items);

/* A line for people: information (dropped when quiet), a warning, an error. */
void ferry_progress_say(struct ferry_progress *progress, const char *fmt, ...) FERRY_PRINTF(2, 3);
void ferry_progress_warn(struct ferry_progress *progress, const char *fmt, ...) FERRY_PRINTF(2, 3);
void ferry_progress_error(struct ferry_progress *progress, const char *fmt, ...) FERRY_PRINTF(2, 3);

/* Between the two nothing is written to stderr: who would say something waits. */
void ferry_progress_pause(struct ferry_progress *progress);
void ferry_progress_resume(struct ferry_progress *progress);

/* "1 image", "2 images": what follows the noun. */
static inline const char *ferry_plural(size_t count)
{
    return count == 1 ? "" : "s";
}

#endif
