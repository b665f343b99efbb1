#include "import/push.h"

#include <stdio.h>
#include <string.h>

#include "format/core/blob_file.h"

struct ferry_call ferry_push_call(const struct ferry_push *to, const char *method)
{
    return (struct ferry_call){ .registry = to->registry,
                                .repository = to->repository,
                                .access = to->reads_only ? FERRY_ACCESS_PULL : FERRY_ACCESS_PUSH,
                                .method = method };
}

bool ferry_push_is_over(int code)
{
    return code == FERRY_ENET || code == FERRY_ESTALL || code == FERRY_ECANCEL ||
           code == FERRY_ENOMEM;
}

/* Some registries refuse HEAD: what they have is not known then, so it is brought. */
static bool says_absent(const struct ferry_reply *reply)
{
    return reply->status == 404 || reply->status == 405;
}

int ferry_push_has_blob(const struct ferry_push *to, const struct ferry_digest *digest,
                        int64_t size, bool *has, struct ferry_err *err)
{
    FERRY_OWNED_REPLY reply = { 0 };
    struct ferry_call call = ferry_push_call(to, "HEAD");
    char path[FERRY_PUSH_PATH_MAX];

    snprintf(path, sizeof(path), "blobs/%s", digest->text);
    call.path = path;
    FERRY_TRY(ferry_session_call(to->session, &call, &reply, err));
    if (reply.status != 200 && !says_absent(&reply))
        return ferry_reply_fail(&reply, err);
    /* A page for people, which some servers answer with whatever is asked, is no blob. */
    *has = reply.status == 200 && (reply.length <= 0 || reply.length == size);
    return 0;
}

int ferry_push_has_manifest(const struct ferry_push *to, const char *selector,
                            const struct ferry_digest *digest, bool *has, struct ferry_err *err)
{
    FERRY_OWNED_REPLY reply = { 0 };
    struct ferry_call call = ferry_push_call(to, "HEAD");
    char path[FERRY_PUSH_PATH_MAX];

    snprintf(path, sizeof(path), "manifests/%s", selector);
    call.path = path;
    call.accept = ferry_accept_manifests;
    FERRY_TRY(ferry_session_call(to->session, &call, &reply, err));
    if (reply.status != 200 && !says_absent(&reply))
        return ferry_reply_fail(&reply, err);
    /* A registry that does not say which manifest it has is asked to take it again. */
    *has = reply.status == 200 && reply.content_digest &&
           strcmp(reply.content_digest, digest->text) == 0;
    return 0;
}

/* Distribution, Harbor and Nexus say that something is unknown; Quay, that the index is invalid. */
static bool minds_children(const struct ferry_reply *reply)
{
    static const char *const codes[] = { "MANIFEST_BLOB_UNKNOWN", "MANIFEST_UNKNOWN",
                                         "BLOB_UNKNOWN", "MANIFEST_INVALID" };

    for (size_t i = 0; i < FERRY_COUNT(codes); i++)
        if (strcmp(reply->error_code, codes[i]) == 0)
            return true;
    return false;
}

static int fail_put(struct ferry_reply *reply, struct ferry_put *put, bool *may_pass,
                    struct ferry_err *err)
{
    ferry_reply_fail(reply, err);
    put->minds_children = minds_children(reply);
    /* The digest is right. Distribution says this of an index, too, while somebody else puts what
     * it lists: it looks at a file that is just being written. */
    *may_pass = strcmp(reply->error_code, "DIGEST_INVALID") == 0;
    if (reply->status == 500) /* after all retries: it is this manifest that upsets it */
        err->code = FERRY_EREFUSED;
    return (int)err->code;
}

static int put_once(const struct ferry_push *to, const struct ferry_node *node,
                    const char *selector, struct ferry_put *put, bool *may_pass,
                    struct ferry_err *err)
{
    FERRY_OWNED_REPLY reply = { 0 };
    FERRY_OWNED(ferry_source) body = NULL;
    struct ferry_call call = ferry_push_call(to, "PUT");
    char path[FERRY_PUSH_PATH_MAX];

    FERRY_TRY(ferry_source_memory(node->bytes, (size_t)node->descriptor.size, &body, err));
    snprintf(path, sizeof(path), "manifests/%s", selector);
    call.path = path;
    call.content_type = node->descriptor.media_type;
    call.body = body;
    call.body_size = node->descriptor.size;
    FERRY_TRY(ferry_session_call(to->session, &call, &reply, err));
    if (reply.status != 201 && reply.status != 200 && reply.status != 202)
        return fail_put(&reply, put, may_pass, err);
    if (reply.status != 201 && !reply.content_digest && !reply.location)
        return ferry_fail(err, FERRY_EPROTOCOL,
                          "%s says %d and not where the manifest is now: is it a registry?",
                          to->registry, reply.status);
    if (reply.content_digest && strcmp(reply.content_digest, node->descriptor.digest.text) != 0)
        return ferry_fail(err, FERRY_EDIGEST, "the registry stored it as %.150s",
                          reply.content_digest);
    put->is_listed = reply.lists_referrer;
    return 0;
}

int ferry_push_manifest(const struct ferry_push *to, const struct ferry_node *node,
                        const char *selector, struct ferry_put *put, struct ferry_err *err)
{
    for (int attempt = 1;; attempt++) {
        bool may_pass = false;

        *put = (struct ferry_put){ .is_listed = false };
        if (put_once(to, node, selector, put, &may_pass, err) == 0)
            return 0;
        if (!may_pass || attempt > ferry_session_retries(to->session))
            return (int)err->code;
        FERRY_TRY(ferry_session_backoff(to->session, attempt, err));
    }
}

int ferry_push_read_back(const struct ferry_push *to, const struct ferry_digest *digest,
                         struct ferry_reply *reply, struct ferry_err *err)
{
    struct ferry_call call = ferry_push_call(to, "GET");
    char path[FERRY_PUSH_PATH_MAX];

    snprintf(path, sizeof(path), "blobs/%s", digest->text);
    call.path = path;
    FERRY_TRY(ferry_session_call(to->session, &call, reply, err));
    return reply->status == 200 ? 0 : ferry_reply_fail(reply, err);
}
