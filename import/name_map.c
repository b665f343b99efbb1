#include "import/name_map.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "import/companions.h"
#include "import/path_rules.h"

struct map {
    const struct import_opts *opts;
    struct ferry_graph *graph;
    const struct ferry_image **by_name; /* all images of the graph, sorted */
    struct ferry_target *targets;
    size_t count, room;
};

/* The repository below DEST's prefix. */
static int set_repository(const struct map *m, const struct ferry_image *image, const char *path,
                          struct ferry_reference *ref, struct ferry_err *err)
{
    const char *prefix = m->opts->destination.repository;
    FERRY_OWNED_MEM char *repository = NULL;

    FERRY_TRY(
        ferry_text(&repository, err, "%s%s%s", prefix, prefix[0] && path[0] ? "/" : "", path));
    ferry_path_flatten(repository, m->opts->max_depth);
    if (strlen(repository) >= sizeof(ref->repository))
        return ferry_fail(err, FERRY_EUSAGE,
                          "%s: \"%.100s...\" is longer than the %zu bytes of a repository: map it "
                          "elsewhere with --map",
                          image->name, repository, sizeof(ref->repository) - 1);
    if (!ferry_repository_valid(repository))
        return ferry_fail(err, FERRY_EUSAGE,
                          "%s: \"%s\" is not a repository (lower-case letters, digits and single "
                          "separators . _ - / between them): map it elsewhere with --map",
                          image->name, repository);
    memcpy(ref->repository, repository, strlen(repository) + 1);
    return 0;
}

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

/* "registry/repository" of an image; "" for one that has no repository. */
static void base_name(const struct ferry_image *image, char out[FERRY_REFERENCE_TEXT_MAX])
{
    snprintf(out, FERRY_REFERENCE_TEXT_MAX, "%s%s%s", image->ref.registry,
             image->ref.registry[0] ? "/" : "", image->ref.repository);
}

/* A registry as a component of a path: no port's colon, no upper case. */
static void registry_component(const char *registry, char out[FERRY_REGISTRY_MAX])
{
    size_t n = 0;

    for (const char *p = registry; *p; p++)
        if (*p != '[' && *p != ']')
            out[n++] = *p == ':' ? '-' : (char)tolower((unsigned char)*p);
    out[n] = '\0';
}

/* How much of `name` the SRC of a rule covers; 0 for none. SRC may leave out what short names do.
 */
static size_t covered(const char *rule, const char *name)
{
    static const char *const left_out[] = { "", "docker.io/", "docker.io/library/" };
    size_t len = strcspn(rule, "=");

    for (size_t i = 0; i < FERRY_COUNT(left_out); i++) {
        size_t before = strlen(left_out[i]);

        if (strncmp(name, left_out[i], before) == 0 && strncmp(name + before, rule, len) == 0 &&
            (name[before + len] == '\0' || name[before + len] == '/'))
            return before + len;
    }
    return 0;
}

/* The --map whose SRC covers most of the name; NULL for none. */
static const char *find_rule(const struct map *m, const char *name, size_t *source_len)
{
    const char *found = NULL;

    *source_len = 0;
    for (size_t i = 0; i < m->opts->maps.count; i++) {
        const char *rule = m->opts->maps.items[i];
        size_t len = covered(rule, name);

        if (len > *source_len) {
            found = rule;
            *source_len = len;
        }
    }
    return found;
}

/* The repository, by the longest --map or by the image's own path; *rule is that --map, or NULL. */
static int find_path(const struct map *m, const struct ferry_image *image,
                     struct ferry_reference *ref, const char **rule, struct ferry_err *err)
{
    char name[FERRY_REFERENCE_TEXT_MAX], path[2 * FERRY_REFERENCE_TEXT_MAX];
    char registry[FERRY_REGISTRY_MAX];
    const char *rest;
    size_t source_len;

    base_name(image, name);
    *rule = find_rule(m, name, &source_len);
    registry_component(image->ref.registry, registry);
    if (*rule) {
        const char *below = strchr(*rule, '=') + 1;

        rest = name + source_len;
        snprintf(path, sizeof(path), "%s%s", below,
                 below[0] == '\0' && rest[0] == '/' ? rest + 1 : rest);
    } else {
        snprintf(path, sizeof(path), "%s%s%s", m->opts->keep_registry ? registry : "",
                 m->opts->keep_registry && registry[0] ? "/" : "", image->ref.repository);
    }
    if (!path[0] && !m->opts->destination.repository[0])
        return ferry_fail(err, FERRY_EUSAGE,
                          "%s has no repository in its name: give one, as in %s/REPOSITORY",
                          image->name, m->opts->destination.registry);
    return set_repository(m, image, path, ref, err);
}

static int map_by_path(struct map *m, const struct ferry_image *image, struct ferry_err *err)
{
    struct ferry_reference ref = { 0 };
    const char *rule;

    memcpy(ref.registry, m->opts->destination.registry, sizeof(ref.registry));
    memcpy(ref.tag, image->ref.tag, sizeof(ref.tag));
    FERRY_TRY(find_path(m, image, &ref, &rule, err));
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

/* Whether a DST begins with a registry: DEST's, or what looks like one as in references. */
static bool names_registry(const struct map *m, const char *text)
{
    const char *base = m->opts->destination.registry;
    size_t first = strcspn(text, "/");

    if (text[first] != '/')
        return false;
    return text[0] == '[' || strcspn(text, ".:") < first || strncmp(text, "localhost/", 10) == 0 ||
           (strlen(base) == first && strncmp(text, base, first) == 0);
}

/* The destination that a line of -f names: a full reference at DEST's registry, or a path below
 * DEST. Without a tag it inherits the source's. */
static int parse_line_destination(const struct map *m, const struct ferry_mapping_line *line,
                                  const struct ferry_image *image, struct ferry_reference *out,
                                  struct ferry_err *err)
{
    const struct ferry_reference *base = &m->opts->destination;
    const char *text = line->destination;
    FERRY_OWNED_MEM char *full = NULL;

    if (names_registry(m, text))
        FERRY_TRY(ferry_text(&full, err, "%s", text));
    else
        FERRY_TRY(ferry_text(&full, err, "%s/%s%s%s", base->registry, base->repository,
                             base->repository[0] ? "/" : "", text));
    FERRY_TRY(ferry_destination_parse(full, out, err));
    if (strcmp(out->registry, base->registry) != 0)
        return ferry_fail(err, FERRY_EUSAGE,
                          "%s is not at the destination %s: one import goes to one registry", text,
                          base->registry);
    if (!out->tag[0])
        memcpy(out->tag, image->ref.tag, sizeof(out->tag));
    return 0;
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
    FERRY_TRY(parse_line_destination(m, line, image, &destination, err));
    return add_target(m, image, &destination, NULL, err);
}

static int compare_repositories(const struct ferry_reference *a, const struct ferry_reference *b)
{
    int order = strcmp(a->registry, b->registry);

    return order ? order : strcmp(a->repository, b->repository);
}

/* A tag travels without its digest, which is the root's. */
static int compare_names(const struct ferry_reference *a, const struct ferry_reference *b)
{
    int order = compare_repositories(a, b);

    return order ? order : strcmp(a->tag, b->tag);
}

static int compare_images(const void *a, const void *b)
{
    const struct ferry_image *x = *(const struct ferry_image *const *)a;
    const struct ferry_image *y = *(const struct ferry_image *const *)b;
    int order = compare_names(&x->ref, &y->ref);

    return order ? order : (x > y) - (x < y);
}

static int sort_images(struct map *m, struct ferry_err *err)
{
    size_t count = m->graph->image_count;

    m->by_name = calloc(count + 1, sizeof(*m->by_name));
    if (!m->by_name)
        return ferry_fail_memory(err);
    for (size_t i = 0; i < count; i++)
        m->by_name[i] = &m->graph->images[i];
    qsort(m->by_name, count, sizeof(*m->by_name), compare_images);
    return 0;
}

/* Where in by_name this name begins, or would. Without a tag: its repository. */
static size_t find_name(const struct map *m, const struct ferry_reference *ref)
{
    size_t low = 0, high = m->graph->image_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare_names(&m->by_name[middle]->ref, ref) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The image of that name; by a digest alone, whatever its tag. */
static const struct ferry_image *find_image(const struct map *m, const struct ferry_reference *ref)
{
    const struct ferry_node *root = ref->has_digest ? ferry_graph_find(m->graph, &ref->digest)
                                                    : NULL;

    for (size_t i = find_name(m, ref); i < m->graph->image_count; i++) {
        const struct ferry_image *image = m->by_name[i];

        if (compare_repositories(&image->ref, ref) != 0 ||
            (ref->tag[0] && strcmp(image->ref.tag, ref->tag) != 0))
            return NULL;
        if (!ref->has_digest || image->root == root)
            return image;
    }
    return NULL;
}

/* All images of a repository whose tag matches; all of them where `glob` is "". What belongs to
 * another image comes with that. */
static int map_repository(struct map *m, const struct ferry_mapping_line *line,
                          const struct ferry_reference *source, const char *glob,
                          struct ferry_err *err)
{
    struct ferry_reference repository = *source;
    size_t found = 0;

    repository.tag[0] = '\0';
    if (line->destination && !ferry_reference_is_bare(line->destination))
        return ferry_fail(
            err, FERRY_EUSAGE,
            "%s names more than one tag: expected a repository to take them, found %s",
            line->source, line->destination);
    for (size_t i = find_name(m, &repository); i < m->graph->image_count; i++) {
        const struct ferry_image *image = m->by_name[i];

        if (compare_repositories(&image->ref, source) != 0)
            break;
        if (ferry_image_follows(m->graph, image) ||
            (glob[0] && fnmatch(glob, image->ref.tag, 0) != 0))
            continue;
        FERRY_TRY(map_by_line(m, line, image, err));
        found++;
    }
    return found > 0 ? 0
                     : ferry_fail(err, FERRY_ENOTFOUND, "no image of the archive is %s%s",
                                  line->source, glob[0] ? "" : ":*");
}

static int map_line(struct map *m, const struct ferry_mapping_line *line, struct ferry_err *err)
{
    struct ferry_reference source;
    const struct ferry_image *image;
    char glob[FERRY_GLOB_MAX];

    FERRY_TRY(ferry_reference_parse_glob(line->source, &source, glob, err));
    if (glob[0] || (line->destination && ferry_reference_is_bare(line->source) &&
                    ferry_reference_is_bare(line->destination)))
        return map_repository(m, line, &source, glob, err);
    image = find_image(m, &source);
    if (!image)
        return ferry_fail(err, FERRY_ENOTFOUND, "%s is not in the archive", line->source);
    return map_by_line(m, line, image, err);
}

static int map_file(struct map *m, struct ferry_err *err)
{
    const struct ferry_mapping *mapping = m->opts->mapping;

    FERRY_TRY(sort_images(m, err));
    for (size_t i = 0; i < mapping->count; i++)
        if (map_line(m, &mapping->lines[i], err) < 0)
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

static int check_rules(const struct map *m, struct ferry_err *err)
{
    for (size_t i = 0; i < m->opts->maps.count; i++) {
        const char *rule = m->opts->maps.items[i];

        if (rule[0] == '=' || !strchr(rule, '='))
            return ferry_fail(err, FERRY_EUSAGE, "--map %s: expected SRC=DST", rule);
    }
    return 0;
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
        return ferry_fail(err, FERRY_EUSAGE,
                          "%s and %s would both become %s: keep them apart with --keep-registry or "
                          "--map",
                          x->image->name, y->image->name, name);
    }
    return 0;
}

int ferry_name_map(const struct import_opts *opts, struct ferry_graph *graph,
                   struct ferry_target **targets, size_t *count, struct ferry_err *err)
{
    struct map m = { .opts = opts, .graph = graph };
    FERRY_OWNED_MEM struct ferry_target *owned = NULL;
    int rc = check_rules(&m, err);

    if (rc == 0)
        rc = opts->mapping ? map_file(&m, err) : map_images(&m, err);
    owned = m.targets;
    free(m.by_name);
    FERRY_TRY(rc);
    if (m.count == 0)
        return ferry_fail(err, FERRY_ENOTFOUND, "%s",
                          graph->image_count == 0 ? "the archive holds no image"
                                                  : "no image of the archive matches --image");
    FERRY_TRY(check_collisions(&m, err));
    *targets = ferry_steal(&owned);
    *count = m.count;
    return 0;
}

/* The first line of -f that sends something of the repository somewhere; NULL for none. */
static const struct ferry_mapping_line *find_line(const struct ferry_mapping *mapping,
                                                  const struct ferry_reference *source)
{
    for (size_t i = 0; mapping && i < mapping->count; i++) {
        struct ferry_reference named;
        char glob[FERRY_GLOB_MAX];
        struct ferry_err ignored;

        if (mapping->lines[i].destination &&
            ferry_reference_parse_glob(mapping->lines[i].source, &named, glob, &ignored) == 0 &&
            strcmp(named.registry, source->registry) == 0 &&
            strcmp(named.repository, source->repository) == 0)
            return &mapping->lines[i];
    }
    return NULL;
}

bool ferry_name_map_repository(const struct import_opts *opts, const char *source,
                               char out[FERRY_REPOSITORY_MAX])
{
    const struct map m = { .opts = opts };
    struct ferry_image image = { .name = (char *)source };
    struct ferry_reference ref = opts->destination;
    const struct ferry_mapping_line *line;
    const char *rule;
    struct ferry_err ignored;
    int rc = ferry_reference_parse(source, &image.ref, &ignored);

    line = rc == 0 ? find_line(opts->mapping, &image.ref) : NULL;
    if (line)
        rc = parse_line_destination(&m, line, &image, &ref, &ignored);
    else if (rc == 0 && !opts->destination.tag[0])
        rc = find_path(&m, &image, &ref, &rule, &ignored);
    memcpy(out, ref.repository, sizeof(ref.repository));
    return rc == 0;
}
