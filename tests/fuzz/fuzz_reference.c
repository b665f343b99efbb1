/* References, destinations, digests: what parses is formatted, and parses to the same again. */
#include <string.h>

#include "format/oci/reference.h"
#include "tests/fuzz/fuzz.h"

static void check_reference(const char *text)
{
    struct ferry_reference ref, again;
    char full[FERRY_REFERENCE_TEXT_MAX], second[FERRY_REFERENCE_TEXT_MAX];
    struct ferry_err err;

    if (ferry_reference_parse(text, &ref, &err) < 0) {
        HOLDS(err.code == FERRY_EUSAGE && err.msg[0]);
        return;
    }
    HOLDS(ref.registry[0] && ferry_repository_valid(ref.repository));
    HOLDS(ref.tag[0] ? ferry_tag_valid(ref.tag) : ref.has_digest);
    HOLDS(strlen(ferry_reference_selector(&ref)) > 0);
    ferry_reference_format(&ref, full);
    HOLDS(ferry_reference_parse(full, &again, &err) == 0);
    ferry_reference_format(&again, second);
    HOLDS(strcmp(full, second) == 0);
    HOLDS(strspn(full, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-/:@[]") ==
          strlen(full));
}

static void check_prefix(const char *text)
{
    struct ferry_reference ref;
    struct ferry_err err;

    if (ferry_reference_parse_prefix(text, &ref, &err) < 0)
        return;
    HOLDS(ref.registry[0] && !ref.tag[0] && !ref.has_digest);
    HOLDS(!ref.repository[0] || ferry_repository_valid(ref.repository));
    (void)ferry_registry_is_loopback(ref.registry);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char *text = malloc(len + 1);
    struct ferry_digest digest;
    struct ferry_err err;

    HOLDS(text);
    memcpy(text, bytes, len);
    text[len] = '\0';
    check_reference(text);
    check_prefix(text);
    if (ferry_digest_parse(text, &digest, &err) == 0)
        HOLDS(strcmp(digest.text, text) == 0);
    ferry_text_clean(text);
    for (const char *p = text; *p; p++)
        HOLDS((unsigned char)*p >= 0x20 && *p != 0x7f);
    free(text);
    return 0;
}
