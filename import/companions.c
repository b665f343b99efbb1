#include "import/companions.h"

#include <string.h>

/* One image that belongs to a manifest, and where it goes so far. */
struct companion {
    const struct ferry_image *image;
    size_t *targets; /* places in follow->targets */
    size_t count, room;
};

struct follow {
    struct ferry_graph *graph;
    struct companion *companions; /* sorted by subject */
    size_t companion_count;
    struct ferry_target **targets;
    size_t *count, *room;
};

bool ferry_image_follows(const struct ferry_graph *graph, const struct ferry_image *image)
{
    return image->has_subject && ferry_graph_find(graph, &image->subject);
}

static int compare_companions(const void *a, const void *b)
{
    const struct companion *x = a, *y = b;
    int order = strcmp(x->image->subject.text, y->image->subject.text);

    return order ? order : (x->image > y->image) - (x->image < y->image);
}

static int list_companions(struct follow *f, struct ferry_err *err)
{
    f->companions = calloc(f->graph->image_count + 1, sizeof(*f->companions));
    if (!f->companions)
        return ferry_fail_memory(err);
    for (size_t i = 0; i < f->graph->image_count; i++)
        if (f->graph->images[i].has_subject)
            f->companions[f->companion_count++].image = &f->graph->images[i];
    qsort(f->companions, f->companion_count, sizeof(*f->companions), compare_companions);
    return 0;
}

/* The first companion of the digest; where there is none, whatever stands at its place. */
static size_t first_companion(const struct follow *f, const struct ferry_digest *subject)
{
    size_t low = 0, high = f->companion_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(f->companions[middle].image->subject.text, subject->text) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A referrer of another tool does not say which repository it is from: it belongs to all. */
static bool same_source(const struct ferry_image *companion, const struct ferry_image *image)
{
    return !companion->ref.repository[0] ||
           ferry_reference_compare_repository(&companion->ref, &image->ref) == 0;
}

static bool goes_to(const struct follow *f, const struct companion *companion,
                    const char *repository)
{
    for (size_t i = 0; i < companion->count; i++)
        if (strcmp((*f->targets)[companion->targets[i]].ref.repository, repository) == 0)
            return true;
    return false;
}

static int add_place(struct companion *companion, size_t target, struct ferry_err *err)
{
    FERRY_TRY(ferry_grow((void **)&companion->targets, companion->count, &companion->room,
                         sizeof(*companion->targets), err));
    companion->targets[companion->count++] = target;
    return 0;
}

/* What was named by itself has its place already. */
static int note_place(struct follow *f, size_t target, struct ferry_err *err)
{
    const struct ferry_image *image = (*f->targets)[target].image;

    for (size_t i = first_companion(f, &image->subject);
         image->has_subject && i < f->companion_count; i++)
        if (f->companions[i].image == image)
            return add_place(&f->companions[i], target, err);
    return 0;
}

/* `companion` goes where (*targets)[leader] goes, unless it is on its way there. */
static int follow_target(struct follow *f, struct companion *companion, size_t leader,
                         struct ferry_err *err)
{
    struct ferry_target target = (*f->targets)[leader];

    if (!same_source(companion->image, target.image) ||
        goes_to(f, companion, target.ref.repository))
        return 0;
    target.image = companion->image;
    target.follows = true;
    memcpy(target.ref.tag, companion->image->ref.tag, sizeof(target.ref.tag));
    target.ref.has_digest = !target.ref.tag[0];
    target.ref.digest = companion->image->root->descriptor.digest;
    FERRY_TRY(ferry_grow((void **)f->targets, *f->count, f->room, sizeof(**f->targets), err));
    (*f->targets)[(*f->count)++] = target;
    return add_place(companion, *f->count - 1, err);
}

/* Everything that belongs to a manifest that (*targets)[leader] reaches. */
static int follow_all(struct follow *f, size_t leader, struct ferry_err *err)
{
    FERRY_OWNED_MEM struct ferry_node **nodes = NULL;
    size_t count;

    FERRY_TRY(
        ferry_graph_closure(f->graph, (*f->targets)[leader].image->root, &nodes, &count, err));
    for (size_t i = 0; i < count; i++) {
        const struct ferry_digest *digest = &nodes[i]->descriptor.digest;

        if (!nodes[i]->is_manifest)
            continue;
        for (size_t k = first_companion(f, digest);
             k < f->companion_count && ferry_digest_equal(&f->companions[k].image->subject, digest);
             k++)
            FERRY_TRY(follow_target(f, &f->companions[k], leader, err));
    }
    return 0;
}

int ferry_companions_follow(struct ferry_graph *graph, struct ferry_target **targets, size_t *count,
                            size_t *room, struct ferry_err *err)
{
    struct follow f = { .graph = graph, .targets = targets, .count = count, .room = room };
    int rc = list_companions(&f, err);

    for (size_t i = 0; rc == 0 && i < *count; i++)
        rc = note_place(&f, i, err);
    /* The list grows while it is walked: what belongs to a companion follows in its turn. */
    for (size_t i = 0; rc == 0 && f.companion_count > 0 && i < *count; i++)
        rc = follow_all(&f, i, err);
    for (size_t i = 0; i < f.companion_count; i++)
        free(f.companions[i].targets);
    free(f.companions);
    return rc;
}
