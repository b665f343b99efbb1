#include "export/select.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "export/image_finder.h"
#include "export/tag_list.h"
#include "format/oci/mapping.h"
#include "format/run/pool.h"

#define HINTS_MAX 5 /* tags shown where a glob matches none */

/* --- what was named ------------------------------------------------------------------------- */

void ferry_selections_release(struct ferry_selections *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].where);
    for (size_t i = 0; i < list->doubt_count; i++)
        free(list->doubts[i]);
    free(list->items);
    free(list->doubts);
    *list = (struct ferry_selections){ 0 };
}

int ferry_selections_add(struct ferry_selections *list, const char *text, const char *where,
                         struct ferry_err *err)
{
    struct ferry_selection selection = { .where = NULL };

    if (ferry_reference_parse_glob(text, &selection.ref, selection.glob, err) < 0)
        return where ? ferry_wrap(err, "%s", where) : (int)err->code;
    FERRY_TRY(
        ferry_grow((void **)&list->items, list->count, &list->room, sizeof(*list->items), err));
    if (where)
        FERRY_TRY(ferry_text(&selection.where, err, "%s", where));
    list->items[list->count++] = selection;
    return 0;
}

static int add_line(struct ferry_selections *list, const struct ferry_mapping_line *line,
                    const char *where, struct ferry_err *err)
{
    FERRY_OWNED_MEM char *all = NULL;

    if (!line->destination || !ferry_reference_is_bare(line->source) ||
        !ferry_reference_is_bare(line->destination))
        return ferry_selections_add(list, line->source, where, err);
    FERRY_TRY(ferry_text(&all, err, "%s:*", line->source));
    return ferry_selections_add(list, all, where, err);
}

int ferry_selections_add_file(struct ferry_selections *list, const char *path,
                              struct ferry_err *err)
{
    FERRY_OWNED(ferry_mapping) mapping = NULL;

    FERRY_TRY(ferry_mapping_read(path, &mapping, err));
    for (size_t i = 0; i < mapping->count; i++) {
        FERRY_OWNED_MEM char *where = NULL;

        FERRY_TRY(ferry_text(&where, err, "%s: line %zu", mapping->name, mapping->lines[i].number));
        FERRY_TRY(add_line(list, &mapping->lines[i], where, err));
    }
    return 0;
}

static int add_doubt(struct ferry_selections *list, const char *name,
                     const struct ferry_finding *doubt, struct ferry_err *err)
{
    FERRY_OWNED_MEM char *text = NULL;

    FERRY_TRY(ferry_text(&text, err, "%s: line %zu: %s", name, doubt->line, doubt->text));
    FERRY_TRY(ferry_grow((void **)&list->doubts, list->doubt_count, &list->doubt_room,
                         sizeof(*list->doubts), err));
    list->doubts[list->doubt_count++] = ferry_steal(&text);
    return 0;
}

int ferry_selections_add_objects(struct ferry_selections *list, const char *path,
                                 struct ferry_err *err)
{
    FERRY_OWNED(ferry_findings) found = NULL;
    const char *name = strcmp(path, "-") == 0 ? "stdin" : path;

    FERRY_TRY(ferry_images_find_in(path, &found, err));
    for (size_t i = 0; i < found->count; i++) {
        FERRY_OWNED_MEM char *where = NULL;

        FERRY_TRY(ferry_text(&where, err, "%s: line %zu", name, found->images[i].line));
        FERRY_TRY(ferry_selections_add(list, found->images[i].text, where, err));
    }
    for (size_t i = 0; i < found->doubt_count; i++)
        FERRY_TRY(add_doubt(list, name, &found->doubts[i], err));
    return 0;
}

/* --- the repositories whose tags are wanted --------------------------------------------------- */

struct repository {
    const struct ferry_reference *ref; /* of a glob: neither tag nor digest */
    struct ferry_tag_list *tags;       /* or */
    struct ferry_err failure;          /*   why there are none */
};

struct repositories {
    struct ferry_session *session;
    const struct ferry_failures *failures;
    struct repository *items; /* sorted */
    size_t count;
    size_t listed;
};

static void repositories_release(struct repositories *r)
{
    for (size_t i = 0; i < r->count; i++)
        ferry_tag_list_free(r->items[i].tags);
    free(r->items);
}

static int compare_repositories(const void *a, const void *b)
{
    return ferry_reference_compare(((const struct repository *)a)->ref,
                                   ((const struct repository *)b)->ref);
}

static int gather_repositories(struct repositories *r, const struct ferry_selections *list,
                               struct ferry_err *err)
{
    size_t kept = 0;

    r->items = calloc(list->count + 1, sizeof(*r->items));
    if (!r->items)
        return ferry_fail_memory(err);
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].glob[0])
            r->items[r->count++].ref = &list->items[i].ref;
    qsort(r->items, r->count, sizeof(*r->items), compare_repositories);
    for (size_t i = 0; i < r->count; i++)
        if (kept == 0 || compare_repositories(&r->items[kept - 1], &r->items[i]) != 0)
            r->items[kept++] = r->items[i];
    r->count = kept;
    return 0;
}

static int list_one(void *ctx, size_t index, struct ferry_err *err)
{
    struct repositories *r = ctx;
    struct repository *repository = &r->items[r->listed + index];

    if (ferry_tag_list_pull(r->session, repository->ref, &repository->tags, err) == 0)
        return 0;
    if (!ferry_failures_permit(r->failures, err))
        return (int)err->code;
    repository->failure = *err;
    return 0;
}

/* The first alone: it settles scheme and login for the others, or fails for them. */
static int list_repositories(struct repositories *r, int jobs, struct ferry_err *err)
{
    if (r->count == 0)
        return 0;
    FERRY_TRY(ferry_pool_run(1, 1, list_one, r, err));
    r->listed = 1;
    return ferry_pool_run(jobs, r->count - 1, list_one, r, err);
}

/* --- references ------------------------------------------------------------------------------- */

/* The tags that a glob may match. */
static bool is_image_tag(const char *tag)
{
    struct ferry_digest subject;

    return !ferry_tag_subject(tag, &subject);
}

static int fail_no_match(const struct ferry_selection *s, const struct ferry_tag_list *tags,
                         struct ferry_err *err)
{
    FERRY_OWNED_BUF hint;
    size_t images = 0;

    ferry_buf_init(&hint, FERRY_ERR_MAX);
    for (size_t i = 0; i < tags->count; i++)
        if (is_image_tag(tags->tags[i]) && images++ < HINTS_MAX)
            FERRY_TRY(ferry_buf_print(&hint, err, "%s%s", images == 1 ? "" : ", ", tags->tags[i]));
    ferry_fail(err, FERRY_ENOTFOUND, "%s/%s:%s: matches none of its %zu tags%s%s%s",
               s->ref.registry, s->ref.repository, s->glob, images, images > 0 ? " (" : "",
               hint.data ? (const char *)hint.data : "",
               images > HINTS_MAX ? ", ...)"
               : images > 0       ? ")"
                                  : "");
    return s->where ? ferry_wrap(err, "%s", s->where) : (int)err->code;
}

static int expand(const struct ferry_selection *s, const struct repositories *r,
                  struct ferry_references *refs, struct ferry_err *err)
{
    const struct repository key = { .ref = &s->ref };
    const struct repository *found = bsearch(&key, r->items, r->count, sizeof(key),
                                             compare_repositories);
    struct ferry_reference ref = s->ref;
    size_t before = refs->count;

    if (!found->tags) {
        *err = found->failure;
        return s->where ? ferry_wrap(err, "%s", s->where) : (int)err->code;
    }
    for (size_t i = 0; i < found->tags->count; i++) {
        const char *tag = found->tags->tags[i];

        if (fnmatch(s->glob, tag, 0) != 0 || !is_image_tag(tag))
            continue;
        snprintf(ref.tag, sizeof(ref.tag), "%s", tag);
        FERRY_TRY(ferry_references_add(refs, &ref, err));
    }
    return refs->count > before ? 0 : fail_no_match(s, found->tags, err);
}

static int take_glob(const struct ferry_selection *s, const struct repositories *r,
                     struct ferry_references *refs, struct ferry_failures *failures,
                     struct ferry_err *err)
{
    FERRY_OWNED_MEM char *name = NULL;

    if (expand(s, r, refs, err) == 0)
        return 0;
    FERRY_TRY(ferry_text(&name, err, "%s/%s:%s", s->ref.registry, s->ref.repository, s->glob));
    return ferry_failures_add(failures, name, err);
}

static int collect(const struct ferry_selections *list, const struct repositories *r,
                   struct ferry_references *refs, struct ferry_failures *failures,
                   struct ferry_err *err)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].glob[0])
            FERRY_TRY(take_glob(&list->items[i], r, refs, failures, err));
        else
            FERRY_TRY(ferry_references_add(refs, &list->items[i].ref, err));
    return ferry_references_unique(refs, err);
}

int ferry_select(struct ferry_session *session, const struct ferry_selections *list, int jobs,
                 struct ferry_failures *failures, struct ferry_references *out,
                 struct ferry_err *err)
{
    __attribute__((cleanup(repositories_release))) struct repositories r = { .session = session,
                                                                             .failures = failures };

    FERRY_TRY(gather_repositories(&r, list, err));
    FERRY_TRY(list_repositories(&r, jobs, err));
    return collect(list, &r, out, failures, err);
}
