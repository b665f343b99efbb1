/*
 * SIGINT, SIGTERM and SIGHUP set the cancel flag (core/cancel.h) and interrupt blocking calls; a
 * second one ends the process at once. One that the process was started with ignored (nohup) stays
 * so. SIGPIPE and SIGXFSZ are ignored: a closed pipe, and a file that may not grow, are ordinary
 * write errors.
 */
#ifndef FERRY_RUN_SIGNALS_H
#define FERRY_RUN_SIGNALS_H

void ferry_signals_install(void);

#endif
