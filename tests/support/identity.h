/*
 * Certificates with their keys, and CMS signatures by them, made on the spot.
 *
 * Owns: identities live until identity_leave_folder(), which ends every group; signatures are
 * samples. Fails: by failing the test.
 */
#ifndef TESTS_SUPPORT_IDENTITY_H
#define TESTS_SUPPORT_IDENTITY_H

#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "tests/support/sample.h"

struct identity {
    X509 *certificate;
    EVP_PKEY *key;
};

/* What is zero has the value in brackets. */
struct identity_spec {
    const char *name;              /* CN */
    const struct identity *issuer; /* [itself] */
    const char *key;               /* "RSA2048", "RSA1024", "ED25519" ["P-256"] */
    int from, until;               /* days from now [-1, +1] */
    const char *usage;             /* keyUsage; "CA" is what an authority has [none] */
};

struct identity identity_make(const struct identity_spec *spec);

/* As teardown of a group that began with sample_enter_folder(): ends that as well. */
int identity_leave_folder(void **state);

/* PEM files. With a passphrase the key is encrypted. identity_write_certificate appends. */
void identity_write_certificate(const struct identity *identity, const char *path);
void identity_write_key(const struct identity *identity, const char *path, const char *passphrase);

/* How a signature is made: by OpenSSL's own means, as its cms command does. */
struct identity_signature {
    const struct identity *signers[3]; /* the first that is NULL ends them */
    const struct identity *along;      /* a certificate that goes along */
    const char *digest;                /* ["sha256"] */
    unsigned flags;                    /* besides CMS_BINARY; [0: with attributes, not detached] */
};

struct sample identity_sign(const struct identity_signature *how, const char *content, size_t len);

#endif
