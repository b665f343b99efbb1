/*
 * Those who sign an archive: certificates with their private keys, and the signature that they make
 * (format/archive/signature.h has the check of it).
 *
 * What it is: everything that can go wrong with them is found when they are loaded, before days of
 * copying: a key that is not that of its certificate, a wrong passphrase, a certificate that is not
 * in force, a key that this machine's OpenSSL cannot sign with.
 * Owns: its certificates and keys. Files are only ever read.
 * Fails: FERRY_EUSAGE naming the file, FERRY_ECANCEL at the terminal, FERRY_ENOMEM.
 */
#ifndef FERRY_EXPORT_SIGNER_H
#define FERRY_EXPORT_SIGNER_H

#include "format/core/mem.h"

struct ferry_signers;

/* NULL-ended lists of PEM files. The i-th certificate, with others that lead from it to its root
 * behind it, goes with the i-th key; the n-th passphrase with the n-th key that wants one, and
 * where there is none it is asked for. */
struct ferry_signer_files {
    const char *const *certs, *const *keys;
    const char *const *pass_files; /* NULL: none */
};

int ferry_signers_load(const struct ferry_signer_files *files, struct ferry_signers **out,
                       struct ferry_err *err) FERRY_MUST_USE;
void ferry_signers_free(struct ferry_signers *signers);
FERRY_OWNED_DEFINE(ferry_signers)

/* "CN=Release and CN=Security" */
int ferry_signers_print(const struct ferry_signers *signers, struct ferry_buf *out,
                        struct ferry_err *err) FERRY_MUST_USE;

/* Appends the signature of all of them over `content` to `out`: DER, without a clock in it. With
 * RSA the same bytes every time. */
int ferry_signers_sign(const struct ferry_signers *signers, const struct ferry_buf *content,
                       struct ferry_buf *out, struct ferry_err *err) FERRY_MUST_USE;

#endif
