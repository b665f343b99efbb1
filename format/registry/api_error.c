#include "format/registry/api_error.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define BODY_MAX ((size_t)64 * 1024)
#define PLAIN_MAX 200

void ferry_status_format(int status, char out[40])
{
    static const struct {
        int status;
        const char *name;
    } names[] = {
        { 400, "Bad Request" },
        { 401, "Unauthorized" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 409, "Conflict" },
        { 413, "Content Too Large" },
        { 415, "Unsupported Media Type" },
        { 416, "Range Not Satisfiable" },
        { 429, "Too Many Requests" },
        { 500, "Internal Server Error" },
        { 502, "Bad Gateway" },
        { 503, "Service Unavailable" },
        { 504, "Gateway Timeout" },
        { 507, "Insufficient Storage" },
    };

    snprintf(out, 40, "%d", status);
    for (size_t i = 0; i < FERRY_COUNT(names); i++)
        if (names[i].status == status)
            snprintf(out, 40, "%d %s", status, names[i].name);
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text && *text ? text : NULL;
}

/* {"errors":[{"code","message","detail"}]} of registries, and what token services say instead. */
static void describe(const json_t *document, struct ferry_api_error *out)
{
    static const char *const others[] = { "details", "error_description", "message", "error" };
    const json_t *first = json_array_get(json_object_get(document, "errors"), 0);
    const char *code = text_of(first, "code");
    const char *message = text_of(first, "message");
    const char *detail = text_of(first, "detail");

    for (size_t i = 0; !code && !message && i < FERRY_COUNT(others); i++)
        message = text_of(document, others[i]);
    snprintf(out->code, sizeof(out->code), "%s", code ? code : "");
    if (message && detail && strcmp(message, detail) != 0)
        snprintf(out->text, sizeof(out->text), ": %s%s%.200s: %.200s", code ? code : "",
                 code ? ": " : "", message, detail);
    else if (code || message)
        snprintf(out->text, sizeof(out->text), ": %s%s%s", code ? code : "",
                 code && message ? ": " : "", message ? message : "");
}

/* The title of a page, which is where proxies say what they mind. */
static void describe_page(const char *page, char out[FERRY_API_ERROR_MAX])
{
    const char *title = strcasestr(page, "<title>");
    size_t len;

    if (!title)
        return;
    title += strlen("<title>");
    title += strspn(title, " \t\r\n");
    len = strcspn(title, "<\r\n");
    if (len > 0)
        snprintf(out, FERRY_API_ERROR_MAX, ": \"%.*s\"", len < PLAIN_MAX ? (int)len : PLAIN_MAX,
                 title);
}

void ferry_api_error_read(struct ferry_http *http, struct ferry_api_error *out)
{
    const char *type = ferry_http_header(http, "Content-Type", 0);
    FERRY_OWNED_BUF body;
    struct ferry_err ignored; /* the status is what matters */
    uint8_t chunk[4096];
    size_t got = 0;
    json_t *document;

    *out = (struct ferry_api_error){ .code = "" };
    ferry_buf_init(&body, BODY_MAX);
    while (ferry_http_read(http, chunk, sizeof(chunk), &got, &ignored) == 0 && got > 0 &&
           ferry_buf_append(&body, chunk, got, &ignored) == 0)
        continue;
    if (body.len == 0)
        return;
    document = json_loadb((const char *)body.data, body.len, 0, NULL);
    if (document)
        describe(document, out);
    else if (type && strncasecmp(type, "text/plain", 10) == 0)
        snprintf(out->text, sizeof(out->text), ": %.*s",
                 (int)strcspn((const char *)body.data, "\r\n") < PLAIN_MAX
                     ? (int)strcspn((const char *)body.data, "\r\n")
                     : PLAIN_MAX,
                 (const char *)body.data);
    else if (type && strncasecmp(type, "text/html", 9) == 0)
        describe_page((const char *)body.data, out->text);
    json_decref(document);
}
