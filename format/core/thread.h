/*
 * Threads of ours: they leave all signals to the main thread. And conditions that are waited for a
 * while at a time, since a signal handler cannot wake whoever waits.
 */
#ifndef FERRY_CORE_THREAD_H
#define FERRY_CORE_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/* pthread_create; false when the system has none to give. */
bool ferry_thread_start(pthread_t *thread, void *(*run)(void *), void *arg);

/* pthread_cond_init whose waits are on the monotonic clock. */
void ferry_cond_init(pthread_cond_t *cond);

/* With `lock` held: until the condition is signalled, but for `ms` at the most; or for no reason.
 */
void ferry_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int ms);

#endif
