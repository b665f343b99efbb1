/*
 * index.json and the documents below it. The input is cut at NUL bytes: the first piece is
 * index.json, each further one the bytes of the next document that the graph asks for. (What it
 * asks for is known by size and digest; here a piece is cut or padded to the size, and the digest,
 * which is checked before a graph is supplied, is not looked at.)
 */
#include <string.h>

#include "format/archive/docker_manifest.h"
#include "format/oci/index.h"
#include "tests/fuzz/fuzz.h"

#define DOCUMENT_MAX 65536
#define NODES_MAX 200

/* The next piece, or an empty one. */
static const uint8_t *next_piece(const uint8_t **rest, size_t *left, size_t *len)
{
    const uint8_t *piece = *rest;
    const uint8_t *nul = *left > 0 ? memchr(piece, 0, *left) : NULL;

    *len = nul ? (size_t)(nul - piece) : *left;
    *rest += nul ? *len + 1 : *len;
    *left -= nul ? *len + 1 : *len;
    return piece;
}

static void supply(struct ferry_graph *graph, struct ferry_node *node, const uint8_t *piece,
                   size_t len)
{
    FERRY_OWNED_BUF bytes;
    size_t size = (size_t)node->descriptor.size;
    struct ferry_err err = { 0 };

    ferry_buf_init(&bytes, DOCUMENT_MAX + 1);
    HOLDS(ferry_buf_append(&bytes, piece, len < size ? len : size, &err) == 0);
    while (bytes.len < size)
        HOLDS(ferry_buf_append(&bytes, " ", 1, &err) == 0);
    if (ferry_graph_supply(graph, node, &bytes, &err) < 0)
        HOLDS(node->state == FERRY_NODE_BAD && node->fault && err.msg[0]);
    else
        HOLDS(node->state == FERRY_NODE_GOOD);
}

static void check_closures(struct ferry_graph *graph)
{
    for (size_t i = 0; i < graph->image_count && i < 10; i++) {
        FERRY_OWNED_MEM struct ferry_node **list = NULL;
        struct ferry_err err;
        size_t count;

        HOLDS(ferry_graph_closure(graph, graph->images[i].root, &list, &count, &err) == 0);
        HOLDS(count >= 1 && count <= graph->count);
        HOLDS(list[count - 1] == graph->images[i].root);
    }
}

/* What the exporter would write of it, and whether that reads as the same images. */
static void check_formats(const struct ferry_graph *graph)
{
    FERRY_OWNED(ferry_graph) again = NULL;
    FERRY_OWNED_BUF text;
    FERRY_OWNED_BUF docker;
    size_t count, left_out;
    struct ferry_err err;

    ferry_buf_init(&text, (size_t)FERRY_MANIFEST_MAX);
    ferry_buf_init(&docker, FERRY_DOCKER_MANIFEST_MAX);
    HOLDS(ferry_docker_manifest_format(graph, &docker, &count, &left_out, &err) == 0);
    if (ferry_index_format(graph, FERRY_REF_NAME_TAG, &text, &err) < 0)
        return;
    HOLDS(ferry_graph_new(&again, &err) == 0);
    HOLDS(ferry_index_parse(text.data, text.len, again, &err) == 0);
    HOLDS(again->image_count == graph->image_count);
    for (size_t i = 0; i < graph->image_count; i++)
        HOLDS(ferry_digest_equal(&again->images[i].root->descriptor.digest,
                                 &graph->images[i].root->descriptor.digest));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    FERRY_OWNED(ferry_graph) graph = NULL;
    struct ferry_err err;
    const uint8_t *piece;
    size_t piece_len;

    HOLDS(ferry_graph_new(&graph, &err) == 0);
    piece = next_piece(&bytes, &len, &piece_len);
    if (ferry_index_parse(piece, piece_len, graph, &err) < 0) {
        HOLDS(err.msg[0]);
        return 0;
    }
    for (size_t i = 0; i < graph->count && graph->count < NODES_MAX && len > 0; i++) {
        struct ferry_node *node = graph->nodes[i];

        if (!ferry_node_unread(node) && !node->is_config)
            continue;
        if (node->state != FERRY_NODE_WANTED || node->descriptor.size > DOCUMENT_MAX)
            continue;
        piece = next_piece(&bytes, &len, &piece_len);
        supply(graph, node, piece, piece_len);
    }
    check_closures(graph);
    check_formats(graph);
    return 0;
}
