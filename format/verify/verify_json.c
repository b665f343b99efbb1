#include "format/verify/verify_json.h"

#include <stdio.h>
#include <string.h>

#include "format/oci/json_stream.h"
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

static int print_images(const struct ferry_contents *contents, struct ferry_json_stream *stream,
                        struct ferry_err *err)
{
    ferry_json_stream_array(stream, "images");
    for (size_t i = 0; i < contents->report->graph->image_count; i++) {
        FERRY_OWNED_JSON *item = NULL;

        FERRY_TRY(format_image(contents, i, &item, err));
        FERRY_TRY(
            add_in_base(contents->report, contents->report->graph->images[i].root, item, err));
        FERRY_TRY(ferry_json_stream_item(stream, &item, err));
    }
    ferry_json_stream_array_end(stream);
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

static int print_faults(const struct ferry_contents *contents, struct ferry_json_stream *stream,
                        struct ferry_err *err)
{
    const struct ferry_verify_report *report = contents->report;

    ferry_json_stream_array(stream, "faults");
    for (size_t i = 0; i < report->fault_count; i++) {
        const struct ferry_fault *fault = &report->faults[i];
        FERRY_OWNED_JSON *names = json_array();
        FERRY_OWNED_JSON *item = NULL;

        FERRY_TRY(list_damaged(contents, fault, names, err));
        item = json_pack("{s:o, s:s*, s:s, s:b, s:O}", "archive",
                         format_path(report->set->items[fault->archive].path), "digest",
                         fault->node ? fault->node->descriptor.digest.text : NULL, "message",
                         fault->text, "healed", fault->is_healed, "damages", names);
        FERRY_TRY(ferry_json_stream_item(stream, &item, err));
    }
    ferry_json_stream_array_end(stream);
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
static int print_copies(const struct ferry_verify_report *report, struct ferry_json_stream *stream,
                        struct ferry_err *err)
{
    ferry_json_stream_array(stream, "copies");
    for (size_t i = 0; i < report->graph->count; i++) {
        const struct ferry_node *node = report->graph->nodes[i];
        FERRY_OWNED_JSON *good = NULL;
        FERRY_OWNED_JSON *item = NULL;

        if (ferry_node_is_left(node))
            continue;
        good = json_array();
        for (size_t k = 0; k < report->set->count; k++)
            if (ferry_verify_is_good(report, k, node) &&
                json_array_append_new(good, json_integer((json_int_t)k)) < 0)
                return ferry_fail_memory(err);
        item = json_pack("{s:s, s:I, s:O}", "digest", node->descriptor.digest.text, "size",
                         (json_int_t)node->descriptor.size, "good", good);
        FERRY_TRY(ferry_json_stream_item(stream, &item, err));
    }
    ferry_json_stream_array_end(stream);
    return 0;
}

static int print_head(const struct verify_opts *opts, const struct ferry_contents *contents,
                      struct ferry_json_stream *stream, struct ferry_err *err)
{
    const struct ferry_verify_report *report = contents->report;
    const char *index = report->graph->index.text;
    FERRY_OWNED_JSON *archives = json_array();
    FERRY_OWNED_JSON *signature = NULL;
    FERRY_OWNED_JSON *head = NULL;

    FERRY_TRY(ferry_signature_json(&report->signature, &signature, err));
    FERRY_TRY(format_archives(report, archives, err));
    head = json_pack(
        "{s:o, s:O, s:s*, s:O, s:b, s:s, s:I, s:I, s:{s:I, s:I, s:I}, s:I, s:I}", "archive",
        report->set->count == 1 ? format_path(report->set->items[0].path) : json_null(), "archives",
        archives, "index", index[0] ? index : NULL, "signature", signature, "whole",
        ferry_verify_is_whole(report), "depth",
        opts->quick  ? "quick"
        : opts->deep ? "deep"
                     : "bytes",
        "blobs", (json_int_t)report->blobs, "bytes", (json_int_t)report->bytes, "shared", "blobs",
        (json_int_t)contents->shared_blobs, "bytes",
        (json_int_t)contents->bytes[FERRY_SPACE_SHARED], "savedBytes", (json_int_t)contents->saved,
        "foreignLayersLeftOut", (json_int_t)report->left_out, "manifestsLeftOut",
        (json_int_t)report->manifests_left_out);
    return ferry_json_stream_members(stream, head, err);
}

static int print_unlisted(const struct ferry_verify_report *report,
                          struct ferry_json_stream *stream, struct ferry_err *err)
{
    FERRY_OWNED_JSON *unlisted = json_array();
    FERRY_OWNED_JSON *members = NULL;

    FERRY_TRY(format_unlisted(report, unlisted, err));
    members = json_pack("{s:O}", "unlisted", unlisted);
    return ferry_json_stream_members(stream, members, err);
}

static int print_tail(const struct ferry_verify_report *report, struct ferry_json_stream *stream,
                      struct ferry_err *err)
{
    FERRY_OWNED_JSON *bases = json_array();
    FERRY_OWNED_JSON *volumes = json_array();
    FERRY_OWNED_JSON *tail = NULL;

    FERRY_TRY(format_volumes(report, volumes, err));
    FERRY_TRY(format_bases(&report->graph->bases, bases, err));
    tail = json_pack("{s:O, s:O}", "volumes", volumes, "bases", bases);
    if (!tail)
        return ferry_fail_memory(err);
    FERRY_TRY(ferry_in_base_json(&report->in_base, tail, err));
    return ferry_json_stream_members(stream, tail, err);
}

int ferry_verify_json_print(const struct verify_opts *opts, const struct ferry_contents *contents,
                            struct ferry_err *err)
{
    struct ferry_json_stream stream;

    ferry_json_stream_begin(&stream, stdout, "stdout");
    FERRY_TRY(print_head(opts, contents, &stream, err));
    FERRY_TRY(print_images(contents, &stream, err));
    FERRY_TRY(print_faults(contents, &stream, err));
    FERRY_TRY(print_unlisted(contents->report, &stream, err));
    FERRY_TRY(print_copies(contents->report, &stream, err));
    FERRY_TRY(print_tail(contents->report, &stream, err));
    return ferry_json_stream_end(&stream, err);
}
