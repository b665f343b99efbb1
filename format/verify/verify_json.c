#include "format/verify/verify_json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "format/oci/left_out.h"
#include "format/verify/signature_report.h"

/* A path may hold what a text of JSON cannot: it is shown as it is in messages. */
static json_t *format_path(const char *path)
{
    FERRY_OWNED_MEM char *copy = strdup(path);

    if (!copy)
        return NULL;
    ferry_text_clean(copy);
    return json_string(copy);
}

static int format_image(const struct ferry_contents *contents, size_t name, json_t **out,
                        struct ferry_err *err)
{
    const struct ferry_graph *graph = contents->report->graph;
    const struct ferry_image *image = &graph->images[name];
    const struct ferry_contents_image *counted = &contents->images[contents->image_of[name]];
    const int64_t *bytes = counted->bytes;
    FERRY_OWNED_JSON *left_out = NULL;
    FERRY_OWNED_BUF platforms;

    ferry_buf_init(&platforms, (size_t)1024 * 1024); /* more than a document can have */
    FERRY_TRY(ferry_contents_platforms(image->root, SIZE_MAX, &platforms, err));
    FERRY_TRY(ferry_left_out_json(graph, image->root, &left_out, err));
    *out = json_pack(
        "{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:s, s:b, s:O}", "name", image->name, "digest",
        image->root->descriptor.digest.text, "mediaType", image->root->descriptor.media_type,
        "bytes", (json_int_t)counted->sum, "ownBytes", (json_int_t)bytes[FERRY_SPACE_OWN],
        "sharedBytes", (json_int_t)bytes[FERRY_SPACE_SHARED], "leftOutBytes",
        (json_int_t)bytes[FERRY_SPACE_ELSEWHERE], "faultyBytes",
        (json_int_t)bytes[FERRY_SPACE_FAULTY], "platforms",
        platforms.len ? (char *)platforms.data : "", "whole", counted->whole, "leftOut", left_out);
    return *out ? 0 : ferry_fail_memory(err);
}

static int add_in_base(const struct ferry_verify_report *report, struct ferry_node *root,
                       json_t *item, struct ferry_err *err)
{
    struct ferry_in_base sum;

    FERRY_TRY(ferry_in_base_sum(report->graph, root, &sum, err));
    return ferry_in_base_json(&sum, item, err);
}

static int format_bases(const struct ferry_bases *bases, json_t *array, struct ferry_err *err)
{
    for (size_t i = 0; i < bases->count; i++)
        if (json_array_append_new(array, json_pack("{s:s}", "digest", bases->digests[i].text)) < 0)
            return ferry_fail_memory(err);
    return 0;
}

static int format_unlisted(const struct ferry_verify_report *report, json_t *unlisted,
                           struct ferry_err *err)
{
    for (size_t i = 0; i < report->unlisted_named; i++)
        if (json_array_append_new(unlisted, json_string(report->unlisted[i])) < 0)
            return ferry_fail_memory(err);
    return 0;
}

static int format_images(const struct ferry_contents *contents, json_t *images,
                         struct ferry_err *err)
{
    for (size_t i = 0; i < contents->report->graph->image_count; i++) {
        json_t *item = NULL;

        FERRY_TRY(format_image(contents, i, &item, err));
        if (json_array_append_new(images, item) < 0)
            return ferry_fail_memory(err);
        FERRY_TRY(
            add_in_base(contents->report, contents->report->graph->images[i].root, item, err));
    }
    return 0;
}

static int list_damaged(const struct ferry_contents *contents, const struct ferry_fault *fault,
                        json_t *names, struct ferry_err *err)
{
    struct ferry_damaged walk;

    ferry_damaged_begin(&walk, contents, fault);
    for (const char *name; (name = ferry_damaged_next(&walk));)
        if (json_array_append_new(names, json_string(name)) < 0)
            return ferry_fail_memory(err);
    return 0;
}

static int format_faults(const struct ferry_contents *contents, json_t *faults,
                         struct ferry_err *err)
{
    for (size_t i = 0; i < contents->report->fault_count; i++) {
        const struct ferry_fault *fault = &contents->report->faults[i];
        FERRY_OWNED_JSON *names = json_array();

        FERRY_TRY(list_damaged(contents, fault, names, err));
        if (json_array_append_new(
                faults,
                json_pack("{s:o, s:s*, s:s, s:b, s:O}", "archive",
                          format_path(contents->report->set->items[fault->archive].path), "digest",
                          fault->node ? fault->node->descriptor.digest.text : NULL, "message",
                          fault->text, "healed", fault->is_healed, "damages", names)) < 0)
            return ferry_fail_memory(err);
    }
    return 0;
}

static int format_archives(const struct ferry_verify_report *report, json_t *archives,
                           struct ferry_err *err)
{
    for (size_t i = 0; i < report->set->count; i++) {
        const struct ferry_archive *archive = &report->set->items[i];
        const struct ferry_verified *v = &report->verified[i];
        FERRY_OWNED_JSON *signature = NULL;

        FERRY_TRY(ferry_signature_json(&archive->signature, &signature, err));
        if (json_array_append_new(
                archives,
                json_pack("{s:o, s:s?, s:O, s:b, s:I, s:I}", "archive", format_path(archive->path),
                          "index", archive->is_read ? archive->graph->index.text : NULL,
                          "signature", json_object_get(signature, "state"), "whole", v->faults == 0,
                          "blobs", (json_int_t)v->blobs, "bytes", (json_int_t)v->bytes)) < 0)
            return ferry_fail_memory(err);
    }
    return 0;
}

static int format_volumes(const struct ferry_verify_report *report, json_t *volumes,
                          struct ferry_err *err)
{
    for (size_t i = 0; i < report->volumes.count; i++) {
        const struct ferry_volume_result *v = &report->volumes.items[i];

        if (json_array_append_new(volumes,
                                  json_pack("{s:o, s:s, s:I, s:s?, s:s}", "archive",
                                            format_path(report->set->items[v->archive].path),
                                            "file", v->file, "bytes", (json_int_t)v->bytes,
                                            "sha256", v->sha256[0] ? v->sha256 : NULL, "state",
                                            ferry_volume_state_text(v->state))) < 0)
            return ferry_fail_memory(err);
    }
    return 0;
}

/* Where each blob is good. What is left out everywhere is none. */
static int format_copies(const struct ferry_verify_report *report, json_t *copies,
                         struct ferry_err *err)
{
    for (size_t i = 0; i < report->graph->count; i++) {
        const struct ferry_node *node = report->graph->nodes[i];
        json_t *good;

        if (ferry_node_is_left(node))
            continue;
        good = json_array();
        if (json_array_append_new(
                copies, json_pack("{s:s, s:I, s:o}", "digest", node->descriptor.digest.text, "size",
                                  (json_int_t)node->descriptor.size, "good", good)) < 0)
            return ferry_fail_memory(err);
        for (size_t k = 0; k < report->set->count; k++)
            if (ferry_verify_is_good(report, k, node) &&
                json_array_append_new(good, json_integer((json_int_t)k)) < 0)
                return ferry_fail_memory(err);
    }
    return 0;
}

int ferry_verify_json_print(const struct verify_opts *opts, const struct ferry_contents *contents,
                            struct ferry_err *err)
{
    const struct ferry_verify_report *report = contents->report;
    const char *index = report->graph->index.text;
    FERRY_OWNED_JSON *images = json_array();
    FERRY_OWNED_JSON *faults = json_array();
    FERRY_OWNED_JSON *unlisted = json_array();
    FERRY_OWNED_JSON *archives = json_array();
    FERRY_OWNED_JSON *copies = json_array();
    FERRY_OWNED_JSON *bases = json_array();
    FERRY_OWNED_JSON *signature = NULL;
    FERRY_OWNED_JSON *volumes = json_array();
    FERRY_OWNED_JSON *document = NULL;

    FERRY_TRY(ferry_signature_json(&report->signature, &signature, err));
    FERRY_TRY(format_images(contents, images, err));
    FERRY_TRY(format_faults(contents, faults, err));
    FERRY_TRY(format_archives(report, archives, err));
    FERRY_TRY(format_copies(report, copies, err));
    FERRY_TRY(format_volumes(report, volumes, err));
    FERRY_TRY(format_unlisted(report, unlisted, err));
    FERRY_TRY(format_bases(&report->graph->bases, bases, err));
    document = json_pack(
        "{s:o, s:O, s:s*, s:O, s:b, s:s, s:I, s:I, s:{s:I, s:I, s:I}, s:I, s:I, s:O, s:O, s:O, "
        "s:O, s:O, s:O}",
        "archive", report->set->count == 1 ? format_path(report->set->items[0].path) : json_null(),
        "archives", archives, "index", index[0] ? index : NULL, "signature", signature, "whole",
        ferry_verify_is_whole(report), "depth",
        opts->quick  ? "quick"
        : opts->deep ? "deep"
                     : "bytes",
        "blobs", (json_int_t)report->blobs, "bytes", (json_int_t)report->bytes, "shared", "blobs",
        (json_int_t)contents->shared_blobs, "bytes",
        (json_int_t)contents->bytes[FERRY_SPACE_SHARED], "savedBytes", (json_int_t)contents->saved,
        "foreignLayersLeftOut", (json_int_t)report->left_out, "manifestsLeftOut",
        (json_int_t)report->manifests_left_out, "images", images, "faults", faults, "unlisted",
        unlisted, "copies", copies, "volumes", volumes, "bases", bases);
    if (!document)
        return ferry_fail_memory(err);
    FERRY_TRY(ferry_in_base_json(&report->in_base, document, err));
    if (json_dumpf(document, stdout, JSON_INDENT(2)) < 0 || putchar('\n') < 0)
        return ferry_fail(err, FERRY_EIO, "stdout: cannot write: %s", strerror(errno));
    return 0;
}
