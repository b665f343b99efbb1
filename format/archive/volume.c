#include "format/archive/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/core/blob_impl.h"
#include "format/core/cancel.h"
#include "format/core/hasher.h"

/* Files that stay open; further ones are opened for each read. */
#define OPEN_MAX 128
#define HASH_CHUNK ((size_t)256 * 1024)

struct item {
    struct ferry_volume facts;
    char *path;
    int64_t first; /* of its bytes, among those of all */
    int fd;        /* -1 until it is read */
};

struct ferry_volumes {
    char *name;
    struct item *items;
    size_t count, room;
    int64_t size;
    const struct ferry_volume_prompt *prompt;
    pthread_mutex_t opening; /* over descriptors */
    size_t open_count;
    pthread_mutex_t hashing;   /* over what follows, and digests */
    struct ferry_hasher *hash; /* NULL when nobody watches */
    int64_t hashed;            /* bytes up to here went by in order */
};

int ferry_volumes_new(const char *name, struct ferry_volumes **out, struct ferry_err *err)
{
    FERRY_OWNED(ferry_volumes) v = calloc(1, sizeof(*v));

    if (!v)
        return ferry_fail_memory(err);
    pthread_mutex_init(&v->opening, NULL);
    pthread_mutex_init(&v->hashing, NULL);
    FERRY_TRY(ferry_text(&v->name, err, "%s", name));
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
    pthread_mutex_destroy(&volumes->opening);
    pthread_mutex_destroy(&volumes->hashing);
    ferry_hasher_free(volumes->hash);
    free(volumes->items);
    free(volumes->name);
    free(volumes);
}

int ferry_volumes_add(struct ferry_volumes *volumes, const struct ferry_volume *volume,
                      struct ferry_err *err)
{
    struct item item = { .facts = *volume, .first = volumes->size, .fd = -1 };
    int64_t size = volumes->size;

    if (!volume->is_surplus && !ferry_add(size, volume->size, &size))
        return ferry_fail(err, FERRY_ELIMIT, "%s: is larger than any file", volumes->name);
    FERRY_TRY(
        ferry_grow((void **)&volumes->items, volumes->count, &volumes->room, sizeof(item), err));
    FERRY_TRY(ferry_text(&item.path, err, "%s", volume->path));
    item.facts.path = item.path;
    item.facts.name = strrchr(item.path, '/') ? strrchr(item.path, '/') + 1 : item.path;
    volumes->items[volumes->count++] = item;
    volumes->size = size;
    return 0;
}

void ferry_volumes_set_prompt(struct ferry_volumes *volumes,
                              const struct ferry_volume_prompt *prompt)
{
    volumes->prompt = prompt;
}

const char *ferry_volumes_name(const struct ferry_volumes *volumes)
{
    return volumes->name;
}

int64_t ferry_volumes_size(const struct ferry_volumes *volumes)
{
    return volumes->size;
}

size_t ferry_volumes_count(const struct ferry_volumes *volumes)
{
    return volumes->count;
}

const struct ferry_volume *ferry_volumes_get(const struct ferry_volumes *volumes, size_t place)
{
    return &volumes->items[place].facts;
}

bool ferry_volumes_is_set(const struct ferry_volumes *volumes)
{
    return volumes->count != 1 || strcmp(volumes->items[0].path, volumes->name) != 0;
}

size_t ferry_volumes_find(const struct ferry_volumes *volumes, int64_t offset)
{
    size_t low = 0, high = volumes->count - 1;

    while (low < high) {
        size_t middle = low + (high - low + 1) / 2;

        if (!volumes->items[middle].facts.is_surplus && volumes->items[middle].first <= offset)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

/* --- opening -------------------------------------------------------------------------------- */

/* Whether the volume can be read as it should be; else *err says why not. */
static int look(struct item *item, struct ferry_err *err)
{
    struct stat st;

    item->facts.found = stat(item->path, &st) == 0 ? st.st_size : -1;
    if (item->facts.found < 0)
        return ferry_fail(err, FERRY_EFORMAT, "%s is not there", item->path);
    if (item->facts.found != item->facts.size)
        return ferry_fail(err, FERRY_EFORMAT,
                          "%s has %" PRId64 " bytes, and the sums file says %" PRId64, item->path,
                          item->facts.found, item->facts.size);
    return 0;
}

/* The medium of the volume before can be taken out now. */
static int ask_for(struct ferry_volumes *v, struct item *item, struct ferry_err *err)
{
    struct ferry_err why;

    for (size_t i = 0; i < v->count; i++)
        if (v->items[i].fd >= 0) {
            close(v->items[i].fd);
            v->items[i].fd = -1;
        }
    v->open_count = 0;
    while (look(item, &why) < 0)
        FERRY_TRY(v->prompt->ask(v->prompt->ctx, why.msg, err));
    return 0;
}

/* *keeps: it stays open, and is not the caller's to close. */
static int open_item(struct ferry_volumes *v, struct item *item, bool *keeps, struct ferry_err *err)
{
    int fd = item->fd;

    if (fd < 0 && v->prompt)
        FERRY_TRY(ask_for(v, item, err));
    if (fd < 0)
        fd = open(item->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ferry_fail(err, FERRY_EIO, "cannot open: %s", strerror(errno));
    if (item->fd < 0 && v->open_count < OPEN_MAX) {
        item->fd = fd;
        v->open_count++;
    }
    *keeps = item->fd == fd;
    return fd;
}

/* --- reading -------------------------------------------------------------------------------- */

static int read_file(struct ferry_volumes *v, struct item *item, int64_t offset, void *buf,
                     size_t cap, size_t *got, struct ferry_err *err)
{
    bool keeps = true;
    ssize_t n;
    int fd;

    pthread_mutex_lock(&v->opening);
    fd = open_item(v, item, &keeps, err);
    pthread_mutex_unlock(&v->opening);
    FERRY_TRY(fd);
    n = pread(fd, buf, cap, offset);
    if (n < 0)
        ferry_fail(err, FERRY_EIO, "cannot read: %s", strerror(errno));
    if (n == 0)
        ferry_fail(err, FERRY_EIO, "became shorter");
    if (!keeps)
        close(fd);
    *got = n > 0 ? (size_t)n : 0;
    return n > 0 ? 0 : (int)err->code;
}

/* From `offset` in a volume on. Whoever reads a single file says which. */
static int read_item(struct ferry_volumes *v, struct item *item, int64_t offset, void *buf,
                     size_t cap, size_t *got, struct ferry_err *err)
{
    int rc;

    FERRY_TRY(ferry_cancel_check(err));
    if (!v->prompt && item->facts.found < 0)
        rc = ferry_fail(err, FERRY_EFORMAT, "is missing");
    else if (!v->prompt && offset >= item->facts.found)
        rc = ferry_fail(err, FERRY_EFORMAT, "is cut at byte %" PRId64 " of %" PRId64,
                        item->facts.found, item->facts.size);
    else
        rc = read_file(v, item, offset, buf, cap, got, err);
    return rc < 0 && ferry_volumes_is_set(v) ? ferry_wrap(err, "%s", item->facts.name) : rc;
}

/* Hashes what is new of the bytes that were just read. */
static int take_note(struct ferry_volumes *v, struct item *item, int64_t offset, const uint8_t *buf,
                     size_t len, struct ferry_err *err)
{
    size_t known = (size_t)(v->hashed - offset);

    if (offset > v->hashed || known >= len || item->facts.found != item->facts.size)
        return 0;
    FERRY_TRY(ferry_hasher_update(v->hash, buf + known, len - known, err));
    v->hashed += (int64_t)(len - known);
    if (v->hashed < item->first + item->facts.size)
        return 0;
    return ferry_hasher_final(v->hash, &item->facts.digest, err);
}

int ferry_volumes_read_at(struct ferry_volumes *volumes, int64_t offset, void *buf, size_t cap,
                          size_t *got, struct ferry_err *err)
{
    struct item *item;
    int64_t left;

    *got = 0;
    if (offset >= volumes->size)
        return 0;
    item = &volumes->items[ferry_volumes_find(volumes, offset)];
    left = item->first + item->facts.size - offset;
    FERRY_TRY(read_item(volumes, item, offset - item->first, buf,
                        left < (int64_t)cap ? (size_t)left : cap, got, err));
    return volumes->hash ? take_note(volumes, item, offset, buf, *got, err) : 0;
}

/* --- digests -------------------------------------------------------------------------------- */

int ferry_volumes_watch(struct ferry_volumes *volumes, struct ferry_err *err)
{
    return volumes->hash ? 0 : ferry_hasher_new(FERRY_SHA256, &volumes->hash, err);
}

bool ferry_volumes_watched(const struct ferry_volumes *volumes)
{
    return volumes->hash != NULL;
}

/* What of the volume is not hashed yet; the rest is in v->hash. */
static int hash_rest(struct ferry_volumes *v, struct item *item, struct ferry_hasher *hash,
                     int64_t from, struct ferry_err *err)
{
    FERRY_OWNED_MEM uint8_t *chunk = malloc(HASH_CHUNK);

    if (!chunk)
        return ferry_fail_memory(err);
    while (from < item->facts.found) {
        int64_t left = item->facts.found - from;
        size_t got = 0;

        FERRY_TRY(read_item(v, item, from, chunk,
                            left < (int64_t)HASH_CHUNK ? (size_t)left : HASH_CHUNK, &got, err));
        FERRY_TRY(ferry_hasher_update(hash, chunk, got, err));
        from += (int64_t)got;
    }
    return ferry_hasher_final(hash, &item->facts.digest, err);
}

static int hash_item(struct ferry_volumes *v, struct item *item, struct ferry_err *err)
{
    FERRY_OWNED(ferry_hasher) hash = NULL;
    int64_t begun = v->hash ? v->hashed - item->first : 0;

    if (item->facts.digest.text[0] || item->facts.found < 0)
        return 0;
    if (!item->facts.is_surplus && item->facts.found == item->facts.size && begun > 0 &&
        begun < item->facts.size) {
        v->hashed = item->first + item->facts.size;
        return hash_rest(v, item, v->hash, begun, err);
    }
    FERRY_TRY(ferry_hasher_new(FERRY_SHA256, &hash, err));
    return hash_rest(v, item, hash, 0, err);
}

int ferry_volumes_hash(struct ferry_volumes *volumes, size_t place, struct ferry_err *err)
{
    int rc;

    pthread_mutex_lock(&volumes->hashing);
    rc = hash_item(volumes, &volumes->items[place], err);
    pthread_mutex_unlock(&volumes->hashing);
    return rc;
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
