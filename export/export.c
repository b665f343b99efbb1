#include "export/export.h"

#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "export/export_report.h"
#include "export/pins.h"
#include "export/platform_check.h"
#include "export/pull.h"
#include "export/pull_plan.h"
#include "export/resolve.h"
#include "export/resume.h"
#include "export/window.h"
#include "format/archive/archive_writer.h"
#include "format/archive/layout.h"
#include "format/core/blob_verify.h"
#include "format/run/program.h"

/* Before two days of copying: would the archive fit? Only a regular file can be asked. */
static int check_space(const char *output, int64_t needed, struct ferry_err *err)
{
    FERRY_OWNED_MEM char *copy = strdup(output);
    char text[2][FERRY_SIZE_TEXT_MAX];
    struct statvfs fs;
    struct stat st;
    int64_t available;

    if (!copy)
        return ferry_fail_memory(err);
    if (strcmp(output, "-") == 0 || (stat(output, &st) == 0 && !S_ISREG(st.st_mode)) ||
        statvfs(dirname(copy), &fs) < 0)
        return 0;
    if (__builtin_mul_overflow((int64_t)fs.f_bavail, (int64_t)fs.f_frsize, &available) ||
        available >= needed)
        return 0;
    return ferry_fail(err, FERRY_EIO, "%s: the archive takes %s, and %s are free there", output,
                      ferry_size_format(needed, text[0]), ferry_size_format(available, text[1]));
}

static int write_head(struct ferry_writer *out, const struct ferry_pull_plan *plan,
                      struct ferry_err *err)
{
    FERRY_TRY(ferry_writer_put(out, FERRY_LAYOUT_NAME, FERRY_LAYOUT_TEXT, strlen(FERRY_LAYOUT_TEXT),
                               err));
    FERRY_TRY(ferry_writer_put(out, FERRY_INDEX_NAME, plan->index.data, plan->index.len, err));
    if (plan->docker.len > 0)
        FERRY_TRY(
            ferry_writer_put(out, FERRY_DOCKER_NAME, plan->docker.data, plan->docker.len, err));
    for (size_t i = 0; i < plan->folder_count; i++)
        FERRY_TRY(ferry_writer_folder(out, plan->folders[i], err));
    return 0;
}

/* A blob whose bytes the plan holds already. */
static int write_held(struct ferry_writer *out, const struct ferry_node *node,
                      struct ferry_err *err)
{
    char name[FERRY_BLOB_NAME_MAX];

    ferry_layout_blob_name(&node->descriptor.digest, name);
    return ferry_writer_put(out, name, node->bytes, (size_t)node->descriptor.size, err);
}

/* One export on its way. */
struct stream {
    const struct export_opts *opts;
    struct ferry_session *session;
    const struct ferry_pull_plan *plan;
    struct ferry_writer *out;
    struct ferry_resume resume; /* what is there already */
    struct ferry_progress *progress;
};

/* The bytes of a blob; of one that broke off in an earlier run, those that are there come first. */
static int open_fetched(const struct stream *s, size_t node, struct ferry_window *window,
                        struct ferry_source **body, struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) fetched = NULL;

    FERRY_TRY(ferry_window_next(window, &fetched, err));
    if (s->resume.tail > 0 && node == s->resume.node)
        return ferry_resume_source(s->out, &s->resume, &fetched, body, err);
    *body = ferry_steal(&fetched);
    return 0;
}

/* The next blob of the window becomes an entry; the entry cannot be closed unless it is right. */
static int write_fetched(const struct stream *s, size_t i, struct ferry_window *window,
                         struct ferry_err *err)
{
    const struct ferry_node *node = s->plan->nodes[i];
    FERRY_OWNED(ferry_source) body = NULL;
    FERRY_OWNED(ferry_source) checked = NULL;
    FERRY_OWNED(ferry_sink) entry = NULL;
    char name[FERRY_BLOB_NAME_MAX];

    ferry_layout_blob_name(&node->descriptor.digest, name);
    FERRY_TRY(open_fetched(s, i, window, &body, err));
    FERRY_TRY(
        ferry_verify_new(&body, &node->descriptor.digest, node->descriptor.size, &checked, err));
    FERRY_TRY(ferry_writer_entry(s->out, name, node->descriptor.size, &entry, err));
    return ferry_blob_copy(checked, entry, err);
}

/* What is wrong with the bytes is the image's fault; what is wrong with the output is not. */
static int wrap_blob(const struct stream *s, size_t i, struct ferry_err *err)
{
    const struct ferry_node *node = s->plan->nodes[i];
    const struct ferry_image *image = &s->plan->graph->images[node->first_image];

    if (err->code != FERRY_EDIGEST)
        return (int)err->code;
    if (s->resume.tail > 0 && i == s->resume.node) {
        ferry_writer_drop(s->out, s->resume.offset);
        ferry_wrap(err, "what an earlier run left of it may be to blame, and is dropped now");
    }
    if (strstr(err->msg, image->name)) /* the window has named it */
        return (int)err->code;
    if (node->descriptor.urls)
        ferry_wrap(err, "a foreign layer, of which the registry or a URL has other bytes");
    return ferry_pull_wrap(image, node, err);
}

static int write_blobs(const struct stream *s, struct ferry_window *window, struct ferry_err *err)
{
    for (size_t i = s->resume.node; i < s->plan->count; i++) {
        const struct ferry_node *node = s->plan->nodes[i];

        if ((node->bytes ? write_held(s->out, node, err) : write_fetched(s, i, window, err)) < 0)
            return wrap_blob(s, i, err);
        ferry_progress_add(s->progress, 0, 1);
    }
    return 0;
}

/* The blobs that are still to be fetched, in the order of the plan. */
static int open_window(const struct stream *s, struct ferry_node ***blobs,
                       struct ferry_window **out, struct ferry_err *err)
{
    struct ferry_window_options window = { .session = s->session,
                                           .graph = s->plan->graph,
                                           .first_offset = s->resume.tail,
                                           .jobs = s->opts->jobs,
                                           .progress = s->progress };
    int64_t bytes = -s->resume.tail;

    *blobs = calloc(s->plan->count + 1, sizeof(struct ferry_node *));
    if (!*blobs)
        return ferry_fail_memory(err);
    for (size_t i = s->resume.node; i < s->plan->count; i++) {
        if (s->plan->nodes[i]->bytes)
            continue;
        (*blobs)[window.count++] = s->plan->nodes[i];
        bytes += s->plan->nodes[i]->descriptor.size;
    }
    window.blobs = *blobs;
    ferry_progress_phase(s->progress, "exporting", bytes,
                         (int64_t)(s->plan->count - s->resume.node));
    return ferry_window_new(&window, out, err);
}

static int stream(const struct stream *s, struct ferry_err *err)
{
    FERRY_OWNED_MEM struct ferry_node **blobs = NULL;
    FERRY_OWNED(ferry_window) window = NULL;

    if (s->resume.is_begun)
        ferry_writer_continue(s->out, s->resume.offset, s->resume.kept);
    else
        FERRY_TRY(write_head(s->out, s->plan, err));
    FERRY_TRY(open_window(s, &blobs, &window, err));
    FERRY_TRY(write_blobs(s, window, err));
    ferry_progress_phase(s->progress, "finishing", -1, -1);
    return ferry_writer_commit(s->out, err);
}

/* From here on what is written is of use to a later run, whatever becomes of this one. */
static int stream_resumable(const struct stream *s, struct ferry_err *err)
{
    bool is_kept = ferry_writer_keep(s->out);

    if (stream(s, err) == 0)
        return 0;
    if (is_kept)
        ferry_progress_say(s->progress, "%s.partial is kept: the same command goes on from there",
                           s->opts->output);
    return (int)err->code;
}

static void note(void *ctx, const char *text)
{
    ferry_progress_say(ctx, "%s", text);
}

/* What belongs to the images and is not taken. */
static void warn_referrers(const struct ferry_resolve_notes *notes, struct ferry_progress *progress)
{
    if (notes->referrers_left_out > 0)
        ferry_progress_warn(progress,
                            "%zu referrer%s (signatures, attestations, SBOMs and the like) are "
                            "left behind, as --no-referrers asks",
                            notes->referrers_left_out, ferry_plural(notes->referrers_left_out));
    if (notes->referrers_gone > 0)
        ferry_progress_warn(progress,
                            "%zu referrer%s cannot be taken: the registry lists them, and does not "
                            "have them (%s)",
                            notes->referrers_gone, ferry_plural(notes->referrers_gone),
                            notes->gone);
}

/* --foreign-layers: they are fetched like others. */
static void want_foreign(struct ferry_graph *graph)
{
    for (size_t i = 0; i < graph->count; i++)
        if (ferry_node_is_elsewhere(graph->nodes[i]))
            graph->nodes[i]->state = FERRY_NODE_WANTED;
}

/* What one image lacks, if anything. */
static int warn_image(struct ferry_graph *graph, const struct ferry_image *image,
                      struct ferry_progress *progress, struct ferry_err *err)
{
    FERRY_OWNED_MEM struct ferry_node **nodes = NULL;
    char size[FERRY_SIZE_TEXT_MAX];
    size_t count, foreign = 0;
    int64_t bytes = 0;

    FERRY_TRY(ferry_graph_closure(graph, image->root, &nodes, &count, err));
    for (size_t i = 0; i < count; i++) {
        if (!ferry_node_is_elsewhere(nodes[i]))
            continue;
        foreign++;
        bytes += nodes[i]->descriptor.size;
    }
    if (foreign > 0)
        ferry_progress_warn(progress,
                            "%s: %zu foreign layer%s, %s, left out: whoever pulls the image has to "
                            "reach the URLs in its manifest; --foreign-layers takes them along",
                            image->name, foreign, ferry_plural(foreign),
                            ferry_size_format(bytes, size));
    return 0;
}

static int warn_left_out(struct ferry_graph *graph, const struct ferry_pull_plan *plan,
                         struct ferry_progress *progress, struct ferry_err *err)
{
    for (size_t i = 0; plan->foreign > 0 && i < graph->image_count; i++)
        FERRY_TRY(warn_image(graph, &graph->images[i], progress, err));
    if (plan->docker_left_out > 0)
        ferry_progress_warn(progress,
                            "manifest.json is full: docker load and podman load will not see %zu "
                            "of the images (everything else does)",
                            plan->docker_left_out);
    return 0;
}

/* The images of the references, as far as they can be had. */
static int resolve(const struct export_opts *opts, struct ferry_session *session,
                   struct ferry_references *refs, struct ferry_failures *failures,
                   struct ferry_graph **out, struct ferry_resolve_notes *notes,
                   struct ferry_err *err)
{
    FERRY_OWNED(ferry_graph) graph = NULL;
    bool has_bad;

    do { /* again without those that turned out bad, of what is known by now */
        FERRY_OWNED(ferry_graph) known = ferry_steal(&graph);
        const struct ferry_resolve_options wanted = { .refs = refs->items,
                                                      .count = refs->count,
                                                      .platforms = opts->platforms,
                                                      .platform_count = opts->platform_texts.count,
                                                      .no_referrers = opts->no_referrers,
                                                      .jobs = opts->jobs,
                                                      .known = known,
                                                      .failures = failures };

        FERRY_TRY(ferry_resolve(session, &wanted, &graph, notes, err));
        FERRY_TRY(ferry_platform_check(graph, failures, err));
        FERRY_TRY(ferry_failures_drop(failures, graph, refs->items, &refs->count, &has_bad, err));
    } while (has_bad);
    if (opts->foreign_layers)
        want_foreign(graph);
    *out = ferry_steal(&graph);
    return 0;
}

int ferry_export(const struct export_opts *opts, struct ferry_progress *progress, int *status,
                 struct ferry_err *err)
{
    FERRY_OWNED_FAILURES failures = { .keep_going = opts->keep_going, .progress = progress };
    FERRY_OWNED(ferry_session) session = NULL;
    FERRY_OWNED_REFERENCES refs = { 0 };
    FERRY_OWNED(ferry_graph) graph = NULL;
    FERRY_OWNED(ferry_pull_plan) plan = NULL;
    FERRY_OWNED(ferry_writer) out = NULL;
    struct ferry_session_options wire = opts->wire;
    struct ferry_resolve_notes notes;
    struct ferry_export_result result = { .failures = &failures, .notes = &notes };

    wire.note = note;
    wire.note_ctx = progress;
    if (opts->insecure.count > 0)
        ferry_progress_warn(progress,
                            "--insecure: certificates are not checked; whoever is in between may "
                            "read credentials and change images that are named by tag");
    for (size_t i = 0; i < opts->selections.doubt_count; i++)
        ferry_progress_warn(progress, "%s", opts->selections.doubts[i]);
    if (!opts->dry_run) /* an output that cannot be had is said before hours of work */
        FERRY_TRY(ferry_writer_open(
            opts->output, opts->force ? FERRY_EXISTING_REPLACE : FERRY_EXISTING_KEEP, &out, err));
    FERRY_TRY(ferry_session_new(&wire, &session, err));
    ferry_progress_phase(progress, "resolving", -1, -1);
    FERRY_TRY(ferry_select(session, &opts->selections, opts->jobs, &failures, &refs, err));
    FERRY_TRY(ferry_pins_check(session, opts->jobs, &refs, &failures, &result.moved, err));
    FERRY_TRY(resolve(opts, session, &refs, &failures, &graph, &notes, err));
    ferry_platform_warn(graph, progress);
    FERRY_TRY(ferry_pull_plan_new(graph, (enum ferry_ref_name)opts->ref_name, &plan, err));
    warn_referrers(&notes, progress);
    FERRY_TRY(warn_left_out(graph, plan, progress, err));
    if (opts->output)
        FERRY_TRY(check_space(opts->output,
                              plan->archive_bytes - (out ? ferry_writer_found(out) : 0), err));
    if (!opts->dry_run) {
        struct stream s = {
            .opts = opts, .session = session, .plan = plan, .out = out, .progress = progress
        };

        FERRY_TRY(ferry_resume_scan(out, plan, progress, &s.resume, err));
        FERRY_TRY(stream_resumable(&s, err));
    }
    result.plan = plan;
    *status = failures.count > 0 ? FERRY_EXIT_PARTIAL : FERRY_EXIT_DONE;
    return ferry_export_report(opts, &result, progress, err);
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
