#include "format/registry/auth_cache.h"

#include <stdlib.h>
#include <string.h>

#include "format/registry/credential.h"

static void slot_free(struct ferry_token_slot *slot)
{
    free(slot->registry);
    free(slot->scope);
    free(slot->asked);
    free(slot->realm);
    free(slot->service);
    ferry_secret_free(slot->token);
    free(slot);
}

static void known_free(struct ferry_auth_known *known)
{
    free(known->registry);
    free(known->realm);
    free(known->service);
    free(known);
}

void ferry_auth_cache_release(struct ferry_auth_cache *cache)
{
    for (struct ferry_token_slot *next, *s = cache->slots; s; s = next) {
        next = s->next;
        slot_free(s);
    }
    for (struct ferry_auth_known *next, *k = cache->known; k; k = next) {
        next = k->next;
        known_free(k);
    }
}

int ferry_auth_cache_text(char **to, const char *from, struct ferry_err *err)
{
    char *copy = from ? strdup(from) : NULL;

    if (from && !copy)
        return ferry_fail_memory(err);
    free(*to);
    *to = copy;
    return 0;
}

struct ferry_auth_known *ferry_auth_cache_find(const struct ferry_auth_cache *cache,
                                               const char *registry)
{
    struct ferry_auth_known *k = cache->known;

    while (k && strcmp(k->registry, registry) != 0)
        k = k->next;
    return k;
}

int ferry_auth_cache_slot(struct ferry_auth_cache *cache, const char *registry, const char *scope,
                          struct ferry_token_slot **out, struct ferry_err *err)
{
    const struct ferry_auth_known *known = ferry_auth_cache_find(cache, registry);
    struct ferry_token_slot *s = cache->slots;

    while (s && (strcmp(s->scope, scope) != 0 || strcmp(s->registry, registry) != 0))
        s = s->next;
    if (!s) {
        s = calloc(1, sizeof(*s));
        if (!s)
            return ferry_fail_memory(err);
        if (ferry_auth_cache_text(&s->registry, registry, err) < 0 ||
            ferry_auth_cache_text(&s->scope, scope, err) < 0 ||
            ferry_auth_cache_text(&s->asked, scope, err) < 0 ||
            ferry_auth_cache_text(&s->realm, known ? known->realm : NULL, err) < 0 ||
            ferry_auth_cache_text(&s->service, known ? known->service : NULL, err) < 0) {
            slot_free(s);
            return (int)err->code;
        }
        s->next = cache->slots;
        cache->slots = s;
    }
    *out = s;
    return 0;
}

int ferry_auth_cache_learn(struct ferry_auth_cache *cache, const char *registry,
                           const struct ferry_challenge *challenge, struct ferry_err *err)
{
    struct ferry_auth_known *known = ferry_auth_cache_find(cache, registry);

    if (!known) {
        known = calloc(1, sizeof(*known));
        if (!known)
            return ferry_fail_memory(err);
        if (ferry_auth_cache_text(&known->registry, registry, err) < 0) {
            known_free(known);
            return (int)err->code;
        }
        known->next = cache->known;
        cache->known = known;
    }
    if (challenge->scheme == FERRY_CHALLENGE_BASIC) {
        known->basic = true;
        return 0;
    }
    FERRY_TRY(ferry_auth_cache_text(&known->realm, challenge->realm, err));
    FERRY_TRY(ferry_auth_cache_text(&known->service, challenge->service, err));
    known->basic = false; /* only now, with a realm */
    return 0;
}
