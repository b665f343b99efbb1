#include "export/salvage.h"

#include "format/archive/archive_writer.h"

void ferry_salvage_release(struct ferry_salvage *salvage)
{
    free(ferry_steal(&salvage->data));
}

/* Walks the entries of a plan's blobs: `at` goes from the end of one to the end of the next. */
static int64_t pass_blob(const struct ferry_node *node, int64_t *at)
{
    const struct ferry_descriptor *d = &node->descriptor;
    int64_t padded = ferry_writer_file_cost(d->size) - ferry_writer_file_cost(0);

    *at += ferry_writer_entry_cost(&d->digest, d->size);
    return *at - padded;
}

/* Where the first blob's entry begins. */
static int64_t head_end(const struct ferry_pull_plan *plan)
{
    int64_t end = plan->archive_bytes - FERRY_WRITER_END;

    for (size_t i = 0; i < plan->count; i++)
        end -= ferry_writer_entry_cost(&plan->nodes[i]->descriptor.digest,
                                       plan->nodes[i]->descriptor.size);
    return end;
}

int ferry_salvage_find(const struct ferry_pull_plan *old, int64_t written,
                       const struct ferry_pull_plan *plan, struct ferry_salvage *out,
                       struct ferry_err *err)
{
    FERRY_OWNED_MEM int64_t *there = calloc(old->graph->count + 1, sizeof(*there));
    int64_t at = head_end(old);

    *out = (struct ferry_salvage){ .data = calloc(plan->count + 1, sizeof(*out->data)) };
    if (!there || !out->data)
        return ferry_fail_memory(err);
    for (size_t i = 0; i < old->count; i++) {
        int64_t data = pass_blob(old->nodes[i], &at);

        if (at <= written)
            there[old->nodes[i]->place] = data;
    }
    at = head_end(plan);
    for (size_t i = 0; i < plan->count; i++) {
        const struct ferry_node *node = plan->nodes[i];
        const struct ferry_node *before = ferry_graph_find(old->graph, &node->descriptor.digest);
        int64_t data = pass_blob(node, &at);

        if (node->bytes || !before || there[before->place] < data)
            continue;
        out->data[i] = there[before->place];
        out->bytes += node->descriptor.size;
    }
    return 0;
}
