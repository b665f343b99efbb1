/*
 * What to show to a registry: credentials (Basic) or a token (Bearer; distribution's token
 * specification), anonymous tokens included.
 *
 * What it is: what the challenges of each registry taught us, and a cache of tokens by registry and
 * scope. Once a registry has challenged, later requests carry what it wants from the start. A token
 * is renewed before it expires; of several threads that need the same one, one fetches it.
 * Owns: its cache. Credentials are borrowed for as long as it lives.
 * Fails: FERRY_EAUTH when the registry or its token service refuses, or asks for something that is
 * not to be given: a realm must be https, or plain http to this machine for a registry on this
 * machine, or to the very host of a registry that is itself spoken to in plain http. FERRY_ENET
 * when the token service cannot be reached. Threads: any. Limits: a token reply 1 MiB, a token 64
 * KiB; 5 redirects, with credentials only within the realm's origin.
 */
#ifndef FERRY_REGISTRY_AUTH_H
#define FERRY_REGISTRY_AUTH_H

#include <stdbool.h>

#include "format/registry/challenge.h"
#include "format/registry/credential.h"
#include "format/registry/http.h"
#include "format/registry/origin.h"

struct ferry_auth;

/* What a request is about. */
struct ferry_auth_need {
    const char *registry;        /* as in a reference */
    struct ferry_origin origin;  /* where its API is */
    const struct ferry_tls *tls; /* its own, which serves for its token service too; or NULL */
    const char *repository;      /* "" for none */
    bool push;                   /* pull is always included */
    const char *mount_from;      /* or NULL */
};

/* `insecure` lists the hosts whose certificates are not checked (ferry_origin_listed); borrowed. */
int ferry_auth_new(struct ferry_credentials *credentials, const char *const *insecure,
                   struct ferry_auth **out, struct ferry_err *err) FERRY_MUST_USE;
void ferry_auth_free(struct ferry_auth *auth);
FERRY_OWNED_DEFINE(ferry_auth)

/* Gives the Authorization value to send, or NULL when none is wanted as far as is known. `http`
 * carries the request for a token if need be. */
int ferry_auth_header(struct ferry_auth *auth, const struct ferry_auth_need *need,
                      struct ferry_http *http, char **out, struct ferry_err *err) FERRY_MUST_USE;

/* A 401 came in answer to `shown` (what ferry_auth_header gave, or NULL). Learns from it, so that
 * ferry_auth_header gives something better; FERRY_EAUTH when there is nothing to give. */
int ferry_auth_refused(struct ferry_auth *auth, const struct ferry_auth_need *need,
                       const struct ferry_challenges *challenges, const char *shown,
                       struct ferry_err *err) FERRY_MUST_USE;

#endif
