#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "format/core/blob_impl.h"
#include "format/registry/api_error.h"
#include "format/registry/link.h"
#include "format/registry/retry.h"
#include "format/registry/session_impl.h"

/* --- the body ------------------------------------------------------------------------------- */

struct reply_body {
    struct ferry_source base;
    struct ferry_connection *connection; /* the session's; outlives every reply */
    unsigned loan;
};

static int body_read(struct ferry_source *source, void *buf, size_t cap, size_t *got,
                     struct ferry_err *err)
{
    struct reply_body *b = (struct reply_body *)source;

    if (b->loan != b->connection->loan)
        return ferry_fail(err, FERRY_EIO, "a reply was read after its release");
    return ferry_http_read(b->connection->http, buf, cap, got, err);
}

static void body_free(struct ferry_source *source)
{
    free(source);
}

static const struct ferry_source_ops body_ops = { body_read, NULL, body_free };

/* --- the head ------------------------------------------------------------------------------- */

static int copy_header(struct ferry_http *http, const char *name, char **out, struct ferry_err *err)
{
    const char *value = ferry_http_header(http, name, 0);

    *out = value ? strdup(value) : NULL;
    return *out || !value ? 0 : ferry_fail_memory(err);
}

/* A list of links may be spread over several headers. */
static int copy_links(struct ferry_http *http, char **out, struct ferry_err *err)
{
    const char *value;

    FERRY_TRY(copy_header(http, "Link", out, err));
    for (size_t i = 1; (value = ferry_http_header(http, "Link", i)) != NULL; i++) {
        FERRY_OWNED_MEM char *before = ferry_steal(out);

        FERRY_TRY(ferry_text(out, err, "%s, %s", before, value));
    }
    return 0;
}

/* Digits to a size; moves *p behind them. -1 when there are none or too many. */
static int64_t parse_number(const char **p)
{
    int64_t n = 0;

    if (!isdigit((unsigned char)**p))
        return -1;
    for (; isdigit((unsigned char)**p); ++*p)
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, **p - '0', &n))
            return -1;
    return n;
}

/* "bytes first-last/total" or "bytes first-last/" and '*'. */
static void parse_content_range(const char *value, struct ferry_reply *reply)
{
    reply->range_first = reply->range_last = reply->range_total = -1;
    if (!value || strncasecmp(value, "bytes", 5) != 0)
        return;
    value += 5 + strspn(value + 5, " =");
    reply->range_first = parse_number(&value);
    if (*value++ != '-')
        return;
    reply->range_last = parse_number(&value);
    if (*value++ == '/')
        reply->range_total = parse_number(&value);
}

/* "0-last", some say "bytes=0-last"; registries say "0-0" of a session that has nothing. */
static int64_t parse_upload_range(const char *value)
{
    int64_t last;

    if (!value)
        return -1;
    value += strcspn(value, "0123456789");
    if (parse_number(&value) != 0 || *value++ != '-')
        return -1;
    last = parse_number(&value);
    return last > 0 && last < INT64_MAX ? last + 1 : last;
}

/* A number and nothing else; -1 for all others. */
static int64_t parse_length(const char *value)
{
    int64_t n = value ? parse_number(&value) : -1;

    return n >= 0 && *value == '\0' ? n : -1;
}

/* A Location that is of no use matters only where the protocol goes on from it. */
static int resolve_location(struct ferry_http *http, const char *url, struct ferry_reply *reply,
                            struct ferry_err *err)
{
    const char *location = ferry_http_header(http, "Location", 0);

    if (!location)
        return 0;
    if (ferry_url_resolve(url, location, &reply->location, err) == 0)
        return 0;
    if (err->code == FERRY_ENOMEM || reply->status == 202)
        return ferry_wrap(err, "Location of the upload");
    return 0;
}

static int fill(struct ferry_reply *reply, const char *url, struct ferry_err *err)
{
    struct ferry_http *http = reply->connection->http;
    struct reply_body *body;

    reply->status = ferry_http_head(http)->status;
    reply->length = ferry_http_head(http)->length;
    reply->upload_end = parse_upload_range(ferry_http_header(http, "Range", 0));
    reply->chunk_min = parse_length(ferry_http_header(http, "OCI-Chunk-Min-Length", 0));
    reply->retry_after_ms = ferry_retry_after(ferry_http_header(http, "Retry-After", 0));
    parse_content_range(ferry_http_header(http, "Content-Range", 0), reply);
    reply->lists_referrer = ferry_http_header(http, "OCI-Subject", 0) != NULL;
    FERRY_TRY(copy_header(http, "Content-Type", &reply->content_type, err));
    if (!reply->content_type)
        FERRY_TRY(ferry_text(&reply->content_type, err, "%s", ""));
    reply->content_type[strcspn(reply->content_type, "; \t")] = '\0';
    FERRY_TRY(copy_header(http, "Docker-Content-Digest", &reply->content_digest, err));
    FERRY_TRY(copy_links(http, &reply->link, err));
    FERRY_TRY(resolve_location(http, url, reply, err));
    body = calloc(1, sizeof(*body));
    if (!body)
        return ferry_fail_memory(err);
    *body = (struct reply_body){ .base = { &body_ops, ferry_http_head(http)->body_size },
                                 .connection = reply->connection,
                                 .loan = reply->connection->loan };
    reply->body = &body->base;
    return 0;
}

int ferry_reply_fill(struct ferry_session *session, struct ferry_connection **connection,
                     const char *url, struct ferry_reply *reply, struct ferry_err *err)
{
    int rc;

    reply->session = session;
    reply->connection = ferry_steal(connection);
    rc = fill(reply, url, err);
    if (rc < 0)
        ferry_reply_release(reply);
    return rc;
}

void ferry_reply_release(struct ferry_reply *reply)
{
    ferry_source_free(reply->body);
    if (reply->session)
        ferry_connection_give(reply->session, &reply->connection);
    free(reply->content_type);
    free(reply->location);
    free(reply->content_digest);
    free(reply->link);
    *reply = (struct ferry_reply){ .status = 0 };
}

int ferry_reply_next(const struct ferry_reply *reply, char **out, struct ferry_err *err)
{
    const char *here = ferry_http_url(reply->connection->http);
    FERRY_OWNED_MEM char *target = NULL;
    FERRY_OWNED_MEM char *url = NULL;
    struct ferry_origin from, to;

    if (reply->link)
        FERRY_TRY(ferry_link_next(reply->link, &target, err));
    if (target) {
        FERRY_TRY(ferry_url_resolve(here, target, &url, err));
        FERRY_TRY(ferry_origin_of(here, &from, err));
        FERRY_TRY(ferry_origin_of(url, &to, err));
        if (!ferry_origin_equal(&from, &to))
            return ferry_fail(err, FERRY_EPROTOCOL,
                              "the list goes on at %s://%s:%s, which is not where it began "
                              "(%s://%s:%s), and is not followed there",
                              to.tls ? "https" : "http", to.host, to.port,
                              from.tls ? "https" : "http", from.host, from.port);
    }
    *out = ferry_steal(&url);
    return 0;
}

/* First match wins; the last row catches all. */
static const struct {
    int low, high;
    enum ferry_code code;
    const char *hint;
} status_map[] = {
    { 200, 299, FERRY_EREFUSED, "another success was expected here" },
    { 300, 399, FERRY_EREFUSED, "a redirect that leads nowhere" },
    { 401, 401, FERRY_EAUTH, "log in, or pass --authfile or --creds" },
    { 403, 403, FERRY_EAUTH, "these credentials do not permit it" },
    { 404, 404, FERRY_ENOTFOUND, "" },
    { 407, 407, FERRY_EAUTH, "the proxy wants credentials: put them into its URL" },
    { 408, 408, FERRY_ENET, "the server waited too long" },
    { 413, 413, FERRY_EREFUSED,
      "the registry, or a proxy before it, limits the size of a request: raise that limit" },
    { 416, 416, FERRY_EREFUSED, "registry and client disagree on what was sent" },
    { 429, 429, FERRY_ENET, "the registry limits requests: log in, use fewer --jobs, or wait" },
    { 500, 599, FERRY_ENET, "the server is out of order" },
    { 0, 999, FERRY_EREFUSED, "" },
};

/* No login helps where none is shown. */
static const char *hint_of(const struct ferry_reply *reply, size_t row)
{
    if (!reply->elsewhere || status_map[row].code != FERRY_EAUTH || reply->status == 407)
        return status_map[row].hint;
    if (reply->foreign)
        return "foreign layers are asked for without credentials";
    return "the registry redirects there, and the address that it gives is refused";
}

int ferry_reply_fail(struct ferry_reply *reply, struct ferry_err *err)
{
    struct ferry_api_error said;
    char name[40];
    char host[FERRY_ORIGIN_TEXT_MAX];
    struct ferry_origin origin;
    const char *hint;
    size_t i = 0;

    ferry_api_error_read(reply->connection->http, &said);
    memcpy(reply->error_code, said.code, sizeof(reply->error_code));
    FERRY_TRY(ferry_origin_of(ferry_http_url(reply->connection->http), &origin, err));
    ferry_origin_format(&origin, host);
    ferry_status_format(reply->status, name);
    while (i + 1 < FERRY_COUNT(status_map) &&
           (reply->status < status_map[i].low || reply->status > status_map[i].high))
        i++;
    hint = hint_of(reply, i);
    return ferry_fail(err, status_map[i].code, "%s: %s%s%s%s", host, name, said.text,
                      *hint ? "; " : "", hint);
}
