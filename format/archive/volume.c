#include "format/archive/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/core/blob_impl.h"
#include "format/core/cancel.h"

/* Files that stay open; further ones are opened for each read. */
#define OPEN_MAX 128

struct volume {
    char *path;
    int64_t first, size; /* of its bytes, among those of all */
    int fd;              /* -1 until it is read */
};

struct ferry_volumes {
    struct volume *items;
    size_t count, room;
    pthread_mutex_t lock; /* of descriptors */
    size_t open_count;
};

int ferry_volumes_new(struct ferry_volumes **out, struct ferry_err *err)
{
    struct ferry_volumes *v = calloc(1, sizeof(*v));

    if (!v)
        return ferry_fail_memory(err);
    pthread_mutex_init(&v->lock, NULL);
    *out = v;
    return 0;
}

int64_t ferry_volumes_size(const struct ferry_volumes *volumes)
{
    const struct volume *end = volumes->items + volumes->count;

    return volumes->count > 0 ? end[-1].first + end[-1].size : 0;
}

int ferry_volumes_add(struct ferry_volumes *volumes, const char *path, int64_t size,
                      struct ferry_err *err)
{
    struct volume volume = { .first = ferry_volumes_size(volumes), .size = size, .fd = -1 };
    int64_t end;

    if (!ferry_add(volume.first, size, &end))
        return ferry_fail(err, FERRY_ELIMIT, "%s: is larger than any file", path);
    FERRY_TRY(
        ferry_grow((void **)&volumes->items, volumes->count, &volumes->room, sizeof(volume), err));
    FERRY_TRY(ferry_text(&volume.path, err, "%s", path));
    volumes->items[volumes->count++] = volume;
    return 0;
}

int ferry_volumes_open(const char *path, struct ferry_volumes **out, struct ferry_err *err)
{
    FERRY_OWNED(ferry_volumes) v = NULL;
    struct stat st;

    FERRY_TRY(ferry_volumes_new(&v, err));
    if (stat(path, &st) < 0)
        return ferry_fail(err, FERRY_EIO, "cannot open: %s", strerror(errno));
    FERRY_TRY(ferry_volumes_add(v, path, st.st_size, err));
    *out = ferry_steal(&v);
    return 0;
}

void ferry_volumes_free(struct ferry_volumes *volumes)
{
    if (!volumes)
        return;
    for (size_t i = 0; i < volumes->count; i++) {
        if (volumes->items[i].fd >= 0)
            close(volumes->items[i].fd);
        free(volumes->items[i].path);
    }
    pthread_mutex_destroy(&volumes->lock);
    free(volumes->items);
    free(volumes);
}

/* The volume that holds the byte at `offset`, which is one of theirs. */
static size_t find(const struct ferry_volumes *v, int64_t offset)
{
    size_t low = 0, high = v->count - 1;

    while (low < high) {
        size_t middle = low + (high - low + 1) / 2;

        if (v->items[middle].first <= offset)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

/* *keeps: it stays open, and is not the caller's to close. */
static int lend_fd(struct ferry_volumes *v, struct volume *volume, bool *keeps,
                   struct ferry_err *err)
{
    int fd;

    pthread_mutex_lock(&v->lock);
    fd = volume->fd >= 0 ? volume->fd : open(volume->path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && volume->fd < 0 && v->open_count < OPEN_MAX) {
        volume->fd = fd;
        v->open_count++;
    }
    *keeps = volume->fd >= 0;
    pthread_mutex_unlock(&v->lock);
    return fd >= 0 ? fd : ferry_fail(err, FERRY_EIO, "cannot open: %s", strerror(errno));
}

int ferry_volumes_read_at(struct ferry_volumes *volumes, int64_t offset, void *buf, size_t cap,
                          size_t *got, struct ferry_err *err)
{
    struct volume *volume;
    int64_t left;
    ssize_t n;
    bool keeps;
    int fd;

    *got = 0;
    FERRY_TRY(ferry_cancel_check(err));
    if (offset >= ferry_volumes_size(volumes))
        return 0;
    volume = &volumes->items[find(volumes, offset)];
    left = volume->first + volume->size - offset;
    fd = lend_fd(volumes, volume, &keeps, err);
    FERRY_TRY(fd);
    n = pread(fd, buf, left < (int64_t)cap ? (size_t)left : cap, offset - volume->first);
    if (n < 0)
        ferry_fail(err, FERRY_EIO, "cannot read: %s", strerror(errno));
    if (!keeps)
        close(fd);
    if (n < 0)
        return (int)err->code;
    if (n == 0)
        return ferry_fail(err, FERRY_EIO, "became shorter");
    *got = (size_t)n;
    return 0;
}

struct stretch {
    struct ferry_source base;
    struct ferry_volumes *volumes;
    int64_t at, end;
};

static int stretch_read(struct ferry_source *source, void *buf, size_t cap, size_t *got,
                        struct ferry_err *err)
{
    struct stretch *s = (struct stretch *)source;
    int64_t left = s->end - s->at;

    if (left == 0)
        return 0;
    FERRY_TRY(ferry_volumes_read_at(s->volumes, s->at, buf,
                                    left < (int64_t)cap ? (size_t)left : cap, got, err));
    if (*got == 0)
        return ferry_fail(err, FERRY_EIO, "became shorter");
    s->at += (int64_t)*got;
    return 0;
}

static void stretch_free(struct ferry_source *source)
{
    free(source);
}

static const struct ferry_source_ops stretch_ops = { stretch_read, NULL, stretch_free };

int ferry_volumes_source(struct ferry_volumes *volumes, int64_t start, int64_t end,
                         struct ferry_source **out, struct ferry_err *err)
{
    struct stretch *s = calloc(1, sizeof(*s));

    if (!s)
        return ferry_fail_memory(err);
    *s = (struct stretch){
        .base = { &stretch_ops, end - start }, .volumes = volumes, .at = start, .end = end
    };
    *out = &s->base;
    return 0;
}
