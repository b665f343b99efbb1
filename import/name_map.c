#include "import/name_map.h"

#include <fnmatch.h>
#include <string.h>

#include "import/companions.h"
#include "import/map_lines.h"
#include "import/map_rules.h"
#include "import/path_rules.h"

struct map {
    const struct import_opts *opts;
    struct ferry_graph *graph;
    struct ferry_target *targets;
    size_t count, room;
};

static int add_target(struct map *m, const struct ferry_image *image,
                      const struct ferry_reference *ref, const char *rule, struct ferry_err *err)
{
    struct ferry_target target = { .image = image, .ref = *ref, .rule = rule };

    if (target.ref.tag[0]) {
        target.ref.has_digest = false;
    } else {
        target.ref.has_digest = true;
        target.ref.digest = image->root->descriptor.digest;
    }
    FERRY_TRY(ferry_path_check(&target.ref, m->opts->max_depth, image->name, err));
    FERRY_TRY(ferry_grow((void **)&m->targets, m->count, &m->room, sizeof(*m->targets), err));
    m->targets[m->count++] = target;
    return 0;
}

static int map_by_path(struct map *m, const struct ferry_image *image, struct ferry_err *err)
{
    struct ferry_reference ref = { 0 };
    const char *rule;

    memcpy(ref.registry, m->opts->destination.registry, sizeof(ref.registry));
    memcpy(ref.tag, image->ref.tag, sizeof(ref.tag));
    FERRY_TRY(ferry_map_rules_find(m->opts, image, &ref, &rule, err));
    return add_target(m, image, &ref, rule, err);
}

static int follow(struct map *m, struct ferry_err *err)
{
    return ferry_companions_follow(m->graph, &m->targets, &m->count, &m->room, err);
}

/* DEST with a tag: there must be one image, and that is its name. */
static int map_single(struct map *m, const struct ferry_image *const *images, size_t count,
                      struct ferry_err *err)
{
    char name[FERRY_REFERENCE_TEXT_MAX];

    ferry_reference_format(&m->opts->destination, name);
    if (count != 1)
        return ferry_fail(err, FERRY_EUSAGE,
                          "%s names one image, and there are %zu: choose one with --image, or give "
                          "a destination without a tag",
                          name, count);
    FERRY_TRY(add_target(m, images[0], &m->opts->destination, NULL, err));
    return follow(m, err);
}

/* A glob matches the whole name, or the name from any slash on: "debian:*" finds docker.io's. */
static bool matches(const char *glob, const char *name)
{
    if (fnmatch(glob, name, 0) == 0)
        return true;
    while ((name = strchr(name, '/')))
        if (fnmatch(glob, ++name, 0) == 0)
            return true;
    return false;
}

/* A glob that matches nothing is a slip, which would leave an image behind without a word. */
static int check_globs(const struct map *m, struct ferry_err *err)
{
    const struct ferry_graph *graph = m->graph;

    for (size_t i = 0; i < m->opts->images.count; i++) {
        const char *glob = m->opts->images.items[i];
        size_t k = 0;

        while (k < graph->image_count && !matches(glob, graph->images[k].name))
            k++;
        if (k == graph->image_count)
            return ferry_fail(err, FERRY_ENOTFOUND,
                              "--image %s: no image of the archive matches; --dry-run without it "
                              "lists them",
                              glob);
    }
    return 0;
}

static bool is_chosen(const struct map *m, const struct ferry_image *image)
{
    for (size_t i = 0; i < m->opts->images.count; i++)
        if (matches(m->opts->images.items[i], image->name))
            return true;
    return m->opts->images.count == 0;
}

static int map_by_line(struct map *m, const struct ferry_mapping_line *line,
                       const struct ferry_image *image, struct ferry_err *err)
{
    struct ferry_reference destination;

    if (!is_chosen(m, image))
        return 0;
    if (!line->destination)
        return map_by_path(m, image, err);
    FERRY_TRY(ferry_map_lines_destination(m->opts, line, &image->ref, &destination, err));
    return add_target(m, image, &destination, NULL, err);
}

static int map_line(struct map *m, struct ferry_map_lines *lines,
                    const struct ferry_mapping_line *line, struct ferry_err *err)
{
    const struct ferry_image *const *images;
    size_t count;

    FERRY_TRY(ferry_map_lines_images(lines, line, &images, &count, err));
    for (size_t i = 0; i < count; i++)
        FERRY_TRY(map_by_line(m, line, images[i], err));
    return 0;
}

static int map_file(struct map *m, struct ferry_err *err)
{
    const struct ferry_mapping *mapping = m->opts->mapping;
    FERRY_OWNED(ferry_map_lines) lines = NULL;

    FERRY_TRY(ferry_map_lines_new(m->graph, &lines, err));
    for (size_t i = 0; i < mapping->count; i++)
        if (map_line(m, lines, &mapping->lines[i], err) < 0)
            return ferry_wrap(err, "%s: line %zu", mapping->name, mapping->lines[i].number);
    return follow(m, err);
}

/* What belongs to an image of the archive that was not chosen goes by its own name. */
static int map_left_over(struct map *m, struct ferry_err *err)
{
    FERRY_OWNED_MEM bool *is_mapped = calloc(m->graph->image_count + 1, sizeof(*is_mapped));
    size_t before = m->count;

    if (!is_mapped)
        return ferry_fail_memory(err);
    for (size_t i = 0; i < m->count; i++)
        is_mapped[m->targets[i].image - m->graph->images] = true;
    for (size_t i = 0; i < m->graph->image_count; i++)
        if (!is_mapped[i] && is_chosen(m, &m->graph->images[i]))
            FERRY_TRY(map_by_path(m, &m->graph->images[i], err));
    return m->count > before ? follow(m, err) : 0;
}

static int map_images(struct map *m, struct ferry_err *err)
{
    FERRY_OWNED_MEM const struct ferry_image **chosen = calloc(m->graph->image_count + 1,
                                                               sizeof(*chosen));
    size_t count = 0;

    if (!chosen)
        return ferry_fail_memory(err);
    for (size_t i = 0; i < m->graph->image_count; i++) {
        const struct ferry_image *image = &m->graph->images[i];

        if (is_chosen(m, image) && !ferry_image_follows(m->graph, image))
            chosen[count++] = image;
    }
    if (m->opts->destination.tag[0])
        return map_single(m, chosen, count, err);
    for (size_t i = 0; i < count; i++)
        FERRY_TRY(map_by_path(m, chosen[i], err));
    FERRY_TRY(follow(m, err));
    return map_left_over(m, err);
}

static int compare_targets(const void *a, const void *b)
{
    const struct ferry_target *x = *(const struct ferry_target *const *)a;
    const struct ferry_target *y = *(const struct ferry_target *const *)b;
    int order = strcmp(x->ref.repository, y->ref.repository);

    if (order == 0)
        order = strcmp(ferry_reference_selector(&x->ref), ferry_reference_selector(&y->ref));
    return order ? order : (x->image > y->image) - (x->image < y->image);
}

/* Two different images under one tag: the last one would win, and nobody would know. */
static int check_collisions(const struct map *m, struct ferry_err *err)
{
    FERRY_OWNED_MEM const struct ferry_target **sorted = calloc(m->count + 1, sizeof(*sorted));

    if (!sorted)
        return ferry_fail_memory(err);
    for (size_t i = 0; i < m->count; i++)
        sorted[i] = &m->targets[i];
    qsort(sorted, m->count, sizeof(*sorted), compare_targets);
    for (size_t i = 1; i < m->count; i++) {
        const struct ferry_target *x = sorted[i - 1], *y = sorted[i];
        char name[FERRY_REFERENCE_TEXT_MAX];

        if (strcmp(x->ref.repository, y->ref.repository) != 0 ||
            strcmp(ferry_reference_selector(&x->ref), ferry_reference_selector(&y->ref)) != 0 ||
            x->image->root == y->image->root)
            continue;
        ferry_reference_format(&x->ref, name);
        return ferry_fail(
            err, FERRY_EUSAGE, "%s and %s would both become %s: keep them apart with %s",
            x->image->name, y->image->name, name,
            m->opts->mapping ? "other destinations in the list of -f" : "--keep-registry or --map");
    }
    return 0;
}

int ferry_name_map(const struct import_opts *opts, struct ferry_graph *graph,
                   struct ferry_target **targets, size_t *count, struct ferry_err *err)
{
    struct map m = { .opts = opts, .graph = graph };
    FERRY_OWNED_MEM struct ferry_target *owned = NULL;
    int rc;

    FERRY_TRY(ferry_map_rules_check(opts, err));
    if (graph->image_count == 0)
        return ferry_fail(err, FERRY_ENOTFOUND, "the archive holds no image");
    FERRY_TRY(check_globs(&m, err));
    rc = opts->mapping ? map_file(&m, err) : map_images(&m, err);
    owned = m.targets;
    FERRY_TRY(rc);
    if (m.count == 0)
        return ferry_fail(err, FERRY_ENOTFOUND, "%s: names no image%s",
                          opts->mapping ? opts->mapping->name : "the archive",
                          opts->images.count > 0 ? " that matches --image" : "");
    FERRY_TRY(check_collisions(&m, err));
    *targets = ferry_steal(&owned);
    *count = m.count;
    return 0;
}

bool ferry_name_map_repository(const struct import_opts *opts, const char *source,
                               char out[FERRY_REPOSITORY_MAX])
{
    struct ferry_image image = { .name = (char *)source };
    struct ferry_reference ref = opts->destination;
    const struct ferry_mapping_line *line;
    const char *rule;
    struct ferry_err ignored;
    int rc = ferry_reference_parse(source, &image.ref, &ignored);

    line = rc == 0 ? ferry_map_lines_first(opts->mapping, &image.ref) : NULL;
    if (line)
        rc = ferry_map_lines_destination(opts, line, &image.ref, &ref, &ignored);
    else if (rc == 0 && !opts->destination.tag[0])
        rc = ferry_map_rules_find(opts, &image, &ref, &rule, &ignored);
    memcpy(out, ref.repository, sizeof(ref.repository));
    return rc == 0;
}
