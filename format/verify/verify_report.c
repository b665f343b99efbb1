#include "format/verify/verify_report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "format/oci/left_out.h"

/* What the report says of one image. */
struct summary {
    int64_t bytes; /* of everything that it reaches; what images share counts for each */
    bool whole;
    struct ferry_buf platforms; /* "linux/amd64 linux/arm64/v8" */
};

/* The images that a fault damages, as a list of names. Only faults pay for the search. */
static int list_damaged(const struct ferry_verify_report *report, const struct ferry_node *node,
                        json_t *names, struct ferry_err *err)
{
    for (size_t i = 0; node && i < report->graph->image_count; i++) {
        const struct ferry_image *image = &report->graph->images[i];
        FERRY_OWNED_MEM struct ferry_node **nodes = NULL;
        size_t count;

        FERRY_TRY(ferry_graph_closure(report->graph, image->root, &nodes, &count, err));
        for (size_t k = 0; k < count; k++)
            if (nodes[k] == node && json_array_append_new(names, json_string(image->name)) < 0)
                return ferry_fail_memory(err);
    }
    return 0;
}

static int print_faults(const struct ferry_verify_report *report, struct ferry_progress *progress,
                        struct ferry_err *err)
{
    for (size_t i = 0; i < report->fault_count; i++) {
        const struct ferry_fault *fault = &report->faults[i];
        FERRY_OWNED_JSON *names = json_array();
        FERRY_OWNED_BUF text;

        ferry_buf_init(&text, (size_t)1024 * 1024);
        FERRY_TRY(list_damaged(report, fault->node, names, err));
        for (size_t k = 0; k < json_array_size(names); k++)
            FERRY_TRY(ferry_buf_print(&text, err, "%s%s", k ? ", " : " (damages ",
                                      json_string_value(json_array_get(names, k))));
        ferry_progress_error(progress, "%s%s%s", fault->text, text.len ? (char *)text.data : "",
                             text.len ? ")" : "");
    }
    return 0;
}

static int add_platform(struct summary *summary, const struct ferry_platform *platform,
                        struct ferry_err *err)
{
    char text[FERRY_PLATFORM_TEXT_MAX];

    ferry_platform_format(platform, text);
    if (!text[0])
        return 0;
    return ferry_buf_print(&summary->platforms, err, "%s%s", summary->platforms.len ? " " : "",
                           text);
}

/* What an index says of its children; of a single image, what its config says. */
static int add_platforms(struct summary *summary, const struct ferry_node *root,
                         struct ferry_err *err)
{
    if (root->kind == FERRY_KIND_MANIFEST && root->count > 0)
        return add_platform(summary, &root->children[0]->descriptor.platform, err);
    for (size_t i = 0; root->platforms && i < root->count; i++)
        if (root->children[i]->state != FERRY_NODE_LEFT_OUT)
            FERRY_TRY(add_platform(summary, &root->platforms[i], err));
    return 0;
}

static int summarise(const struct ferry_verify_report *report, const struct ferry_image *image,
                     struct summary *summary, struct ferry_err *err)
{
    FERRY_OWNED_MEM struct ferry_node **nodes = NULL;
    size_t count;

    summary->bytes = 0;
    summary->whole = true;
    FERRY_TRY(ferry_graph_closure(report->graph, image->root, &nodes, &count, err));
    for (size_t i = 0; i < count; i++) {
        if (nodes[i]->is_manifest && nodes[i]->state == FERRY_NODE_LEFT_OUT)
            continue;
        if (!ferry_add(summary->bytes, nodes[i]->descriptor.size, &summary->bytes))
            summary->bytes = INT64_MAX;
        if (nodes[i]->state == FERRY_NODE_BAD || nodes[i]->state == FERRY_NODE_WANTED)
            summary->whole = false;
    }
    for (size_t i = 0; i < report->fault_count; i++) /* diffIDs: right bytes of a wrong layer */
        for (size_t k = 0; k < count; k++)
            if (report->faults[i].node == nodes[k])
                summary->whole = false;
    return add_platforms(summary, image->root, err);
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

static int print_row(const struct ferry_verify_report *report, const struct ferry_image *image,
                     int width, struct ferry_err *err)
{
    struct summary summary;
    char size[FERRY_SIZE_TEXT_MAX];
    int rc;

    ferry_buf_init(&summary.platforms, (size_t)1024 * 1024);
    rc = summarise(report, image, &summary, err);
    if (rc == 0)
        printf("%-*s  %s  %10s  %s%s", width, image->name, image->root->descriptor.digest.text,
               ferry_size_format(summary.bytes, size),
               summary.platforms.len ? (char *)summary.platforms.data : "-",
               summary.whole ? "" : "  DAMAGED");
    ferry_buf_release(&summary.platforms);
    FERRY_TRY(rc);
    FERRY_TRY(print_left_out(report, image->root, err));
    printf("\n");
    return 0;
}

static int print_table(const struct ferry_verify_report *report, struct ferry_err *err)
{
    int width = (int)strlen("IMAGE");

    for (size_t i = 0; i < report->graph->image_count; i++)
        if ((int)strlen(report->graph->images[i].name) > width)
            width = (int)strlen(report->graph->images[i].name);
    printf("%-*s  %-71s  %10s  %s\n", width, "IMAGE", "DIGEST", "SIZE", "PLATFORMS");
    for (size_t i = 0; i < report->graph->image_count; i++)
        FERRY_TRY(print_row(report, &report->graph->images[i], width, err));
    return 0;
}

static int print_sentence(const struct verify_opts *opts, const struct ferry_verify_report *report,
                          struct ferry_err *err)
{
    FERRY_OWNED_MEM struct ferry_left_out *list = NULL;
    char size[FERRY_SIZE_TEXT_MAX], platforms[FERRY_LEFT_OUT_TEXT_MAX];
    const char *name = strcmp(opts->archive, "-") == 0 ? "stdin" : opts->archive;
    size_t count;

    FERRY_TRY(ferry_left_out_list(report->graph, NULL, &list, &count, err));
    printf("%s: %s: %zu image%s, %zu blob%s, %s", name,
           report->fault_count ? "NOT WHOLE"
           : opts->quick       ? "complete (bytes not checked)"
                               : "whole",
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
    if (report->fault_count)
        printf(", %zu fault%s", report->fault_count, ferry_plural(report->fault_count));
    printf("\n");
    return 0;
}

static int format_images(const struct ferry_verify_report *report, json_t *images,
                         struct ferry_err *err)
{
    for (size_t i = 0; i < report->graph->image_count; i++) {
        const struct ferry_image *image = &report->graph->images[i];
        FERRY_OWNED_JSON *left_out = NULL;
        struct summary summary;
        json_t *item = NULL;
        int rc;

        ferry_buf_init(&summary.platforms, (size_t)1024 * 1024);
        rc = summarise(report, image, &summary, err);
        if (rc == 0)
            rc = ferry_left_out_json(report->graph, image->root, &left_out, err);
        if (rc == 0)
            item = json_pack("{s:s, s:s, s:s, s:I, s:s, s:b, s:O}", "name", image->name, "digest",
                             image->root->descriptor.digest.text, "mediaType",
                             image->root->descriptor.media_type, "bytes", (json_int_t)summary.bytes,
                             "platforms",
                             summary.platforms.len ? (char *)summary.platforms.data : "", "whole",
                             summary.whole, "leftOut", left_out);
        ferry_buf_release(&summary.platforms);
        FERRY_TRY(rc);
        if (json_array_append_new(images, item) < 0)
            return ferry_fail_memory(err);
    }
    return 0;
}

static int format_faults(const struct ferry_verify_report *report, json_t *faults,
                         struct ferry_err *err)
{
    for (size_t i = 0; i < report->fault_count; i++) {
        const struct ferry_fault *fault = &report->faults[i];
        FERRY_OWNED_JSON *names = json_array();

        FERRY_TRY(list_damaged(report, fault->node, names, err));
        if (json_array_append_new(
                faults, json_pack("{s:s*, s:s, s:O}", "digest",
                                  fault->node ? fault->node->descriptor.digest.text : NULL,
                                  "message", fault->text, "damages", names)) < 0)
            return ferry_fail_memory(err);
    }
    return 0;
}

static int print_json(const struct verify_opts *opts, const struct ferry_verify_report *report,
                      struct ferry_err *err)
{
    FERRY_OWNED_JSON *images = json_array();
    FERRY_OWNED_JSON *faults = json_array();
    FERRY_OWNED_JSON *unlisted = json_array();
    FERRY_OWNED_JSON *document = NULL;

    FERRY_TRY(format_images(report, images, err));
    FERRY_TRY(format_faults(report, faults, err));
    for (size_t i = 0; i < report->unlisted_named; i++)
        json_array_append_new(unlisted, json_string(report->unlisted[i]));
    document = json_pack("{s:s, s:b, s:s, s:I, s:I, s:I, s:I, s:O, s:O, s:O}", "archive",
                         opts->archive, "whole", report->fault_count == 0, "depth",
                         opts->quick  ? "quick"
                         : opts->deep ? "deep"
                                      : "bytes",
                         "blobs", (json_int_t)report->blobs, "bytes", (json_int_t)report->bytes,
                         "foreignLayersLeftOut", (json_int_t)report->left_out, "manifestsLeftOut",
                         (json_int_t)report->manifests_left_out, "images", images, "faults", faults,
                         "unlisted", unlisted);
    if (!document)
        return ferry_fail_memory(err);
    if (json_dumpf(document, stdout, JSON_INDENT(2)) == 0)
        putchar('\n');
    return 0;
}

int ferry_verify_report_print(const struct verify_opts *opts,
                              const struct ferry_verify_report *report,
                              struct ferry_progress *progress, struct ferry_err *err)
{
    ferry_progress_end(progress);
    if (opts->json) {
        FERRY_TRY(print_json(opts, report, err));
    } else {
        FERRY_TRY(print_faults(report, progress, err));
        if (opts->list)
            FERRY_TRY(print_table(report, err));
        if (!opts->quiet)
            FERRY_TRY(print_sentence(opts, report, err));
    }
    if (fflush(stdout) != 0 || ferror(stdout))
        return ferry_fail(err, FERRY_EIO, "stdout: cannot write: %s", strerror(errno));
    return 0;
}
