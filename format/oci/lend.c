#include "format/oci/lend.h"

void ferry_graph_lend(struct ferry_graph *graph, struct ferry_graph *const *lenders, size_t count)
{
    graph->lenders = lenders;
    graph->lender_count = count;
}

/* The document in another graph; NULL when none has it. */
static const struct ferry_node *find_lent(const struct ferry_graph *graph,
                                          const struct ferry_node *node)
{
    for (size_t i = 0; i < graph->lender_count; i++) {
        const struct ferry_node *found = ferry_graph_find(graph->lenders[i],
                                                          &node->descriptor.digest);

        if (found && found != node && found->bytes && found->state == FERRY_NODE_GOOD &&
            found->descriptor.size == node->descriptor.size)
            return found;
    }
    return NULL;
}

bool ferry_graph_can_borrow(const struct ferry_graph *graph, const struct ferry_node *node)
{
    return (node->state == FERRY_NODE_WANTED || node->state == FERRY_NODE_BAD) && !node->bytes &&
           find_lent(graph, node);
}

int ferry_graph_borrow(struct ferry_graph *graph, struct ferry_node *node, struct ferry_err *err)
{
    const struct ferry_node *lent = find_lent(graph, node);
    FERRY_OWNED_BUF copy;
    int rc;

    ferry_buf_init(&copy, (size_t)FERRY_MANIFEST_MAX);
    FERRY_TRY(ferry_buf_append(&copy, lent->bytes, (size_t)lent->descriptor.size, err));
    rc = ferry_graph_supply(graph, node, &copy, err);
    node->is_lent = rc == 0;
    return rc == FERRY_ENOMEM ? rc : 0;
}
