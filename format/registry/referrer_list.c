#include "format/registry/referrer_list.h"

#include <stdio.h>
#include <string.h>

#include "format/oci/referrer_index.h"

void ferry_referrer_list_release(struct ferry_referrer_list *list)
{
    free(list->digests);
    *list = (struct ferry_referrer_list){ 0 };
}

/* A question on its way. */
struct question {
    struct ferry_session *session;
    struct ferry_call call;
    struct ferry_buf bytes; /* of the page */
    bool is_known;          /* the registry has what it was asked for */
    char *next;             /* the next page */
};

static void question_release(struct question *q)
{
    ferry_buf_release(&q->bytes);
    free(q->next);
}
#define OWNED_QUESTION __attribute__((cleanup(question_release))) struct question

static bool says_unknown(int status)
{
    return status == 400 || status == 404 || status == 405 || status == 406 || status == 501;
}

/* Some that do not know the API answer 200 with a page for people. */
static bool is_object(const struct ferry_buf *bytes)
{
    return bytes->len > 0 && bytes->data[strspn((const char *)bytes->data, " \t\r\n")] == '{';
}

static int read_page(struct question *q, bool *broken, struct ferry_err *err)
{
    FERRY_OWNED_REPLY reply = { 0 };
    int rc;

    FERRY_TRY(ferry_session_call(q->session, &q->call, &reply, err));
    q->is_known = !says_unknown(reply.status);
    if (!q->is_known)
        return 0;
    if (reply.status != 200)
        return ferry_reply_fail(&reply, err);
    rc = ferry_source_read_all(reply.body, &q->bytes, err);
    *broken = rc == FERRY_ENET;
    FERRY_TRY(rc);
    q->is_known = is_object(&q->bytes);
    return ferry_reply_next(&reply, &q->next, err);
}

/* A body that breaks off is asked for again: the session has made its own attempts up to the head
 * of the reply. */
static int get_page(struct question *q, struct ferry_err *err)
{
    for (int attempt = 1;; attempt++) {
        bool broken = false;

        q->bytes.len = 0;
        if (read_page(q, &broken, err) == 0)
            return 0;
        if (!broken || attempt > ferry_session_retries(q->session))
            return (int)err->code;
        FERRY_TRY(ferry_session_backoff(q->session, attempt, err));
    }
}

static void begin(struct question *q, struct ferry_session *session, const struct ferry_call *call,
                  const char *path)
{
    *q = (struct question){ .session = session, .call = *call };
    q->call.method = "GET";
    q->call.path = path;
    q->call.accept = FERRY_TYPE_OCI_INDEX;
    ferry_buf_init(&q->bytes, (size_t)FERRY_MANIFEST_MAX);
}

static int ask(struct ferry_session *session, const struct ferry_call *call,
               const struct ferry_digest *subject, bool *is_known, struct ferry_referrer_list *list,
               struct ferry_err *err)
{
    char path[FERRY_DIGEST_TEXT_MAX + sizeof("referrers/")];
    OWNED_QUESTION q;

    snprintf(path, sizeof(path), "referrers/%s", subject->text);
    begin(&q, session, call, path);
    for (int page = 1; page <= FERRY_REFERRER_PAGES_MAX; page++) {
        FERRY_OWNED_MEM char *url = ferry_steal(&q.next);

        q.call.url = url;
        q.call.path = url ? NULL : path;
        FERRY_TRY(get_page(&q, err));
        *is_known = q.is_known;
        if (!q.is_known)
            return 0;
        FERRY_TRY(ferry_referrer_index_parse(&q.bytes, "list of referrers", &list->digests,
                                             &list->count, &list->room, err));
        if (list->count > FERRY_CHILDREN_MAX) /* more than an archive can have */
            return ferry_fail(err, FERRY_ELIMIT, "its list of referrers has more than %d",
                              FERRY_CHILDREN_MAX);
        if (!q.next)
            return 0;
        if (url && strcmp(url, q.next) == 0)
            return ferry_fail(err, FERRY_EPROTOCOL, "its list of referrers goes in a circle");
    }
    return ferry_fail(err, FERRY_ELIMIT, "its list of referrers has more than %d pages",
                      FERRY_REFERRER_PAGES_MAX);
}

int ferry_referrer_list_ask(struct ferry_session *session, const struct ferry_call *call,
                            const struct ferry_digest *subject, bool *is_known,
                            struct ferry_referrer_list *list, struct ferry_err *err)
{
    if (ask(session, call, subject, is_known, list, err) < 0)
        return ferry_blame_server(err);
    return 0;
}

int ferry_referrer_list_by_tag(struct ferry_session *session, const struct ferry_call *call,
                               const struct ferry_digest *subject, struct ferry_buf *index,
                               struct ferry_err *err)
{
    char path[FERRY_TAG_MAX + sizeof("manifests/")], tag[FERRY_TAG_MAX];
    OWNED_QUESTION q;

    ferry_referrer_index_tag(subject, tag);
    snprintf(path, sizeof(path), "manifests/%s", tag);
    begin(&q, session, call, path);
    if (get_page(&q, err) < 0)
        return ferry_blame_server(err);
    return q.is_known ? ferry_buf_append(index, q.bytes.data, q.bytes.len, err) : 0;
}
