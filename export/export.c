#include "export/export.h"

#include "export/base.h"
#include "export/export_report.h"
#include "export/export_warn.h"
#include "export/medium.h"
#include "export/pins.h"
#include "export/platform_check.h"
#include "export/pull_plan.h"
#include "export/release.h"
#include "export/resolve.h"
#include "export/saved_base.h"
#include "export/signer.h"
#include "export/stream.h"
#include "format/archive/archive_writer.h"
#include "format/archive/signature.h"
#include "format/core/size.h"
#include "format/run/program.h"

static void note(void *ctx, const char *text)
{
    ferry_progress_say(ctx, "%s", text);
}

/* --foreign-layers: they are fetched like others. */
static void want_foreign(struct ferry_graph *graph)
{
    for (size_t i = 0; i < graph->count; i++)
        if (ferry_node_is_elsewhere(graph->nodes[i]))
            graph->nodes[i]->state = FERRY_NODE_WANTED;
}

/* One export: what it is made of, and what came of it so far. */
struct work {
    const struct export_opts *opts;
    struct ferry_progress *progress;
    struct ferry_base_set *bases;
    struct ferry_saved_base *saved_base; /* NULL where none is asked for */
    struct ferry_signers *signers;       /* NULL: nobody signs */
    struct ferry_session *session;
    struct ferry_references refs;
    struct ferry_failures failures;
    size_t moved;
    struct ferry_graph *graph;
    struct ferry_resolve_notes notes;
    struct ferry_pull_plan *plan;
    struct ferry_writer *out; /* NULL in a dry run */
};

static void work_release(struct work *w)
{
    ferry_writer_free(w->out);
    ferry_pull_plan_free(w->plan);
    ferry_graph_free(w->graph);
    ferry_failures_release(&w->failures);
    ferry_references_release(&w->refs);
    ferry_session_free(w->session);
    ferry_saved_base_free(w->saved_base);
    ferry_base_set_free(w->bases);
    ferry_signers_free(w->signers);
}

static int load_signers(struct work *w, struct ferry_err *err)
{
    const struct ferry_signer_files files = { .certs = w->opts->sign_certs.items,
                                              .keys = w->opts->sign_keys.items,
                                              .pass_files = w->opts->sign_pass_files.items };

    return files.certs ? ferry_signers_load(&files, &w->signers, err) : 0;
}

static int open_output(struct work *w, struct ferry_err *err)
{
    const struct ferry_writer_options options = {
        .output = { .path = w->opts->output,
                    .existing = w->opts->force ? FERRY_EXISTING_REPLACE : FERRY_EXISTING_KEEP,
                    .volume_size = w->opts->volume_size },
        .zstd_level = w->opts->zstd_level
    };

    ferry_writer_free(ferry_steal(&w->out));
    return ferry_writer_open(&options, &w->out, err);
}

/* What can be known to fail before hours of work. */
static int open_files(struct work *w, struct ferry_err *err)
{
    const struct export_opts *opts = w->opts;

    FERRY_TRY(load_signers(w, err));
    if (opts->bases.count > 0)
        ferry_progress_phase(w->progress, "reading the bases", -1, -1);
    FERRY_TRY(ferry_base_set_load(&opts->bases, w->progress, &w->bases, err));
    if (opts->output)
        FERRY_TRY(ferry_base_set_check_output(w->bases, opts->output, opts->volume_size > 0, err));
    if (opts->dry_run)
        return 0;
    if (opts->save_base)
        FERRY_TRY(ferry_saved_base_open(opts->save_base, &w->saved_base, err));
    return open_output(w, err);
}

static int open_session(struct work *w, struct ferry_err *err)
{
    struct ferry_session_options wire = w->opts->wire;

    wire.note = note;
    wire.note_ctx = w->progress;
    return ferry_session_new(&wire, &w->session, err);
}

/* What the user named, as references to images: each once, and no two of one name. */
static int select_images(struct work *w, struct ferry_err *err)
{
    const struct ferry_releases releases = { .payloads = w->opts->releases,
                                             .count = w->opts->release_texts.count,
                                             .platforms = w->opts->platforms,
                                             .platform_count = w->opts->platform_texts.count };
    int jobs = w->opts->jobs;

    FERRY_TRY(ferry_select(w->session, &w->opts->selections, jobs, &w->failures, &w->refs, err));
    FERRY_TRY(ferry_releases_add(w->session, &releases, &w->failures, &w->refs, err));
    FERRY_TRY(ferry_pins_check(w->session, jobs, &w->refs, &w->failures, &w->moved, err));
    if (w->refs.count >
        FERRY_CHILDREN_MAX) /* as index.json will say, thousands of requests later */
        return ferry_fail(err, FERRY_EUSAGE,
                          "%zu images, and an archive holds at most %d: make several of them",
                          w->refs.count, FERRY_CHILDREN_MAX);
    return 0;
}

/* The graph of the images that can be had. `known`: an earlier one, or NULL. */
static int resolve(struct work *w, const struct ferry_graph *known, struct ferry_err *err)
{
    bool has_bad;

    do { /* again without those that turned out bad, of what is known by now */
        FERRY_OWNED(ferry_graph) last = ferry_steal(&w->graph);
        const struct ferry_resolve_options wanted = {
            .refs = w->refs.items,
            .count = w->refs.count,
            .platforms = w->opts->platforms,
            .platform_count = w->opts->platform_texts.count,
            .no_referrers = w->opts->no_referrers,
            .jobs = w->opts->jobs,
            .known = last ? last : known,
            .failures = &w->failures
        };

        FERRY_TRY(ferry_resolve(w->session, &wanted, &w->graph, &w->notes, err));
        FERRY_TRY(ferry_platform_check(w->graph, &w->failures, err));
        FERRY_TRY(ferry_failures_drop(&w->failures, w->graph, w->refs.items, &w->refs.count,
                                      &has_bad, err));
    } while (has_bad);
    if (w->opts->foreign_layers)
        want_foreign(w->graph);
    return ferry_base_set_apply(w->bases, w->graph, err);
}

static int sign_plan(struct work *w, struct ferry_err *err)
{
    FERRY_OWNED_BUF signature;

    ferry_buf_init(&signature, FERRY_SIGNATURE_MAX);
    FERRY_TRY(ferry_signers_sign(w->signers, &w->plan->index, &signature, err));
    ferry_pull_plan_sign(w->plan, &signature);
    return 0;
}

static int make_plan(struct work *w, struct ferry_err *err)
{
    FERRY_TRY(ferry_pull_plan_new(w->graph, (enum ferry_ref_name)w->opts->ref_name, &w->plan, err));
    return w->signers ? sign_plan(w, err) : 0;
}

/* Before two days of copying. */
static int check_medium(const struct work *w, struct ferry_err *err)
{
    const struct ferry_medium_need need = { .output = w->opts->output,
                                            .bytes = w->plan->archive_bytes,
                                            .there = w->out ? ferry_writer_found(w->out) : 0,
                                            .volume_size = w->opts->volume_size };
    struct ferry_medium medium;

    if (!w->opts->output)
        return 0;
    FERRY_TRY(ferry_medium_look(w->opts->output, &medium, err));
    if (ferry_medium_check(&medium, &need, err) == 0)
        return 0;
    if (w->opts->zstd_level == 0 || err->code != FERRY_EIO)
        return (int)err->code;
    ferry_progress_warn(w->progress, "%s; compressed it takes less, which may do", err->msg);
    return 0;
}

/* Without the images that could not be had after all; of what is written, what can be is used. */
static int begin_again(struct work *w, struct ferry_stream *s, struct ferry_err *err)
{
    FERRY_OWNED(ferry_graph) graph = ferry_steal(&w->graph);
    FERRY_OWNED(ferry_pull_plan) plan = ferry_steal(&w->plan);
    int64_t written = ferry_writer_written(w->out);
    char size[FERRY_SIZE_TEXT_MAX];
    bool has_bad;

    FERRY_TRY(ferry_writer_flush(w->out, err));
    FERRY_TRY(
        ferry_failures_drop(&w->failures, graph, w->refs.items, &w->refs.count, &has_bad, err));
    FERRY_TRY(resolve(w, graph, err));
    FERRY_TRY(make_plan(w, err));
    FERRY_TRY(open_output(w, err));
    ferry_writer_keep(w->out);
    s->plan = w->plan;
    s->out = w->out;
    s->resume = (struct ferry_resume){ 0 };
    ferry_salvage_release(&s->salvage);
    if (ferry_writer_can_overwrite(w->out))
        FERRY_TRY(ferry_salvage_find(plan, written, w->plan, &s->salvage, err));
    ferry_progress_say(w->progress, "beginning again without it: %s of what is written is used",
                       ferry_size_format(s->salvage.bytes, size));
    return 0;
}

/* What is written to a file is of use to a later run, whatever becomes of this one. */
static int stream(struct work *w, struct ferry_stream *s, struct ferry_err *err)
{
    bool is_file = ferry_writer_keep(w->out);

    if (w->opts->verify_after_write && !is_file)
        return ferry_fail(err, FERRY_EUSAGE, "--verify-after-write: %s cannot be read back",
                          w->opts->output);
    FERRY_TRY(ferry_resume_scan(w->out, w->plan, w->progress, &s->resume, err));
    while (ferry_stream_run(s, err) < 0) {
        bool is_spoilt = ferry_failures_any_bad(w->graph);

        if (is_spoilt && !is_file)
            return ferry_wrap(err, "the head of the archive is out, and a stream cannot be begun "
                                   "again without this image");
        if (is_spoilt && begin_again(w, s, err) == 0)
            continue;
        if (is_file)
            ferry_progress_say(w->progress,
                               "%s%s.partial %s kept: the same command goes on from there",
                               w->opts->output, w->opts->volume_size > 0 ? ".*" : "",
                               w->opts->volume_size > 0 ? "are" : "is");
        return (int)err->code;
    }
    return 0;
}

static int write_archive(struct work *w, struct ferry_err *err)
{
    struct ferry_stream s = { .opts = w->opts,
                              .session = w->session,
                              .plan = w->plan,
                              .out = w->out,
                              .failures = &w->failures,
                              .progress = w->progress };
    int rc = stream(w, &s, err);

    ferry_salvage_release(&s.salvage);
    FERRY_TRY(rc);
    if (w->saved_base && ferry_saved_base_commit(w->saved_base, w->plan, err) < 0)
        return ferry_wrap(err, "the archive is complete, but");
    return 0;
}

int ferry_export(const struct export_opts *opts, struct ferry_progress *progress, int *status,
                 struct ferry_err *err)
{
    __attribute__((cleanup(work_release))) struct work w = {
        .opts = opts,
        .progress = progress,
        .failures = { .keep_going = opts->keep_going, .progress = progress },
    };

    ferry_export_warn_options(opts, progress);
    FERRY_TRY(open_files(&w, err));
    FERRY_TRY(open_session(&w, err));
    ferry_progress_phase(progress, "resolving", -1, -1);
    FERRY_TRY(select_images(&w, err));
    FERRY_TRY(resolve(&w, NULL, err));
    FERRY_TRY(ferry_platform_warn(w.graph, progress, err));
    FERRY_TRY(make_plan(&w, err));
    FERRY_TRY(ferry_export_warn_plan(w.graph, w.plan, &w.notes, progress, err));
    FERRY_TRY(check_medium(&w, err));
    if (!opts->dry_run)
        FERRY_TRY(write_archive(&w, err));
    *status = w.failures.count > 0 ? FERRY_EXIT_PARTIAL : FERRY_EXIT_DONE;
    return ferry_export_report(
        opts,
        &(struct ferry_export_result){ .plan = w.plan,
                                       .bases = w.bases,
                                       .signers = w.signers,
                                       .failures = &w.failures,
                                       .notes = &w.notes,
                                       .moved = w.moved,
                                       .stored = w.out ? ferry_writer_stored(w.out) : 0,
                                       .volumes = w.out ? ferry_writer_sums(w.out) : NULL },
        progress, err);
}

int ferry_export_main(int argc, char **argv)
{
    FERRY_OWNED(ferry_progress) progress = NULL;
    struct export_opts opts;
    struct ferry_err err = { 0 };
    bool done = false;
    int status = FERRY_EXIT_DONE;
    int rc = ferry_export_opts_parse(argc, argv, &opts, &done, &err);

    ferry_program_start();
    if (ferry_progress_new(ferry_export_program.name, (enum ferry_progress_style)opts.progress,
                           opts.quiet, &progress, &err) < 0)
        return FERRY_EXIT_FAILED;
    if (rc == 0 && !done)
        rc = ferry_export(&opts, progress, &status, &err);
    if (rc < 0)
        ferry_progress_error(progress, "%s", err.msg);
    ferry_export_opts_release(&opts);
    return rc < 0 ? ferry_exit_status((enum ferry_code)rc) : status;
}
