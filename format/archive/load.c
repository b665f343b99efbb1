#include "format/archive/load.h"

#include <inttypes.h>
#include <string.h>

#include "format/archive/docker_manifest.h"
#include "format/archive/signed_index.h"
#include "format/core/blob_file.h"
#include "format/core/blob_verify.h"
#include "format/oci/lend.h"

/* A pass finds what stands behind the document that lists it; other tools need three at the most.
 */
#define PASSES_MAX 16

#define FOLDER_HINT "; if it is what skopeo calls dir:, convert it with skopeo copy dir:... oci:..."

/* A document that the archive has not, or has wrong: *err says which, and another may have it. */
static int do_without(struct ferry_graph *graph, struct ferry_node *node, struct ferry_err *err)
{
    ferry_node_set_fault(node, err);
    return ferry_graph_can_borrow(graph, node) ? ferry_graph_borrow(graph, node, err) : 0;
}

int ferry_archive_supply(struct ferry_graph *graph, struct ferry_node *node,
                         struct ferry_source **source, struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) checked = NULL;
    FERRY_OWNED_BUF bytes;
    int rc;

    ferry_buf_init(&bytes, (size_t)FERRY_MANIFEST_MAX);
    FERRY_TRY(
        ferry_verify_new(source, &node->descriptor.digest, node->descriptor.size, &checked, err));
    rc = ferry_source_read_all(checked, &bytes, err);
    if (rc == 0)
        rc = ferry_graph_supply(graph, node, &bytes, err);
    if (rc == 0 || rc == FERRY_ENOMEM || rc == FERRY_ECANCEL)
        return rc;
    if (rc == FERRY_EDIGEST || rc == FERRY_ELIMIT || node->state == FERRY_NODE_BAD ||
        ferry_graph_can_borrow(graph, node))
        return do_without(graph, node, err);
    return rc;
}

static int read_layout(struct ferry_source **source, struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) owned = ferry_steal(source);
    FERRY_OWNED_BUF text;

    ferry_buf_init(&text, (size_t)64 * 1024);
    if (ferry_source_read_all(owned, &text, err) < 0)
        return ferry_wrap(err, FERRY_LAYOUT_NAME);
    return ferry_layout_check(text.data, text.len, err);
}

/* What is missing, said so that the owner of another tool's archive knows what to do. */
static int fail_not_layout(struct ferry_reader *reader, const char *missing, bool has_docker,
                           struct ferry_err *err)
{
    return ferry_fail(err, FERRY_EFORMAT, "%s: is not an OCI image layout: it has no %s%s",
                      ferry_reader_name(reader), missing,
                      !has_docker                      ? ""
                      : ferry_reader_is_folder(reader) ? FOLDER_HINT
                                                       : FERRY_DOCKER_HINT);
}

/* A layer that need not be there, and is, is a blob like any other. */
static int find_left(struct ferry_reader *reader, struct ferry_graph *graph, struct ferry_err *err)
{
    for (size_t i = 0; i < graph->count; i++) {
        struct ferry_node *node = graph->nodes[i];
        FERRY_OWNED(ferry_source) source = NULL;
        int rc;

        if (node->is_manifest || !ferry_node_is_left(node))
            continue;
        rc = ferry_reader_blob(reader, &node->descriptor.digest, &source, err);
        if (rc == 0)
            node->state = FERRY_NODE_WANTED;
        else if (rc != FERRY_ENOTFOUND)
            return rc;
    }
    return 0;
}

/* One that is left out reaches nothing, whether it is there or not. */
static bool is_welcome(const struct ferry_node *node)
{
    return node->is_manifest && node->state == FERRY_NODE_WANTED;
}

/* oci-layout, index.json and its signature, each opened by its name. */
static int read_head(struct ferry_reader *reader, struct ferry_signed_index *head,
                     struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) layout = NULL;
    FERRY_OWNED(ferry_source) index = NULL;
    FERRY_OWNED(ferry_source) signature = NULL;
    FERRY_OWNED(ferry_source) docker = NULL;
    struct ferry_err ignored;
    bool has_docker = ferry_reader_file(reader, FERRY_ENTRY_DOCKER, &docker, &ignored) == 0;
    int rc = ferry_reader_file(reader, FERRY_ENTRY_LAYOUT, &layout, err);

    if (rc == FERRY_ENOTFOUND)
        return fail_not_layout(reader, FERRY_LAYOUT_NAME, has_docker, err);
    FERRY_TRY(rc);
    FERRY_TRY(read_layout(&layout, err));
    rc = ferry_reader_file(reader, FERRY_ENTRY_INDEX, &index, err);
    if (rc == FERRY_ENOTFOUND)
        return fail_not_layout(reader, FERRY_INDEX_NAME, has_docker, err);
    FERRY_TRY(rc);
    FERRY_TRY(ferry_signed_index_read(head, &index, err));
    rc = ferry_reader_file(reader, FERRY_ENTRY_SIGNATURE, &signature, err);
    if (rc == FERRY_ENOTFOUND)
        return 0;
    FERRY_TRY(rc);
    return ferry_signed_index_read_signature(head, &signature, err);
}

static int load_random(struct ferry_reader *reader, struct ferry_signed_index *head,
                       struct ferry_graph *graph, struct ferry_err *err)
{
    int rc;

    FERRY_TRY(read_head(reader, head, err));
    FERRY_TRY(ferry_signed_index_believe(head, graph, err));
    for (size_t i = 0; i < graph->count; i++) { /* grows while it is walked */
        struct ferry_node *node = graph->nodes[i];
        FERRY_OWNED(ferry_source) source = NULL;

        if (!is_welcome(node))
            continue;
        rc = ferry_reader_blob(reader, &node->descriptor.digest, &source, err);
        if (rc == 0)
            rc = ferry_archive_supply(graph, node, &source, err);
        else if (ferry_node_unread(node) &&
                 (rc == FERRY_ENOTFOUND || ferry_graph_can_borrow(graph, node)))
            rc = do_without(graph, node, err);
        if (rc != FERRY_ENOTFOUND)
            FERRY_TRY(rc);
    }
    return find_left(reader, graph, err);
}

/* What a load knows about the stream that goes by. */
struct load {
    struct ferry_reader *reader;
    struct ferry_signed_index *head;
    struct ferry_graph *graph;
    bool has_layout, has_docker;
    bool believed;           /* index.json was read, and its signature looked at */
    size_t read_up_to;       /* nodes before this place are read */
    size_t sought;           /* nodes before this place were looked for among what is set aside */
    int64_t kept;            /* bytes set aside */
    size_t supplied;         /* documents found in this pass */
    struct ferry_err broken; /* why the archive breaks off, where others may have the rest */
};

static bool complete(struct load *l)
{
    while (l->read_up_to < l->graph->count && !ferry_node_unread(l->graph->nodes[l->read_up_to]))
        l->read_up_to++;
    return l->has_layout && l->believed && l->read_up_to == l->graph->count;
}

/* What a document lists for the first time may have gone by already; what was listed before was
 * taken as it came. */
static int supply_from_kept(struct load *l, struct ferry_err *err)
{
    while (l->sought < l->graph->count) {
        struct ferry_node *node = l->graph->nodes[l->sought++];
        FERRY_OWNED(ferry_source) source = NULL;
        const uint8_t *bytes;
        int64_t size;

        if (!is_welcome(node))
            continue;
        bytes = ferry_reader_kept(l->reader, &node->descriptor.digest, &size);
        if (!bytes)
            continue;
        FERRY_TRY(ferry_source_memory(bytes, (size_t)size, &source, err));
        FERRY_TRY(ferry_archive_supply(l->graph, node, &source, err));
    }
    return 0;
}

/* What an entry that is set aside takes beside its name and bytes. */
#define KEPT_OVERHEAD ((int64_t)512)

/* A blob that nothing explains yet. A file is read again later; of a pipe it is set aside. */
static int set_aside(struct load *l, const struct ferry_entry *entry, struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) body = NULL;
    FERRY_OWNED_BUF bytes;
    bool is_blob = entry->kind == FERRY_ENTRY_BLOB;
    int64_t size = is_blob ? entry->size : 0;

    ferry_buf_init(&bytes, (size_t)FERRY_KEEP_MAX);
    if (ferry_reader_can_restart(l->reader))
        return 0;
    l->kept += (int64_t)strlen(entry->name) + KEPT_OVERHEAD;
    if (size > FERRY_KEEP_MAX - l->kept)
        return ferry_fail(err, FERRY_ELIMIT,
                          "%s: more than %" PRId64 " MiB of blobs come before the documents that "
                          "list them: save it to a file and give that",
                          ferry_reader_name(l->reader), FERRY_KEEP_MAX / 1024 / 1024);
    l->kept += size;
    if (!is_blob)
        return ferry_reader_keep(l->reader, entry, &bytes, err);
    FERRY_TRY(ferry_reader_body(l->reader, &body, err));
    FERRY_TRY(ferry_source_read_all(body, &bytes, err));
    return ferry_reader_keep(l->reader, entry, &bytes, err);
}

/* manifest.json of a pipe, for whoever checks it; it does not count among what is set aside. */
static int keep_docker(struct load *l, const struct ferry_entry *entry, struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) body = NULL;
    FERRY_OWNED_BUF bytes;

    ferry_buf_init(&bytes, FERRY_DOCKER_MANIFEST_MAX);
    if (ferry_reader_can_restart(l->reader))
        return 0;
    if (entry->size <= (int64_t)FERRY_DOCKER_MANIFEST_MAX) {
        FERRY_TRY(ferry_reader_body(l->reader, &body, err));
        FERRY_TRY(ferry_source_read_all(body, &bytes, err));
    }
    return ferry_reader_keep(l->reader, entry, &bytes, err);
}

/* index.json waits for its signature, which nothing follows but what index.json explains. */
static int believe(struct load *l, struct ferry_err *err)
{
    l->believed = true;
    l->supplied++;
    FERRY_TRY(ferry_signed_index_believe(l->head, l->graph, err));
    return supply_from_kept(l, err);
}

/* A file that a layout has once. */
static int take_file(struct load *l, const struct ferry_entry *entry, struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) body = NULL;

    FERRY_TRY(ferry_reader_body(l->reader, &body, err));
    if (entry->kind == FERRY_ENTRY_INDEX)
        return ferry_signed_index_read(l->head, &body, err);
    if (entry->kind == FERRY_ENTRY_SIGNATURE)
        return ferry_signed_index_read_signature(l->head, &body, err);
    l->has_layout = true;
    return read_layout(&body, err);
}

/* One that was read already, in an earlier pass. */
static bool is_known(const struct load *l, enum ferry_entry_kind kind)
{
    return (kind == FERRY_ENTRY_LAYOUT && l->has_layout) ||
           (kind == FERRY_ENTRY_INDEX && l->head->has_index) ||
           (kind == FERRY_ENTRY_SIGNATURE && l->head->has_signature);
}

static int take_blob(struct load *l, const struct ferry_entry *entry, struct ferry_err *err)
{
    struct ferry_node *node = ferry_graph_find(l->graph, &entry->digest);
    FERRY_OWNED(ferry_source) body = NULL;

    if (!node || !is_welcome(node))
        return set_aside(l, entry, err);
    FERRY_TRY(ferry_reader_body(l->reader, &body, err));
    FERRY_TRY(ferry_archive_supply(l->graph, node, &body, err));
    l->supplied++;
    return supply_from_kept(l, err);
}

/* A signature that comes too late is none: a file like any other. */
static int set_aside_late(struct load *l, const struct ferry_entry *entry, struct ferry_err *err)
{
    struct ferry_entry other = *entry;

    other.kind = FERRY_ENTRY_OTHER;
    return set_aside(l, &other, err);
}

static int take_entry(struct load *l, const struct ferry_entry *entry, struct ferry_err *err)
{
    if (is_known(l, entry->kind))
        return 0;
    switch (entry->kind) {
    case FERRY_ENTRY_DOCKER:
        l->has_docker = true;
        return keep_docker(l, entry, err);
    case FERRY_ENTRY_BLOB:
        return take_blob(l, entry, err);
    case FERRY_ENTRY_SIGNATURE:
        return l->believed ? set_aside_late(l, entry, err) : take_file(l, entry, err);
    case FERRY_ENTRY_LAYOUT:
    case FERRY_ENTRY_INDEX:
        return take_file(l, entry, err);
    default:
        return set_aside(l, entry, err);
    }
}

/* Up to here a signature counts. */
static bool ends_head(enum ferry_entry_kind kind)
{
    return kind == FERRY_ENTRY_BLOB || kind == FERRY_ENTRY_END;
}

/* What is cut or damaged ends there, where there are others. */
static int next_entry(struct load *l, struct ferry_entry *entry, struct ferry_err *err)
{
    int rc = ferry_reader_next(l->reader, entry, err);

    if (l->graph->lender_count < 2 || (rc != FERRY_EFORMAT && rc != FERRY_EIO))
        return rc;
    l->broken = *err;
    *entry = (struct ferry_entry){ .kind = FERRY_ENTRY_END };
    return 0;
}

/* Goes on until all documents are read, or to the end. */
static int load_pass(struct load *l, struct ferry_err *err)
{
    struct ferry_entry entry;

    l->supplied = 0;
    for (;;) {
        FERRY_TRY(next_entry(l, &entry, err));
        if (l->head->has_index && !l->believed && ends_head(entry.kind))
            FERRY_TRY(believe(l, err));
        if (complete(l)) {
            ferry_reader_repeat(l->reader);
            return 0;
        }
        if (entry.kind == FERRY_ENTRY_END)
            return 0;
        FERRY_TRY(take_entry(l, &entry, err));
    }
}

/* Wherever in a file it stands. What is wrong with the file is met again, and said, later. */
static int find_signature(struct load *l, struct ferry_err *err)
{
    struct ferry_entry entry;
    int rc;

    do {
        rc = ferry_reader_next(l->reader, &entry, err);
        if (ferry_reader_blames_archive(rc))
            break;
        FERRY_TRY(rc);
    } while (entry.kind != FERRY_ENTRY_SIGNATURE && entry.kind != FERRY_ENTRY_END);
    if (rc == 0 && entry.kind == FERRY_ENTRY_SIGNATURE)
        FERRY_TRY(take_file(l, &entry, err));
    return ferry_reader_restart(l->reader, err);
}

static int do_without_missing(struct load *l, struct ferry_node *node, struct ferry_err *err)
{
    ferry_fail(err, FERRY_ENOTFOUND, "%s: %s is not in it", ferry_reader_name(l->reader),
               node->descriptor.digest.text);
    return do_without(l->graph, node, err);
}

/* The stream has been seen to its end. What another graph lends may list what has gone by: of a
 * pipe that is kept, a file is to be read again. */
static int borrow_missing(struct load *l, struct ferry_err *err)
{
    const struct ferry_graph *graph = l->graph;
    size_t known = graph->count;
    bool is_kept = !ferry_reader_can_restart(l->reader);

    l->supplied = 0;
    for (size_t i = l->read_up_to; i < (is_kept ? graph->count : known); i++) {
        struct ferry_node *node = graph->nodes[i];

        if (!ferry_node_unread(node) || !ferry_graph_can_borrow(graph, node))
            continue;
        FERRY_TRY(do_without_missing(l, node, err));
        FERRY_TRY(supply_from_kept(l, err));
        l->supplied++;
    }
    return 0;
}

static int load_stream(struct ferry_reader *reader, struct ferry_signed_index *head,
                       struct ferry_graph *graph, struct ferry_err *err)
{
    struct load l = { .reader = reader, .head = head, .graph = graph };

    if (ferry_reader_can_restart(reader) && (head->policy->trust || ferry_reader_can_skip(reader)))
        FERRY_TRY(find_signature(&l, err));
    for (int passes = 1;; passes++) {
        FERRY_TRY(load_pass(&l, err));
        if (!complete(&l) && (l.supplied == 0 || !ferry_reader_can_restart(reader)))
            FERRY_TRY(borrow_missing(&l, err));
        if (complete(&l) || l.supplied == 0 || !ferry_reader_can_restart(reader))
            break;
        if (passes == PASSES_MAX)
            return ferry_fail(err, FERRY_ELIMIT,
                              "%s: its documents stand in such an order that %d passes do not find "
                              "them all: unpack it and give the folder",
                              ferry_reader_name(reader), PASSES_MAX);
        FERRY_TRY(ferry_reader_restart(reader, err));
    }
    if (l.broken.code != FERRY_OK && (!l.has_layout || !l.believed)) {
        *err = l.broken;
        return (int)err->code;
    }
    if (!l.has_layout || !l.believed)
        return fail_not_layout(reader, l.has_layout ? FERRY_INDEX_NAME : FERRY_LAYOUT_NAME,
                               l.has_docker, err);
    for (size_t i = l.read_up_to; i < graph->count; i++)
        if (ferry_node_unread(graph->nodes[i]))
            FERRY_TRY(do_without_missing(&l, graph->nodes[i], err));
    if (ferry_reader_can_restart(reader))
        return ferry_reader_restart(reader, err);
    ferry_reader_replay(reader);
    return 0;
}

int ferry_archive_load_signed(struct ferry_reader *reader,
                              const struct ferry_signature_policy *policy,
                              struct ferry_signature *found, struct ferry_graph *graph,
                              struct ferry_err *err)
{
    FERRY_OWNED_SIGNED_INDEX head;

    ferry_signed_index_init(&head, reader, policy, found);
    FERRY_TRY(ferry_reader_is_random(reader) ? load_random(reader, &head, graph, err)
                                             : load_stream(reader, &head, graph, err));
    if (ferry_graph_check_reach(graph, err) < 0)
        return ferry_wrap(err, "%s", ferry_reader_name(reader));
    return 0;
}

int ferry_archive_load(struct ferry_reader *reader, struct ferry_graph *graph,
                       struct ferry_err *err)
{
    static const struct ferry_signature_policy nobody;
    struct ferry_signature found = { 0 };
    int rc = ferry_archive_load_signed(reader, &nobody, &found, graph, err);

    ferry_signature_release(&found);
    return rc;
}
