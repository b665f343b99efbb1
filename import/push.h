/*
 * The push client: what a repository has, blobs by mount or upload, manifests
 * (distribution-spec 1.1 "Push").
 *
 * What it is: single steps at the destination; which, and in which order, is push_plan's. An upload
 * whose connection breaks goes on where the registry says it stands.
 * Fails: FERRY_ENET when the registry cannot be had any more; FERRY_EDIGEST and the like from the
 * source of a blob; else what the registry says. The caller adds names. Threads: any number at
 * once.
 */
#ifndef FERRY_IMPORT_PUSH_H
#define FERRY_IMPORT_PUSH_H

#include "format/oci/graph.h"
#include "format/registry/session.h"

/* A repository at the destination, and the wire to it. */
struct ferry_push {
    struct ferry_session *session;
    const char *registry;
    const char *repository;
};

/* Whether the repository has the blob. */
int ferry_push_has_blob(const struct ferry_push *to, const struct ferry_digest *digest, bool *has,
                        struct ferry_err *err) FERRY_MUST_USE;

/* Whether `selector`, a tag or a digest, is the manifest `digest` there. */
int ferry_push_has_manifest(const struct ferry_push *to, const char *selector,
                            const struct ferry_digest *digest, bool *has,
                            struct ferry_err *err) FERRY_MUST_USE;

/*
 * Begins an upload. With `from`, another repository of the registry that has the blob, it is
 * mounted if the registry permits: *mounted then, and nothing is left to do. Else *location is the
 * upload's URL, malloc'ed.
 */
int ferry_push_begin(const struct ferry_push *to, const struct ferry_digest *digest,
                     const char *from, bool *mounted, char **location,
                     struct ferry_err *err) FERRY_MUST_USE;

/* Uploads a blob to the upload that was begun; `source` verifies, and knows its size. Takes
 * *location. */
int ferry_push_blob(const struct ferry_push *to, const struct ferry_digest *digest,
                    struct ferry_source *source, char **location,
                    struct ferry_err *err) FERRY_MUST_USE;

/* Puts a manifest under `selector`. */
int ferry_push_manifest(const struct ferry_push *to, const struct ferry_node *node,
                        const char *selector, struct ferry_err *err) FERRY_MUST_USE;

/* Opens a blob that the repository has, unverified. Release *reply after the source. */
int ferry_push_read_back(const struct ferry_push *to, const struct ferry_digest *digest,
                         struct ferry_reply *reply, struct ferry_err *err) FERRY_MUST_USE;

#endif
