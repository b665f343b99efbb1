/* What http.c (the transfer), http_callbacks.c, http_setup.c (libcurl's options) and http_fault.c
 * share. */
#ifndef FERRY_REGISTRY_HTTP_IMPL_H
#define FERRY_REGISTRY_HTTP_IMPL_H

#include <curl/curl.h>

#include "format/registry/http.h"

#define FERRY_HTTP_BUFFER ((size_t)256 * 1024) /* what libcurl receives and sends at once */

struct ferry_http {
    CURL *easy;
    CURLM *multi;
    struct curl_slist *headers;
    const struct ferry_http_options *options;
    char *url;          /* of the last request */
    char method[16];    /* of it */
    int64_t started_ms; /* when it was sent; 0: it has been told of */
    char error_text[CURL_ERROR_SIZE];

    bool active;   /* the easy handle is in the multi handle */
    bool finished; /* the transfer ended, with `result` */
    bool showed;   /* a client certificate */
    CURLcode result;

    struct ferry_http_head head;
    struct ferry_buf lines; /* header lines, each with its NUL */
    size_t header_bytes;    /* all that came, interim replies included */
    bool head_done;
    bool head_only;             /* the method was HEAD */
    enum ferry_code head_fault; /* a head that is refused */

    uint8_t *want; /* the buffer of the read that is under way */
    size_t want_room;
    size_t want_len;
    uint8_t *spill; /* what came and did not fit; FERRY_HTTP_BUFFER bytes */
    size_t spill_at;
    size_t spill_len;
    bool paused;
    int64_t received; /* body bytes */

    struct ferry_source *body; /* being uploaded */
    int64_t body_left;
    int64_t settles; /* of the request */
    bool body_failed;
    struct ferry_err body_err;

    int64_t deadline_ms; /* on the clock of http.c; 0: none, but a cancel is one */
    int64_t moved;       /* bytes either way since the watch was wound up */
    int64_t waited_ms;   /* time spent waiting since then */
};

/* What libcurl calls with headers, with bytes of a body, and for bytes to upload. `ctx` is the
 * struct ferry_http. */
size_t ferry_http_on_header(char *line, size_t size, size_t count, void *ctx);
size_t ferry_http_on_body(char *data, size_t size, size_t count, void *ctx);
size_t ferry_http_on_upload(char *buf, size_t size, size_t count, void *ctx);

/* Something moved, or a new phase begins: the time for a stall counts from now. */
void ferry_http_wind_watch(struct ferry_http *http);

/* Sets every option of the easy handle for `request`. FERRY_EFORMAT on a value with control
 * characters, which could smuggle in a header. */
int ferry_http_setup(struct ferry_http *http, const struct ferry_http_request *request,
                     struct ferry_err *err) FERRY_MUST_USE;

/* Says what http->result means, and notes the kind of fault in the head. */
int ferry_http_fail(struct ferry_http *http, struct ferry_err *err);

/* The same for a server that was silent for http->waited_ms. */
int ferry_http_fail_stall(struct ferry_http *http, struct ferry_err *err);

/* Whether the transfer goes through a proxy; false where that cannot be told. */
bool ferry_http_is_proxied(const struct ferry_http *http);

#endif
