/* What session.c (calls), session_reply.c (what came back) and connection.c (who carries it) share.
 */
#ifndef FERRY_REGISTRY_SESSION_IMPL_H
#define FERRY_REGISTRY_SESSION_IMPL_H

#include <pthread.h>

#include "format/registry/auth.h"
#include "format/registry/endpoint.h"
#include "format/registry/http.h"
#include "format/registry/session.h"

/* An HTTP carrier, and whom it last talked to. */
struct ferry_connection {
    struct ferry_http *http;
    char registry[FERRY_REGISTRY_MAX];
    unsigned loan; /* counts; a body that outlives its reply has an old number */
    struct ferry_connection *next;
};

struct ferry_session {
    struct ferry_session_options options;
    struct ferry_http_options http_options;
    struct ferry_rate rate;
    struct ferry_tls_store *tls;
    struct ferry_credentials *credentials;
    struct ferry_auth *auth;
    struct ferry_endpoints *endpoints;
    pthread_mutex_t lock;          /* of the list: */
    struct ferry_connection *idle; /* the last one used comes first */
};

/* An idle connection, best one that last talked to `registry`, or a new one. */
int ferry_connection_take(struct ferry_session *session, const char *registry,
                          struct ferry_connection **out, struct ferry_err *err) FERRY_MUST_USE;

/* Ends what it carries and puts it back; takes *connection, NULL is legal. */
void ferry_connection_give(struct ferry_session *session, struct ferry_connection **connection);

void ferry_connection_free(struct ferry_connection *connection);

/* Fills *reply from the head that is there; takes *connection. `url` is where it came from. */
int ferry_reply_fill(struct ferry_session *session, struct ferry_connection **connection,
                     const char *url, struct ferry_reply *reply,
                     struct ferry_err *err) FERRY_MUST_USE;

#endif
