/*
 * The images of an export, as references in the order in which they were named.
 *
 * Owns: its items. Zeroed is empty. Fails: FERRY_ENOMEM. Threads: one.
 */
#ifndef FERRY_EXPORT_REFERENCES_H
#define FERRY_EXPORT_REFERENCES_H

#include "format/oci/reference.h"

struct ferry_references {
    struct ferry_reference *items;
    size_t count, room;
    size_t given; /* the last so many have tags that are given to them: their repositories need not
                     know these */
};

int ferry_references_add(struct ferry_references *refs, const struct ferry_reference *ref,
                         struct ferry_err *err) FERRY_MUST_USE;
void ferry_references_release(struct ferry_references *refs);
#define FERRY_OWNED_REFERENCES                                                                     \
    __attribute__((cleanup(ferry_references_release))) struct ferry_references

/* Of each the first stays, in the order in which they are. */
int ferry_references_unique(struct ferry_references *refs, struct ferry_err *err) FERRY_MUST_USE;

#endif
