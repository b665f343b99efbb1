#include "format/registry/scope.h"

#include <string.h>

#include "format/core/mem.h"

#define TEXT_MAX ((size_t)16 * 1024)

/* One item: a resource ("repository:a/b", up to the last ':'), and its actions ("pull,push"). */
struct item {
    const char *resource;
    size_t resource_len;
    const char *actions;
    size_t actions_len;
};

/* The next item at *p, which is moved behind it. */
static bool next_item(const char **p, struct item *item)
{
    const char *colon;
    size_t len;

    *p += strspn(*p, " ");
    len = strcspn(*p, " ");
    if (len == 0)
        return false;
    colon = memrchr(*p, ':', len);
    item->resource = *p;
    item->resource_len = colon ? (size_t)(colon - *p) : len;
    item->actions = colon ? colon + 1 : *p + len;
    item->actions_len = (size_t)(*p + len - item->actions);
    *p += len;
    return true;
}

static bool same_resource(const struct item *a, const struct item *b)
{
    return a->resource_len == b->resource_len &&
           memcmp(a->resource, b->resource, a->resource_len) == 0;
}

static bool has_action(const struct item *item, const char *action, size_t len)
{
    const char *end = item->actions + item->actions_len;

    for (const char *p = item->actions; p < end; p++) {
        const char *comma = memchr(p, ',', (size_t)(end - p));
        const char *stop = comma ? comma : end;

        if ((size_t)(stop - p) == len && memcmp(p, action, len) == 0)
            return true;
        p = stop;
    }
    return false;
}

/* Appends the actions of `theirs` that `ours` lacks. */
static int add_actions(struct ferry_buf *to, const struct item *ours, const struct item *theirs,
                       struct ferry_err *err)
{
    const char *end = theirs->actions + theirs->actions_len;

    for (const char *p = theirs->actions; p < end; p++) {
        const char *comma = memchr(p, ',', (size_t)(end - p));
        const char *stop = comma ? comma : end;

        if (stop > p && !has_action(ours, p, (size_t)(stop - p)))
            FERRY_TRY(ferry_buf_print(to, err, ",%.*s", (int)(stop - p), p));
        p = stop;
    }
    return 0;
}

int ferry_scope_format(const char *repository, bool push, const char *mount_from, char **out,
                       struct ferry_err *err)
{
    const char *actions = push ? "pull,push" : "pull";

    if (*repository == '\0')
        return ferry_text(out, err, "%s", "");
    if (mount_from && strcmp(mount_from, repository) != 0)
        return ferry_text(out, err, "repository:%s:%s repository:%s:pull", repository, actions,
                          mount_from);
    return ferry_text(out, err, "repository:%s:%s", repository, actions);
}

int ferry_scope_merge(const char *ours, const char *theirs, char **out, struct ferry_err *err)
{
    FERRY_OWNED_BUF text;
    struct item a, b;
    int count = 0;

    ferry_buf_init(&text, TEXT_MAX);
    FERRY_TRY(ferry_buf_append(&text, "", 0, err));
    for (const char *p = ours; next_item(&p, &a);) {
        FERRY_TRY(ferry_buf_print(&text, err, "%s%.*s:%.*s", text.len > 0 ? " " : "",
                                  (int)a.resource_len, a.resource, (int)a.actions_len, a.actions));
        count = 0;
        for (const char *q = theirs ? theirs : ""; count < FERRY_SCOPES_MAX && next_item(&q, &b);
             count++)
            if (same_resource(&a, &b))
                FERRY_TRY(add_actions(&text, &a, &b, err));
    }
    count = 0;
    for (const char *q = theirs ? theirs : ""; count < FERRY_SCOPES_MAX && next_item(&q, &b);
         count++) {
        bool known = false;

        for (const char *p = ours; !known && next_item(&p, &a);)
            known = same_resource(&a, &b);
        if (!known)
            FERRY_TRY(ferry_buf_print(&text, err, "%s%.*s:%.*s", text.len > 0 ? " " : "",
                                      (int)b.resource_len, b.resource, (int)b.actions_len,
                                      b.actions));
    }
    *out = (char *)ferry_steal(&text.data);
    return 0;
}
