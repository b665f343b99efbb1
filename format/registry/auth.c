#include "format/registry/auth.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "format/core/cancel.h"
#include "format/core/clock.h"
#include "format/core/thread.h"
#include "format/registry/auth_cache.h"
#include "format/registry/scope.h"
#include "format/registry/token.h"

#define RENEW_EARLY_MAX_S 30
#define SLICE_MS 200

struct ferry_auth {
    struct ferry_credentials *credentials;
    const char *const *insecure;
    pthread_mutex_t lock;
    pthread_cond_t fetched;
    struct ferry_auth_cache cache;
};

int ferry_auth_new(struct ferry_credentials *credentials, const char *const *insecure,
                   struct ferry_auth **out, struct ferry_err *err)
{
    struct ferry_auth *auth = calloc(1, sizeof(*auth));

    if (!auth)
        return ferry_fail_memory(err);
    auth->credentials = credentials;
    auth->insecure = insecure;
    pthread_mutex_init(&auth->lock, NULL);
    ferry_cond_init(&auth->fetched);
    *out = auth;
    return 0;
}

void ferry_auth_free(struct ferry_auth *auth)
{
    if (!auth)
        return;
    ferry_auth_cache_release(&auth->cache);
    pthread_cond_destroy(&auth->fetched);
    pthread_mutex_destroy(&auth->lock);
    free(auth);
}

static int64_t expiry(int64_t seconds)
{
    int64_t early = seconds / 4 < RENEW_EARLY_MAX_S ? seconds * 250
                                                    : (int64_t)RENEW_EARLY_MAX_S * 1000;

    return ferry_now_ms() + seconds * 1000 - early;
}

/* Asks the token service, without the lock, so `question` is a copy: its token is filled in. */
static int fetch(struct ferry_auth *auth, const struct ferry_auth_need *need,
                 struct ferry_http *http, struct ferry_token_slot *question, struct ferry_err *err)
{
    FERRY_OWNED_CREDENTIAL credential = { .user = NULL };
    const struct ferry_token_request request = { .realm = question->realm,
                                                 .service = question->service,
                                                 .scope = question->asked,
                                                 .credential = &credential,
                                                 .registry = &need->origin,
                                                 .tls = need->tls,
                                                 .insecure = auth->insecure };
    int64_t seconds;

    FERRY_TRY(ferry_credentials_find(auth->credentials, need->registry, need->repository,
                                     &credential, err));
    FERRY_TRY(ferry_token_fetch(http, &request, &question->token, &seconds, err));
    question->expires_ms = expiry(seconds);
    return 0;
}

/* A service that gives one scope at a time, or not all that the registry would like, gives perhaps
 * what we need. */
static int fetch_enough(struct ferry_auth *auth, const struct ferry_auth_need *need,
                        struct ferry_http *http, struct ferry_token_slot *question,
                        struct ferry_err *err)
{
    int rc = fetch(auth, need, http, question, err);

    if (rc != FERRY_EAUTH || strcmp(question->asked, question->scope) == 0)
        return rc;
    FERRY_TRY(ferry_auth_cache_text(&question->asked, question->scope, err));
    return fetch(auth, need, http, question, err);
}

/* Called and returns with the lock held; not held meanwhile. */
static int refresh(struct ferry_auth *auth, const struct ferry_auth_need *need,
                   struct ferry_http *http, struct ferry_token_slot *slot, struct ferry_err *err)
{
    struct ferry_token_slot question = { .registry = NULL };
    int rc = 0;

    if (ferry_auth_cache_text(&question.asked, slot->asked, err) < 0 ||
        ferry_auth_cache_text(&question.scope, slot->scope, err) < 0 ||
        ferry_auth_cache_text(&question.realm, slot->realm, err) < 0 ||
        ferry_auth_cache_text(&question.service, slot->service, err) < 0)
        rc = (int)err->code;
    slot->fetching = true;
    pthread_mutex_unlock(&auth->lock);
    if (rc == 0)
        rc = fetch_enough(auth, need, http, &question, err);
    pthread_mutex_lock(&auth->lock);
    slot->fetching = false;
    slot->round++;
    if (rc < 0) {
        slot->result = *err;
    } else {
        slot->result.code = FERRY_OK;
        ferry_secret_free(slot->token);
        slot->token = ferry_steal(&question.token);
        slot->expires_ms = question.expires_ms;
        free(slot->asked); /* what was granted */
        slot->asked = ferry_steal(&question.asked);
    }
    free(question.asked);
    free(question.scope);
    free(question.realm);
    free(question.service);
    pthread_cond_broadcast(&auth->fetched);
    return rc;
}

/* Waits, with the lock, until another thread's fetch is over; its failure is ours as well. */
static int await_fetch(struct ferry_auth *auth, struct ferry_token_slot *slot,
                       struct ferry_err *err)
{
    const unsigned round = slot->round;

    while (slot->fetching && slot->round == round) {
        FERRY_TRY(ferry_cancel_check(err));
        ferry_cond_wait(&auth->fetched, &auth->lock, SLICE_MS);
    }
    if (slot->round == round + 1 && slot->result.code != FERRY_OK) {
        *err = slot->result;
        return (int)err->code;
    }
    return 0;
}

/* With the lock held. */
static int bearer_header(struct ferry_auth *auth, const struct ferry_auth_need *need,
                         struct ferry_http *http, char **out, struct ferry_err *err)
{
    FERRY_OWNED_MEM char *scope = NULL;
    struct ferry_token_slot *slot;

    FERRY_TRY(ferry_scope_format(need->repository, need->push, need->mount_from, &scope, err));
    FERRY_TRY(ferry_auth_cache_slot(&auth->cache, need->registry, scope, &slot, err));
    if (need->mount_from && slot->result.code == FERRY_EAUTH) { /* and will be refused again */
        *err = slot->result;
        return (int)err->code;
    }
    while (!slot->token || ferry_now_ms() >= slot->expires_ms) {
        if (slot->fetching)
            FERRY_TRY(await_fetch(auth, slot, err));
        else
            FERRY_TRY(refresh(auth, need, http, slot, err));
    }
    return ferry_text(out, err, "Bearer %s", slot->token);
}

static int basic_header(struct ferry_auth *auth, const struct ferry_auth_need *need, char **out,
                        struct ferry_err *err)
{
    FERRY_OWNED_CREDENTIAL credential = { .user = NULL };

    FERRY_TRY(ferry_credentials_find(auth->credentials, need->registry, need->repository,
                                     &credential, err));
    return credential.user ? ferry_basic_format(&credential, out, err) : 0;
}

int ferry_auth_header(struct ferry_auth *auth, const struct ferry_auth_need *need,
                      struct ferry_http *http, char **out, struct ferry_err *err)
{
    const struct ferry_auth_known *known;
    bool basic;
    int rc = 0;

    *out = NULL;
    pthread_mutex_lock(&auth->lock);
    known = ferry_auth_cache_find(&auth->cache, need->registry);
    basic = known && known->basic;
    if (known && known->realm && !basic)
        rc = bearer_header(auth, need, http, out, err);
    pthread_mutex_unlock(&auth->lock);
    if (basic)
        return basic_header(auth, need, out, err);
    if (rc == FERRY_EAUTH && need->mount_from) {
        struct ferry_auth_need less = *need; /* a mount is a favour; the upload must go on */

        less.mount_from = NULL;
        return ferry_auth_header(auth, &less, http, out, err);
    }
    return rc;
}

static int fail_unknown(const struct ferry_auth_need *need, struct ferry_err *err)
{
    return ferry_fail(err, FERRY_EAUTH,
                      "%s: credentials are wanted, and none are known; log in, or pass --authfile "
                      "or --creds",
                      need->registry);
}

/* Notes it for this scope, and drops the token that was refused. With the lock held. */
static int learn_scope(struct ferry_auth *auth, const struct ferry_auth_need *need,
                       const struct ferry_challenge *challenge, const char *shown,
                       struct ferry_err *err)
{
    FERRY_OWNED_MEM char *scope = NULL;
    FERRY_OWNED_MEM char *asked = NULL;
    struct ferry_token_slot *slot;

    FERRY_TRY(ferry_scope_format(need->repository, need->push, need->mount_from, &scope, err));
    FERRY_TRY(ferry_scope_merge(scope, challenge->scope, &asked, err));
    FERRY_TRY(ferry_auth_cache_slot(&auth->cache, need->registry, scope, &slot, err));
    FERRY_TRY(ferry_auth_cache_text(&slot->realm, challenge->realm, err));
    FERRY_TRY(ferry_auth_cache_text(&slot->service, challenge->service, err));
    free(slot->asked);
    slot->asked = ferry_steal(&asked);
    if (shown && slot->token && strncmp(shown, "Bearer ", 7) == 0 &&
        strcmp(shown + 7, slot->token) == 0) { /* else another thread renewed it meanwhile */
        ferry_secret_free(slot->token);
        slot->token = NULL;
    }
    return 0;
}

int ferry_auth_refused(struct ferry_auth *auth, const struct ferry_auth_need *need,
                       const struct ferry_challenges *challenges, const char *shown,
                       struct ferry_err *err)
{
    const struct ferry_challenge *challenge = ferry_challenges_choose(challenges);
    int rc;

    if (!challenge)
        return ferry_fail(err, FERRY_EAUTH,
                          "%s: refused, and it asks for no kind of credentials that is known here "
                          "(Basic, Bearer)",
                          need->registry);
    if (challenge->scheme == FERRY_CHALLENGE_BASIC) {
        FERRY_OWNED_MEM char *header = NULL;

        FERRY_TRY(basic_header(auth, need, &header, err));
        if (!header)
            return fail_unknown(need, err);
        if (shown && strcmp(header, shown) == 0)
            return ferry_fail(err, FERRY_EAUTH, "%s: user or password is wrong", need->registry);
    }
    pthread_mutex_lock(&auth->lock);
    rc = ferry_auth_cache_learn(&auth->cache, need->registry, challenge, err);
    if (rc == 0 && challenge->scheme == FERRY_CHALLENGE_BEARER)
        rc = learn_scope(auth, need, challenge, shown, err);
    pthread_mutex_unlock(&auth->lock);
    return rc;
}
