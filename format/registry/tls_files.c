#include <curl/curl.h>
#include <dirent.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#include "format/core/blob_file.h"
#include "format/registry/tls_impl.h"

#define CA_MAX ((size_t)16 * 1024 * 1024)

void ferry_tls_init(struct ferry_tls *tls)
{
    *tls = (struct ferry_tls){ .cert = NULL };
    ferry_buf_init(&tls->ca, CA_MAX);
}

void ferry_tls_release(struct ferry_tls *tls)
{
    ferry_buf_release(&tls->ca);
    free(tls->cert);
    free(tls->key);
}

/* --- certificate authorities ---------------------------------------------------------------- */

static int add_bundle(const char *path, struct ferry_buf *ca, struct ferry_err *err)
{
    const size_t before = ca->len;

    if (ferry_file_read(path, ca, err) < 0)
        return ferry_wrap(err, "CA file %s", path);
    if (ca->len == before || !strstr((const char *)ca->data + before, "-----BEGIN "))
        return ferry_fail(err, FERRY_EUSAGE, "CA file %s: no PEM certificates in it", path);
    return ferry_buf_append(ca, "\n", 1, err);
}

int ferry_tls_add_named(struct ferry_tls *tls, struct ferry_err *err)
{
    const char *named = getenv("SSL_CERT_FILE"); /* as OpenSSL and Go programs have it */

    return named && *named ? add_bundle(named, &tls->ca, err) : 0;
}

int ferry_tls_add_ca(struct ferry_tls *tls, const char *path, struct ferry_err *err)
{
    const curl_version_info_data *libcurl = curl_version_info(CURLVERSION_NOW);
    struct ferry_err ignored;

    if (tls->ca.len == 0 && libcurl->cainfo && add_bundle(libcurl->cainfo, &tls->ca, &ignored) < 0)
        tls->ca.len = 0; /* a machine without a bundle: then the file alone */
    return add_bundle(path, &tls->ca, err);
}

/* --- client certificates -------------------------------------------------------------------- */

static void bio_freep(BIO **bio)
{
    BIO_free(*bio);
}

static void certificate_freep(X509 **certificate)
{
    X509_free(*certificate);
}

static void key_freep(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

/* OpenSSL would ask at the terminal. Notes that it wanted to. */
static int no_password(char *buf, int size, int writing, void *asked)
{
    (void)buf;
    (void)size;
    (void)writing;
    *(bool *)asked = true;
    return -1;
}

static int fail_file(const char *what, const char *path, const char *why, struct ferry_err *err)
{
    ERR_clear_error(); /* of this thread, in which libcurl would find it */
    return ferry_fail(err, FERRY_EUSAGE, "%s %s: %s", what, path, why);
}

/* What the server would only answer with a torn connection. */
static int check_pair(const char *cert, const char *key, struct ferry_err *err)
{
    static const char cert_is[] = "client certificate", key_is[] = "key of the client certificate";
    __attribute__((cleanup(bio_freep))) BIO *cert_file = BIO_new_file(cert, "r");
    __attribute__((cleanup(bio_freep))) BIO *key_file = NULL;
    __attribute__((cleanup(certificate_freep))) X509 *certificate = NULL;
    __attribute__((cleanup(key_freep))) EVP_PKEY *pair = NULL;
    bool asked = false;

    if (!cert_file)
        return fail_file(cert_is, cert, strerror(errno), err);
    certificate = PEM_read_bio_X509(cert_file, NULL, NULL, NULL);
    if (!certificate)
        return fail_file(cert_is, cert, "no PEM certificate in it", err);
    key_file = BIO_new_file(key, "r");
    if (!key_file)
        return fail_file(key_is, key, strerror(errno), err);
    pair = PEM_read_bio_PrivateKey(key_file, NULL, no_password, &asked);
    if (!pair)
        return fail_file(key_is, key,
                         asked ? "it wants a password; take the password off a copy of it"
                               : "no PEM key in it",
                         err);
    if (X509_check_private_key(certificate, pair) != 1)
        return fail_file(key_is, key, "it is not the key of that certificate", err);
    return 0;
}

int ferry_tls_set_client(struct ferry_tls *tls, const char *cert, const char *key,
                         struct ferry_err *err)
{
    key = key ? key : cert;
    FERRY_TRY(check_pair(cert, key, err));
    FERRY_TRY(ferry_text(&tls->cert, err, "%s", cert));
    return ferry_text(&tls->key, err, "%s", key);
}

/* --- folders -------------------------------------------------------------------------------- */

struct names {
    struct dirent **items;
    int count;
};

static void names_release(struct names *names)
{
    for (int i = 0; i < names->count; i++)
        free(names->items[i]);
    free(names->items);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static bool ends_in(const char *name, const char *end)
{
    size_t len = strlen(name), end_len = strlen(end);

    return len > end_len && strcmp(name + len - end_len, end) == 0;
}

/* Whether the folder has NAME`end` beside NAME.xxx. */
static bool has_twin(const struct names *names, const char *name, const char *end)
{
    size_t stem = (size_t)(strrchr(name, '.') - name);

    for (int i = 0; i < names->count; i++)
        if (strncmp(names->items[i]->d_name, name, stem) == 0 &&
            strcmp(names->items[i]->d_name + stem, end) == 0)
            return true;
    return false;
}

/* One file of a folder; docker and podman refuse half a pair as well. */
static int add_file(struct ferry_tls *tls, const char *folder, const struct names *names,
                    const char *name, struct ferry_err *err)
{
    FERRY_OWNED_MEM char *path = NULL;
    FERRY_OWNED_MEM char *key = NULL;

    FERRY_TRY(ferry_text(&path, err, "%s/%s", folder, name));
    if (ends_in(name, ".crt"))
        return ferry_tls_add_ca(tls, path, err);
    if (ends_in(name, ".key") && !has_twin(names, name, ".cert"))
        return ferry_fail(err, FERRY_EUSAGE, "%s: a key without its certificate, %.*s.cert", path,
                          (int)strlen(name) - 4, name);
    if (!ends_in(name, ".cert"))
        return 0;
    FERRY_TRY(ferry_text(&key, err, "%.*skey", (int)strlen(path) - 4, path));
    if (!has_twin(names, name, ".key"))
        return ferry_fail(err, FERRY_EUSAGE,
                          "%s: a client certificate without its key, %s; a certificate authority "
                          "has a name in .crt",
                          path, key);
    return tls->cert ? 0 : ferry_tls_set_client(tls, path, key, err);
}

int ferry_tls_add_folder(struct ferry_tls *tls, const char *path, struct ferry_err *err)
{
    __attribute__((cleanup(names_release))) struct names names = { 0 };
    int count = scandir(path, &names.items, NULL, by_name);

    if (count < 0 && errno == ENOMEM)
        return ferry_fail_memory(err);
    if (count < 0)
        return ferry_fail(err, FERRY_EUSAGE, "folder of certificates %s: %s", path,
                          strerror(errno));
    names.count = count;
    for (int i = 0; i < count; i++)
        FERRY_TRY(add_file(tls, path, &names, names.items[i]->d_name, err));
    return 0;
}
