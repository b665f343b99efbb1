#include "format/verify/archive_check.h"

#include <inttypes.h>
#include <string.h>

#include "format/archive/docker_manifest.h"
#include "format/core/blob_verify.h"
#include "format/verify/docker_check.h"
#include "format/verify/paced.h"

struct check {
    const struct ferry_archive_check *base;
    struct ferry_verify_report *report;
    struct ferry_archive *archive;
    struct ferry_verified *verified;
    struct ferry_diff_ids *diff_ids;
    struct ferry_volume_check volumes;
    struct ferry_buf docker; /* manifest.json, */
    bool has_docker;         /*   if there is one */
};

int ferry_archive_check_fault(const struct ferry_archive_check *check, enum ferry_fault_kind kind,
                              const struct ferry_node *node, const char *text,
                              struct ferry_err *err)
{
    struct ferry_verify_report *report = check->report;
    const struct ferry_archive *archive = &report->set->items[check->place];
    bool is_clear = report->set->count == 1 || ferry_archive_is_named(archive, text);
    FERRY_OWNED_MEM char *copy = NULL;

    FERRY_TRY(ferry_text(&copy, err, "%s%s%s", is_clear ? "" : ferry_archive_name(archive),
                         is_clear ? "" : ": ", text));
    ferry_text_clean(copy);
    FERRY_TRY(ferry_grow((void **)&report->faults, report->fault_count, &report->fault_room,
                         sizeof(*report->faults), err));
    report->faults[report->fault_count++] = (struct ferry_fault){
        .kind = kind, .archive = check->place, .node = node, .text = ferry_steal(&copy)
    };
    report->verified[check->place].faults++;
    return 0;
}

static int add_fault(const struct check *c, enum ferry_fault_kind kind,
                     const struct ferry_node *node, const char *text, struct ferry_err *err)
{
    return ferry_archive_check_fault(c->base, kind, node, text, err);
}

static int tell_volume(void *ctx, const char *text, struct ferry_err *err)
{
    return add_fault(ctx, FERRY_FAULT_ARCHIVE, NULL, text, err);
}

static int tell_docker(void *ctx, const char *text, struct ferry_err *err)
{
    return add_fault(ctx, FERRY_FAULT_CONTENT, NULL, text, err);
}

static int add_unlisted(struct ferry_verify_report *report, const char *name, struct ferry_err *err)
{
    FERRY_OWNED_MEM char *copy = NULL;

    if (report->unlisted_count++ >= FERRY_UNLISTED_MAX)
        return 0;
    FERRY_TRY(ferry_text(&copy, err, "%s", name));
    ferry_text_clean(copy);
    FERRY_TRY(ferry_grow((void **)&report->unlisted, report->unlisted_named, &report->unlisted_room,
                         sizeof(*report->unlisted), err));
    report->unlisted[report->unlisted_named++] = ferry_steal(&copy);
    return 0;
}

/* A fault of the archive, as against one of the machine, ends up in the report; and a medium that
 * cannot be read where another may. */
static bool is_fault(const struct check *c, int code)
{
    return ferry_reader_blames_archive(code) || code == FERRY_EDIGEST ||
           (code == FERRY_EIO && c->report->set->count > 1);
}

/* The bytes of the current entry, verifying. */
static int open_entry(const struct check *c, const struct ferry_digest *digest, int64_t size,
                      struct ferry_source **out, struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) body = NULL;
    FERRY_OWNED(ferry_source) paced = NULL;

    FERRY_TRY(ferry_reader_body(c->archive->reader, &body, err));
    FERRY_TRY(ferry_paced_new(&body, c->base->options->progress, &paced, err));
    return ferry_verify_new(&paced, digest, size, out, err);
}

/* A config says what an image runs on; its bytes are kept only where its diffIDs will be needed. */
static int read_config(struct check *c, struct ferry_node *node, struct ferry_source *blob,
                       struct ferry_err *err)
{
    FERRY_OWNED_JSON *document = NULL;
    FERRY_OWNED_BUF bytes;
    struct ferry_err ignored;

    ferry_buf_init(&bytes, (size_t)FERRY_MANIFEST_MAX);
    FERRY_TRY(ferry_source_read_all(blob, &bytes, err));
    if (ferry_json_load(bytes.data, bytes.len, "config", &document, &ignored) == 0)
        (void)!ferry_platform_from_json(document, "config", &node->descriptor.platform, &ignored);
    if (c->diff_ids && !node->bytes)
        return ferry_graph_supply(c->report->graph, node, &bytes, err);
    return 0;
}

/* One copy of a blob. `node`: of the whole graph, if it has one. */
static int read_copy(struct check *c, const struct ferry_descriptor *descriptor,
                     struct ferry_node *node, struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) blob = NULL;

    FERRY_TRY(open_entry(c, &descriptor->digest, descriptor->size, &blob, err));
    if (node && node->is_image_config && descriptor->size <= FERRY_MANIFEST_MAX)
        return read_config(c, node, blob, err);
    if (node && c->diff_ids && ferry_diff_ids_want(c->diff_ids, node))
        return ferry_diff_ids_read(c->diff_ids, node, blob, err);
    return ferry_source_drain(blob, err);
}

static int check_copy(struct check *c, const struct ferry_descriptor *descriptor,
                      struct ferry_node *node, int64_t size, struct ferry_err *err)
{
    if (size != descriptor->size)
        return ferry_fail(err, FERRY_EDIGEST,
                          "blob %s: its descriptor says %" PRId64
                          " bytes, the archive has %" PRId64,
                          descriptor->digest.text, descriptor->size, size);
    return c->base->options->depth == FERRY_VERIFY_QUICK ? 0 : read_copy(c, descriptor, node, err);
}

/* What becomes of the blob in this archive, `own` there and `node` in all; one of both may be NULL.
 * Tools differ on which of two copies counts, so that both must be right. */
static int check_listed(struct check *c, struct ferry_node *own, struct ferry_node *node,
                        const struct ferry_entry *entry, struct ferry_err *err)
{
    uint8_t *copies = c->verified->copies;
    const struct ferry_descriptor *descriptor = own ? &own->descriptor : &node->descriptor;
    int rc = check_copy(c, descriptor, node, entry->size, err);

    if (rc < 0 && rc != FERRY_EDIGEST && rc != FERRY_EFORMAT)
        return rc;
    if (node)
        copies[node->place] |= rc == 0 ? FERRY_COPY_GOOD : FERRY_COPY_BAD;
    if (own && !own->is_manifest && rc == 0 && own->state != FERRY_NODE_BAD)
        own->state = FERRY_NODE_GOOD;
    if (rc == 0)
        return 0;
    if (!strstr(err->msg, descriptor->digest.text))
        ferry_wrap(err, "blob %s", descriptor->digest.text);
    if (own && !own->is_manifest && own->state != FERRY_NODE_GOOD)
        ferry_node_set_fault(own, err);
    return add_fault(c, FERRY_FAULT_COPY, node, err->msg, err);
}

/* Of an archive whose index.json cannot be read, nobody knows what is listed. */
static int check_unlisted(struct check *c, const struct ferry_entry *entry, struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) blob = NULL;
    int rc = 0;

    if (c->archive->is_read)
        FERRY_TRY(add_unlisted(c->report, entry->name, err));
    if (entry->kind != FERRY_ENTRY_BLOB || c->base->options->depth == FERRY_VERIFY_QUICK)
        return 0;
    rc = open_entry(c, &entry->digest, entry->size, &blob, err);
    if (rc == 0)
        rc = ferry_source_drain(blob, err);
    if (rc == FERRY_EDIGEST)
        return add_fault(c, FERRY_FAULT_COPY, NULL, err->msg, err);
    return rc;
}

/* manifest.json is compared when all the rest is known. */
static int read_docker(struct check *c, const struct ferry_entry *entry, struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) body = NULL;

    if (entry->size <= (int64_t)FERRY_DOCKER_MANIFEST_MAX) {
        c->has_docker = true;
        FERRY_TRY(ferry_reader_body(c->archive->reader, &body, err));
        return ferry_source_read_all(body, &c->docker, err);
    }
    if (!c->archive->graph->is_ours)
        return 0;
    ferry_fail(err, FERRY_ELIMIT, FERRY_DOCKER_NAME ": %" PRId64 " bytes, limit %zu", entry->size,
               FERRY_DOCKER_MANIFEST_MAX);
    return add_fault(c, FERRY_FAULT_CONTENT, NULL, err->msg, err);
}

static bool is_right(const struct ferry_node *node)
{
    return node && node->state == FERRY_NODE_GOOD;
}

static int check_blob(struct check *c, const struct ferry_entry *entry, struct ferry_err *err)
{
    struct ferry_node *own = ferry_graph_find(c->archive->graph, &entry->digest);
    struct ferry_node *node = ferry_graph_find(c->report->graph, &entry->digest);
    bool is_document = (own && own->is_manifest) || (node && node->is_manifest);

    if (own && own->is_manifest && (own->state == FERRY_NODE_BAD || own->is_lent))
        return 0; /* the load has seen that */
    if ((!own && !node) || (is_document && !is_right(own) && !is_right(node)))
        return check_unlisted(c, entry, err); /* too late for the load to take it */
    return check_listed(c, own, node, entry, err);
}

static int check_entry(struct check *c, const struct ferry_entry *entry, struct ferry_err *err)
{
    if (entry->kind == FERRY_ENTRY_DOCKER)
        return read_docker(c, entry, err);
    if (entry->kind == FERRY_ENTRY_BLOB)
        return check_blob(c, entry, err);
    if (entry->kind == FERRY_ENTRY_SIGNATURE && c->archive->signature.state == FERRY_SIGNATURE_NONE)
        return check_unlisted(c, entry, err); /* too late to count */
    return entry->kind == FERRY_ENTRY_OTHER ? check_unlisted(c, entry, err) : 0;
}

static int check_entries(struct check *c, struct ferry_err *err)
{
    struct ferry_entry entry;

    do {
        FERRY_TRY(ferry_reader_next(c->archive->reader, &entry, err));
        FERRY_TRY(check_entry(c, &entry, err));
    } while (entry.kind != FERRY_ENTRY_END);
    return 0;
}

/* What the load took, and what it found wrong. */
static int note_documents(const struct check *c, struct ferry_err *err)
{
    const struct ferry_graph *graph = c->archive->graph;

    for (size_t i = 0; i < graph->count; i++) {
        const struct ferry_node *own = graph->nodes[i];
        const struct ferry_node *node = ferry_graph_find(c->report->graph, &own->descriptor.digest);

        if (own->state == FERRY_NODE_BAD || own->is_lent)
            FERRY_TRY(add_fault(c, FERRY_FAULT_COPY, node, own->fault ? own->fault : "bad", err));
        else if (own->state == FERRY_NODE_GOOD && node)
            c->verified->copies[node->place] |= FERRY_COPY_GOOD;
    }
    return 0;
}

/* Every node must have been seen by now; unless the archive's own structure broke the pass off. */
static int note_missing(const struct check *c, bool reached_end, struct ferry_err *err)
{
    const struct ferry_graph *graph = c->archive->graph;
    char missing[FERRY_DIGEST_TEXT_MAX + 80];

    for (size_t i = 0; i < graph->count; i++) {
        const struct ferry_node *own = graph->nodes[i];

        if (own->state != FERRY_NODE_WANTED)
            continue;
        snprintf(missing, sizeof(missing), "%s %s: %s", own->is_manifest ? "manifest" : "blob",
                 own->descriptor.digest.text,
                 reached_end ? "is missing" : "is missing, or lies behind that fault");
        FERRY_TRY(add_fault(c, FERRY_FAULT_COPY,
                            ferry_graph_find(c->report->graph, &own->descriptor.digest), missing,
                            err));
    }
    return 0;
}

static int check_docker(struct check *c, struct ferry_err *err)
{
    const struct ferry_docker_faults faults = { .tell = tell_docker, .ctx = c };

    return c->has_docker ? ferry_docker_check(c->archive->graph, &c->docker, &faults, err) : 0;
}

/* Whether the fault of the archive as a whole is that of its signature, and no other. */
static bool is_refused(const struct check *c)
{
    return ferry_signature_is_fault(&c->archive->signature, c->base->options->signature) &&
           strcmp(c->archive->signature.why.msg, c->archive->fault.msg) == 0;
}

/* Who signed it, or who did not, whatever else is wrong. */
static int check_signature(const struct check *c, struct ferry_err *err)
{
    const struct ferry_signature *signature = &c->archive->signature;

    if (ferry_signature_is_fault(signature, c->base->options->signature))
        return is_refused(c) ? 0 : add_fault(c, FERRY_FAULT_ARCHIVE, NULL, signature->why.msg, err);
    if (signature->state == FERRY_SIGNATURE_NONE && c->base->options->signature->trust)
        ferry_progress_warn(c->base->options->progress,
                            "%s; --require-signature would make a fault of that",
                            signature->why.msg);
    return 0;
}

/* What is wrong with the archive as a whole is one fault more, and the rest is looked at still. */
static int note_fault(const struct check *c, const char *text, struct ferry_err *err)
{
    if (c->archive->reader && ferry_volume_check_explains(&c->volumes, text))
        return 0;
    return add_fault(c, FERRY_FAULT_ARCHIVE, NULL, text, err);
}

/* *reached_end: the archive could be read to its end. */
static int check_content(struct check *c, bool *reached_end, struct ferry_err *err)
{
    bool is_told = c->archive->fault.code != FERRY_OK && !is_refused(c); /* as it was loaded */
    int rc;

    FERRY_TRY(note_documents(c, err));
    FERRY_TRY(ferry_volume_check_watch(&c->volumes, err));
    rc = check_entries(c, err);
    if (rc < 0 && !is_fault(c, rc))
        return rc;
    if (rc < 0 && !is_told) {
        ferry_archive_fail(c->archive, err);
        FERRY_TRY(note_fault(c, err->msg, err));
    }
    *reached_end = rc == 0;
    FERRY_TRY(note_missing(c, *reached_end, err));
    return check_docker(c, err);
}

static int run(struct check *c, struct ferry_err *err)
{
    bool reached_end = false;

    if (c->archive->reader)
        FERRY_TRY(ferry_volume_check_begin(&c->volumes, err));
    if (c->archive->fault.code != FERRY_OK)
        FERRY_TRY(note_fault(c, c->archive->fault.msg, err));
    FERRY_TRY(check_signature(c, err));
    if (!c->archive->reader)
        return 0;
    if (c->archive->is_read || c->report->set->count > 1) /* else nobody needs what it holds */
        FERRY_TRY(check_content(c, &reached_end, err));
    return ferry_volume_check_end(&c->volumes, reached_end, &c->report->volumes, err);
}

int ferry_archive_check_run(const struct ferry_archive_check *check, struct ferry_err *err)
{
    struct check c = { .base = check,
                       .report = check->report,
                       .archive = &check->report->set->items[check->place],
                       .verified = &check->report->verified[check->place],
                       .diff_ids = check->diff_ids };
    int rc;

    c.verified->copies = calloc(c.report->graph->count + 1, sizeof(*c.verified->copies));
    if (!c.verified->copies)
        return ferry_fail_memory(err);
    c.volumes = (struct ferry_volume_check){ .reader = c.archive->reader,
                                             .archive = check->place,
                                             .bytes = check->options->depth != FERRY_VERIFY_QUICK,
                                             .progress = check->options->progress,
                                             .tell = tell_volume,
                                             .ctx = &c };
    ferry_buf_init(&c.docker, FERRY_DOCKER_MANIFEST_MAX);
    rc = run(&c, err);
    ferry_buf_release(&c.docker);
    return rc;
}
