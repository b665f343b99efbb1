#include "tests/support/identity.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/check.h"

#define IDENTITIES_MAX 32
#define DAY (24L * 60 * 60)

static struct identity kept[IDENTITIES_MAX];
static size_t kept_count;

int identity_leave_folder(void **state)
{
    while (kept_count > 0) {
        kept_count--;
        X509_free(kept[kept_count].certificate);
        EVP_PKEY_free(kept[kept_count].key);
    }
    return sample_leave_folder(state);
}

static EVP_PKEY *make_key(const char *type)
{
    if (!type)
        return EVP_EC_gen("P-256");
    if (strncmp(type, "RSA", 3) == 0)
        return EVP_RSA_gen((unsigned)strtoul(type + 3, NULL, 10));
    return EVP_PKEY_Q_keygen(NULL, NULL, type);
}

static void add_extension(X509 *certificate, int nid, const char *text)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, text);

    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static void add_usage(X509 *certificate, const char *usage)
{
    bool is_authority = usage && strcmp(usage, "CA") == 0;

    if (is_authority)
        add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
    if (usage)
        add_extension(certificate, NID_key_usage,
                      is_authority ? "critical,keyCertSign,digitalSignature" : usage);
}

struct identity identity_make(const struct identity_spec *spec)
{
    struct identity made = { X509_new(), make_key(spec->key) };
    const struct identity *issuer = spec->issuer ? spec->issuer : &made;
    X509_NAME *name = X509_get_subject_name(made.certificate);
    const bool has_digest = !issuer->key || !EVP_PKEY_is_a(issuer->key, "ED25519");

    assert_true(kept_count < IDENTITIES_MAX);
    assert_non_null(made.key);
    X509_set_version(made.certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), (long)kept_count + 1);
    X509_gmtime_adj(X509_getm_notBefore(made.certificate), (spec->from ? spec->from : -1) * DAY);
    X509_gmtime_adj(X509_getm_notAfter(made.certificate), (spec->until ? spec->until : 1) * DAY);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)spec->name, -1, -1,
                               0);
    X509_set_issuer_name(made.certificate, X509_get_subject_name(issuer->certificate));
    X509_set_pubkey(made.certificate, made.key);
    add_usage(made.certificate, spec->usage);
    assert_true(X509_sign(made.certificate, issuer->key, has_digest ? EVP_sha256() : NULL) > 0);
    kept[kept_count++] = made;
    return made;
}

static FILE *open_file(const char *path, const char *mode)
{
    FILE *file = fopen(path, mode);

    assert_non_null(file);
    return file;
}

void identity_write_certificate(const struct identity *identity, const char *path)
{
    FILE *file = open_file(path, "ae");

    assert_int_equal(PEM_write_X509(file, identity->certificate), 1);
    fclose(file);
}

void identity_write_key(const struct identity *identity, const char *path, const char *passphrase)
{
    FILE *file = open_file(path, "we");

    assert_int_equal(
        PEM_write_PKCS8PrivateKey(file, identity->key, passphrase ? EVP_aes_128_cbc() : NULL,
                                  passphrase, passphrase ? (int)strlen(passphrase) : 0, NULL, NULL),
        1);
    fclose(file);
}

struct sample identity_sign(const struct identity_signature *how, const char *content, size_t len)
{
    unsigned flags = how->flags | CMS_BINARY | CMS_PARTIAL;
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, flags);
    const EVP_MD *digest = EVP_get_digestbyname(how->digest ? how->digest : "sha256");
    BIO *bytes = BIO_new_mem_buf(content, (int)len);
    struct sample signature;
    uint8_t *der = NULL;
    int der_len;

    for (size_t i = 0; i < FERRY_COUNT(how->signers) && how->signers[i]; i++)
        assert_non_null(CMS_add1_signer(cms, how->signers[i]->certificate, how->signers[i]->key,
                                        digest, flags));
    if (how->along)
        assert_int_equal(CMS_add1_cert(cms, how->along->certificate), 1);
    if (how->signers[0]) /* else it refuses */
        assert_int_equal(CMS_final(cms, bytes, NULL, flags), 1);
    der_len = i2d_CMS_ContentInfo(cms, &der);
    assert_true(der_len > 0);
    signature = sample_blob("", (const char *)der, (size_t)der_len);
    OPENSSL_free(der);
    BIO_free(bytes);
    CMS_ContentInfo_free(cms);
    return signature;
}
