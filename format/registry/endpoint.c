#include "format/registry/endpoint.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "format/core/cancel.h"
#include "format/core/thread.h"

#define SLICE_MS 200

struct endpoint {
    char *registry;
    const struct ferry_tls *tls;
    bool settled;
    bool trying;
    bool met; /* it has replied */
    struct ferry_origin origin;
    struct endpoint *next;
};

struct ferry_endpoints {
    const struct ferry_session_options *options;
    pthread_mutex_t lock;
    pthread_cond_t tried;
    struct endpoint *list;
};

int ferry_endpoints_new(const struct ferry_session_options *options, struct ferry_endpoints **out,
                        struct ferry_err *err)
{
    struct ferry_endpoints *endpoints = calloc(1, sizeof(*endpoints));

    if (!endpoints)
        return ferry_fail_memory(err);
    endpoints->options = options;
    pthread_mutex_init(&endpoints->lock, NULL);
    ferry_cond_init(&endpoints->tried);
    *out = endpoints;
    return 0;
}

void ferry_endpoints_free(struct ferry_endpoints *endpoints)
{
    if (!endpoints)
        return;
    for (struct endpoint *next, *e = endpoints->list; e; e = next) {
        next = e->next;
        free(e->registry);
        free(e);
    }
    pthread_cond_destroy(&endpoints->tried);
    pthread_mutex_destroy(&endpoints->lock);
    free(endpoints);
}

static const char *api_host(const char *registry)
{
    static const char *const hub[] = { "docker.io", "index.docker.io" };

    for (size_t i = 0; i < FERRY_COUNT(hub); i++)
        if (strcasecmp(registry, hub[i]) == 0)
            return "registry-1.docker.io";
    return registry;
}

static bool listed(const char *registry, const char *const *list)
{
    for (; list && *list; list++)
        if (**list == '\0' || strcasecmp(*list, registry) == 0)
            return true;
    return false;
}

static int set_origin(struct endpoint *e, bool tls, struct ferry_err *err)
{
    FERRY_OWNED_MEM char *url = NULL;

    FERRY_TRY(ferry_text(&url, err, "%s://%s/", tls ? "https" : "http", api_host(e->registry)));
    return ferry_origin_of(url, &e->origin, err);
}

/* Settled from the options where they say it all. */
static int init(struct endpoint *e, const char *registry, const struct ferry_tls *tls,
                const struct ferry_session_options *o, struct ferry_err *err)
{
    const bool plain = listed(registry, o->plain_http);

    e->registry = strdup(registry);
    if (!e->registry)
        return ferry_fail_memory(err);
    e->tls = tls;
    e->settled = plain || tls->configured || listed(registry, o->insecure) ||
                 !ferry_registry_is_loopback(registry);
    return set_origin(e, !plain, err);
}

/* A new registry. */
static int add(struct ferry_endpoints *endpoints, const char *registry, const struct ferry_tls *tls,
               struct endpoint **out, struct ferry_err *err)
{
    struct endpoint *e = calloc(1, sizeof(*e));
    int rc;

    if (!e)
        return ferry_fail_memory(err);
    rc = init(e, registry, tls, endpoints->options, err);
    if (rc < 0) {
        free(e->registry);
        free(e);
        return rc;
    }
    e->next = endpoints->list;
    endpoints->list = e;
    *out = e;
    return 0;
}

/* Asks over TLS. *tls is false when somebody is there who does not speak it. */
static int try_tls(const struct endpoint *e, struct ferry_http *http, bool *tls,
                   struct ferry_err *err)
{
    struct ferry_http_request request = { .method = "GET", .tls = e->tls, .probing = true };
    FERRY_OWNED_MEM char *url = NULL;
    enum ferry_http_fault fault;
    int rc;

    FERRY_TRY(ferry_text(&url, err, "https://%s/v2/", e->registry));
    request.url = url;
    rc = ferry_http_send(http, &request, err);
    fault = ferry_http_head(http)->fault;
    *tls = rc == 0;
    if (rc == FERRY_ENET && (fault == FERRY_FAULT_NOT_TLS || fault == FERRY_FAULT_BROKEN))
        rc = 0;
    if (rc == FERRY_ENET && fault == FERRY_FAULT_UNREACHED && !strrchr(e->registry, ':'))
        rc = 0; /* port 80 is still to be tried */
    return rc;
}

/* Called and returns with the lock held; not held meanwhile. */
static int settle(struct ferry_endpoints *endpoints, struct endpoint *e, struct ferry_http *http,
                  struct ferry_err *err)
{
    bool tls = true;
    int rc;

    e->trying = true;
    pthread_mutex_unlock(&endpoints->lock);
    rc = try_tls(e, http, &tls, err);
    pthread_mutex_lock(&endpoints->lock);
    e->trying = false;
    if (rc == 0)
        rc = set_origin(e, tls, err);
    e->settled = rc == 0;
    pthread_cond_broadcast(&endpoints->tried);
    return rc;
}

/* With the lock; NULL for a new one. */
static struct endpoint *look_up(const struct ferry_endpoints *endpoints, const char *registry)
{
    struct endpoint *e = endpoints->list;

    while (e && strcmp(e->registry, registry) != 0)
        e = e->next;
    return e;
}

int ferry_endpoint_find(struct ferry_endpoints *endpoints, const char *registry,
                        const struct ferry_tls *tls, struct ferry_http *http,
                        struct ferry_origin *out, struct ferry_err *err)
{
    struct endpoint *e;
    int rc = 0;

    pthread_mutex_lock(&endpoints->lock);
    e = look_up(endpoints, registry);
    if (!e)
        rc = add(endpoints, registry, tls, &e, err);
    while (rc == 0 && !e->settled) {
        if (!e->trying)
            rc = settle(endpoints, e, http, err);
        else if ((rc = ferry_cancel_check(err)) == 0)
            ferry_cond_wait(&endpoints->tried, &endpoints->lock, SLICE_MS);
    }
    if (rc == 0)
        *out = e->origin;
    pthread_mutex_unlock(&endpoints->lock);
    return rc;
}

void ferry_endpoint_meet(struct ferry_endpoints *endpoints, const char *registry)
{
    pthread_mutex_lock(&endpoints->lock);
    look_up(endpoints, registry)->met = true;
    pthread_mutex_unlock(&endpoints->lock);
}

bool ferry_endpoint_is_met(struct ferry_endpoints *endpoints, const char *registry)
{
    const struct endpoint *e;
    bool met;

    pthread_mutex_lock(&endpoints->lock);
    e = look_up(endpoints, registry);
    met = e && e->met;
    pthread_mutex_unlock(&endpoints->lock);
    return met;
}

enum ferry_transport ferry_endpoint_transport(struct ferry_endpoints *endpoints,
                                              const char *registry)
{
    const struct ferry_session_options *o = endpoints->options;
    bool plain = listed(registry, o->plain_http);
    const struct endpoint *e;

    pthread_mutex_lock(&endpoints->lock);
    e = look_up(endpoints, registry);
    if (e && e->settled)
        plain = !e->origin.tls;
    pthread_mutex_unlock(&endpoints->lock);
    if (plain)
        return FERRY_TRANSPORT_PLAIN;
    return listed(registry, o->insecure) ? FERRY_TRANSPORT_UNCHECKED : FERRY_TRANSPORT_TLS;
}
