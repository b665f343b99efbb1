#include "format/verify/verify.h"

#include "format/verify/archive_check.h"

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
    for (size_t i = 0; report->verified && i < report->set->count; i++)
        free(report->verified[i].copies);
    free(report->verified);
    ferry_volume_results_release(&report->volumes);
    ferry_archive_set_free(report->set);
    free(report);
}

bool ferry_verify_is_good(const struct ferry_verify_report *report, size_t archive,
                          const struct ferry_node *node)
{
    return report->verified[archive].copies[node->place] == FERRY_COPY_GOOD;
}

/* The same bytes are as wrong in each archive. */
static int tell_diff_id(void *ctx, const struct ferry_node *node, const char *text,
                        struct ferry_err *err)
{
    struct ferry_archive_check check = *(const struct ferry_archive_check *)ctx;

    for (check.place = 0; check.place < check.report->set->count; check.place++)
        if (ferry_verify_is_good(check.report, check.place, node))
            FERRY_TRY(ferry_archive_check_fault(&check, FERRY_FAULT_CONTENT, node, text, err));
    return 0;
}

/* Whether a pass will come to it. Of what the load has read, a pipe brings again what was kept. */
static bool is_ahead(const struct ferry_archive *archive, const struct ferry_node *node)
{
    int64_t size;

    if (node->state != FERRY_NODE_GOOD || node->is_lent)
        return node->state == FERRY_NODE_WANTED;
    return ferry_reader_can_restart(archive->reader) ||
           ferry_reader_kept(archive->reader, &node->descriptor.digest, &size);
}

/* What the passes have before them, but for what is not listed; -1 unknown. */
static int64_t unread_bytes(const struct ferry_archive_set *set)
{
    int64_t sum = 0;

    for (size_t i = 0; i < set->count; i++)
        for (size_t k = 0; k < set->items[i].graph->count; k++) {
            const struct ferry_node *node = set->items[i].graph->nodes[k];

            if (is_ahead(&set->items[i], node) && !ferry_add(sum, node->descriptor.size, &sum))
                return -1;
        }
    return sum;
}

static void add_up(struct ferry_verify_report *report)
{
    for (size_t i = 0; i < report->graph->count; i++) {
        struct ferry_node *node = report->graph->nodes[i];

        for (size_t k = 0; k < report->set->count; k++) {
            if (!ferry_verify_is_good(report, k, node))
                continue;
            report->verified[k].blobs++;
            report->verified[k].bytes += node->descriptor.size;
            node->state = FERRY_NODE_GOOD;
        }
        report->left_out += ferry_node_is_elsewhere(node);
        report->manifests_left_out += node->is_manifest && node->state == FERRY_NODE_LEFT_OUT;
        if (node->state != FERRY_NODE_GOOD)
            continue;
        report->blobs++;
        report->bytes += node->descriptor.size;
    }
}

static bool is_missed(const struct ferry_node *node)
{
    return node->state != FERRY_NODE_GOOD && !ferry_node_is_left(node);
}

static bool is_any_missed(const struct ferry_graph *graph)
{
    for (size_t i = 0; i < graph->count; i++)
        if (is_missed(graph->nodes[i]))
            return true;
    return false;
}

static bool is_good_somewhere(const struct ferry_verify_report *report,
                              const struct ferry_node *node)
{
    for (size_t i = 0; i < report->set->count; i++)
        if (ferry_verify_is_good(report, i, node))
            return true;
    return false;
}

/* Whether the others have right what this fault has wrong, or nobody needs it. Of an archive of
 * which nobody knows what is in it, that cannot be said. */
static bool is_healed(const struct ferry_verify_report *report, const struct ferry_fault *fault,
                      bool is_complete)
{
    const struct ferry_archive *archive = &report->set->items[fault->archive];

    if (report->set->count == 1 || fault->kind == FERRY_FAULT_CONTENT)
        return false;
    if (fault->kind == FERRY_FAULT_COPY)
        return !fault->node || ferry_node_is_left(fault->node) ||
               is_good_somewhere(report, fault->node);
    return is_complete && archive->fault.code != FERRY_EUNFIT &&
           (archive->is_read || archive->twin != FERRY_NO_ARCHIVE);
}

size_t ferry_verify_count(const struct ferry_verify_report *report)
{
    return report->set ? report->set->count : 1;
}

bool ferry_verify_is_whole(const struct ferry_verify_report *report)
{
    for (size_t i = 0; i < report->fault_count; i++)
        if (!report->faults[i].is_healed)
            return false;
    return true;
}

static int conclude(struct ferry_verify_report *report, struct ferry_err *err)
{
    bool is_complete;

    add_up(report);
    is_complete = !is_any_missed(report->graph);
    for (size_t i = 0; i < report->fault_count; i++)
        report->faults[i].is_healed = is_healed(report, &report->faults[i], is_complete);
    if (report->set->count == 1)
        report->signature = report->set->items[0].signature;
    return ferry_in_base_sum(report->graph, NULL, &report->in_base, err);
}

static int check_all(struct ferry_archive_check *c, struct ferry_err *err)
{
    const struct ferry_diff_faults faults = { .tell = tell_diff_id, .ctx = c };
    struct ferry_verify_report *report = c->report;
    FERRY_OWNED(ferry_diff_ids) diff_ids = NULL;

    if (c->options->depth == FERRY_VERIFY_DEEP)
        FERRY_TRY(ferry_diff_ids_new(report->graph, &diff_ids, err));
    c->diff_ids = diff_ids;
    ferry_progress_phase(c->options->progress, "verifying", unread_bytes(report->set), -1);
    for (c->place = 0; c->place < report->set->count; c->place++)
        FERRY_TRY(ferry_archive_check_run(c, err));
    if (diff_ids)
        FERRY_TRY(ferry_diff_ids_check(diff_ids, &faults, err));
    return conclude(report, err);
}

int ferry_verify_archives(const char *const *paths, size_t count,
                          const struct ferry_verify_options *options,
                          struct ferry_verify_report **out, struct ferry_err *err)
{
    FERRY_OWNED(ferry_verify_report) report = calloc(1, sizeof(*report));
    struct ferry_archive_check check = { .report = report, .options = options };
    const struct ferry_archive_set_options archives = { .paths = paths,
                                                        .count = count,
                                                        .way = FERRY_ARCHIVE_IN_ORDER,
                                                        .prompt = options->prompt,
                                                        .policy = options->signature };

    if (!report)
        return ferry_fail_memory(err);
    ferry_progress_phase(options->progress, "reading the archive", -1, -1);
    FERRY_TRY(ferry_archive_set_open(&archives, &report->set, err));
    report->graph = report->set->graph;
    report->verified = calloc(count, sizeof(*report->verified));
    if (!report->verified)
        return ferry_fail_memory(err);
    FERRY_TRY(check_all(&check, err));
    *out = ferry_steal(&report);
    return 0;
}
