#include "format/archive/tar_places.h"

#include <string.h>

#include "format/archive/tar_stream.h"
#include "format/core/blob_impl.h"

int ferry_tar_places_add(struct ferry_tar_places *places, const struct ferry_tar_place *place,
                         struct ferry_err *err)
{
    FERRY_TRY(
        ferry_grow((void **)&places->list, places->count, &places->room, sizeof(*place), err));
    places->list[places->count++] = *place;
    return 0;
}

static int compare_places(const void *a, const void *b)
{
    const struct ferry_tar_place *x = a, *y = b;

    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return x->kind == FERRY_ENTRY_BLOB ? strcmp(x->digest.text, y->digest.text) : 0;
}

void ferry_tar_places_sort(struct ferry_tar_places *places)
{
    if (places->count > 0)
        qsort(places->list, places->count, sizeof(*places->list), compare_places);
}

void ferry_tar_places_release(struct ferry_tar_places *places)
{
    free(places->list);
    *places = (struct ferry_tar_places){ 0 };
}

const struct ferry_tar_place *ferry_tar_places_find(const struct ferry_tar_places *places,
                                                    enum ferry_entry_kind kind,
                                                    const struct ferry_digest *digest)
{
    struct ferry_tar_place wanted = { .kind = kind };

    if (places->count == 0)
        return NULL;
    if (digest)
        wanted.digest = *digest;
    return bsearch(&wanted, places->list, places->count, sizeof(wanted), compare_places);
}

/* One entry, read by a tar stream of its own. */
struct placed {
    struct ferry_source base;
    struct ferry_volumes *volumes;
    int64_t position;
    const char *name;
    struct ferry_tar *tar;
    struct ferry_source *body;
};

static int placed_open(struct placed *p, struct ferry_err *err)
{
    struct ferry_tar_entry entry;

    ferry_source_free(ferry_steal(&p->body));
    ferry_tar_free(ferry_steal(&p->tar));
    FERRY_TRY(ferry_tar_open(p->volumes, p->position, &p->tar, err));
    FERRY_TRY(ferry_tar_next(p->tar, &entry, err));
    p->base.size = entry.size;
    return ferry_tar_body(p->tar, &p->body, err);
}

static int placed_read(struct ferry_source *source, void *buf, size_t cap, size_t *got,
                       struct ferry_err *err)
{
    struct placed *p = (struct placed *)source;

    if (ferry_source_read(p->body, buf, cap, got, err) < 0)
        return ferry_wrap(err, "%s", p->name);
    return 0;
}

static int placed_rewind(struct ferry_source *source, int64_t offset, struct ferry_err *err)
{
    struct placed *p = (struct placed *)source;
    int64_t lacking;

    if (placed_open(p, err) < 0 || ferry_source_skip(p->body, offset, &lacking, err) < 0)
        return ferry_wrap(err, "%s", p->name);
    if (lacking > 0)
        return ferry_fail(err, FERRY_EFORMAT, "%s: became shorter", p->name);
    return 0;
}

static void placed_free(struct ferry_source *source)
{
    struct placed *p = (struct placed *)source;

    ferry_source_free(p->body);
    ferry_tar_free(p->tar);
    free(p);
}

static const struct ferry_source_ops placed_ops = { placed_read, placed_rewind, placed_free };

int ferry_tar_place_open(struct ferry_volumes *volumes, int64_t position, const char *name,
                         struct ferry_source **out, struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) source = NULL;
    struct placed *p = calloc(1, sizeof(*p));

    if (!p)
        return ferry_fail_memory(err);
    *p = (struct placed){
        .base = { &placed_ops, -1 }, .volumes = volumes, .position = position, .name = name
    };
    source = &p->base;
    if (placed_open(p, err) < 0)
        return ferry_wrap(err, "%s", name);
    *out = ferry_steal(&source);
    return 0;
}
