/*
 * Sources, sinks, and the one loop that moves bytes between them. Every byte that crosses a
 * boundary (network, archive, pipe, file) goes this way.
 *
 * A *source* yields the bytes of one blob in order. A *sink* takes bytes and has an explicit
 * commit; freeing a sink that was not committed leaves no trace of it.
 * Owns: whoever holds the pointer frees it. Buffers are borrowed for the call.
 * Fails: negative ferry_code, *err filled, *got == 0. After a failure a source may only be rewound
 * or freed, a sink only freed.
 * Threads: one at a time.
 */
#ifndef FERRY_CORE_BLOB_H
#define FERRY_CORE_BLOB_H

#include <stddef.h>
#include <stdint.h>

#include "format/core/err.h"
#include "format/core/mem.h"

struct ferry_source;
struct ferry_sink;

/*
 * Reads at most `cap` bytes, `cap` > 0. Returns 0 with *got == 0 at the end, and not before: a
 * short read is no end. A verifying source (blob_verify.h) says "end", and hands out the last
 * bytes, only after length and digest agreed.
 */
int ferry_source_read(struct ferry_source *source, void *buf, size_t cap, size_t *got,
                      struct ferry_err *err) FERRY_MUST_USE;

/*
 * Goes on at byte `offset`, which is not past what was read so far. FERRY_EIO when the medium does
 * not permit it (a pipe). May be called after a failed read.
 */
int ferry_source_rewind(struct ferry_source *source, int64_t offset,
                        struct ferry_err *err) FERRY_MUST_USE;

/* Bytes in all, from the start; -1 when not known beforehand. */
int64_t ferry_source_size(const struct ferry_source *source);

void ferry_source_free(struct ferry_source *source);
FERRY_OWNED_DEFINE(ferry_source)

int ferry_sink_write(struct ferry_sink *sink, const void *bytes, size_t len,
                     struct ferry_err *err) FERRY_MUST_USE;
void ferry_sink_free(struct ferry_sink *sink);
FERRY_OWNED_DEFINE(ferry_sink)

/* Moves everything from `source` to `sink` and commits. The only caller of a sink's commit. */
int ferry_blob_copy(struct ferry_source *source, struct ferry_sink *sink,
                    struct ferry_err *err) FERRY_MUST_USE;

/* Reads everything into `buf`, whose limit bounds it. Its data is not NULL then, even of nothing.
 * What a failure leaves in `buf` is void. */
int ferry_source_read_all(struct ferry_source *source, struct ferry_buf *buf,
                          struct ferry_err *err) FERRY_MUST_USE;

/* Reads to the end and drops the bytes: what remains of a verifying source is proved so. */
int ferry_source_drain(struct ferry_source *source, struct ferry_err *err) FERRY_MUST_USE;

/* Reads `count` bytes and drops them; *lacking is how many of them the source did not have. */
int ferry_source_skip(struct ferry_source *source, int64_t count, int64_t *lacking,
                      struct ferry_err *err) FERRY_MUST_USE;

#endif
