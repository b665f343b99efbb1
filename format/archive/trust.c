#include "format/archive/trust.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

/* OpenSSL's level of 112 bits: no RSA below 2048, and no certificate signed by way of SHA-1. */
#define AUTH_LEVEL 2

struct ferry_trust {
    X509_STORE *store;
    STACK_OF(X509) * anchors;
};

void ferry_trust_free(struct ferry_trust *trust)
{
    if (!trust)
        return;
    X509_STORE_free(trust->store);
    sk_X509_pop_free(trust->anchors, X509_free);
    free(trust);
}

/* Every certificate of `list` moves to the anchors. */
static int add_anchors(struct ferry_trust *trust, STACK_OF(X509) * list, struct ferry_err *err)
{
    while (sk_X509_num(list) > 0) {
        FERRY_OWNED_CRYPTO(X509) next = sk_X509_shift(list);

        if (X509_STORE_add_cert(trust->store, next) != 1 || sk_X509_push(trust->anchors, next) == 0)
            return ferry_crypto_fail(err, FERRY_EUSAGE, "a certificate cannot be trusted");
        (void)ferry_steal(&next);
    }
    return 0;
}

int ferry_trust_new(const char *const *paths, struct ferry_trust **out, struct ferry_err *err)
{
    FERRY_OWNED(ferry_trust) trust = calloc(1, sizeof(*trust));

    if (!trust)
        return ferry_fail_memory(err);
    trust->store = X509_STORE_new();
    trust->anchors = sk_X509_new_null();
    if (!trust->store || !trust->anchors)
        return ferry_fail_memory(err);
    for (; *paths; paths++) {
        FERRY_OWNED_CERTIFICATES list = NULL;

        FERRY_TRY(ferry_certificates_read("--trust", *paths, &list, err));
        if (add_anchors(trust, list, err) < 0)
            return ferry_wrap(err, "--trust %s", *paths);
    }
    *out = ferry_steal(&trust);
    return 0;
}

STACK_OF(X509) * ferry_trust_anchors(const struct ferry_trust *trust)
{
    return trust->anchors;
}

/* What OpenSSL found wrong, in words that name the certificate it met it at. */
static int explain(X509_STORE_CTX *ctx, struct ferry_err *err)
{
    int why = X509_STORE_CTX_get_error(ctx);
    X509 *at = X509_STORE_CTX_get_current_cert(ctx);
    FERRY_OWNED_MEM char *name = NULL;

    ERR_clear_error();
    if (why == X509_V_ERR_OUT_OF_MEM)
        return ferry_fail_memory(err);
    if (at && (why == X509_V_ERR_CERT_HAS_EXPIRED || why == X509_V_ERR_CERT_NOT_YET_VALID))
        FERRY_TRY(ferry_certificate_check_dates(at, err));
    switch (why) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        return ferry_fail(err, FERRY_EUNTRUSTED, "it leads to no certificate of --trust");
    default:
        break;
    }
    if (at)
        FERRY_TRY(ferry_certificate_name(X509_get_subject_name(at), &name, err));
    return ferry_fail(err, FERRY_EUNTRUSTED, "the certificate of %s: %s", name ? name : "?",
                      X509_verify_cert_error_string(why));
}

int ferry_trust_check(const struct ferry_trust *trust, X509 *certificate, STACK_OF(X509) * others,
                      struct ferry_err *err)
{
    FERRY_OWNED_CRYPTO(X509_STORE_CTX) ctx = X509_STORE_CTX_new();
    X509_VERIFY_PARAM *param;

    if (!ctx || X509_STORE_CTX_init(ctx, trust->store, certificate, others) != 1)
        return ferry_crypto_fail(err, FERRY_ENOMEM, "certificates");
    param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
    if (X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN) != 1 ||
        X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_ANY) != 1)
        return ferry_crypto_fail(err, FERRY_EUNTRUSTED, "certificates");
    return X509_verify_cert(ctx) == 1 ? 0 : explain(ctx, err);
}
