#include "format/archive/signature.h"

#include <openssl/cmserr.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <string.h>

#include "format/archive/layout.h"
#include "format/archive/trust.h"

int ferry_signature_policy_open(const char *const *trusted, bool required,
                                struct ferry_signature_policy *out, struct ferry_err *err)
{
    *out = (struct ferry_signature_policy){ .required = required };
    if (trusted)
        return ferry_trust_new(trusted, &out->trust, err);
    if (required)
        return ferry_fail(err, FERRY_EUSAGE,
                          "--require-signature: nobody is trusted: name certificates with --trust");
    return 0;
}

void ferry_signature_policy_release(struct ferry_signature_policy *policy)
{
    ferry_trust_free(ferry_steal(&policy->trust));
}

void ferry_signature_release(struct ferry_signature *signature)
{
    for (size_t i = 0; i < signature->count; i++) {
        free(signature->signers[i].subject);
        free(signature->signers[i].issuer);
        free(signature->signers[i].fault);
    }
    free(signature->signers);
    *signature = (struct ferry_signature){ 0 };
}

/* --- the structure -------------------------------------------------------------------------- */

static int parse(const struct ferry_buf *der, CMS_ContentInfo **out, struct ferry_err *err)
{
    FERRY_OWNED_CRYPTO(CMS_ContentInfo) cms = NULL;
    const uint8_t *p = der->data;
    int signers;

    cms = d2i_CMS_ContentInfo(NULL, &p, (long)der->len);
    if (!cms)
        return ferry_crypto_fail(err, FERRY_EFORMAT, "is no CMS signature (RFC 5652) in DER");
    if (p != der->data + der->len)
        return ferry_fail(err, FERRY_EFORMAT, "%zu bytes follow the signature",
                          (size_t)(der->data + der->len - p));
    if (OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_signed ||
        OBJ_obj2nid(CMS_get0_eContentType(cms)) != NID_pkcs7_data)
        return ferry_fail(err, FERRY_EFORMAT, "is CMS, but no signature over data");
    if (CMS_is_detached(cms) != 1)
        return ferry_fail(err, FERRY_EFORMAT,
                          "carries a content of its own: expected a detached signature");
    signers = sk_CMS_SignerInfo_num(CMS_get0_SignerInfos(cms));
    if (signers <= 0)
        return ferry_fail(err, FERRY_EFORMAT, "has no signer");
    if (signers > FERRY_SIGNERS_MAX)
        return ferry_fail(err, FERRY_ELIMIT, "%d signers, limit %d", signers, FERRY_SIGNERS_MAX);
    *out = ferry_steal(&cms);
    return 0;
}

/* A chain that has digested all of `content`, by each algorithm that the signature names. */
static int digest_content(CMS_ContentInfo *cms, const struct ferry_buf *content, BIO **out,
                          struct ferry_err *err)
{
    FERRY_OWNED_CRYPTO(BIO) bytes = BIO_new_mem_buf(content->data, (int)content->len);
    FERRY_OWNED_CRYPTO(BIO) chain = NULL;
    uint8_t chunk[4096];

    if (!bytes)
        return ferry_fail_memory(err);
    chain = CMS_dataInit(cms, bytes);
    if (!chain)
        return ferry_crypto_fail(err, FERRY_EFORMAT, "its digests cannot be computed here");
    (void)ferry_steal(&bytes); /* the end of the chain */
    while (BIO_read(chain, chunk, sizeof(chunk)) > 0)
        ;
    *out = ferry_steal(&chain);
    return 0;
}

/* --- one signer ----------------------------------------------------------------------------- */

struct check {
    const struct ferry_trust *trust;
    STACK_OF(X509) * certificates; /* in the signature; may be NULL */
    BIO *digests;
};

/* Lent; NULL where nobody has it. */
static X509 *find_in(STACK_OF(X509) * list, CMS_SignerInfo *info)
{
    for (int i = 0; i < sk_X509_num(list); i++)
        if (CMS_SignerInfo_cert_cmp(info, sk_X509_value(list, i)) == 0)
            return sk_X509_value(list, i);
    return NULL;
}

static X509 *find_certificate(const struct check *c, CMS_SignerInfo *info)
{
    X509 *found = find_in(c->certificates, info);

    return found || !c->trust ? found : find_in(ferry_trust_anchors(c->trust), info);
}

/* Without a certificate a signer is known by its issuer at best. */
static int describe_unknown(CMS_SignerInfo *info, struct ferry_signer *signer,
                            struct ferry_err *err)
{
    X509_NAME *issuer = NULL;

    FERRY_TRY(ferry_text(&signer->subject, err, "somebody"));
    if (CMS_SignerInfo_get0_signer_id(info, NULL, &issuer, NULL) == 1 && issuer)
        return ferry_certificate_name(issuer, &signer->issuer, err);
    return ferry_text(&signer->issuer, err, "somebody");
}

static int describe(const X509 *certificate, struct ferry_signer *signer, struct ferry_err *err)
{
    ferry_certificate_date(X509_get0_notAfter(certificate), signer->not_after);
    FERRY_TRY(ferry_certificate_name(X509_get_subject_name(certificate), &signer->subject, err));
    FERRY_TRY(ferry_certificate_name(X509_get_issuer_name(certificate), &signer->issuer, err));
    return ferry_certificate_fingerprint(certificate, signer->sha256, err);
}

/* FERRY_EDIGEST where the signature is of other bytes, FERRY_EUNTRUSTED where that cannot be told.
 */
static int check_fit(const struct check *c, CMS_SignerInfo *info, struct ferry_err *err)
{
    unsigned long why;

    if ((CMS_signed_get_attr_count(info) < 0 || CMS_SignerInfo_verify(info) == 1) &&
        CMS_SignerInfo_verify_content(info, c->digests) == 1)
        return 0;
    why = ERR_peek_last_error();
    if (ERR_GET_LIB(why) == ERR_LIB_CMS && ERR_GET_REASON(why) == CMS_R_VERIFICATION_FAILURE) {
        ERR_clear_error();
        return ferry_fail(err, FERRY_EDIGEST, "the signature does not fit");
    }
    return ferry_crypto_fail(err, FERRY_EUNTRUSTED, "the OpenSSL of this machine cannot check it");
}

static int check_digest(CMS_SignerInfo *info, struct ferry_err *err)
{
    static const int strong[] = { NID_sha256,   NID_sha384,   NID_sha512,  NID_sha512_256,
                                  NID_sha3_256, NID_sha3_384, NID_sha3_512 };
    X509_ALGOR *algorithm = NULL;
    const ASN1_OBJECT *name = NULL;
    char text[80];

    CMS_SignerInfo_get0_algs(info, NULL, NULL, &algorithm, NULL);
    X509_ALGOR_get0(&name, NULL, NULL, algorithm);
    for (size_t i = 0; i < FERRY_COUNT(strong); i++)
        if (OBJ_obj2nid(name) == strong[i])
            return 0;
    OBJ_obj2txt(text, sizeof(text), name, 0);
    return ferry_fail(err, FERRY_EUNTRUSTED,
                      "its digest (%s) is too weak: expected sha256 or better", text);
}

/* Everything but the names. */
static int check_signer(const struct check *c, CMS_SignerInfo *info, X509 *certificate,
                        struct ferry_err *err)
{
    if (!certificate)
        return ferry_fail(err, FERRY_EUNTRUSTED, "%s",
                          c->trust ? "its certificate is neither in it nor among those of --trust"
                                   : "its certificate is not in it");
    CMS_SignerInfo_set1_signer_cert(info, certificate);
    FERRY_TRY(check_fit(c, info, err));
    FERRY_TRY(check_digest(info, err));
    FERRY_TRY(ferry_certificate_check_use(certificate, err));
    return c->trust ? ferry_trust_check(c->trust, certificate, c->certificates, err) : 0;
}

/* A signature that does not fit makes the whole BAD; any other fault is this signer's alone. */
static int add_signer(const struct check *c, CMS_SignerInfo *info, struct ferry_signature *out,
                      struct ferry_err *err)
{
    struct ferry_signer *signer = &out->signers[out->count++];
    X509 *certificate = find_certificate(c, info);
    int rc;

    FERRY_TRY(certificate ? describe(certificate, signer, err)
                          : describe_unknown(info, signer, err));
    rc = check_signer(c, info, certificate, err);
    if (rc == FERRY_ENOMEM)
        return rc;
    signer->trusted = rc == 0 && c->trust;
    if (rc == 0)
        return 0;
    FERRY_TRY(ferry_text(&signer->fault, err, "%s", err->msg));
    if (rc == FERRY_EDIGEST && out->state != FERRY_SIGNATURE_BAD) {
        out->state = FERRY_SIGNATURE_BAD;
        ferry_fail(&out->why, FERRY_EDIGEST,
                   FERRY_INDEX_NAME " is not what %s signed: it was changed, or the signature was",
                   signer->subject);
    }
    return 0;
}

/* --- all of them ---------------------------------------------------------------------------- */

/* None that counts: why not, of each. */
static int fail_untrusted(struct ferry_signature *out, struct ferry_err *err)
{
    FERRY_OWNED_BUF text;

    ferry_buf_init(&text, (size_t)FERRY_SIGNERS_MAX * 2 * FERRY_ERR_MAX);
    for (size_t i = 0; i < out->count; i++)
        FERRY_TRY(ferry_buf_print(&text, err, "%s %s (issued by %s), who is not trusted: %s",
                                  i ? "; and by" : "signed by", out->signers[i].subject,
                                  out->signers[i].issuer, out->signers[i].fault));
    out->state = FERRY_SIGNATURE_BAD;
    ferry_fail(&out->why, FERRY_EUNTRUSTED, "%s", (const char *)text.data);
    return 0;
}

static int judge(const struct check *c, struct ferry_signature *out, struct ferry_err *err)
{
    if (out->state == FERRY_SIGNATURE_BAD)
        return 0;
    if (!c->trust) {
        out->state = FERRY_SIGNATURE_UNCHECKED;
        return 0;
    }
    for (size_t i = 0; i < out->count; i++)
        if (out->signers[i].trusted)
            out->state = FERRY_SIGNATURE_TRUSTED;
    return out->state == FERRY_SIGNATURE_TRUSTED ? 0 : fail_untrusted(out, err);
}

static int check_signers(const struct check *c, CMS_ContentInfo *cms, struct ferry_signature *out,
                         struct ferry_err *err)
{
    STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos(cms);
    int count = sk_CMS_SignerInfo_num(infos);

    out->signers = calloc((size_t)count, sizeof(*out->signers));
    if (!out->signers)
        return ferry_fail_memory(err);
    for (int i = 0; i < count; i++)
        FERRY_TRY(add_signer(c, sk_CMS_SignerInfo_value(infos, i), out, err));
    return judge(c, out, err);
}

static int check(const struct ferry_buf *content, const struct ferry_buf *der,
                 const struct ferry_trust *trust, struct ferry_signature *out,
                 struct ferry_err *err)
{
    FERRY_OWNED_CRYPTO(CMS_ContentInfo) cms = NULL;
    FERRY_OWNED_CERTIFICATES certificates = NULL;
    FERRY_OWNED_CRYPTO(BIO) digests = NULL;

    FERRY_TRY(parse(der, &cms, err));
    FERRY_TRY(digest_content(cms, content, &digests, err));
    certificates = CMS_get1_certs(cms);
    return check_signers(&(struct check){ trust, certificates, digests }, cms, out, err);
}

int ferry_signature_check(const struct ferry_buf *content, const struct ferry_buf *der,
                          const struct ferry_signature_policy *policy, struct ferry_signature *out,
                          struct ferry_err *err)
{
    int rc = check(content, der, policy->trust, out, err);

    ERR_clear_error();
    if (rc == FERRY_ENOMEM)
        return rc;
    if (rc < 0) {
        out->state = FERRY_SIGNATURE_BAD;
        out->why = *err;
    }
    if (out->state == FERRY_SIGNATURE_BAD)
        ferry_wrap(&out->why, FERRY_SIGNATURE_NAME);
    return 0;
}

bool ferry_signature_is_fault(const struct ferry_signature *signature,
                              const struct ferry_signature_policy *policy)
{
    return signature->state == FERRY_SIGNATURE_BAD ||
           (signature->state == FERRY_SIGNATURE_NONE && policy->required);
}

int ferry_signer_print(const struct ferry_signer *signer, bool is_checked, struct ferry_buf *out,
                       struct ferry_err *err)
{
    if (signer->trusted)
        return ferry_buf_print(out, err, "%s (trusted)", signer->subject);
    return ferry_buf_print(out, err, "%s (not %s: %s)", signer->subject,
                           is_checked ? "trusted" : "checked",
                           signer->fault ? signer->fault : "no --trust");
}

int ferry_signature_print(const struct ferry_signature *signature, struct ferry_buf *out,
                          struct ferry_err *err)
{
    if (signature->state == FERRY_SIGNATURE_BAD)
        return ferry_buf_print(out, err, "with a signature that is not good");
    if (signature->count == 0)
        return ferry_buf_print(out, err, "not signed");
    for (size_t i = 0; i < signature->count; i++) {
        FERRY_TRY(ferry_buf_print(out, err, "%s", i ? " and " : "signed by "));
        FERRY_TRY(ferry_signer_print(&signature->signers[i],
                                     signature->state == FERRY_SIGNATURE_TRUSTED, out, err));
    }
    return 0;
}

/* --- two signatures ------------------------------------------------------------------------- */

static bool holds_all(STACK_OF(X509) * list, STACK_OF(X509) * others)
{
    for (int i = 0; i < sk_X509_num(others); i++) {
        bool found = false;

        for (int k = 0; k < sk_X509_num(list) && !found; k++)
            found = X509_cmp(sk_X509_value(list, k), sk_X509_value(others, i)) == 0;
        if (!found)
            return false;
    }
    return true;
}

/* Whether each signer of `a`, whose certificate is among `list`, signed `b` as well. */
static bool signed_both(CMS_ContentInfo *a, CMS_ContentInfo *b, STACK_OF(X509) * list)
{
    STACK_OF(CMS_SignerInfo) *of_a = CMS_get0_SignerInfos(a), *of_b = CMS_get0_SignerInfos(b);

    for (int i = 0; i < sk_CMS_SignerInfo_num(of_a); i++) {
        X509 *certificate = find_in(list, sk_CMS_SignerInfo_value(of_a, i));
        bool found = false;

        for (int k = 0; k < sk_CMS_SignerInfo_num(of_b) && !found; k++)
            found = certificate &&
                    CMS_SignerInfo_cert_cmp(sk_CMS_SignerInfo_value(of_b, k), certificate) == 0;
        if (!found)
            return false;
    }
    return sk_CMS_SignerInfo_num(of_a) == sk_CMS_SignerInfo_num(of_b);
}

bool ferry_signature_alike(const struct ferry_buf *a, const struct ferry_buf *b)
{
    FERRY_OWNED_CRYPTO(CMS_ContentInfo) first = NULL;
    FERRY_OWNED_CRYPTO(CMS_ContentInfo) second = NULL;
    FERRY_OWNED_CERTIFICATES of_first = NULL;
    FERRY_OWNED_CERTIFICATES of_second = NULL;
    struct ferry_err ignored;

    if (parse(a, &first, &ignored) < 0 || parse(b, &second, &ignored) < 0)
        return false;
    of_first = CMS_get1_certs(first);
    of_second = CMS_get1_certs(second);
    return holds_all(of_first, of_second) && holds_all(of_second, of_first) &&
           signed_both(first, second, of_first) && signed_both(second, first, of_second);
}
