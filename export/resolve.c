#include "export/resolve.h"

#include "export/pull.h"
#include "export/referrers.h"
#include "format/archive/docker_manifest.h"
#include "format/run/pool.h"

/* A config above this is left to the stream of blobs, and its image out of manifest.json. */
#define CONFIG_KEPT_MAX ((int64_t)1024 * 1024)
/* Replies held at once before they join the graph, of FERRY_MANIFEST_MAX bytes at the most. */
#define BATCH 128

/* One document asked for: by reference for a root, by node for what a root reaches. */
struct request {
    const struct ferry_reference *ref;
    const struct ferry_digest *subject; /* of a root that was found by it; or NULL */
    struct ferry_node *node;
    const struct ferry_node *known; /* its answer, from an earlier graph; or NULL */
    struct ferry_buf bytes;
    struct ferry_descriptor descriptor; /* of a root */
    struct ferry_err failure;           /* where there is no answer, and the others go on */
    bool is_gone;                       /* it was found, and is not there */
};

struct resolve {
    struct ferry_session *session;
    const struct ferry_resolve_options *options;
    struct ferry_resolve_notes *notes;
    struct ferry_graph *graph;
    size_t known_images; /* the first so many of the earlier graph have been looked at */
    struct request *batch;
    size_t count;
    size_t asked; /* the first so many of the batch */
    bool met;     /* the first request of all was answered */
};

/* What an earlier graph made of a reference: its images stand in the order of the references. */
static const struct ferry_node *find_root(struct resolve *r, const struct ferry_reference *ref)
{
    const struct ferry_graph *known = r->options->known;

    while (known && r->known_images < known->image_count) {
        const struct ferry_image *image = &known->images[r->known_images++];

        if (ferry_reference_compare(&image->ref, ref) == 0)
            return image->root;
    }
    return NULL;
}

static const struct ferry_node *find_known(struct resolve *r, const struct ferry_reference *ref,
                                           const struct ferry_node *node)
{
    const struct ferry_node *found = NULL;

    if (ref)
        found = find_root(r, ref);
    else if (r->options->known)
        found = ferry_graph_find(r->options->known, &node->descriptor.digest);
    return found && found->bytes ? found : NULL;
}

/* Registries keep manifests and blobs apart, and of a blob where a manifest should stand they say
 * all sorts of things. */
static int check_is_manifest(const struct ferry_node *node, struct ferry_err *err)
{
    const char *media_type = node->descriptor.media_type;

    if (!node->is_manifest ||
        (!ferry_media_type_is_layer(media_type) && !ferry_media_type_is_image_config(media_type)))
        return 0;
    return ferry_fail(err, FERRY_EFORMAT,
                      "its index lists %s, which is no manifest but %.100s: it is no image, but a "
                      "cache of BuildKit or the like, and cannot be exported",
                      node->descriptor.digest.text, media_type);
}

static int ask_for(const struct resolve *r, struct request *q, struct ferry_err *err)
{
    const struct ferry_image *image;

    if (q->known) {
        const struct ferry_descriptor *d = &q->known->descriptor;

        if (q->ref)
            FERRY_TRY(
                ferry_descriptor_init(&q->descriptor, d->media_type, &d->digest, d->size, err));
        return ferry_buf_append(&q->bytes, q->known->bytes, (size_t)d->size, err);
    }
    if (q->ref)
        return ferry_pull_reference(r->session, q->ref, &q->bytes, &q->descriptor, err);
    image = &r->graph->images[q->node->first_image];
    if (check_is_manifest(q->node, err) < 0)
        return ferry_wrap(err, "%s", image->name);
    return ferry_pull_node(r->session, image, q->node, &q->bytes, err);
}

static int ask(void *ctx, size_t index, struct ferry_err *err)
{
    struct resolve *r = ctx;
    struct request *q = &r->batch[r->asked + index];

    ferry_buf_init(&q->bytes, (size_t)FERRY_MANIFEST_MAX);
    if (ask_for(r, q, err) < 0) {
        q->is_gone = q->subject && err->code == FERRY_ENOTFOUND;
        if (q->is_gone)
            return 0;
        if (!ferry_failures_permit(r->options->failures, err))
            return (int)err->code;
        q->failure = *err;
    }
    return 0;
}

/* Said before an endless list of referrers, or of what belongs to them in turn, was asked for. */
static int add_root(struct resolve *r, const struct request *q, struct ferry_err *err)
{
    if (r->graph->image_count == FERRY_CHILDREN_MAX)
        return ferry_fail(err, FERRY_ELIMIT,
                          "more than %d images and manifests that belong to them: make several "
                          "archives of them",
                          FERRY_CHILDREN_MAX);
    if (q->subject && !q->ref->tag[0])
        return ferry_graph_add_referrer(r->graph, q->ref, q->subject, &q->descriptor, err);
    return ferry_graph_add_image(r->graph, q->ref, &q->descriptor, err);
}

static void note_gone(struct resolve *r, const struct request *q)
{
    if (r->notes->referrers_gone++ == 0)
        ferry_reference_format(q->ref, r->notes->gone);
}

/* A reply joins the graph. A root that another image reaches as well is in it already. */
static int join(struct resolve *r, struct request *q, struct ferry_err *err)
{
    if (q->ref) {
        FERRY_TRY(add_root(r, q, err));
        q->node = r->graph->images[r->graph->image_count - 1].root;
        if (!ferry_node_unread(q->node))
            return 0;
    }
    if (ferry_graph_supply(r->graph, q->node, &q->bytes, err) < 0)
        return ferry_wrap(err, "%s", r->graph->images[q->node->first_image].name);
    return 0;
}

/* What has no answer, or one of no use, is left to whoever asked for the graph, if that may be. */
static int answer(struct resolve *r, struct request *q, struct ferry_err *err)
{
    char name[FERRY_REFERENCE_TEXT_MAX];

    if (q->is_gone) {
        note_gone(r, q);
        return 0;
    }
    if (q->failure.code != FERRY_OK)
        *err = q->failure;
    else if (join(r, q, err) == 0)
        return 0;
    if (!ferry_failures_permit(r->options->failures, err))
        return (int)err->code;
    if (!q->node && q->subject) /* an image without its signature is not what was asked for */
        q->node = ferry_graph_find(r->graph, q->subject);
    if (q->node) {
        ferry_node_set_fault(q->node, err);
        return 0;
    }
    ferry_reference_format(q->ref, name);
    return ferry_failures_add(r->options->failures, name, err);
}

/* Sends what was gathered, and takes the replies in the order of the requests. */
static int flush(struct resolve *r, struct ferry_err *err)
{
    int rc = 0;

    r->asked = 0;
    if (!r->met && r->count > 0) { /* one settles scheme and login for all, or fails for all */
        rc = ferry_pool_run(1, 1, ask, r, err);
        r->met = true;
        r->asked = 1;
    }
    if (rc == 0)
        rc = ferry_pool_run(r->options->jobs, r->count - r->asked, ask, r, err);
    for (size_t i = 0; i < r->count; i++) {
        if (rc == 0)
            rc = answer(r, &r->batch[i], err);
        ferry_buf_release(&r->batch[i].bytes);
        ferry_descriptor_release(&r->batch[i].descriptor);
        r->batch[i] = (struct request){ 0 };
    }
    r->count = 0;
    return rc;
}

static int gather(struct resolve *r, const struct request *request, struct ferry_err *err)
{
    struct request *q = &r->batch[r->count++];

    *q = *request;
    q->known = find_known(r, q->ref, q->node);
    return r->count == BATCH ? flush(r, err) : 0;
}

static int gather_node(struct resolve *r, struct ferry_node *node, struct ferry_err *err)
{
    return gather(r, &(struct request){ .node = node }, err);
}

/* Level by level: the graph grows while it is walked. */
static int resolve_levels(struct resolve *r, struct ferry_err *err)
{
    for (size_t walked = 0; walked < r->graph->count;) {
        size_t level_end = r->graph->count;

        for (; walked < level_end; walked++)
            if (ferry_node_unread(r->graph->nodes[walked]))
                FERRY_TRY(gather_node(r, r->graph->nodes[walked], err));
        FERRY_TRY(flush(r, err));
    }
    return 0;
}

static bool has_unread(const struct ferry_graph *graph)
{
    for (size_t i = 0; i < graph->count; i++)
        if (ferry_node_unread(graph->nodes[i]))
            return true;
    return false;
}

/* What one index passes over another may want, after the walk went by. */
static int resolve_manifests(struct resolve *r, struct ferry_err *err)
{
    do
        FERRY_TRY(resolve_levels(r, err));
    while (ferry_graph_want_attestations(r->graph) || has_unread(r->graph));
    return 0;
}

/* One round: what belongs to the images that are known, and all that it reaches. */
static int take_referrers(struct resolve *r, const struct ferry_referrer *found, size_t count,
                          struct ferry_err *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct request request = { .ref = &found[i].ref, .subject = &found[i].subject };

        FERRY_TRY(gather(r, &request, err));
    }
    FERRY_TRY(flush(r, err));
    return resolve_manifests(r, err);
}

/* Whoever does without them can do without their number. */
static int count_referrers(struct resolve *r, struct ferry_referrers *referrers,
                           struct ferry_err *err)
{
    FERRY_OWNED_MEM struct ferry_referrer *found = NULL;
    int rc = ferry_referrers_find(referrers, &found, &r->notes->referrers_left_out, err);

    if (rc == FERRY_ECANCEL || rc == FERRY_ENOMEM)
        return rc;
    if (rc < 0)
        r->notes->not_counted = *err;
    return 0;
}

static int resolve_referrers(struct resolve *r, struct ferry_err *err)
{
    FERRY_OWNED(ferry_referrers) referrers = NULL;
    size_t count;

    FERRY_TRY(ferry_referrers_new(r->session, r->graph, r->options->jobs, &referrers, err));
    if (r->options->no_referrers)
        return count_referrers(r, referrers, err);
    do {
        FERRY_OWNED_MEM struct ferry_referrer *found = NULL;

        if (ferry_referrers_find(referrers, &found, &count, err) < 0)
            return ferry_wrap(err, "referrers (--no-referrers leaves them behind)");
        FERRY_TRY(take_referrers(r, found, count, err));
    } while (count > 0);
    return 0;
}

/* Two images may share a config: it is asked for once. */
static int resolve_configs(struct resolve *r, struct ferry_err *err)
{
    for (size_t i = 0; i < r->graph->image_count; i++) {
        struct ferry_node *manifest = ferry_docker_candidate(r->graph->images[i].root);
        struct ferry_node *config = manifest && manifest->count > 0 ? manifest->children[0] : NULL;

        if (config && manifest->as_part[0] && config->state == FERRY_NODE_WANTED &&
            config->descriptor.size <= CONFIG_KEPT_MAX && config->mark != r->graph->stamp + 1) {
            config->mark = r->graph->stamp + 1;
            FERRY_TRY(gather_node(r, config, err));
        }
    }
    r->graph->stamp++;
    return flush(r, err);
}

int ferry_resolve(struct ferry_session *session, const struct ferry_resolve_options *options,
                  struct ferry_graph **out, struct ferry_resolve_notes *notes,
                  struct ferry_err *err)
{
    FERRY_OWNED(ferry_graph) graph = NULL;
    FERRY_OWNED_MEM struct request *batch = calloc(BATCH, sizeof(*batch));
    struct resolve r = { .session = session, .options = options, .notes = notes, .batch = batch };

    if (!batch)
        return ferry_fail_memory(err);
    *notes = (struct ferry_resolve_notes){ 0 };
    FERRY_TRY(ferry_graph_new(&graph, err));
    ferry_graph_select(graph, options->platforms, options->platform_count);
    r.graph = graph;
    for (size_t i = 0; i < options->count; i++)
        FERRY_TRY(gather(&r, &(struct request){ .ref = &options->refs[i] }, err));
    FERRY_TRY(flush(&r, err));
    FERRY_TRY(resolve_manifests(&r, err));
    FERRY_TRY(resolve_referrers(&r, err));
    FERRY_TRY(resolve_configs(&r, err));
    *out = ferry_steal(&graph);
    return 0;
}
