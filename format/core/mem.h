/*
 * Owned pointers, checked arithmetic, a bounded byte buffer, formatted strings.
 *
 * Ownership, three words. A parameter is *borrowed* for the call unless its contract says
 * otherwise. A function *takes* through `T **`, emptied at once, also when it fails. It *gives*
 * through `T **out`, written only on success. FERRY_OWNED locals are freed when they leave scope;
 * ferry_steal() moves a pointer out of one.
 * Threads: nothing here is shared.
 */
#ifndef FERRY_CORE_MEM_H
#define FERRY_CORE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "format/core/err.h"

/* FERRY_OWNED(ferry_hash) h = NULL; ... a `struct ferry_hash *` that ferry_hash_free() ends. */
#define FERRY_OWNED(type) __attribute__((cleanup(type##_freep))) struct type *

/* Beside the prototype of TYPE_free(): makes FERRY_OWNED(TYPE) work. */
#define FERRY_OWNED_DEFINE(type)                                                                   \
    static inline void type##_freep(struct type **p)                                               \
    {                                                                                              \
        type##_free(*p);                                                                           \
    }

/* A malloc'ed string or array of bytes, freed when it leaves scope. */
#define FERRY_OWNED_MEM __attribute__((cleanup(ferry_mem_freep)))

static inline void ferry_mem_freep(void *p)
{
    free(*(void **)p);
}

#define ferry_steal(p)                                                                             \
    __extension__({                                                                                \
        __typeof__(*(p)) ferry_taken_ = *(p);                                                      \
        *(p) = NULL;                                                                               \
        ferry_taken_;                                                                              \
    })

#define FERRY_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* false, and *sum undefined, when a + b does not fit. */
static inline bool ferry_add(int64_t a, int64_t b, int64_t *sum)
{
    return !__builtin_add_overflow(a, b, sum);
}

/* Gives a malloc'ed string. */
int ferry_text(char **out, struct ferry_err *err, const char *fmt, ...)
    FERRY_PRINTF(3, 4) FERRY_MUST_USE;

/* Makes room for one more element in an array that doubles; *items is moved, *room updated. */
int ferry_grow(void **items, size_t count, size_t *room, size_t item_size,
               struct ferry_err *err) FERRY_MUST_USE;

/* A growing run of bytes that refuses to grow past `limit`. Always followed by a NUL. */
struct ferry_buf {
    uint8_t *data;
    size_t len;
    size_t room;
    size_t limit;
};

#define FERRY_OWNED_BUF __attribute__((cleanup(ferry_buf_release))) struct ferry_buf

void ferry_buf_init(struct ferry_buf *buf, size_t limit);
void ferry_buf_release(struct ferry_buf *buf);

/* FERRY_ELIMIT when the limit would be passed; nothing is appended then. */
int ferry_buf_append(struct ferry_buf *buf, const void *bytes, size_t len,
                     struct ferry_err *err) FERRY_MUST_USE;
int ferry_buf_print(struct ferry_buf *buf, struct ferry_err *err, const char *fmt, ...)
    FERRY_PRINTF(3, 4) FERRY_MUST_USE;

#endif
