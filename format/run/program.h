/*
 * What each of the three programs does before anything else.
 *
 * Names in archives are UTF-8, whatever the user's are, so the character set is. Buffers of some
 * MiB that are freed go back to the system at once; glibc would keep those of every thread that
 * ever had one. Then the signals (signals.h).
 */
#ifndef FERRY_RUN_PROGRAM_H
#define FERRY_RUN_PROGRAM_H

void ferry_program_start(void);

#endif
