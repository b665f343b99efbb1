/*
 * Signatures (CMS in DER) over a fixed index.json, checked against one trusted certificate. Its key
 * is gone, so that nobody signs anything else with it: whoever is trusted signed these bytes and no
 * others.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/archive/signature.h"
#include "tests/fuzz/fuzz.h"

static const char anchor[] = "-----BEGIN CERTIFICATE-----\n"
                             "MIIBQzCB6aADAgECAhRyS5mFa0yFQ3UvvLczR4ewTH5XITAKBggqhkjOPQQDAjAP\n"
                             "MQ0wCwYDVQQDDARmdXp6MCAXDTAwMDEwMTAwMDAwMFoYDzIxMDAwMTAxMDAwMDAw\n"
                             "WjAPMQ0wCwYDVQQDDARmdXp6MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqMII\n"
                             "82t3c20GFNOteR6OLZykVJYUKRtvvcXPKTL7q6ciTBIek38H52OOsv1fhf2a3N8g\n"
                             "SMu/W/Ncvsa3CpDF2aMhMB8wHQYDVR0OBBYEFI2R9YqZ2+0dQiF07tyKVmnc73cs\n"
                             "MAoGCCqGSM49BAMCA0kAMEYCIQCOU9deFLGRcksYPaG+KtNYWExgKs7uyb3E+Fy2\n"
                             "3R2XkwIhAJv1UncFOIr+lpJYe5xbGtZSqLGZ7egQ6xPehnbHfgfP\n"
                             "-----END CERTIFICATE-----\n";

/* In a file, since that is how certificates are trusted. */
static void open_policy(struct ferry_signature_policy *policy)
{
    int fd = memfd_create("anchor", MFD_CLOEXEC);
    char path[64];
    const char *const paths[] = { path, NULL };
    struct ferry_err err;

    HOLDS(fd >= 0 && write(fd, anchor, sizeof(anchor) - 1) == (ssize_t)sizeof(anchor) - 1);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    HOLDS(ferry_signature_policy_open(paths, true, policy, &err) == 0);
    close(fd);
}

static enum ferry_signature_state check(const char *text, const struct ferry_buf *der,
                                        const struct ferry_signature_policy *policy)
{
    const struct ferry_buf content = { .data = (uint8_t *)text, .len = strlen(text) };
    struct ferry_signature found = { 0 };
    enum ferry_signature_state state;
    FERRY_OWNED_BUF words;
    struct ferry_err err;

    ferry_buf_init(&words, SIZE_MAX);
    HOLDS(ferry_signature_check(&content, der, policy, &found, &err) == 0);
    HOLDS(ferry_signature_print(&found, &words, &err) == 0);
    HOLDS(found.count <= FERRY_SIGNERS_MAX);
    HOLDS((found.state == FERRY_SIGNATURE_BAD) == (found.why.msg[0] != '\0'));
    for (size_t i = 0; i < found.count; i++)
        HOLDS(found.signers[i].subject && found.signers[i].issuer &&
              !(found.signers[i].trusted && found.signers[i].fault));
    state = found.state;
    ferry_signature_release(&found);
    return state;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const struct ferry_signature_policy nobody;
    static struct ferry_signature_policy policy;
    const struct ferry_buf der = { .data = (uint8_t *)bytes, .len = len };

    if (len > FERRY_SIGNATURE_MAX)
        return 0;
    if (!policy.trust)
        open_policy(&policy);
    check("{\"manifests\":[]}", &der, &nobody);
    check("{\"manifests\":[]}", &der, &policy);
    HOLDS(check("{\"manifests\":{}}", &der, &policy) == FERRY_SIGNATURE_BAD);
    ferry_signature_alike(&der, &der);
    return 0;
}
