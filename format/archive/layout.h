/*
 * The names inside an image layout (image-spec 1.1 image-layout.md; SPEC.md 2).
 *
 * What it is: names are matched, never used as paths: an entry is one of those that a layout has,
 * or it is ignored. A name that would climb out of a folder is refused all the same, since other
 * readers of the same archive would follow it.
 */
#ifndef FERRY_ARCHIVE_LAYOUT_H
#define FERRY_ARCHIVE_LAYOUT_H

#include <stddef.h>

#include "format/core/digest.h"

enum ferry_entry_kind {
    FERRY_ENTRY_END,       /* no more entries */
    FERRY_ENTRY_LAYOUT,    /* "oci-layout" */
    FERRY_ENTRY_INDEX,     /* "index.json" */
    FERRY_ENTRY_SIGNATURE, /* "index.json.p7s" */
    FERRY_ENTRY_DOCKER,    /* "manifest.json" */
    FERRY_ENTRY_BLOB,      /* "blobs/<algorithm>/<hex>" */
    FERRY_ENTRY_OTHER
};

#define FERRY_LAYOUT_NAME "oci-layout"
#define FERRY_LAYOUT_TEXT "{\"imageLayoutVersion\":\"1.0.0\"}"
#define FERRY_INDEX_NAME "index.json"
#define FERRY_SIGNATURE_NAME "index.json.p7s"
#define FERRY_DOCKER_NAME "manifest.json"
#define FERRY_BLOB_NAME_MAX 150   /* "blobs/sha512/", 128 digits, NUL */
#define FERRY_ENTRY_NAME_MAX 4096 /* bytes of an entry's name: SPEC 6 */

/* What the owner of a docker-archive can do, behind what is wrong with it. */
#define FERRY_DOCKER_HINT                                                                          \
    "; it is a docker-archive: save it with docker 25 or later or with podman save --format "      \
    "oci-archive, or convert it with skopeo copy docker-archive:... oci-archive:..."

/* The name of what a layout has once, FERRY_ENTRY_LAYOUT to FERRY_ENTRY_DOCKER; a constant. */
const char *ferry_layout_file_name(enum ferry_entry_kind kind);

void ferry_layout_blob_name(const struct ferry_digest *digest, char out[FERRY_BLOB_NAME_MAX]);

/* What the entry `name` is; *digest is set for a blob. FERRY_EFORMAT for a name that is absolute,
 * climbs, or is too long. */
int ferry_layout_classify(const char *name, enum ferry_entry_kind *kind,
                          struct ferry_digest *digest, struct ferry_err *err) FERRY_MUST_USE;

/* The document "oci-layout": FERRY_EFORMAT unless its version is 1.x.y. */
int ferry_layout_check(const void *bytes, size_t len, struct ferry_err *err) FERRY_MUST_USE;

#endif
