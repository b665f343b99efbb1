#include <string.h>

#include "format/registry/session_impl.h"

int ferry_connection_take(struct ferry_session *session, const char *registry,
                          struct ferry_connection **out, struct ferry_err *err)
{
    struct ferry_connection **best, *c;

    pthread_mutex_lock(&session->lock);
    for (best = &session->idle; *best; best = &(*best)->next)
        if (strcmp((*best)->registry, registry) == 0)
            break;
    if (!*best)
        best = &session->idle;
    c = *best;
    if (c)
        *best = c->next;
    pthread_mutex_unlock(&session->lock);
    if (!c) {
        c = calloc(1, sizeof(*c));
        if (!c)
            return ferry_fail_memory(err);
        if (ferry_http_new(&session->http_options, &c->http, err) < 0) {
            free(c);
            return (int)err->code;
        }
    }
    c->next = NULL;
    strncpy(c->registry, registry, sizeof(c->registry) - 1);
    *out = c;
    return 0;
}

void ferry_connection_give(struct ferry_session *session, struct ferry_connection **connection)
{
    struct ferry_connection *c = ferry_steal(connection);

    if (!c)
        return;
    ferry_http_end(c->http);
    c->loan++;
    pthread_mutex_lock(&session->lock);
    c->next = session->idle;
    session->idle = c;
    pthread_mutex_unlock(&session->lock);
}

void ferry_connection_free(struct ferry_connection *connection)
{
    if (!connection)
        return;
    ferry_http_free(connection->http);
    free(connection);
}
