/* What tls.c (which files) and tls_files.c (what is in them) share. */
#ifndef FERRY_REGISTRY_TLS_IMPL_H
#define FERRY_REGISTRY_TLS_IMPL_H

#include "format/registry/tls.h"

void ferry_tls_init(struct ferry_tls *tls);
void ferry_tls_release(struct ferry_tls *tls);

/* Adds the certificates of a PEM file. The first ones come after those of the system. */
int ferry_tls_add_ca(struct ferry_tls *tls, const char *path, struct ferry_err *err) FERRY_MUST_USE;

/* Adds $SSL_CERT_FILE, if set, which stands for the system's. */
int ferry_tls_add_named(struct ferry_tls *tls, struct ferry_err *err) FERRY_MUST_USE;

/* Sets the client certificate; `key` NULL: it is in the same file. */
int ferry_tls_set_client(struct ferry_tls *tls, const char *cert, const char *key,
                         struct ferry_err *err) FERRY_MUST_USE;

/* Adds all that a folder has; its client certificate only where none is set yet. */
int ferry_tls_add_folder(struct ferry_tls *tls, const char *path,
                         struct ferry_err *err) FERRY_MUST_USE;

#endif
