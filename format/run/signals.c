#include "format/run/signals.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>

#include "format/core/cancel.h"
#include "format/core/mem.h"

static const int asked_to_stop[] = { SIGINT, SIGTERM, SIGHUP };

/* Calls nothing but what signal-safety(7) permits. The next signal ends the process; the flag
 * cannot tell which is the first, since failures set it as well. */
static void on_signal(int number)
{
    int saved = errno;
    struct sigaction normal = { .sa_handler = SIG_DFL };
    struct sigaction now;

    (void)number;
    ferry_cancel();
    for (size_t i = 0; i < FERRY_COUNT(asked_to_stop); i++)
        if (sigaction(asked_to_stop[i], NULL, &now) == 0 && now.sa_handler == on_signal)
            sigaction(asked_to_stop[i], &normal, NULL);
    errno = saved;
}

void ferry_signals_install(void)
{
    struct sigaction ours = { .sa_handler = on_signal }; /* no SA_RESTART: waiting calls must end */
    struct sigaction ignored = { .sa_handler = SIG_IGN };
    struct sigaction before;

    for (size_t i = 0; i < FERRY_COUNT(asked_to_stop); i++)
        sigaddset(&ours.sa_mask, asked_to_stop[i]);
    for (size_t i = 0; i < FERRY_COUNT(asked_to_stop); i++)
        if (sigaction(asked_to_stop[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(asked_to_stop[i], &ours, NULL);
    sigaction(SIGPIPE, &ignored, NULL);
    sigaction(SIGXFSZ, &ignored, NULL); /* write() says it as well */
}
