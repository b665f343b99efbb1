/*
 * Descriptors (image-spec 1.1 descriptor.md): what one document says of another blob.
 *
 * Owns: media_type. A zeroed descriptor may be released.
 * Fails: FERRY_EFORMAT naming `what` and the member.
 */
#ifndef FERRY_OCI_DESCRIPTOR_H
#define FERRY_OCI_DESCRIPTOR_H

#include "format/oci/platform.h"

struct ferry_descriptor {
    struct ferry_digest digest;
    int64_t size; /* bytes, >= 0 */
    char *media_type;
    struct ferry_platform platform;
    bool external; /* has "urls": kept elsewhere, not in registries and archives */
};

int ferry_descriptor_from_json(const json_t *object, const char *what, struct ferry_descriptor *out,
                               struct ferry_err *err) FERRY_MUST_USE;
void ferry_descriptor_release(struct ferry_descriptor *descriptor);

/* Fills *out from its parts; media_type is copied. */
int ferry_descriptor_init(struct ferry_descriptor *out, const char *media_type,
                          const struct ferry_digest *digest, int64_t size,
                          struct ferry_err *err) FERRY_MUST_USE;

#endif
