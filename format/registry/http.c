#include "format/registry/http.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "format/core/cancel.h"
#include "format/core/clock.h"
#include "format/registry/http_impl.h"
#include "format/registry/origin.h"
#include "format/registry/retry.h"
#include "format/registry/trace.h"

#define SLICE_MS 200            /* how late a cancel may be noticed */
#define SETTLED_PER_MS 4096     /* bytes, by a registry that has to move what it was sent */
#define LEFTOVER_MAX 65536      /* of a body: read it to keep the connection */
#define LEFTOVER_MS 100         /* but do not wait long for it */
#define IDLE_CONNECTIONS_MAX 4L /* registry, token service, object store */

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_ready;

static void start_curl(void)
{
    curl_ready = curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* --- driving ------------------------------------------------------------------------------- */

static void detach(struct ferry_http *http)
{
#if LIBCURL_VERSION_NUM >= 0x075700
    if (http->active && ferry_cancelled()) /* else a name look-up that hangs would be waited for */
        curl_easy_setopt(http->easy, CURLOPT_QUICK_EXIT, 1L);
#endif
    if (http->active)
        curl_multi_remove_handle(http->multi, http->easy); /* closes what is not at its end */
    http->active = false;
    http->body = NULL;
}

/* Lets libcurl do what can be done without waiting. */
static void perform(struct ferry_http *http)
{
    CURLMsg *message;
    CURLMcode rc;
    int running, left;

    if (http->paused && http->spill_len == 0) {
        http->paused = false;
        curl_easy_pause(http->easy, CURLPAUSE_CONT); /* calls on_body() */
        if (http->want_len > 0)
            return;
    }
    rc = curl_multi_perform(http->multi, &running);
    while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        http->finished = true;
        http->result = message->data.result;
    }
    if (rc != CURLM_OK) {
        http->finished = true;
        http->result = rc == CURLM_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY : CURLE_FAILED_INIT;
    }
    if (http->finished) {
        long opened = 0;

        curl_easy_getinfo(http->easy, CURLINFO_NUM_CONNECTS, &opened);
        http->head.reused = opened == 0;
        detach(http);
    }
}

/* There is a connection, with TLS if that is wanted: what is waited for is the server. */
static bool is_connected(struct ferry_http *http)
{
    curl_off_t us = 0;

    curl_easy_getinfo(http->easy, CURLINFO_PRETRANSFER_TIME_T, &us);
    return us > 0;
}

/* The server has been silent for longer than it may be where the transfer is now. */
static bool is_stalled(const struct ferry_http *http)
{
    const struct ferry_http_options *o = http->options;
    int64_t patience_ms = 1000 * (int64_t)o->stall_seconds;

    if (http->waited_ms < patience_ms)
        return false;
    if (ferry_http_is_proxied(http))
        patience_ms = 1000 * (int64_t)o->proxied_stall_seconds;
    if (http->body_left == 0 && !http->head_done)
        patience_ms += http->settles / SETTLED_PER_MS;
    return http->waited_ms >= patience_ms;
}

/* Waits for the network, and looks at the watch. */
static int wait_ready(struct ferry_http *http, struct ferry_err *err)
{
    int64_t before = ferry_now_ms();

    if (http->deadline_ms == 0)
        FERRY_TRY(ferry_cancel_check(err));
    else if (before >= http->deadline_ms)
        return ferry_fail(err, FERRY_ENET, "%.*s: no reply in time", ferry_url_shown(http->url),
                          http->url);
    curl_multi_poll(http->multi, NULL, 0, SLICE_MS, NULL);
    if (http->moved >= FERRY_STALL_BYTES || !is_connected(http))
        ferry_http_wind_watch(http);
    http->waited_ms += ferry_now_ms() - before;
    return is_stalled(http) ? ferry_http_fail_stall(http, err) : 0;
}

static int drive(struct ferry_http *http, bool (*ready)(const struct ferry_http *),
                 struct ferry_err *err)
{
    for (;;) {
        perform(http);
        if (http->finished || ready(http))
            return 0;
        FERRY_TRY(wait_ready(http, err));
    }
}

/* Why the transfer ended as it did. */
static int outcome(struct ferry_http *http, struct ferry_err *err)
{
    if (http->head_fault == FERRY_EPROTOCOL) {
        http->head.fault = FERRY_FAULT_FINAL;
        return ferry_fail(err, FERRY_EPROTOCOL, "%.*s: the headers of its reply exceed %zu bytes",
                          ferry_url_shown(http->url), http->url, FERRY_HTTP_HEADERS_MAX);
    }
    if (http->body_failed) {
        http->head.fault = FERRY_FAULT_FINAL;
        *err = http->body_err;
        return (int)err->code;
    }
    return http->result == CURLE_OK ? 0 : ferry_http_fail(http, err);
}

static bool head_ready(const struct ferry_http *http)
{
    /* A good reply before the end of an upload is none; a bad one ends it. */
    return http->head_done && (http->body_left == 0 || http->head.status >= 300);
}

static bool bytes_ready(const struct ferry_http *http)
{
    return http->want_len > 0 || http->spill_len > 0;
}

/* --- the interface ------------------------------------------------------------------------- */

int ferry_http_new(const struct ferry_http_options *options, struct ferry_http **out,
                   struct ferry_err *err)
{
    FERRY_OWNED(ferry_http) http = NULL;

    pthread_once(&curl_once, start_curl);
    if (curl_ready != CURLE_OK)
        return ferry_fail(err, FERRY_EIO, "libcurl cannot start: %s",
                          curl_easy_strerror(curl_ready));
    http = calloc(1, sizeof(*http));
    if (!http)
        return ferry_fail_memory(err);
    http->options = options;
    ferry_buf_init(&http->lines, 2 * FERRY_HTTP_HEADERS_MAX);
    http->easy = curl_easy_init();
    http->multi = curl_multi_init();
    if (!http->easy || !http->multi)
        return ferry_fail_memory(err);
    curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, IDLE_CONNECTIONS_MAX);
    *out = ferry_steal(&http);
    return 0;
}

void ferry_http_free(struct ferry_http *http)
{
    if (!http)
        return;
    detach(http);
    curl_easy_cleanup(http->easy);
    curl_multi_cleanup(http->multi);
    curl_slist_free_all(http->headers);
    ferry_buf_release(&http->lines);
    free(http->url);
    free(http->spill);
    free(http);
}

static void forget(struct ferry_http *http)
{
    http->head = (struct ferry_http_head){ .length = -1 };
    http->lines.len = 0;
    http->head_done = false;
}

static void restart(struct ferry_http *http, const struct ferry_http_request *request)
{
    forget(http);
    http->header_bytes = 0;
    http->finished = http->paused = http->body_failed = false;
    http->head_fault = FERRY_OK;
    http->result = CURLE_OK;
    http->error_text[0] = '\0';
    http->spill_at = http->spill_len = 0;
    http->received = 0;
    http->showed = request->show_client && request->tls && request->tls->cert;
    http->head_only = strcmp(request->method, "HEAD") == 0;
    http->body = request->body;
    http->body_left = request->body ? request->body_size : 0;
    http->settles = request->settles;
    http->deadline_ms = request->within_ms > 0 ? ferry_now_ms() + request->within_ms : 0;
    ferry_http_wind_watch(http);
}

/* The head is here; what would make its body lie is refused. */
static int check_head(struct ferry_http *http, struct ferry_err *err)
{
    const char *encoding = ferry_http_header(http, "Content-Encoding", 0);
    curl_off_t length = -1;

    if (!http->head_done) {
        http->head.fault = FERRY_FAULT_BROKEN;
        return ferry_fail(err, FERRY_ENET, "%.*s: no HTTP reply", ferry_url_shown(http->url),
                          http->url);
    }
    curl_easy_getinfo(http->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    http->head.length = (int64_t)length;
    http->head.body_size = http->head_only ? 0 : http->head.length;
    if (http->head.status < 300 && encoding && *encoding && strcasecmp(encoding, "identity") != 0) {
        http->head.fault = FERRY_FAULT_FINAL;
        return ferry_fail(err, FERRY_EPROTOCOL,
                          "%.*s: sent with Content-Encoding \"%s\", which was not asked for and "
                          "hides the bytes that the digest is of",
                          ferry_url_shown(http->url), http->url, encoding);
    }
    return 0;
}

int ferry_http_send(struct ferry_http *http, const struct ferry_http_request *request,
                    struct ferry_err *err)
{
    int rc;

    assert(!request->body || request->body_size >= 0);
    ferry_http_end(http);
    restart(http, request);
    http->head.fault = FERRY_FAULT_FINAL; /* until it is on its way */
    FERRY_TRY(ferry_http_setup(http, request, err));
    if (curl_multi_add_handle(http->multi, http->easy) != CURLM_OK)
        return ferry_fail_memory(err);
    http->head.fault = FERRY_FAULT_NONE;
    http->active = true;
    http->started_ms = ferry_now_ms();
    snprintf(http->method, sizeof(http->method), "%s", request->method);
    rc = drive(http, head_ready, err);
    if (rc == 0 && http->finished && !http->head_done)
        rc = outcome(http, err);
    if (rc == 0)
        rc = check_head(http, err);
    http->body = NULL; /* borrowed for this call only */
    if (rc < 0)
        detach(http);
    return rc;
}

const struct ferry_http_head *ferry_http_head(const struct ferry_http *http)
{
    return &http->head;
}

const char *ferry_http_url(const struct ferry_http *http)
{
    return http->url ? http->url : "";
}

const char *ferry_http_header(const struct ferry_http *http, const char *name, size_t nth)
{
    const char *line = http->lines.data ? (const char *)http->lines.data : "";
    const char *end = line + http->lines.len;
    const size_t len = strlen(name);

    for (; line < end; line += strlen(line) + 1) {
        if (strncasecmp(line, name, len) != 0 || line[len] != ':' || nth-- > 0)
            continue;
        line += len + 1;
        return line + strspn(line, " \t");
    }
    return NULL;
}

/* Once for each exchange, when it is over. */
static void tell(struct ferry_http *http)
{
    const struct ferry_trace trace = { .method = http->method,
                                       .url = http->url,
                                       .received = http->received - (int64_t)http->spill_len,
                                       .ms = ferry_now_ms() - http->started_ms };

    if (http->started_ms > 0)
        ferry_trace_tell(http->options, &trace, &http->head);
    http->started_ms = 0;
}

int ferry_http_read(struct ferry_http *http, void *buf, size_t cap, size_t *got,
                    struct ferry_err *err)
{
    int rc = 0;

    if (http->options->rate)
        cap = ferry_rate_portion(http->options->rate, cap);
    http->want = buf;
    http->want_room = cap;
    http->want_len = 0;
    if (http->active && http->spill_len == 0)
        rc = drive(http, bytes_ready, err);
    if (http->spill_len > 0 && http->want_len < cap) {
        size_t room = cap - http->want_len;
        size_t n = http->spill_len < room ? http->spill_len : room;

        memcpy(http->want + http->want_len, http->spill + http->spill_at, n);
        http->want_len += n;
        http->spill_len -= n;
        http->spill_at = http->spill_len == 0 ? 0 : http->spill_at + n;
    }
    http->want = NULL;
    *got = http->want_len;
    if (*got > 0 && http->options->rate)
        FERRY_TRY(ferry_retry_wait(ferry_rate_take(http->options->rate, *got), err));
    if (*got > 0) /* a failure can wait until these are used */
        return 0;
    return rc < 0 ? rc : outcome(http, err);
}

void ferry_http_end(struct ferry_http *http)
{
    const int64_t until = ferry_now_ms() + LEFTOVER_MS;

    if (http->active)
        perform(http);
    while (http->active && http->head_done && http->body_left == 0 && !ferry_cancelled() &&
           http->head.length >= 0 && http->head.length - http->received <= LEFTOVER_MAX &&
           ferry_now_ms() < until) {
        http->spill_at = http->spill_len = 0;
        perform(http);
        if (http->active)
            curl_multi_poll(http->multi, NULL, 0, 10, NULL);
    }
    detach(http);
    tell(http);
    forget(http);
}
