#include "import/push.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "format/core/blob_file.h"

#define CALL_PATH_MAX ((size_t)FERRY_DIGEST_TEXT_MAX + FERRY_REPOSITORY_MAX + 64)

static struct ferry_call call_to(const struct ferry_push *to, const char *method)
{
    return (struct ferry_call){ .registry = to->registry,
                                .repository = to->repository,
                                .access = FERRY_ACCESS_PUSH,
                                .method = method };
}

/* Some registries refuse HEAD: what they have is not known then, so it is brought. */
static bool says_absent(const struct ferry_reply *reply)
{
    return reply->status == 404 || reply->status == 405;
}

int ferry_push_has_blob(const struct ferry_push *to, const struct ferry_digest *digest, bool *has,
                        struct ferry_err *err)
{
    FERRY_OWNED_REPLY reply = { 0 };
    struct ferry_call call = call_to(to, "HEAD");
    char path[CALL_PATH_MAX];

    snprintf(path, sizeof(path), "blobs/%s", digest->text);
    call.path = path;
    FERRY_TRY(ferry_session_call(to->session, &call, &reply, err));
    if (reply.status != 200 && !says_absent(&reply))
        return ferry_reply_fail(&reply, err);
    *has = reply.status == 200;
    return 0;
}

int ferry_push_has_manifest(const struct ferry_push *to, const char *selector,
                            const struct ferry_digest *digest, bool *has, struct ferry_err *err)
{
    FERRY_OWNED_REPLY reply = { 0 };
    struct ferry_call call = call_to(to, "HEAD");
    char path[CALL_PATH_MAX];

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

static int take_location(struct ferry_reply *reply, char **location, struct ferry_err *err)
{
    if (!reply->location)
        return ferry_fail(err, FERRY_ENET, "the registry began an upload and did not say where");
    return ferry_text(location, err, "%s", reply->location);
}

int ferry_push_begin(const struct ferry_push *to, const struct ferry_digest *digest,
                     const char *from, bool *mounted, char **location, struct ferry_err *err)
{
    FERRY_OWNED_REPLY reply = { 0 };
    struct ferry_call call = call_to(to, "POST");
    char path[CALL_PATH_MAX];
    int rc;

    if (from)
        snprintf(path, sizeof(path), "blobs/uploads/?mount=%s&from=%s", digest->text, from);
    else
        snprintf(path, sizeof(path), "blobs/uploads/");
    call.path = path;
    call.mount_from = from;
    rc = ferry_session_call(to->session, &call, &reply, err);
    if (from && (rc == FERRY_EAUTH || (rc == 0 && reply.status / 100 == 4))) {
        /* A mount saves time where it is granted; some registries answer 404 or 403 instead of 202.
         */
        ferry_reply_release(&reply);
        return ferry_push_begin(to, digest, NULL, mounted, location, err);
    }
    FERRY_TRY(rc);
    *mounted = from && reply.status == 201;
    if (*mounted)
        return 0;
    if (reply.status != 202)
        return ferry_reply_fail(&reply, err);
    return take_location(&reply, location, err);
}

/* One upload: its URL changes with every step. */
struct upload {
    const struct ferry_push *to;
    const struct ferry_digest *digest;
    struct ferry_source *source;
    char *url;
    int64_t at; /* bytes that the registry has */
};

static int put_url(const struct upload *u, char **out, struct ferry_err *err)
{
    return ferry_text(out, err, "%s%cdigest=%s", u->url, strchr(u->url, '?') ? '&' : '?',
                      u->digest->text);
}

/* Everything in one request. */
static int put_all(struct upload *u, struct ferry_err *err)
{
    FERRY_OWNED_REPLY reply = { 0 };
    FERRY_OWNED_MEM char *url = NULL;
    struct ferry_call call = call_to(u->to, "PUT");

    FERRY_TRY(put_url(u, &url, err));
    call.url = url;
    call.content_type = "application/octet-stream";
    call.body = u->source;
    call.body_size = ferry_source_size(u->source);
    call.once = true;
    FERRY_TRY(ferry_session_call(u->to->session, &call, &reply, err));
    return reply.status == 201 ? 0 : ferry_reply_fail(&reply, err);
}

/* What a broken request has left to send, and then the end. */
static int patch_rest(struct upload *u, struct ferry_err *err)
{
    FERRY_OWNED_REPLY reply = { 0 };
    struct ferry_call call = call_to(u->to, "PATCH");
    int64_t size = ferry_source_size(u->source);
    char range[64];

    snprintf(range, sizeof(range), "%" PRId64 "-%" PRId64, u->at, size - 1);
    call.url = u->url;
    call.content_type = "application/octet-stream";
    call.content_range = range;
    call.body = u->source;
    call.body_size = size - u->at;
    call.once = true;
    FERRY_TRY(ferry_session_call(u->to->session, &call, &reply, err));
    if (reply.status != 202)
        return ferry_reply_fail(&reply, err);
    free(ferry_steal(&u->url));
    u->at = size;
    return take_location(&reply, &u->url, err);
}

static int put_end(struct upload *u, struct ferry_err *err)
{
    FERRY_OWNED_REPLY reply = { 0 };
    FERRY_OWNED_MEM char *url = NULL;
    struct ferry_call call = call_to(u->to, "PUT");

    FERRY_TRY(put_url(u, &url, err));
    call.url = url;
    FERRY_TRY(ferry_session_call(u->to->session, &call, &reply, err));
    return reply.status == 201 ? 0 : ferry_reply_fail(&reply, err);
}

static int send_rest(struct upload *u, struct ferry_err *err)
{
    if (u->at == 0)
        return put_all(u, err);
    if (u->at < ferry_source_size(u->source))
        FERRY_TRY(patch_rest(u, err));
    return put_end(u, err);
}

/*
 * A connection broke. Where does the registry stand? It may have the whole blob, part of it, or
 * have forgotten the upload, and then there is a new one.
 */
static int find_state(struct upload *u, bool *done, struct ferry_err *err)
{
    FERRY_OWNED_REPLY reply = { 0 };
    struct ferry_call call = call_to(u->to, "GET");
    bool mounted;

    FERRY_TRY(ferry_push_has_blob(u->to, u->digest, done, err));
    if (*done)
        return 0;
    call.url = u->url;
    FERRY_TRY(ferry_session_call(u->to->session, &call, &reply, err));
    u->at = 0;
    if (reply.status == 204) {
        if (reply.upload_end > 0)
            u->at = reply.upload_end;
        if (u->at > ferry_source_size(u->source))
            return ferry_fail(err, FERRY_ENET,
                              "the registry claims %" PRId64 " bytes of an upload of %" PRId64,
                              u->at, ferry_source_size(u->source));
        free(ferry_steal(&u->url));
        FERRY_TRY(take_location(&reply, &u->url, err));
    } else if (reply.status == 404) {
        free(ferry_steal(&u->url));
        FERRY_TRY(ferry_push_begin(u->to, u->digest, NULL, &mounted, &u->url, err));
    } else {
        return ferry_reply_fail(&reply, err);
    }
    return ferry_source_rewind(u->source, u->at, err);
}

/* Nobody will finish this upload. A registry that does not mind keeps it; that is its affair. */
static void abandon(const struct upload *u)
{
    FERRY_OWNED_REPLY reply = { 0 };
    struct ferry_call call = call_to(u->to, "DELETE");
    struct ferry_err ignored;

    if (!u->url)
        return;
    call.url = u->url;
    call.once = true;
    (void)!ferry_session_call(u->to->session, &call, &reply, &ignored);
}

static int upload(struct upload *u, struct ferry_err *err)
{
    bool done = false;
    int attempt = 0;
    int64_t before;

    for (;;) {
        int rc = send_rest(u, err);

        if (rc != FERRY_ENET)
            return rc;
        if (++attempt > ferry_session_retries(u->to->session))
            return rc;
        FERRY_TRY(ferry_session_backoff(u->to->session, attempt, err));
        before = u->at;
        FERRY_TRY(find_state(u, &done, err));
        if (done)
            return 0;
        if (u->at > before)
            attempt = 0;
    }
}

int ferry_push_blob(const struct ferry_push *to, const struct ferry_digest *digest,
                    struct ferry_source *source, char **location, struct ferry_err *err)
{
    struct upload u = {
        .to = to, .digest = digest, .source = source, .url = ferry_steal(location)
    };
    int rc = upload(&u, err);

    if (rc < 0 && rc != FERRY_ENET && rc != FERRY_ECANCEL)
        abandon(&u);
    free(u.url);
    return rc;
}

int ferry_push_manifest(const struct ferry_push *to, const struct ferry_node *node,
                        const char *selector, struct ferry_err *err)
{
    FERRY_OWNED_REPLY reply = { 0 };
    FERRY_OWNED(ferry_source) body = NULL;
    struct ferry_call call = call_to(to, "PUT");
    char path[CALL_PATH_MAX];

    FERRY_TRY(ferry_source_memory(node->bytes, (size_t)node->descriptor.size, &body, err));
    snprintf(path, sizeof(path), "manifests/%s", selector);
    call.path = path;
    call.content_type = node->descriptor.media_type;
    call.body = body;
    call.body_size = node->descriptor.size;
    FERRY_TRY(ferry_session_call(to->session, &call, &reply, err));
    if (reply.status != 201 && reply.status != 200 && reply.status != 202)
        return ferry_reply_fail(&reply, err);
    if (reply.content_digest && strcmp(reply.content_digest, node->descriptor.digest.text) != 0)
        return ferry_fail(err, FERRY_EDIGEST, "the registry stored it as %.150s",
                          reply.content_digest);
    return 0;
}

int ferry_push_read_back(const struct ferry_push *to, const struct ferry_digest *digest,
                         struct ferry_reply *reply, struct ferry_err *err)
{
    struct ferry_call call = call_to(to, "GET");
    char path[CALL_PATH_MAX];

    snprintf(path, sizeof(path), "blobs/%s", digest->text);
    call.path = path;
    FERRY_TRY(ferry_session_call(to->session, &call, reply, err));
    return reply->status == 200 ? 0 : ferry_reply_fail(reply, err);
}
