/*
 * The wire to registries: one call, authenticated, retried, with the origin rules kept.
 *
 * What it is: everything that a program asks of any registry goes through one session, which knows
 * for each registry its scheme (https, http), credentials and tokens, and holds idle connections.
 * A call is one request of distribution-spec 1.1; the reply's body is a source that pulls.
 * Owns: the session owns connections; a reply borrows one until ferry_reply_release().
 * Fails: FERRY_ENET when a server could not be reached or broke off after all retries, FERRY_ESTALL
 * when one was silent, FERRY_EAUTH when credentials were refused, FERRY_ECANCEL. Any HTTP status
 * that was received is a success of the call: look at reply->status, or let ferry_reply_fail() say
 * what it means. (401 after credentials were tried is FERRY_EAUTH already; 429 and 5xx come back
 * only after the retries.)
 * Threads: any number may call at once; a reply belongs to one thread.
 * Limits: reply headers 64 KiB in all, 5 redirects, connect 20 s, `stall_seconds` of silence, which
 * is also less than FERRY_STALL_BYTES (retry.h). A silent server is not asked again, but for one
 * time where the silence may be that of a connection which was used before.
 *
 * Origin rules: an Authorization header goes only to the scheme, host and port of the registry it
 * is for, and credentials beyond that only to the token service that the registry itself named
 * over TLS (or on loopback). A redirect or a Location elsewhere carries none; a redirect from https
 * to http is refused. A foreign URL, which the content of an image names, gets no credentials and
 * no client certificate at all, not even at a registry whose host it is.
 */
#ifndef FERRY_REGISTRY_SESSION_H
#define FERRY_REGISTRY_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "format/core/blob.h"
#include "format/oci/reference.h"

#define FERRY_API_CODE_MAX 48

struct ferry_session;

/* All texts are borrowed for as long as the session lives. NULL or 0 means "not given". */
struct ferry_session_options {
    const char *user_agent;
    const char *authfile;          /* in place of all the usual credential files */
    const char *creds;             /* USER[:PASSWORD], for every registry that asks */
    const char *cacert;            /* PEM bundle, beside the system's */
    const char *cert;              /* PEM client certificate, for every registry that asks */
    const char *key;               /* its key; NULL: in the same file */
    const char *cert_dir;          /* *.crt, *.cert and *.key, in place of the certs.d folders */
    const char *const *plain_http; /* NULL-ended hosts ("" = every host) to speak plain HTTP to */
    const char *const *insecure;   /* NULL-ended hosts ("" = every host): certificates unchecked */
    int retries;                   /* attempts after the first; each with back-off and jitter */
    int stall_seconds;             /* give up on a server that is silent for so long; 0: 60, and
                                      600 behind a proxy that the environment names, which may
                                      scan what it passes on, and holds that back meanwhile */
    int64_t limit_rate;            /* bytes a second, of all transfers together */
    bool verbose;                  /* `note` is told of every request and its reply as well */
    void (*note)(void *ctx,
                 const char *text); /* a line for people: a retry, a fall-back; any thread */
    void *note_ctx;
};

int ferry_session_new(const struct ferry_session_options *options, struct ferry_session **out,
                      struct ferry_err *err) FERRY_MUST_USE;
void ferry_session_free(struct ferry_session *session); /* no reply may be out */
FERRY_OWNED_DEFINE(ferry_session)

enum ferry_access {
    FERRY_ACCESS_PULL,
    FERRY_ACCESS_PUSH /* includes pull */
};

/* One request. All pointers are borrowed for the call; `body` until the reply is here. */
struct ferry_call {
    const char *registry;   /* host[:port] as in a reference; "docker.io" is its API host */
    const char *repository; /* scope of the token, and of `path` */
    enum ferry_access access;
    const char *mount_from; /* a further repository that the token must permit to pull; or NULL */
    const char *method;     /* "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE" */
    const char *path; /* what follows /v2/<repository>/ : "manifests/1.0"; or NULL: use `url` */
    const char *url;  /* an absolute URL that an earlier reply gave as `location` */
    bool foreign;     /* `url` is none of the registry's: a stranger's, whose host is `registry` */
    const char *accept; /* Accept header, or NULL */
    const char *content_type;
    struct ferry_source *body; /* read from where it stands; or NULL */
    int64_t body_size;         /* all that is left in `body`: to send again, it is rewound to its
                                  size less this. A chunk is a source of its own. */
    int64_t settles;           /* bytes that the server may have to move before it replies */
    const char *content_range; /* "first-last", of an upload chunk; or NULL */
    int64_t range_first;       /* Range: bytes=first-last; both 0 when no range is asked for, */
    int64_t range_last;        /*   so a range that is asked for has last > 0 or is_range set */
    bool is_range;
    bool once;       /* the caller recovers by itself: no retry once a byte of the body was sent */
    bool last_words; /* to clean up: goes out after a cancel as well, is given a second, and is not
                        retried */
};

struct ferry_reply {
    int status;
    bool elsewhere;       /* not the registry's own words: it sent us on to another host */
    bool foreign;         /* as in the call */
    int64_t length;       /* Content-Length, -1 unknown */
    char *content_type;   /* without parameters; "" when absent */
    char *location;       /* absolute, resolved against the request; NULL when absent, or of no
                             use (of a 202 that is a failure) */
    char *content_digest; /* Docker-Content-Digest as sent, unchecked; NULL when absent */
    char *link;           /* all Link headers, joined by commas; NULL: see ferry_reply_next() */
    bool lists_referrer;  /* OCI-Subject: the manifest that was put is listed as a referrer now */
    char error_code[FERRY_API_CODE_MAX]; /* what ferry_reply_fail() found: "MANIFEST_INVALID", or ""
                                            where the server gave none */
    int64_t range_first; /* Content-Range of a 206: first, last, total (-1 unknown) */
    int64_t range_last;
    int64_t range_total;
    int64_t upload_end; /* Range of an upload session as a count of bytes that the registry has: the
                           offset to go on at, 0 for nothing yet; -1 no header */
    int64_t chunk_min;  /* OCI-Chunk-Min-Length of an upload session; -1 no header */
    int64_t retry_after_ms;              /* -1 no header */
    struct ferry_source *body;           /* one pass; owned by the reply, freed with it */
    struct ferry_connection *connection; /* the session's */
    struct ferry_session *session;
};

/*
 * Sends one request and reads the reply's head. 401 is answered with credentials or a new token,
 * once, also where `once` is set; if the body cannot be sent again the 401 is the reply, and the
 * next call does better. Redirects are followed (307 and 308 with the method and body; the others
 * for GET and HEAD). 429, 5xx, failures to connect and resets are retried where the body, if any,
 * can be rewound and `once` does not forbid it; where no reply ever came from the registry, a host
 * that is unknown or refuses twice at most.
 * So is what a host that the registry redirects to answers with 400, 401, 403 or 410: signed
 * addresses expire, and the registry gives a new one.
 * A body source that fails ends the call with its own failure, and the request stays incomplete.
 * On success *reply must be released.
 */
int ferry_session_call(struct ferry_session *session, const struct ferry_call *call,
                       struct ferry_reply *reply, struct ferry_err *err) FERRY_MUST_USE;

/* Gives the connection back (after the body was read to its end) or closes it. Legal on a zeroed
 * reply, and twice. */
void ferry_reply_release(struct ferry_reply *reply);
#define FERRY_OWNED_REPLY __attribute__((cleanup(ferry_reply_release))) struct ferry_reply

/*
 * Fills *err for a status that the caller did not want: the kind by the status, and a text with
 * the registry's own code and message (the first KiB of its errors document) and a remedy.
 * Always returns a negative code.
 */
int ferry_reply_fail(struct ferry_reply *reply, struct ferry_err *err);

/*
 * Where the list that this reply begins goes on: gives the absolute URL of its Link "next", for
 * `url` of the next call, or NULL at the end of the list. FERRY_EPROTOCOL when the header is none,
 * or leads to another scheme, host or port than the reply came from.
 */
int ferry_reply_next(const struct ferry_reply *reply, char **out,
                     struct ferry_err *err) FERRY_MUST_USE;

/*
 * How long to wait before attempt `attempt` (1 is the first retry) of something that callers
 * retry by themselves (a range, an upload): 0.2 s doubling to 10 s, with jitter. Returns
 * FERRY_ECANCEL when cancelled meanwhile.
 */
int ferry_session_backoff(struct ferry_session *session, int attempt,
                          struct ferry_err *err) FERRY_MUST_USE;

enum ferry_transport {
    FERRY_TRANSPORT_TLS,
    FERRY_TRANSPORT_UNCHECKED, /* TLS, and the certificate may be any */
    FERRY_TRANSPORT_PLAIN      /* HTTP */
};

/* How a registry is spoken to: as the options say, and where they leave it open (a registry on
 * loopback) as it turned out with the first call. */
enum ferry_transport ferry_session_transport(struct ferry_session *session, const char *registry);

/* The `retries` that the session was made with. */
int ferry_session_retries(const struct ferry_session *session);

#endif
