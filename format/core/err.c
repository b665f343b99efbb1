#include "format/core/err.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#undef ferry_fail
#undef ferry_fail_memory
#undef ferry_wrap

/* One row a code; README.md and the man pages repeat the statuses, and a test compares. */
static const struct {
    enum ferry_code code;
    enum ferry_exit status;
} exit_map[] = {
    { FERRY_OK, FERRY_EXIT_DONE },          { FERRY_ENOMEM, FERRY_EXIT_FAILED },
    { FERRY_EUSAGE, FERRY_EXIT_USAGE },     { FERRY_EIO, FERRY_EXIT_FAILED },
    { FERRY_ENET, FERRY_EXIT_NETWORK },     { FERRY_EAUTH, FERRY_EXIT_AUTH },
    { FERRY_ENOTFOUND, FERRY_EXIT_FAILED }, { FERRY_EDIGEST, FERRY_EXIT_VERIFY },
    { FERRY_EFORMAT, FERRY_EXIT_VERIFY },   { FERRY_ELIMIT, FERRY_EXIT_VERIFY },
    { FERRY_ECANCEL, FERRY_EXIT_FAILED },   { FERRY_EREFUSED, FERRY_EXIT_FAILED },
    { FERRY_ESTALL, FERRY_EXIT_NETWORK },   { FERRY_EUNTRUSTED, FERRY_EXIT_VERIFY },
    { FERRY_EPROTOCOL, FERRY_EXIT_FAILED }, { FERRY_EUNFIT, FERRY_EXIT_VERIFY },
};

static const char *const exit_texts[] = {
    [FERRY_EXIT_DONE] = "done",
    [FERRY_EXIT_FAILED] = "failed",
    [FERRY_EXIT_USAGE] = "usage: the command line or a file of yours is wrong",
    [FERRY_EXIT_VERIFY] = "verification failed",
    [FERRY_EXIT_AUTH] = "authentication or authorisation",
    [FERRY_EXIT_NETWORK] = "network",
    [FERRY_EXIT_PARTIAL] = "done in part (some images failed)",
};

/* Bytes of the UTF-8 character at `p` (RFC 3629), 0 when it is broken; a NUL breaks every one. */
static size_t character_length(const unsigned char *p)
{
    size_t len = *p < 0x80 ? 1 : *p < 0xc2 ? 0 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : *p < 0xf5 ? 4 : 0;

    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xf0 && p[1] < 0x90) || /* longer than needed */
        (*p == 0xed && p[1] > 0x9f) || (*p == 0xf4 && p[1] > 0x8f))   /* surrogates; past 10FFFF */
        return 0;
    return len;
}

/* C0, DEL, C1; what breaks lines or turns the direction of text, so that a name looks like another
 * (U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069); and U+FFFE, U+FFFF, which XML has not. */
static bool is_control(const unsigned char *p)
{
    return *p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] < 0xa0) ||
           (*p == 0xe2 && p[1] == 0x80 &&
            (p[2] == 0x8e || p[2] == 0x8f || (p[2] >= 0xa8 && p[2] <= 0xae))) ||
           (*p == 0xe2 && p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9) ||
           (*p == 0xef && p[1] == 0xbf && p[2] >= 0xbe);
}

void ferry_text_clean(char *text)
{
    unsigned char *p = (unsigned char *)text;

    while (*p) {
        size_t len = character_length(p);

        if (len == 0 || is_control(p))
            memset(p, '?', len ? len : 1);
        p += len ? len : 1;
    }
}

int ferry_fail(struct ferry_err *err, enum ferry_code code, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    err->code = code;
    vsnprintf(err->msg, sizeof(err->msg), fmt, args);
    va_end(args);
    ferry_text_clean(err->msg);
    return (int)code;
}

int ferry_fail_memory(struct ferry_err *err)
{
    return ferry_fail(err, FERRY_ENOMEM, "out of memory");
}

int ferry_wrap(struct ferry_err *err, const char *fmt, ...)
{
    char inner[FERRY_ERR_MAX];
    va_list args;
    int used;

    memcpy(inner, err->msg, sizeof(inner));
    va_start(args, fmt);
    used = vsnprintf(err->msg, sizeof(err->msg), fmt, args);
    va_end(args);
    if (used >= 0 && (size_t)used + 3 < sizeof(err->msg))
        snprintf(err->msg + used, sizeof(err->msg) - (size_t)used, ": %.*s",
                 (int)(sizeof(err->msg) - (size_t)used - 3), inner);
    ferry_text_clean(err->msg);
    return (int)err->code;
}

int ferry_blame_server(struct ferry_err *err)
{
    if (err->code == FERRY_EFORMAT || err->code == FERRY_ELIMIT)
        err->code = FERRY_EPROTOCOL;
    return (int)err->code;
}

int ferry_exit_status(enum ferry_code code)
{
    for (size_t i = 0; i < sizeof(exit_map) / sizeof(exit_map[0]); i++)
        if (exit_map[i].code == code)
            return (int)exit_map[i].status;
    return FERRY_EXIT_FAILED;
}

const char *ferry_exit_text(int status)
{
    if (status < 0 || (size_t)status >= sizeof(exit_texts) / sizeof(exit_texts[0]))
        return NULL;
    return exit_texts[status];
}
