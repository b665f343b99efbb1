#include "format/verify/verify_report.h"

#include <stdio.h>
#include <string.h>

#include "format/archive/set_notes.h"
#include "format/core/size.h"
#include "format/oci/left_out.h"
#include "format/run/output_file.h"
#include "format/verify/signature_report.h"
#include "format/verify/verify_json.h"

#define DAMAGES_SHOWN 20
#define PLATFORMS_LENGTH ((size_t)300) /* of the text, about */
#define NAME_WIDTH 60                  /* a longer name has a line of its own */

/* " (damages a, b and 3 more)"; JSON has all of them. */
static int format_damages(const struct ferry_contents *contents, const struct ferry_fault *fault,
                          struct ferry_buf *out, struct ferry_err *err)
{
    struct ferry_damaged walk;
    size_t count = 0;

    ferry_damaged_begin(&walk, contents, fault);
    for (const char *name; (name = ferry_damaged_next(&walk)); count++)
        if (count < DAMAGES_SHOWN)
            FERRY_TRY(ferry_buf_print(out, err, "%s%s", count ? ", " : " (damages ", name));
    if (count > DAMAGES_SHOWN)
        FERRY_TRY(ferry_buf_print(out, err, " and %zu more", count - DAMAGES_SHOWN));
    return count > 0 ? ferry_buf_print(out, err, ")") : 0;
}

/* " (good in b.tar, c.tar)". */
static int format_healers(const struct ferry_verify_report *report, const struct ferry_fault *fault,
                          struct ferry_buf *out, struct ferry_err *err)
{
    size_t count = 0;

    for (size_t i = 0; fault->node && i < ferry_verify_count(report); i++)
        if (ferry_verify_is_good(report, i, fault->node))
            FERRY_TRY(ferry_buf_print(out, err, "%s%s", count++ ? ", " : " (good in ",
                                      ferry_archive_name(&report->set->items[i])));
    return count > 0 ? ferry_buf_print(out, err, ")") : 0;
}

static void say(void *ctx, const char *text)
{
    ferry_progress_say(ctx, "%s", text);
}

static void warn(void *ctx, const char *text)
{
    ferry_progress_warn(ctx, "%s", text);
}

static int print_faults(const struct ferry_contents *contents, struct ferry_progress *progress,
                        struct ferry_err *err)
{
    const struct ferry_set_listener listener = { .say = say, .warn = warn, .ctx = progress };

    for (size_t i = 0; i < contents->report->fault_count; i++) {
        const struct ferry_fault *fault = &contents->report->faults[i];
        FERRY_OWNED_BUF text;

        ferry_buf_init(&text, (size_t)1024 * 1024);
        FERRY_TRY(fault->is_healed ? format_healers(contents->report, fault, &text, err)
                                   : format_damages(contents, fault, &text, err));
        if (fault->is_healed)
            ferry_progress_warn(progress, "%s%s", fault->text, text.len ? (char *)text.data : "");
        else
            ferry_progress_error(progress, "%s%s", fault->text, text.len ? (char *)text.data : "");
    }
    ferry_set_notes(contents->report->set, &listener);
    return 0;
}

/* "  (left out: linux/arm64, linux/s390x)", or nothing. */
static int print_left_out(const struct ferry_verify_report *report, const struct ferry_node *root,
                          struct ferry_err *err)
{
    FERRY_OWNED_MEM struct ferry_left_out *list = NULL;
    char platforms[FERRY_LEFT_OUT_TEXT_MAX];
    size_t count;

    FERRY_TRY(ferry_left_out_list(report->graph, root, &list, &count, err));
    if (count > 0)
        printf("  (left out: %s)", ferry_left_out_platforms(list, count, platforms));
    return 0;
}

/* "  (left to a base: 3 layers, 12.0 MiB)", or nothing. */
static int print_in_base(const struct ferry_verify_report *report, struct ferry_node *root,
                         struct ferry_err *err)
{
    struct ferry_in_base sum;
    char size[FERRY_SIZE_TEXT_MAX];

    FERRY_TRY(ferry_in_base_sum(report->graph, root, &sum, err));
    if (sum.count > 0)
        printf("  (left to a base: %zu layer%s, %s)", sum.count, ferry_plural(sum.count),
               ferry_size_format(sum.bytes, size));
    return 0;
}

static int print_row(const struct ferry_contents *contents, size_t name, int width,
                     struct ferry_err *err)
{
    const struct ferry_image *image = &contents->report->graph->images[name];
    const struct ferry_contents_image *counted = &contents->images[contents->image_of[name]];
    char size[FERRY_SIZE_TEXT_MAX], own[FERRY_SIZE_TEXT_MAX];
    bool is_long = (int)strlen(image->name) > width;
    FERRY_OWNED_BUF platforms;

    ferry_buf_init(&platforms, 2 * PLATFORMS_LENGTH);
    FERRY_TRY(ferry_contents_platforms(image->root, PLATFORMS_LENGTH, &platforms, err));
    if (is_long)
        printf("%s\n", image->name);
    printf("%-*s  %s  %10s  %10s  %s%s", width, is_long ? "" : image->name,
           image->root->descriptor.digest.text, ferry_size_format(counted->sum, size),
           ferry_size_format(counted->bytes[FERRY_SPACE_OWN], own),
           platforms.len ? (char *)platforms.data : "-", counted->whole ? "" : "  DAMAGED");
    FERRY_TRY(print_left_out(contents->report, image->root, err));
    FERRY_TRY(print_in_base(contents->report, image->root, err));
    printf("\n");
    return 0;
}

static void print_volumes(const struct ferry_volume_results *volumes)
{
    char size[FERRY_SIZE_TEXT_MAX];

    for (size_t i = 0; i < volumes->count; i++)
        printf("%s%s  %s  %10s  %s\n", i == 0 ? "\n" : "", volumes->items[i].file,
               volumes->items[i].sha256[0] ? volumes->items[i].sha256 : "-",
               ferry_size_format(volumes->items[i].bytes, size),
               ferry_volume_state_text(volumes->items[i].state));
}

static int name_width(const struct ferry_graph *graph)
{
    int width = (int)strlen("IMAGE");

    for (size_t i = 0; i < graph->image_count; i++) {
        int len = (int)strlen(graph->images[i].name);

        if (len > width && len <= NAME_WIDTH)
            width = len;
    }
    return width;
}

/* What stands there once for several images, and the digest that covers all. */
static void print_totals(const struct ferry_contents *contents)
{
    const struct ferry_digest *index = &contents->report->graph->index;
    char size[FERRY_SIZE_TEXT_MAX], saved[FERRY_SIZE_TEXT_MAX];

    if (contents->shared_blobs > 0)
        printf("shared by several images: %zu blob%s, %s, which saves %s\n", contents->shared_blobs,
               ferry_plural(contents->shared_blobs),
               ferry_size_format(contents->bytes[FERRY_SPACE_SHARED], size),
               ferry_size_format(contents->saved, saved));
    if (index->text[0])
        printf("index.json: %s\n", index->text);
}

static int print_table(const struct ferry_contents *contents, struct ferry_err *err)
{
    const struct ferry_graph *graph = contents->report->graph;
    int width = name_width(graph);

    printf("%-*s  %-71s  %10s  %10s  %s\n", width, "IMAGE", "DIGEST", "SIZE", "OWN", "PLATFORMS");
    for (size_t i = 0; i < graph->image_count; i++)
        FERRY_TRY(print_row(contents, i, width, err));
    print_totals(contents);
    for (size_t i = 0; i < contents->report->set->count; i++)
        FERRY_TRY(ferry_signature_list(&contents->report->set->items[i].signature, err));
    print_volumes(&contents->report->volumes);
    return 0;
}

/* ", signed by CN=Release (trusted)", or nothing. */
static int print_signature(const struct ferry_signature *signature, struct ferry_err *err)
{
    FERRY_OWNED_BUF text;

    ferry_buf_init(&text, SIZE_MAX);
    if (signature->state <= FERRY_SIGNATURE_NONE)
        return 0;
    FERRY_TRY(ferry_signature_print(signature, &text, err));
    printf(", %s", (const char *)text.data);
    return 0;
}

static const char *verdict(const struct verify_opts *opts, bool is_whole, bool is_delta)
{
    if (!is_whole)
        return "NOT WHOLE";
    if (is_delta)
        return opts->quick ? "DELTA, complete together with its base (bytes not checked)"
                           : "DELTA, whole together with its base";
    return opts->quick ? "complete (bytes not checked)" : "whole";
}

/* Whether the documents are there, and nothing else is. */
static bool is_saved_base(const struct ferry_graph *graph)
{
    size_t missing = 0;

    for (size_t i = 0; i < graph->count; i++) {
        const struct ferry_node *node = graph->nodes[i];

        if (node->state == FERRY_NODE_BAD || (!node->is_manifest && node->state == FERRY_NODE_GOOD))
            return false;
        missing += node->state == FERRY_NODE_WANTED;
    }
    return missing > 0;
}

static void print_bases(const struct ferry_verify_report *report)
{
    char size[FERRY_SIZE_TEXT_MAX], bases[FERRY_BASES_TEXT_MAX];

    if (report->in_base.count > 0)
        printf("; %zu layer%s, %s, %s not in it but left to its base%s %s", report->in_base.count,
               ferry_plural(report->in_base.count), ferry_size_format(report->in_base.bytes, size),
               report->in_base.count == 1 ? "is" : "are", ferry_plural(report->graph->bases.count),
               ferry_bases_format(&report->graph->bases, bases));
    if (is_saved_base(report->graph))
        printf("; documents alone: of use to ociferry-export --base, and for nothing else");
}

/* A line for each of several archives. */
static int print_archives(const struct verify_opts *opts, const struct ferry_verify_report *report,
                          struct ferry_err *err)
{
    char size[FERRY_SIZE_TEXT_MAX];

    for (size_t i = 0; report->set->count > 1 && i < report->set->count; i++) {
        const struct ferry_archive *archive = &report->set->items[i];
        const struct ferry_verified *v = &report->verified[i];
        struct ferry_in_base in_base;

        FERRY_TRY(ferry_in_base_sum(archive->graph, NULL, &in_base, err));
        printf("%s: %s: %zu image%s, %zu good blob%s, %s", ferry_archive_name(archive),
               verdict(opts, v->faults == 0, in_base.count > 0), archive->graph->image_count,
               ferry_plural(archive->graph->image_count), v->blobs, ferry_plural(v->blobs),
               ferry_size_format(v->bytes, size));
        FERRY_TRY(print_signature(&archive->signature, err));
        if (v->faults > 0)
            printf(", %zu fault%s", v->faults, ferry_plural(v->faults));
        printf("\n");
    }
    return 0;
}

static int print_sentence(const struct verify_opts *opts, const struct ferry_verify_report *report,
                          struct ferry_err *err)
{
    FERRY_OWNED_MEM struct ferry_left_out *list = NULL;
    char size[FERRY_SIZE_TEXT_MAX], platforms[FERRY_LEFT_OUT_TEXT_MAX];
    size_t count;

    FERRY_TRY(print_archives(opts, report, err));
    FERRY_TRY(ferry_left_out_list(report->graph, NULL, &list, &count, err));
    printf("%s: %s: %zu image%s, %zu blob%s, %s",
           report->set->count == 1 ? ferry_archive_name(&report->set->items[0]) : "together",
           verdict(opts, ferry_verify_is_whole(report), report->in_base.count > 0),
           report->graph->image_count, ferry_plural(report->graph->image_count), report->blobs,
           ferry_plural(report->blobs), ferry_size_format(report->bytes, size));
    if (report->manifests_left_out)
        printf(", with %zu manifest%s left out on purpose (%s)", report->manifests_left_out,
               ferry_plural(report->manifests_left_out),
               ferry_left_out_platforms(list, count, platforms));
    if (report->left_out)
        printf(", %zu foreign layer%s left out", report->left_out, ferry_plural(report->left_out));
    if (report->unlisted_count)
        printf(", %zu entr%s that no image refers to", report->unlisted_count,
               report->unlisted_count == 1 ? "y" : "ies");
    if (report->volumes.count)
        printf(", in %zu volume%s", report->volumes.count, ferry_plural(report->volumes.count));
    FERRY_TRY(print_signature(&report->signature, err));
    if (report->fault_count)
        printf(", %zu fault%s", report->fault_count, ferry_plural(report->fault_count));
    print_bases(report);
    printf("\n");
    return 0;
}

int ferry_verify_report_print(const struct verify_opts *opts, const struct ferry_contents *contents,
                              struct ferry_progress *progress, struct ferry_err *err)
{
    bool page_on_stdout = opts->html && strcmp(opts->html, "-") == 0;

    ferry_progress_end(progress);
    if (opts->json) {
        FERRY_TRY(ferry_verify_json_print(opts, contents, err));
    } else {
        FERRY_TRY(print_faults(contents, progress, err));
        if (opts->list)
            FERRY_TRY(print_table(contents, err));
        if (!opts->quiet && !page_on_stdout)
            FERRY_TRY(print_sentence(opts, contents->report, err));
    }
    return ferry_stdout_flush(err);
}
