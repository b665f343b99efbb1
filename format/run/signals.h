/*
 * SIGINT, SIGTERM and SIGHUP set the cancel flag (core/cancel.h) and interrupt blocking calls; a
 * second one ends the process at once. One that the process was started with ignored (nohup) stays
 * so. SIGPIPE is ignored, so a closed pipe is an ordinary write error.
 */
#ifndef FERRY_RUN_SIGNALS_H
#define FERRY_RUN_SIGNALS_H

#include <pthread.h>
#include <stdbool.h>

void ferry_signals_install(void);

/* pthread_create for a thread that leaves all signals to the main thread; false when the system
 * has none to give. */
bool ferry_thread_start(pthread_t *thread, void *(*run)(void *), void *arg);

#endif
