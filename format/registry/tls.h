/*
 * TLS by registry: whose certificates are believed, and which one is shown.
 *
 * What it is: the options (--cacert, --cert, --key, --cert-dir) and the certs.d folders of
 * containers and docker, as one answer for each registry. Without --cert-dir a registry's folder is
 * the first of these that is there, named as the registry is in references, HOST[:PORT]:
 *   $XDG_CONFIG_HOME/containers/certs.d (~/.config), /etc/containers/certs.d,
 *   $XDG_CONFIG_HOME/docker/certs.d (~/.config; rootless docker), /etc/docker/certs.d.
 * In a folder, *.crt are certificate authorities, believed besides the system's, and NAME.cert with
 * NAME.key is a client certificate, of several the first by name. --cert goes before it.
 * What a registry's folder believes is believed of the hosts that it redirects to as well; its
 * client certificate is shown where its credentials may go, and nowhere else.
 * Owns: every answer, until it is freed itself. Options are borrowed for as long as it lives.
 * Fails: FERRY_EUSAGE naming the file: unreadable, not PEM, a key that does not belong to its
 * certificate or wants a password, a certificate without key, a key without certificate.
 * Threads: any.
 * Limits: 16 MiB of certificate authorities.
 */
#ifndef FERRY_REGISTRY_TLS_H
#define FERRY_REGISTRY_TLS_H

#include <stdbool.h>

#include "format/core/mem.h"
#include "format/registry/session.h"

struct ferry_tls {
    struct ferry_buf ca; /* PEM of all that is believed; empty: what libcurl believes */
    char *cert;          /* file with the client certificate, or NULL */
    char *key;           /* file with its key */
    bool configured;     /* somebody spoke of TLS for this registry, so it has it */
};

struct ferry_tls_store;

/* What options name is read and checked at once. */
int ferry_tls_store_new(const struct ferry_session_options *options, struct ferry_tls_store **out,
                        struct ferry_err *err) FERRY_MUST_USE;
void ferry_tls_store_free(struct ferry_tls_store *store);
FERRY_OWNED_DEFINE(ferry_tls_store)

int ferry_tls_find(struct ferry_tls_store *store, const char *registry,
                   const struct ferry_tls **out, struct ferry_err *err) FERRY_MUST_USE;

#endif
