/*
 * The push client: what a repository has, and manifests (distribution-spec 1.1 "Push"). Blobs go up
 * by upload.h.
 *
 * What it is: single steps at the destination; which, and in which order, is push_plan's.
 * Fails: FERRY_ENET, FERRY_ESTALL when the registry cannot be had any more; else what the registry
 * says. The caller adds names. Threads: any number at once.
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
    bool reads_only; /* no right to push is asked for */
};

/* Room for ferry_call::path. */
#define FERRY_PUSH_PATH_MAX ((size_t)FERRY_DIGEST_TEXT_MAX + FERRY_REPOSITORY_MAX + 64)

/* A call to that repository, that is to be filled in. */
struct ferry_call ferry_push_call(const struct ferry_push *to, const char *method);

/* Failures that are no single blob's or repository's: going on would fail for every other. */
bool ferry_push_is_over(int code);

/* Whether the repository has the blob, of so many bytes. */
int ferry_push_has_blob(const struct ferry_push *to, const struct ferry_digest *digest,
                        int64_t size, bool *has, struct ferry_err *err) FERRY_MUST_USE;

/* Whether `selector`, a tag or a digest, is the manifest `digest` there. */
int ferry_push_has_manifest(const struct ferry_push *to, const char *selector,
                            const struct ferry_digest *digest, bool *has,
                            struct ferry_err *err) FERRY_MUST_USE;

/* What the registry says of a manifest. */
struct ferry_put {
    bool is_listed;      /* it lists it as a referrer by itself */
    bool minds_children; /* where it refuses it: for what it lists, by the code of the error */
};

/* Puts a manifest under `selector`. *put is filled also on failure. */
int ferry_push_manifest(const struct ferry_push *to, const struct ferry_node *node,
                        const char *selector, struct ferry_put *put,
                        struct ferry_err *err) FERRY_MUST_USE;

/* Opens a blob that the repository has, unverified. Release *reply after the source. */
int ferry_push_read_back(const struct ferry_push *to, const struct ferry_digest *digest,
                         struct ferry_reply *reply, struct ferry_err *err) FERRY_MUST_USE;

#endif
