#include "import/freight.h"

#include <string.h>

#include "format/core/blob_verify.h"
#include "import/upload.h"

struct ferry_push ferry_freight_push(const struct ferry_move *move,
                                     const struct ferry_placement *placement)
{
    return (struct ferry_push){ .session = move->session,
                                .registry = move->registry,
                                .repository = move->plan->repositories[placement->repository] };
}

static void name_blob(const struct ferry_node *node, struct ferry_err *err)
{
    if (!strstr(err->msg, node->descriptor.digest.text))
        ferry_wrap(err, "blob %s", node->descriptor.digest.text);
}

int ferry_freight_wrap(const struct ferry_move *move, const struct ferry_placement *placement,
                       struct ferry_err *err)
{
    name_blob(placement->node, err);
    return ferry_wrap(err, "%s/%s", move->registry,
                      move->plan->repositories[placement->repository]);
}

int ferry_freight_note(const struct ferry_freight *freight, struct ferry_err *why,
                       struct ferry_err *err)
{
    name_blob(freight->node, why);
    return ferry_archive_set_note(freight->move->archives, freight->archive,
                                  &freight->node->descriptor.digest, why, err);
}

static void drop_source(struct ferry_freight *f)
{
    ferry_source_free(ferry_steal(&f->source));
    ferry_reply_release(&f->reply);
    f->is_passing = f->used = f->is_back = false;
    f->ahead = 0;
}

void ferry_freight_release(struct ferry_freight *freight)
{
    drop_source(freight);
}

int ferry_freight_verify(const struct ferry_node *node, struct ferry_source **body,
                         struct ferry_source **out, struct ferry_err *err)
{
    return ferry_verify_new(body, &node->descriptor.digest, node->descriptor.size, out, err);
}

/* A pipe does not come again, and an archive may lack a blob; but where one repository has it by
 * now, others can have it from there. */
static int read_back(struct ferry_freight *f, struct ferry_err *err)
{
    const struct ferry_push from = { .session = f->move->session,
                                     .registry = f->move->registry,
                                     .repository = f->from,
                                     .reads_only = true };

    FERRY_TRY(ferry_push_read_back(&from, &f->node->descriptor.digest, &f->reply, err));
    f->is_back = true;
    return ferry_freight_verify(f->node, &f->reply.body, &f->source, err);
}

/* A source that stands at the first byte. */
static int load(struct ferry_freight *f, struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) body = NULL;
    struct ferry_err ignored;
    int rc;

    if (f->source && (!f->used || ferry_source_rewind(f->source, 0, &ignored) == 0))
        return 0;
    drop_source(f);
    f->archive = f->next;
    rc = ferry_archive_set_blob(f->move->archives, &f->node->descriptor.digest, &f->archive, &body,
                                err);
    if (rc == FERRY_ENOTFOUND && f->from)
        return read_back(f, err);
    f->is_out = rc == FERRY_ENOTFOUND;
    f->source_failed = rc < 0;
    FERRY_TRY(rc);
    return ferry_freight_verify(f->node, &body, &f->source, err);
}

static int upload(struct ferry_freight *f, const struct ferry_push *to, struct ferry_upload *upload,
                  struct ferry_err *err)
{
    struct ferry_cargo cargo;

    if (load(f, err) < 0) {
        ferry_upload_cancel(to, upload);
        return (int)err->code;
    }
    f->used = true;
    cargo = (struct ferry_cargo){ .digest = &f->node->descriptor.digest,
                                  .source = f->source,
                                  .ahead = f->ahead,
                                  .chunk_size = f->move->chunk_size,
                                  .progress = f->move->progress };
    return ferry_upload_blob(to, &cargo, upload, &f->source_failed, err);
}

static int place(struct ferry_freight *f, struct ferry_placement *p, struct ferry_err *err)
{
    struct ferry_push to = ferry_freight_push(f->move, p);
    struct ferry_upload begun = { 0 };
    bool mounted;

    f->source_failed = false;
    if (!f->from) /* no use in an upload that has nothing to carry */
        FERRY_TRY(load(f, err));
    FERRY_TRY(ferry_upload_begin(&to, &f->node->descriptor.digest, f->from, &mounted, &begun, err));
    if (mounted) {
        p->state = FERRY_PLACEMENT_MOUNTED;
        ferry_progress_add(f->move->progress, f->node->descriptor.size, 0);
        return 0;
    }
    FERRY_TRY(upload(f, &to, &begun, err));
    p->state = FERRY_PLACEMENT_UPLOADED;
    return 0;
}

/* The fault of a copy, not of the registry, which may send what makes no sense as well. */
static bool blames_copy(const struct ferry_freight *f, int code)
{
    return f->source_failed && !f->is_back &&
           (code == FERRY_EDIGEST || code == FERRY_EFORMAT || code == FERRY_EIO);
}

static int drop_copy(struct ferry_freight *f, struct ferry_err *err)
{
    struct ferry_err why = *err;

    FERRY_TRY(ferry_freight_note(f, &why, err));
    if (!f->is_passing)
        f->next = f->archive + 1;
    drop_source(f);
    return 0;
}

static int place_any(struct ferry_freight *f, struct ferry_placement *p, struct ferry_err *err)
{
    int rc = place(f, p, err);

    while (blames_copy(f, rc)) {
        FERRY_TRY(drop_copy(f, err));
        rc = place(f, p, err);
    }
    return rc;
}

int ferry_freight_deliver(struct ferry_freight *freight, struct ferry_err *err)
{
    const struct ferry_push_plan *plan = freight->move->plan;
    size_t count;
    struct ferry_placement *placements = ferry_push_plan_placements(plan, freight->node, &count);

    freight->from = plan->elsewhere[freight->node->place];
    for (size_t i = 0; i < count; i++)
        if (ferry_placement_is_there(&placements[i]))
            freight->from = plan->repositories[placements[i].repository];
    for (size_t i = 0; i < count; i++) {
        struct ferry_placement *p = &placements[i];

        if (!ferry_placement_is_lacking(p))
            continue;
        if (place_any(freight, p, err) == 0) {
            freight->from = plan->repositories[p->repository];
            ferry_progress_add(freight->move->progress, 0, 1);
            continue;
        }
        if (freight->is_out)
            return 0;
        ferry_freight_wrap(freight->move, p, err);
        if (ferry_push_is_over((int)err->code))
            return (int)err->code;
        ferry_placement_fail(p, err);
    }
    return 0;
}
