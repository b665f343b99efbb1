#include "format/archive/certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "format/core/blob_file.h"

/* Of a name that goes on for ever the beginning must do. */
#define NAME_SHOWN 300

/* Of security (NIST SP 800-57): RSA of 2048 bits, elliptic curves of 224. */
#define KEY_BITS_MIN 112

int ferry_crypto_fail(struct ferry_err *err, enum ferry_code code, const char *what)
{
    const char *why = ERR_reason_error_string(ERR_peek_error());
    bool no_memory = false;
    unsigned long each;

    while ((each = ERR_get_error()) != 0)
        no_memory = no_memory || ERR_GET_REASON(each) == ERR_R_MALLOC_FAILURE;
    if (no_memory)
        return ferry_fail_memory(err);
    return ferry_fail(err, code, "%s: %s", what, why ? why : "unknown reason");
}

static int no_password(char *buf, int size, int writing, void *unused)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)unused;
    return -1;
}

static int parse_all(const struct ferry_buf *text, STACK_OF(X509) * list, struct ferry_err *err)
{
    FERRY_OWNED_CRYPTO(BIO) bio = BIO_new_mem_buf(text->data, (int)text->len);

    if (!bio)
        return ferry_fail_memory(err);
    for (;;) {
        FERRY_OWNED_CRYPTO(X509) next = PEM_read_bio_X509(bio, NULL, no_password, NULL);

        if (!next)
            break;
        if (sk_X509_push(list, next) == 0)
            return ferry_fail_memory(err);
        (void)ferry_steal(&next);
    }
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        return ferry_crypto_fail(err, FERRY_EUSAGE, "a certificate in it cannot be read");
    ERR_clear_error();
    if (sk_X509_num(list) == 0)
        return ferry_fail(err, FERRY_EUSAGE, "no PEM certificate in it");
    return 0;
}

int ferry_certificates_read(const char *option, const char *path, STACK_OF(X509) * *out,
                            struct ferry_err *err)
{
    FERRY_OWNED_CERTIFICATES list = sk_X509_new_null();
    FERRY_OWNED_BUF text;
    int rc;

    ferry_buf_init(&text, FERRY_CERTIFICATES_MAX);
    if (!list)
        return ferry_fail_memory(err);
    rc = ferry_file_read(path, &text, err);
    if (rc == 0)
        rc = parse_all(&text, list, err);
    if (rc < 0)
        return ferry_wrap(err, "%s %s", option, path);
    *out = ferry_steal(&list);
    return 0;
}

int ferry_certificate_name(const X509_NAME *name, char **out, struct ferry_err *err)
{
    FERRY_OWNED_CRYPTO(BIO) bio = BIO_new(BIO_s_mem());
    char *text;
    long len;

    if (!bio || X509_NAME_print_ex(bio, name, 0,
                                   XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) < 0)
        return ferry_crypto_fail(err, FERRY_EFORMAT, "a name in a certificate cannot be read");
    len = BIO_get_mem_data(bio, &text);
    if (len == 0)
        return ferry_text(out, err, "(no name)");
    FERRY_TRY(ferry_text(out, err, "%.*s", len < NAME_SHOWN ? (int)len : NAME_SHOWN, text));
    ferry_text_clean(*out);
    return 0;
}

void ferry_certificate_date(const ASN1_TIME *time, char out[FERRY_DATE_TEXT_MAX])
{
    struct tm tm;

    if (!time || ASN1_TIME_to_tm(time, &tm) != 1 ||
        strftime(out, FERRY_DATE_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        snprintf(out, FERRY_DATE_TEXT_MAX, "a date that is none");
}

int ferry_certificate_fingerprint(const X509 *certificate, char out[FERRY_FINGERPRINT_TEXT_MAX],
                                  struct ferry_err *err)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (X509_digest(certificate, EVP_sha256(), digest, &len) != 1)
        return ferry_crypto_fail(err, FERRY_EFORMAT, "the digest of a certificate");
    for (unsigned i = 0; i < len; i++)
        snprintf(out + (size_t)i * 2, 3, "%02x", digest[i]);
    return 0;
}

int ferry_certificate_check_dates(const X509 *certificate, struct ferry_err *err)
{
    const ASN1_TIME *from = X509_get0_notBefore(certificate);
    const ASN1_TIME *until = X509_get0_notAfter(certificate);
    FERRY_OWNED_MEM char *name = NULL;
    char date[FERRY_DATE_TEXT_MAX];

    if (X509_cmp_current_time(from) < 0 && X509_cmp_current_time(until) > 0)
        return 0;
    FERRY_TRY(ferry_certificate_name(X509_get_subject_name(certificate), &name, err));
    if (X509_cmp_current_time(from) >= 0) {
        ferry_certificate_date(from, date);
        return ferry_fail(err, FERRY_EUNTRUSTED,
                          "the certificate of %s is not valid before %s (is the clock of this "
                          "machine right?)",
                          name, date);
    }
    ferry_certificate_date(until, date);
    return ferry_fail(err, FERRY_EUNTRUSTED, "the certificate of %s expired on %s", name, date);
}

int ferry_certificate_check_use(X509 *certificate, struct ferry_err *err)
{
    EVP_PKEY *key = X509_get0_pubkey(certificate);

    if ((X509_get_key_usage(certificate) & KU_DIGITAL_SIGNATURE) == 0)
        return ferry_fail(err, FERRY_EUNTRUSTED,
                          "the key usage in its certificate does not permit signing "
                          "(digitalSignature)");
    if (!key || EVP_PKEY_get_security_bits(key) < KEY_BITS_MIN)
        return ferry_fail(err, FERRY_EUNTRUSTED,
                          "its key is too weak: expected at least 2048 bits of RSA, or a curve of "
                          "224");
    return 0;
}
