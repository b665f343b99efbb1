/*
 * Platforms: os/architecture[/variant] (image-spec 1.1 image-index.md "platform").
 * A plain value; "" in a member means "not said". Members that are too long are cut.
 */
#ifndef FERRY_OCI_PLATFORM_H
#define FERRY_OCI_PLATFORM_H

#include "format/oci/json.h"

struct ferry_platform {
    char os[32];
    char architecture[32];
    char variant[32];
};

/* From the "platform" object of a descriptor, or the top of an image config. NULL: all empty. */
int ferry_platform_from_json(const json_t *object, const char *what, struct ferry_platform *out,
                             struct ferry_err *err) FERRY_MUST_USE;

/* "linux/arm/v7"; "" when nothing is said. */
#define FERRY_PLATFORM_TEXT_MAX 100
const char *ferry_platform_format(const struct ferry_platform *platform,
                                  char out[FERRY_PLATFORM_TEXT_MAX]);

#endif
