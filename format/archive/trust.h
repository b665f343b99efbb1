/*
 * Certificates that are trusted, and whether another one leads to them.
 *
 * What it is: each is an anchor by itself, be it a root, a certificate authority below one, or the
 * very certificate of a signer. Nothing of the system is trusted besides.
 * Owns: its certificates. Fails: FERRY_EUSAGE naming the file; FERRY_EUNTRUSTED saying why not.
 */
#ifndef FERRY_ARCHIVE_TRUST_H
#define FERRY_ARCHIVE_TRUST_H

#include "format/archive/certificate.h"

struct ferry_trust;

/* All certificates of the PEM files `paths`, which NULL ends. */
int ferry_trust_new(const char *const *paths, struct ferry_trust **out,
                    struct ferry_err *err) FERRY_MUST_USE;
void ferry_trust_free(struct ferry_trust *trust);
FERRY_OWNED_DEFINE(ferry_trust)

/* The anchors; lent. */
STACK_OF(X509) * ferry_trust_anchors(const struct ferry_trust *trust);

/* Whether `certificate` is an anchor or leads to one, by way of `others` (may be NULL), each in
 * force now and strong enough. */
int ferry_trust_check(const struct ferry_trust *trust, X509 *certificate, STACK_OF(X509) * others,
                      struct ferry_err *err) FERRY_MUST_USE;

#endif
