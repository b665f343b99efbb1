#include "export/resume.h"

#include <string.h>

#include "export/plan_scan.h"
#include "format/archive/layout.h"
#include "format/core/blob_impl.h"
#include "format/core/size.h"

/* Which names mean another image than in the partial file. */
static void say_moved(const struct ferry_plan_scan *s, const struct ferry_graph *old)
{
    for (size_t i = 0; i < s->plan->graph->image_count; i++) {
        const struct ferry_image *now = &s->plan->graph->images[i];

        for (size_t k = 0; k < old->image_count; k++)
            if (strcmp(old->images[k].name, now->name) == 0 &&
                !ferry_digest_equal(&old->images[k].root->descriptor.digest,
                                    &now->root->descriptor.digest))
                ferry_progress_say(s->progress, "%s has changed since: it was %s, and is %s",
                                   now->name, old->images[k].root->descriptor.digest.text,
                                   now->root->descriptor.digest.text);
    }
}

static bool has_same_bases(const struct ferry_graph *a, const struct ferry_graph *b)
{
    if (a->bases.count != b->bases.count)
        return false;
    for (size_t i = 0; i < a->bases.count; i++)
        if (!ferry_digest_equal(&a->bases.digests[i], &b->bases.digests[i]))
            return false;
    return true;
}

/* Why the partial file is of no use: for people, so what fails here is passed over. */
static int say_different(const struct ferry_plan_scan *s, const struct ferry_writer *writer,
                         struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) found = NULL;
    FERRY_OWNED(ferry_tar) tar = NULL;
    FERRY_OWNED(ferry_graph) old = NULL;
    FERRY_OWNED(ferry_source) body = NULL;
    FERRY_OWNED_BUF index;
    struct ferry_tar_entry entry;

    ferry_buf_init(&index, (size_t)FERRY_MANIFEST_MAX);
    FERRY_TRY(ferry_writer_reread(writer, 0, &found, err));
    FERRY_TRY(ferry_tar_open_stream(found, &tar, err));
    FERRY_TRY(ferry_tar_next(tar, &entry, err));
    FERRY_TRY(ferry_tar_next(tar, &entry, err));
    if (!entry.name || strcmp(entry.name, FERRY_INDEX_NAME) != 0)
        return 0;
    FERRY_TRY(ferry_tar_body(tar, &body, err));
    FERRY_TRY(ferry_source_read_all(body, &index, err));
    FERRY_TRY(ferry_graph_new(&old, err));
    FERRY_TRY(ferry_index_parse(index.data, index.len, old, err));
    say_moved(s, old);
    if (!has_same_bases(s->plan->graph, old))
        ferry_progress_say(s->progress, "--base is not what it was then");
    return 0;
}

/* Back to the last place up to which the output can be kept: in an entry before, maybe. */
static void step_back(const struct ferry_plan_scan *s, const struct ferry_writer *writer,
                      int64_t head, struct ferry_resume *out)
{
    int64_t kept = ferry_writer_keepable(writer, out->kept);
    int64_t offset = head;

    if (kept == out->kept)
        return;
    *out = (struct ferry_resume){ .is_begun = kept >= head, .kept = kept };
    for (; out->is_begun && out->node < s->plan->count; out->node++) {
        const struct ferry_node *node = s->plan->nodes[out->node];
        const struct ferry_descriptor *d = &node->descriptor;
        int64_t end = offset + ferry_writer_entry_cost(&d->digest, d->size);

        if (kept < end) {
            ferry_plan_scan_stop(node, offset, kept, out);
            return;
        }
        offset = end;
    }
    out->offset = offset;
}

static int scan_file(struct ferry_plan_scan *s, const struct ferry_writer *writer,
                     struct ferry_resume *out, struct ferry_err *err)
{
    enum ferry_verdict verdict = FERRY_VERDICT_SAME;
    struct ferry_resume resume = { 0 };
    struct ferry_err ignored;
    char size[FERRY_SIZE_TEXT_MAX];

    FERRY_TRY(ferry_plan_scan_head(s, &verdict, err));
    if (verdict == FERRY_VERDICT_SAME) {
        int64_t head = s->offset;

        resume.is_begun = true;
        FERRY_TRY(ferry_plan_scan_nodes(s, &resume, &verdict, err));
        step_back(s, writer, head, &resume);
    }
    if (verdict == FERRY_VERDICT_DIFFERENT) {
        (void)!say_different(s, writer, &ignored);
        ferry_progress_say(s->progress,
                           "what an earlier export left is the beginning of another archive: "
                           "starting afresh");
        return 0;
    }
    if (!resume.is_begun)
        return 0;
    ferry_progress_say(s->progress,
                       "going on with what an earlier export left: %s of it can be used",
                       ferry_size_format(resume.kept, size));
    *out = resume;
    return 0;
}

int ferry_resume_scan(const struct ferry_writer *writer, struct ferry_pull_plan *plan,
                      struct ferry_progress *progress, struct ferry_resume *out,
                      struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) there = NULL;
    FERRY_OWNED(ferry_tar) tar = NULL;
    int64_t found = ferry_writer_found(writer);
    struct ferry_plan_scan scan = { .plan = plan, .progress = progress, .found = found };
    int rc;

    *out = (struct ferry_resume){ 0 };
    if (found == 0)
        return 0;
    ferry_progress_phase(progress, "checking what is there", found, -1);
    FERRY_TRY(ferry_writer_reread(writer, 0, &there, err));
    rc = ferry_tar_open_stream(there, &tar, err);
    if (rc == FERRY_EFORMAT) /* not even the beginning of an archive */
        return 0;
    FERRY_TRY(rc);
    scan.tar = tar;
    return scan_file(&scan, writer, out, err);
}

struct resumed {
    struct ferry_source base;
    struct ferry_source *there, *rest;
    int64_t left; /* of what is there */
};

static int resumed_read(struct ferry_source *source, void *buf, size_t cap, size_t *got,
                        struct ferry_err *err)
{
    struct resumed *s = (struct resumed *)source;

    if (s->left == 0)
        return ferry_source_read(s->rest, buf, cap, got, err);
    if (ferry_source_read(s->there, buf, s->left < (int64_t)cap ? (size_t)s->left : cap, got, err) <
        0)
        return ferry_wrap(err, "cannot go on with what is there");
    if (*got == 0)
        return ferry_fail(err, FERRY_EIO, "cannot go on with what is there: it became shorter");
    s->left -= (int64_t)*got;
    return 0;
}

static void resumed_free(struct ferry_source *source)
{
    struct resumed *s = (struct resumed *)source;

    ferry_source_free(s->there);
    ferry_source_free(s->rest);
    free(s);
}

static const struct ferry_source_ops resumed_ops = { resumed_read, NULL, resumed_free };

int ferry_resume_source(const struct ferry_writer *writer, const struct ferry_resume *resume,
                        struct ferry_source **rest, struct ferry_source **out,
                        struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) owned = ferry_steal(rest);
    FERRY_OWNED(ferry_source) there = NULL;
    struct resumed *s;

    FERRY_TRY(ferry_writer_reread(writer, resume->data, &there, err));
    s = calloc(1, sizeof(*s));
    if (!s)
        return ferry_fail_memory(err);
    *s = (struct resumed){ .base = { &resumed_ops, owned->size },
                           .there = ferry_steal(&there),
                           .rest = ferry_steal(&owned),
                           .left = resume->tail };
    *out = &s->base;
    return 0;
}
