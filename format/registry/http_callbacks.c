#include <string.h>
#include <strings.h>

#include "format/registry/http_impl.h"
#include "format/registry/retry.h"

void ferry_http_wind_watch(struct ferry_http *http)
{
    http->moved = 0;
    http->waited_ms = 0;
}

static int keep_line(struct ferry_http *http, const char *line, size_t len)
{
    struct ferry_err ignored; /* the one fault is "no memory", which libcurl reports as well */

    if ((*line == ' ' || *line == '\t') && http->lines.len > 0) /* folded: goes on the last line */
        http->lines.len--;
    if (ferry_buf_append(&http->lines, line, len, &ignored) < 0)
        return -1;
    return ferry_buf_append(&http->lines, "", 1, &ignored);
}

size_t ferry_http_on_header(char *line, size_t size, size_t count, void *ctx)
{
    struct ferry_http *http = ctx;
    const size_t all = size * count;
    size_t len = all;

    http->moved += (int64_t)all;
    http->header_bytes += all;
    if (http->header_bytes > FERRY_HTTP_HEADERS_MAX) {
        http->head_fault = FERRY_EPROTOCOL;
        return 0;
    }
    if (http->head_done) /* trailers of a chunked body */
        return all;
    while (len > 0 && strchr("\r\n\t ", line[len - 1]))
        len--;
    if (len >= 5 && strncasecmp(line, "HTTP/", 5) == 0) {
        http->lines.len = 0;
        return all;
    }
    if (len > 0)
        return keep_line(http, line, len) == 0 ? all : 0;
    long status = 0;

    curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200) { /* else an interim reply */
        http->head.status = (int)status;
        http->head_done = true;
        ferry_http_wind_watch(http);
    }
    return all;
}

size_t ferry_http_on_body(char *data, size_t size, size_t count, void *ctx)
{
    struct ferry_http *http = ctx;
    const size_t len = size * count;
    size_t direct = 0;

    if (http->want && http->spill_len == 0) {
        direct = http->want_room - http->want_len;
        if (direct > len)
            direct = len;
    }
    if (direct < len && !http->spill) {
        http->spill = malloc(FERRY_HTTP_BUFFER);
        if (!http->spill)
            return 0;
    }
    if (len - direct > FERRY_HTTP_BUFFER - http->spill_at - http->spill_len) {
        http->paused = true;
        return CURL_WRITEFUNC_PAUSE; /* nothing of this call is taken */
    }
    if (direct > 0)
        memcpy(http->want + http->want_len, data, direct);
    if (direct < len)
        memcpy(http->spill + http->spill_at + http->spill_len, data + direct, len - direct);
    http->want_len += direct;
    http->spill_len += len - direct;
    http->received += (int64_t)len;
    http->moved += (int64_t)len;
    return len;
}

size_t ferry_http_on_upload(char *buf, size_t size, size_t count, void *ctx)
{
    struct ferry_http *http = ctx;
    size_t cap = size * count;
    size_t got = 0;

    if ((uint64_t)http->body_left < cap)
        cap = (size_t)http->body_left;
    if (http->options->rate)
        cap = ferry_rate_portion(http->options->rate, cap);
    if (cap == 0)
        return 0;
    if (!http->body)
        return CURL_READFUNC_ABORT;
    if (ferry_source_read(http->body, buf, cap, &got, &http->body_err) < 0)
        http->body_failed = true;
    else if (got == 0) {
        ferry_fail(&http->body_err, FERRY_EIO, "the input ended %lld bytes too early",
                   (long long)http->body_left);
        http->body_failed = true;
    } else if (http->options->rate && /* it is sent once that is over: what waits is this thread */
               ferry_retry_wait(ferry_rate_take(http->options->rate, got), &http->body_err) < 0) {
        http->body_failed = true;
    }
    if (http->body_failed)
        return CURL_READFUNC_ABORT;
    http->body_left -= (int64_t)got;
    http->head.sent += (int64_t)got;
    http->moved += (int64_t)got;
    return got;
}
