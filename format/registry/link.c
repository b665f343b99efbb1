#include "format/registry/link.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "format/core/mem.h"

#define SPACES " \t"

static void skip_spaces(const char **p)
{
    *p += strspn(*p, SPACES);
}

static int fail(struct ferry_err *err, const char *header)
{
    return ferry_fail(err, FERRY_EPROTOCOL, "Link: \"%.200s\" is not a list of <URL>; rel=NAME",
                      header);
}

/* Whether the words of a relation (there may be several) hold "next". */
static bool names_next(const char *words, size_t len)
{
    const char *end = words + len;

    while (words < end) {
        size_t word = strcspn(words, SPACES);

        if (word > (size_t)(end - words))
            word = (size_t)(end - words);
        if (word == 4 && strncasecmp(words, "next", 4) == 0)
            return true;
        words += word + 1;
    }
    return false;
}

/* Passes over a value, quoted or bare, and lends it without its quotes. */
static bool take_value(const char **p, const char **value, size_t *len)
{
    bool quoted = **p == '"';

    *value = *p + quoted;
    if (!quoted) {
        *len = strcspn(*p, ";," SPACES);
        *p += *len;
        return *len > 0;
    }
    for (++*p; **p && **p != '"'; ++*p)
        if (**p == '\\' && (*p)[1])
            ++*p;
    *len = (size_t)(*p - *value);
    return *(*p)++ == '"';
}

/* The parameters behind a target, up to ',' or the end. The first "rel" counts (RFC 8288, 3.3). */
static bool take_parameters(const char **p, bool *is_next)
{
    bool has_relation = false;

    for (skip_spaces(p); **p == ';'; skip_spaces(p)) {
        const char *name, *value = "";
        size_t name_len, len = 0;

        ++*p;
        skip_spaces(p);
        name = *p;
        name_len = strcspn(name, "=;," SPACES);
        *p += name_len;
        skip_spaces(p);
        if (**p == '=') {
            ++*p;
            skip_spaces(p);
            if (!take_value(p, &value, &len))
                return false;
        }
        if (name_len != 3 || strncasecmp(name, "rel", 3) != 0 || has_relation)
            continue;
        has_relation = true;
        *is_next = names_next(value, len);
    }
    return **p == ',' || **p == '\0';
}

int ferry_link_next(const char *header, char **out, struct ferry_err *err)
{
    const char *p = header;

    *out = NULL;
    for (p += strspn(p, "," SPACES); *p; p += strspn(p, "," SPACES)) {
        const char *target = p + 1;
        size_t len = strcspn(target, ">");
        bool is_next = false;

        if (*p != '<' || target[len] != '>')
            return fail(err, header);
        p = target + len + 1;
        if (!take_parameters(&p, &is_next))
            return fail(err, header);
        if (is_next)
            return ferry_text(out, err, "%.*s", (int)len, target);
    }
    return 0;
}
