/*
 * Where a registry's API is: host, port, and whether it speaks TLS.
 *
 * What it is: the memory of that for each registry. https, unless plain HTTP was asked for; a
 * registry on this machine of which no option and no certs.d folder speaks is tried with https
 * first and then plain HTTP, once. Docker Hub's API is at registry-1.docker.io. Owns: its list.
 * Options are borrowed for as long as it lives. Fails: as ferry_http_send; then nothing is
 * remembered. Threads: any; of several that meet a new registry one tries and the others wait.
 */
#ifndef FERRY_REGISTRY_ENDPOINT_H
#define FERRY_REGISTRY_ENDPOINT_H

#include "format/registry/http.h"
#include "format/registry/origin.h"
#include "format/registry/session.h"

struct ferry_endpoints;

int ferry_endpoints_new(const struct ferry_session_options *options, struct ferry_endpoints **out,
                        struct ferry_err *err) FERRY_MUST_USE;
void ferry_endpoints_free(struct ferry_endpoints *endpoints);
FERRY_OWNED_DEFINE(ferry_endpoints)

/* `tls` is what is known of the registry's; `http` carries the trial if one is due. */
int ferry_endpoint_find(struct ferry_endpoints *endpoints, const char *registry,
                        const struct ferry_tls *tls, struct ferry_http *http,
                        struct ferry_origin *out, struct ferry_err *err) FERRY_MUST_USE;

/* Whether there ever was a reply of the registry; ferry_endpoint_meet() says so, and is for a
 * registry that was found. */
void ferry_endpoint_meet(struct ferry_endpoints *endpoints, const char *registry);
bool ferry_endpoint_is_met(struct ferry_endpoints *endpoints, const char *registry);

/* As ferry_session_transport(). */
enum ferry_transport ferry_endpoint_transport(struct ferry_endpoints *endpoints,
                                              const char *registry);

#endif
