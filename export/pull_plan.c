#include "export/pull_plan.h"

#include <string.h>

#include "format/archive/archive_writer.h"
#include "format/archive/docker_manifest.h"
#include "format/archive/layout.h"

void ferry_pull_plan_free(struct ferry_pull_plan *plan)
{
    if (!plan)
        return;
    ferry_buf_release(&plan->index);
    ferry_buf_release(&plan->signature);
    ferry_buf_release(&plan->docker);
    free(plan->nodes);
    free(plan);
}

/* The order of the archive, as a rank. */
enum rank { RANK_INDEX, RANK_MANIFEST, RANK_CONFIG, RANK_LAYER, RANK_COUNT };

static enum rank rank_of(const struct ferry_node *node)
{
    if (node->is_manifest)
        return node->kind == FERRY_KIND_INDEX ? RANK_INDEX : RANK_MANIFEST;
    return node->is_config ? RANK_CONFIG : RANK_LAYER;
}

static void add(struct ferry_pull_plan *plan, struct ferry_node *node)
{
    int64_t size = node->descriptor.size;

    if (node->state == FERRY_NODE_IN_BASE) {
        plan->in_base++;
        plan->in_base_bytes += size;
        return;
    }
    if (node->state == FERRY_NODE_LEFT_OUT) {
        plan->foreign += ferry_node_is_elsewhere(node);
        plan->foreign_bytes += ferry_node_is_elsewhere(node) ? size : 0;
        plan->left_out += node->is_manifest;
        return;
    }
    plan->nodes[plan->count++] = node;
    plan->bytes += size;
    plan->archive_bytes += ferry_writer_entry_cost(&node->descriptor.digest, size);
}

/* Sums of sizes that come from outside: refuse what could overflow once, here. */
static int check_sizes(const struct ferry_graph *graph, struct ferry_err *err)
{
    int64_t sum = 0;

    for (size_t i = 0; i < graph->count; i++)
        if (graph->nodes[i]->descriptor.size > INT64_MAX / 4 ||
            !ferry_add(sum, graph->nodes[i]->descriptor.size, &sum) || sum > INT64_MAX / 4)
            return ferry_fail(err, FERRY_ELIMIT, "%s: blob %s: no archive can hold its size",
                              graph->images[graph->nodes[i]->first_image].name,
                              graph->nodes[i]->descriptor.digest.text);
    return 0;
}

/* A reader that unpacks as an ordinary user makes missing folders with an owner that it may not
 * give them: skopeo does. */
static void add_folders(struct ferry_pull_plan *plan)
{
    static const char *const names[] = {
        [FERRY_SHA256] = "blobs/sha256/", [FERRY_SHA512] = "blobs/sha512/"
    };
    bool used[FERRY_COUNT(names)] = { false };

    for (size_t i = 0; i < plan->count; i++)
        used[plan->nodes[i]->descriptor.digest.algorithm] = true;
    plan->folders[plan->folder_count++] = "blobs/";
    for (size_t i = 0; i < FERRY_COUNT(names); i++)
        if (used[i])
            plan->folders[plan->folder_count++] = names[i];
    plan->archive_bytes += (int64_t)plan->folder_count * ferry_writer_file_cost(0);
}

static size_t count_in_base(const struct ferry_graph *graph)
{
    size_t count = 0;

    for (size_t i = 0; i < graph->count; i++)
        count += graph->nodes[i]->state == FERRY_NODE_IN_BASE;
    return count;
}

int ferry_pull_plan_new(struct ferry_graph *graph, enum ferry_ref_name ref_name,
                        struct ferry_pull_plan **out, struct ferry_err *err)
{
    FERRY_OWNED(ferry_pull_plan) plan = calloc(1, sizeof(*plan));

    if (!plan)
        return ferry_fail_memory(err);
    plan->graph = graph;
    ferry_buf_init(&plan->index, (size_t)FERRY_MANIFEST_MAX);
    ferry_buf_init(&plan->docker, FERRY_DOCKER_MANIFEST_MAX);
    plan->nodes = calloc(graph->count + 1, sizeof(struct ferry_node *));
    if (!plan->nodes)
        return ferry_fail_memory(err);
    FERRY_TRY(check_sizes(graph, err));
    FERRY_TRY(ferry_graph_check_reach(graph, err));
    if (ferry_index_format(graph, ref_name, &plan->index, err) < 0)
        return ferry_wrap(err, FERRY_INDEX_NAME " of %zu images, with %zu layers left to bases",
                          graph->image_count, count_in_base(graph));
    FERRY_TRY(ferry_docker_manifest_format(graph, &plan->docker, &plan->docker_count,
                                           &plan->docker_left_out, err));
    for (int rank = 0; rank < RANK_COUNT; rank++)
        for (size_t i = 0; i < graph->count; i++)
            if ((int)rank_of(graph->nodes[i]) == rank)
                add(plan, graph->nodes[i]);
    add_folders(plan);
    plan->archive_bytes += ferry_writer_file_cost((int64_t)strlen(FERRY_LAYOUT_TEXT)) +
                           ferry_writer_file_cost((int64_t)plan->index.len) + FERRY_WRITER_END;
    if (plan->docker.len > 0)
        plan->archive_bytes += ferry_writer_file_cost((int64_t)plan->docker.len);
    *out = ferry_steal(&plan);
    return 0;
}

static int64_t signature_cost(const struct ferry_pull_plan *plan)
{
    return plan->signature.len > 0 ? ferry_writer_file_cost((int64_t)plan->signature.len) : 0;
}

void ferry_pull_plan_sign(struct ferry_pull_plan *plan, struct ferry_buf *signature)
{
    plan->archive_bytes -= signature_cost(plan);
    ferry_buf_release(&plan->signature);
    plan->signature = *signature;
    ferry_buf_init(signature, signature->limit);
    plan->archive_bytes += signature_cost(plan);
}
