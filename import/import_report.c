#include "import/import_report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void ferry_import_totals(const struct ferry_push_plan *plan, struct ferry_import_totals *totals)
{
    *totals = (struct ferry_import_totals){ 0 };
    for (size_t i = 0; i < plan->target_count; i++) {
        totals->pushed += plan->outcomes[i].kind == FERRY_OUTCOME_PUSHED;
        totals->there += plan->outcomes[i].kind == FERRY_OUTCOME_THERE;
        totals->failed += plan->outcomes[i].kind == FERRY_OUTCOME_FAILED;
    }
    for (size_t i = 0; i < plan->placement_count; i++) {
        int64_t size = plan->placements[i].node->descriptor.size;

        switch (plan->placements[i].state) {
        case FERRY_PLACEMENT_UPLOADED:
            totals->uploaded++;
            totals->uploaded_bytes += size;
            break;
        case FERRY_PLACEMENT_MOUNTED:
            totals->mounted++;
            totals->mounted_bytes += size;
            break;
        case FERRY_PLACEMENT_THERE:
            totals->skipped++;
            totals->skipped_bytes += size;
            break;
        case FERRY_PLACEMENT_UNKNOWN:
        case FERRY_PLACEMENT_ABSENT:
        case FERRY_PLACEMENT_FAILED:
            totals->absent++;
            totals->absent_bytes += size;
            break;
        case FERRY_PLACEMENT_LEFT_OUT:
            totals->left_out++;
            break;
        }
    }
}

static const char *outcome_text(const struct ferry_import_result *result,
                                const struct ferry_outcome *outcome)
{
    switch (outcome->kind) {
    case FERRY_OUTCOME_PUSHED:
        return "pushed";
    case FERRY_OUTCOME_THERE:
        return "unchanged";
    case FERRY_OUTCOME_FAILED:
        return "failed";
    case FERRY_OUTCOME_NONE:
        break;
    }
    return result->opts->dry_run ? "planned" : "unfinished";
}

static json_t *format_image(const struct ferry_import_result *result, size_t place)
{
    const struct ferry_target *target = &result->plan->targets[place];
    const struct ferry_outcome *outcome = &result->plan->outcomes[place];
    char name[FERRY_REFERENCE_TEXT_MAX];

    ferry_reference_format(&target->ref, name);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s*}", "source", target->image->name,
                     "destination", name, "digest", target->image->root->descriptor.digest.text,
                     "mediaType", target->image->root->descriptor.media_type, "result",
                     outcome_text(result, outcome), "error",
                     outcome->failure ? outcome->failure->msg : NULL);
}

/* Damaged in the archive, and not there from elsewhere. */
static bool is_damaged(const struct ferry_placement *p)
{
    return p->node->state == FERRY_NODE_BAD &&
           (p->state == FERRY_PLACEMENT_ABSENT || p->state == FERRY_PLACEMENT_UNKNOWN);
}

static json_t *format_blob(const struct ferry_push_plan *plan, const struct ferry_placement *p)
{
    static const char *const texts[] = {
        [FERRY_PLACEMENT_UNKNOWN] = "unknown", [FERRY_PLACEMENT_THERE] = "skipped",
        [FERRY_PLACEMENT_ABSENT] = "absent",   [FERRY_PLACEMENT_LEFT_OUT] = "left out",
        [FERRY_PLACEMENT_MOUNTED] = "mounted", [FERRY_PLACEMENT_UPLOADED] = "uploaded",
        [FERRY_PLACEMENT_FAILED] = "failed"
    };
    const char *why = is_damaged(p) ? p->node->fault : p->failure ? p->failure->msg : NULL;

    return json_pack("{s:s, s:I, s:s, s:s, s:s*}", "digest", p->node->descriptor.digest.text,
                     "size", (json_int_t)p->node->descriptor.size, "repository",
                     plan->repositories[p->repository], "result",
                     is_damaged(p) ? "failed" : texts[p->state], "error", why);
}

static json_t *format_total(size_t count, int64_t bytes)
{
    return json_pack("{s:I, s:I}", "count", (json_int_t)count, "bytes", (json_int_t)bytes);
}

static json_t *format_report(const struct ferry_import_result *result)
{
    static const struct ferry_push_plan nothing;
    const struct ferry_push_plan *plan = result->plan ? result->plan : &nothing;
    const struct import_opts *opts = result->opts;
    struct ferry_import_totals t;
    json_t *images = json_array(), *blobs = json_array();

    ferry_import_totals(plan, &t);
    for (size_t i = 0; i < plan->target_count; i++)
        json_array_append_new(images, format_image(result, i));
    for (size_t i = 0; i < plan->placement_count; i++)
        json_array_append_new(blobs, format_blob(plan, &plan->placements[i]));
    return json_pack("{s:s, s:s, s:b, s:s?, s:{s:o, s:o, s:o, s:o}, s:o, s:o}", "archive",
                     opts->archive, "registry", opts->destination.registry, "dryRun", opts->dry_run,
                     "error", result->ended_by ? result->ended_by->msg : NULL, "totals", "uploaded",
                     format_total(t.uploaded, t.uploaded_bytes), "mounted",
                     format_total(t.mounted, t.mounted_bytes), "skipped",
                     format_total(t.skipped, t.skipped_bytes), "absent",
                     format_total(t.absent, t.absent_bytes), "images", images, "blobs", blobs);
}

static int write_json(const struct ferry_import_result *result, struct ferry_output_file *file,
                      struct ferry_err *err)
{
    FERRY_OWNED_JSON *report = format_report(result);
    FERRY_OWNED_MEM char *line = NULL;
    FERRY_OWNED_MEM char *text = report ? json_dumps(report, JSON_INDENT(2)) : NULL;

    if (!text)
        return ferry_fail_memory(err);
    FERRY_TRY(ferry_text(&line, err, "%s\n", text));
    return ferry_output_file_finish(file, line, strlen(line), err);
}

static int print_json(const struct ferry_import_result *result, struct ferry_err *err)
{
    FERRY_OWNED(ferry_output_file) file = NULL;

    FERRY_TRY(ferry_output_file_open("-", &file, err));
    return write_json(result, file, err);
}

static int print_plan(const struct ferry_push_plan *plan, struct ferry_err *err)
{
    char name[FERRY_REFERENCE_TEXT_MAX];

    for (size_t i = 0; i < plan->target_count; i++) {
        ferry_reference_format(&plan->targets[i].ref, name);
        printf("%s -> %s\n", plan->targets[i].image->name, name);
    }
    if (fflush(stdout) != 0)
        return ferry_fail(err, FERRY_EIO, "stdout: cannot write: %s", strerror(errno));
    return 0;
}

static void say_totals(const struct import_opts *opts, const struct ferry_push_plan *plan,
                       struct ferry_progress *progress)
{
    char uploaded[FERRY_SIZE_TEXT_MAX], mounted[FERRY_SIZE_TEXT_MAX], skipped[FERRY_SIZE_TEXT_MAX];
    struct ferry_import_totals t;

    ferry_import_totals(plan, &t);
    ferry_size_format(t.mounted_bytes, mounted);
    ferry_size_format(t.skipped_bytes, skipped);
    if (opts->dry_run)
        ferry_progress_say(progress,
                           "%s: would bring %zu image%s; blobs: %zu to upload or mount (%s), %zu "
                           "there already (%s)",
                           opts->destination.registry, plan->target_count,
                           ferry_plural(plan->target_count), t.absent,
                           ferry_size_format(t.absent_bytes, uploaded), t.skipped, skipped);
    else
        ferry_progress_say(progress,
                           "%s: %zu image%s pushed, %zu unchanged, %zu failed; blobs: %zu uploaded "
                           "(%s), %zu mounted (%s), %zu there already (%s)",
                           opts->destination.registry, t.pushed, ferry_plural(t.pushed), t.there,
                           t.failed, t.uploaded, ferry_size_format(t.uploaded_bytes, uploaded),
                           t.mounted, mounted, t.skipped, skipped);
    if (t.left_out > 0)
        ferry_progress_warn(
            progress,
            "%zu foreign layer%s not in the archive, nor at the destination: whoever "
            "pulls these images has to reach the URLs in their manifests",
            t.left_out, t.left_out == 1 ? " is" : "s are");
}

static void say_failures(const struct ferry_push_plan *plan, struct ferry_progress *progress)
{
    for (size_t i = 0; i < plan->target_count; i++)
        if (plan->outcomes[i].kind == FERRY_OUTCOME_FAILED)
            ferry_progress_error(progress, "%s",
                                 plan->outcomes[i].failure ? plan->outcomes[i].failure->msg
                                                           : plan->targets[i].image->name);
}

int ferry_import_report(const struct ferry_import_result *result, struct ferry_output_file *file,
                        struct ferry_progress *progress, struct ferry_err *err)
{
    const struct import_opts *opts = result->opts;

    ferry_progress_end(progress);
    if (result->plan)
        say_failures(result->plan, progress);
    if (file)
        FERRY_TRY(write_json(result, file, err));
    if (opts->json)
        FERRY_TRY(print_json(result, err));
    if (result->ended_by)
        return 0;
    if (opts->dry_run && !opts->json)
        FERRY_TRY(print_plan(result->plan, err));
    say_totals(opts, result->plan, progress);
    return 0;
}
