#include "format/archive/signed_index.h"

#include <inttypes.h>

#include "format/oci/index.h"

void ferry_signed_index_init(struct ferry_signed_index *head, const struct ferry_reader *reader,
                             const struct ferry_signature_policy *policy,
                             struct ferry_signature *found)
{
    *head = (struct ferry_signed_index){ .reader = reader, .policy = policy, .found = found };
    ferry_buf_init(&head->index, (size_t)FERRY_MANIFEST_MAX);
    ferry_buf_init(&head->signature, FERRY_SIGNATURE_MAX);
}

void ferry_signed_index_release(struct ferry_signed_index *head)
{
    ferry_buf_release(&head->index);
    ferry_buf_release(&head->signature);
}

int ferry_signed_index_read(struct ferry_signed_index *head, struct ferry_source **source,
                            struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) owned = ferry_steal(source);

    head->has_index = true;
    if (ferry_source_read_all(owned, &head->index, err) < 0)
        return ferry_wrap(err, FERRY_INDEX_NAME);
    return 0;
}

int ferry_signed_index_read_signature(struct ferry_signed_index *head, struct ferry_source **source,
                                      struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) owned = ferry_steal(source);

    head->has_signature = true;
    head->signature_size = ferry_source_size(owned);
    if (head->signature_size > (int64_t)FERRY_SIGNATURE_MAX)
        return 0;
    if (ferry_source_read_all(owned, &head->signature, err) < 0)
        return ferry_wrap(err, FERRY_SIGNATURE_NAME);
    return 0;
}

/* From a pipe a later one is none: what was believed until then cannot be taken back. */
static void note_none(struct ferry_signed_index *head)
{
    head->found->state = FERRY_SIGNATURE_NONE;
    ferry_fail(&head->found->why, FERRY_EUNTRUSTED, "%s: is not signed: %s%s",
               ferry_reader_name(head->reader),
               ferry_reader_can_restart(head->reader)
                   ? "it has no " FERRY_SIGNATURE_NAME
                   : "no " FERRY_SIGNATURE_NAME
                     " comes before the first blob that " FERRY_INDEX_NAME
                     " explains (from a pipe a later one does not count: give it as a file)",
               head->policy->required ? "; --require-signature demands a signature" : "");
}

static int check(struct ferry_signed_index *head, struct ferry_err *err)
{
    struct ferry_signature *found = head->found;

    if (!head->has_signature) {
        note_none(head);
        return 0;
    }
    if (head->signature_size > (int64_t)FERRY_SIGNATURE_MAX) {
        found->state = FERRY_SIGNATURE_BAD;
        ferry_fail(&found->why, FERRY_ELIMIT, FERRY_SIGNATURE_NAME ": %" PRId64 " bytes, limit %zu",
                   head->signature_size, FERRY_SIGNATURE_MAX);
    } else {
        FERRY_TRY(ferry_signature_check(&head->index, &head->signature, head->policy, found, err));
    }
    if (found->state == FERRY_SIGNATURE_BAD)
        ferry_wrap(&found->why, "%s", ferry_reader_name(head->reader));
    return 0;
}

int ferry_signed_index_believe(struct ferry_signed_index *head, struct ferry_graph *graph,
                               struct ferry_err *err)
{
    FERRY_TRY(check(head, err));
    ferry_buf_release(&graph->text);
    graph->text = head->index;
    ferry_buf_init(&head->index, (size_t)FERRY_MANIFEST_MAX);
    if (!head->policy->reports && ferry_signature_is_fault(head->found, head->policy)) {
        *err = head->found->why;
        return (int)err->code;
    }
    return ferry_index_parse(graph->text.data, graph->text.len, graph, err);
}
