#include "format/registry/trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "format/registry/origin.h"

#define URL_MAX 900
#define NUMBERS_MAX 120

/* What may be shown of a query. */
static bool is_harmless(const char *field, size_t len)
{
    static const char *const names[] = { "scope=", "service=", "digest=", "mount=",
                                         "from=",  "n=",       "last=" };

    for (size_t i = 0; i < FERRY_COUNT(names); i++)
        if (len >= strlen(names[i]) && strncmp(field, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

/* The URL with "..." in place of what may be secret. */
static int show_url(struct ferry_buf *to, const char *url, struct ferry_err *err)
{
    const int shown = ferry_url_shown(url);
    const char *field = url + shown;
    bool hidden = false;
    char separator = '?';

    FERRY_TRY(ferry_buf_append(to, url, (size_t)shown, err));
    while (*field == '?' || *field == '&') {
        size_t len = strcspn(++field, "&#");

        if (is_harmless(field, len)) {
            FERRY_TRY(ferry_buf_print(to, err, "%c%.*s", separator, (int)len, field));
            separator = '&';
        } else {
            hidden = hidden || len > 0;
        }
        field += len;
    }
    return hidden ? ferry_buf_print(to, err, "%c...", separator) : 0;
}

static void format_numbers(const struct ferry_trace *trace, const struct ferry_http_head *head,
                           char out[NUMBERS_MAX])
{
    char status[16] = "no reply", bytes[64] = "";

    if (head->status > 0)
        snprintf(status, sizeof(status), "%d", head->status);
    if (head->sent > 0)
        snprintf(bytes, sizeof(bytes), ", %" PRId64 " bytes sent", head->sent);
    else if (head->body_size > trace->received)
        snprintf(bytes, sizeof(bytes), ", %" PRId64 " of %" PRId64 " bytes", trace->received,
                 head->body_size);
    else if (trace->received > 0)
        snprintf(bytes, sizeof(bytes), ", %" PRId64 " bytes", trace->received);
    snprintf(out, NUMBERS_MAX, "%s%s, %" PRId64 ".%03d s", status, bytes, trace->ms / 1000,
             (int)(trace->ms % 1000));
}

void ferry_trace_tell(const struct ferry_http_options *options, const struct ferry_trace *trace,
                      const struct ferry_http_head *head)
{
    FERRY_OWNED_BUF url;
    FERRY_OWNED_MEM char *line = NULL;
    struct ferry_err ignored; /* a line less */
    char numbers[NUMBERS_MAX];

    ferry_buf_init(&url, 2 * URL_MAX);
    if (!options->trace || show_url(&url, trace->url, &ignored) < 0)
        return;
    format_numbers(trace, head, numbers);
    if (ferry_text(&line, &ignored, "%s %.*s: %s", trace->method, URL_MAX, (char *)url.data,
                   numbers) == 0)
        options->trace(options->trace_ctx, line);
}
