#include "export/signer.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#include "export/passphrase.h"
#include "format/archive/certificate.h"
#include "format/archive/signature.h"

/* Detached, over the very bytes, and nothing beside the signature: least of all the time. */
#define FLAGS (CMS_DETACHED | CMS_BINARY | CMS_PARTIAL | CMS_NOATTR)

struct signer {
    STACK_OF(X509) * certificates; /* the signer's own is the first */
    EVP_PKEY *key;
};

struct ferry_signers {
    size_t count;
    struct signer items[];
};

void ferry_signers_free(struct ferry_signers *signers)
{
    if (!signers)
        return;
    for (size_t i = 0; i < signers->count; i++) {
        sk_X509_pop_free(signers->items[i].certificates, X509_free);
        EVP_PKEY_free(signers->items[i].key);
    }
    free(signers);
}

static X509 *certificate_of(const struct signer *signer)
{
    return sk_X509_value(signer->certificates, 0);
}

/* --- private keys --------------------------------------------------------------------------- */

/* Where passphrases come from, and what became of the one for the key that is being read. */
struct passphrases {
    const char *const *files; /* those not used yet */
    const char *key;
    char text[PEM_BUFSIZE];
    size_t len; /* 0: not asked for yet */
    bool asked;
    struct ferry_err err;
};

static int get_passphrase(struct passphrases *p)
{
    p->asked = true;
    if (p->files && *p->files)
        return ferry_passphrase_read(*p->files++, p->text, sizeof(p->text), &p->len, &p->err);
    return ferry_passphrase_ask(p->key, p->text, sizeof(p->text), &p->len, &p->err);
}

/* What OpenSSL calls for an encrypted key, maybe more than once. */
static int on_passphrase(char *buf, int size, int writing, void *ctx)
{
    struct passphrases *p = ctx;

    (void)writing;
    if (p->err.code != FERRY_OK || (p->len == 0 && get_passphrase(p) < 0) || p->len > (size_t)size)
        return -1;
    memcpy(buf, p->text, p->len);
    return (int)p->len;
}

static int parse_key(BIO *file, struct passphrases *p, EVP_PKEY **out, struct ferry_err *err)
{
    *out = PEM_read_bio_PrivateKey(file, NULL, on_passphrase, p);
    ERR_clear_error();
    if (*out)
        return 0;
    if (p->err.code != FERRY_OK) {
        *err = p->err;
        return (int)err->code;
    }
    return ferry_fail(err, FERRY_EUSAGE, "%s",
                      p->asked ? "its passphrase is another" : "no PEM private key in it");
}

static int read_key(const char *path, struct passphrases *p, EVP_PKEY **out, struct ferry_err *err)
{
    FERRY_OWNED_CRYPTO(BIO) file = BIO_new_file(path, "r");
    int rc;

    if (!file) {
        rc = errno;
        ERR_clear_error();
        return ferry_fail(err, FERRY_EUSAGE, "--sign-key %s: %s", path, strerror(rc));
    }
    p->key = path;
    p->asked = false;
    p->len = 0;
    rc = parse_key(file, p, out, err);
    OPENSSL_cleanse(p->text, sizeof(p->text));
    return rc < 0 ? ferry_wrap(err, "--sign-key %s", path) : 0;
}

/* --- signing -------------------------------------------------------------------------------- */

static bool is_held(STACK_OF(X509) * list, const X509 *certificate)
{
    for (int i = 0; i < sk_X509_num(list); i++)
        if (X509_cmp(sk_X509_value(list, i), certificate) == 0)
            return true;
    return false;
}

/* A certificate that two signers share goes in once; so does that of another signer. */
static int add_others(CMS_ContentInfo *cms, const struct signer *signer, struct ferry_err *err)
{
    for (int i = 1; i < sk_X509_num(signer->certificates); i++) {
        X509 *certificate = sk_X509_value(signer->certificates, i);
        FERRY_OWNED_CERTIFICATES held = CMS_get1_certs(cms);

        if (!is_held(held, certificate) && CMS_add1_cert(cms, certificate) != 1)
            return ferry_crypto_fail(err, FERRY_EUSAGE, "a certificate cannot be put along");
    }
    return 0;
}

/* sha256 for all that have a choice. */
static int add_signer(CMS_ContentInfo *cms, const struct signer *signer, struct ferry_err *err)
{
    bool chooses = EVP_PKEY_is_a(signer->key, "RSA") || EVP_PKEY_is_a(signer->key, "RSA-PSS") ||
                   EVP_PKEY_is_a(signer->key, "EC");

    if (!CMS_add1_signer(cms, certificate_of(signer), signer->key, chooses ? EVP_sha256() : NULL,
                         FLAGS))
        return ferry_crypto_fail(err, FERRY_EUSAGE, "cannot sign");
    return 0;
}

static int finish(CMS_ContentInfo *cms, const struct ferry_buf *content, struct ferry_buf *out,
                  struct ferry_err *err)
{
    FERRY_OWNED_CRYPTO(BIO) bytes = BIO_new_mem_buf(content->data, (int)content->len);
    FERRY_OWNED_CRYPTO(BIO) der = BIO_new(BIO_s_mem());
    char *start;
    long len;

    if (!bytes || !der)
        return ferry_fail_memory(err);
    if (CMS_final(cms, bytes, NULL, FLAGS) != 1 || i2d_CMS_bio(der, cms) != 1)
        return ferry_crypto_fail(err, FERRY_EUSAGE, "cannot sign");
    len = BIO_get_mem_data(der, &start);
    return ferry_buf_append(out, start, (size_t)len, err);
}

static int sign(const struct signer *signers, size_t count, const struct ferry_buf *content,
                struct ferry_buf *out, struct ferry_err *err)
{
    FERRY_OWNED_CRYPTO(CMS_ContentInfo) cms = CMS_sign(NULL, NULL, NULL, NULL, FLAGS);

    if (!cms)
        return ferry_crypto_fail(err, FERRY_ENOMEM, "cannot sign");
    for (size_t i = 0; i < count; i++)
        FERRY_TRY(add_signer(cms, &signers[i], err));
    for (size_t i = 0; i < count; i++)
        FERRY_TRY(add_others(cms, &signers[i], err));
    return finish(cms, content, out, err);
}

int ferry_signers_sign(const struct ferry_signers *signers, const struct ferry_buf *content,
                       struct ferry_buf *out, struct ferry_err *err)
{
    return sign(signers->items, signers->count, content, out, err);
}

/* --- loading -------------------------------------------------------------------------------- */

/* The signer's own, and those that lead to it: with one of them expired nobody would accept it. */
static int check_dates(const struct signer *signer, struct ferry_err *err)
{
    for (int i = 0; i < sk_X509_num(signer->certificates); i++)
        FERRY_TRY(ferry_certificate_check_dates(sk_X509_value(signer->certificates, i), err));
    return 0;
}

/* What a reader would refuse at the far side is a fault of the user's file here. */
static int fail_file(const char *option, const char *path, struct ferry_err *err)
{
    if (err->code == FERRY_EUNTRUSTED)
        err->code = FERRY_EUSAGE;
    return ferry_wrap(err, "%s %s", option, path);
}

static int load_pair(struct signer *signer, const char *cert, const char *key,
                     struct passphrases *passphrases, struct ferry_err *err)
{
    FERRY_TRY(ferry_certificates_read("--sign-cert", cert, &signer->certificates, err));
    if (check_dates(signer, err) < 0 ||
        ferry_certificate_check_use(certificate_of(signer), err) < 0)
        return fail_file("--sign-cert", cert, err);
    FERRY_TRY(read_key(key, passphrases, &signer->key, err));
    if (X509_check_private_key(certificate_of(signer), signer->key) == 1)
        return 0;
    ERR_clear_error();
    return ferry_fail(err, FERRY_EUSAGE,
                      "--sign-key %s: is not the key of the first certificate in %s", key, cert);
}

/* Signs something, and checks it as a reader will. */
static int try_out(const struct signer *signers, size_t count, struct ferry_err *err)
{
    static const struct ferry_signature_policy nobody;
    __attribute__((cleanup(ferry_signature_release))) struct ferry_signature found = { 0 };
    uint8_t text[] = "{}";
    const struct ferry_buf content = { .data = text, .len = sizeof(text) - 1 };
    FERRY_OWNED_BUF der;

    ferry_buf_init(&der, FERRY_SIGNATURE_MAX);
    FERRY_TRY(sign(signers, count, &content, &der, err));
    FERRY_TRY(ferry_signature_check(&content, &der, &nobody, &found, err));
    if (found.state == FERRY_SIGNATURE_BAD)
        return ferry_fail(err, FERRY_EUSAGE, "%s", found.why.msg);
    for (size_t i = 0; i < found.count; i++)
        if (found.signers[i].fault)
            return ferry_fail(err, FERRY_EUSAGE, "%s", found.signers[i].fault);
    return 0;
}

static int check_ability(const struct signer *signer, const char *key, struct ferry_err *err)
{
    struct ferry_err why;

    if (try_out(signer, 1, &why) == 0)
        return 0;
    if (why.code == FERRY_ENOMEM)
        return ferry_fail_memory(err);
    return ferry_fail(err, FERRY_EUSAGE,
                      "--sign-key %s: OpenSSL %s, which this machine has, makes no CMS signature "
                      "with a key of type %s (%.200s): take one of RSA or ECDSA",
                      key, OpenSSL_version(OPENSSL_VERSION_STRING),
                      EVP_PKEY_get0_type_name(signer->key), why.msg);
}

/* Each of them can sign; can all of them together? */
static int check_together(const struct ferry_signers *signers, struct ferry_err *err)
{
    int rc;

    for (size_t i = 0; i < signers->count; i++)
        for (size_t k = 0; k < i; k++)
            if (X509_cmp(certificate_of(&signers->items[i]), certificate_of(&signers->items[k])) ==
                0)
                return ferry_fail(err, FERRY_EUSAGE,
                                  "--sign-cert: the same certificate is named twice");
    rc = try_out(signers->items, signers->count, err);
    if (rc == 0 || rc == FERRY_ENOMEM)
        return rc;
    err->code = FERRY_EUSAGE;
    return ferry_wrap(err, "--sign-cert and --sign-key, all of them together");
}

int ferry_signers_load(const struct ferry_signer_files *files, struct ferry_signers **out,
                       struct ferry_err *err)
{
    FERRY_OWNED(ferry_signers) signers = NULL;
    struct passphrases passphrases = { .files = files->pass_files };
    size_t count = 0;

    while (files->certs[count] && files->keys[count])
        count++;
    signers = calloc(1, sizeof(*signers) + count * sizeof(signers->items[0]));
    if (!signers)
        return ferry_fail_memory(err);
    for (size_t i = 0; i < count; i++) {
        struct signer *signer = &signers->items[signers->count++];

        FERRY_TRY(load_pair(signer, files->certs[i], files->keys[i], &passphrases, err));
        FERRY_TRY(check_ability(signer, files->keys[i], err));
    }
    if (passphrases.files && *passphrases.files)
        return ferry_fail(err, FERRY_EUSAGE, "--sign-pass-file %s: no key wants it",
                          *passphrases.files);
    FERRY_TRY(check_together(signers, err));
    *out = ferry_steal(&signers);
    return 0;
}

int ferry_signers_print(const struct ferry_signers *signers, struct ferry_buf *out,
                        struct ferry_err *err)
{
    for (size_t i = 0; i < signers->count; i++) {
        FERRY_OWNED_MEM char *name = NULL;

        FERRY_TRY(ferry_certificate_name(X509_get_subject_name(certificate_of(&signers->items[i])),
                                         &name, err));
        FERRY_TRY(ferry_buf_print(out, err, "%s%s", i ? " and " : "", name));
    }
    return 0;
}
