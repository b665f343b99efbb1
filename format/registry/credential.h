/*
 * Credentials for registries: where they are kept, and which one is meant.
 *
 * What it is: a store that answers "what to show to this registry for this repository". Order:
 * --creds; --authfile or else $REGISTRY_AUTH_FILE; without either the first of
 * $XDG_RUNTIME_DIR/containers/auth.json (/run/containers/UID/auth.json),
 * $XDG_CONFIG_HOME/containers/auth.json (~/.config), $DOCKER_CONFIG/config.json (~/.docker) that
 * knows the registry. Within a file: credHelpers, auths
 * (the most specific key wins: quay.io/org/repo, quay.io/org, quay.io), credsStore.
 * Owns: the store owns the files' contents; ferry_credential_find gives copies.
 * Fails: FERRY_EUSAGE naming the file (never its contents) when it is not what it should be, or the
 * helper program when that is missing or fails.
 * Threads: any.
 * Limits: a file 1 MiB; a helper's answer 64 KiB and 60 s, and as long again to end.
 */
#ifndef FERRY_REGISTRY_CREDENTIAL_H
#define FERRY_REGISTRY_CREDENTIAL_H

#include <stdbool.h>

#include "format/core/err.h"
#include "format/core/mem.h"

/* Either user and password, or an identity token (OAuth2 refresh token), or nothing (all NULL). */
struct ferry_credential {
    char *user;
    char *password;
    char *identity_token;
};

/* Wipes and frees; legal on a zeroed one. */
void ferry_credential_release(struct ferry_credential *credential);
#define FERRY_OWNED_CREDENTIAL                                                                     \
    __attribute__((cleanup(ferry_credential_release))) struct ferry_credential

/* Wipes and frees a text that held a secret; NULL is legal. */
void ferry_secret_free(char *text);
static inline void ferry_secret_freep(char **text)
{
    ferry_secret_free(*text);
}
#define FERRY_OWNED_SECRET __attribute__((cleanup(ferry_secret_freep))) char *

struct ferry_credentials;

/* `authfile` and `creds` may be NULL and are copied. A file that is named by the user or by
 * $REGISTRY_AUTH_FILE must be there and is read at once. */
int ferry_credentials_new(const char *authfile, const char *creds, struct ferry_credentials **out,
                          struct ferry_err *err) FERRY_MUST_USE;
void ferry_credentials_free(struct ferry_credentials *store);
FERRY_OWNED_DEFINE(ferry_credentials)

/* Fills *out, which began as {0}; it stays empty where nothing is known. `repository` may be "". */
int ferry_credentials_find(struct ferry_credentials *store, const char *registry,
                           const char *repository, struct ferry_credential *out,
                           struct ferry_err *err) FERRY_MUST_USE;

#endif
