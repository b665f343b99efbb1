#include "format/oci/graph.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

int ferry_graph_new(struct ferry_graph **out, struct ferry_err *err)
{
    struct ferry_graph *graph = calloc(1, sizeof(*graph));

    if (!graph)
        return ferry_fail_memory(err);
    *out = graph;
    return 0;
}

static void node_free(struct ferry_node *node)
{
    ferry_descriptor_release(&node->descriptor);
    free(node->fault);
    free(node->bytes);
    free(node->children);
    free(node->platforms);
    free(node->as_part);
    free(node->subject);
    free(node);
}

void ferry_graph_free(struct ferry_graph *graph)
{
    if (!graph)
        return;
    for (size_t i = 0; i < graph->count; i++)
        node_free(graph->nodes[i]);
    for (size_t i = 0; i < graph->image_count; i++)
        free(graph->images[i].name);
    free(graph->nodes);
    free(graph->images);
    ferry_digest_map_release(&graph->by_digest);
    free(graph->left_out);
    ferry_bases_release(&graph->bases);
    ferry_buf_release(&graph->text);
    free(graph);
}

void ferry_graph_select(struct ferry_graph *graph, const struct ferry_platform *platforms,
                        size_t count)
{
    graph->selected = platforms;
    graph->selected_count = count;
}

void ferry_graph_leave_out(struct ferry_graph *graph, struct ferry_digest **list, size_t count)
{
    free(graph->left_out);
    graph->left_out = ferry_steal(list);
    graph->left_out_count = count;
    if (count > 0)
        qsort(graph->left_out, count, sizeof(*graph->left_out), ferry_digest_compare);
}

void ferry_graph_leave_to_bases(struct ferry_graph *graph, struct ferry_bases *bases)
{
    ferry_bases_release(&graph->bases);
    graph->bases = *bases;
    *bases = (struct ferry_bases){ 0 };
}

struct ferry_node *ferry_graph_find(const struct ferry_graph *graph,
                                    const struct ferry_digest *digest)
{
    return ferry_digest_map_find(&graph->by_digest, digest);
}

static int add_node(struct ferry_graph *graph, const struct ferry_descriptor *descriptor,
                    size_t image, struct ferry_node **out, struct ferry_err *err)
{
    struct ferry_node *node;
    int rc;

    if (graph->count >= FERRY_NODES_MAX)
        return ferry_fail(err, FERRY_ELIMIT, "more than %d blobs", FERRY_NODES_MAX);
    FERRY_TRY(ferry_grow((void **)&graph->nodes, graph->count, &graph->room, sizeof(node), err));
    node = calloc(1, sizeof(*node));
    if (!node)
        return ferry_fail_memory(err);
    rc = ferry_descriptor_init(&node->descriptor, descriptor->media_type, &descriptor->digest,
                               descriptor->size, err);
    if (rc == 0)
        rc = ferry_descriptor_copy_urls(descriptor, &node->descriptor, err);
    if (rc == 0)
        rc = ferry_digest_map_add(&graph->by_digest, &node->descriptor.digest, node, err);
    if (rc < 0) {
        node_free(node);
        return rc;
    }
    node->kind = ferry_media_type_kind(descriptor->media_type);
    node->first_image = image;
    node->place = graph->count;
    graph->nodes[graph->count++] = node;
    *out = node;
    return 0;
}

/* Where a descriptor stands. */
struct mention {
    const struct ferry_descriptor *descriptor;
    bool is_manifest; /* lives under /manifests/ */
    bool is_config;
    bool passed_over; /* a child that was not selected */
    size_t image;     /* through which it is reached */
};

static bool is_left_out(const struct ferry_graph *graph, const struct mention *m)
{
    return m->passed_over || (m->descriptor->urls && !m->is_manifest) ||
           (graph->left_out_count > 0 &&
            bsearch(&m->descriptor->digest, graph->left_out, graph->left_out_count,
                    sizeof(*graph->left_out), ferry_digest_compare));
}

/* The layer as the archive leaves it to a base; NULL where it does not. */
static int find_in_base(const struct ferry_graph *graph, const struct mention *m,
                        const struct ferry_base_layer **out, struct ferry_err *err)
{
    *out = ferry_bases_find(&graph->bases, &m->descriptor->digest);
    if (*out && (m->is_manifest || m->is_config))
        return ferry_fail(
            err, FERRY_EFORMAT,
            "%s is left to a base, and is no layer: the archive itself has to have it",
            m->descriptor->digest.text);
    return 0;
}

/* The node of a descriptor. */
static int meet(struct ferry_graph *graph, const struct mention *m, struct ferry_node **out,
                struct ferry_err *err)
{
    const struct ferry_descriptor *descriptor = m->descriptor;
    struct ferry_node *node = ferry_graph_find(graph, &descriptor->digest);
    bool left_out = is_left_out(graph, m);
    const struct ferry_base_layer *in_base;

    FERRY_TRY(find_in_base(graph, m, &in_base, err));
    if (!node) {
        FERRY_TRY(add_node(graph, descriptor, m->image, &node, err));
        node->is_manifest = m->is_manifest;
        if (!m->is_manifest)
            node->kind = FERRY_KIND_BLOB;
        if (left_out)
            node->state = FERRY_NODE_LEFT_OUT;
        if (in_base) {
            node->state = FERRY_NODE_IN_BASE;
            node->base_repository = in_base->repository;
        }
    } else if (node->descriptor.size != descriptor->size) {
        return ferry_fail(err, FERRY_EFORMAT,
                          "%s is said to be %" PRId64 " bytes here and %" PRId64 " elsewhere",
                          descriptor->digest.text, descriptor->size, node->descriptor.size);
    } else if (node->is_manifest != m->is_manifest) {
        return ferry_fail(err, FERRY_EFORMAT, "%s is used both as a manifest and as a blob",
                          descriptor->digest.text);
    } else if (m->is_manifest && strcmp(node->descriptor.media_type, descriptor->media_type) != 0) {
        return ferry_fail(err, FERRY_EFORMAT, "%s is said to be both %.100s and %.100s",
                          descriptor->digest.text, descriptor->media_type,
                          node->descriptor.media_type);
    }
    if (!left_out && node->state == FERRY_NODE_LEFT_OUT) {
        node->state = FERRY_NODE_WANTED; /* of two images one does without it, the other does not */
        node->first_image = m->image;
    }
    if (!descriptor->urls && !m->is_manifest)
        ferry_descriptor_drop_urls(&node->descriptor);
    if (m->is_manifest && descriptor->size > FERRY_MANIFEST_MAX)
        return ferry_fail(
            err, FERRY_ELIMIT, "manifest %s, of type %.100s: %" PRId64 " bytes, limit %" PRId64,
            descriptor->digest.text, descriptor->media_type, descriptor->size, FERRY_MANIFEST_MAX);
    *out = node;
    return 0;
}

int ferry_graph_add_image(struct ferry_graph *graph, const struct ferry_reference *ref,
                          const struct ferry_descriptor *descriptor, struct ferry_err *err)
{
    char text[FERRY_REFERENCE_TEXT_MAX];
    FERRY_OWNED_MEM char *name = NULL;
    struct ferry_image *image;
    struct ferry_node *root;

    ferry_reference_format(ref, text);
    FERRY_TRY(
        ferry_text(&name, err, "%s", text[0] && text[0] != '@' ? text : descriptor->digest.text));
    FERRY_TRY(ferry_grow((void **)&graph->images, graph->image_count, &graph->image_room,
                         sizeof(*graph->images), err));
    FERRY_TRY(meet(graph,
                   &(struct mention){
                       .descriptor = descriptor, .is_manifest = true, .image = graph->image_count },
                   &root, err));
    image = &graph->images[graph->image_count++];
    *image = (struct ferry_image){ .name = ferry_steal(&name), .ref = *ref, .root = root };
    image->has_subject = ferry_tag_subject(ref->tag, &image->subject);
    return 0;
}

int ferry_graph_add_referrer(struct ferry_graph *graph, const struct ferry_reference *ref,
                             const struct ferry_digest *subject,
                             const struct ferry_descriptor *descriptor, struct ferry_err *err)
{
    struct ferry_reference by_digest = *ref;
    struct ferry_image *image;

    by_digest.tag[0] = '\0';
    by_digest.has_digest = true;
    by_digest.digest = descriptor->digest;
    FERRY_TRY(ferry_graph_add_image(graph, &by_digest, descriptor, err));
    image = &graph->images[graph->image_count - 1];
    image->has_subject = true;
    image->subject = *subject;
    return 0;
}

size_t ferry_graph_referrers(const struct ferry_graph *graph)
{
    size_t count = 0;

    for (size_t i = 0; i < graph->image_count; i++)
        count += graph->images[i].has_subject;
    return count;
}

bool ferry_node_unread(const struct ferry_node *node)
{
    return node->is_manifest && node->state == FERRY_NODE_WANTED;
}

bool ferry_node_is_elsewhere(const struct ferry_node *node)
{
    return node->state == FERRY_NODE_LEFT_OUT && node->descriptor.urls && !node->is_manifest;
}

bool ferry_node_is_left(const struct ferry_node *node)
{
    return node->state == FERRY_NODE_LEFT_OUT || node->state == FERRY_NODE_IN_BASE;
}

/* Whether a child of an index is passed over until something else wants it. */
static bool is_passed_over(const struct ferry_graph *graph, const struct ferry_manifest *index,
                           size_t i)
{
    const struct ferry_descriptor *child = &index->children[i];

    if (graph->selected_count == 0 || ferry_media_type_kind(child->media_type) == FERRY_KIND_INDEX)
        return false;
    if (index->described[i].text[0]) /* link_described() knows more */
        return true;
    if (ferry_platform_is_unknown(&child->platform))
        return false;
    for (size_t k = 0; k < graph->selected_count; k++)
        if (ferry_platform_matches(&graph->selected[k], &child->platform))
            return false;
    return true;
}

static bool want_attestation(struct ferry_node *node)
{
    if (node->state != FERRY_NODE_LEFT_OUT || !node->described ||
        node->described->state == FERRY_NODE_LEFT_OUT)
        return false;
    node->state = FERRY_NODE_WANTED;
    return true;
}

/* With all children known: attestations go with what they describe; with an image that is nowhere
 * to be seen, like any child. */
static void link_described(struct ferry_graph *graph, struct ferry_node *node,
                           const struct ferry_manifest *index)
{
    for (size_t i = 0; graph->selected_count > 0 && i < index->count; i++) {
        struct ferry_node *child = node->children[i];

        if (!index->described[i].text[0] || child->state != FERRY_NODE_LEFT_OUT)
            continue;
        child->described = ferry_graph_find(graph, &index->described[i]);
        if (!child->described)
            child->state = FERRY_NODE_WANTED;
        want_attestation(child);
    }
}

bool ferry_graph_want_attestations(struct ferry_graph *graph)
{
    bool found = false;

    for (size_t i = 0; i < graph->count; i++)
        found = want_attestation(graph->nodes[i]) || found;
    return found;
}

/* One blob may be a tar to one manifest and bytes to another. */
static void note_part(struct ferry_node *manifest, size_t i, const char *media_type)
{
    struct ferry_node *child = manifest->children[i];

    if (i == 0) {
        child->is_config = true;
        manifest->as_part[i] = ferry_media_type_is_image_config(media_type);
        child->is_image_config = child->is_image_config || manifest->as_part[i];
    } else {
        manifest->as_part[i] = ferry_media_type_is_layer(media_type);
        child->is_tar = child->is_tar || manifest->as_part[i];
    }
}

static int link_children(struct ferry_graph *graph, struct ferry_node *node,
                         const struct ferry_manifest *manifest, struct ferry_err *err)
{
    bool is_index = manifest->kind == FERRY_KIND_INDEX;

    node->children = calloc(manifest->count + 1, sizeof(struct ferry_node *));
    if (is_index)
        node->platforms = calloc(manifest->count + 1, sizeof(*node->platforms));
    else
        node->as_part = calloc(manifest->count + 1, sizeof(*node->as_part));
    if (!node->children || (!node->platforms && !node->as_part))
        return ferry_fail_memory(err);
    for (size_t i = 0; i < manifest->count; i++) {
        struct mention child = { .descriptor = &manifest->children[i],
                                 .is_manifest = is_index,
                                 .is_config = i == 0 && !is_index,
                                 .passed_over = is_index && is_passed_over(graph, manifest, i),
                                 .image = node->first_image };

        FERRY_TRY(meet(graph, &child, &node->children[i], err));
        if (is_index)
            node->platforms[i] = child.descriptor->platform;
        else
            note_part(node, i, child.descriptor->media_type);
        node->count++;
    }
    if (is_index)
        link_described(graph, node, manifest);
    return 0;
}

static int keep_subject(struct ferry_node *node, const struct ferry_manifest *manifest,
                        struct ferry_err *err)
{
    if (!manifest->has_subject)
        return 0;
    node->subject = malloc(sizeof(*node->subject));
    if (!node->subject)
        return ferry_fail_memory(err);
    *node->subject = manifest->subject;
    return 0;
}

static int adopt(struct ferry_graph *graph, struct ferry_node *node, struct ferry_err *err)
{
    FERRY_OWNED(ferry_manifest) manifest = NULL;
    char what[FERRY_DIGEST_TEXT_MAX + 16];

    snprintf(what, sizeof(what), "manifest %s", node->descriptor.digest.text);
    if (node->kind == FERRY_KIND_SCHEMA1)
        return ferry_fail(err, FERRY_EFORMAT,
                          "%s: is Docker schema 1, which has no digests to keep: have the source "
                          "converted to schema 2 or OCI (pull and push it with a current tool)",
                          what);
    if (node->kind == FERRY_KIND_BLOB) /* listed by an index, of a type that we do not know */
        return 0;
    FERRY_TRY(ferry_manifest_parse(node->bytes, (size_t)node->descriptor.size,
                                   node->descriptor.media_type, what, &manifest, err));
    FERRY_TRY(keep_subject(node, manifest, err));
    if (link_children(graph, node, manifest, err) < 0)
        return ferry_wrap(err, "%s", what);
    return 0;
}

/* Takes the bytes, as long as all of them fit in memory. */
static int keep_bytes(struct ferry_graph *graph, struct ferry_node *node, struct ferry_buf *bytes,
                      struct ferry_err *err)
{
    FERRY_OWNED_MEM uint8_t *data = ferry_steal(&bytes->data);

    ferry_buf_release(bytes);
    if (node->descriptor.size > FERRY_DOCUMENTS_MAX - graph->supplied)
        return ferry_fail(err, FERRY_ELIMIT,
                          "%s: the documents of all images have more than %" PRId64
                          " MiB: make several archives of them",
                          node->descriptor.digest.text, FERRY_DOCUMENTS_MAX / 1024 / 1024);
    graph->supplied += node->descriptor.size;
    node->bytes = ferry_steal(&data);
    return 0;
}

int ferry_graph_supply(struct ferry_graph *graph, struct ferry_node *node, struct ferry_buf *bytes,
                       struct ferry_err *err)
{
    assert(!node->bytes && bytes->len == (uint64_t)node->descriptor.size);
    if (keep_bytes(graph, node, bytes, err) < 0 ||
        (node->is_manifest && adopt(graph, node, err) < 0)) {
        ferry_node_set_fault(node, err);
        return (int)err->code;
    }
    node->state = FERRY_NODE_GOOD;
    return 0;
}

void ferry_node_set_fault(struct ferry_node *node, const struct ferry_err *why)
{
    node->state = FERRY_NODE_BAD;
    if (node->fault)
        return;
    node->fault_code = why->code;
    node->fault = strdup(why->msg);
}

/* One step of a depth-first walk: a node, and which of its children comes next. */
struct step {
    struct ferry_node *node;
    size_t next;
};

int ferry_graph_closure(struct ferry_graph *graph, struct ferry_node *root,
                        struct ferry_node ***out, size_t *count, struct ferry_err *err)
{
    FERRY_OWNED_MEM struct ferry_node **list = NULL;
    FERRY_OWNED_MEM struct step *stack = NULL;
    size_t listed = 0, list_room = 0, depth = 0, stack_room = 0;

    graph->stamp++;
    FERRY_TRY(ferry_grow((void **)&stack, depth, &stack_room, sizeof(*stack), err));
    root->mark = graph->stamp;
    stack[depth++] = (struct step){ root, 0 };
    while (depth > 0) {
        struct step *top = &stack[depth - 1];

        if (top->next == top->node->count) {
            FERRY_TRY(ferry_grow((void **)&list, listed, &list_room, sizeof(*list), err));
            list[listed++] = top->node;
            depth--;
            continue;
        }
        struct ferry_node *child = top->node->children[top->next++];
        if (child->mark == graph->stamp)
            continue;
        child->mark = graph->stamp;
        FERRY_TRY(ferry_grow((void **)&stack, depth, &stack_room, sizeof(*stack), err));
        stack[depth++] = (struct step){ child, 0 };
    }
    *out = ferry_steal(&list);
    *count = listed;
    return 0;
}

int ferry_graph_check_reach(struct ferry_graph *graph, struct ferry_err *err)
{
    size_t reach = 0;

    for (size_t i = 0; i < graph->image_count; i++) {
        FERRY_OWNED_MEM struct ferry_node **nodes = NULL;
        size_t count;

        FERRY_TRY(ferry_graph_closure(graph, graph->images[i].root, &nodes, &count, err));
        for (size_t k = 0; k < count; k++)
            reach += nodes[k]->count;
        if (reach > FERRY_REACH_MAX)
            return ferry_fail(err, FERRY_ELIMIT,
                              "the images list more than %d blobs, counted for each of them: make "
                              "several archives of them",
                              FERRY_REACH_MAX);
    }
    return 0;
}
