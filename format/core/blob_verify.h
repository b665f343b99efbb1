/*
 * The verifying source: wraps a source and withholds the last bytes until length, end of stream
 * and digest all agree. Whoever reads on through it can never complete a wrong blob: an upload
 * with a declared length cannot finish, an archive entry cannot be closed.
 *
 * Fails: FERRY_EDIGEST "blob <digest>: ..." when the bytes are too few, too many or wrong; else
 * what the wrapped source says. A failure stays until the source is rewound.
 * Rewinding reads and hashes again from the first byte. A reader that goes on at an offset keeps
 * bytes of the pass before: both passes must agree, or it is FERRY_EDIGEST again. So what was
 * proved is what was handed out, however many passes it took. After FERRY_EDIGEST only offset 0 is
 * left. Limits: 16 passes in a row that each end earlier than the one before.
 */
#ifndef FERRY_CORE_BLOB_VERIFY_H
#define FERRY_CORE_BLOB_VERIFY_H

#include "format/core/blob.h"
#include "format/core/digest.h"

/* Takes *inner. `digest` is copied. `size` in bytes, >= 0. */
int ferry_verify_new(struct ferry_source **inner, const struct ferry_digest *digest, int64_t size,
                     struct ferry_source **out, struct ferry_err *err) FERRY_MUST_USE;

/* The same check for bytes that are in memory already. */
int ferry_verify_bytes(const void *bytes, size_t len, const struct ferry_digest *digest,
                       int64_t size, struct ferry_err *err) FERRY_MUST_USE;

#endif
