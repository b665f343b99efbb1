/*
 * Threads of ours: they leave all signals to the main thread.
 */
#ifndef FERRY_CORE_THREAD_H
#define FERRY_CORE_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/* pthread_create; false when the system has none to give. */
bool ferry_thread_start(pthread_t *thread, void *(*run)(void *), void *arg);

#endif
