#include "import/import_report.h"

#include <stdio.h>
#include <string.h>

#include "format/core/size.h"
#include "import/import_totals.h"
#include "import/sparse_notes.h"

static int write_json(const struct ferry_import_result *result, struct ferry_output_file *file,
                      struct ferry_err *err)
{
    FERRY_OWNED_JSON *report = NULL;
    FERRY_OWNED_MEM char *line = NULL;
    FERRY_OWNED_MEM char *text = NULL;

    FERRY_TRY(ferry_import_json(result, &report, err));
    text = json_dumps(report, JSON_INDENT(2));
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
        if (plan->outcomes[i].kind != FERRY_OUTCOME_NONE)
            continue;
        ferry_reference_format(&plan->targets[i].ref, name);
        printf("%s -> %s\n", plan->targets[i].image->name, name);
    }
    return ferry_stdout_flush(err);
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
                           opts->destination.registry, t.planned, ferry_plural(t.planned), t.absent,
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

/* What an archive could not give, another one may have given. */
static void say_unusable(const struct ferry_archive_set *archives, struct ferry_progress *progress)
{
    for (size_t i = 0; archives->count > 1 && i < archives->count; i++) {
        const struct ferry_archive *archive = &archives->items[i];

        if (archive->bad_count > 0)
            ferry_progress_warn(progress,
                                "%s: %zu of its blobs could not be used (the first: %s); the other "
                                "archives were asked for them",
                                ferry_archive_name(archive), archive->bad_count,
                                archive->bad[0].text);
    }
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
    if (result->archives)
        say_unusable(result->archives, progress);
    if (result->plan)
        say_failures(result->plan, progress);
    if (file)
        FERRY_TRY(write_json(result, file, err));
    if (opts->json)
        FERRY_TRY(print_json(result, err));
    if (result->ended_by)
        return 0;
    if (opts->dry_run)
        ferry_sparse_foretell(result->plan, progress);
    else
        ferry_sparse_say(result->plan, progress);
    if (opts->dry_run && !opts->json)
        FERRY_TRY(print_plan(result->plan, err));
    say_totals(opts, result->plan, progress);
    return 0;
}
