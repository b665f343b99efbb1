#include "import/mirror_rules.h"

#include <string.h>

int ferry_mirrors_add(struct ferry_mirrors *list, const char *source, const char *mirror,
                      struct ferry_err *err)
{
    struct ferry_mirror *item;

    FERRY_TRY(
        ferry_grow((void **)&list->items, list->count, &list->room, sizeof(*list->items), err));
    item = &list->items[list->count++];
    *item = (struct ferry_mirror){ 0 };
    FERRY_TRY(ferry_text(&item->source, err, "%s", source));
    return ferry_text(&item->mirror, err, "%s", mirror);
}

void ferry_mirrors_release(struct ferry_mirrors *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].source);
        free(list->items[i].mirror);
    }
    free(list->items);
    *list = (struct ferry_mirrors){ 0 };
}

/* A source repository, and its pairs in the order in which they came. */
struct repository {
    const char *source;
    const struct ferry_mirror **pairs;
    size_t count;
};

/* The names as a tree: sorted so that what a node has below it stands together. */
struct tree {
    const struct ferry_mirror **pairs;
    struct repository *repositories;
    size_t count;
};

/* A node: the repositories whose names begin with the same `len` bytes, up to a slash or the end.
 */
struct node {
    size_t begin, end, len;
};

/* A mirror that would do for a prefix: the beginning of a pair's. */
struct label {
    const char *text;
    size_t len;
};

struct labels {
    struct label *items;
    size_t count, room;
};

#define OWNED_LABELS __attribute__((cleanup(labels_release))) struct labels

static void labels_release(struct labels *labels)
{
    free(labels->items);
}

static int labels_add(struct labels *labels, struct label label, struct ferry_err *err)
{
    FERRY_TRY(ferry_grow((void **)&labels->items, labels->count, &labels->room,
                         sizeof(*labels->items), err));
    labels->items[labels->count++] = label;
    return 0;
}

static int compare_labels(const void *a, const void *b)
{
    const struct label *x = a, *y = b;
    int order = memcmp(x->text, y->text, x->len < y->len ? x->len : y->len);

    return order ? order : (x->len > y->len) - (x->len < y->len);
}

/* By components: the slash comes before everything else, so "a/b" before "a-b". */
static int compare_sources(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return (*a == '/' ? 1 : (unsigned char)*a) - (*b == '/' ? 1 : (unsigned char)*b);
}

static int compare_pairs(const void *a, const void *b)
{
    const struct ferry_mirror *x = *(const struct ferry_mirror *const *)a;
    const struct ferry_mirror *y = *(const struct ferry_mirror *const *)b;
    int order = compare_sources(x->source, y->source);

    return order ? order : (x > y) - (x < y);
}

static bool has_pair(const struct repository *repository, const char *mirror)
{
    for (size_t i = 0; i < repository->count; i++)
        if (strcmp(repository->pairs[i]->mirror, mirror) == 0)
            return true;
    return false;
}

static void tree_release(struct tree *tree)
{
    free(tree->pairs);
    free(tree->repositories);
}

static int tree_init(struct tree *tree, const struct ferry_mirrors *pairs, struct ferry_err *err)
{
    struct repository *last = NULL;

    *tree = (struct tree){ .pairs = calloc(pairs->count + 1, sizeof(*tree->pairs)),
                           .repositories = calloc(pairs->count + 1, sizeof(*tree->repositories)) };
    if (!tree->pairs || !tree->repositories)
        return ferry_fail_memory(err);
    for (size_t i = 0; i < pairs->count; i++)
        tree->pairs[i] = &pairs->items[i];
    qsort(tree->pairs, pairs->count, sizeof(*tree->pairs), compare_pairs);
    for (size_t i = 0; i < pairs->count; i++) {
        const struct ferry_mirror **pair = &tree->pairs[i];

        if (!last || strcmp(last->source, (*pair)->source) != 0) {
            last = &tree->repositories[tree->count++];
            *last = (struct repository){ .source = (*pair)->source, .pairs = pair };
        }
        if (!has_pair(last, (*pair)->mirror)) /* moved up over those that repeat */
            last->pairs[last->count++] = *pair;
    }
    return 0;
}

static const char *source_at(const struct tree *tree, struct node node)
{
    return tree->repositories[node.begin].source;
}

/* The repository whose name is that of the node; NULL for none. It is the first of them. */
static const struct repository *repository_at(const struct tree *tree, struct node node)
{
    return source_at(tree, node)[node.len] == '\0' ? &tree->repositories[node.begin] : NULL;
}

/* The next node below; false when there is none. Zeroed *child is before the first. */
static bool next_child(const struct tree *tree, struct node parent, struct node *child)
{
    size_t begin = child->end, start = parent.len ? parent.len + 1 : 0, end;
    const char *source;

    if (begin == 0)
        begin = parent.begin + (repository_at(tree, parent) ? 1 : 0);
    if (begin == parent.end)
        return false;
    source = tree->repositories[begin].source;
    *child = (struct node){ .begin = begin, .len = start + strcspn(source + start, "/") };
    for (end = begin + 1; end < parent.end; end++) {
        const char *other = tree->repositories[end].source;

        if (strncmp(other, source, child->len) != 0 ||
            (other[child->len] != '/' && other[child->len] != '\0'))
            break;
    }
    child->end = end;
    return true;
}

static int best_labels(const struct tree *tree, struct node node, struct labels *out,
                       struct ferry_err *err);

/* What the nodes below would have here: the best of each, less its component. Sorted. */
static int count_below(const struct tree *tree, struct node node, struct labels *out,
                       struct ferry_err *err)
{
    struct node child = { 0 };

    while (next_child(tree, node, &child)) {
        OWNED_LABELS best = { 0 };
        const char *component = source_at(tree, child) + node.len;
        size_t len = child.len - node.len;

        FERRY_TRY(best_labels(tree, child, &best, err));
        for (size_t i = 0; i < best.count; i++) {
            struct label label = best.items[i];

            if (label.len <= len || memcmp(label.text + label.len - len, component, len) != 0)
                continue;
            label.len -= len;
            FERRY_TRY(labels_add(out, label, err));
        }
    }
    if (out->count > 0)
        qsort(out->items, out->count, sizeof(*out->items), compare_labels);
    return 0;
}

static size_t run_length(const struct labels *labels, size_t begin)
{
    size_t end = begin + 1;

    while (end < labels->count && compare_labels(&labels->items[begin], &labels->items[end]) == 0)
        end++;
    return end - begin;
}

static size_t longest_run(const struct labels *labels, size_t *begin)
{
    size_t longest = 0, run;

    *begin = 0;
    for (size_t i = 0; i < labels->count; i += run) {
        run = run_length(labels, i);
        if (run > longest) {
            longest = run;
            *begin = i;
        }
    }
    return longest;
}

/* The mirrors with which the node, and what is below it, need the fewest further rules. */
static int best_labels(const struct tree *tree, struct node node, struct labels *out,
                       struct ferry_err *err)
{
    const struct repository *repository = repository_at(tree, node);
    OWNED_LABELS below = { 0 };
    size_t first, longest, run;

    if (repository) {
        const char *mirror = repository->pairs[0]->mirror;

        return repository->count == 1
                   ? labels_add(out, (struct label){ mirror, strlen(mirror) }, err)
                   : 0;
    }
    FERRY_TRY(count_below(tree, node, &below, err));
    longest = longest_run(&below, &first);
    for (size_t i = 0; i < below.count; i += run) {
        run = run_length(&below, i);
        if (run == longest)
            FERRY_TRY(labels_add(out, below.items[i], err));
    }
    return 0;
}

struct rules {
    const struct tree *tree;
    struct ferry_mirrors *out;
};

static int add_rule(const struct rules *rules, struct node node, const char *mirror,
                    struct ferry_err *err)
{
    FERRY_OWNED_MEM char *source = NULL;

    FERRY_TRY(ferry_text(&source, err, "%.*s", (int)node.len, source_at(rules->tree, node)));
    return ferry_mirrors_add(rules->out, source, mirror, err);
}

/* A repository is led right. *mirror is what holds here: of several the one that is tried first. */
static int lead_repository(const struct rules *rules, struct node node,
                           const struct repository *repository, char **mirror,
                           struct ferry_err *err)
{
    const char *wanted = repository->pairs[0]->mirror;

    if (repository->count == 1 && *mirror && strcmp(*mirror, wanted) == 0)
        return 0;
    for (size_t i = 0; i < repository->count; i++)
        FERRY_TRY(add_rule(rules, node, repository->pairs[i]->mirror, err));
    free(ferry_steal(mirror));
    return ferry_text(mirror, err, "%s", wanted);
}

/* A rule is worth its line here when it saves at least two below. */
static int lead_prefix(const struct rules *rules, struct node node, char **mirror,
                       struct ferry_err *err)
{
    OWNED_LABELS below = { 0 };
    size_t first, longest, served = 0;

    FERRY_TRY(count_below(rules->tree, node, &below, err));
    longest = longest_run(&below, &first);
    for (size_t i = 0; i < below.count && *mirror; i++) {
        struct label inherited = { *mirror, strlen(*mirror) };

        served += compare_labels(&below.items[i], &inherited) == 0;
    }
    if (longest < served + 2)
        return 0;
    free(ferry_steal(mirror));
    FERRY_TRY(
        ferry_text(mirror, err, "%.*s", (int)below.items[first].len, below.items[first].text));
    return add_rule(rules, node, *mirror, err);
}

/* `inherited` is what the rules above make of the node's name; NULL when none applies. */
static int lead(const struct rules *rules, struct node node, const char *inherited,
                struct ferry_err *err)
{
    const struct repository *repository = repository_at(rules->tree, node);
    const char *source = source_at(rules->tree, node);
    FERRY_OWNED_MEM char *mirror = NULL;
    struct node child = { 0 };

    if (inherited)
        FERRY_TRY(ferry_text(&mirror, err, "%s", inherited));
    if (repository)
        FERRY_TRY(lead_repository(rules, node, repository, &mirror, err));
    else if (memchr(source, '/', node.len))
        FERRY_TRY(lead_prefix(rules, node, &mirror, err));
    while (next_child(rules->tree, node, &child)) {
        FERRY_OWNED_MEM char *below = NULL;

        if (mirror)
            FERRY_TRY(ferry_text(&below, err, "%s%.*s", mirror, (int)(child.len - node.len),
                                 source_at(rules->tree, child) + node.len));
        FERRY_TRY(lead(rules, child, below, err));
    }
    return 0;
}

int ferry_mirror_rules(const struct ferry_mirrors *pairs, struct ferry_mirrors *rules,
                       struct ferry_err *err)
{
    __attribute__((cleanup(tree_release))) struct tree tree;
    const struct rules making = { .tree = &tree, .out = rules };

    FERRY_TRY(tree_init(&tree, pairs, err));
    return tree.count == 0 ? 0 : lead(&making, (struct node){ .end = tree.count }, NULL, err);
}

/* The mirror of the whole registry that a pair asks for; FERRY_EUSAGE when it asks for none. */
static int host_mirror(const struct ferry_mirror *pair, size_t host, char **out,
                       struct ferry_err *err)
{
    const char *path = pair->source + host;
    size_t len = strlen(pair->mirror), path_len = strlen(path);

    if (len <= path_len || strcmp(pair->mirror + len - path_len, path) != 0)
        return ferry_fail(err, FERRY_EUSAGE,
                          "hosts.toml leads a registry to one prefix and keeps the path, and %s "
                          "goes to %s: use registries.conf, or leave the path as it is",
                          pair->source, pair->mirror);
    return ferry_text(out, err, "%.*s", (int)(len - path_len), pair->mirror);
}

int ferry_mirror_hosts(const struct ferry_mirrors *pairs, struct ferry_mirrors *hosts,
                       struct ferry_err *err)
{
    __attribute__((cleanup(tree_release))) struct tree tree;

    FERRY_TRY(tree_init(&tree, pairs, err));
    for (size_t i = 0; i < pairs->count; i++) {
        const struct ferry_mirror *pair = tree.pairs[i];
        size_t host = strcspn(pair->source, "/");
        struct ferry_mirror *last = hosts->count ? &hosts->items[hosts->count - 1] : NULL;
        FERRY_OWNED_MEM char *source = NULL;
        FERRY_OWNED_MEM char *mirror = NULL;

        FERRY_TRY(host_mirror(pair, host, &mirror, err));
        FERRY_TRY(ferry_text(&source, err, "%.*s", (int)host, pair->source));
        if (!last || strcmp(last->source, source) != 0)
            FERRY_TRY(ferry_mirrors_add(hosts, source, mirror, err));
        else if (strcmp(last->mirror, mirror) != 0)
            return ferry_fail(err, FERRY_EUSAGE,
                              "hosts.toml leads a registry to one prefix, and the images of %s go "
                              "to %s and %s: use registries.conf, or leave the path as it is",
                              source, last->mirror, mirror);
    }
    return 0;
}
