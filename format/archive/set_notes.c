#include "format/archive/set_notes.h"

#include <stdarg.h>
#include <stdio.h>

static const char *name_of(const struct ferry_archive_set *set, size_t place)
{
    return ferry_archive_name(&set->items[place]);
}

FERRY_PRINTF(3, 4)
static void tell(void (*to)(void *ctx, const char *text), void *ctx, const char *fmt, ...)
{
    FERRY_OWNED_MEM char *text = NULL;
    va_list args;

    va_start(args, fmt);
    if (vasprintf(&text, fmt, args) < 0)
        text = NULL;
    va_end(args);
    if (text)
        to(ctx, text);
}

static void note_unread(const struct ferry_archive_set *set, size_t place,
                        const struct ferry_set_listener *l)
{
    size_t twin = set->items[place].twin;

    if (twin != FERRY_NO_ARCHIVE)
        tell(l->warn, l->ctx, "%s: is a damaged copy of %s, which names the same images",
             name_of(set, place), name_of(set, twin));
    else
        tell(l->warn, l->ctx,
             "%s: which images it names is unknown: those that no other archive names are missing",
             name_of(set, place));
}

static void note_lost(const struct ferry_archive_set *set, const struct ferry_overruled *o,
                      const struct ferry_set_listener *l)
{
    tell(l->warn, l->ctx, "%s: %s is said to be %s, which no archive has: taken as %s says",
         name_of(set, o->part), o->image->name, o->image->root->descriptor.digest.text,
         name_of(set, o->by));
}

/* The images of one archive that another has in a newer version may be hundreds. */
static void note_newer(const struct ferry_archive_set *set, size_t part, size_t by,
                       const struct ferry_set_listener *l)
{
    const struct ferry_overruled *first = NULL;
    size_t count = 0;

    for (size_t i = set->overruled.count; i-- > 0;) {
        const struct ferry_overruled *o = &set->overruled.items[i];

        if (o->is_lost || o->part != part || o->by != by)
            continue;
        first = o;
        count++;
    }
    if (count == 1)
        tell(l->say, l->ctx, "%s: taken from %s, where it is newer than in %s", first->image->name,
             name_of(set, by), name_of(set, part));
    else if (count > 1)
        tell(l->say, l->ctx, "%s and %zu more: taken from %s, where they are newer than in %s",
             first->image->name, count - 1, name_of(set, by), name_of(set, part));
}

void ferry_set_notes(const struct ferry_archive_set *set, const struct ferry_set_listener *listener)
{
    for (size_t i = 0; set->count > 1 && i < set->count; i++)
        if (!set->items[i].is_read)
            note_unread(set, i, listener);
    for (size_t i = 0; i < set->overruled.count; i++)
        if (set->overruled.items[i].is_lost)
            note_lost(set, &set->overruled.items[i], listener);
    for (size_t part = 0; set->overruled.count > 0 && part < set->count; part++)
        for (size_t by = 0; by < set->count; by++)
            note_newer(set, part, by, listener);
}
