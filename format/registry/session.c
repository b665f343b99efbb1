#include "format/registry/session.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "format/registry/api_error.h"
#include "format/registry/retry.h"
#include "format/registry/session_impl.h"

#define HOPS_MAX 5
#define UNREACHED_RETRIES_MAX 2 /* nobody there, and never was: say so soon */
#define STALL_SECONDS_USUAL 60
#define STALL_SECONDS_PROXIED 600
#define LAST_WORDS_MS 1000

int ferry_session_new(const struct ferry_session_options *options, struct ferry_session **out,
                      struct ferry_err *err)
{
    FERRY_OWNED(ferry_session) session = calloc(1, sizeof(*session));
    const int stall = options->stall_seconds;

    if (!session)
        return ferry_fail_memory(err);
    pthread_mutex_init(&session->lock, NULL);
    session->options = *options;
    ferry_rate_init(&session->rate, options->limit_rate);
    FERRY_TRY(ferry_tls_store_new(&session->options, &session->tls, err));
    session->http_options = (struct ferry_http_options){
        .user_agent = options->user_agent ? options->user_agent : "ociferry/" FERRY_VERSION,
        .stall_seconds = stall > 0 ? stall : STALL_SECONDS_USUAL,
        .proxied_stall_seconds = stall > 0 ? stall : STALL_SECONDS_PROXIED,
        .rate = options->limit_rate > 0 ? &session->rate : NULL,
        .trace = options->verbose ? options->note : NULL,
        .trace_ctx = options->note_ctx,
    };
    FERRY_TRY(ferry_credentials_new(options->authfile, options->creds, &session->credentials, err));
    FERRY_TRY(ferry_auth_new(session->credentials, options->insecure, &session->auth, err));
    FERRY_TRY(ferry_endpoints_new(&session->options, &session->endpoints, err));
    *out = ferry_steal(&session);
    return 0;
}

void ferry_session_free(struct ferry_session *session)
{
    if (!session)
        return;
    for (struct ferry_connection *next, *c = session->idle; c; c = next) {
        next = c->next;
        ferry_connection_free(c);
    }
    ferry_endpoints_free(session->endpoints);
    ferry_auth_free(session->auth);
    ferry_credentials_free(session->credentials);
    ferry_tls_store_free(session->tls);
    ferry_rate_release(&session->rate);
    pthread_mutex_destroy(&session->lock);
    free(session);
}

enum ferry_transport ferry_session_transport(struct ferry_session *session, const char *registry)
{
    return ferry_endpoint_transport(session->endpoints, registry);
}

int ferry_session_retries(const struct ferry_session *session)
{
    return session->options.retries;
}

int ferry_session_backoff(struct ferry_session *session, int attempt, struct ferry_err *err)
{
    (void)session;
    return ferry_retry_wait(ferry_retry_delay(attempt), err);
}

/* --- one attempt: a request, the redirects it meets, one 401 --------------------------------- */

struct attempt {
    struct ferry_session *session;
    const struct ferry_call *call;
    struct ferry_connection *connection;
    struct ferry_auth_need need;
    char *url;          /* where the request goes next */
    int64_t body_first; /* where the body stood */
    bool touched;       /* bytes of the body were taken since */
    bool fresh;         /* over a new connection */
    bool no_expect;
    bool answered; /* a 401 was */
    bool stuck;    /* it was, but the body cannot be sent again */
    bool at_home;  /* the last request went to the registry itself */
};

static void attempt_release(struct attempt *a)
{
    ferry_connection_give(a->session, &a->connection);
    free(a->url);
}

/* Sets the first URL, and checks it against the origin rules. */
static int aim(struct attempt *a, struct ferry_err *err)
{
    const struct ferry_call *call = a->call;
    const char *repository = call->repository ? call->repository : "";
    struct ferry_origin target;

    FERRY_TRY(ferry_tls_find(a->session->tls, call->registry, &a->need.tls, err));
    if (call->foreign) { /* no registry is behind it, and no rule but those of redirects */
        free(ferry_steal(&a->url));
        return ferry_text(&a->url, err, "%s", call->url);
    }
    FERRY_TRY(ferry_endpoint_find(a->session->endpoints, call->registry, a->need.tls,
                                  a->connection->http, &a->need.origin, err));
    free(ferry_steal(&a->url));
    if (call->url)
        FERRY_TRY(ferry_text(&a->url, err, "%s", call->url));
    else
        FERRY_TRY(ferry_text(&a->url, err, "%s://%s:%s/v2/%s%s%s",
                             a->need.origin.tls ? "https" : "http", a->need.origin.host,
                             a->need.origin.port, repository, *repository ? "/" : "", call->path));
    FERRY_TRY(ferry_origin_of(a->url, &target, err));
    return ferry_origin_check_hop(&a->need.origin, &target, err);
}

/* Before the body is sent once more. */
static int rewind_body(struct attempt *a, struct ferry_err *err)
{
    if (a->touched)
        FERRY_TRY(ferry_source_rewind(a->call->body, a->body_first, err));
    a->touched = false;
    return 0;
}

/* `shown` is given: the Authorization that went out, or NULL. */
static int send_request(struct attempt *a, char **shown, struct ferry_err *err)
{
    const struct ferry_call *call = a->call;
    struct ferry_http *http = a->connection->http;
    struct ferry_http_request request = {
        .method = call->method,
        .url = a->url,
        .accept = call->accept,
        .content_type = call->content_type,
        .content_range = call->content_range,
        .is_range = call->is_range || call->range_last > 0,
        .range_first = call->range_first,
        .range_last = call->range_last,
        .body = call->body,
        .body_size = call->body ? call->body_size : 0,
        .settles = call->settles,
        .tls = a->need.tls,
        .fresh = a->fresh,
        .no_expect = a->no_expect,
        .within_ms = call->last_words ? LAST_WORDS_MS : 0,
    };
    struct ferry_origin target;
    int rc;

    FERRY_TRY(ferry_origin_of(a->url, &target, err));
    a->at_home = !call->foreign && ferry_origin_equal(&target, &a->need.origin);
    if (a->at_home) {
        FERRY_TRY(ferry_auth_header(a->session->auth, &a->need, http, shown, err));
        request.authorization = *shown;
        request.show_client = true;
    }
    request.insecure = ferry_origin_listed(&target, a->session->options.insecure);
    FERRY_TRY(rewind_body(a, err));
    rc = ferry_http_send(http, &request, err);
    a->touched = ferry_http_head(http)->sent > 0;
    if (rc == 0 && a->at_home)
        ferry_endpoint_meet(a->session->endpoints, call->registry);
    return rc;
}

/* A 401 from the registry: learns what it wants. */
static int answer_challenge(struct attempt *a, const char *shown, struct ferry_err *err)
{
    struct ferry_http *http = a->connection->http;
    FERRY_OWNED_CHALLENGES challenges = { .count = 0 };
    const char *header;

    for (size_t i = 0; (header = ferry_http_header(http, "WWW-Authenticate", i)) != NULL; i++)
        FERRY_TRY(ferry_challenges_parse(header, &challenges, err));
    a->answered = true;
    return ferry_auth_refused(a->session->auth, &a->need, &challenges, shown, err);
}

/* Whether a status sends this method elsewhere: what would turn into a GET is not followed. */
static bool is_redirect(const char *method, int status)
{
    const bool safe = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;

    return status == 307 || status == 308 ||
           (safe && (status == 301 || status == 302 || status == 303));
}

static int follow(struct attempt *a, const char *location, struct ferry_err *err)
{
    FERRY_OWNED_MEM char *from = ferry_steal(&a->url);
    struct ferry_origin origin, next;

    FERRY_TRY(ferry_url_resolve(from, location, &a->url, err));
    FERRY_TRY(ferry_origin_of(from, &origin, err));
    FERRY_TRY(ferry_origin_of(a->url, &next, err));
    return ferry_origin_check_hop(&origin, &next, err);
}

/* Until there is a head that is an answer. */
static int attempt_once(struct attempt *a, struct ferry_err *err)
{
    a->answered = false;
    FERRY_TRY(aim(a, err));
    for (int hops = 0;;) {
        FERRY_OWNED_SECRET shown = NULL;
        const char *location;
        int status;

        FERRY_TRY(send_request(a, &shown, err));
        status = ferry_http_head(a->connection->http)->status;
        location = ferry_http_header(a->connection->http, "Location", 0);
        if (status == 401 && a->at_home && !a->answered) {
            struct ferry_err no_rewind;

            FERRY_TRY(answer_challenge(a, shown, err));
            a->stuck = rewind_body(a, &no_rewind) < 0;
            if (a->stuck)
                return 0;
        } else if (status == 417 && !a->no_expect) {
            a->no_expect = true;
        } else if (location && is_redirect(a->call->method, status)) {
            if (hops++ == HOPS_MAX)
                return ferry_fail(err, FERRY_ENET, "%s: more than %d redirects", a->call->registry,
                                  HOPS_MAX);
            FERRY_TRY(follow(a, location, err));
        } else {
            return 0;
        }
    }
}

/* --- and again ------------------------------------------------------------------------------ */

/* How often what went wrong may be tried again. */
static int retry_limit(const struct attempt *a)
{
    enum ferry_http_fault fault = ferry_http_head(a->connection->http)->fault;
    int limit = a->session->options.retries;
    bool nobody = (fault == FERRY_FAULT_UNREACHED || fault == FERRY_FAULT_NOT_TLS) &&
                  !ferry_endpoint_is_met(a->session->endpoints, a->call->registry);

    return nobody && limit > UNREACHED_RETRIES_MAX ? UNREACHED_RETRIES_MAX : limit;
}

/*
 * A signed address that the registry sent us on to, and that is good for minutes, ran out or is not
 * liked: the registry gives another. Object stores say so in all of these ways.
 */
static bool address_expired(const struct attempt *a, int status)
{
    return !a->at_home && !a->call->url && !a->call->body &&
           (status == 400 || status == 401 || status == 403 || status == 410);
}

/* Whether one more attempt may be made of what ended with `rc`, this being number `done`. */
static bool may_retry(const struct attempt *a, int rc, int done, const struct ferry_err *err)
{
    const struct ferry_http_head *head = ferry_http_head(a->connection->http);
    int limit = retry_limit(a);

    if ((a->touched && a->call->once) || a->call->last_words)
        return false;
    if (rc == 0)
        return done < limit &&
               (ferry_retry_status(head->status) || address_expired(a, head->status));
    if (err->code != FERRY_ENET || done >= limit)
        return false;
    switch (head->fault) {
    case FERRY_FAULT_BROKEN:
    case FERRY_FAULT_UNREACHED:
    case FERRY_FAULT_NOT_TLS:
        return true;
    case FERRY_FAULT_NONE: /* what failed is a token service, or a rule was broken */
        return ferry_retry_status(head->status);
    case FERRY_FAULT_FINAL:
        break;
    }
    return false;
}

/* The connection had ended while it was idle, with or without a word: that is nobody's failure. */
static bool was_stale(const struct attempt *a, int rc)
{
    const struct ferry_http_head *head = ferry_http_head(a->connection->http);

    return (rc == FERRY_ENET || rc == FERRY_ESTALL) && head->fault == FERRY_FAULT_BROKEN &&
           head->reused && head->status == 0 && !(a->touched && a->call->once);
}

static void note_retry(const struct attempt *a, int64_t wait, int done, const struct ferry_err *err)
{
    const struct ferry_session_options *o = &a->session->options;
    FERRY_OWNED_MEM char *text = NULL;
    struct ferry_err ignored; /* a note less */

    if (o->note && ferry_text(&text, &ignored, "%s; trying again in %.1f s (%d of %d)", err->msg,
                              (double)wait / 1000, done + 1, retry_limit(a)) == 0)
        o->note(o->note_ctx, text);
}

static int attempt_until_answered(struct attempt *a, struct ferry_err *err)
{
    struct ferry_http *http = a->connection->http;

    for (int done = 0;; done++) {
        struct ferry_err no_rewind;
        int64_t wait;
        int rc = attempt_once(a, err);

        if (was_stale(a, rc) && rewind_body(a, &no_rewind) == 0) {
            a->fresh = true;
            rc = attempt_once(a, err);
            a->fresh = false;
        }
        if (!may_retry(a, rc, done, err) || rewind_body(a, &no_rewind) < 0)
            return rc;
        wait = ferry_retry_after(ferry_http_header(http, "Retry-After", 0));
        if (wait < 0)
            wait = ferry_retry_delay(done + 1);
        if (rc == 0) {
            char name[40];

            ferry_status_format(ferry_http_head(http)->status, name);
            ferry_fail(err, FERRY_ENET, "%s: %s%s", a->call->registry, name,
                       a->at_home || a->call->foreign ? "" : " from where it sent us on to");
            ferry_http_end(http);
        }
        note_retry(a, wait, done, err);
        FERRY_TRY(ferry_retry_wait(wait, err));
    }
}

int ferry_session_call(struct ferry_session *session, const struct ferry_call *call,
                       struct ferry_reply *reply, struct ferry_err *err)
{
    __attribute__((cleanup(attempt_release))) struct attempt a = {
        .session = session,
        .call = call,
        .need = { .registry = call->registry,
                  .repository = call->repository ? call->repository : "",
                  .push = call->access == FERRY_ACCESS_PUSH,
                  .mount_from = call->mount_from },
    };

    *reply = (struct ferry_reply){ .status = 0 };
    if (call->body && ferry_source_size(call->body) > call->body_size)
        a.body_first = ferry_source_size(call->body) - call->body_size;
    FERRY_TRY(ferry_connection_take(session, call->registry, &a.connection, err));
    FERRY_TRY(attempt_until_answered(&a, err));
    FERRY_TRY(ferry_reply_fill(session, &a.connection, a.url, reply, err));
    reply->elsewhere = !a.at_home;
    reply->foreign = call->foreign;
    if (reply->status == 401 && !a.stuck) { /* in spite of all that could be shown */
        int rc = ferry_reply_fail(reply, err);

        ferry_reply_release(reply);
        return rc;
    }
    return 0;
}
