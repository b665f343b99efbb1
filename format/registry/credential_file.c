#include <openssl/evp.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "format/core/blob_file.h"
#include "format/registry/credential_impl.h"

const char *ferry_credential_registry(const char *host)
{
    static const char *const hub[] = { "index.docker.io", "registry-1.docker.io",
                                       "registry.hub.docker.com" };

    for (size_t i = 0; i < FERRY_COUNT(hub); i++)
        if (strcasecmp(host, hub[i]) == 0)
            return "docker.io";
    return host;
}

int ferry_credential_load(const char *path, bool required, json_t **out, struct ferry_err *err)
{
    FERRY_OWNED_BUF text;
    json_error_t why;
    json_t *document;

    ferry_buf_init(&text, FERRY_AUTH_FILE_MAX);
    if (!required && access(path, R_OK) < 0) /* it is one of several places, and says nothing */
        return 0;
    if (ferry_file_read(path, &text, err) < 0)
        return ferry_wrap(err, "credentials file %s", path);
    if (text.len == 0) /* an empty file: what some tools leave */
        return 0;
    document = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &why);
    explicit_bzero(text.data, text.len);
    if (json_is_object(document)) {
        *out = document;
        return 0;
    }
    if (!document) /* jansson's text would quote what is inside */
        return ferry_fail(err, FERRY_EUSAGE,
                          "credentials file %s: not JSON, or a key twice: line %d, column %d", path,
                          why.line, why.column);
    json_decref(document);
    return ferry_fail(err, FERRY_EUSAGE, "credentials file %s: not a JSON object", path);
}

/*
 * Compares a key as people and tools write it ("quay.io/org", "https://index.docker.io/v1/",
 * "http://localhost:5000") with registry[/namespace].
 */
static bool key_matches(const char *key, const char *name)
{
    const char *scheme = strstr(key, "://");
    const char *path;
    const char *registry;
    char host[300];
    size_t len;

    if (scheme)
        key = scheme + 3;
    len = strcspn(key, "/");
    path = key + len;
    if (len >= sizeof(host))
        return false;
    memcpy(host, key, len);
    host[len] = '\0';
    if (scheme || strncmp(path, "/v1/", 4) == 0 || strcmp(path, "/v1") == 0 ||
        strcmp(path, "/v2/") == 0 || strcmp(path, "/") == 0)
        path = "";
    registry = ferry_credential_registry(host);
    len = strlen(registry);
    return strncasecmp(registry, name, len) == 0 && strcmp(path, name + len) == 0;
}

const char *ferry_credential_helper(const json_t *document, const char *registry)
{
    const json_t *value;
    const char *key;

    json_object_foreach((json_t *)(uintptr_t)json_object_get(document, "credHelpers"), key, value)
    {
        if (key_matches(key, registry) && json_is_string(value))
            return json_string_value(value);
    }
    return NULL;
}

int ferry_credential_split(const char *text, size_t len, struct ferry_credential *out,
                           struct ferry_err *err)
{
    const char *colon = memchr(text, ':', len);
    size_t user = colon ? (size_t)(colon - text) : len;

    ferry_credential_release(out);
    out->user = strndup(text, user);
    out->password = colon ? strndup(colon + 1, len - user - 1) : strdup("");
    return out->user && out->password ? 0 : ferry_fail_memory(err);
}

/* The "auth" member: base64 of user:password. */
static int decode_auth(const char *text, struct ferry_credential *out, struct ferry_err *err)
{
    size_t len = strlen(text);
    const char *end = strchr(text, '=');
    size_t padding = end ? strlen(end) : 0;
    FERRY_OWNED_SECRET plain = NULL;
    int got;

    if (len % 4 != 0 || padding > 2 || len > FERRY_AUTH_FILE_MAX)
        return ferry_fail(err, FERRY_EUSAGE, "its \"auth\" is not base64");
    plain = calloc(1, len + 1);
    if (!plain)
        return ferry_fail_memory(err);
    got = EVP_DecodeBlock((unsigned char *)plain, (const unsigned char *)text, (int)len);
    if (got < 0 || (size_t)got < padding || !memchr(plain, ':', (size_t)got))
        return ferry_fail(err, FERRY_EUSAGE, "its \"auth\" is not base64 of user:password");
    return ferry_credential_split(plain, (size_t)got - padding, out, err);
}

static int read_entry(const json_t *entry, struct ferry_credential *out, struct ferry_err *err)
{
    const char *auth = json_string_value(json_object_get(entry, "auth"));
    const char *token = json_string_value(json_object_get(entry, "identitytoken"));
    const char *user = json_string_value(json_object_get(entry, "username"));
    const char *password = json_string_value(json_object_get(entry, "password"));

    if (token && *token) {
        out->identity_token = strdup(token);
        return out->identity_token ? 0 : ferry_fail_memory(err);
    }
    if (auth && *auth)
        return decode_auth(auth, out, err);
    if (user && password) {
        out->user = strdup(user);
        out->password = strdup(password);
        return out->user && out->password ? 0 : ferry_fail_memory(err);
    }
    return 0;
}

/* registry/a/b, registry/a, registry: the first that "auths" holds with something in it. */
int ferry_credential_entry(const json_t *document, const char *path, const char *name,
                           struct ferry_credential *out, struct ferry_err *err)
{
    json_t *auths = json_object_get(document, "auths");
    FERRY_OWNED_MEM char *prefix = strdup(name);

    if (!prefix)
        return ferry_fail_memory(err);
    for (char *slash = prefix; slash; slash = strrchr(prefix, '/')) {
        const json_t *entry;
        const char *key;

        if (slash != prefix)
            *slash = '\0';
        json_object_foreach(auths, key, entry)
        {
            if (!key_matches(key, prefix) || !json_is_object(entry))
                continue;
            if (read_entry(entry, out, err) < 0)
                return ferry_wrap(err, "credentials file %s: entry of %s", path, prefix);
            if (!ferry_credential_is_empty(out))
                return 0;
        }
    }
    return 0;
}
