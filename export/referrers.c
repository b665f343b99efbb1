#include "export/referrers.h"

#include <stdio.h>
#include <string.h>

#include "export/tag_list.h"
#include "format/oci/referrer_index.h"
#include "format/registry/referrer_list.h"
#include "format/run/pool.h"

/* What cosign appends to the tag, where the tags cannot be listed. */
static const char *const suffixes[] = { ".sig", ".att", ".sbom" };

struct repository {
    struct ferry_reference ref;  /* neither tag nor digest */
    struct ferry_tag_list *tags; /* NULL where they may not be listed, or are too many */
};

/* A manifest in a repository, and what belongs to it. */
struct question {
    size_t repository;
    const struct ferry_node *node;
    size_t image;                    /* through which it was met */
    struct ferry_referrer_list list; /* referrers */
    bool has_tag[FERRY_COUNT(suffixes)];
};

struct ferry_referrers {
    struct ferry_session *session;
    struct ferry_graph *graph;
    int jobs;
    struct repository **repositories; /* in the order of the images */
    size_t repository_count, repository_room;
    size_t repositories_listed;
    size_t images_walked;
    struct question *questions; /* all that were ever asked, sorted up to `asked` */
    size_t question_count, question_room;
    size_t asked;
};

static void repository_free(struct repository *repository)
{
    ferry_tag_list_free(repository->tags);
    free(repository);
}

void ferry_referrers_free(struct ferry_referrers *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->repository_count; i++)
        repository_free(r->repositories[i]);
    for (size_t i = 0; i < r->question_count; i++)
        ferry_referrer_list_release(&r->questions[i].list);
    free(r->repositories);
    free(r->questions);
    free(r);
}

int ferry_referrers_new(struct ferry_session *session, struct ferry_graph *graph, int jobs,
                        struct ferry_referrers **out, struct ferry_err *err)
{
    struct ferry_referrers *r = calloc(1, sizeof(*r));

    if (!r)
        return ferry_fail_memory(err);
    *r = (struct ferry_referrers){ .session = session, .graph = graph, .jobs = jobs };
    *out = r;
    return 0;
}

/* --- what is to be asked ---------------------------------------------------------------------- */

static int find_repository(struct ferry_referrers *r, const struct ferry_reference *ref,
                           size_t *place, struct ferry_err *err)
{
    struct repository *repository;

    /* The last one first: images of one repository come one after the other. */
    for (size_t i = r->repository_count; i-- > 0;)
        if (ferry_reference_compare_repository(&r->repositories[i]->ref, ref) == 0) {
            *place = i;
            return 0;
        }
    FERRY_TRY(ferry_grow((void **)&r->repositories, r->repository_count, &r->repository_room,
                         sizeof(struct repository *), err));
    repository = calloc(1, sizeof(*repository));
    if (!repository)
        return ferry_fail_memory(err);
    repository->ref = *ref;
    repository->ref.tag[0] = '\0';
    repository->ref.has_digest = false;
    *place = r->repository_count;
    r->repositories[r->repository_count++] = repository;
    return 0;
}

static int compare_questions(const void *a, const void *b)
{
    const struct question *x = a, *y = b;

    if (x->repository != y->repository)
        return x->repository < y->repository ? -1 : 1;
    return (x->node->place > y->node->place) - (x->node->place < y->node->place);
}

static int add_question(struct ferry_referrers *r, const struct question *question,
                        struct ferry_err *err)
{
    if (r->asked > 0 &&
        bsearch(question, r->questions, r->asked, sizeof(*question), compare_questions))
        return 0;
    FERRY_TRY(ferry_grow((void **)&r->questions, r->question_count, &r->question_room,
                         sizeof(*question), err));
    r->questions[r->question_count++] = *question;
    return 0;
}

/* Every manifest of the image that is there, in the image's repository. */
static int add_image(struct ferry_referrers *r, size_t image, struct ferry_err *err)
{
    FERRY_OWNED_MEM struct ferry_node **nodes = NULL;
    struct question question = { .image = image };
    size_t count;

    FERRY_TRY(find_repository(r, &r->graph->images[image].ref, &question.repository, err));
    FERRY_TRY(ferry_graph_closure(r->graph, r->graph->images[image].root, &nodes, &count, err));
    for (size_t i = 0; i < count; i++) {
        question.node = nodes[i];
        if (nodes[i]->is_manifest && nodes[i]->state == FERRY_NODE_GOOD)
            FERRY_TRY(add_question(r, &question, err));
    }
    return 0;
}

/* The questions of the images that came since; each once. */
static int gather(struct ferry_referrers *r, struct ferry_err *err)
{
    size_t kept = r->asked;

    for (; r->images_walked < r->graph->image_count; r->images_walked++)
        FERRY_TRY(add_image(r, r->images_walked, err));
    if (r->question_count > r->asked)
        qsort(r->questions + r->asked, r->question_count - r->asked, sizeof(*r->questions),
              compare_questions);
    for (size_t i = r->asked; i < r->question_count; i++)
        if (kept == r->asked || compare_questions(&r->questions[kept - 1], &r->questions[i]) != 0)
            r->questions[kept++] = r->questions[i];
    r->question_count = kept;
    return 0;
}

/* --- asking ----------------------------------------------------------------------------------- */

static int list_tags(void *ctx, size_t index, struct ferry_err *err)
{
    struct ferry_referrers *r = ctx;
    struct repository *repository = r->repositories[r->repositories_listed + index];
    int rc = ferry_tag_list_pull(r->session, &repository->ref, &repository->tags, err);

    return rc == FERRY_EAUTH || rc == FERRY_ENOTFOUND || rc == FERRY_EREFUSED || rc == FERRY_ELIMIT
               ? 0
               : rc;
}

static int compare_tags(const void *a, const void *b)
{
    return strcmp(a, *(char *const *)b);
}

/* Whether the repository may have the tag: it has not when its list of tags leaves it out. */
static bool may_have(const struct repository *repository, const char *tag)
{
    return !repository->tags || bsearch(tag, repository->tags->tags, repository->tags->count,
                                        sizeof(char *), compare_tags);
}

static int ask_by_tag(struct ferry_referrers *r, const struct repository *repository,
                      struct question *q, struct ferry_err *err)
{
    const struct ferry_call call = { .registry = repository->ref.registry,
                                     .repository = repository->ref.repository };
    FERRY_OWNED_BUF index;
    char tag[FERRY_TAG_MAX];

    ferry_buf_init(&index, (size_t)FERRY_MANIFEST_MAX);
    ferry_referrer_index_tag(&q->node->descriptor.digest, tag);
    if (!may_have(repository, tag))
        return 0;
    ferry_buf_init(&index, (size_t)FERRY_MANIFEST_MAX);
    FERRY_TRY(
        ferry_referrer_list_by_tag(r->session, &call, &q->node->descriptor.digest, &index, err));
    if (index.len == 0)
        return 0;
    return ferry_referrer_index_parse(&index, tag, &q->list.digests, &q->list.count, &q->list.room,
                                      err);
}

/* Every manifest is asked about: of a registry that says 404 where it should say "none", one answer
 * tells nothing about the next. */
static int ask_referrers(struct ferry_referrers *r, const struct repository *repository,
                         struct question *q, struct ferry_err *err)
{
    const struct ferry_call call = { .registry = repository->ref.registry,
                                     .repository = repository->ref.repository };
    bool is_known;

    FERRY_TRY(ferry_referrer_list_ask(r->session, &call, &q->node->descriptor.digest, &is_known,
                                      &q->list, err));
    return is_known ? 0 : ask_by_tag(r, repository, q, err);
}

static int ask_tag(struct ferry_referrers *r, const struct repository *repository, const char *tag,
                   bool *has, struct ferry_err *err)
{
    FERRY_OWNED_REPLY reply = { 0 };
    char path[FERRY_TAG_MAX + sizeof("manifests/")];
    const struct ferry_call call = { .registry = repository->ref.registry,
                                     .repository = repository->ref.repository,
                                     .method = "HEAD",
                                     .path = path,
                                     .accept = ferry_accept_manifests };

    snprintf(path, sizeof(path), "manifests/%s", tag);
    FERRY_TRY(ferry_session_call(r->session, &call, &reply, err));
    *has = reply.status == 200;
    return *has || reply.status == 404 ? 0 : ferry_reply_fail(&reply, err);
}

/* Only where the tags cannot be listed. */
static int ask_tags(struct ferry_referrers *r, const struct repository *repository,
                    struct question *q, struct ferry_err *err)
{
    char tag[2 * FERRY_TAG_MAX];
    size_t len;

    ferry_referrer_index_tag(&q->node->descriptor.digest, tag);
    len = strlen(tag);
    for (size_t i = 0; !repository->tags && i < FERRY_COUNT(suffixes); i++) {
        snprintf(tag + len, sizeof(tag) - len, "%s", suffixes[i]);
        FERRY_TRY(ask_tag(r, repository, tag, &q->has_tag[i], err));
    }
    return 0;
}

static int ask(void *ctx, size_t index, struct ferry_err *err)
{
    struct ferry_referrers *r = ctx;
    struct question *q = &r->questions[r->asked + index];
    const struct repository *repository = r->repositories[q->repository];

    if (ask_referrers(r, repository, q, err) == 0 && ask_tags(r, repository, q, err) == 0)
        return 0;
    return ferry_wrap(err, "%s: what belongs to %s", r->graph->images[q->image].name,
                      q->node->descriptor.digest.text);
}

/* --- what was found --------------------------------------------------------------------------- */

struct findings {
    struct ferry_referrer *items;
    size_t count, room;
};

static int add(struct findings *f, const struct ferry_reference *ref,
               const struct ferry_digest *subject, struct ferry_err *err)
{
    FERRY_TRY(ferry_grow((void **)&f->items, f->count, &f->room, sizeof(*f->items), err));
    f->items[f->count++] = (struct ferry_referrer){ .ref = *ref, .subject = *subject };
    return 0;
}

/* In an order of ours: a registry may answer in any. */
static int add_referrers(struct findings *f, const struct repository *repository,
                         struct question *q, struct ferry_err *err)
{
    struct ferry_reference ref = repository->ref;

    if (q->list.count > 0)
        qsort(q->list.digests, q->list.count, sizeof(*q->list.digests), ferry_digest_compare);
    ref.has_digest = true;
    for (size_t i = 0; i < q->list.count; i++) {
        ref.digest = q->list.digests[i];
        if (i == 0 || !ferry_digest_equal(&q->list.digests[i - 1], &ref.digest))
            FERRY_TRY(add(f, &ref, &q->node->descriptor.digest, err));
    }
    return 0;
}

/* Whether the user asked for that tag by name. */
static bool is_image(const struct ferry_graph *graph, const struct ferry_reference *ref)
{
    for (size_t i = 0; i < graph->image_count; i++)
        if (graph->images[i].has_subject &&
            ferry_reference_compare_name(&graph->images[i].ref, ref) == 0)
            return true;
    return false;
}

static int add_tag(struct findings *f, const struct ferry_referrers *r, const struct question *q,
                   const char *tag, struct ferry_err *err)
{
    struct ferry_reference ref = r->repositories[q->repository]->ref;

    snprintf(ref.tag, sizeof(ref.tag), "%s", tag);
    return is_image(r->graph, &ref) ? 0 : add(f, &ref, &q->node->descriptor.digest, err);
}

/* The tags that are that of the referrers tag schema and a suffix. */
static int add_tags(struct findings *f, const struct ferry_referrers *r, const struct question *q,
                    struct ferry_err *err)
{
    const struct ferry_tag_list *tags = r->repositories[q->repository]->tags;
    char start[FERRY_TAG_MAX + 1];
    size_t len, low = 0, high = tags ? tags->count : 0;

    ferry_referrer_index_tag(&q->node->descriptor.digest, start);
    len = strlen(start);
    for (size_t i = 0; !tags && i < FERRY_COUNT(suffixes); i++) {
        snprintf(start + len, sizeof(start) - len, "%s", suffixes[i]);
        if (q->has_tag[i])
            FERRY_TRY(add_tag(f, r, q, start, err));
    }
    memcpy(start + len, ".", sizeof("."));
    while (low < high) { /* the first that is not before it */
        size_t middle = low + (high - low) / 2;

        if (strcmp(tags->tags[middle], start) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; tags && low < tags->count && strncmp(tags->tags[low], start, len + 1) == 0; low++)
        FERRY_TRY(add_tag(f, r, q, tags->tags[low], err));
    return 0;
}

static int collect(struct findings *f, struct ferry_referrers *r, struct ferry_err *err)
{
    for (size_t i = r->asked; i < r->question_count; i++) {
        struct question *q = &r->questions[i];

        FERRY_TRY(add_referrers(f, r->repositories[q->repository], q, err));
        FERRY_TRY(add_tags(f, r, q, err));
        ferry_referrer_list_release(&q->list);
    }
    return 0;
}

int ferry_referrers_find(struct ferry_referrers *r, struct ferry_referrer **found, size_t *count,
                         struct ferry_err *err)
{
    struct findings f = { 0 };
    int rc;

    FERRY_TRY(gather(r, err));
    FERRY_TRY(
        ferry_pool_run(r->jobs, r->repository_count - r->repositories_listed, list_tags, r, err));
    r->repositories_listed = r->repository_count;
    FERRY_TRY(ferry_pool_run(r->jobs, r->question_count - r->asked, ask, r, err));
    rc = collect(&f, r, err);
    if (rc < 0) {
        free(f.items);
        return rc;
    }
    if (r->question_count > 0)
        qsort(r->questions, r->question_count, sizeof(*r->questions), compare_questions);
    r->asked = r->question_count;
    *found = f.items;
    *count = f.count;
    return 0;
}
