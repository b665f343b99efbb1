/*
 * The tags of a repository (distribution-spec 1.1 "Listing tags").
 *
 * Fails: naming the repository. FERRY_ENOTFOUND when it is not known; FERRY_EAUTH when its tags may
 * not be listed; FERRY_EREFUSED when the registry does not list tags; FERRY_EPROTOCOL when what it
 * answers is no list of tags, or one that never ends; FERRY_ELIMIT.
 * Threads: any number at once.
 * Limits: FERRY_MANIFEST_MAX bytes a page; FERRY_TAGS_MAX tags, FERRY_TAG_PAGES_MAX pages.
 */
#ifndef FERRY_EXPORT_TAG_LIST_H
#define FERRY_EXPORT_TAG_LIST_H

#include "format/core/mem.h"
#include "format/registry/session.h"

#define FERRY_TAGS_MAX 100000
#define FERRY_TAG_PAGES_MAX 10000 /* registries choose how long a page is; some are empty */

struct ferry_tag_list {
    char **tags; /* in the order of their bytes, whatever that of the registry; each once */
    size_t count;
};

/* Lists the repository of `ref`; its tag and digest do not matter. */
int ferry_tag_list_pull(struct ferry_session *session, const struct ferry_reference *ref,
                        struct ferry_tag_list **out, struct ferry_err *err) FERRY_MUST_USE;
void ferry_tag_list_free(struct ferry_tag_list *list);
FERRY_OWNED_DEFINE(ferry_tag_list)

#endif
