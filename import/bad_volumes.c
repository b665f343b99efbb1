#include "import/bad_volumes.h"

#include <string.h>

#include "format/archive/volume_fault.h"

struct search {
    struct ferry_reader *reader;
    struct ferry_volumes *volumes;
    struct ferry_progress *progress;
    bool *suspect; /* by place */
};

/* false when there is nothing to search. */
static bool begin(struct search *s)
{
    s->volumes = ferry_reader_volumes(s->reader);
    if (!s->volumes || !ferry_volumes_is_set(s->volumes))
        return false;
    s->suspect = calloc(ferry_volumes_count(s->volumes), sizeof(*s->suspect));
    return s->suspect != NULL;
}

static void suspect_range(struct search *s, int64_t first, int64_t end)
{
    int64_t size = ferry_volumes_size(s->volumes);
    size_t place = ferry_volumes_find(s->volumes, first);
    size_t last = ferry_volumes_find(s->volumes, (end < size ? end : size) - 1);

    for (; place <= last; place++)
        s->suspect[place] = true;
}

/* Without sums that is all there is to say. */
static void say_place(const struct search *s, const struct ferry_node *node, int64_t first)
{
    int64_t last = first + (node->descriptor.size > 0 ? node->descriptor.size - 1 : 0);
    size_t from = ferry_volumes_find(s->volumes, first), to = ferry_volumes_find(s->volumes, last);

    ferry_progress_error(s->progress, "%s: %s lies in %s%s%s", ferry_reader_name(s->reader),
                         node->descriptor.digest.text, ferry_volumes_get(s->volumes, from)->name,
                         from == to ? "" : " to ",
                         from == to ? "" : ferry_volumes_get(s->volumes, to)->name);
}

static void suspect_node(struct search *s, const struct ferry_node *node)
{
    int64_t first = ferry_reader_offset(s->reader, &node->descriptor.digest);
    bool has_sums = ferry_volumes_get(s->volumes, 0)->sum.text[0] != '\0';

    if (first >= 0 && !has_sums)
        say_place(s, node, first);
    else if (first >= 0)
        suspect_range(s, first, first + node->descriptor.size);
    else if (!ferry_reader_is_random(s->reader)) /* it may lie anywhere */
        suspect_range(s, 0, INT64_MAX);
}

/* Volumes that are asked for one by one were hashed as they went by. */
static void say_suspects(const struct search *s)
{
    char text[FERRY_ERR_MAX];
    struct ferry_err ignored;

    for (size_t i = 0; i < ferry_volumes_count(s->volumes); i++) {
        if (!s->suspect[i])
            continue;
        if (ferry_reader_can_restart(s->reader))
            (void)!ferry_volumes_hash(s->volumes, i, &ignored);
        if (ferry_volumes_fault(s->volumes, i, text))
            ferry_progress_error(s->progress, "%s: %s", ferry_reader_name(s->reader), text);
    }
}

static void say_head(const struct ferry_archive *archive, struct ferry_progress *progress)
{
    const enum ferry_code code = archive->fault.code;
    struct search s = { .reader = archive->reader, .progress = progress };

    if ((code != FERRY_EFORMAT && code != FERRY_EDIGEST) || !begin(&s))
        return;
    suspect_range(&s, 0, FERRY_MANIFEST_MAX);
    say_suspects(&s);
    free(s.suspect);
}

void ferry_bad_volumes_say_heads(const struct ferry_archive_set *archives,
                                 struct ferry_progress *progress)
{
    for (size_t i = 0; i < archives->count; i++)
        if (archives->items[i].reader && !archives->items[i].is_read && !archives->items[i].is_cut)
            say_head(&archives->items[i], progress);
}

static void say_blobs(const struct ferry_archive *archive, const struct ferry_graph *graph,
                      struct ferry_progress *progress)
{
    struct search s = { .reader = archive->reader, .progress = progress };

    if (!begin(&s))
        return;
    for (size_t i = 0; i < archive->bad_count; i++) {
        const struct ferry_node *node = ferry_graph_find(graph, &archive->bad[i].digest);

        if (node)
            suspect_node(&s, node);
    }
    say_suspects(&s);
    free(s.suspect);
}

void ferry_bad_volumes_say(const struct ferry_archive_set *archives,
                           struct ferry_progress *progress)
{
    for (size_t i = 0; i < archives->count; i++)
        if (archives->items[i].bad_count > 0)
            say_blobs(&archives->items[i], archives->graph, progress);
}
