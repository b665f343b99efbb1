#include "format/core/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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
    { FERRY_ECANCEL, FERRY_EXIT_FAILED },
};

/* A registry or an archive may have put terminal escapes into what we quote. */
static void clean(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p; p++) {
        if (*p < 0x20 || *p == 0x7f)
            *p = '?';
        else if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0) /* C1 controls in UTF-8 */
            *p = p[1] = '?';
    }
}

int ferry_fail(struct ferry_err *err, enum ferry_code code, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    err->code = code;
    vsnprintf(err->msg, sizeof(err->msg), fmt, args);
    va_end(args);
    clean(err->msg);
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
    clean(err->msg);
    return (int)err->code;
}

int ferry_exit_status(enum ferry_code code)
{
    for (size_t i = 0; i < sizeof(exit_map) / sizeof(exit_map[0]); i++)
        if (exit_map[i].code == code)
            return (int)exit_map[i].status;
    return FERRY_EXIT_FAILED;
}
