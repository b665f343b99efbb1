#include "format/verify/verify.h"

#include <inttypes.h>
#include <string.h>

#include "format/archive/docker_manifest.h"
#include "format/archive/inflate.h"
#include "format/archive/load.h"
#include "format/core/blob_impl.h"
#include "format/core/blob_verify.h"
#include "format/verify/docker_check.h"

struct check {
    struct ferry_verify_report *report;
    struct ferry_reader *reader;
    const struct ferry_signature_policy *policy;
    struct ferry_progress *progress;
    enum ferry_verify_depth depth;
    struct ferry_digest *diff_ids; /* by node->place: what a layer inflates to; text "" unknown */
    struct ferry_buf docker;       /* manifest.json, */
    bool has_docker;               /*   if there is one */
    struct ferry_volume_check volumes;
};

void ferry_verify_report_free(struct ferry_verify_report *report)
{
    if (!report)
        return;
    for (size_t i = 0; i < report->fault_count; i++)
        free(report->faults[i].text);
    for (size_t i = 0; i < report->unlisted_named; i++)
        free(report->unlisted[i]);
    free(report->faults);
    free(report->unlisted);
    ferry_signature_release(&report->signature);
    ferry_volume_results_release(&report->volumes);
    ferry_graph_free(report->graph);
    free(report);
}

static int add_fault(struct ferry_verify_report *report, const struct ferry_node *node,
                     const char *text, struct ferry_err *err)
{
    FERRY_OWNED_MEM char *copy = NULL;

    FERRY_TRY(ferry_text(&copy, err, "%s", text));
    FERRY_TRY(ferry_grow((void **)&report->faults, report->fault_count, &report->fault_room,
                         sizeof(*report->faults), err));
    report->faults[report->fault_count++] = (struct ferry_fault){ .node = node,
                                                                  .text = ferry_steal(&copy) };
    return 0;
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

/* A fault of the archive, as against one of the machine, ends up in the report. */
static bool is_fault(int code)
{
    return code == FERRY_EFORMAT || code == FERRY_ELIMIT || code == FERRY_EDIGEST;
}

/* Tells the live line how far the pass is. */
struct paced {
    struct ferry_source base;
    struct ferry_source *inner;
    struct ferry_progress *progress;
};

static int paced_read(struct ferry_source *source, void *buf, size_t cap, size_t *got,
                      struct ferry_err *err)
{
    struct paced *s = (struct paced *)source;

    FERRY_TRY(ferry_source_read(s->inner, buf, cap, got, err));
    ferry_progress_add(s->progress, (int64_t)*got, 0);
    return 0;
}

static void paced_free(struct ferry_source *source)
{
    ferry_source_free(((struct paced *)source)->inner);
    free(source);
}

static const struct ferry_source_ops paced_ops = { paced_read, NULL, paced_free };

/* The bytes of the current entry, verifying. */
static int open_entry(const struct check *c, const struct ferry_digest *digest, int64_t size,
                      struct ferry_source **out, struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) body = NULL;
    FERRY_OWNED(ferry_source) paced = NULL;
    struct paced *p;

    FERRY_TRY(ferry_reader_body(c->reader, &body, err));
    p = calloc(1, sizeof(*p));
    if (!p)
        return ferry_fail_memory(err);
    *p = (struct paced){ .base = { &paced_ops, body->size },
                         .inner = ferry_steal(&body),
                         .progress = c->progress };
    paced = &p->base;
    return ferry_verify_new(&paced, digest, size, out, err);
}

/* Hashes what a layer holds while the layer itself is hashed. */
static int inflate_layer(const struct check *c, const struct ferry_node *node,
                         struct ferry_source *layer, struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) inflated = NULL;
    FERRY_OWNED(ferry_hash) hash = NULL;
    FERRY_OWNED_MEM uint8_t *chunk = malloc((size_t)256 * 1024);
    size_t got;

    if (!chunk)
        return ferry_fail_memory(err);
    FERRY_TRY(ferry_inflate_new(layer, &inflated, err));
    FERRY_TRY(ferry_hash_new(FERRY_SHA256, &hash, err));
    do {
        FERRY_TRY(ferry_source_read(inflated, chunk, (size_t)256 * 1024, &got, err));
        FERRY_TRY(ferry_hash_update(hash, chunk, got, err));
    } while (got > 0);
    return ferry_hash_final(hash, &c->diff_ids[node->place], err);
}

/* A config says what an image runs on; its bytes are kept only where its diffIDs will be needed. */
static int read_config(struct check *c, struct ferry_node *node, struct ferry_source **blob,
                       struct ferry_err *err)
{
    FERRY_OWNED_JSON *document = NULL;
    struct ferry_err ignored;

    FERRY_TRY(ferry_archive_supply(c->report->graph, node, blob, err));
    if (node->state != FERRY_NODE_GOOD)
        return 0;
    if (ferry_json_load(node->bytes, (size_t)node->descriptor.size, "config", &document,
                        &ignored) == 0)
        (void)!ferry_platform_from_json(document, "config", &node->descriptor.platform, &ignored);
    if (c->depth != FERRY_VERIFY_DEEP)
        free(ferry_steal(&node->bytes));
    return 0;
}

static int read_blob(struct check *c, struct ferry_node *node, struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) blob = NULL;

    FERRY_TRY(open_entry(c, &node->descriptor.digest, node->descriptor.size, &blob, err));
    if (node->is_image_config && node->descriptor.size <= FERRY_MANIFEST_MAX)
        return read_config(c, node, &blob, err);
    if (c->depth == FERRY_VERIFY_DEEP && node->is_tar)
        FERRY_TRY(inflate_layer(c, node, blob, err));
    FERRY_TRY(ferry_source_drain(blob, err));
    node->state = FERRY_NODE_GOOD;
    return 0;
}

/* A listed blob: the first entry of that name that is right makes it good. */
static int check_listed(struct check *c, struct ferry_node *node, const struct ferry_entry *entry,
                        struct ferry_err *err)
{
    int rc = 0;

    if (entry->size != node->descriptor.size)
        rc = ferry_fail(err, FERRY_EDIGEST,
                        "blob %s: its descriptor says %" PRId64 " bytes, the archive has %" PRId64,
                        node->descriptor.digest.text, node->descriptor.size, entry->size);
    else if (c->depth == FERRY_VERIFY_QUICK)
        node->state = FERRY_NODE_GOOD;
    else
        rc = read_blob(c, node, err);
    if (rc == 0 && node->state == FERRY_NODE_GOOD) {
        c->report->blobs++;
        c->report->bytes += entry->size;
    }
    if (rc == FERRY_EDIGEST || rc == FERRY_EFORMAT) {
        if (!strstr(err->msg, node->descriptor.digest.text))
            ferry_wrap(err, "blob %s", node->descriptor.digest.text);
        ferry_node_set_fault(node, err);
        return 0;
    }
    return rc;
}

static int check_unlisted(struct check *c, const struct ferry_entry *entry, struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) blob = NULL;
    int rc = 0;

    FERRY_TRY(add_unlisted(c->report, entry->name, err));
    if (entry->kind != FERRY_ENTRY_BLOB || c->depth == FERRY_VERIFY_QUICK)
        return 0;
    rc = open_entry(c, &entry->digest, entry->size, &blob, err);
    if (rc == 0)
        rc = ferry_source_drain(blob, err);
    if (rc == FERRY_EDIGEST)
        return add_fault(c->report, NULL, err->msg, err);
    return rc;
}

/* A document that the load has read already, or a second copy of a blob: tools differ on which copy
 * counts, so it must be right as well. */
static int check_again(struct check *c, const struct ferry_node *node,
                       const struct ferry_entry *entry, struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) blob = NULL;
    int rc;

    if (c->depth == FERRY_VERIFY_QUICK && entry->size == node->descriptor.size)
        return 0;
    rc = open_entry(c, &node->descriptor.digest, node->descriptor.size, &blob, err);
    if (rc == 0)
        rc = ferry_source_drain(blob, err);
    return rc == FERRY_EDIGEST ? add_fault(c->report, node, err->msg, err) : rc;
}

/* manifest.json is compared when all the rest is known. */
static int read_docker(struct check *c, const struct ferry_entry *entry, struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) body = NULL;

    if (entry->size <= (int64_t)FERRY_DOCKER_MANIFEST_MAX) {
        c->has_docker = true;
        FERRY_TRY(ferry_reader_body(c->reader, &body, err));
        return ferry_source_read_all(body, &c->docker, err);
    }
    if (!c->report->graph->is_ours)
        return 0;
    ferry_fail(err, FERRY_ELIMIT, FERRY_DOCKER_NAME ": %" PRId64 " bytes, limit %zu", entry->size,
               FERRY_DOCKER_MANIFEST_MAX);
    return add_fault(c->report, NULL, err->msg, err);
}

static int check_entry(struct check *c, const struct ferry_entry *entry, struct ferry_err *err)
{
    struct ferry_node *node = NULL;

    if (entry->kind == FERRY_ENTRY_DOCKER)
        return read_docker(c, entry, err);

    if (entry->kind == FERRY_ENTRY_SIGNATURE && c->report->signature.state == FERRY_SIGNATURE_NONE)
        return check_unlisted(c, entry, err); /* too late to count */
    if (entry->kind != FERRY_ENTRY_BLOB && entry->kind != FERRY_ENTRY_OTHER)
        return 0;
    if (entry->kind == FERRY_ENTRY_BLOB)
        node = ferry_graph_find(c->report->graph, &entry->digest);
    if (!node || (node->is_manifest && node->state == FERRY_NODE_LEFT_OUT))
        return check_unlisted(c, entry, err); /* too late for the load to take it */
    if (node->state == FERRY_NODE_WANTED || ferry_node_is_left(node))
        return check_listed(c, node, entry, err);
    return node->state == FERRY_NODE_GOOD ? check_again(c, node, entry, err) : 0;
}

/* What the pass over the archive has before it, but for what is not listed. */
static int64_t unread_bytes(const struct ferry_graph *graph)
{
    int64_t sum = 0;

    for (size_t i = 0; i < graph->count; i++)
        if (graph->nodes[i]->state == FERRY_NODE_WANTED &&
            !ferry_add(sum, graph->nodes[i]->descriptor.size, &sum))
            return -1;
    return sum;
}

static int check_entries(struct check *c, struct ferry_err *err)
{
    struct ferry_entry entry;

    do {
        FERRY_TRY(ferry_reader_next(c->reader, &entry, err));
        FERRY_TRY(check_entry(c, &entry, err));
    } while (entry.kind != FERRY_ENTRY_END);
    return 0;
}

/* Every node must have been seen by now; unless the archive's own structure broke the pass off. */
static int check_nodes(struct check *c, bool reached_end, struct ferry_err *err)
{
    const struct ferry_graph *graph = c->report->graph;
    char missing[FERRY_DIGEST_TEXT_MAX + 80];

    for (size_t i = 0; i < graph->count; i++) {
        const struct ferry_node *node = graph->nodes[i];

        if (node->is_manifest && node->state == FERRY_NODE_GOOD) {
            c->report->blobs++;
            c->report->bytes += node->descriptor.size;
        }
        c->report->left_out += ferry_node_is_elsewhere(node);
        c->report->manifests_left_out += node->is_manifest && node->state == FERRY_NODE_LEFT_OUT;
        if (node->state == FERRY_NODE_BAD)
            FERRY_TRY(add_fault(c->report, node, node->fault ? node->fault : "bad", err));
        if (node->state != FERRY_NODE_WANTED)
            continue;
        snprintf(missing, sizeof(missing), "%s %s: %s", node->is_manifest ? "manifest" : "blob",
                 node->descriptor.digest.text,
                 reached_end ? "is missing" : "is missing, or lies behind that fault");
        FERRY_TRY(add_fault(c->report, node, missing, err));
    }
    return 0;
}

/* One diffID of a config against what the layer holds. */
static int check_diff_id(struct check *c, const struct ferry_node *layer, const char *text,
                         struct ferry_err *err)
{
    const char *found = c->diff_ids[layer->place].text;

    if (found[0] == '\0' || (text && strcmp(text, found) == 0))
        return 0;
    ferry_fail(err, FERRY_EDIGEST, "layer %s: inflates to %s, its config says %.150s",
               layer->descriptor.digest.text, found, text ? text : "nothing");
    return add_fault(c->report, layer, err->msg, err);
}

static int check_config(struct check *c, const struct ferry_node *manifest, struct ferry_err *err)
{
    const struct ferry_node *config = manifest->children[0];
    FERRY_OWNED_JSON *document = NULL;
    json_t *rootfs = NULL, *diff_ids = NULL;
    int rc = ferry_json_load(config->bytes, (size_t)config->descriptor.size,
                             config->descriptor.digest.text, &document, err);

    if (rc == 0)
        rc = ferry_json_object(document, "rootfs", config->descriptor.digest.text, &rootfs, err);
    if (rc == 0 && rootfs)
        rc = ferry_json_array(rootfs, "diff_ids", config->descriptor.digest.text, &diff_ids, err);
    if (is_fault(rc))
        return add_fault(c->report, config, err->msg, err);
    FERRY_TRY(rc);
    if (json_array_size(diff_ids) != manifest->count - 1) {
        ferry_fail(err, FERRY_EDIGEST, "config %s: has %zu diffIDs, its manifest %zu layers",
                   config->descriptor.digest.text, json_array_size(diff_ids), manifest->count - 1);
        return add_fault(c->report, config, err->msg, err);
    }
    for (size_t i = 1; i < manifest->count; i++)
        if (manifest->as_part[i])
            FERRY_TRY(check_diff_id(c, manifest->children[i],
                                    json_string_value(json_array_get(diff_ids, i - 1)), err));
    return 0;
}

/* An artifact may have the config of an image, and layers that are none. */
static bool is_image(const struct ferry_node *manifest)
{
    bool has_files = manifest->count == 1;

    for (size_t i = 1; i < manifest->count; i++)
        has_files = has_files || manifest->as_part[i];
    return has_files && manifest->as_part[0];
}

static int check_configs(struct check *c, struct ferry_err *err)
{
    for (size_t i = 0; i < c->report->graph->count; i++) {
        const struct ferry_node *node = c->report->graph->nodes[i];

        if (node->kind == FERRY_KIND_MANIFEST && node->count > 0 && node->children[0]->bytes &&
            is_image(node))
            FERRY_TRY(check_config(c, node, err));
    }
    return 0;
}

static int tell_fault(void *ctx, const char *text, struct ferry_err *err)
{
    return add_fault(ctx, NULL, text, err);
}

static int check_docker(struct check *c, struct ferry_err *err)
{
    const struct ferry_docker_faults faults = { .tell = tell_fault, .ctx = c->report };

    return c->has_docker ? ferry_docker_check(c->report->graph, &c->docker, &faults, err) : 0;
}

/* What the archive's own structure gets wrong is one fault more, and the rest is looked at still. A
 * volume that is not there is told of already. */
static int note_fault(struct check *c, int rc, struct ferry_err *err)
{
    if (is_fault(rc) && c->reader && ferry_volume_check_has_hole(&c->volumes))
        return 0;
    return is_fault(rc) ? add_fault(c->report, NULL, err->msg, err) : rc;
}

/* Who signed it, or who did not, whatever else is wrong. */
static int check_signature(struct check *c, struct ferry_err *err)
{
    const struct ferry_signature *signature = &c->report->signature;

    if (ferry_signature_is_fault(signature, c->policy))
        return add_fault(c->report, NULL, signature->why.msg, err);
    if (signature->state == FERRY_SIGNATURE_NONE && c->policy->trust)
        ferry_progress_warn(c->progress, "%s; --require-signature would make a fault of that",
                            signature->why.msg);
    return 0;
}

/* What the archive holds. *reached_end: it could be read to its end. */
static int check_content(struct check *c, bool *reached_end, struct ferry_err *err)
{
    int rc = ferry_archive_load_signed(c->reader, c->policy, &c->report->signature,
                                       c->report->graph, err);

    if (rc < 0)
        FERRY_TRY(note_fault(c, rc, err));
    FERRY_TRY(check_signature(c, err));
    if (rc < 0)
        return 0;
    if (c->depth == FERRY_VERIFY_DEEP) {
        c->diff_ids = calloc(c->report->graph->count + 1, sizeof(*c->diff_ids));
        if (!c->diff_ids)
            return ferry_fail_memory(err);
    }
    FERRY_TRY(ferry_volume_check_watch(&c->volumes, err));
    ferry_progress_phase(c->progress, "verifying", unread_bytes(c->report->graph), -1);
    rc = check_entries(c, err);
    FERRY_TRY(note_fault(c, rc, err));
    *reached_end = rc == 0;
    FERRY_TRY(check_nodes(c, *reached_end, err));
    FERRY_TRY(ferry_in_base_sum(c->report->graph, NULL, &c->report->in_base, err));
    FERRY_TRY(check_docker(c, err));
    return c->depth == FERRY_VERIFY_DEEP ? check_configs(c, err) : 0;
}

static int check_archive(struct check *c, const struct ferry_reader_options *archive,
                         struct ferry_err *err)
{
    FERRY_OWNED(ferry_reader) reader = NULL;
    bool reached_end = false;
    int rc = ferry_reader_open_with(archive, &reader, err);

    if (rc < 0)
        return note_fault(c, rc, err);
    c->reader = c->volumes.reader = reader;
    FERRY_TRY(ferry_volume_check_begin(&c->volumes, err));
    FERRY_TRY(check_content(c, &reached_end, err));
    return ferry_volume_check_end(&c->volumes, reached_end, &c->report->volumes, err);
}

int ferry_verify_archive(const char *path, const struct ferry_verify_options *options,
                         struct ferry_verify_report **out, struct ferry_err *err)
{
    FERRY_OWNED(ferry_verify_report) report = calloc(1, sizeof(*report));
    struct check c = { .report = report,
                       .policy = options->signature,
                       .progress = options->progress,
                       .depth = options->depth,
                       .volumes = { .bytes = options->depth != FERRY_VERIFY_QUICK,
                                    .progress = options->progress,
                                    .tell = tell_fault,
                                    .ctx = report } };
    const struct ferry_reader_options archive = { .path = path,
                                                  .in_order = true,
                                                  .prompt = options->prompt };
    int rc;

    if (!report)
        return ferry_fail_memory(err);
    ferry_buf_init(&c.docker, FERRY_DOCKER_MANIFEST_MAX);
    FERRY_TRY(ferry_graph_new(&report->graph, err));
    ferry_progress_phase(c.progress, "reading the archive", -1, -1);
    rc = check_archive(&c, &archive, err);
    free(c.diff_ids);
    ferry_buf_release(&c.docker);
    FERRY_TRY(rc);
    *out = ferry_steal(&report);
    return 0;
}
