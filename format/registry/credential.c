#include "format/registry/credential.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "format/registry/credential_impl.h"

#define FILES_MAX 3

/* One answer of a helper, which may be slow or want a password each time. */
struct asked {
    char *helper;
    char *registry;
    struct ferry_credential credential;
    struct asked *next;
};

struct file {
    char *path;
    json_t *document; /* NULL: not there */
    bool loaded;
};

struct ferry_credentials {
    pthread_mutex_t lock;
    struct ferry_credential given; /* --creds */
    struct file files[FILES_MAX];
    size_t file_count;
    struct asked *asked;
};

void ferry_secret_free(char *text)
{
    if (!text)
        return;
    explicit_bzero(text, strlen(text));
    free(text);
}

void ferry_credential_release(struct ferry_credential *credential)
{
    ferry_secret_free(credential->user);
    ferry_secret_free(credential->password);
    ferry_secret_free(credential->identity_token);
    *credential = (struct ferry_credential){ .user = NULL };
}

static int copy_text(const char *from, char **to, struct ferry_err *err)
{
    *to = from ? strdup(from) : NULL;
    return *to || !from ? 0 : ferry_fail_memory(err);
}

static int copy_credential(const struct ferry_credential *from, struct ferry_credential *to,
                           struct ferry_err *err)
{
    FERRY_TRY(copy_text(from->user, &to->user, err));
    FERRY_TRY(copy_text(from->password, &to->password, err));
    return copy_text(from->identity_token, &to->identity_token, err);
}

/* Where podman and skopeo log in. root often has no session, and so not the variable. */
static int add_runtime_file(struct ferry_credentials *store, struct ferry_err *err)
{
    char **path = &store->files[store->file_count].path;
    const char *folder = getenv("XDG_RUNTIME_DIR");

    if (folder && *folder)
        FERRY_TRY(ferry_text(path, err, "%s/containers/auth.json", folder));
    else
        FERRY_TRY(ferry_text(path, err, "/run/containers/%d/auth.json", (int)getuid()));
    store->file_count++;
    return 0;
}

/* Adds $variable/tail, or ~/fallback/tail; nothing when neither variable is set. */
static int add_file(struct ferry_credentials *store, const char *variable, const char *fallback,
                    const char *tail, struct ferry_err *err)
{
    struct file *file = &store->files[store->file_count];
    const char *folder = getenv(variable);
    const char *home = getenv("HOME");

    if (folder && *folder)
        FERRY_TRY(ferry_text(&file->path, err, "%s/%s", folder, tail));
    else if (home && *home)
        FERRY_TRY(ferry_text(&file->path, err, "%s/%s/%s", home, fallback, tail));
    else
        return 0;
    store->file_count++;
    return 0;
}

static int add_files(struct ferry_credentials *store, const char *authfile, struct ferry_err *err)
{
    const char *named = authfile ? authfile : getenv("REGISTRY_AUTH_FILE");

    if (named && *named) {
        FERRY_TRY(copy_text(named, &store->files[0].path, err));
        store->file_count = 1;
        store->files[0].loaded = true;
        return ferry_credential_load(named, true, &store->files[0].document, err);
    }
    FERRY_TRY(add_runtime_file(store, err));
    FERRY_TRY(add_file(store, "XDG_CONFIG_HOME", ".config", "containers/auth.json", err));
    return add_file(store, "DOCKER_CONFIG", ".docker", "config.json", err);
}

int ferry_credentials_new(const char *authfile, const char *creds, struct ferry_credentials **out,
                          struct ferry_err *err)
{
    FERRY_OWNED(ferry_credentials) store = calloc(1, sizeof(*store));

    if (!store)
        return ferry_fail_memory(err);
    pthread_mutex_init(&store->lock, NULL);
    if (creds && !strchr(creds, ':'))
        return ferry_fail(err, FERRY_EUSAGE, "--creds: expected USER:PASSWORD");
    if (creds)
        FERRY_TRY(ferry_credential_split(creds, strlen(creds), &store->given, err));
    FERRY_TRY(add_files(store, authfile, err));
    *out = ferry_steal(&store);
    return 0;
}

void ferry_credentials_free(struct ferry_credentials *store)
{
    struct asked *next;

    if (!store)
        return;
    for (struct asked *a = store->asked; a; a = next) {
        next = a->next;
        ferry_credential_release(&a->credential);
        free(a->helper);
        free(a->registry);
        free(a);
    }
    for (size_t i = 0; i < store->file_count; i++) {
        free(store->files[i].path);
        json_decref(store->files[i].document);
    }
    ferry_credential_release(&store->given);
    pthread_mutex_destroy(&store->lock);
    free(store);
}

static int ask_helper(struct ferry_credentials *store, const char *helper, const char *registry,
                      struct ferry_credential *out, struct ferry_err *err)
{
    struct asked *a = store->asked;
    int rc;

    while (a && (strcmp(a->helper, helper) != 0 || strcmp(a->registry, registry) != 0))
        a = a->next;
    if (!a) {
        a = calloc(1, sizeof(*a));
        if (!a)
            return ferry_fail_memory(err);
        a->helper = strdup(helper);
        a->registry = strdup(registry);
        rc = a->helper && a->registry
                 ? ferry_credential_ask(helper, registry, FERRY_HELPER_SECONDS, &a->credential, err)
                 : ferry_fail_memory(err);
        if (rc < 0) {
            ferry_credential_release(&a->credential);
            free(a->helper);
            free(a->registry);
            free(a);
            return rc;
        }
        a->next = store->asked;
        store->asked = a;
    }
    return copy_credential(&a->credential, out, err);
}

/* What one file says, in the order that the header names. */
static int look_into(struct ferry_credentials *store, struct file *file, const char *name,
                     struct ferry_credential *out, struct ferry_err *err)
{
    const char *slash = strchr(name, '/');
    FERRY_OWNED_MEM char *registry = slash ? strndup(name, (size_t)(slash - name)) : strdup(name);
    const char *helper;

    if (!registry)
        return ferry_fail_memory(err);
    if (!file->loaded)
        FERRY_TRY(ferry_credential_load(file->path, false, &file->document, err));
    file->loaded = true;
    if (!file->document)
        return 0;
    helper = ferry_credential_helper(file->document, registry);
    if (helper)
        FERRY_TRY(ask_helper(store, helper, registry, out, err));
    if (ferry_credential_is_empty(out))
        FERRY_TRY(ferry_credential_entry(file->document, file->path, name, out, err));
    helper = json_string_value(json_object_get(file->document, "credsStore"));
    if (ferry_credential_is_empty(out) && helper && *helper)
        FERRY_TRY(ask_helper(store, helper, registry, out, err));
    return 0;
}

int ferry_credentials_find(struct ferry_credentials *store, const char *registry,
                           const char *repository, struct ferry_credential *out,
                           struct ferry_err *err)
{
    FERRY_OWNED_MEM char *name = NULL;
    int rc = 0;

    if (!ferry_credential_is_empty(&store->given))
        return copy_credential(&store->given, out, err);
    FERRY_TRY(ferry_text(&name, err, *repository ? "%s/%s" : "%s%s",
                         ferry_credential_registry(registry), repository));
    pthread_mutex_lock(&store->lock);
    for (size_t i = 0; rc == 0 && i < store->file_count && ferry_credential_is_empty(out); i++)
        rc = look_into(store, &store->files[i], name, out, err);
    pthread_mutex_unlock(&store->lock);
    return rc;
}
