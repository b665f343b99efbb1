/*
 * Descriptors (image-spec 1.1 descriptor.md): what one document says of another blob.
 *
 * Owns: media_type and urls. A zeroed descriptor may be released.
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
    char **urls; /* "urls", NULL-ended, as they stand there: kept elsewhere, perhaps not in
                    registries and archives; NULL when there are none */
};

#define FERRY_URLS_MAX 16 /* of more, the first so many count: SPEC 6 */

int ferry_descriptor_from_json(const json_t *object, const char *what, struct ferry_descriptor *out,
                               struct ferry_err *err) FERRY_MUST_USE;
void ferry_descriptor_release(struct ferry_descriptor *descriptor);

/* Fills *out from its parts, without urls; media_type is copied. */
int ferry_descriptor_init(struct ferry_descriptor *out, const char *media_type,
                          const struct ferry_digest *digest, int64_t size,
                          struct ferry_err *err) FERRY_MUST_USE;

/* Gives *to a copy of the urls of *from; it must have none. */
int ferry_descriptor_copy_urls(const struct ferry_descriptor *from, struct ferry_descriptor *to,
                               struct ferry_err *err) FERRY_MUST_USE;

/* From here on the blob is kept like any other. */
void ferry_descriptor_drop_urls(struct ferry_descriptor *descriptor);

#endif
