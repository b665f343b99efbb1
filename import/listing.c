#include "import/listing.h"

#include "format/oci/referrer_index.h"
#include "format/registry/referrer_list.h"

static bool holds(const struct ferry_referrer_list *list, const struct ferry_node *node)
{
    for (size_t i = 0; i < list->count; i++)
        if (ferry_digest_equal(&list->digests[i], &node->descriptor.digest))
            return true;
    return false;
}

/* Whether the API of the registry lists all of them. */
static int is_listed(const struct ferry_push *to, const struct ferry_digest *subject,
                     const struct ferry_node *const *nodes, size_t count, bool *all,
                     struct ferry_err *err)
{
    const struct ferry_call call = ferry_push_call(to, "GET");
    struct ferry_referrer_list list = { 0 };
    int rc = ferry_referrer_list_ask(to->session, &call, subject, all, &list, err);

    for (size_t i = 0; rc == 0 && *all && i < count; i++)
        *all = holds(&list, nodes[i]);
    ferry_referrer_list_release(&list);
    return rc;
}

static int put_index(const struct ferry_push *to, const struct ferry_digest *subject,
                     const struct ferry_buf *index, struct ferry_err *err)
{
    /* Only what a push reads of a node: the index joins no graph. */
    struct ferry_node node = { .bytes = index->data };
    char tag[FERRY_TAG_MAX], type[] = FERRY_TYPE_OCI_INDEX;
    struct ferry_put ignored;

    ferry_referrer_index_tag(subject, tag);
    node.descriptor = (struct ferry_descriptor){ .size = (int64_t)index->len, .media_type = type };
    FERRY_TRY(ferry_digest_of(FERRY_SHA256, index->data, index->len, &node.descriptor.digest, err));
    if (ferry_push_manifest(to, &node, tag, &ignored, err) < 0)
        return ferry_wrap(err, "list of referrers %s", tag);
    return 0;
}

int ferry_listing_ensure(const struct ferry_push *to, const struct ferry_digest *subject,
                         const struct ferry_node *const *nodes, size_t count, struct ferry_err *err)
{
    const struct ferry_call call = ferry_push_call(to, "GET");
    FERRY_OWNED_BUF before;
    FERRY_OWNED_BUF after;
    bool all;

    ferry_buf_init(&before, (size_t)FERRY_MANIFEST_MAX);
    ferry_buf_init(&after, (size_t)FERRY_MANIFEST_MAX);
    FERRY_TRY(is_listed(to, subject, nodes, count, &all, err));
    if (all)
        return 0;
    FERRY_TRY(ferry_referrer_list_by_tag(to->session, &call, subject, &before, err));
    if (ferry_referrer_index_merge(&before, "list of referrers", nodes, count, &after, err) < 0)
        return ferry_blame_server(err);
    return after.len > 0 ? put_index(to, subject, &after, err) : 0;
}
