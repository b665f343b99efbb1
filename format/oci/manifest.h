/*
 * Image manifests and indexes, OCI and Docker (image-spec 1.1 manifest.md, image-index.md).
 *
 * What it is: what a document lists, in its order; its bytes are kept by whoever has them and are
 * never written anew. A document that could be read as either kind is refused (CVE-2021-41190), as
 * is one whose own mediaType is not the one it was announced by.
 * Owns: the arrays. Fails: FERRY_EFORMAT, FERRY_ELIMIT naming `what`.
 */
#ifndef FERRY_OCI_MANIFEST_H
#define FERRY_OCI_MANIFEST_H

#include "format/oci/descriptor.h"
#include "format/oci/media_type.h"

#define FERRY_CHILDREN_MAX 10000 /* descriptors in one document: SPEC 6 */

struct ferry_manifest {
    enum ferry_kind kind; /* FERRY_KIND_MANIFEST or FERRY_KIND_INDEX */
    struct ferry_descriptor
        *children; /* an index: its manifests; a manifest: config, then layers */
    size_t count;
    struct ferry_digest
        *described; /* of an index, by child: the image that an attestation is about, as BuildKit
                       writes it; text "" of any other. Of a manifest NULL. */
    bool has_subject;
    struct ferry_digest subject; /* of the manifest that this one is about: a referrer's */
};

int ferry_manifest_parse(const void *bytes, size_t len, const char *media_type, const char *what,
                         struct ferry_manifest **out, struct ferry_err *err) FERRY_MUST_USE;
void ferry_manifest_free(struct ferry_manifest *manifest);
FERRY_OWNED_DEFINE(ferry_manifest)

/*
 * The media type of a manifest whose server did not say, or said something vague
 * ("application/json"): its own "mediaType", else by what it lists. A constant or part of
 * `document`; FERRY_EFORMAT when neither helps.
 */
int ferry_manifest_media_type(const json_t *document, const char *what, const char **out,
                              struct ferry_err *err) FERRY_MUST_USE;

#endif
