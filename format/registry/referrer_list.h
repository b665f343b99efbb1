/*
 * Who refers to a manifest, as its registry knows it (distribution-spec 1.1 "Listing Referrers").
 *
 * What it is: one question to a registry, by its API or by the index of the referrers tag schema
 * that clients keep where there is none. `call` names registry, repository and access.
 * Owns: the list is the caller's, zeroed at first, to be released also after a failure.
 * Fails: as ferry_session_call(); FERRY_EPROTOCOL. The caller adds the names.
 * Threads: any number at once.
 */
#ifndef FERRY_REGISTRY_REFERRER_LIST_H
#define FERRY_REGISTRY_REFERRER_LIST_H

#include "format/registry/session.h"

#define FERRY_REFERRER_PAGES_MAX 1000 /* of one list */

struct ferry_referrer_list {
    struct ferry_digest *digests;
    size_t count, room;
};

void ferry_referrer_list_release(struct ferry_referrer_list *list);

/* By the API, all pages. *is_known is false, and the list empty, where the registry has none. */
int ferry_referrer_list_ask(struct ferry_session *session, const struct ferry_call *call,
                            const struct ferry_digest *subject, bool *is_known,
                            struct ferry_referrer_list *list, struct ferry_err *err) FERRY_MUST_USE;

/* The index of the tag schema, appended to *index; nothing where there is none. */
int ferry_referrer_list_by_tag(struct ferry_session *session, const struct ferry_call *call,
                               const struct ferry_digest *subject, struct ferry_buf *index,
                               struct ferry_err *err) FERRY_MUST_USE;

#endif
