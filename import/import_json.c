#include "import/import_json.h"

#include <string.h>

#include "format/oci/left_out.h"
#include "format/verify/signature_report.h"
#include "import/import_totals.h"

static const char *outcome_text(const struct ferry_import_result *result,
                                const struct ferry_outcome *outcome)
{
    switch (outcome->kind) {
    case FERRY_OUTCOME_PUSHED:
        return "pushed";
    case FERRY_OUTCOME_THERE:
        return "unchanged";
    case FERRY_OUTCOME_LEFT_OUT:
        return "left out";
    case FERRY_OUTCOME_FAILED:
        return "failed";
    case FERRY_OUTCOME_NONE:
        break;
    }
    return result->opts->dry_run ? "planned" : "unfinished";
}

/* The digest of the index that is there in place of the image's own; NULL where none is. */
static const struct ferry_digest *trimmed_digest(const struct ferry_push_plan *plan, size_t place)
{
    if (!plan->outcomes[place].is_trimmed || !ferry_outcome_is_there(&plan->outcomes[place]))
        return NULL;
    return &ferry_trims_of(plan->trims, plan->targets[place].image->root)->descriptor.digest;
}

/* Where the image is: a digest is that of what is there. */
static void format_destination(const struct ferry_push_plan *plan, size_t place,
                               char out[FERRY_REFERENCE_TEXT_MAX])
{
    const struct ferry_digest *trimmed = trimmed_digest(plan, place);
    struct ferry_reference ref = plan->targets[place].ref;

    if (ref.has_digest && trimmed)
        ref.digest = *trimmed;
    ferry_reference_format(&ref, out);
}

static int format_image(const struct ferry_import_result *result, size_t place, json_t **out,
                        struct ferry_err *err)
{
    const struct ferry_target *target = &result->plan->targets[place];
    const struct ferry_outcome *outcome = &result->plan->outcomes[place];
    const struct ferry_node *root = target->image->root;
    const struct ferry_digest *trimmed = trimmed_digest(result->plan, place);
    char name[FERRY_REFERENCE_TEXT_MAX];
    json_t *left_out;

    format_destination(result->plan, place, name);
    FERRY_TRY(ferry_left_out_json(result->plan->graph, root, &left_out, err));
    *out = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:s*, s:s*}", "source", target->image->name,
                     "destination", name, "digest", root->descriptor.digest.text, "mediaType",
                     root->descriptor.media_type, "result", outcome_text(result, outcome),
                     "leftOut", left_out, "trimmed", trimmed ? trimmed->text : NULL, "error",
                     outcome->failure ? outcome->failure->msg : NULL);
    return *out ? 0 : ferry_fail_memory(err);
}

static json_t *format_blob(const struct ferry_push_plan *plan, const struct ferry_placement *p)
{
    static const char *const texts[] = {
        [FERRY_PLACEMENT_UNKNOWN] = "unknown",   [FERRY_PLACEMENT_THERE] = "skipped",
        [FERRY_PLACEMENT_ABSENT] = "absent",     [FERRY_PLACEMENT_LEFT_OUT] = "left out",
        [FERRY_PLACEMENT_NEEDLESS] = "needless", [FERRY_PLACEMENT_MOUNTED] = "mounted",
        [FERRY_PLACEMENT_UPLOADED] = "uploaded", [FERRY_PLACEMENT_FAILED] = "failed"
    };

    return json_pack("{s:s, s:I, s:s, s:s, s:s*}", "digest", p->node->descriptor.digest.text,
                     "size", (json_int_t)p->node->descriptor.size, "repository",
                     plan->repositories[p->repository], "result", texts[p->state], "error",
                     p->failure ? p->failure->msg : NULL);
}

/* As it was given; where that is no UTF-8, as messages have it. */
static json_t *format_path(const char *path)
{
    json_t *exact = json_string(path);
    FERRY_OWNED_MEM char *text = exact ? NULL : strdup(path);

    if (!text)
        return exact;
    ferry_text_clean(text);
    return json_string(text);
}

static json_t *format_unusable(const struct ferry_archive *archive)
{
    FERRY_OWNED_JSON *list = json_array();

    for (size_t i = 0; i < archive->bad_count; i++)
        if (json_array_append_new(list,
                                  json_pack("{s:s, s:s}", "digest", archive->bad[i].digest.text,
                                            "error", archive->bad[i].text)) < 0)
            return NULL;
    return ferry_steal(&list);
}

static int add_archive(const struct ferry_archive *archive, json_t *archives, struct ferry_err *err)
{
    FERRY_OWNED_JSON *signature = NULL;

    FERRY_TRY(ferry_signature_json(&archive->signature, &signature, err));
    if (json_array_append_new(
            archives,
            json_pack("{s:o, s:s?, s:O, s:s?, s:o}", "archive", format_path(archive->path), "index",
                      archive->is_read ? archive->graph->index.text : NULL, "signature", signature,
                      "error", archive->fault.code != FERRY_OK ? archive->fault.msg : NULL,
                      "unusable", format_unusable(archive))) < 0)
        return ferry_fail_memory(err);
    return 0;
}

static json_t *format_total(size_t count, int64_t bytes)
{
    return json_pack("{s:I, s:I}", "count", (json_int_t)count, "bytes", (json_int_t)bytes);
}

static int format_lists(const struct ferry_import_result *result, json_t *images, json_t *blobs,
                        struct ferry_err *err)
{
    const struct ferry_push_plan *plan = result->plan;

    for (size_t i = 0; i < plan->target_count; i++) {
        json_t *image;

        FERRY_TRY(format_image(result, i, &image, err));
        if (json_array_append_new(images, image) < 0)
            return ferry_fail_memory(err);
    }
    for (size_t i = 0; i < plan->placement_count; i++)
        if (json_array_append_new(blobs, format_blob(plan, &plan->placements[i])) < 0)
            return ferry_fail_memory(err);
    return 0;
}

int ferry_import_json(const struct ferry_import_result *result, json_t **out, struct ferry_err *err)
{
    const struct import_opts *opts = result->opts;
    FERRY_OWNED_JSON *archives = json_array();
    FERRY_OWNED_JSON *images = json_array();
    FERRY_OWNED_JSON *blobs = json_array();
    struct ferry_import_totals t = { 0 };

    if (!archives || !images || !blobs)
        return ferry_fail_memory(err);
    for (size_t i = 0; result->archives && i < result->archives->count; i++)
        FERRY_TRY(add_archive(&result->archives->items[i], archives, err));
    if (result->plan) {
        ferry_import_totals(result->plan, &t);
        FERRY_TRY(format_lists(result, images, blobs, err));
    }
    *out = json_pack("{s:o, s:O, s:s, s:b, s:s?, s:{s:o, s:o, s:o, s:o}, s:O, s:O}", "archive",
                     opts->archives.count == 1 ? format_path(opts->archives.items[0]) : json_null(),
                     "archives", archives, "registry", opts->destination.registry, "dryRun",
                     opts->dry_run, "error", result->ended_by ? result->ended_by->msg : NULL,
                     "totals", "uploaded", format_total(t.uploaded, t.uploaded_bytes), "mounted",
                     format_total(t.mounted, t.mounted_bytes), "skipped",
                     format_total(t.skipped, t.skipped_bytes), "absent",
                     format_total(t.absent + t.broken, t.absent_bytes + t.broken_bytes), "images",
                     images, "blobs", blobs);
    return *out ? 0 : ferry_fail_memory(err);
}
