/*
 * One token from a registry's token service (distribution's token and OAuth2 specifications).
 *
 * Fails: FERRY_EAUTH when the service refuses, or may not be asked (the rules for realms in
 * auth.h); FERRY_ENET when it cannot be reached or is out of order; FERRY_EPROTOCOL for
 * a reply that is none. Threads: any, each with its own ferry_http.
 */
#ifndef FERRY_REGISTRY_TOKEN_H
#define FERRY_REGISTRY_TOKEN_H

#include "format/registry/credential.h"
#include "format/registry/http.h"
#include "format/registry/origin.h"

struct ferry_token_request {
    const char *realm;
    const char *service;                       /* or NULL */
    const char *scope;                         /* separated by spaces; may be "" */
    const struct ferry_credential *credential; /* may be empty: an anonymous token */
    const struct ferry_origin *registry;       /* who named the realm */
    const struct ferry_tls *tls;               /* of the registry; or NULL */
    const char *const *insecure;               /* see ferry_origin_listed */
};

/* Gives the token, and how many seconds it is good for. */
int ferry_token_fetch(struct ferry_http *http, const struct ferry_token_request *request,
                      char **token, int64_t *seconds, struct ferry_err *err) FERRY_MUST_USE;

/* Gives the value of an Authorization header for user and password. */
int ferry_basic_format(const struct ferry_credential *credential, char **out,
                       struct ferry_err *err) FERRY_MUST_USE;

#endif
