#include "format/registry/tls.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "format/registry/tls_impl.h"

/* The answer for a registry that has a folder. */
struct found {
    char *registry;
    bool has_folder;
    struct ferry_tls tls;
    struct found *next;
};

struct ferry_tls_store {
    const struct ferry_session_options *options;
    struct ferry_tls common; /* what the options say, for every registry */
    pthread_mutex_t lock;    /* of the list: */
    struct found *list;
};

/* By the options alone. */
static int add_options(const struct ferry_session_options *o, struct ferry_tls *tls,
                       struct ferry_err *err)
{
    FERRY_TRY(ferry_tls_add_named(tls, err));
    if (o->cacert)
        FERRY_TRY(ferry_tls_add_ca(tls, o->cacert, err));
    if (o->cert)
        FERRY_TRY(ferry_tls_set_client(tls, o->cert, o->key, err));
    else if (o->key)
        return ferry_fail(err, FERRY_EUSAGE, "--key without --cert: whose key is %s?", o->key);
    if (o->cert_dir)
        FERRY_TRY(ferry_tls_add_folder(tls, o->cert_dir, err));
    tls->configured = o->cacert || o->cert || o->cert_dir;
    return 0;
}

int ferry_tls_store_new(const struct ferry_session_options *options, struct ferry_tls_store **out,
                        struct ferry_err *err)
{
    FERRY_OWNED(ferry_tls_store) store = calloc(1, sizeof(*store));

    if (!store)
        return ferry_fail_memory(err);
    store->options = options;
    pthread_mutex_init(&store->lock, NULL);
    ferry_tls_init(&store->common);
    FERRY_TRY(add_options(options, &store->common, err));
    *out = ferry_steal(&store);
    return 0;
}

static void found_free(struct found *f)
{
    if (!f)
        return;
    ferry_tls_release(&f->tls);
    free(f->registry);
    free(f);
}

static void found_freep(struct found **f)
{
    found_free(*f);
}

void ferry_tls_store_free(struct ferry_tls_store *store)
{
    if (!store)
        return;
    for (struct found *next, *f = store->list; f; f = next) {
        next = f->next;
        found_free(f);
    }
    ferry_tls_release(&store->common);
    pthread_mutex_destroy(&store->lock);
    free(store);
}

/* $XDG_CONFIG_HOME/tail, or ~/.config/tail, or "". */
static int own_folder(const char *tail, char **out, struct ferry_err *err)
{
    const char *config = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");

    if (config && *config)
        return ferry_text(out, err, "%s/%s", config, tail);
    if (home && *home)
        return ferry_text(out, err, "%s/.config/%s", home, tail);
    return ferry_text(out, err, "%s", "");
}

/* Gives the registry's folder, or NULL. One that may not be looked into is passed over, as podman
 * does. */
static int find_folder(const char *registry, char **out, struct ferry_err *err)
{
    static const struct {
        bool own;
        const char *path;
    } places[] = {
        { true, "containers/certs.d" },
        { false, "/etc/containers/certs.d" },
        { true, "docker/certs.d" },
        { false, "/etc/docker/certs.d" },
    };

    *out = NULL;
    if (strchr(registry, '/') || *registry == '.') /* no name of a registry */
        return 0;
    for (size_t i = 0; i < FERRY_COUNT(places); i++) {
        FERRY_OWNED_MEM char *parent = NULL;
        FERRY_OWNED_MEM char *folder = NULL;

        if (places[i].own)
            FERRY_TRY(own_folder(places[i].path, &parent, err));
        else
            FERRY_TRY(ferry_text(&parent, err, "%s", places[i].path));
        FERRY_TRY(ferry_text(&folder, err, "%s/%s", parent, registry));
        if (*parent && access(folder, R_OK | X_OK) == 0) {
            *out = ferry_steal(&folder);
            return 0;
        }
    }
    return 0;
}

/* Called with the lock. */
static int look_up(struct ferry_tls_store *store, const char *registry, struct found **out,
                   struct ferry_err *err)
{
    __attribute__((cleanup(found_freep))) struct found *f = calloc(1, sizeof(*f));
    FERRY_OWNED_MEM char *folder = NULL;

    if (!f)
        return ferry_fail_memory(err);
    ferry_tls_init(&f->tls);
    f->registry = strdup(registry);
    if (!f->registry)
        return ferry_fail_memory(err);
    if (!store->options->cert_dir)
        FERRY_TRY(find_folder(registry, &folder, err));
    if (folder) {
        FERRY_TRY(add_options(store->options, &f->tls, err));
        FERRY_TRY(ferry_tls_add_folder(&f->tls, folder, err));
        f->tls.configured = f->has_folder = true;
    }
    f->next = store->list;
    store->list = f;
    *out = ferry_steal(&f);
    return 0;
}

int ferry_tls_find(struct ferry_tls_store *store, const char *registry,
                   const struct ferry_tls **out, struct ferry_err *err)
{
    struct found *f;
    int rc = 0;

    pthread_mutex_lock(&store->lock);
    for (f = store->list; f && strcmp(f->registry, registry) != 0;)
        f = f->next;
    if (!f)
        rc = look_up(store, registry, &f, err);
    if (rc == 0)
        *out = f->has_folder ? &f->tls : &store->common;
    pthread_mutex_unlock(&store->lock);
    return rc;
}
