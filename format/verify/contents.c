#include "format/verify/contents.h"

void ferry_contents_free(struct ferry_contents *contents)
{
    if (!contents)
        return;
    free(contents->images);
    free(contents->image_of);
    free(contents->next_name);
    free(contents->reached_by);
    free(contents->spaces);
    free(contents->damages);
    free(contents);
}

static void add(int64_t *sum, int64_t bytes)
{
    if (!ferry_add(*sum, bytes, sum)) /* sizes that no medium has */
        *sum = INT64_MAX;
}

/* The images by their roots, and the names of each. */
static int group_names(struct ferry_contents *c, struct ferry_err *err)
{
    const struct ferry_graph *graph = c->report->graph;
    /* Of the image with that root, by its place: its last name so far, plus one. */
    FERRY_OWNED_MEM size_t *last_name = calloc(graph->count + 1, sizeof(*last_name));

    if (!last_name)
        return ferry_fail_memory(err);
    for (size_t i = 0; i < graph->image_count; i++) {
        struct ferry_node *root = graph->images[i].root;
        size_t last = last_name[root->place];

        if (last > 0) {
            c->next_name[last - 1] = i;
            c->image_of[i] = c->image_of[last - 1];
        } else {
            c->image_of[i] = c->count;
            c->images[c->count++] = (struct ferry_contents_image){ .root = root, .name = i };
        }
        last_name[root->place] = i + 1;
    }
    return 0;
}

static int count_reached(struct ferry_contents *c, struct ferry_err *err)
{
    for (size_t i = 0; i < c->count; i++) {
        FERRY_OWNED_MEM struct ferry_node **nodes = NULL;
        size_t count;

        FERRY_TRY(ferry_graph_closure(c->report->graph, c->images[i].root, &nodes, &count, err));
        for (size_t k = 0; k < count; k++)
            c->reached_by[nodes[k]->place]++;
    }
    return 0;
}

static enum ferry_space space_of(const struct ferry_contents *c, const struct ferry_node *node)
{
    switch (node->state) {
    case FERRY_NODE_LEFT_OUT:
        return node->is_manifest ? FERRY_SPACE_KINDS : FERRY_SPACE_ELSEWHERE;
    case FERRY_NODE_IN_BASE:
        return FERRY_SPACE_BASE;
    case FERRY_NODE_GOOD:
        return c->reached_by[node->place] > 1 ? FERRY_SPACE_SHARED : FERRY_SPACE_OWN;
    default:
        return FERRY_SPACE_FAULTY;
    }
}

/* Each blob once. */
static void count_nodes(struct ferry_contents *c)
{
    const struct ferry_verify_report *report = c->report;

    for (size_t i = 0; i < report->graph->count; i++)
        c->spaces[i] = space_of(c, report->graph->nodes[i]);
    for (size_t i = 0; i < report->fault_count; i++) /* diffIDs: right bytes of a wrong layer */
        if (report->faults[i].node && !report->faults[i].is_healed)
            c->spaces[report->faults[i].node->place] = FERRY_SPACE_FAULTY;
    for (size_t i = 0; i < report->graph->count; i++) {
        int64_t size = report->graph->nodes[i]->descriptor.size;

        if (c->spaces[i] == FERRY_SPACE_KINDS)
            continue;
        add(&c->bytes[c->spaces[i]], size);
        add(&c->sum, size);
        if (c->spaces[i] != FERRY_SPACE_SHARED)
            continue;
        c->shared_blobs++;
        if (__builtin_mul_overflow(size, (int64_t)c->reached_by[i] - 1, &size))
            size = INT64_MAX;
        add(&c->saved, size);
    }
}

static int add_damage(struct ferry_contents *c, size_t place, size_t image, struct ferry_err *err)
{
    FERRY_TRY(ferry_grow((void **)&c->damages, c->damage_count, &c->damage_room,
                         sizeof(*c->damages), err));
    c->damages[c->damage_count++] = (struct ferry_damage){ place, image };
    return 0;
}

static int count_image(struct ferry_contents *c, size_t i, struct ferry_err *err)
{
    struct ferry_contents_image *image = &c->images[i];
    FERRY_OWNED_MEM struct ferry_node **nodes = NULL;
    size_t count;

    image->whole = true;
    FERRY_TRY(ferry_graph_closure(c->report->graph, image->root, &nodes, &count, err));
    for (size_t k = 0; k < count; k++) {
        enum ferry_space space = c->spaces[nodes[k]->place];

        if (space == FERRY_SPACE_KINDS)
            continue;
        add(&image->bytes[space], nodes[k]->descriptor.size);
        add(&image->sum, nodes[k]->descriptor.size);
        if (space != FERRY_SPACE_FAULTY)
            continue;
        image->whole = false;
        FERRY_TRY(add_damage(c, nodes[k]->place, i, err));
    }
    return 0;
}

static int compare_damages(const void *a, const void *b)
{
    const struct ferry_damage *x = a, *y = b;

    if (x->place != y->place)
        return x->place < y->place ? -1 : 1;
    return x->image < y->image ? -1 : x->image > y->image;
}

static int count_all(struct ferry_contents *c, struct ferry_err *err)
{
    FERRY_TRY(group_names(c, err));
    FERRY_TRY(count_reached(c, err));
    count_nodes(c);
    for (size_t i = 0; i < c->count; i++)
        FERRY_TRY(count_image(c, i, err));
    if (c->damage_count > 0)
        qsort(c->damages, c->damage_count, sizeof(*c->damages), compare_damages);
    return 0;
}

int ferry_contents_new(const struct ferry_verify_report *report, struct ferry_contents **out,
                       struct ferry_err *err)
{
    const struct ferry_graph *graph = report->graph;
    FERRY_OWNED(ferry_contents) c = calloc(1, sizeof(*c));

    if (!c)
        return ferry_fail_memory(err);
    c->report = report;
    c->images = calloc(graph->image_count + 1, sizeof(*c->images));
    c->image_of = calloc(graph->image_count + 1, sizeof(*c->image_of));
    c->next_name = calloc(graph->image_count + 1, sizeof(*c->next_name));
    c->reached_by = calloc(graph->count + 1, sizeof(*c->reached_by));
    c->spaces = calloc(graph->count + 1, sizeof(*c->spaces));
    if (!c->images || !c->image_of || !c->next_name || !c->reached_by || !c->spaces)
        return ferry_fail_memory(err);
    FERRY_TRY(count_all(c, err));
    *out = ferry_steal(&c);
    return 0;
}

static int compare_places(const void *a, const void *b)
{
    size_t x = ((const struct ferry_damage *)a)->place, y = ((const struct ferry_damage *)b)->place;

    return x < y ? -1 : x > y;
}

void ferry_damaged_begin(struct ferry_damaged *walk, const struct ferry_contents *contents,
                         const struct ferry_fault *fault)
{
    const struct ferry_damage *found = NULL, *end = contents->damages + contents->damage_count;

    *walk = (struct ferry_damaged){ .contents = contents };
    if (fault->node && contents->damage_count > 0)
        found = bsearch(&(struct ferry_damage){ .place = fault->node->place }, contents->damages,
                        contents->damage_count, sizeof(*found), compare_places);
    if (!found)
        return;
    while (found > contents->damages && found[-1].place == fault->node->place)
        found--;
    walk->next = walk->end = found;
    while (walk->end < end && walk->end->place == fault->node->place)
        walk->end++;
}

const char *ferry_damaged_next(struct ferry_damaged *walk)
{
    const struct ferry_contents *c = walk->contents;
    size_t name = walk->name;

    if (name == 0) {
        if (walk->next == walk->end)
            return NULL;
        name = c->images[walk->next++->image].name;
    }
    walk->name = c->next_name[name];
    return c->report->graph->images[name].name;
}

static int add_platform(const struct ferry_platform *platform, struct ferry_buf *out,
                        struct ferry_err *err)
{
    char text[FERRY_PLATFORM_TEXT_MAX];

    if (ferry_platform_is_unknown(platform)) /* an attestation, which runs nowhere */
        return 0;
    return ferry_buf_print(out, err, "%s%s", out->len ? " " : "",
                           ferry_platform_format(platform, text));
}

int ferry_contents_platforms(const struct ferry_node *root, size_t limit, struct ferry_buf *out,
                             struct ferry_err *err)
{
    if (root->kind == FERRY_KIND_MANIFEST && root->count > 0)
        return add_platform(&root->children[0]->descriptor.platform, out, err);
    for (size_t i = 0; root->platforms && i < root->count; i++) {
        if (root->children[i]->state == FERRY_NODE_LEFT_OUT)
            continue;
        if (out->len > limit)
            return ferry_buf_print(out, err, " ...");
        FERRY_TRY(add_platform(&root->platforms[i], out, err));
    }
    return 0;
}
