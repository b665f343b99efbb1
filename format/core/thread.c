#include "format/core/thread.h"

#include <signal.h>

#include "format/core/mem.h"

bool ferry_thread_start(pthread_t *thread, void *(*run)(void *), void *arg)
{
    /* A fault belongs to the thread that made it, and blocked it would kill without a trace. */
    static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT };
    sigset_t blocked, before;
    int rc;

    sigfillset(&blocked);
    for (size_t i = 0; i < FERRY_COUNT(faults); i++)
        sigdelset(&blocked, faults[i]);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    rc = pthread_create(thread, NULL, run, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc == 0;
}
