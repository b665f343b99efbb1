/*
 * A page of HTML while it grows.
 *
 * What it is: a buffer, and a printf that makes no markup of what it is given: markup stands in the
 * format alone, and every text is cleaned of control characters and escaped. What is written is
 * well-formed XML as well.
 * Owns: its bytes. Fails: a failure is kept, and nothing is appended after it; ferry_html_end()
 * returns it.
 */
#ifndef FERRY_VERIFY_HTML_H
#define FERRY_VERIFY_HTML_H

#include "format/core/digest.h"
#include "format/core/mem.h"

struct ferry_html {
    struct ferry_buf text;
    struct ferry_err err; /* its code is FERRY_OK until something fails */
};

#define FERRY_HTML_MAX ((size_t)1024 * 1024 * 1024)

void ferry_html_init(struct ferry_html *html);
void ferry_html_release(struct ferry_html *html);

#define FERRY_OWNED_HTML __attribute__((cleanup(ferry_html_release))) struct ferry_html

/* Of the conversions of printf: %s, %zu and %%. */
void ferry_html_put(struct ferry_html *html, const char *format, ...) FERRY_PRINTF(2, 3);

/* Text of our own, as it stands. */
void ferry_html_raw(struct ferry_html *html, const char *text);

/* A number of bytes for people: "1.2 GiB". */
void ferry_html_size(struct ferry_html *html, int64_t bytes);

/* A digest in full, which can be broken over lines anywhere and is copied in one piece. */
void ferry_html_digest(struct ferry_html *html, const struct ferry_digest *digest);

int ferry_html_end(const struct ferry_html *html, struct ferry_err *err) FERRY_MUST_USE;

#endif
