#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "format/core/blob_file.h"
#include "format/registry/session_impl.h"

#define CA_MAX ((size_t)16 * 1024 * 1024)

static int add_bundle(const char *path, struct ferry_buf *ca, struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) file = NULL;
    const size_t before = ca->len;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return ferry_fail(err, FERRY_EUSAGE, "CA file %s: %s", path, strerror(errno));
    FERRY_TRY(ferry_source_fd(fd, &file, err));
    if (ferry_source_read_all(file, ca, err) < 0)
        return ferry_wrap(err, "CA file %s", path);
    if (ca->len == before || !strstr((const char *)ca->data + before, "-----BEGIN "))
        return ferry_fail(err, FERRY_EUSAGE, "CA file %s: no PEM certificates in it", path);
    return ferry_buf_append(ca, "\n", 1, err);
}

int ferry_ca_load(const char *cacert, struct ferry_buf *ca, struct ferry_err *err)
{
    const curl_version_info_data *libcurl = curl_version_info(CURLVERSION_NOW);
    const char *named = getenv("SSL_CERT_FILE"); /* as OpenSSL and Go programs have it */
    struct ferry_err ignored;

    ferry_buf_init(ca, CA_MAX);
    if (named && *named)
        FERRY_TRY(add_bundle(named, ca, err));
    if (!cacert)
        return 0;
    if (ca->len == 0 && libcurl->cainfo && add_bundle(libcurl->cainfo, ca, &ignored) < 0)
        ca->len = 0; /* a machine without a bundle: then the file alone */
    return add_bundle(cacert, ca, err);
}
