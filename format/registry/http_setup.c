#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "format/registry/http_impl.h"
#include "format/registry/origin.h"

#define CONNECT_SECONDS 20
#define PROBE_SECONDS 5                /* loopback answers at once or never */
#define EXPECT_FROM ((int64_t)1 << 20) /* smaller bodies are sent without asking first */

/* Options that every request has. */
static CURLcode set_common(struct ferry_http *http)
{
    const struct {
        CURLoption option;
        long value;
    } numbers[] = {
        { CURLOPT_NOSIGNAL, 1 },
        { CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1 },
        { CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
        { CURLOPT_FOLLOWLOCATION, 0 },
        { CURLOPT_SUPPRESS_CONNECT_HEADERS, 1 },
        { CURLOPT_HEADEROPT, CURLHEADER_SEPARATE },
        { CURLOPT_TCP_KEEPALIVE, 1 },
        { CURLOPT_BUFFERSIZE, (long)FERRY_HTTP_BUFFER },
        { CURLOPT_UPLOAD_BUFFERSIZE, (long)FERRY_HTTP_BUFFER },
    };
    const struct {
        CURLoption option;
        void *value;
    } pointers[] = {
        { CURLOPT_ERRORBUFFER, http->error_text },
        { CURLOPT_HEADERDATA, http },
        { CURLOPT_WRITEDATA, http },
        { CURLOPT_READDATA, http },
        { CURLOPT_PROTOCOLS_STR, "http,https" },
        { CURLOPT_HTTPHEADER, http->headers },
    };
    CURLcode rc = CURLE_OK;

    for (size_t i = 0; rc == CURLE_OK && i < FERRY_COUNT(numbers); i++)
        rc = curl_easy_setopt(http->easy, numbers[i].option, numbers[i].value);
    for (size_t i = 0; rc == CURLE_OK && i < FERRY_COUNT(pointers); i++)
        rc = curl_easy_setopt(http->easy, pointers[i].option, pointers[i].value);
    if (rc == CURLE_OK)
        rc = curl_easy_setopt(http->easy, CURLOPT_HEADERFUNCTION, ferry_http_on_header);
    if (rc == CURLE_OK)
        rc = curl_easy_setopt(http->easy, CURLOPT_WRITEFUNCTION, ferry_http_on_body);
    if (rc == CURLE_OK)
        rc = curl_easy_setopt(http->easy, CURLOPT_READFUNCTION, ferry_http_on_upload);
    if (rc == CURLE_OK && http->options->user_agent)
        rc = curl_easy_setopt(http->easy, CURLOPT_USERAGENT, http->options->user_agent);
    return rc;
}

/* The method, and how libcurl is told of a body. */
static CURLcode set_method(CURL *easy, const struct ferry_http_request *request)
{
    CURLcode rc;

    if (strcmp(request->method, "GET") == 0)
        return curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    if (strcmp(request->method, "HEAD") == 0)
        return curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    rc = curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    if (rc != CURLE_OK || strcmp(request->method, "DELETE") == 0)
        return rc;
    if (request->body && request->body_size > 0) {
        rc = curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
        return rc != CURLE_OK ? rc
                              : curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE,
                                                 (curl_off_t)request->body_size);
    }
    rc = curl_easy_setopt(easy, CURLOPT_POSTFIELDS, ""); /* so that Content-Length: 0 is sent */
    return rc != CURLE_OK ? rc : curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, 0L);
}

/* Whom to believe, and what to show. */
static CURLcode set_tls(CURL *easy, const struct ferry_http_request *request)
{
    const struct ferry_tls *tls = request->tls;
    long check = request->insecure ? 0L : 1L;
    CURLcode rc = curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, check);

    if (rc == CURLE_OK)
        rc = curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2 * check);
    if (rc == CURLE_OK && tls && tls->ca.len > 0) {
        struct curl_blob blob = { tls->ca.data, tls->ca.len, CURL_BLOB_NOCOPY };

        rc = curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
    }
    if (rc == CURLE_OK && tls && tls->cert && request->show_client)
        rc = curl_easy_setopt(easy, CURLOPT_SSLCERT, tls->cert);
    if (rc == CURLE_OK && tls && tls->cert && request->show_client)
        rc = curl_easy_setopt(easy, CURLOPT_SSLKEY, tls->key);
    return rc;
}

/* Where to. */
static CURLcode set_peer(struct ferry_http *http, const struct ferry_http_request *request,
                         const struct ferry_origin *origin)
{
    int connect = request->probing ? PROBE_SECONDS : CONNECT_SECONDS;
    CURLcode rc = curl_easy_setopt(http->easy, CURLOPT_URL, http->url);

    if (connect > http->options->stall_seconds)
        connect = http->options->stall_seconds;
    if (rc == CURLE_OK)
        rc = curl_easy_setopt(http->easy, CURLOPT_CONNECTTIMEOUT, (long)connect);
    if (rc == CURLE_OK)
        rc = curl_easy_setopt(http->easy, CURLOPT_FRESH_CONNECT, request->fresh ? 1L : 0L);
    if (rc == CURLE_OK && origin->tls) /* libcurl copies certificates for every request */
        rc = set_tls(http->easy, request);
    if (rc == CURLE_OK && ferry_origin_is_loopback(origin)) /* a proxy means another machine */
        rc = curl_easy_setopt(http->easy, CURLOPT_NOPROXY, "*");
    return rc;
}

static int add_header(struct ferry_http *http, const char *name, const char *value,
                      struct ferry_err *err)
{
    FERRY_OWNED_MEM char *line = NULL;
    struct curl_slist *list;

    for (const char *p = value; *p; p++)
        if ((unsigned char)*p < 0x20 || (unsigned char)*p == 0x7f)
            return ferry_fail(err, FERRY_EFORMAT, "%s would hold a control character", name);
    FERRY_TRY(ferry_text(&line, err, *value ? "%s: %s" : "%s:", name, value));
    list = curl_slist_append(http->headers, line);
    if (!list)
        return ferry_fail_memory(err);
    http->headers = list;
    return 0;
}

static int add_headers(struct ferry_http *http, const struct ferry_http_request *request,
                       struct ferry_err *err)
{
    const struct {
        const char *name;
        const char *value;
    } given[] = {
        { "Authorization", request->authorization },
        { "Accept", request->accept },
        { "Content-Type", request->content_type ? request->content_type : "" },
        { "Content-Range", request->content_range },
    };

    curl_slist_free_all(http->headers);
    http->headers = NULL;
    for (size_t i = 0; i < FERRY_COUNT(given); i++)
        if (given[i].value) /* "" keeps libcurl from adding its own */
            FERRY_TRY(add_header(http, given[i].name, given[i].value, err));
    if (request->is_range) {
        FERRY_OWNED_MEM char *range = NULL;

        FERRY_TRY(ferry_text(&range, err, "bytes=%" PRId64 "-%" PRId64, request->range_first,
                             request->range_last));
        FERRY_TRY(add_header(http, "Range", range, err));
    }
    if (request->no_expect || request->body_size < EXPECT_FROM)
        FERRY_TRY(add_header(http, "Expect", "", err));
    return 0;
}

int ferry_http_setup(struct ferry_http *http, const struct ferry_http_request *request,
                     struct ferry_err *err)
{
    struct ferry_origin origin;
    CURLcode rc;

    FERRY_TRY(ferry_origin_of(request->url, &origin, err));
    free(http->url);
    http->url = strdup(request->url);
    if (!http->url)
        return ferry_fail_memory(err);
    FERRY_TRY(add_headers(http, request, err));
    curl_easy_cleanup(http->easy); /* connections stay, with the multi handle */
    http->easy = curl_easy_init(); /* curl_easy_reset() would keep a buffer of the wrong size */
    if (!http->easy)
        return ferry_fail_memory(err);
    rc = set_common(http);
    if (rc == CURLE_OK)
        rc = set_method(http->easy, request);
    if (rc == CURLE_OK)
        rc = set_peer(http, request, &origin);
    if (rc == CURLE_OUT_OF_MEMORY)
        return ferry_fail_memory(err);
    if (rc != CURLE_OK)
        return ferry_fail(err, FERRY_EIO, "libcurl is too old or lacks a part: %s",
                          curl_easy_strerror(rc));
    return 0;
}
