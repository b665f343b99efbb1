/*
 * A fuzz target: one function that takes any bytes and must not crash, leak, hang or lie. In the
 * build of the preset "fuzz" libFuzzer drives it (build/fuzz/tests/fuzz_NAME FOLDER
 * tests/fuzz/corpus/NAME); in all others fuzz_main.c replays its corpus.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* The name is libFuzzer's. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* What must hold whatever the input is. */
#define HOLDS(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

#endif
