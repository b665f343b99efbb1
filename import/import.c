#include "import/import.h"

#include <string.h>

#include "format/run/program.h"
#include "format/run/prompt.h"
#include "import/archive_notes.h"
#include "import/bad_volumes.h"
#include "import/base_layers.h"
#include "import/config_files.h"
#include "import/import_report.h"
#include "import/import_totals.h"
#include "import/move.h"
#include "import/name_map.h"
#include "import/publish.h"
#include "import/sparse.h"
#include "import/verify_first.h"

static void note(void *ctx, const char *text)
{
    ferry_progress_say(ctx, "%s", text);
}

/* A single archive is taken whole; several as long as one says which images there are. */
static int check_archives(const struct ferry_archive_set *archives, struct ferry_err *err)
{
    for (size_t i = 0; archives->count > 1 && i < archives->count; i++)
        if (archives->items[i].is_read)
            return 0;
    *err = archives->items[0].fault;
    return (int)err->code;
}

/* Everything that can be known without a request: the images, and where they go. */
static int make_plan(const struct import_opts *opts, const struct ferry_archive_set *archives,
                     struct ferry_push_plan **out, struct ferry_err *err)
{
    struct ferry_graph *graph = archives->graph;
    struct ferry_target *targets = NULL;
    size_t count = 0;

    FERRY_TRY(ferry_sparse_excuse(graph, err));
    if (ferry_name_map(opts, graph, &targets, &count, err) < 0)
        return err->code == FERRY_EUSAGE || archives->count > 1
                   ? (int)err->code
                   : ferry_wrap(err, "%s", ferry_archive_name(&archives->items[0]));
    FERRY_TRY(ferry_push_plan_new(graph, &targets, count, out, err));
    (*out)->sparse = (enum ferry_sparse)opts->sparse;
    return ferry_sparse_check(*out, err);
}

static int64_t absent_bytes(const struct ferry_push_plan *plan, int64_t *count)
{
    struct ferry_import_totals totals;

    ferry_import_totals(plan, &totals);
    *count = (int64_t)totals.absent;
    return totals.absent_bytes;
}

static int move_blobs(const struct ferry_move *move, struct ferry_err *err)
{
    int64_t count, bytes = absent_bytes(move->plan, &count);

    ferry_progress_phase(move->progress, "importing", bytes, count);
    return ferry_move_blobs(move, err);
}

/* One exit status for many images: wrong bytes outweigh all else. An archive that broke off may
 * have had more to say, if it is alone; one of several, if its index.json cannot be read. */
static int sum_up(const struct ferry_push_plan *plan, const struct ferry_archive_set *archives)
{
    int status = archives->count == 1 ? ferry_exit_status(archives->items[0].fault.code)
                                      : FERRY_EXIT_DONE;
    bool some_done = false;

    for (size_t i = 0; i < plan->target_count; i++) {
        const struct ferry_outcome *outcome = &plan->outcomes[i];
        int mine;

        if (outcome->kind != FERRY_OUTCOME_FAILED) {
            some_done = some_done || outcome->kind != FERRY_OUTCOME_LEFT_OUT;
            continue;
        }
        mine = outcome->failure ? ferry_exit_status(outcome->failure->code) : FERRY_EXIT_FAILED;
        if (mine == FERRY_EXIT_VERIFY || status == FERRY_EXIT_DONE)
            status = mine;
    }
    if (status != FERRY_EXIT_DONE && status != FERRY_EXIT_VERIFY && some_done)
        return FERRY_EXIT_PARTIAL;
    if (status == FERRY_EXIT_DONE && !ferry_archive_set_is_known(archives))
        return FERRY_EXIT_PARTIAL;
    return status;
}

/* A rule that nothing goes by may have been meant for something: SRC may be mistyped. */
static void warn_of_idle_rules(const struct import_opts *opts, const struct ferry_push_plan *plan,
                               struct ferry_progress *progress)
{
    for (size_t i = 0; i < opts->maps.count; i++) {
        bool is_used = false;

        for (size_t k = 0; k < plan->target_count && !is_used; k++)
            is_used = plan->targets[k].rule == opts->maps.items[i];
        if (!is_used)
            ferry_progress_warn(progress, "--map %s: no image goes by it", opts->maps.items[i]);
    }
}

/* Some registries collect what has no tag as garbage. */
static void warn_of_nameless(const struct ferry_push_plan *plan, struct ferry_progress *progress)
{
    for (size_t i = 0; i < plan->target_count; i++) {
        const struct ferry_target *target = &plan->targets[i];
        const struct ferry_image *image = target->image;

        if (!target->ref.tag[0] && !image->ref.repository[0] && !image->has_subject)
            ferry_progress_warn(progress,
                                "%s: the archive has no name for it: it gets no tag in %s/%s; as "
                                "HOST/REPOSITORY:TAG the destination gives it one",
                                image->name, target->ref.registry, target->ref.repository);
    }
}

/* Everything that takes requests. */
static int carry_out(const struct import_opts *opts, const struct ferry_move *move, int *status,
                     struct ferry_err *err)
{
    const struct ferry_push_plan *plan = move->plan;

    ferry_progress_phase(move->progress, "asking the destination", -1,
                         (int64_t)plan->placement_count);
    FERRY_TRY(ferry_move_ask(move, err));
    FERRY_TRY(ferry_base_layers_find(opts, move, err));
    if (opts->dry_run) {
        *status = sum_up(plan, move->archives);
        return 0;
    }
    FERRY_TRY(move_blobs(move, err));
    ferry_bad_volumes_say(move->archives, move->progress);
    ferry_progress_phase(move->progress, "publishing", -1, (int64_t)plan->target_count);
    FERRY_TRY(ferry_publish(move, err));
    *status = sum_up(plan, move->archives);
    return 0;
}

static int import_plan(const struct import_opts *opts, struct ferry_archive_set *archives,
                       struct ferry_push_plan *plan, struct ferry_progress *progress, int *status,
                       struct ferry_err *err)
{
    FERRY_OWNED(ferry_config_files) configs = NULL;
    FERRY_OWNED(ferry_session) session = NULL;
    struct ferry_session_options wire = opts->wire;
    struct ferry_chunk_size chunk_size = { .asked = opts->chunk_size };
    struct ferry_move move;

    wire.note = note;
    wire.note_ctx = progress;
    FERRY_TRY(ferry_config_files_open(opts, plan, progress, &configs, err));
    FERRY_TRY(ferry_session_new(&wire, &session, err));
    move = (struct ferry_move){ .session = session,
                                .archives = archives,
                                .plan = plan,
                                .registry = opts->destination.registry,
                                .chunk_size = &chunk_size,
                                .jobs = opts->jobs,
                                .progress = progress };
    FERRY_TRY(carry_out(opts, &move, status, err));
    if (opts->dry_run)
        return 0; /* the files were only tried */
    return ferry_config_files_write(
        configs, plan, ferry_session_transport(session, opts->destination.registry), progress, err);
}

/* *archives and *plan are there as soon as they are made, also when what follows fails. */
static int import_archives(const struct import_opts *opts, struct ferry_archive_set **archives,
                           const struct ferry_volume_prompt *prompt, struct ferry_push_plan **plan,
                           struct ferry_progress *progress, int *status, struct ferry_err *err)
{
    FERRY_OWNED_SIGNATURE_POLICY policy;
    const struct ferry_archive_set_options what = { .paths = opts->archives.items,
                                                    .count = opts->archives.count,
                                                    .way = FERRY_ARCHIVE_RANDOM,
                                                    .prompt = opts->volume_prompt ? prompt : NULL,
                                                    .policy = &policy };

    FERRY_TRY(
        ferry_signature_policy_open(opts->trust.items, opts->require_signature, &policy, err));
    if (opts->verify_first)
        FERRY_TRY(ferry_verify_first(opts, &policy, what.prompt, progress, err));
    ferry_progress_phase(progress, "reading the archive", -1, -1);
    FERRY_TRY(ferry_archive_set_open(&what, archives, err));
    ferry_bad_volumes_say_heads(*archives, progress);
    FERRY_TRY(check_archives(*archives, err));
    FERRY_TRY(ferry_archive_notes_say(*archives, &policy, progress, err));
    FERRY_TRY(make_plan(opts, *archives, plan, err));
    warn_of_idle_rules(opts, *plan, progress);
    warn_of_nameless(*plan, progress);
    return import_plan(opts, *archives, *plan, progress, status, err);
}

int ferry_import(const struct import_opts *opts, struct ferry_progress *progress, int *status,
                 struct ferry_err *err)
{
    FERRY_OWNED(ferry_output_file) report = NULL;
    FERRY_OWNED(ferry_archive_set) archives = NULL;
    FERRY_OWNED(ferry_push_plan) plan = NULL;
    const struct ferry_volume_prompt prompt = { .ask = ferry_prompt_for, .ctx = progress };
    struct ferry_import_result result = { .opts = opts };
    struct ferry_err unreported;
    int rc;

    if (opts->insecure.count > 0)
        ferry_progress_warn(progress,
                            "--insecure: certificates are not checked; whoever is in between may "
                            "read credentials and change images that are named by tag");
    if (opts->report)
        FERRY_TRY(ferry_output_file_open(opts->report, &report, err));
    rc = import_archives(opts, &archives, &prompt, &plan, progress, status, err);
    result.archives = archives;
    result.plan = plan;
    if (rc == 0)
        return ferry_import_report(&result, report, progress, err);
    result.ended_by = err;
    if (ferry_import_report(&result, report, progress, &unreported) < 0)
        ferry_progress_error(progress, "%s", unreported.msg);
    return rc;
}

int ferry_import_main(int argc, char **argv)
{
    FERRY_OWNED(ferry_progress) progress = NULL;
    struct import_opts opts;
    struct ferry_err err = { 0 };
    bool done = false;
    int status = FERRY_EXIT_DONE;
    int rc = ferry_import_opts_parse(argc, argv, &opts, &done, &err);

    ferry_program_start();
    if (ferry_progress_new(ferry_import_program.name, (enum ferry_progress_style)opts.progress,
                           opts.quiet, &progress, &err) < 0)
        return FERRY_EXIT_FAILED;
    if (rc == 0 && !done)
        rc = ferry_import(&opts, progress, &status, &err);
    if (rc < 0)
        ferry_progress_error(progress, "%s", err.msg);
    ferry_import_opts_release(&opts);
    return rc < 0 ? ferry_exit_status((enum ferry_code)rc) : status;
}
