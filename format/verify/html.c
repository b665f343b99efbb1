#include "format/verify/html.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "format/core/size.h"

void ferry_html_init(struct ferry_html *html)
{
    *html = (struct ferry_html){ .err = { .code = FERRY_OK } };
    ferry_buf_init(&html->text, FERRY_HTML_MAX);
}

void ferry_html_release(struct ferry_html *html)
{
    ferry_buf_release(&html->text);
}

static void append(struct ferry_html *html, const char *text, size_t len)
{
    if (html->err.code == FERRY_OK)
        (void)!ferry_buf_append(&html->text, text, len, &html->err);
}

static const char *escape_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

static void append_text(struct ferry_html *html, const char *text)
{
    FERRY_OWNED_MEM char *clean = NULL;

    if (html->err.code != FERRY_OK || ferry_text(&clean, &html->err, "%s", text) < 0)
        return;
    ferry_text_clean(clean);
    for (const char *p = clean; *p;) {
        size_t plain = strcspn(p, "&<>\"'");

        append(html, p, plain);
        p += plain;
        if (*p) {
            const char *escape = escape_of(*p++);

            append(html, escape, strlen(escape));
        }
    }
}

void ferry_html_put(struct ferry_html *html, const char *format, ...)
{
    char number[32];
    va_list args;

    va_start(args, format);
    for (const char *p = format; *p;) {
        size_t plain = strcspn(p, "%");

        append(html, p, plain);
        p += plain;
        if (!*p)
            break;
        p++;
        if (*p == 's') {
            append_text(html, va_arg(args, const char *));
        } else if (*p == 'z') {
            p++;
            snprintf(number, sizeof(number), "%zu", va_arg(args, size_t));
            append(html, number, strlen(number));
        } else {
            assert(*p == '%');
            append(html, "%", 1);
        }
        p++;
    }
    va_end(args);
}

void ferry_html_raw(struct ferry_html *html, const char *text)
{
    append(html, text, strlen(text));
}

void ferry_html_size(struct ferry_html *html, int64_t bytes)
{
    char text[FERRY_SIZE_TEXT_MAX];

    ferry_html_put(html, "%s", ferry_size_format(bytes, text));
}

void ferry_html_digest(struct ferry_html *html, const struct ferry_digest *digest)
{
    ferry_html_put(html, "<code class=\"digest\">%s</code>", digest->text);
}

int ferry_html_end(const struct ferry_html *html, struct ferry_err *err)
{
    if (html->err.code == FERRY_OK)
        return 0;
    *err = html->err;
    return (int)err->code;
}
