/*
 * URLs, and the origins (scheme, host, port) that they belong to.
 *
 * What it is: the one place that takes URLs apart, so that what is compared is what is used. An
 * origin is a plain value.
 * Fails: FERRY_EPROTOCOL on a URL that is neither http nor https, holds a user name, or is no URL.
 */
#ifndef FERRY_REGISTRY_ORIGIN_H
#define FERRY_REGISTRY_ORIGIN_H

#include <stdbool.h>

#include "format/core/err.h"
#include "format/oci/reference.h"

struct ferry_origin {
    bool tls;
    char host[FERRY_REGISTRY_MAX]; /* lower case, an IPv6 address in brackets */
    char port[6];                  /* always there */
};

int ferry_origin_of(const char *text, struct ferry_origin *out,
                    struct ferry_err *err) FERRY_MUST_USE;

#define FERRY_ORIGIN_TEXT_MAX (FERRY_REGISTRY_MAX + 6)

/* "host", or "host:port" where the port is not the scheme's usual one. */
void ferry_origin_format(const struct ferry_origin *origin, char out[FERRY_ORIGIN_TEXT_MAX]);

bool ferry_origin_equal(const struct ferry_origin *a, const struct ferry_origin *b);
bool ferry_origin_is_loopback(const struct ferry_origin *origin);

/* Whether a NULL-ended list (or NULL) names the origin: "" (every one), host:port, or the host
 * alone where the port is the scheme's usual one. */
bool ferry_origin_listed(const struct ferry_origin *origin, const char *const *list);

/* Gives the absolute URL that `location` (absolute or relative) means in a reply from `base`. */
int ferry_url_resolve(const char *base, const char *location, char **out,
                      struct ferry_err *err) FERRY_MUST_USE;

/* FERRY_ENET when going on from one to the other would leave TLS. */
int ferry_origin_check_hop(const struct ferry_origin *from, const struct ferry_origin *to,
                           struct ferry_err *err) FERRY_MUST_USE;

/* Length of what may be shown of a URL: without query, which may be signed. */
int ferry_url_shown(const char *url);

#endif
