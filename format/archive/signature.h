/*
 * The signature of an archive: CMS SignedData (RFC 5652), detached, over the bytes of index.json,
 * which reaches all the rest by digest (SPEC.md 2.9, 5.7).
 *
 * What it is: the check of such a signature. Each signer is looked at by himself: does his
 * signature fit the bytes, is it strong enough, does his certificate lead to one that is trusted?
 * One good signer is enough; one whose signature does not fit spoils it all. Owns: a result owns
 * its texts. A policy owns what it trusts. Fails: FERRY_ENOMEM alone; what is wrong with a
 * signature is in the result. Threads: a policy may be shared.
 */
#ifndef FERRY_ARCHIVE_SIGNATURE_H
#define FERRY_ARCHIVE_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>

#include "format/archive/certificate.h"

#define FERRY_SIGNATURE_MAX ((size_t)1024 * 1024) /* bytes of index.json.p7s: SPEC 6 */
#define FERRY_SIGNERS_MAX 64

struct ferry_trust;

/* What is demanded of a signature. Zeroed demands only that one that is there fits. */
struct ferry_signature_policy {
    struct ferry_trust *trust; /* NULL: nobody is trusted, and signers are only named */
    bool required;             /* an archive without a signature is as bad as one with a bad one */
    bool reports; /* what is bad is in the result alone: whoever reads the archive goes on */
};

#define FERRY_OWNED_SIGNATURE_POLICY                                                               \
    __attribute__((cleanup(ferry_signature_policy_release))) struct ferry_signature_policy

/* Reads the files of --trust (NULL-ended, or NULL). FERRY_EUSAGE naming a file, or where a
 * signature is required and nobody trusted. Release *out also after a failure. */
int ferry_signature_policy_open(const char *const *trusted, bool required,
                                struct ferry_signature_policy *out,
                                struct ferry_err *err) FERRY_MUST_USE;
void ferry_signature_policy_release(struct ferry_signature_policy *policy);

struct ferry_signer {
    char *subject, *issuer;                  /* of his certificate */
    char sha256[FERRY_FINGERPRINT_TEXT_MAX]; /* its fingerprint; "" where it is not known */
    char not_after[FERRY_DATE_TEXT_MAX];     /*   and so is this */
    bool trusted;
    char
        *fault; /* why his signature counts for nothing; NULL where it does, or nobody is trusted */
};

enum ferry_signature_state {
    FERRY_SIGNATURE_UNKNOWN,   /* it was not come to */
    FERRY_SIGNATURE_NONE,      /* there is none */
    FERRY_SIGNATURE_UNCHECKED, /* it fits; nobody is trusted */
    FERRY_SIGNATURE_TRUSTED,   /* it fits, and a signer is trusted */
    FERRY_SIGNATURE_BAD
};

struct ferry_signature {
    enum ferry_signature_state state;
    struct ferry_signer *signers;
    size_t count;
    struct ferry_err why; /* NONE and BAD: what is wrong */
};

/*
 * Checks the signature `der`, of at most FERRY_SIGNATURE_MAX bytes, over `content`. *out, zeroed
 * before, is BAD, UNCHECKED or TRUSTED then.
 */
int ferry_signature_check(const struct ferry_buf *content, const struct ferry_buf *der,
                          const struct ferry_signature_policy *policy, struct ferry_signature *out,
                          struct ferry_err *err) FERRY_MUST_USE;
void ferry_signature_release(struct ferry_signature *signature);

/* Whether the archive is to be refused for it. */
bool ferry_signature_is_fault(const struct ferry_signature *signature,
                              const struct ferry_signature_policy *policy);

/* "CN=Release (trusted)", "CN=Release (not checked: no --trust)". */
int ferry_signer_print(const struct ferry_signer *signer, bool is_checked, struct ferry_buf *out,
                       struct ferry_err *err) FERRY_MUST_USE;

/* "signed by CN=Release (trusted) and CN=Lab (not trusted: ...)", "not signed". */
int ferry_signature_print(const struct ferry_signature *signature, struct ferry_buf *out,
                          struct ferry_err *err) FERRY_MUST_USE;

/* Whether two signatures are by the same signers and hold the same certificates: what an algorithm
 * that draws random numbers (ECDSA) makes of one content twice. */
bool ferry_signature_alike(const struct ferry_buf *a, const struct ferry_buf *b);

#endif
