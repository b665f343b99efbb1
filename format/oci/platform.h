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

/* OS/ARCHITECTURE[/VARIANT] in lower case, as on a command line. FERRY_EUSAGE quoting `text`. */
int ferry_platform_parse(const char *text, struct ferry_platform *out,
                         struct ferry_err *err) FERRY_MUST_USE;

/*
 * Whether who asks for `wanted` gets what is for `offered`. Without a variant every variant is
 * asked for. Names are taken as containerd does: aarch64 is arm64, x86_64 amd64, i386 386, and
 * without a variant arm is v7, arm64 v8, amd64 v1.
 */
bool ferry_platform_matches(const struct ferry_platform *wanted,
                            const struct ferry_platform *offered);

/* Nothing is said, or "unknown/unknown": as of what runs nowhere, an attestation for one. */
bool ferry_platform_is_unknown(const struct ferry_platform *platform);

/* "linux/arm/v7"; "" when nothing is said. */
#define FERRY_PLATFORM_TEXT_MAX 100
const char *ferry_platform_format(const struct ferry_platform *platform,
                                  char out[FERRY_PLATFORM_TEXT_MAX]);

#endif
