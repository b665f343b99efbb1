/*
 * Sizes for people.
 */
#ifndef FERRY_CORE_SIZE_H
#define FERRY_CORE_SIZE_H

#include <stdint.h>

#define FERRY_SIZE_TEXT_MAX 32

/* "1.2 GiB", "640 B". Returns `out`. */
const char *ferry_size_format(int64_t bytes, char out[FERRY_SIZE_TEXT_MAX]);

#endif
