/*
 * Uploads: a blob goes up whole or in chunks, and is there when the closing request was answered
 * (distribution-spec 1.1 "Pushing blobs").
 *
 * What it is: one PUT where nothing limits its size, else PATCHes of a bounded size and an empty
 * PUT. The size is limited by --chunk-size, by refusals (413), and by a source that may keep us
 * waiting: of that a chunk is read before the request is opened. The registry's Range says where
 * the next chunk begins. Where a request breaks, or the registry is of another opinion (416, 404),
 * it is asked where it stands, and the upload goes on there, or in a new one from the first byte.
 * Fails: what the source says, and then the closing request was not sent; FERRY_ENET when there is
 * no progress in as many attempts as the session has retries; FERRY_ESTALL when the registry was
 * silent twice without progress in between, or would not say where it stands; FERRY_EIO when the
 * source cannot go back as far as the registry has to; else what the registry says. A failed upload
 * is cancelled there, as far as that can be had within a second; also after ferry_cancel().
 * Threads: any number at once, each with an upload of its own.
 */
#ifndef FERRY_IMPORT_UPLOAD_H
#define FERRY_IMPORT_UPLOAD_H

#include "format/run/progress.h"
#include "import/chunk_size.h"
#include "import/push.h"

/* An upload that was begun. Zeroed is none. */
struct ferry_upload {
    char *url;         /* changes with every reply */
    int64_t chunk_min; /* only the last chunk may be smaller */
};

/*
 * Begins an upload. With `from`, another repository of the registry that has the blob, it is
 * mounted if the registry permits: *mounted then, and nothing is left to do. Else *upload is for
 * ferry_upload_blob() or ferry_upload_cancel().
 */
int ferry_upload_begin(const struct ferry_push *to, const struct ferry_digest *digest,
                       const char *from, bool *mounted, struct ferry_upload *upload,
                       struct ferry_err *err) FERRY_MUST_USE;

/* What is to be uploaded. All pointers are borrowed. */
struct ferry_cargo {
    const struct ferry_digest *digest;
    struct ferry_source *source; /* verifies, knows its size, stands at its first byte */
    int64_t ahead; /* 0, or of a source that may keep us waiting: so many bytes may be read before
                      they are sent; it must be able to go back as far */
    struct ferry_chunk_size *chunk_size; /* the registry's */
    struct ferry_progress *progress;     /* counts what is sent */
};

/* Ends *upload, whatever comes of it. *source_failed, also on failure: it is the source that
 * failed, or could not go back, and not the registry. */
int ferry_upload_blob(const struct ferry_push *to, const struct ferry_cargo *cargo,
                      struct ferry_upload *upload, bool *source_failed,
                      struct ferry_err *err) FERRY_MUST_USE;

/* Nobody will finish it. A registry that does not mind keeps it; that is its affair. */
void ferry_upload_cancel(const struct ferry_push *to, struct ferry_upload *upload);

#endif
