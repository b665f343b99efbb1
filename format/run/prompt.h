/*
 * A question to whoever sits at the terminal: is it there now?
 *
 * Owns: nothing. Fails: FERRY_EFORMAT with `what` when the answer is no, or nobody can be asked;
 * FERRY_ECANCEL. Threads: any; progress stands still meanwhile.
 */
#ifndef FERRY_RUN_PROMPT_H
#define FERRY_RUN_PROMPT_H

#include "format/run/progress.h"

/* Says `what` is missing and waits for Enter (0), or for "q". `progress` is a struct
 * ferry_progress; the shape is that of ferry_volume_prompt.ask. */
int ferry_prompt_for(void *progress, const char *what, struct ferry_err *err) FERRY_MUST_USE;

#endif
