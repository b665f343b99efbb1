#include "export/resume.h"

#include <string.h>

#include "format/archive/layout.h"
#include "format/archive/signature.h"
#include "format/archive/tar_stream.h"
#include "format/core/blob_impl.h"
#include "format/core/blob_verify.h"

/* What the next entry of the partial file is. */
enum verdict {
    VERDICT_SAME,
    VERDICT_CUT,      /* the file ends before it is complete, or it is damaged */
    VERDICT_DIFFERENT /* the file is the beginning of another archive */
};

struct scan {
    struct ferry_pull_plan *plan;
    const struct ferry_writer *writer;
    struct ferry_progress *progress;
    struct ferry_tar *tar;
    int64_t offset; /* where the next entry of the plan begins */
};

#define ANY_SIZE ((int64_t)-1)

/* The file ends somewhere, and what a power cut left may be no tar any more: that is a cut. */
static int next_entry(struct scan *s, const char *name, int64_t size, enum verdict *verdict,
                      struct ferry_err *err)
{
    struct ferry_tar_entry entry;
    int rc = ferry_tar_next(s->tar, &entry, err);

    *verdict = VERDICT_CUT;
    if (rc == FERRY_EFORMAT || (rc == 0 && !entry.name))
        return 0;
    FERRY_TRY(rc);
    *verdict = strcmp(entry.name, name) == 0 && (size == ANY_SIZE || entry.size == size) &&
                       entry.position == s->offset && ferry_tar_is_plain(s->tar)
                   ? VERDICT_SAME
                   : VERDICT_DIFFERENT;
    return 0;
}

/* A file of the head: its very bytes. */
static int scan_document(struct scan *s, const char *name, const struct ferry_buf *wanted,
                         enum verdict *verdict, struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) body = NULL;
    FERRY_OWNED_BUF found;
    int rc;

    ferry_buf_init(&found, wanted->len);
    FERRY_TRY(next_entry(s, name, (int64_t)wanted->len, verdict, err));
    if (*verdict != VERDICT_SAME)
        return 0;
    FERRY_TRY(ferry_tar_body(s->tar, &body, err));
    rc = ferry_source_read_all(body, &found, err);
    if (rc == FERRY_EFORMAT)
        *verdict = VERDICT_CUT;
    else if (rc == 0 && memcmp(found.data, wanted->data, wanted->len) != 0)
        *verdict = VERDICT_DIFFERENT;
    s->offset += ferry_writer_file_cost((int64_t)wanted->len);
    return rc == FERRY_EFORMAT ? 0 : rc;
}

/* Signed again, one content may have other bytes (ECDSA draws random numbers): a signature that is
 * there will do if it is as good as the plan's own. */
static bool is_as_good(const struct scan *s, const struct ferry_buf *found)
{
    static const struct ferry_signature_policy nobody;
    struct ferry_signature signature = { 0 };
    struct ferry_err ignored;
    bool fits;

    if (!ferry_signature_alike(found, &s->plan->signature))
        return false;
    fits = ferry_signature_check(&s->plan->index, found, &nobody, &signature, &ignored) == 0 &&
           signature.state == FERRY_SIGNATURE_UNCHECKED;
    ferry_signature_release(&signature);
    return fits;
}

/* The plan takes over the signature that is there. */
static int scan_signature(struct scan *s, enum verdict *verdict, struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) body = NULL;
    FERRY_OWNED_BUF found;
    int64_t size;
    int rc;

    ferry_buf_init(&found, FERRY_SIGNATURE_MAX);
    FERRY_TRY(next_entry(s, FERRY_SIGNATURE_NAME, ANY_SIZE, verdict, err));
    if (*verdict != VERDICT_SAME)
        return 0;
    FERRY_TRY(ferry_tar_body(s->tar, &body, err));
    size = ferry_source_size(body);
    rc = size > (int64_t)FERRY_SIGNATURE_MAX ? 0 : ferry_source_read_all(body, &found, err);
    if (rc == FERRY_EFORMAT)
        *verdict = VERDICT_CUT;
    else if (rc == 0 && !is_as_good(s, &found))
        *verdict = VERDICT_DIFFERENT;
    else if (rc == 0)
        ferry_pull_plan_sign(s->plan, &found);
    s->offset += ferry_writer_file_cost(size);
    return rc == FERRY_EFORMAT ? 0 : rc;
}

static int scan_head(struct scan *s, enum verdict *verdict, struct ferry_err *err)
{
    FERRY_OWNED_BUF layout;

    ferry_buf_init(&layout, strlen(FERRY_LAYOUT_TEXT));
    FERRY_TRY(ferry_buf_append(&layout, FERRY_LAYOUT_TEXT, strlen(FERRY_LAYOUT_TEXT), err));
    FERRY_TRY(scan_document(s, FERRY_LAYOUT_NAME, &layout, verdict, err));
    if (*verdict == VERDICT_SAME)
        FERRY_TRY(scan_document(s, FERRY_INDEX_NAME, &s->plan->index, verdict, err));
    if (*verdict == VERDICT_SAME && s->plan->signature.len > 0)
        FERRY_TRY(scan_signature(s, verdict, err));
    if (*verdict == VERDICT_SAME && s->plan->docker.len > 0)
        FERRY_TRY(scan_document(s, FERRY_DOCKER_NAME, &s->plan->docker, verdict, err));
    s->offset += (int64_t)s->plan->folder_count * ferry_writer_file_cost(0);
    if (*verdict == VERDICT_SAME && s->offset > ferry_writer_found(s->writer))
        *verdict = VERDICT_CUT;
    return 0;
}

/* The blob is complete in the file. Is it right? */
static int check_blob(struct scan *s, const struct ferry_node *node, enum verdict *verdict,
                      struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) body = NULL;
    FERRY_OWNED(ferry_source) checked = NULL;
    int rc;

    FERRY_TRY(ferry_tar_body(s->tar, &body, err));
    FERRY_TRY(
        ferry_verify_new(&body, &node->descriptor.digest, node->descriptor.size, &checked, err));
    rc = ferry_source_drain(checked, err);
    if (rc == FERRY_EDIGEST || rc == FERRY_EFORMAT) {
        *verdict = VERDICT_CUT;
        return 0;
    }
    ferry_progress_add(s->progress, node->descriptor.size, 1);
    return rc;
}

/* Goes through the blobs; *out says where it had to stop. */
static int scan_nodes(struct scan *s, struct ferry_resume *out, enum verdict *verdict,
                      struct ferry_err *err)
{
    int64_t found = ferry_writer_found(s->writer);

    for (; out->node < s->plan->count && *verdict == VERDICT_SAME; out->node++) {
        const struct ferry_node *node = s->plan->nodes[out->node];
        int64_t size = node->descriptor.size;
        int64_t cost = ferry_writer_entry_cost(&node->descriptor.digest, size);
        char name[FERRY_BLOB_NAME_MAX];

        ferry_layout_blob_name(&node->descriptor.digest, name);
        out->offset = out->kept = s->offset;
        out->data = s->offset + ferry_writer_entry_cost(&node->descriptor.digest, 0);
        out->tail = 0;
        FERRY_TRY(next_entry(s, name, size, verdict, err));
        if (*verdict != VERDICT_SAME)
            return 0;
        if (found < s->offset + cost) {
            *verdict = VERDICT_CUT;
            if (found > out->data && !node->bytes) {
                out->tail = found - out->data < size ? found - out->data : size;
                out->kept = out->data + out->tail;
            }
            return 0;
        }
        FERRY_TRY(check_blob(s, node, verdict, err));
        if (*verdict != VERDICT_SAME)
            return 0;
        s->offset += cost;
    }
    out->offset = out->kept = s->offset;
    return 0;
}

/* Which names mean another image than in the partial file. */
static void say_moved(const struct scan *s, const struct ferry_graph *old)
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
static int say_different(const struct scan *s, struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) found = NULL;
    FERRY_OWNED(ferry_tar) tar = NULL;
    FERRY_OWNED(ferry_graph) old = NULL;
    FERRY_OWNED(ferry_source) body = NULL;
    FERRY_OWNED_BUF index;
    struct ferry_tar_entry entry;

    ferry_buf_init(&index, (size_t)FERRY_MANIFEST_MAX);
    FERRY_TRY(ferry_writer_reread(s->writer, 0, &found, err));
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
static void step_back(const struct scan *s, int64_t head, struct ferry_resume *out)
{
    int64_t kept = ferry_writer_keepable(s->writer, out->kept);
    int64_t offset = head;

    if (kept == out->kept)
        return;
    *out = (struct ferry_resume){ .is_begun = kept >= head, .kept = kept };
    for (; out->is_begun && out->node < s->plan->count; out->node++) {
        const struct ferry_descriptor *d = &s->plan->nodes[out->node]->descriptor;
        int64_t end = offset + ferry_writer_entry_cost(&d->digest, d->size);

        out->offset = offset;
        out->data = offset + ferry_writer_entry_cost(&d->digest, 0);
        if (kept < end) {
            out->tail = kept <= out->data            ? 0
                        : kept - out->data < d->size ? kept - out->data
                                                     : d->size;
            return;
        }
        offset = end;
    }
    out->offset = offset;
}

static int scan_file(struct scan *s, struct ferry_resume *out, struct ferry_err *err)
{
    enum verdict verdict = VERDICT_SAME;
    struct ferry_resume resume = { 0 };
    struct ferry_err ignored;
    char size[FERRY_SIZE_TEXT_MAX];

    FERRY_TRY(scan_head(s, &verdict, err));
    if (verdict == VERDICT_SAME) {
        int64_t head = s->offset;

        resume.is_begun = true;
        FERRY_TRY(scan_nodes(s, &resume, &verdict, err));
        step_back(s, head, &resume);
    }
    if (verdict == VERDICT_DIFFERENT) {
        (void)!say_different(s, &ignored);
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
    struct scan scan = { .plan = plan, .writer = writer, .progress = progress };
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
    return scan_file(&scan, out, err);
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
