/*
 * Every allocation fails once. A test runs its code under EACH_FAILED_ALLOC(n); in run n the n-th
 * allocation of this thread fails, and the loop ends with the run that needs fewer. ASan finds the
 * leak, the test's own checks find the lie.
 *
 * How: the linker's --wrap sends the allocations of our objects here (malloc, calloc, realloc,
 * and, where the linker is told of them, strdup, strndup, vasprintf); what a shared library
 * allocates by itself is out of reach. Only test_alloc links this file.
 */
#ifndef TESTS_SUPPORT_FAULT_ALLOC_H
#define TESTS_SUPPORT_FAULT_ALLOC_H

#include <stdbool.h>

/* false when run n - 1 got by without the allocation that was to fail. */
bool fault_arm(long n);

/* For the rest of a run none fails any more. */
void fault_stop(void);

#define EACH_FAILED_ALLOC(n) for (long n = 1; fault_arm(n); n++)

#endif
