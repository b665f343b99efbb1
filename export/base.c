#include "export/base.h"

#include <string.h>

#include "format/archive/archive_files.h"
#include "format/archive/load.h"
#include "format/archive/volume_sums.h"

static void base_release(struct ferry_base *base)
{
    for (size_t i = 0; base->repositories && i < base->graph->image_count; i++)
        free(base->repositories[i]);
    free(base->repositories);
    free(base->where);
    ferry_graph_free(base->graph);
}

void ferry_base_set_free(struct ferry_base_set *set)
{
    if (!set)
        return;
    for (size_t i = 0; i < set->count; i++)
        base_release(&set->items[i]);
    free(set->items);
    free(set);
}

/* What nothing can be left to. */
static int check_documents(const struct ferry_graph *graph, struct ferry_err *err)
{
    if (!graph->is_ours)
        return ferry_fail(err, FERRY_EUSAGE,
                          "is another tool's image layout: only an archive of ociferry-export can "
                          "be a base");
    for (size_t i = 0; i < graph->count; i++)
        if (graph->nodes[i]->state == FERRY_NODE_BAD)
            return ferry_fail(err, graph->nodes[i]->fault_code, "a document of it is not right: %s",
                              graph->nodes[i]->fault ? graph->nodes[i]->fault : "out of memory");
    return 0;
}

/* Marks the blobs that have an entry of the right size, by node->place. */
static int find_entries(struct ferry_reader *reader, const struct ferry_graph *graph,
                        bool *is_there, struct ferry_err *err)
{
    struct ferry_entry entry;
    const struct ferry_node *node;

    for (;;) {
        FERRY_TRY(ferry_reader_next(reader, &entry, err));
        if (entry.kind == FERRY_ENTRY_END)
            return 0;
        node = entry.kind == FERRY_ENTRY_BLOB ? ferry_graph_find(graph, &entry.digest) : NULL;
        if (node && entry.size == node->descriptor.size)
            is_there[node->place] = true;
    }
}

/* Whether it holds its documents alone. */
static bool is_saved(const struct ferry_graph *graph, const bool *is_there)
{
    for (size_t i = 0; i < graph->count; i++)
        if (is_there[i] && !graph->nodes[i]->is_manifest)
            return false;
    return true;
}

/* A layer has the repository of the first image that reaches it. */
static int set_where(struct ferry_base *base, size_t image, const bool *has, struct ferry_err *err)
{
    const struct ferry_image *i = &base->graph->images[image];
    FERRY_OWNED_MEM struct ferry_node **reached = NULL;
    size_t count;

    if (!i->ref.repository[0])
        return 0;
    FERRY_TRY(
        ferry_text(&base->repositories[image], err, "%s/%s", i->ref.registry, i->ref.repository));
    FERRY_TRY(ferry_graph_closure(base->graph, i->root, &reached, &count, err));
    for (size_t k = 0; k < count; k++)
        if (has[reached[k]->place] && !base->where[reached[k]->place])
            base->where[reached[k]->place] = base->repositories[image];
    return 0;
}

/* From what is there to what the base has; *lacking counts what should be there. */
static int find_layers(struct ferry_base *base, bool *is_there, size_t *lacking,
                       struct ferry_err *err)
{
    const struct ferry_graph *graph = base->graph;
    bool saved = is_saved(graph, is_there);

    for (size_t i = 0; i < graph->count; i++) {
        const struct ferry_node *node = graph->nodes[i];

        if (node->is_manifest)
            continue;
        *lacking += !saved && !is_there[i] && node->state == FERRY_NODE_WANTED;
        is_there[i] = is_there[i] || node->state == FERRY_NODE_IN_BASE ||
                      (saved && node->state == FERRY_NODE_WANTED);
    }
    base->where = calloc(graph->count + 1, sizeof(*base->where));
    base->repositories = calloc(graph->image_count + 1, sizeof(*base->repositories));
    if (!base->where || !base->repositories)
        return ferry_fail_memory(err);
    for (size_t i = 0; i < graph->image_count; i++)
        FERRY_TRY(set_where(base, i, is_there, err));
    return 0;
}

/* In order: it is read once, and what it is compressed with, or cut into, does not matter. */
static int read_base(struct ferry_base *base, size_t *lacking, struct ferry_err *err)
{
    FERRY_OWNED(ferry_reader) reader = NULL;
    FERRY_OWNED_MEM bool *is_there = NULL;

    FERRY_TRY(ferry_graph_new(&base->graph, err));
    FERRY_TRY(ferry_reader_open_in_order(base->path, &reader, err));
    FERRY_TRY(ferry_archive_load(reader, base->graph, err));
    FERRY_TRY(check_documents(base->graph, err));
    is_there = calloc(base->graph->count + 1, sizeof(*is_there));
    if (!is_there)
        return ferry_fail_memory(err);
    FERRY_TRY(find_entries(reader, base->graph, is_there, err));
    return find_layers(base, is_there, lacking, err);
}

static bool is_known(const struct ferry_base_set *set, const struct ferry_digest *digest)
{
    for (size_t i = 0; i < set->count; i++)
        if (ferry_digest_equal(&set->items[i].graph->index, digest))
            return true;
    return false;
}

static int wrap_base(const char *path, struct ferry_err *err)
{
    return strstr(err->msg, path) ? ferry_wrap(err, "--base") : ferry_wrap(err, "--base %s", path);
}

static int add_base(struct ferry_base_set *set, const char *path, struct ferry_progress *progress,
                    struct ferry_err *err)
{
    struct ferry_base base = { .path = path };
    size_t lacking = 0;
    int rc = read_base(&base, &lacking, err);

    if (rc < 0 || is_known(set, &base.graph->index)) {
        base_release(&base);
        return rc < 0 ? wrap_base(path, err) : 0;
    }
    if (lacking > 0)
        ferry_progress_warn(progress,
                            "--base %s: is not complete: %zu of its blobs are missing, and nothing "
                            "of these is left to it",
                            path, lacking);
    set->items[set->count++] = base;
    return 0;
}

int ferry_base_set_load(const struct ferry_list *paths, struct ferry_progress *progress,
                        struct ferry_base_set **out, struct ferry_err *err)
{
    FERRY_OWNED(ferry_base_set) set = calloc(1, sizeof(*set));

    if (!set)
        return ferry_fail_memory(err);
    set->items = calloc(paths->count + 1, sizeof(*set->items));
    if (!set->items)
        return ferry_fail_memory(err);
    for (size_t i = 0; i < paths->count; i++)
        FERRY_TRY(add_base(set, paths->items[i], progress, err));
    *out = ferry_steal(&set);
    return 0;
}

/* Whether the new archive takes the place of a file of the base. */
static int find_loss(const char *base, const char *output, bool in_volumes, bool *is_lost,
                     struct ferry_err *err)
{
    char first[FERRY_VOLUME_TEXT_MAX];
    const char *const suffixes[] = { "", ferry_volume_suffix(0, first), FERRY_SUMS_SUFFIX };

    for (size_t i = 0; i < (in_volumes ? FERRY_COUNT(suffixes) : 1); i++) {
        FERRY_OWNED_MEM char *path = NULL;

        FERRY_TRY(ferry_text(&path, err, "%s%s", output, suffixes[i]));
        *is_lost = *is_lost || ferry_archive_has_file(base, path);
    }
    return 0;
}

int ferry_base_set_check_output(const struct ferry_base_set *set, const char *output,
                                bool in_volumes, struct ferry_err *err)
{
    bool is_lost = false;

    for (size_t i = 0; strcmp(output, "-") != 0 && i < set->count; i++) {
        FERRY_TRY(find_loss(set->items[i].path, output, in_volumes, &is_lost, err));
        if (is_lost)
            return ferry_fail(err, FERRY_EUSAGE,
                              "-o %s: is the base %s, and what is left to a base is worth nothing "
                              "without it: name another file",
                              output, set->items[i].path);
    }
    return 0;
}

static int name_bases(const struct ferry_base_set *set, struct ferry_graph *graph,
                      struct ferry_err *err)
{
    struct ferry_bases bases = { .digests = calloc(set->count + 1, sizeof(*bases.digests)) };

    if (!bases.digests)
        return ferry_fail_memory(err);
    for (size_t i = 0; i < set->count; i++)
        bases.digests[bases.count++] = set->items[i].graph->index;
    qsort(bases.digests, bases.count, sizeof(*bases.digests), ferry_digest_compare);
    ferry_graph_leave_to_bases(graph, &bases);
    return 0;
}

/* What says another size is another blob, whoever is wrong. */
static const char *find_where(const struct ferry_base *base, const struct ferry_node *node)
{
    const struct ferry_node *there = ferry_graph_find(base->graph, &node->descriptor.digest);

    return there && there->descriptor.size == node->descriptor.size ? base->where[there->place]
                                                                    : NULL;
}

static void leave(struct ferry_base_set *set, struct ferry_node *node)
{
    for (size_t i = 0; i < set->count; i++) {
        const char *where = find_where(&set->items[i], node);

        if (!where)
            continue;
        node->state = FERRY_NODE_IN_BASE;
        node->base_repository = where;
        set->items[i].layers++;
        set->items[i].bytes += node->descriptor.size;
        return;
    }
}

int ferry_base_set_apply(struct ferry_base_set *set, struct ferry_graph *graph,
                         struct ferry_err *err)
{
    FERRY_TRY(name_bases(set, graph, err));
    for (size_t i = 0; i < set->count; i++) {
        set->items[i].layers = 0;
        set->items[i].bytes = 0;
    }
    for (size_t i = 0; i < graph->count; i++) {
        struct ferry_node *node = graph->nodes[i];

        if (!node->is_manifest && !node->is_config && node->state == FERRY_NODE_WANTED)
            leave(set, node);
    }
    return 0;
}
