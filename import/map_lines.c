#include "import/map_lines.h"

#include <fnmatch.h>
#include <string.h>

#include "import/companions.h"

struct ferry_map_lines {
    const struct ferry_graph *graph;
    const struct ferry_image **sorted; /* all of the graph, by name */
    const struct ferry_image **found;  /* by the last line */
};

static int compare_images(const void *a, const void *b)
{
    const struct ferry_image *x = *(const struct ferry_image *const *)a;
    const struct ferry_image *y = *(const struct ferry_image *const *)b;
    int order = ferry_reference_compare_name(&x->ref, &y->ref);

    return order ? order : (x > y) - (x < y);
}

int ferry_map_lines_new(const struct ferry_graph *graph, struct ferry_map_lines **out,
                        struct ferry_err *err)
{
    FERRY_OWNED(ferry_map_lines) lines = calloc(1, sizeof(*lines));

    if (!lines)
        return ferry_fail_memory(err);
    lines->graph = graph;
    lines->sorted = calloc(graph->image_count + 1, sizeof(*lines->sorted));
    lines->found = calloc(graph->image_count + 1, sizeof(*lines->found));
    if (!lines->sorted || !lines->found)
        return ferry_fail_memory(err);
    for (size_t i = 0; i < graph->image_count; i++)
        lines->sorted[i] = &graph->images[i];
    qsort(lines->sorted, graph->image_count, sizeof(*lines->sorted), compare_images);
    *out = ferry_steal(&lines);
    return 0;
}

void ferry_map_lines_free(struct ferry_map_lines *lines)
{
    if (!lines)
        return;
    free(lines->found);
    free(lines->sorted);
    free(lines);
}

/* Where in `sorted` this name begins, or would. Without a tag: its repository. */
static size_t find_name(const struct ferry_map_lines *lines, const struct ferry_reference *ref)
{
    size_t low = 0, high = lines->graph->image_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (ferry_reference_compare_name(&lines->sorted[middle]->ref, ref) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The image of that name; by a digest alone, whatever its tag. */
static const struct ferry_image *find_image(const struct ferry_map_lines *lines,
                                            const struct ferry_reference *ref)
{
    const struct ferry_node *root = ref->has_digest ? ferry_graph_find(lines->graph, &ref->digest)
                                                    : NULL;

    for (size_t i = find_name(lines, ref); i < lines->graph->image_count; i++) {
        const struct ferry_image *image = lines->sorted[i];

        if (ferry_reference_compare_repository(&image->ref, ref) != 0 ||
            (ref->tag[0] && strcmp(image->ref.tag, ref->tag) != 0))
            return NULL;
        if (!ref->has_digest || image->root == root)
            return image;
    }
    return NULL;
}

/* All images of a repository whose tag matches; all of them where `glob` is "". What belongs to
 * another image comes with that. */
static size_t find_repository(struct ferry_map_lines *lines, const struct ferry_reference *source,
                              const char *glob)
{
    struct ferry_reference repository = *source;
    size_t count = 0;

    repository.tag[0] = '\0';
    for (size_t i = find_name(lines, &repository); i < lines->graph->image_count; i++) {
        const struct ferry_image *image = lines->sorted[i];

        if (ferry_reference_compare_repository(&image->ref, source) != 0)
            break;
        if (!ferry_image_follows(lines->graph, image) &&
            (!glob[0] || fnmatch(glob, image->ref.tag, 0) == 0))
            lines->found[count++] = image;
    }
    return count;
}

static bool is_bare(const char *destination)
{
    return destination && ferry_reference_is_bare(destination);
}

/* In full, with the tag that goes without saying. */
static int fail_not_there(const struct ferry_reference *source, struct ferry_err *err)
{
    char name[FERRY_REFERENCE_TEXT_MAX];

    ferry_reference_format(source, name);
    return ferry_fail(err, FERRY_ENOTFOUND, "%s is not in the archive", name);
}

int ferry_map_lines_images(struct ferry_map_lines *lines, const struct ferry_mapping_line *line,
                           const struct ferry_image *const **images, size_t *count,
                           struct ferry_err *err)
{
    struct ferry_reference source;
    char glob[FERRY_GLOB_MAX];

    *images = lines->found;
    FERRY_TRY(ferry_reference_parse_glob(line->source, &source, glob, err));
    if (!glob[0] && !(is_bare(line->destination) && ferry_reference_is_bare(line->source))) {
        lines->found[0] = find_image(lines, &source);
        *count = 1;
        if (!lines->found[0])
            return fail_not_there(&source, err);
        return 0;
    }
    if (line->destination && !is_bare(line->destination))
        return ferry_fail(
            err, FERRY_EUSAGE,
            "%s names more than one tag: expected a repository to take them, found %s",
            line->source, line->destination);
    *count = find_repository(lines, &source, glob);
    if (*count == 0)
        return ferry_fail(err, FERRY_ENOTFOUND, "no image of the archive is %s%s", line->source,
                          glob[0] ? "" : ":*");
    return 0;
}

/* Whether a DST begins with a registry: DEST's, or what looks like one as in references. */
static bool names_registry(const char *base, const char *text)
{
    size_t first = strcspn(text, "/");

    if (text[first] != '/')
        return false;
    return text[0] == '[' || strcspn(text, ".:") < first || strncmp(text, "localhost/", 10) == 0 ||
           (strlen(base) == first && strncmp(text, base, first) == 0);
}

int ferry_map_lines_destination(const struct import_opts *opts,
                                const struct ferry_mapping_line *line,
                                const struct ferry_reference *source, struct ferry_reference *out,
                                struct ferry_err *err)
{
    const struct ferry_reference *base = &opts->destination;
    const char *text = line->destination;
    FERRY_OWNED_MEM char *full = NULL;

    if (names_registry(base->registry, text))
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
        memcpy(out->tag, source->tag, sizeof(out->tag));
    return 0;
}

const struct ferry_mapping_line *ferry_map_lines_first(const struct ferry_mapping *mapping,
                                                       const struct ferry_reference *source)
{
    for (size_t i = 0; mapping && i < mapping->count; i++) {
        struct ferry_reference named;
        char glob[FERRY_GLOB_MAX];
        struct ferry_err ignored;

        if (mapping->lines[i].destination &&
            ferry_reference_parse_glob(mapping->lines[i].source, &named, glob, &ignored) == 0 &&
            ferry_reference_compare_repository(&named, source) == 0)
            return &mapping->lines[i];
    }
    return NULL;
}
