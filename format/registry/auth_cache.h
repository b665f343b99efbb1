/*
 * What is remembered for authentication: what each registry asked for last, and tokens by registry
 * and scope.
 *
 * Owns: its entries, all of which live until the release: a pointer to one stays good.
 * Fails: only for want of memory.
 * Threads: the caller locks (auth.c does).
 */
#ifndef FERRY_REGISTRY_AUTH_CACHE_H
#define FERRY_REGISTRY_AUTH_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "format/registry/challenge.h"

/* What the last challenge of a registry was. */
struct ferry_auth_known {
    char *registry;
    bool basic; /* else Bearer, with: */
    char *realm;
    char *service;
    struct ferry_auth_known *next;
};

/* A token, or the place for one. Never removed, so a pointer stays good without the lock. */
struct ferry_token_slot {
    char *registry;
    char *scope; /* what we need: the key */
    char *asked; /* what is asked for: that, and what the registry added */
    char *realm; /* some registries have one for each repository */
    char *service;
    char *token; /* NULL: none */
    int64_t expires_ms;
    bool fetching;
    unsigned round;          /* counts fetches */
    struct ferry_err result; /* of the last one */
    struct ferry_token_slot *next;
};

struct ferry_auth_cache {
    struct ferry_auth_known *known;
    struct ferry_token_slot *slots;
};

void ferry_auth_cache_release(struct ferry_auth_cache *cache);

/* NULL where a registry has not asked for anything yet. */
struct ferry_auth_known *ferry_auth_cache_find(const struct ferry_auth_cache *cache,
                                               const char *registry);

/* Notes a challenge (Basic, or Bearer with a realm) for the whole registry. */
int ferry_auth_cache_learn(struct ferry_auth_cache *cache, const char *registry,
                           const struct ferry_challenge *challenge,
                           struct ferry_err *err) FERRY_MUST_USE;

/* The slot for a scope, made on first use with what is known of the registry. */
int ferry_auth_cache_slot(struct ferry_auth_cache *cache, const char *registry, const char *scope,
                          struct ferry_token_slot **out, struct ferry_err *err) FERRY_MUST_USE;

/* Replaces *to by a copy of `from`; NULL stays NULL. */
int ferry_auth_cache_text(char **to, const char *from, struct ferry_err *err) FERRY_MUST_USE;

#endif
