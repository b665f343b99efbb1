#include "format/archive/signature.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/check.h"
#include "tests/support/identity.h"

#define CONTENT "{\"manifests\":[]}"
#define OURS (CMS_DETACHED | CMS_NOATTR) /* as we sign; without NOATTR as the cms command does */

/* A root with an authority below it, those whom it knows, and strangers. */
static struct identity root, below, alice, bob, rsa, weak, expired, early, expired_root, of_expired,
    weak_root, of_weak, other_root, stranger, no_use, self;

static void make_identities(void)
{
    root = identity_make(&(struct identity_spec){ .name = "root", .usage = "CA" });
    below = identity_make(
        &(struct identity_spec){ .name = "below", .issuer = &root, .usage = "CA" });
    alice = identity_make(
        &(struct identity_spec){ .name = "alice", .issuer = &root, .usage = "digitalSignature" });
    bob = identity_make(&(struct identity_spec){ .name = "bob", .issuer = &below });
    rsa = identity_make(
        &(struct identity_spec){ .name = "rsa", .issuer = &root, .key = "RSA2048" });
    weak = identity_make(
        &(struct identity_spec){ .name = "weak", .issuer = &root, .key = "RSA1024" });
    expired = identity_make(
        &(struct identity_spec){ .name = "expired", .issuer = &root, .from = -9, .until = -2 });
    early = identity_make(
        &(struct identity_spec){ .name = "early", .issuer = &root, .from = 2, .until = 9 });
    expired_root = identity_make(
        &(struct identity_spec){ .name = "old root", .usage = "CA", .from = -9, .until = -2 });
    of_expired = identity_make(
        &(struct identity_spec){ .name = "orphan", .issuer = &expired_root });
    weak_root = identity_make(
        &(struct identity_spec){ .name = "weak root", .key = "RSA1024", .usage = "CA" });
    of_weak = identity_make(&(struct identity_spec){ .name = "weakling", .issuer = &weak_root });
    other_root = identity_make(&(struct identity_spec){ .name = "other root", .usage = "CA" });
    stranger = identity_make(&(struct identity_spec){ .name = "stranger", .issuer = &other_root });
    no_use = identity_make(
        &(struct identity_spec){ .name = "no use", .issuer = &root, .usage = "keyEncipherment" });
    self = identity_make(&(struct identity_spec){ .name = "self" });
}

/* A policy that trusts these, NULL-ended. */
static void trust(struct ferry_signature_policy *policy, const struct identity *const *trusted)
{
    static const char *const files[] = { "trust.pem", NULL };
    struct ferry_err err;

    unlink("trust.pem");
    for (; *trusted; trusted++)
        identity_write_certificate(*trusted, "trust.pem");
    CHECK_OK(ferry_signature_policy_open(access("trust.pem", F_OK) == 0 ? files : NULL, false,
                                         policy, &err));
}

static struct ferry_buf lend(const struct sample *sample)
{
    return (struct ferry_buf){ .data = (uint8_t *)sample->bytes, .len = sample->len };
}

#define TRUSTED_MAX 3

static const struct row {
    const char *name;
    struct identity_signature how;
    const struct identity *trusted[TRUSTED_MAX]; /* none: nobody is */
    const char *content;                         /* NULL: what was signed */
    enum ferry_signature_state state;
    enum ferry_code why;
    const char *says; /* in the reason where it is BAD, else in the first signer's fault */
} rows[] = {
    { "by_authority",
      { { &alice }, .flags = OURS },
      { &root },
      NULL,
      FERRY_SIGNATURE_TRUSTED,
      0,
      0 },
    { "with_attributes",
      { { &alice }, .flags = CMS_DETACHED },
      { &root },
      NULL,
      FERRY_SIGNATURE_TRUSTED,
      0,
      0 },
    { "rsa", { { &rsa }, .flags = OURS }, { &root }, NULL, FERRY_SIGNATURE_TRUSTED, 0, 0 },
    { "rsa_sha512",
      { { &rsa }, .digest = "sha512", .flags = OURS },
      { &root },
      NULL,
      FERRY_SIGNATURE_TRUSTED,
      0,
      0 },
    { "pinned", { { &alice }, .flags = OURS }, { &alice }, NULL, FERRY_SIGNATURE_TRUSTED, 0, 0 },
    { "pinned_self", { { &self }, .flags = OURS }, { &self }, NULL, FERRY_SIGNATURE_TRUSTED, 0, 0 },
    { "pinned_and_not_along",
      { { &alice }, .flags = OURS | CMS_NOCERTS },
      { &alice },
      NULL,
      FERRY_SIGNATURE_TRUSTED,
      0,
      0 },
    { "chain",
      { { &bob }, &below, .flags = OURS },
      { &root },
      NULL,
      FERRY_SIGNATURE_TRUSTED,
      0,
      0 },
    { "middle_trusted",
      { { &bob }, .flags = OURS },
      { &below },
      NULL,
      FERRY_SIGNATURE_TRUSTED,
      0,
      0 },
    { "one_of_many",
      { { &alice }, .flags = OURS },
      { &other_root, &root },
      NULL,
      FERRY_SIGNATURE_TRUSTED,
      0,
      0 },
    { "two", { { &alice, &rsa }, .flags = OURS }, { &root }, NULL, FERRY_SIGNATURE_TRUSTED, 0, 0 },
    { "stranger_as_well",
      { { &stranger, &alice }, .flags = OURS },
      { &root },
      NULL,
      FERRY_SIGNATURE_TRUSTED,
      0,
      "it leads to no certificate of --trust" },
    { "expired_as_well",
      { { &expired, &alice }, .flags = OURS },
      { &root },
      NULL,
      FERRY_SIGNATURE_TRUSTED,
      0,
      "the certificate of CN=expired expired on 2" },

    { "chain_broken",
      { { &bob }, .flags = OURS },
      { &root },
      NULL,
      FERRY_SIGNATURE_BAD,
      FERRY_EUNTRUSTED,
      "signed by CN=bob (issued by CN=below), who is not trusted: it leads to" },
    { "stranger",
      { { &stranger }, .flags = OURS },
      { &root },
      NULL,
      FERRY_SIGNATURE_BAD,
      FERRY_EUNTRUSTED,
      "signed by CN=stranger (issued by CN=other root), who is not trusted" },
    { "self_signed",
      { { &self }, .flags = OURS },
      { &root },
      NULL,
      FERRY_SIGNATURE_BAD,
      FERRY_EUNTRUSTED,
      "signed by CN=self (issued by CN=self), who is not trusted" },
    { "two_strangers",
      { { &stranger, &self }, .flags = OURS },
      { &root },
      NULL,
      FERRY_SIGNATURE_BAD,
      FERRY_EUNTRUSTED,
      "and by CN=s" },
    { "no_authority",
      { { &bob }, .flags = OURS },
      { &alice },
      NULL,
      FERRY_SIGNATURE_BAD,
      FERRY_EUNTRUSTED,
      "it leads to no certificate of --trust" },
    { "expired",
      { { &expired }, .flags = OURS },
      { &root },
      NULL,
      FERRY_SIGNATURE_BAD,
      FERRY_EUNTRUSTED,
      "the certificate of CN=expired expired on 2" },
    { "expired_pinned",
      { { &expired }, .flags = OURS },
      { &expired },
      NULL,
      FERRY_SIGNATURE_BAD,
      FERRY_EUNTRUSTED,
      "the certificate of CN=expired expired on 2" },
    { "authority_expired",
      { { &of_expired }, .flags = OURS },
      { &expired_root },
      NULL,
      FERRY_SIGNATURE_BAD,
      FERRY_EUNTRUSTED,
      "the certificate of CN=old root expired on 2" },
    { "authority_weak",
      { { &of_weak }, .flags = OURS },
      { &weak_root },
      NULL,
      FERRY_SIGNATURE_BAD,
      FERRY_EUNTRUSTED,
      "the certificate of CN=weak root: CA certificate key too weak" },
    { "not_yet_valid",
      { { &early }, .flags = OURS },
      { &root },
      NULL,
      FERRY_SIGNATURE_BAD,
      FERRY_EUNTRUSTED,
      "the certificate of CN=early is not valid before 2" },
    { "usage",
      { { &no_use }, .flags = OURS },
      { &root },
      NULL,
      FERRY_SIGNATURE_BAD,
      FERRY_EUNTRUSTED,
      "does not permit signing (digitalSignature)" },
    { "weak_key",
      { { &weak }, .flags = OURS },
      { &root },
      NULL,
      FERRY_SIGNATURE_BAD,
      FERRY_EUNTRUSTED,
      "its key is too weak" },
    { "sha1",
      { { &rsa }, .digest = "sha1", .flags = OURS },
      { &root },
      NULL,
      FERRY_SIGNATURE_BAD,
      FERRY_EUNTRUSTED,
      "its digest (sha1) is too weak" },
    { "md5",
      { { &rsa }, .digest = "md5", .flags = CMS_DETACHED },
      { &root },
      NULL,
      FERRY_SIGNATURE_BAD,
      FERRY_EUNTRUSTED,
      "its digest (md5) is too weak" },
    { "certificate_not_there",
      { { &alice }, .flags = OURS | CMS_NOCERTS },
      { &root },
      NULL,
      FERRY_SIGNATURE_BAD,
      FERRY_EUNTRUSTED,
      "neither in it nor among those of --trust" },

    { "changed",
      { { &alice }, .flags = OURS },
      { &root },
      "{\"manifests\": []}",
      FERRY_SIGNATURE_BAD,
      FERRY_EDIGEST,
      "index.json is not what CN=alice signed" },
    { "changed_with_attributes",
      { { &alice }, .flags = CMS_DETACHED },
      { &root },
      "{}",
      FERRY_SIGNATURE_BAD,
      FERRY_EDIGEST,
      "index.json is not what CN=alice signed" },
    { "changed_and_nobody_trusted",
      { { &stranger }, .flags = OURS },
      { NULL },
      "{}",
      FERRY_SIGNATURE_BAD,
      FERRY_EDIGEST,
      "index.json is not what CN=stranger signed" },
    { "changed_to_nothing",
      { { &rsa }, .flags = OURS },
      { &root },
      "",
      FERRY_SIGNATURE_BAD,
      FERRY_EDIGEST,
      "index.json is not what CN=rsa signed" },

    { "nobody_trusted",
      { { &stranger }, .flags = OURS },
      { NULL },
      NULL,
      FERRY_SIGNATURE_UNCHECKED,
      0,
      NULL },
    { "nobody_trusted_expired",
      { { &expired }, .flags = OURS },
      { NULL },
      NULL,
      FERRY_SIGNATURE_UNCHECKED,
      0,
      NULL },
    { "nobody_trusted_sha1",
      { { &rsa }, .digest = "sha1", .flags = OURS },
      { NULL },
      NULL,
      FERRY_SIGNATURE_UNCHECKED,
      0,
      "too weak" },
    { "nobody_trusted_unknown",
      { { &alice }, .flags = OURS | CMS_NOCERTS },
      { NULL },
      NULL,
      FERRY_SIGNATURE_UNCHECKED,
      0,
      "its certificate is not in it" },

    { "not_detached",
      { { &alice }, .flags = CMS_NOATTR },
      { &root },
      NULL,
      FERRY_SIGNATURE_BAD,
      FERRY_EFORMAT,
      "expected a detached signature" },
    { "no_signer",
      { { NULL }, .flags = OURS },
      { &root },
      NULL,
      FERRY_SIGNATURE_BAD,
      FERRY_EFORMAT,
      "has no signer" },
};

static void check_row(const struct row *row)
{
    FERRY_OWNED_SIGNATURE_POLICY policy;
    struct sample der = identity_sign(&row->how, CONTENT, strlen(CONTENT));
    struct sample content = sample_text("", row->content ? row->content : CONTENT);
    struct ferry_signature found = { 0 };
    struct ferry_buf content_buf = lend(&content), der_buf = lend(&der);
    struct ferry_err err;
    const char *said;

    trust(&policy, row->trusted);
    CHECK_OK(ferry_signature_check(&content_buf, &der_buf, &policy, &found, &err));
    said = found.state == FERRY_SIGNATURE_BAD ? found.why.msg
           : found.count > 0                  ? found.signers[0].fault
                                              : NULL;
    if (found.count > 1 && !said) /* signers stand in the order of their bytes */
        said = found.signers[1].fault;
    if (found.state != row->state || (row->why && found.why.code != row->why) ||
        (row->says ? !said || !strstr(said, row->says) : said != NULL))
        fail_msg("row \"%s\": state %d, \"%s\"", row->name, (int)found.state, said ? said : "");
    ferry_signature_release(&found);
}

/* [W51] [R51] [R52] */
static void test_signature_check(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++)
        check_row(&rows[i]);
}

/* [R52] One signature of two is for other bytes: then the good one does not help. */
static void test_signature_one_of_two_does_not_fit(void **state)
{
    const struct identity_signature both = { { &rsa, &alice }, .flags = OURS };
    struct sample der = identity_sign(&both, CONTENT, strlen(CONTENT));
    struct sample content = sample_text("", CONTENT);
    struct ferry_buf content_buf = lend(&content), der_buf = lend(&der);
    FERRY_OWNED_SIGNATURE_POLICY policy;
    struct ferry_signature found = { 0 };
    struct ferry_err err;

    (void)state;
    trust(&policy, (const struct identity *[]){ &root, NULL });
    der_buf.data[der_buf.len - 100] ^= 1; /* the longer one, by RSA, stands last */
    CHECK_OK(ferry_signature_check(&content_buf, &der_buf, &policy, &found, &err));
    assert_int_equal(found.state, FERRY_SIGNATURE_BAD);
    assert_int_equal(found.why.code, FERRY_EDIGEST);
    assert_non_null(strstr(found.why.msg, "CN=rsa"));
    assert_int_equal(found.count, 2);
    assert_true(found.signers[0].trusted);
    assert_false(found.signers[1].trusted);
    ferry_signature_release(&found);
}

/* Whatever is changed in a signature, it does not become one of other bytes; and nothing crashes.
 */
static void test_signature_every_byte_turned(void **state)
{
    const struct identity_signature how = { { &alice }, .flags = OURS };
    struct sample der = identity_sign(&how, CONTENT, strlen(CONTENT));
    struct sample right = sample_text("", CONTENT), other = sample_text("", "{}");
    struct ferry_buf right_buf = lend(&right), other_buf = lend(&other), der_buf = lend(&der);
    FERRY_OWNED_SIGNATURE_POLICY policy;
    struct ferry_err err;

    (void)state;
    trust(&policy, (const struct identity *[]){ &root, NULL });
    for (size_t i = 0; i < der_buf.len; i++) {
        struct ferry_signature found = { 0 };

        der_buf.data[i] ^= 0x11;
        CHECK_OK(ferry_signature_check(&right_buf, &der_buf, &policy, &found, &err));
        ferry_signature_release(&found);
        CHECK_OK(ferry_signature_check(&other_buf, &der_buf, &policy, &found, &err));
        assert_int_equal(found.state, FERRY_SIGNATURE_BAD);
        assert_true(found.why.msg[0]);
        ferry_signature_release(&found);
        der_buf.data[i] ^= 0x11;
    }
}

/* [W50] [R51] */
static void test_signature_malformed(void **state)
{
    static const struct {
        const char *name, *bytes;
        size_t cut; /* of a good one: how much of it is taken; 0: `bytes` */
    } broken[] = {
        { "empty", "", 0 },
        { "text", "-----BEGIN CMS-----", 0 },
        { "sequence", "\x30\x00", 0 },
        { "half", NULL, 300 },
        { "almost", NULL, 1 },
    };
    const struct identity_signature how = { { &alice }, .flags = OURS };
    struct sample good = identity_sign(&how, CONTENT, strlen(CONTENT));
    static const struct ferry_signature_policy nobody;

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(broken); i++) {
        struct sample der = broken[i].cut ? sample_blob("", good.bytes, good.len - broken[i].cut)
                                          : sample_blob("", broken[i].bytes,
                                                        strcmp(broken[i].name, "sequence") == 0
                                                            ? 2
                                                            : strlen(broken[i].bytes));
        struct sample content = sample_text("", CONTENT);
        struct ferry_buf content_buf = lend(&content), der_buf = lend(&der);
        struct ferry_signature found = { 0 };
        struct ferry_err err;

        CHECK_OK(ferry_signature_check(&content_buf, &der_buf, &nobody, &found, &err));
        CHECK_ROW(broken[i].name, found.state == FERRY_SIGNATURE_BAD);
        CHECK_ROW(broken[i].name, found.why.code == FERRY_EFORMAT);
        CHECK_ROW(broken[i].name, strstr(found.why.msg, "index.json.p7s: is no CMS signature"));
        ferry_signature_release(&found);
    }
}

/* Bytes behind it, and CMS of another kind. */
static void test_signature_other_cms(void **state)
{
    static const struct ferry_signature_policy nobody;
    const struct identity_signature how = { { &alice }, .flags = OURS };
    struct sample good = identity_sign(&how, CONTENT, strlen(CONTENT)), content, kinds[2];
    BIO *bytes = BIO_new_mem_buf(CONTENT, -1);
    CMS_ContentInfo *data = CMS_data_create(bytes, CMS_BINARY);
    FERRY_OWNED_MEM char *longer = malloc(good.len + 1);
    uint8_t *der = NULL;
    int len = i2d_CMS_ContentInfo(data, &der);

    (void)state;
    assert_non_null(longer);
    memcpy(longer, good.bytes, good.len);
    longer[good.len] = '\n';
    kinds[0] = sample_blob("", longer, good.len + 1);
    kinds[1] = sample_blob("", (const char *)der, (size_t)len);
    content = sample_text("", CONTENT);
    for (size_t i = 0; i < 2; i++) {
        struct ferry_buf content_buf = lend(&content), der_buf = lend(&kinds[i]);
        struct ferry_signature found = { 0 };
        struct ferry_err err;

        CHECK_OK(ferry_signature_check(&content_buf, &der_buf, &nobody, &found, &err));
        assert_int_equal(found.state, FERRY_SIGNATURE_BAD);
        assert_non_null(strstr(found.why.msg, i ? "no signature over data" : "1 bytes follow"));
        ferry_signature_release(&found);
    }
    OPENSSL_free(der);
    BIO_free(bytes);
    CMS_ContentInfo_free(data);
}

/* [R51] */
static void test_signature_too_many_signers(void **state)
{
    static const struct ferry_signature_policy nobody;
    struct sample content = sample_text("", CONTENT);

    (void)state;
    for (int count = FERRY_SIGNERS_MAX; count <= FERRY_SIGNERS_MAX + 1; count++) {
        BIO *bytes = BIO_new_mem_buf(CONTENT, -1);
        CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, OURS | CMS_BINARY | CMS_PARTIAL);
        struct ferry_buf content_buf = lend(&content), der = { 0 };
        struct ferry_signature found = { 0 };
        struct ferry_err err;

        for (int i = 0; i < count; i++)
            assert_non_null(
                CMS_add1_signer(cms, alice.certificate, alice.key, NULL,
                                OURS | CMS_BINARY | CMS_PARTIAL | (i > 0 ? CMS_NOCERTS : 0)));
        assert_int_equal(CMS_final(cms, bytes, NULL, OURS | CMS_BINARY), 1);
        der.len = (size_t)i2d_CMS_ContentInfo(cms, &der.data);
        CHECK_OK(ferry_signature_check(&content_buf, &der, &nobody, &found, &err));
        if (count > FERRY_SIGNERS_MAX)
            assert_string_equal(found.why.msg, "index.json.p7s: 65 signers, limit 64");
        else
            assert_int_equal(found.count, count);
        ferry_signature_release(&found);
        OPENSSL_free(der.data);
        CMS_ContentInfo_free(cms);
        BIO_free(bytes);
    }
}

/* What is told of a signer. */
static void test_signature_describes_signers(void **state)
{
    const struct identity_signature how = { { &stranger, &alice }, .flags = OURS };
    struct sample der = identity_sign(&how, CONTENT, strlen(CONTENT));
    struct sample content = sample_text("", CONTENT);
    struct ferry_buf content_buf = lend(&content), der_buf = lend(&der);
    FERRY_OWNED_SIGNATURE_POLICY policy;
    struct ferry_signature found = { 0 };
    struct ferry_err err;
    FERRY_OWNED_BUF text;
    const struct ferry_signer *signer;

    (void)state;
    ferry_buf_init(&text, 10000);
    trust(&policy, (const struct identity *[]){ &root, NULL });
    CHECK_OK(ferry_signature_check(&content_buf, &der_buf, &policy, &found, &err));
    assert_int_equal(found.count, 2);
    signer = &found.signers[found.signers[1].trusted];
    assert_string_equal(signer->subject, "CN=alice");
    assert_string_equal(signer->issuer, "CN=root");
    assert_int_equal(strlen(signer->sha256), 64);
    assert_int_equal(strlen(signer->not_after), strlen("2026-12-31T23:59:59Z"));
    assert_true(signer->trusted);
    assert_null(signer->fault);
    CHECK_OK(ferry_signature_print(&found, &text, &err));
    assert_non_null(strstr((char *)text.data, "CN=alice (trusted)"));
    assert_non_null(strstr((char *)text.data, "CN=stranger (not trusted: it leads to no"));
    ferry_signature_release(&found);
}

static void test_signature_policy(void **state)
{
    static const char *const files[] = { "good.pem", NULL },
                             *const absent[] = { "absent.pem", NULL },
                             *const empty[] = { "good.pem", "empty.pem", NULL },
                             *const broken[] = { "broken.pem", NULL };
    static const char text[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    static const struct {
        const char *name;
        const char *const *files;
        bool required;
        enum ferry_code want;
        const char *says;
    } cases[] = {
        { "none", NULL, false, FERRY_OK, NULL },
        { "good", files, true, FERRY_OK, NULL },
        { "required_of_nobody", NULL, true, FERRY_EUSAGE, "name certificates with --trust" },
        { "absent", absent, false, FERRY_EUSAGE, "--trust absent.pem: No such file" },
        { "empty", empty, false, FERRY_EUSAGE, "--trust empty.pem: no PEM certificate in it" },
        { "broken", broken, false, FERRY_EUSAGE, "--trust broken.pem: a certificate in it cannot" },
    };

    (void)state;
    identity_write_certificate(&root, "good.pem");
    identity_write_key(&root, "empty.pem", NULL);
    identity_write_certificate(&root, "broken.pem");
    sample_write("broken.pem", text, strlen(text));
    for (size_t i = 0; i < FERRY_COUNT(cases); i++) {
        FERRY_OWNED_SIGNATURE_POLICY policy;
        struct ferry_err err = { 0 };
        int rc = ferry_signature_policy_open(cases[i].files, cases[i].required, &policy, &err);

        CHECK_ROW(cases[i].name, rc == (int)cases[i].want);
        CHECK_ROW(cases[i].name, !cases[i].says || strstr(err.msg, cases[i].says));
        CHECK_ROW(cases[i].name, (policy.trust != NULL) == (rc == 0 && cases[i].files != NULL));
    }
}

static void test_signature_alike(void **state)
{
    const struct identity_signature base = { { &alice }, &below, .flags = OURS };
    const struct {
        const char *name;
        struct identity_signature how;
        bool alike;
    } others[] = {
        { "same", base, true },
        { "with_attributes", { { &alice }, &below, .flags = CMS_DETACHED }, true },
        { "other_signer", { { &bob }, &below, .flags = OURS }, false },
        { "one_more", { { &alice, &bob }, &below, .flags = OURS }, false },
        { "certificate_less", { { &alice }, .flags = OURS }, false },
        { "other_certificate", { { &alice }, &root, .flags = OURS }, false },
        { "signer_as_certificate", { { &below }, &alice, .flags = OURS }, false },
    };
    struct sample first = identity_sign(&base, CONTENT, strlen(CONTENT));
    struct sample none = sample_text("", "none");
    struct ferry_buf first_buf = lend(&first), none_buf = lend(&none);

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(others); i++) {
        struct sample second = identity_sign(&others[i].how, CONTENT, strlen(CONTENT));
        struct ferry_buf second_buf = lend(&second);

        CHECK_ROW(others[i].name,
                  ferry_signature_alike(&first_buf, &second_buf) == others[i].alike);
        CHECK_ROW(others[i].name,
                  ferry_signature_alike(&second_buf, &first_buf) == others[i].alike);
    }
    assert_false(ferry_signature_alike(&first_buf, &none_buf));
    assert_false(ferry_signature_alike(&none_buf, &first_buf));
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
        cmocka_unit_test(test_signature_check),
        cmocka_unit_test(test_signature_one_of_two_does_not_fit),
        cmocka_unit_test(test_signature_every_byte_turned),
        cmocka_unit_test(test_signature_malformed),
        cmocka_unit_test(test_signature_other_cms),
        cmocka_unit_test(test_signature_too_many_signers),
        cmocka_unit_test(test_signature_describes_signers),
        cmocka_unit_test(test_signature_policy),
        cmocka_unit_test(test_signature_alike),
    };

    return cmocka_run_group_tests_name("signature", tests, enter, identity_leave_folder);
}
