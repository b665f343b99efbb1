#include "format/core/mem.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int ferry_text(char **out, struct ferry_err *err, const char *fmt, ...)
{
    va_list args;
    char *text = NULL;
    int len;

    va_start(args, fmt);
    len = vasprintf(&text, fmt, args);
    va_end(args);
    if (len < 0)
        return ferry_fail_memory(err);
    *out = text;
    return 0;
}

int ferry_grow(void **items, size_t count, size_t *room, size_t item_size, struct ferry_err *err)
{
    size_t wanted, bytes;
    void *moved;

    if (count < *room)
        return 0;
    if (__builtin_mul_overflow(*room ? *room : 4, 2, &wanted) ||
        __builtin_mul_overflow(wanted, item_size, &bytes))
        return ferry_fail_memory(err);
    moved = realloc(*items, bytes);
    if (!moved)
        return ferry_fail_memory(err);
    *items = moved;
    *room = wanted;
    return 0;
}

void ferry_buf_init(struct ferry_buf *buf, size_t limit)
{
    *buf = (struct ferry_buf){ .limit = limit };
}

void ferry_buf_release(struct ferry_buf *buf)
{
    free(buf->data);
    *buf = (struct ferry_buf){ .limit = buf->limit };
}

static int reserve(struct ferry_buf *buf, size_t more, struct ferry_err *err)
{
    size_t room = buf->room ? buf->room : 256;
    uint8_t *moved;

    if (more > buf->limit || buf->len > buf->limit - more)
        return ferry_fail(err, FERRY_ELIMIT, "more than the limit of %zu bytes", buf->limit);
    if (buf->len + more < buf->room) /* '<': a NUL follows */
        return 0;
    while (room <= buf->len + more)
        room *= 2;
    moved = realloc(buf->data, room);
    if (!moved)
        return ferry_fail_memory(err);
    buf->data = moved;
    buf->room = room;
    return 0;
}

int ferry_buf_append(struct ferry_buf *buf, const void *bytes, size_t len, struct ferry_err *err)
{
    FERRY_TRY(reserve(buf, len, err));
    if (len > 0)
        memcpy(buf->data + buf->len, bytes, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
    return 0;
}

int ferry_buf_print(struct ferry_buf *buf, struct ferry_err *err, const char *fmt, ...)
{
    FERRY_OWNED_MEM char *text = NULL;
    va_list args;
    int len;

    va_start(args, fmt);
    len = vasprintf(&text, fmt, args);
    va_end(args);
    if (len < 0)
        return ferry_fail_memory(err);
    return ferry_buf_append(buf, text, (size_t)len, err);
}
