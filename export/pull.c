#include "export/pull.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "format/core/blob_verify.h"
#include "format/registry/origin.h"

int ferry_pull_wrap(const struct ferry_image *image, const struct ferry_node *node,
                    struct ferry_err *err)
{
    const char *digest = node->descriptor.digest.text;

    if (strstr(err->msg, digest)) /* the verifying source has named it */
        return ferry_wrap(err, "%s", image->name);
    return ferry_wrap(err, "%s: %s %s", image->name, node->is_manifest ? "manifest" : "blob",
                      digest);
}

static int open_manifest(struct ferry_session *session, const char *method,
                         const struct ferry_reference *ref, const char *selector,
                         struct ferry_reply *reply, struct ferry_err *err)
{
    char path[FERRY_DIGEST_TEXT_MAX + sizeof("manifests/")];
    struct ferry_call call = { .registry = ref->registry,
                               .repository = ref->repository,
                               .method = method,
                               .path = path,
                               .accept = ferry_accept_manifests };

    snprintf(path, sizeof(path), "manifests/%s", selector);
    FERRY_TRY(ferry_session_call(session, &call, reply, err));
    return reply->status == 200 ? 0 : ferry_reply_fail(reply, err);
}

static int fail_no_manifest(const char *media_type, struct ferry_err *err)
{
    if (err->code != FERRY_EFORMAT)
        return (int)err->code;
    return ferry_fail(err, FERRY_EPROTOCOL,
                      "the answer is no manifest, but %.100s that is no JSON: is it a registry?",
                      *media_type ? media_type : "something");
}

/* Some servers call a manifest "application/json" or "text/plain": its own word counts then. */
static int find_media_type(const struct ferry_reply *reply, const struct ferry_buf *bytes,
                           char **out, struct ferry_err *err)
{
    FERRY_OWNED_JSON *document = NULL;
    const char *media_type = reply->content_type;

    if (ferry_media_type_kind(media_type) == FERRY_KIND_BLOB) {
        if (ferry_json_load(bytes->data, bytes->len, "manifest", &document, err) < 0)
            return fail_no_manifest(media_type, err);
        FERRY_TRY(ferry_manifest_media_type(document, "manifest", &media_type, err));
    }
    return ferry_text(out, err, "%s", media_type);
}

/* What the bytes must hash to: the digest asked for, else the one announced, if any. Docker schema
 * 1 goes by the digest of something else, and is refused by whoever reads it. */
static int expected_digest(const struct ferry_reference *ref, const struct ferry_reply *reply,
                           struct ferry_digest *expected, bool *is_known, struct ferry_err *err)
{
    *is_known = ferry_media_type_kind(reply->content_type) != FERRY_KIND_SCHEMA1;
    if (!*is_known)
        return 0;
    if (ref->has_digest)
        *expected = ref->digest;
    else if (reply->content_digest)
        return ferry_digest_parse(reply->content_digest, expected, err);
    else
        *is_known = false;
    return 0;
}

/* A small body into the buffer `ctx`, without what an attempt before left there. */
static int read_bytes(void *ctx, struct ferry_source *body, struct ferry_err *err)
{
    struct ferry_buf *bytes = ctx;

    bytes->len = 0;
    return ferry_source_read_all(body, bytes, err);
}

/* Has a body read. *broken when it broke off, so that another attempt may help: the session has
 * made its own attempts up to the head of the reply. */
static int read_body(struct ferry_source *body, const struct ferry_pull_reader *reader,
                     bool *broken, struct ferry_err *err)
{
    int rc = reader->read(reader->ctx, body, err);

    *broken = rc == FERRY_ENET;
    return rc;
}

/* Whether to ask again for a body that broke off, after a while. */
static bool ask_again(struct ferry_session *session, int *attempt, struct ferry_err *err)
{
    if (++*attempt > ferry_session_retries(session))
        return false;
    return ferry_session_backoff(session, *attempt, err) == 0;
}

static int pull_reference(struct ferry_session *session, const struct ferry_reference *ref,
                          struct ferry_buf *bytes, struct ferry_descriptor *descriptor,
                          bool *broken, struct ferry_err *err)
{
    FERRY_OWNED_REPLY reply = { 0 };
    FERRY_OWNED_MEM char *media_type = NULL;
    struct ferry_digest digest;
    bool is_known;

    FERRY_TRY(open_manifest(session, "GET", ref, ferry_reference_selector(ref), &reply, err));
    FERRY_TRY(expected_digest(ref, &reply, &digest, &is_known, err));
    FERRY_TRY(read_body(reply.body, &(struct ferry_pull_reader){ read_bytes, bytes }, broken, err));
    if (is_known)
        FERRY_TRY(ferry_verify_bytes(bytes->data, bytes->len, &digest, (int64_t)bytes->len, err));
    else
        FERRY_TRY(ferry_digest_of(FERRY_SHA256, bytes->data, bytes->len, &digest, err));
    FERRY_TRY(find_media_type(&reply, bytes, &media_type, err));
    return ferry_descriptor_init(descriptor, media_type, &digest, (int64_t)bytes->len, err);
}

int ferry_pull_reference(struct ferry_session *session, const struct ferry_reference *ref,
                         struct ferry_buf *bytes, struct ferry_descriptor *descriptor,
                         struct ferry_err *err)
{
    char name[FERRY_REFERENCE_TEXT_MAX];
    int attempt = 0, rc;
    bool broken;

    do {
        broken = false;
        rc = pull_reference(session, ref, bytes, descriptor, &broken, err);
    } while (broken && ask_again(session, &attempt, err));
    if (rc == 0)
        return 0;
    ferry_reference_format(ref, name);
    return ferry_wrap(err, "%s", name);
}

/* By HEAD alone; *is_said is false where the registry refuses that, or does not say the digest. */
static int ask_digest(struct ferry_session *session, const struct ferry_reference *tag,
                      struct ferry_digest *out, bool *is_said, struct ferry_err *err)
{
    FERRY_OWNED_REPLY reply = { 0 };
    int rc = open_manifest(session, "HEAD", tag, tag->tag, &reply, err);

    *is_said = rc == 0 && reply.content_digest;
    if (*is_said)
        return ferry_digest_parse(reply.content_digest, out, err);
    return rc == FERRY_EREFUSED ? 0 : rc;
}

/* By the manifest itself. */
static int find_digest(struct ferry_session *session, const struct ferry_reference *tag,
                       struct ferry_digest *out, struct ferry_err *err)
{
    FERRY_OWNED_BUF bytes;
    struct ferry_descriptor descriptor = { 0 };
    int rc;

    ferry_buf_init(&bytes, (size_t)FERRY_MANIFEST_MAX);
    rc = ferry_pull_reference(session, tag, &bytes, &descriptor, err);
    if (rc == 0)
        *out = descriptor.digest;
    ferry_descriptor_release(&descriptor);
    return rc;
}

int ferry_pull_digest(struct ferry_session *session, const struct ferry_reference *ref,
                      struct ferry_digest *out, bool *is_there, struct ferry_err *err)
{
    struct ferry_reference tag = *ref;
    char name[FERRY_REFERENCE_TEXT_MAX];
    bool is_said = false;
    int rc;

    tag.has_digest = false;
    rc = ask_digest(session, &tag, out, &is_said, err);
    if (rc < 0) {
        ferry_reference_format(&tag, name);
        ferry_wrap(err, "%s", name);
    } else if (!is_said) {
        rc = find_digest(session, &tag, out, err);
    }
    *is_there = rc != FERRY_ENOTFOUND;
    return *is_there ? rc : 0;
}

size_t ferry_pull_places(const struct ferry_node *node)
{
    size_t places = 1;

    while (node->descriptor.urls && node->descriptor.urls[places - 1])
        places++;
    return places;
}

/* Asks a stranger: whatever it says of itself, the digest decides. */
static int open_foreign(struct ferry_session *session, const char *url, struct ferry_call *call,
                        struct ferry_reply *reply, struct ferry_err *err)
{
    char host[FERRY_ORIGIN_TEXT_MAX];
    struct ferry_origin origin;

    FERRY_TRY(ferry_origin_of(url, &origin, err));
    ferry_origin_format(&origin, host);
    call->registry = host;
    call->url = url;
    call->foreign = true;
    return ferry_session_call(session, call, reply, err);
}

static int open_blob(struct ferry_session *session, const struct ferry_pull *pull,
                     struct ferry_reply *reply, struct ferry_err *err)
{
    const struct ferry_descriptor *descriptor = &pull->node->descriptor;
    const struct ferry_reference *ref = &pull->image->ref;
    char path[FERRY_DIGEST_TEXT_MAX + sizeof("blobs/")];
    struct ferry_call call = { .method = "GET" };

    call.is_range = pull->first > 0 || pull->last < descriptor->size - 1;
    if (call.is_range) {
        call.range_first = pull->first;
        call.range_last = pull->last;
    }
    if (pull->place > 0)
        return open_foreign(session, descriptor->urls[pull->place - 1], &call, reply, err);
    snprintf(path, sizeof(path), "blobs/%s", descriptor->digest.text);
    call.registry = ref->registry;
    call.repository = ref->repository;
    call.path = path;
    return ferry_session_call(session, &call, reply, err);
}

/* Whether what the server says of the size agrees with the descriptor. */
static int check_size(const struct ferry_reply *reply, const struct ferry_node *node,
                      struct ferry_err *err)
{
    int64_t size = reply->status == 206 ? reply->range_total : reply->length;

    if (size < 0 || size == node->descriptor.size)
        return 0;
    return ferry_fail(err, FERRY_EDIGEST,
                      "is %" PRId64 " bytes there, its descriptor says %" PRId64, size,
                      node->descriptor.size);
}

static int pull_range(struct ferry_session *session, const struct ferry_pull *pull,
                      struct ferry_reply *reply, struct ferry_err *err)
{
    FERRY_TRY(open_blob(session, pull, reply, err));
    if (reply->status == 416)
        return ferry_fail(err, FERRY_EDIGEST,
                          "is less there than the %" PRId64
                          " bytes of its descriptor: bytes from %" PRId64 " are refused",
                          pull->node->descriptor.size, pull->first);
    if (reply->status != 200 && reply->status != 206)
        return ferry_reply_fail(reply, err);
    FERRY_TRY(check_size(reply, pull->node, err));
    if (reply->status == 206 && reply->range_first != pull->first)
        return ferry_fail(err, FERRY_ENET,
                          "asked for bytes from %" PRId64 ", got bytes from %" PRId64, pull->first,
                          reply->range_first);
    return 0;
}

int ferry_pull_range(struct ferry_session *session, const struct ferry_pull *pull,
                     struct ferry_reply *reply, bool *whole, struct ferry_err *err)
{
    int rc = pull_range(session, pull, reply, err);

    *whole = reply->status == 200;
    if (rc < 0)
        ferry_reply_release(reply);
    return rc;
}

static int pull_all(struct ferry_session *session, const struct ferry_pull *all,
                    const struct ferry_pull_reader *reader, bool *broken, struct ferry_err *err)
{
    const struct ferry_image *image = all->image;
    const struct ferry_node *node = all->node;
    FERRY_OWNED_REPLY reply = { 0 };
    FERRY_OWNED(ferry_source) checked = NULL;

    if (node->is_manifest)
        FERRY_TRY(
            open_manifest(session, "GET", &image->ref, node->descriptor.digest.text, &reply, err));
    else
        FERRY_TRY(pull_range(session, all, &reply, err));
    FERRY_TRY(ferry_verify_new(&reply.body, &node->descriptor.digest, node->descriptor.size,
                               &checked, err));
    return read_body(checked, reader, broken, err);
}

int ferry_pull_all(struct ferry_session *session, const struct ferry_image *image,
                   const struct ferry_node *node, const struct ferry_pull_reader *reader,
                   struct ferry_err *err)
{
    const struct ferry_pull all = { .image = image,
                                    .node = node,
                                    .last = node->descriptor.size - 1 };
    int attempt = 0, rc;
    bool broken;

    do {
        broken = false;
        rc = pull_all(session, &all, reader, &broken, err);
    } while (broken && ask_again(session, &attempt, err));
    return rc < 0 ? ferry_pull_wrap(image, node, err) : 0;
}

int ferry_pull_node(struct ferry_session *session, const struct ferry_image *image,
                    const struct ferry_node *node, struct ferry_buf *bytes, struct ferry_err *err)
{
    return ferry_pull_all(session, image, node, &(struct ferry_pull_reader){ read_bytes, bytes },
                          err);
}
