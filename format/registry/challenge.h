/*
 * WWW-Authenticate (RFC 9110, 11.6.1): what a server wants to be shown.
 *
 * What it is: the challenges of one reply, in order, from any number of headers.
 * Owns: the list owns its texts.
 * Fails: only for want of memory. What cannot be understood is skipped: a server that asks in a
 * broken way is answered by "no usable challenge", which the caller can explain better.
 * Limits: 16 challenges; a header is bounded by the limit on headers.
 */
#ifndef FERRY_REGISTRY_CHALLENGE_H
#define FERRY_REGISTRY_CHALLENGE_H

#include <stddef.h>

#include "format/core/err.h"

#define FERRY_CHALLENGES_MAX 16

enum ferry_challenge_scheme {
    FERRY_CHALLENGE_OTHER,
    FERRY_CHALLENGE_BASIC,
    FERRY_CHALLENGE_BEARER
};

/* Parameters are NULL when absent. Of a parameter given twice the first counts. */
struct ferry_challenge {
    enum ferry_challenge_scheme scheme;
    char *realm;
    char *service;
    char *scope; /* separated by spaces */
    char *error;
};

struct ferry_challenges {
    struct ferry_challenge items[FERRY_CHALLENGES_MAX];
    size_t count;
};

#define FERRY_OWNED_CHALLENGES                                                                     \
    __attribute__((cleanup(ferry_challenges_release))) struct ferry_challenges

/* Appends the challenges of one header to a list that began as {0}. */
int ferry_challenges_parse(const char *header, struct ferry_challenges *list,
                           struct ferry_err *err) FERRY_MUST_USE;
void ferry_challenges_release(struct ferry_challenges *list);

/* The one to answer: the first Bearer with a realm, else the first Basic, else NULL. */
const struct ferry_challenge *ferry_challenges_choose(const struct ferry_challenges *list);

#endif
