#include "format/oci/unite.h"

#include <string.h>

struct unite {
    const struct ferry_part *parts;
    size_t count;
    bool *is_base; /* [i * count + k]: part i is a base of part k */
    struct ferry_graph *graph;
    struct ferry_overruled_list *overruled;
};

/* --- which images count ---------------------------------------------------------------------- */

/* An image of a part. */
struct entry {
    const struct ferry_image *image;
    size_t part;
    bool counts;
};

static bool is_referrer(const struct ferry_image *image)
{
    return image->has_subject && !image->ref.tag[0];
}

static int compare_names(const struct entry *x, const struct entry *y)
{
    const struct ferry_reference *a = &x->image->ref, *b = &y->image->ref;
    int order = ferry_reference_compare_name(a, b);

    if (order == 0 && !a->tag[0])
        order = strcmp(x->image->root->descriptor.digest.text,
                       y->image->root->descriptor.digest.text);
    if (order == 0 && !a->tag[0])
        order = is_referrer(x->image) - is_referrer(y->image);
    if (order == 0 && is_referrer(x->image))
        order = strcmp(x->image->subject.text, y->image->subject.text);
    return order;
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = *(struct entry *const *)a, *y = *(struct entry *const *)b;
    int order = compare_names(x, y);

    return order ? order : (x > y) - (x < y);
}

static bool is_same_image(const struct entry *x, const struct entry *y)
{
    return ferry_digest_equal(&x->image->root->descriptor.digest,
                              &y->image->root->descriptor.digest);
}

static bool is_lost(const struct entry *e)
{
    const struct ferry_node *root = e->image->root;

    return root->state == FERRY_NODE_BAD && root->fault_code == FERRY_ENOTFOUND;
}

static bool is_older(const struct unite *u, const struct entry *x, const struct entry *than)
{
    return u->is_base[x->part * u->count + than->part];
}

static bool yields(const struct unite *u, const struct entry *x, const struct entry *to)
{
    if (is_older(u, x, to) || is_older(u, to, x))
        return is_older(u, x, to);
    return is_lost(x) && !is_lost(to);
}

static int fail_name(const struct unite *u, const struct entry *x, const struct entry *y,
                     struct ferry_err *err)
{
    const struct entry *first = x->part < y->part ? x : y, *other = first == x ? y : x;

    return ferry_fail(err, FERRY_EUSAGE,
                      "%s is %s in %s and %s in %s, and neither archive is the base of the other: "
                      "take one after the other",
                      x->image->name, first->image->root->descriptor.digest.text,
                      u->parts[first->part].name, other->image->root->descriptor.digest.text,
                      u->parts[other->part].name);
}

static int overrule(const struct unite *u, const struct entry *x, const struct entry *by,
                    struct ferry_err *err)
{
    struct ferry_overruled_list *list = u->overruled;

    FERRY_TRY(
        ferry_grow((void **)&list->items, list->count, &list->room, sizeof(*list->items), err));
    list->items[list->count++] = (struct ferry_overruled){
        .image = x->image, .part = x->part, .by = by->part, .is_lost = !is_older(u, x, by)
    };
    return 0;
}

/* The entries of one name, in the order of their parts. What one part says twice is not ours to
 * decide. */
static int choose(const struct unite *u, struct entry *const *same, size_t count,
                  struct ferry_err *err)
{
    const struct entry *best = same[0];
    size_t part; /* from which it is taken */

    for (size_t i = 1; i < count; i++)
        if (!is_same_image(same[i], best) && yields(u, best, same[i]))
            best = same[i];
    part = best->part;
    for (size_t i = count; i-- > 0;)
        if (is_same_image(same[i], best))
            part = same[i]->part;
    for (size_t i = 0; i < count; i++) {
        bool is_same = is_same_image(same[i], best);

        same[i]->counts = same[i]->part == part || (same[i]->part == best->part && !is_same);
        if (same[i]->counts || is_same)
            continue;
        if (!yields(u, same[i], best))
            return fail_name(u, same[i], best, err);
        FERRY_TRY(overrule(u, same[i], best, err));
    }
    return 0;
}

static int choose_all(const struct unite *u, struct entry *entries, size_t count,
                      struct ferry_err *err)
{
    FERRY_OWNED_MEM struct entry **sorted = calloc(count + 1, sizeof(struct entry *));
    size_t next;

    if (!sorted)
        return ferry_fail_memory(err);
    for (size_t i = 0; i < count; i++)
        sorted[i] = &entries[i];
    qsort(sorted, count, sizeof(struct entry *), compare_entries);
    for (size_t i = 0; i < count; i = next) {
        for (next = i + 1; next < count && compare_names(sorted[i], sorted[next]) == 0;)
            next++;
        FERRY_TRY(choose(u, &sorted[i], next - i, err));
    }
    return 0;
}

/* A base of a base is a base. */
static int find_bases(struct unite *u, struct ferry_err *err)
{
    size_t n = u->count;

    u->is_base = calloc(n * n, sizeof(*u->is_base));
    if (!u->is_base)
        return ferry_fail_memory(err);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++)
            for (size_t b = 0; b < u->parts[k].graph->bases.count; b++)
                if (ferry_digest_equal(&u->parts[k].graph->bases.digests[b],
                                       &u->parts[i].graph->index))
                    u->is_base[i * n + k] = true;
    for (size_t via = 0; via < n; via++)
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < n; k++)
                if (u->is_base[i * n + via] && u->is_base[via * n + k])
                    u->is_base[i * n + k] = true;
    return 0;
}

/* --- what they reach ------------------------------------------------------------------------- */

/* What the parts make of a digest; each NULL where there is none such. */
struct views {
    struct ferry_node *good;      /* a document with its bytes */
    const struct ferry_node *bad; /* a document that is missing or wrong */
    const struct ferry_node *in_base;
    bool is_wanted;
};

static struct views look(const struct unite *u, const struct ferry_digest *digest)
{
    struct views views = { 0 };

    for (size_t i = 0; i < u->count; i++) {
        struct ferry_node *node = ferry_graph_find(u->parts[i].graph, digest);

        if (!node)
            continue;
        if (node->bytes && node->state == FERRY_NODE_GOOD && !views.good)
            views.good = node;
        if (node->state == FERRY_NODE_BAD && !views.bad)
            views.bad = node;
        if (node->state == FERRY_NODE_IN_BASE)
            views.in_base = node;
        views.is_wanted = views.is_wanted || !ferry_node_is_left(node);
    }
    return views;
}

/* Of a root that one part has right, and another describes wrongly, the right one counts. */
static const struct ferry_descriptor *describe(const struct unite *u,
                                               const struct ferry_descriptor *descriptor)
{
    const struct ferry_node *known = ferry_graph_find(u->graph, &descriptor->digest);
    const struct ferry_node *good = look(u, &descriptor->digest).good;

    return known ? &known->descriptor : good ? &good->descriptor : descriptor;
}

static int add_image(const struct unite *u, const struct entry *entry, struct ferry_err *err)
{
    const struct ferry_image *image = entry->image;
    const struct ferry_descriptor *root = describe(u, &image->root->descriptor);
    int rc = is_referrer(image)
                 ? ferry_graph_add_referrer(u->graph, &image->ref, &image->subject, root, err)
                 : ferry_graph_add_image(u->graph, &image->ref, root, err);

    return rc < 0 ? ferry_wrap(err, "%s", u->parts[entry->part].name) : 0;
}

/* A document of which the parts disagree what it is, is BAD. */
static int supply(struct ferry_graph *graph, struct ferry_node *node, struct ferry_node *from,
                  struct ferry_err *err)
{
    struct ferry_buf bytes = { .data = ferry_steal(&from->bytes),
                               .len = (size_t)from->descriptor.size };
    int rc = ferry_graph_supply(graph, node, &bytes, err);

    return rc == FERRY_ENOMEM ? rc : 0;
}

static int supply_documents(const struct unite *u, struct ferry_err *err)
{
    for (size_t i = 0; i < u->graph->count; i++) { /* grows while it is walked */
        struct ferry_node *node = u->graph->nodes[i];
        struct views views = look(u, &node->descriptor.digest);

        if (node->is_manifest && views.good && views.good->descriptor.size == node->descriptor.size)
            FERRY_TRY(supply(u->graph, node, views.good, err));
    }
    return 0;
}

/* What the union has to be missing, or does without. */
static void set_state(const struct unite *u, struct ferry_node *node)
{
    struct views views = look(u, &node->descriptor.digest);
    struct ferry_err why;

    if (views.is_wanted && node->is_manifest) {
        ferry_fail(&why, views.bad ? views.bad->fault_code : FERRY_ENOTFOUND, "%s",
                   views.bad && views.bad->fault ? views.bad->fault : node->descriptor.digest.text);
        ferry_node_set_fault(node, &why);
    } else if (views.is_wanted) {
        node->state = FERRY_NODE_WANTED;
    } else if (views.in_base) {
        node->state = FERRY_NODE_IN_BASE;
        node->base_repository = views.in_base->base_repository;
    } else {
        node->state = FERRY_NODE_LEFT_OUT;
    }
}

/* --- what they leave to others ---------------------------------------------------------------- */

/* A base that is neither named yet nor among the parts; in `named` from then on. */
static int name_base(struct ferry_bases *all, size_t *room, struct ferry_digest_map *named,
                     const struct ferry_digest *base, struct ferry_err *err)
{
    if (ferry_digest_map_find(named, base))
        return 0;
    FERRY_TRY(ferry_digest_map_add(named, base, all, err));
    FERRY_TRY(ferry_grow((void **)&all->digests, all->count, room, sizeof(*all->digests), err));
    all->digests[all->count++] = *base;
    return 0;
}

static int name_all(const struct unite *u, struct ferry_digest_map *named, struct ferry_err *err)
{
    struct ferry_bases *all = &u->graph->bases;
    size_t room = 0;

    for (size_t i = 0; i < u->count; i++)
        FERRY_TRY(ferry_digest_map_add(named, &u->parts[i].graph->index, all, err));
    for (size_t i = 0; i < u->count; i++)
        for (size_t k = 0; k < u->parts[i].graph->bases.count; k++)
            FERRY_TRY(name_base(all, &room, named, &u->parts[i].graph->bases.digests[k], err));
    return 0;
}

/* The bases that are not among the parts. */
static int name_bases(const struct unite *u, struct ferry_err *err)
{
    struct ferry_digest_map named = { 0 };
    int rc = name_all(u, &named, err);

    ferry_digest_map_release(&named);
    return rc;
}

static int fill(const struct unite *u, const struct entry *entries, size_t count,
                struct ferry_err *err)
{
    for (size_t i = 0; i < count; i++)
        if (entries[i].counts)
            FERRY_TRY(add_image(u, &entries[i], err));
    FERRY_TRY(supply_documents(u, err));
    FERRY_TRY(name_bases(u, err));
    for (size_t i = 0; i < u->graph->count; i++)
        if (u->graph->nodes[i]->state == FERRY_NODE_WANTED ||
            u->graph->nodes[i]->state == FERRY_NODE_LEFT_OUT)
            set_state(u, u->graph->nodes[i]);
    return 0;
}

static int unite(struct unite *u, struct ferry_err *err)
{
    FERRY_OWNED_MEM struct entry *entries = NULL;
    size_t count = 0;

    for (size_t i = 0; i < u->count; i++)
        count += u->parts[i].graph->image_count;
    for (size_t i = 0; i < u->count; i++)
        u->graph->is_ours = u->graph->is_ours || u->parts[i].graph->is_ours;
    entries = calloc(count + 1, sizeof(*entries));
    if (!entries)
        return ferry_fail_memory(err);
    count = 0;
    for (size_t i = 0; i < u->count; i++)
        for (size_t k = 0; k < u->parts[i].graph->image_count; k++)
            entries[count++] = (struct entry){ .image = &u->parts[i].graph->images[k], .part = i };
    FERRY_TRY(find_bases(u, err));
    FERRY_TRY(choose_all(u, entries, count, err));
    return fill(u, entries, count, err);
}

int ferry_graph_unite(const struct ferry_part *parts, size_t count,
                      struct ferry_overruled_list *overruled, struct ferry_graph **out,
                      struct ferry_err *err)
{
    FERRY_OWNED(ferry_graph) graph = NULL;
    struct unite u = { .parts = parts, .count = count, .overruled = overruled };
    int rc;

    FERRY_TRY(ferry_graph_new(&graph, err));
    u.graph = graph;
    rc = unite(&u, err);
    free(u.is_base);
    FERRY_TRY(rc);
    FERRY_TRY(ferry_graph_check_reach(graph, err));
    *out = ferry_steal(&graph);
    return 0;
}
