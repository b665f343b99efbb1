/*
 * One HTTP exchange after the other over libcurl: a request, the reply's head, its body pulled.
 *
 * What it is: a libcurl easy handle with a multi handle of its own, which keeps the connections
 * that it opened (one per host, a few hosts) for the next request. Reading the body drives the
 * transfer until bytes are there; they are copied once, straight into the caller's buffer. HTTP/1.1
 * on purpose: one transfer a connection, so N of these carry N TCP windows.
 * It follows no redirect, sends no credentials of its own, decodes nothing.
 * Owns: all handles. Options are borrowed for as long as it lives, a request for the call.
 * Fails: FERRY_ENET with ferry_http_head::fault telling what kind; FERRY_ESTALL; FERRY_EPROTOCOL
 * for a reply that breaks the rules; FERRY_ECANCEL within 200 ms of ferry_cancel(); a failure of
 * the request's body source is returned as it is. Threads: one at a time. Limits: headers of a
 * reply 64 KiB; connect, TLS included, 20 s or `stall_seconds` if that is less; a stall is
 * FERRY_STALL_BYTES not moved within `stall_seconds` of waiting for the server. Time in which the
 * caller, the body's source or the rate limit keeps the server waiting does not count.
 */
#ifndef FERRY_REGISTRY_HTTP_H
#define FERRY_REGISTRY_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "format/core/blob.h"
#include "format/registry/rate.h"
#include "format/registry/tls.h"

#define FERRY_HTTP_HEADERS_MAX ((size_t)64 * 1024)

struct ferry_http;

struct ferry_http_options {
    const char *user_agent;
    int stall_seconds;
    int proxied_stall_seconds; /* the same, behind a proxy that the environment names */
    struct ferry_rate *rate;   /* shared by all that have it; NULL: no limit */
    void (*trace)(void *ctx, const char *line); /* told of each exchange; any thread; or NULL */
    void *trace_ctx;
};

struct ferry_http_request {
    const char *method;
    const char *url;
    const char *authorization; /* value of the header, or NULL; so for the next three */
    const char *accept;
    const char *content_type;
    const char *content_range;
    bool is_range; /* Range: bytes=first-last */
    int64_t range_first;
    int64_t range_last;
    struct ferry_source *body; /* or NULL */
    int64_t body_size;
    int64_t settles; /* bytes that the server may have to move before it replies, which gives it a
                        second more for each 4 MiB */
    const struct ferry_tls *tls; /* borrowed for the exchange; NULL: what libcurl believes */
    bool show_client;            /* its client certificate, if any, may be shown there */
    bool insecure;               /* do not check the certificate */
    bool fresh;                  /* over a new connection */
    bool probing;                /* a server that may not speak TLS: do not wait long for it */
    bool no_expect;              /* no Expect: 100-continue */
    int within_ms; /* all of it up to the head of the reply, and then a cancel does not stop it;
                       or 0 */
};

enum ferry_http_fault {
    FERRY_FAULT_NONE,
    FERRY_FAULT_UNREACHED, /* nobody there: unlikely to mend by itself */
    FERRY_FAULT_NOT_TLS,   /* somebody there who does not speak TLS, or not in time */
    FERRY_FAULT_BROKEN,    /* reset, cut off, fallen silent */
    FERRY_FAULT_FINAL      /* will not get better: certificate, cancel, our own input */
};

struct ferry_http_head {
    int status;        /* 0 until a head is here */
    int64_t length;    /* Content-Length, -1 unknown */
    int64_t body_size; /* of what can be read: 0 for HEAD, else `length` */
    int64_t sent;      /* bytes taken from the request's body */
    bool reused;       /* went over a connection that had been used before */
    enum ferry_http_fault fault;
};

int ferry_http_new(const struct ferry_http_options *options, struct ferry_http **out,
                   struct ferry_err *err) FERRY_MUST_USE;
void ferry_http_free(struct ferry_http *http);
FERRY_OWNED_DEFINE(ferry_http)

/* Sends the request and waits for the head of the reply. Ends what went before. */
int ferry_http_send(struct ferry_http *http, const struct ferry_http_request *request,
                    struct ferry_err *err) FERRY_MUST_USE;

/* Of the last request, whether it succeeded or failed; until the next, or ferry_http_end(). */
const struct ferry_http_head *ferry_http_head(const struct ferry_http *http);

/* What was asked for last. */
const char *ferry_http_url(const struct ferry_http *http);

/* Value of the nth (0, ...) header of that name (any case) in the last reply, or NULL. Valid as
 * long as the head is. */
const char *ferry_http_header(const struct ferry_http *http, const char *name, size_t nth);

/* The next bytes of the body; *got == 0 at its end. */
int ferry_http_read(struct ferry_http *http, void *buf, size_t cap, size_t *got,
                    struct ferry_err *err) FERRY_MUST_USE;

/* Done with the reply, head and all. What is left of its body is read if it is little, so that the
 * connection can be used again; else the connection is closed. */
void ferry_http_end(struct ferry_http *http);

#endif
