#include "tests/support/fault_alloc.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The linker makes the __real ones, and sends everybody else to the __wrap ones. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t len);
int __wrap_vasprintf(char **out, const char *fmt, va_list args);

/* Allocations until the one that fails; 0: none will. Per thread, so that runs repeat. */
static _Thread_local long countdown;
static _Thread_local bool failed;

bool fault_arm(long n)
{
    bool more = n == 1 || failed;

    countdown = more ? n : 0;
    failed = false;
    return more;
}

void fault_stop(void)
{
    countdown = 0;
}

static bool fails_now(void)
{
    if (countdown == 0 || --countdown > 0)
        return false;
    failed = true;
    errno = ENOMEM;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    return fails_now() ? NULL : __real_realloc(p, size);
}

char *__wrap_strndup(const char *text, size_t len)
{
    size_t used = strnlen(text, len);
    char *copy = __wrap_malloc(used + 1);

    if (!copy)
        return NULL;
    memcpy(copy, text, used);
    copy[used] = '\0';
    return copy;
}

char *__wrap_strdup(const char *text)
{
    return __wrap_strndup(text, strlen(text));
}

int __wrap_vasprintf(char **out, const char *fmt, va_list args)
{
    va_list again;
    int len;

    va_copy(again, args);
    len = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    *out = len < 0 ? NULL : __wrap_malloc((size_t)len + 1);
    if (!*out)
        return -1;
    return vsnprintf(*out, (size_t)len + 1, fmt, args);
}
