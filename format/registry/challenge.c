#include "format/registry/challenge.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "format/core/mem.h"

#define SPACES " \t"

/* RFC 9110 "tchar", and the further characters of "token68". */
static size_t token_length(const char *p)
{
    return strspn(p, "!#$%&'*+-.^_`|~/0123456789"
                     "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
}

static bool is_word(const char *p, size_t len, const char *word)
{
    return len == strlen(word) && strncasecmp(p, word, len) == 0;
}

/* Reads "quoted" (with \ escapes; a missing end quote is the end of the header) or bare text, moves
 * *p behind it, and gives a copy. */
static int parse_value(const char **p, char **out, struct ferry_err *err)
{
    const bool quoted = **p == '"';
    size_t len = quoted ? strlen(*p) : strcspn(*p, ", \t");
    char *value = malloc(len + 1);
    char *end = value;

    if (!value)
        return ferry_fail_memory(err);
    if (!quoted) {
        memcpy(value, *p, len);
        end += len;
        *p += len;
    } else {
        for (++*p; **p && **p != '"'; ++*p) {
            if (**p == '\\' && (*p)[1])
                ++*p;
            *end++ = **p;
        }
        *p += **p == '"';
    }
    *end = '\0';
    *out = value;
    return 0;
}

static void set_parameter(struct ferry_challenge *challenge, const char *name, size_t len,
                          char **value)
{
    const struct {
        const char *name;
        char **to;
    } known[] = {
        { "realm", &challenge->realm },
        { "service", &challenge->service },
        { "scope", &challenge->scope },
        { "error", &challenge->error },
    };

    for (size_t i = 0; i < FERRY_COUNT(known); i++)
        if (is_word(name, len, known[i].name) && !*known[i].to)
            *known[i].to = ferry_steal(value);
}

static void begin_challenge(struct ferry_challenges *list, const char *name, size_t len)
{
    struct ferry_challenge *challenge = &list->items[list->count++];

    *challenge = (struct ferry_challenge){ .scheme = FERRY_CHALLENGE_OTHER };
    if (is_word(name, len, "basic"))
        challenge->scheme = FERRY_CHALLENGE_BASIC;
    else if (is_word(name, len, "bearer"))
        challenge->scheme = FERRY_CHALLENGE_BEARER;
}

int ferry_challenges_parse(const char *header, struct ferry_challenges *list, struct ferry_err *err)
{
    const size_t before = list->count;
    const char *p = header;

    for (;;) {
        const char *name;
        size_t len;

        p += strspn(p, SPACES ",");
        if (*p == '\0')
            return 0;
        name = p;
        len = token_length(p);
        if (len == 0) { /* neither a name nor a separator */
            p++;
            continue;
        }
        p += len;
        p += strspn(p, SPACES);
        if (*p != '=') {
            if (list->count == FERRY_CHALLENGES_MAX)
                return 0;
            begin_challenge(list, name, len);
        } else if (p[1] == '=' || p[1] == '\0' || p[1] == ',') {
            p += strspn(p, "="); /* padding of a token68, or a parameter without value */
        } else {
            FERRY_OWNED_MEM char *value = NULL;

            p++;
            p += strspn(p, SPACES);
            FERRY_TRY(parse_value(&p, &value, err));
            if (list->count > before)
                set_parameter(&list->items[list->count - 1], name, len, &value);
        }
    }
}

void ferry_challenges_release(struct ferry_challenges *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].realm);
        free(list->items[i].service);
        free(list->items[i].scope);
        free(list->items[i].error);
    }
    *list = (struct ferry_challenges){ .count = 0 };
}

const struct ferry_challenge *ferry_challenges_choose(const struct ferry_challenges *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].scheme == FERRY_CHALLENGE_BEARER && list->items[i].realm)
            return &list->items[i];
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].scheme == FERRY_CHALLENGE_BASIC)
            return &list->items[i];
    return NULL;
}
