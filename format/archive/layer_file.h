/*
 * One file of a layer: looked for in the layer's tar, plain, gzip or zstd (image-spec 1.1
 * layer.md).
 *
 * What it is: one pass. Layers stand upon each other, so what is looked for is there, or is left to
 * the layers below, or is removed here, by a whiteout or by something else than a folder in its
 * way. Names count without "./", "//" and "/" in front; one with ".." is nobody's.
 * Owns: borrows the layer, and reads it to its end, so that a verifying source has proved it when
 * the call returns 0; what is in *out before that is not to be believed.
 * Fails: FERRY_EFORMAT when the layer is no tar, or the file is a link or a folder, or is there
 * twice (readers differ on which one counts); FERRY_ELIMIT past the limits or that of *out; else
 * what the layer says.
 * Limits: FERRY_LAYER_BYTES_MAX bytes when inflated, FERRY_ENTRIES_MAX entries.
 */
#ifndef FERRY_ARCHIVE_LAYER_FILE_H
#define FERRY_ARCHIVE_LAYER_FILE_H

#include "format/core/blob.h"

#define FERRY_LAYER_BYTES_MAX ((int64_t)4 * 1024 * 1024 * 1024)

enum ferry_layer_says {
    FERRY_LAYER_BELOW, /* nothing of it: the layers below decide */
    FERRY_LAYER_HERE,
    FERRY_LAYER_REMOVED /* what is below does not count any more */
};

/* `path` has no "/" in front; the file's bytes are appended to *out. */
int ferry_layer_file(struct ferry_source *layer, const char *path, struct ferry_buf *out,
                     enum ferry_layer_says *says, struct ferry_err *err) FERRY_MUST_USE;

#endif
