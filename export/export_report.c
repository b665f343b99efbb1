#include "export/export_report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "format/archive/output.h"
#include "format/core/size.h"
#include "format/oci/in_base.h"
#include "format/oci/left_out.h"
#include "format/run/output_file.h"

#define VOLUMES_TEXT_MAX 48

/* JSON is text, and a path need not be. */
static json_t *format_path(const char *path)
{
    FERRY_OWNED_MEM char *text = strdup(path);

    if (!text)
        return NULL;
    ferry_text_clean(text);
    return json_string(text);
}

/* `value` is taken; NULL stands for want of memory. */
static int append(json_t *array, json_t *value, struct ferry_err *err)
{
    return json_array_append_new(array, value) < 0 ? ferry_fail_memory(err) : 0;
}

static int format_images(const struct ferry_graph *graph, json_t *images, struct ferry_err *err)
{
    for (size_t i = 0; i < graph->image_count; i++) {
        const struct ferry_image *image = &graph->images[i];
        FERRY_OWNED_JSON *left_out = NULL;

        FERRY_TRY(ferry_left_out_json(graph, image->root, &left_out, err));
        FERRY_TRY(append(images,
                         json_pack("{s:s, s:s, s:s, s:O, s:s*}", "name", image->name, "digest",
                                   image->root->descriptor.digest.text, "mediaType",
                                   image->root->descriptor.media_type, "leftOut", left_out,
                                   "subject", image->has_subject ? image->subject.text : NULL),
                         err));
    }
    return 0;
}

static int format_failures(const struct ferry_failures *failures, json_t *failed,
                           struct ferry_err *err)
{
    for (size_t i = 0; i < failures->count; i++)
        FERRY_TRY(append(failed,
                         json_pack("{s:s, s:s}", "name", failures->items[i].name, "error",
                                   failures->items[i].why),
                         err));
    return 0;
}

static int add_bases(const struct ferry_export_result *result, json_t *report,
                     struct ferry_err *err)
{
    const struct ferry_in_base sum = { result->plan->in_base, result->plan->in_base_bytes };
    FERRY_OWNED_JSON *bases = json_array();

    for (size_t i = 0; i < result->bases->count; i++) {
        const struct ferry_base *base = &result->bases->items[i];

        FERRY_TRY(append(bases,
                         json_pack("{s:o, s:s, s:I, s:I}", "archive", format_path(base->path),
                                   "digest", base->graph->index.text, "layers",
                                   (json_int_t)base->layers, "bytes", (json_int_t)base->bytes),
                         err));
    }
    if (json_object_set(report, "bases", bases) < 0)
        return ferry_fail_memory(err);
    return ferry_in_base_json(&sum, report, err);
}

static json_t *format_referrers(const struct ferry_resolve_notes *notes)
{
    return notes->not_counted.code == FERRY_OK ? json_integer((json_int_t)notes->referrers_left_out)
                                               : json_null();
}

/* None where the archive is one file. */
static int format_volumes(const struct export_opts *opts, const struct ferry_volume_sums *sums,
                          json_t *volumes, struct ferry_err *err)
{
    char suffix[FERRY_VOLUME_TEXT_MAX];

    for (size_t i = 0; sums && i < sums->count; i++) {
        FERRY_OWNED_MEM char *file = NULL;

        FERRY_TRY(ferry_text(&file, err, "%s%s", opts->output, ferry_volume_suffix(i, suffix)));
        FERRY_TRY(append(volumes,
                         json_pack("{s:o, s:I, s:s}", "file", format_path(file), "bytes",
                                   (json_int_t)sums->items[i].size, "sha256",
                                   ferry_digest_hex(&sums->items[i].digest)),
                         err));
    }
    return 0;
}

static int print_json(const struct export_opts *opts, const struct ferry_export_result *result,
                      struct ferry_err *err)
{
    const struct ferry_pull_plan *plan = result->plan;
    struct ferry_digest index;
    FERRY_OWNED_JSON *archive = opts->output ? format_path(opts->output) : NULL;
    FERRY_OWNED_JSON *images = json_array();
    FERRY_OWNED_JSON *failed = json_array();
    FERRY_OWNED_JSON *volumes = json_array();
    FERRY_OWNED_JSON *report = NULL;

    if (opts->output && !archive)
        return ferry_fail_memory(err);
    FERRY_TRY(ferry_digest_of(FERRY_SHA256, plan->index.data, plan->index.len, &index, err));
    FERRY_TRY(format_images(plan->graph, images, err));
    FERRY_TRY(format_failures(result->failures, failed, err));
    FERRY_TRY(format_volumes(opts, result->volumes, volumes, err));
    report = json_pack(
        "{s:O*, s:b, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:I, s:I, s:O, s:O, s:O}",
        "archive", archive, "dryRun", opts->dry_run, "index", index.text, "archiveBytes",
        (json_int_t)plan->archive_bytes, "fileBytes", (json_int_t)result->stored, "blobs",
        (json_int_t)plan->count, "blobBytes", (json_int_t)plan->bytes, "foreignLayersLeftOut",
        (json_int_t)plan->foreign, "foreignBytesLeftOut", (json_int_t)plan->foreign_bytes,
        "referrersLeftOut", format_referrers(result->notes), "manifestsLeftOut",
        (json_int_t)plan->left_out, "dockerLoadable", (json_int_t)plan->docker_count, "tagsMoved",
        (json_int_t)result->moved, "images", images, "volumes", volumes, "failed", failed);
    if (!report)
        return ferry_fail_memory(err);
    FERRY_TRY(add_bases(result, report, err));
    if (json_dumpf(report, stdout, JSON_INDENT(2)) < 0 || putchar('\n') < 0)
        return ferry_fail(err, FERRY_EIO, "stdout: cannot write: %s", strerror(errno));
    return ferry_stdout_flush(err);
}

static int print_image(const struct ferry_graph *graph, const struct ferry_image *image,
                       struct ferry_err *err)
{
    FERRY_OWNED_MEM struct ferry_left_out *list = NULL;
    char platform[FERRY_PLATFORM_TEXT_MAX];
    size_t count;

    FERRY_TRY(ferry_left_out_list(graph, image->root, &list, &count, err));
    printf("%s  %s\n", image->root->descriptor.digest.text, image->name);
    for (size_t i = 0; i < count; i++)
        printf("  left out %s  %s\n", list[i].node->descriptor.digest.text,
               ferry_platform_format(list[i].platform, platform));
    return 0;
}

/* ", in 8 volumes", or nothing. How many they will be is known unless they are compressed. */
static const char *count_volumes(const struct export_opts *opts,
                                 const struct ferry_export_result *result,
                                 char out[VOLUMES_TEXT_MAX])
{
    int64_t count = opts->volume_size == 0 ? 0
                    : result->volumes
                        ? (int64_t)result->volumes->count
                        : ferry_output_volumes(result->plan->archive_bytes, opts->volume_size);

    out[0] = '\0';
    if (count > 0)
        snprintf(out, VOLUMES_TEXT_MAX, ", in %s%" PRId64 " volume%s",
                 opts->zstd_level > 0 && !result->volumes ? "at most " : "", count,
                 ferry_plural((size_t)count));
    return out;
}

static int print_plan(const struct export_opts *opts, const struct ferry_export_result *result,
                      struct ferry_err *err)
{
    const struct ferry_pull_plan *plan = result->plan;
    char size[FERRY_SIZE_TEXT_MAX], cut[VOLUMES_TEXT_MAX];

    for (size_t i = 0; i < plan->graph->image_count; i++)
        FERRY_TRY(print_image(plan->graph, &plan->graph->images[i], err));
    for (size_t i = 0; i < plan->count; i++)
        if (!plan->nodes[i]->is_manifest)
            printf("  blob %s  %" PRId64 " bytes\n", plan->nodes[i]->descriptor.digest.text,
                   plan->nodes[i]->descriptor.size);
    for (size_t i = 0; i < plan->graph->count; i++)
        if (plan->graph->nodes[i]->state == FERRY_NODE_IN_BASE)
            printf("  in a base %s  %" PRId64 " bytes\n",
                   plan->graph->nodes[i]->descriptor.digest.text,
                   plan->graph->nodes[i]->descriptor.size);
    printf("images: %zu, blobs: %zu, archive: %s (%" PRId64 " bytes)%s\n", plan->graph->image_count,
           plan->count, ferry_size_format(plan->archive_bytes, size), plan->archive_bytes,
           count_volumes(opts, result, cut));
    return ferry_stdout_flush(err);
}

static int say_left_out(const struct ferry_pull_plan *plan, struct ferry_progress *progress,
                        struct ferry_err *err)
{
    FERRY_OWNED_MEM struct ferry_left_out *list = NULL;
    char platforms[FERRY_LEFT_OUT_TEXT_MAX];
    size_t count;

    FERRY_TRY(ferry_left_out_list(plan->graph, NULL, &list, &count, err));
    if (count > 0)
        ferry_progress_say(progress, "%zu manifest%s for other platforms left out (%s)", count,
                           ferry_plural(count), ferry_left_out_platforms(list, count, platforms));
    return 0;
}

/* Layers are compressed already, so that it may have been for little. */
static void say_gain(const struct ferry_pull_plan *plan, int64_t stored,
                     struct ferry_progress *progress)
{
    double gained = 100.0 - 100.0 * (double)stored / (double)plan->archive_bytes;
    char size[FERRY_SIZE_TEXT_MAX];

    ferry_progress_say(progress, "compressed to %s, %.1f %% %s", ferry_size_format(stored, size),
                       gained < 0 ? -gained : gained, gained < 0 ? "more" : "less");
}

/* What each base saves. */
static void say_bases(const struct ferry_base_set *bases, struct ferry_progress *progress)
{
    char size[FERRY_SIZE_TEXT_MAX];

    for (size_t i = 0; i < bases->count; i++) {
        const struct ferry_base *base = &bases->items[i];

        if (base->layers > 0)
            ferry_progress_say(progress, "base %s (%s): %zu layer%s, %s, left to it", base->path,
                               base->graph->index.text, base->layers, ferry_plural(base->layers),
                               ferry_size_format(base->bytes, size));
        else
            ferry_progress_warn(progress, "base %s (%s): nothing could be left to it", base->path,
                                base->graph->index.text);
    }
}

/* What came of an archive that was written. */
static int say_written(const struct export_opts *opts, const struct ferry_export_result *result,
                       struct ferry_progress *progress, struct ferry_err *err)
{
    const struct ferry_pull_plan *plan = result->plan;
    char size[FERRY_SIZE_TEXT_MAX], with[60] = "", cut[VOLUMES_TEXT_MAX];
    size_t referrers = ferry_graph_referrers(plan->graph);
    size_t images = plan->graph->image_count - referrers;
    FERRY_OWNED_BUF signers;

    ferry_buf_init(&signers, SIZE_MAX);
    if (referrers > 0)
        snprintf(with, sizeof(with), " with %zu referrer%s", referrers, ferry_plural(referrers));
    if (result->signers) {
        FERRY_TRY(ferry_buf_print(&signers, err, ", signed by "));
        FERRY_TRY(ferry_signers_print(result->signers, &signers, err));
    }
    ferry_progress_say(
        progress, "%s: %zu image%s%s, %zu blob%s, %s%s%s",
        strcmp(opts->output, "-") == 0 ? "stdout" : opts->output, images, ferry_plural(images),
        with, plan->count, ferry_plural(plan->count), ferry_size_format(plan->archive_bytes, size),
        count_volumes(opts, result, cut), signers.len ? (const char *)signers.data : "");
    if (opts->zstd_level > 0)
        say_gain(plan, result->stored, progress);
    if (result->failures->count > 0)
        ferry_progress_warn(progress, "%zu could not be had, and %s left out",
                            result->failures->count, result->failures->count == 1 ? "is" : "are");
    return 0;
}

int ferry_export_report(const struct export_opts *opts, const struct ferry_export_result *result,
                        struct ferry_progress *progress, struct ferry_err *err)
{
    ferry_progress_end(progress);
    FERRY_TRY(say_left_out(result->plan, progress, err));
    say_bases(result->bases, progress);
    if (opts->json)
        return print_json(opts, result, err);
    if (opts->dry_run)
        return print_plan(opts, result, err);
    return say_written(opts, result, progress, err);
}
