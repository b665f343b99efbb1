#include "export/read_back.h"

#include <inttypes.h>

#include "export/plan_scan.h"

/* What was read up to `offset` is right. */
static int fail_at(struct ferry_writer *writer, const char *what, int64_t offset,
                   struct ferry_err *err)
{
    ferry_writer_drop(writer, offset);
    return ferry_fail(err, FERRY_EDIGEST,
                      "read back from the medium, %s is not what was written (near byte %" PRId64
                      " of the archive): the medium may be failing",
                      what, offset);
}

static int check_end(const struct ferry_plan_scan *scan, struct ferry_writer *writer,
                     struct ferry_err *err)
{
    struct ferry_tar_entry entry;
    int rc = ferry_tar_next(scan->tar, &entry, err);

    if (rc == FERRY_EFORMAT || rc == FERRY_EUNFIT || (rc == 0 && entry.name))
        return fail_at(writer, "the end of the archive", scan->offset, err);
    return rc;
}

static int check_stream(struct ferry_plan_scan *scan, struct ferry_writer *writer,
                        struct ferry_err *err)
{
    enum ferry_verdict verdict = FERRY_VERDICT_SAME;
    struct ferry_resume stop = { 0 };

    FERRY_TRY(ferry_plan_scan_head(scan, &verdict, err));
    if (verdict != FERRY_VERDICT_SAME)
        return fail_at(writer, "the head of the archive", 0, err);
    FERRY_TRY(ferry_plan_scan_nodes(scan, &stop, &verdict, err));
    if (verdict != FERRY_VERDICT_SAME)
        return fail_at(writer, scan->plan->nodes[stop.node]->descriptor.digest.text, stop.offset,
                       err);
    return check_end(scan, writer, err);
}

/* What no blob covers, as a header's date or its padding, a sum does. */
static int check_sums(struct ferry_volumes *files, struct ferry_writer *writer,
                      struct ferry_err *err)
{
    for (size_t i = 0; i < ferry_volumes_count(files); i++) {
        const struct ferry_volume *volume = ferry_volumes_get(files, i);

        if (!volume->sum.text[0])
            continue;
        FERRY_TRY(ferry_volumes_hash(files, i, err));
        if (!ferry_digest_equal(&volume->sum, &volume->digest))
            return fail_at(writer, volume->name, 0, err);
    }
    return 0;
}

static int check(struct ferry_volumes *files, struct ferry_source *stream,
                 struct ferry_plan_scan *scan, struct ferry_writer *writer, struct ferry_err *err)
{
    FERRY_OWNED(ferry_tar) tar = NULL;
    int rc;

    if (ferry_volumes_get(files, 0)->sum.text[0])
        FERRY_TRY(ferry_volumes_watch(files, err));
    rc = ferry_tar_open_stream(stream, &tar, err);
    if (rc == FERRY_EFORMAT)
        return fail_at(writer, "the head of the archive", 0, err);
    FERRY_TRY(rc);
    scan->tar = tar;
    FERRY_TRY(check_stream(scan, writer, err));
    return check_sums(files, writer, err);
}

int ferry_read_back(struct ferry_writer *writer, struct ferry_pull_plan *plan,
                    struct ferry_progress *progress, struct ferry_err *err)
{
    FERRY_OWNED(ferry_volumes) files = NULL;
    FERRY_OWNED(ferry_source) stream = NULL;
    struct ferry_plan_scan scan = { .plan = plan,
                                    .progress = progress,
                                    .found = plan->archive_bytes };

    ferry_progress_phase(progress, "reading back", plan->bytes, (int64_t)plan->count);
    FERRY_TRY(ferry_writer_read_back(writer, &files, &stream, err));
    return check(files, stream, &scan, writer, err);
}
