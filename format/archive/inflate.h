/*
 * The inflating source: yields what a gzip or zstd stream holds, or the bytes themselves when they
 * are not compressed. For diffIDs: the digest of a layer's tar (image-spec 1.1 config.md).
 *
 * Owns: borrows `inner`, which must outlive it and is read to the end of the compressed data.
 * Fails: FERRY_EFORMAT when the stream does not inflate, or is compressed more than once; else what
 * `inner` says. One pass.
 * Limits: libarchive's decoders, bounded memory (zstd windows up to 128 MiB).
 */
#ifndef FERRY_ARCHIVE_INFLATE_H
#define FERRY_ARCHIVE_INFLATE_H

#include "format/core/blob.h"

/* Of libarchive: gzip or zstd, and what lies below. It would undo some more, each of which
 * multiplies what a few bytes can hold. */
#define FERRY_FILTERS 2

int ferry_inflate_new(struct ferry_source *inner, struct ferry_source **out,
                      struct ferry_err *err) FERRY_MUST_USE;

#endif
