/* What credential.c (which source), credential_file.c and credential_helper.c share. */
#ifndef FERRY_REGISTRY_CREDENTIAL_IMPL_H
#define FERRY_REGISTRY_CREDENTIAL_IMPL_H

#include <jansson.h>

#include "format/registry/credential.h"

#define FERRY_AUTH_FILE_MAX ((size_t)1024 * 1024)
#define FERRY_HELPER_ANSWER_MAX ((size_t)64 * 1024)
#define FERRY_HELPER_SECONDS 60

static inline bool ferry_credential_is_empty(const struct ferry_credential *c)
{
    return !c->user && !c->password && !c->identity_token;
}

/* "USER[:PASSWORD]", `len` bytes. */
int ferry_credential_split(const char *text, size_t len, struct ferry_credential *out,
                           struct ferry_err *err) FERRY_MUST_USE;

/* Reads a whole file as JSON. *out stays NULL when it does not exist and need not. */
int ferry_credential_load(const char *path, bool required, json_t **out,
                          struct ferry_err *err) FERRY_MUST_USE;

/* The helper's name in credHelpers, or NULL; part of `document`. */
const char *ferry_credential_helper(const json_t *document, const char *registry);

/* What "auths" says; *out stays empty when it says nothing. `path` names the file in complaints. */
int ferry_credential_entry(const json_t *document, const char *path, const char *name,
                           struct ferry_credential *out, struct ferry_err *err) FERRY_MUST_USE;

/* Asks docker-credential-HELPER, which has so many seconds to answer, and to end. *out stays empty
 * when it knows nothing of `registry`. */
int ferry_credential_ask(const char *helper, const char *registry, int seconds,
                         struct ferry_credential *out, struct ferry_err *err) FERRY_MUST_USE;

/* The one name of a registry that has several: "docker.io" for all of Docker Hub's. */
const char *ferry_credential_registry(const char *host);

#endif
