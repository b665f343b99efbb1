/*
 * The pull client: GET of manifests and blobs, whole into memory or a range of them
 * (distribution-spec 1.1 "Pull").
 *
 * Fails: the error names the image, and the blob or manifest. Threads: any number at once.
 */
#ifndef FERRY_EXPORT_PULL_H
#define FERRY_EXPORT_PULL_H

#include "format/oci/graph.h"
#include "format/registry/session.h"

/*
 * The manifest that `ref` names, at most FERRY_MANIFEST_MAX bytes, into *bytes. *descriptor
 * is filled from what was served, and is checked against the digest of `ref`, or that which the
 * registry announced; release it.
 */
int ferry_pull_reference(struct ferry_session *session, const struct ferry_reference *ref,
                         struct ferry_buf *bytes, struct ferry_descriptor *descriptor,
                         struct ferry_err *err) FERRY_MUST_USE;

/* The digest that the tag of `ref` means now; *is_there is false when there is no such tag. */
int ferry_pull_digest(struct ferry_session *session, const struct ferry_reference *ref,
                      struct ferry_digest *out, bool *is_there,
                      struct ferry_err *err) FERRY_MUST_USE;

/* A manifest or small blob of the graph, verified, into *bytes. */
int ferry_pull_node(struct ferry_session *session, const struct ferry_image *image,
                    const struct ferry_node *node, struct ferry_buf *bytes,
                    struct ferry_err *err) FERRY_MUST_USE;

/* Who reads a blob to its end, from its first byte each time that it is called. */
struct ferry_pull_reader {
    int (*read)(void *ctx, struct ferry_source *body, struct ferry_err *err);
    void *ctx;
};

/* A manifest or blob of any size, verified, for `reader`: again where the body breaks off. */
int ferry_pull_all(struct ferry_session *session, const struct ferry_image *image,
                   const struct ferry_node *node, const struct ferry_pull_reader *reader,
                   struct ferry_err *err) FERRY_MUST_USE;

/* Bytes [first, last] of a blob, and whom to ask for them: the image's registry is place 0; a
 * foreign layer may be had at the URLs of its descriptor as well, and the nth of them is place n.
 */
struct ferry_pull {
    const struct ferry_image *image;
    const struct ferry_node *node;
    size_t place;
    int64_t first, last;
};

/* How many places a blob has. */
size_t ferry_pull_places(const struct ferry_node *node);

/*
 * Opens these bytes; the whole blob when they span it. A server may ignore the range: *whole says
 * so, and the body then begins at byte 0. FERRY_EDIGEST when what the server says of the blob's
 * size is not its descriptor's. The error names neither image nor blob. Release *reply.
 */
int ferry_pull_range(struct ferry_session *session, const struct ferry_pull *pull,
                     struct ferry_reply *reply, bool *whole, struct ferry_err *err) FERRY_MUST_USE;

/* "IMAGE: blob DIGEST: ..." in front of the message. */
int ferry_pull_wrap(const struct ferry_image *image, const struct ferry_node *node,
                    struct ferry_err *err);

#endif
