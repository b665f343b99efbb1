/*
 * Certificates (X.509) as OpenSSL has them: reading them from PEM files, words for people, and what
 * must hold of one that signs.
 *
 * Owns: what is given belongs to the caller; FERRY_OWNED_CRYPTO ends it.
 * Fails: FERRY_EUNTRUSTED where a certificate is not fit to sign, FERRY_EUSAGE for a file, naming
 * it, FERRY_ENOMEM. After a failure OpenSSL's queue of errors, in which others would find it, is
 * empty.
 */
#ifndef FERRY_ARCHIVE_CERTIFICATE_H
#define FERRY_ARCHIVE_CERTIFICATE_H

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stddef.h>

#include "format/core/mem.h"

/* FERRY_OWNED_CRYPTO(X509) certificate = NULL; ... freed when it leaves scope. */
#define FERRY_OWNED_CRYPTO(type) __attribute__((cleanup(ferry_##type##_freep))) type *
#define FERRY_OWNED_CERTIFICATES __attribute__((cleanup(ferry_certificates_freep))) STACK_OF(X509) *

static inline void ferry_BIO_freep(BIO **p)
{
    BIO_free_all(*p);
}

static inline void ferry_X509_freep(X509 **p)
{
    X509_free(*p);
}

static inline void ferry_EVP_PKEY_freep(EVP_PKEY **p)
{
    EVP_PKEY_free(*p);
}

static inline void ferry_CMS_ContentInfo_freep(CMS_ContentInfo **p)
{
    CMS_ContentInfo_free(*p);
}

static inline void ferry_X509_STORE_CTX_freep(X509_STORE_CTX **p)
{
    X509_STORE_CTX_free(*p);
}

static inline void ferry_certificates_freep(STACK_OF(X509) * *p)
{
    sk_X509_pop_free(*p, X509_free);
}

#define FERRY_CERTIFICATES_MAX ((size_t)1024 * 1024) /* bytes of a file of them: SPEC 6 */
#define FERRY_DATE_TEXT_MAX 32
#define FERRY_FINGERPRINT_TEXT_MAX 65

/* "what: " and the reason that OpenSSL has; FERRY_ENOMEM where that is the reason. */
int ferry_crypto_fail(struct ferry_err *err, enum ferry_code code, const char *what);

/* All certificates of a PEM file, in their order; at least one. `option` is for the message. */
int ferry_certificates_read(const char *option, const char *path, STACK_OF(X509) * *out,
                            struct ferry_err *err) FERRY_MUST_USE;

/* "CN=Release,O=Example", fit for a terminal. */
int ferry_certificate_name(const X509_NAME *name, char **out, struct ferry_err *err) FERRY_MUST_USE;

/* "2026-12-31T23:59:59Z" */
void ferry_certificate_date(const ASN1_TIME *time, char out[FERRY_DATE_TEXT_MAX]);

/* sha256 of the certificate, as hexadecimal digits. */
int ferry_certificate_fingerprint(const X509 *certificate, char out[FERRY_FINGERPRINT_TEXT_MAX],
                                  struct ferry_err *err) FERRY_MUST_USE;

/* Whether it is in force now. */
int ferry_certificate_check_dates(const X509 *certificate, struct ferry_err *err) FERRY_MUST_USE;

/* Whether its key may sign data, and is strong enough. */
int ferry_certificate_check_use(X509 *certificate, struct ferry_err *err) FERRY_MUST_USE;

#endif
