/* Signatures, with every allocation failing once: ours, and those of OpenSSL below them. */
#include <openssl/crypto.h>
#include <string.h>

#include "export/signer.h"
#include "format/archive/load.h"
#include "tests/support/check.h"
#include "tests/support/fault_alloc.h"
#include "tests/support/identity.h"

static const char *const pem[] = { "alice.pem", NULL }, *const key[] = { "alice.key", NULL };
static struct sample index_json, signature, wrong;

static void *take(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return malloc(size);
}

static void *move(void *p, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return realloc(p, size);
}

static void drop(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    free(p);
}

static struct ferry_buf lend(const struct sample *sample)
{
    return (struct ferry_buf){ .data = (uint8_t *)sample->bytes, .len = sample->len };
}

/* What has no memory says so, or finds nobody to trust; it never trusts for want of memory. Of the
 * thousands of allocations every `stride`-th fails. */
static void check_signature(const struct sample *der, enum ferry_signature_state right, long stride)
{
    struct ferry_buf content = lend(&index_json), bytes = lend(der);
    FERRY_OWNED_SIGNATURE_POLICY policy;
    struct ferry_err err;

    CHECK_OK(ferry_signature_policy_open(pem, true, &policy, &err));
    for (long n = 1; fault_arm(n); n += stride) {
        struct ferry_signature found = { 0 };
        int rc = ferry_signature_check(&content, &bytes, &policy, &found, &err);

        if (rc == 0)
            assert_true(found.state == right || found.state == FERRY_SIGNATURE_BAD);
        else
            assert_int_equal(rc, FERRY_ENOMEM);
        ferry_signature_release(&found);
    }
}

static void test_alloc_signature_check(void **state)
{
    (void)state;
    check_signature(&signature, FERRY_SIGNATURE_TRUSTED, 1);
    check_signature(&wrong, FERRY_SIGNATURE_BAD, 5);
}

static void test_alloc_signature_policy(void **state)
{
    (void)state;
    EACH_FAILED_ALLOC(n)
    {
        FERRY_OWNED_SIGNATURE_POLICY policy;
        struct ferry_err err;
        int rc = ferry_signature_policy_open(pem, true, &policy, &err);

        assert_true((policy.trust != NULL) == (rc == 0));
        assert_true(rc == 0 || rc == FERRY_ENOMEM || rc == FERRY_EUSAGE);
    }
}

static void test_alloc_signature_load(void **state)
{
    FERRY_OWNED_SIGNATURE_POLICY policy;
    struct sample_tar tar = { 0 };
    struct ferry_err err;

    (void)state;
    sample_put_head(&tar, &index_json);
    tar.entries[tar.count++] = (struct sample_entry){ .name = FERRY_SIGNATURE_NAME,
                                                      .bytes = signature.bytes,
                                                      .len = signature.len };
    sample_tar_file(&tar, "a.tar");
    CHECK_OK(ferry_signature_policy_open(pem, true, &policy, &err));
    for (int in_order = 0; in_order < 2; in_order++)
        EACH_FAILED_ALLOC(n)
        {
            FERRY_OWNED(ferry_graph) graph = NULL;
            FERRY_OWNED(ferry_reader) reader = NULL;
            struct ferry_signature found = { 0 };
            int rc = ferry_graph_new(&graph, &err);

            if (rc == 0)
                rc = in_order ? ferry_reader_open_in_order("a.tar", &reader, &err)
                              : ferry_reader_open("a.tar", &reader, &err);
            if (rc == 0)
                rc = ferry_archive_load_signed(reader, &policy, &found, graph, &err);
            assert_true(rc != 0 || found.state == FERRY_SIGNATURE_TRUSTED);
            ferry_signature_release(&found);
        }
}

/* What is signed is right, or nothing is. */
static void test_alloc_signature_sign(void **state)
{
    static const struct ferry_signer_files files = { pem, key, NULL };
    struct ferry_buf content = lend(&index_json);
    FERRY_OWNED(ferry_signers) signers = NULL;
    FERRY_OWNED_SIGNATURE_POLICY policy;
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_signature_policy_open(pem, true, &policy, &err));
    CHECK_OK(ferry_signers_load(&files, &signers, &err));
    EACH_FAILED_ALLOC(n)
    {
        struct ferry_signature found = { 0 };
        FERRY_OWNED_BUF der;
        int rc;

        ferry_buf_init(&der, FERRY_SIGNATURE_MAX);
        rc = ferry_signers_sign(signers, &content, &der, &err);
        fault_stop();
        if (rc == 0)
            CHECK_OK(ferry_signature_check(&content, &der, &policy, &found, &err));
        assert_true(rc < 0 || found.state == FERRY_SIGNATURE_TRUSTED);
        ferry_signature_release(&found);
    }
}

/* OpenSSL takes thousands of allocations to read a key: some of them. */
static void test_alloc_signature_signers(void **state)
{
    static const struct ferry_signer_files files = { pem, key, NULL };

    (void)state;
    for (long n = 1; fault_arm(n); n += 53) {
        FERRY_OWNED(ferry_signers) signers = NULL;
        struct ferry_err err;

        assert_true((ferry_signers_load(&files, &signers, &err) == 0) == (signers != NULL));
    }
}

static int enter(void **state)
{
    const struct identity alice = identity_make(&(struct identity_spec){ .name = "alice" });
    const struct identity_signature how = { { &alice }, .flags = CMS_DETACHED | CMS_NOATTR };

    if (sample_enter_folder(state) < 0)
        return -1;
    identity_write_certificate(&alice, pem[0]);
    identity_write_key(&alice, key[0], NULL);
    index_json = sample_text(FERRY_TYPE_OCI_INDEX, "{\"manifests\":[]}");
    signature = identity_sign(&how, index_json.bytes, index_json.len);
    wrong = identity_sign(&how, "{}", 2);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alloc_signature_check),
        cmocka_unit_test(test_alloc_signature_policy),
        cmocka_unit_test(test_alloc_signature_load),
        cmocka_unit_test(test_alloc_signature_sign),
        cmocka_unit_test(test_alloc_signature_signers),
    };

    if (CRYPTO_set_mem_functions(take, move, drop) != 1)
        return 1;
    return cmocka_run_group_tests_name("alloc_signature", tests, enter, identity_leave_folder);
}
