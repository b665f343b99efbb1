#include "export/signer.h"

#include <openssl/opensslv.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "format/archive/signature.h"
#include "tests/support/check.h"
#include "tests/support/identity.h"

#define FILES_MAX 4

static struct identity root, alice, other, rsa, rsa_weak, expired, early, no_use, edward;

static void write_files(const struct identity *identity, const char *name, const char *passphrase)
{
    identity_write_certificate(identity, sample_format("%s.pem", name));
    identity_write_key(identity, sample_format("%s.key", name), passphrase);
}

/* NAME.pem and NAME.key of each. */
static void make_identities(void)
{
    root = identity_make(&(struct identity_spec){ .name = "root", .usage = "CA" });
    alice = identity_make(&(struct identity_spec){ .name = "alice", .issuer = &root });
    other = identity_make(&(struct identity_spec){ .name = "other" });
    rsa = identity_make(
        &(struct identity_spec){ .name = "rsa", .issuer = &root, .key = "RSA2048" });
    rsa_weak = identity_make(&(struct identity_spec){ .name = "weak", .key = "RSA1024" });
    expired = identity_make(&(struct identity_spec){ .name = "old", .from = -9, .until = -2 });
    early = identity_make(&(struct identity_spec){ .name = "early", .from = 2, .until = 9 });
    no_use = identity_make(&(struct identity_spec){ .name = "no use", .usage = "keyEncipherment" });
    edward = identity_make(&(struct identity_spec){ .name = "edward", .key = "ED25519" });
    write_files(&alice, "alice", NULL);
    write_files(&other, "locked", "open sesame");
    write_files(&rsa, "rsa", NULL);
    identity_write_certificate(&root, "rsa.pem"); /* behind the signer's own */
    write_files(&rsa_weak, "weak", NULL);
    write_files(&expired, "expired", NULL);
    write_files(&early, "early", NULL);
    write_files(&no_use, "no_use", NULL);
    write_files(&edward, "edward", NULL);
    identity_write_certificate(&alice, "both.pem");
    identity_write_certificate(&rsa, "both.pem");
    identity_write_certificate(&alice, "old_chain.pem");
    identity_write_certificate(&expired, "old_chain.pem");
    sample_write("pass", "open sesame\nand no more\n", 24);
    sample_write("pass_bare", "open sesame", 11);
    sample_write("pass_dos", "open sesame\r\n", 13);
    sample_write("pass_wrong", "open rice\n", 10);
    sample_write("pass_empty", "\nopen sesame\n", 13);
}

/* The content that is signed. */
static struct ferry_buf content(void)
{
    static uint8_t text[] = "{\"manifests\":[]}";

    return (struct ferry_buf){ .data = text, .len = sizeof(text) - 1 };
}

static int sign(const struct ferry_signer_files *files, struct ferry_buf *out,
                struct ferry_err *err)
{
    FERRY_OWNED(ferry_signers) signers = NULL;
    struct ferry_buf bytes = content();

    FERRY_TRY(ferry_signers_load(files, &signers, err));
    return ferry_signers_sign(signers, &bytes, out, err);
}

static const struct {
    const char *name;
    const char *certs[FILES_MAX], *keys[FILES_MAX], *pass[FILES_MAX];
    const char *trusted; /* the file that vouches for all of them */
    const char *says;    /* NULL: it works */
} rows[] = {
    { "ecdsa", { "alice.pem" }, { "alice.key" }, { 0 }, "alice.pem", NULL },
    { "rsa", { "rsa.pem" }, { "rsa.key" }, { 0 }, "rsa.pem", NULL },
    { "two", { "alice.pem", "rsa.pem" }, { "alice.key", "rsa.key" }, { 0 }, "rsa.pem", NULL },
    { "one_goes_along_with_the_other",
      { "both.pem", "rsa.pem" },
      { "alice.key", "rsa.key" },
      { 0 },
      "rsa.pem",
      NULL },
    { "passphrase", { "locked.pem" }, { "locked.key" }, { "pass" }, "locked.pem", NULL },
    { "passphrase_alone", { "locked.pem" }, { "locked.key" }, { "pass_bare" }, "locked.pem", NULL },
    { "passphrase_of_dos", { "locked.pem" }, { "locked.key" }, { "pass_dos" }, "locked.pem", NULL },
    { "passphrase_of_the_second",
      { "alice.pem", "locked.pem" },
      { "alice.key", "locked.key" },
      { "pass" },
      NULL,
      NULL },

    { "expired",
      { "expired.pem" },
      { "expired.key" },
      { 0 },
      NULL,
      "--sign-cert expired.pem: the certificate of CN=old expired on 2" },
    { "chain_expired",
      { "old_chain.pem" },
      { "alice.key" },
      { 0 },
      NULL,
      "--sign-cert old_chain.pem: the certificate of CN=old expired on 2" },
    { "early", { "early.pem" }, { "early.key" }, { 0 }, NULL, "CN=early is not valid before 2" },
    { "usage",
      { "no_use.pem" },
      { "no_use.key" },
      { 0 },
      NULL,
      "--sign-cert no_use.pem: the key usage" },
    { "weak",
      { "weak.pem" },
      { "weak.key" },
      { 0 },
      NULL,
      "--sign-cert weak.pem: its key is too weak" },
    { "twice",
      { "alice.pem", "alice.pem" },
      { "alice.key", "alice.key" },
      { 0 },
      NULL,
      "--sign-cert: the same certificate is named twice" },
    { "mismatch",
      { "alice.pem" },
      { "rsa.key" },
      { 0 },
      NULL,
      "--sign-key rsa.key: is not the key of the first certificate in alice.pem" },
    { "swapped",
      { "alice.key" },
      { "alice.pem" },
      { 0 },
      NULL,
      "--sign-cert alice.key: no PEM certificate in it" },
    { "no_key",
      { "alice.pem" },
      { "alice.pem" },
      { 0 },
      NULL,
      "--sign-key alice.pem: no PEM private key in it" },
    { "absent_cert",
      { "none.pem" },
      { "alice.key" },
      { 0 },
      NULL,
      "--sign-cert none.pem: No such file" },
    { "absent_key",
      { "alice.pem" },
      { "none.key" },
      { 0 },
      NULL,
      "--sign-key none.key: No such file" },
    { "wrong_passphrase",
      { "locked.pem" },
      { "locked.key" },
      { "pass_wrong" },
      NULL,
      "--sign-key locked.key: its passphrase is another" },
    { "empty_passphrase",
      { "locked.pem" },
      { "locked.key" },
      { "pass_empty" },
      NULL,
      "--sign-pass-file pass_empty: an empty passphrase" },
    { "absent_passphrase",
      { "locked.pem" },
      { "locked.key" },
      { "none" },
      NULL,
      "--sign-pass-file none: No such file" },
    { "passphrase_too_much",
      { "alice.pem" },
      { "alice.key" },
      { "pass" },
      NULL,
      "--sign-pass-file pass: no key wants it" },
};

static void test_signer_pairs(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        const struct ferry_signer_files files = { rows[i].certs, rows[i].keys, rows[i].pass };
        const char *const trusted[] = { rows[i].trusted, NULL };
        struct ferry_signature found = { 0 };
        FERRY_OWNED_SIGNATURE_POLICY policy;
        struct ferry_buf bytes = content();
        struct ferry_err err = { 0 };
        FERRY_OWNED_BUF der;
        int rc;

        ferry_buf_init(&der, FERRY_SIGNATURE_MAX);
        CHECK_OK(
            ferry_signature_policy_open(rows[i].trusted ? trusted : NULL, false, &policy, &err));
        rc = sign(&files, &der, &err);
        if (rc != (rows[i].says ? (int)FERRY_EUSAGE : 0) ||
            (rows[i].says && !strstr(err.msg, rows[i].says)))
            fail_msg("row \"%s\": %d, \"%s\"", rows[i].name, rc, err.msg);
        if (rc < 0)
            continue;
        CHECK_OK(ferry_signature_check(&bytes, &der, &policy, &found, &err));
        CHECK_ROW(rows[i].name, found.state == (rows[i].trusted ? FERRY_SIGNATURE_TRUSTED
                                                                : FERRY_SIGNATURE_UNCHECKED));
        for (size_t k = 0; k < found.count; k++)
            CHECK_ROW(rows[i].name, !found.signers[k].fault);
        ferry_signature_release(&found);
    }
}

/* [W9] [W51] No clock, so that RSA gives the same bytes; ECDSA may not, but they are alike. */
static void test_signer_repeats(void **state)
{
    (void)state;
    for (int is_rsa = 0; is_rsa < 2; is_rsa++) {
        const char *const certs[] = { is_rsa ? "rsa.pem" : "alice.pem", NULL };
        const char *const keys[] = { is_rsa ? "rsa.key" : "alice.key", NULL };
        const struct ferry_signer_files files = { certs, keys, NULL };
        struct ferry_err err;
        FERRY_OWNED_BUF first;
        FERRY_OWNED_BUF second;

        ferry_buf_init(&first, FERRY_SIGNATURE_MAX);
        ferry_buf_init(&second, FERRY_SIGNATURE_MAX);
        CHECK_OK(sign(&files, &first, &err));
        sleep(1);
        CHECK_OK(sign(&files, &second, &err));
        assert_true(ferry_signature_alike(&first, &second));
        assert_int_equal(first.len == second.len && memcmp(first.data, second.data, first.len) == 0,
                         is_rsa);
    }
}

/* [W50] [W51] */
static void test_signer_structure(void **state)
{
    const char *const certs[] = { "rsa.pem", "alice.pem", NULL };
    const char *const keys[] = { "rsa.key", "alice.key", NULL };
    const struct ferry_signer_files files = { certs, keys, NULL };
    STACK_OF(CMS_SignerInfo) * infos;
    STACK_OF(X509) * held;
    CMS_ContentInfo *cms;
    struct ferry_err err;
    FERRY_OWNED_BUF der;
    const uint8_t *p;

    (void)state;
    ferry_buf_init(&der, FERRY_SIGNATURE_MAX);
    CHECK_OK(sign(&files, &der, &err));
    p = der.data;
    cms = d2i_CMS_ContentInfo(NULL, &p, (long)der.len);
    assert_non_null(cms);
    assert_int_equal(OBJ_obj2nid(CMS_get0_type(cms)), NID_pkcs7_signed);
    assert_int_equal(CMS_is_detached(cms), 1);
    infos = CMS_get0_SignerInfos(cms);
    assert_int_equal(sk_CMS_SignerInfo_num(infos), 2);
    for (int i = 0; i < 2; i++) {
        X509_ALGOR *digest;

        assert_true(CMS_signed_get_attr_count(sk_CMS_SignerInfo_value(infos, i)) < 0);
        CMS_SignerInfo_get0_algs(sk_CMS_SignerInfo_value(infos, i), NULL, NULL, &digest, NULL);
        assert_int_equal(OBJ_obj2nid(digest->algorithm), NID_sha256);
    }
    held = CMS_get1_certs(cms); /* the signers', and what stood behind that of one */
    assert_int_equal(sk_X509_num(held), 3);
    sk_X509_pop_free(held, X509_free);
    CMS_ContentInfo_free(cms);
}

/* What this OpenSSL can do decides; where it cannot, that is said at once. */
static void test_signer_ed25519(void **state)
{
    const char *const certs[] = { "edward.pem", NULL }, *const keys[] = { "edward.key", NULL };
    const struct ferry_signer_files files = { certs, keys, NULL };
    struct ferry_err err = { 0 };
    FERRY_OWNED_BUF der;
    int rc;

    (void)state;
    ferry_buf_init(&der, FERRY_SIGNATURE_MAX);
    rc = sign(&files, &der, &err);
    if (rc == 0 && OPENSSL_VERSION_NUMBER >= 0x30100000L)
        return;
    assert_int_equal(rc, FERRY_EUSAGE);
    assert_non_null(strstr(err.msg, "--sign-key edward.key: OpenSSL "));
    assert_non_null(strstr(err.msg, "makes no CMS signature with a key of type ED25519"));
}

static void test_signer_names(void **state)
{
    const char *const certs[] = { "alice.pem", "rsa.pem", NULL };
    const char *const keys[] = { "alice.key", "rsa.key", NULL };
    const struct ferry_signer_files files = { certs, keys, NULL };
    FERRY_OWNED(ferry_signers) signers = NULL;
    struct ferry_err err;
    FERRY_OWNED_BUF text;

    (void)state;
    ferry_buf_init(&text, 1000);
    CHECK_OK(ferry_signers_load(&files, &signers, &err));
    CHECK_OK(ferry_signers_print(signers, &text, &err));
    assert_string_equal((char *)text.data, "CN=alice and CN=rsa");
}

static int enter(void **state)
{
    if (sample_enter_folder(state) < 0)
        return -1;
    make_identities();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signer_pairs),     cmocka_unit_test(test_signer_repeats),
        cmocka_unit_test(test_signer_structure), cmocka_unit_test(test_signer_ed25519),
        cmocka_unit_test(test_signer_names),
    };

    return cmocka_run_group_tests_name("signer", tests, enter, identity_leave_folder);
}
