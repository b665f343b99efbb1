#include "format/oci/in_base.h"

static void add(const struct ferry_node *node, struct ferry_in_base *sum)
{
    if (node->state != FERRY_NODE_IN_BASE)
        return;
    sum->count++;
    if (!ferry_add(sum->bytes, node->descriptor.size, &sum->bytes))
        sum->bytes = INT64_MAX;
}

int ferry_in_base_sum(struct ferry_graph *graph, struct ferry_node *root, struct ferry_in_base *out,
                      struct ferry_err *err)
{
    FERRY_OWNED_MEM struct ferry_node **reached = NULL;
    size_t count = graph->count;

    *out = (struct ferry_in_base){ 0 };
    if (root)
        FERRY_TRY(ferry_graph_closure(graph, root, &reached, &count, err));
    for (size_t i = 0; i < count; i++)
        add(root ? reached[i] : graph->nodes[i], out);
    return 0;
}

int ferry_in_base_json(const struct ferry_in_base *sum, json_t *report, struct ferry_err *err)
{
    json_t *member = json_pack("{s:I, s:I}", "count", (json_int_t)sum->count, "bytes",
                               (json_int_t)sum->bytes);

    return json_object_set_new(report, "inBase", member) < 0 ? ferry_fail_memory(err) : 0;
}
