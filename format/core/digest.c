#include "format/core/digest.h"

#include <openssl/evp.h>
#include <string.h>

static const struct {
    enum ferry_algorithm algorithm;
    const char *name;
    size_t digits;
    const EVP_MD *(*md)(void);
} algorithms[] = {
    { FERRY_SHA256, "sha256", 64, EVP_sha256 },
    { FERRY_SHA512, "sha512", 128, EVP_sha512 },
};

int ferry_digest_parse(const char *text, struct ferry_digest *out, struct ferry_err *err)
{
    for (size_t i = 0; i < FERRY_COUNT(algorithms); i++) {
        size_t prefix = strlen(algorithms[i].name);

        if (strncmp(text, algorithms[i].name, prefix) != 0 || text[prefix] != ':')
            continue;
        if (strspn(text + prefix + 1, "0123456789abcdef") != algorithms[i].digits ||
            text[prefix + 1 + algorithms[i].digits] != '\0')
            break;
        out->algorithm = algorithms[i].algorithm;
        memcpy(out->text, text, prefix + 1 + algorithms[i].digits + 1);
        return 0;
    }
    return ferry_fail(err, FERRY_EFORMAT,
                      "\"%.150s\" is not a digest: expected sha256: and 64, or sha512: and 128, "
                      "lower-case hexadecimal digits",
                      text);
}

bool ferry_digest_equal(const struct ferry_digest *a, const struct ferry_digest *b)
{
    return a->algorithm == b->algorithm && strcmp(a->text, b->text) == 0;
}

int ferry_digest_compare(const void *a, const void *b)
{
    return strcmp(((const struct ferry_digest *)a)->text, ((const struct ferry_digest *)b)->text);
}

const char *ferry_algorithm_name(enum ferry_algorithm algorithm)
{
    return algorithms[algorithm].name;
}

const char *ferry_digest_hex(const struct ferry_digest *digest)
{
    return digest->text + strlen(ferry_algorithm_name(digest->algorithm)) + 1;
}

static void format_digest(enum ferry_algorithm algorithm, const uint8_t *bytes,
                          struct ferry_digest *out)
{
    static const char hex[] = "0123456789abcdef";
    const char *name = ferry_algorithm_name(algorithm);
    char *p = out->text;

    out->algorithm = algorithm;
    while (*name)
        *p++ = *name++;
    *p++ = ':';
    for (size_t i = 0; i < algorithms[algorithm].digits / 2; i++) {
        *p++ = hex[bytes[i] >> 4];
        *p++ = hex[bytes[i] & 15];
    }
    *p = '\0';
}

struct ferry_hash {
    enum ferry_algorithm algorithm;
    EVP_MD_CTX *ctx;
};

int ferry_hash_new(enum ferry_algorithm algorithm, struct ferry_hash **out, struct ferry_err *err)
{
    FERRY_OWNED(ferry_hash) hash = calloc(1, sizeof(*hash));

    if (!hash)
        return ferry_fail_memory(err);
    hash->algorithm = algorithm;
    hash->ctx = EVP_MD_CTX_new();
    if (!hash->ctx)
        return ferry_fail_memory(err);
    FERRY_TRY(ferry_hash_restart(hash, err));
    *out = ferry_steal(&hash);
    return 0;
}

void ferry_hash_free(struct ferry_hash *hash)
{
    if (!hash)
        return;
    EVP_MD_CTX_free(hash->ctx);
    free(hash);
}

int ferry_hash_restart(struct ferry_hash *hash, struct ferry_err *err)
{
    if (EVP_DigestInit_ex(hash->ctx, algorithms[hash->algorithm].md(), NULL) != 1)
        return ferry_fail(err, FERRY_EIO, "OpenSSL does not offer %s here",
                          ferry_algorithm_name(hash->algorithm));
    return 0;
}

int ferry_hash_update(struct ferry_hash *hash, const void *bytes, size_t len, struct ferry_err *err)
{
    if (EVP_DigestUpdate(hash->ctx, bytes, len) != 1)
        return ferry_fail(err, FERRY_EIO, "OpenSSL could not hash");
    return 0;
}

int ferry_hash_peek(const struct ferry_hash *hash, struct ferry_digest *out, struct ferry_err *err)
{
    FERRY_OWNED(ferry_hash) copy = NULL;

    FERRY_TRY(ferry_hash_new(hash->algorithm, &copy, err));
    if (EVP_MD_CTX_copy_ex(copy->ctx, hash->ctx) != 1)
        return ferry_fail_memory(err);
    return ferry_hash_final(copy, out, err);
}

int ferry_hash_final(struct ferry_hash *hash, struct ferry_digest *out, struct ferry_err *err)
{
    uint8_t bytes[EVP_MAX_MD_SIZE];

    if (EVP_DigestFinal_ex(hash->ctx, bytes, NULL) != 1)
        return ferry_fail(err, FERRY_EIO, "OpenSSL could not finish a hash");
    format_digest(hash->algorithm, bytes, out);
    return 0;
}

int ferry_digest_of(enum ferry_algorithm algorithm, const void *bytes, size_t len,
                    struct ferry_digest *out, struct ferry_err *err)
{
    FERRY_OWNED(ferry_hash) hash = NULL;

    FERRY_TRY(ferry_hash_new(algorithm, &hash, err));
    FERRY_TRY(ferry_hash_update(hash, bytes, len, err));
    return ferry_hash_final(hash, out, err);
}
