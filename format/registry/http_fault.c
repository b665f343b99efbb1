#include <errno.h>
#include <inttypes.h>
#include <openssl/x509_vfy.h>
#include <string.h>

#include "format/registry/http_impl.h"
#include "format/registry/origin.h"
#include "format/registry/retry.h"

/* First match wins, the last row catches all. */
static const struct {
    CURLcode result;
    enum ferry_http_fault fault;
    enum ferry_code code;
    const char *text;
} faults[] = {
    { CURLE_OUT_OF_MEMORY, FERRY_FAULT_FINAL, FERRY_ENOMEM, "out of memory" },
    { CURLE_COULDNT_RESOLVE_HOST, FERRY_FAULT_UNREACHED, FERRY_ENET,
      "unknown host: check the name, and DNS" },
    { CURLE_COULDNT_RESOLVE_PROXY, FERRY_FAULT_UNREACHED, FERRY_ENET,
      "the proxy that the environment names is an unknown host" },
    { CURLE_COULDNT_CONNECT, FERRY_FAULT_UNREACHED, FERRY_ENET, "cannot connect" },
    { CURLE_SSL_CONNECT_ERROR, FERRY_FAULT_NOT_TLS, FERRY_ENET,
      "no TLS connection; a registry without TLS needs --plain-http" },
    { CURLE_SSL_CACERT_BADFILE, FERRY_FAULT_FINAL, FERRY_EUSAGE, "no usable CA certificates" },
    { CURLE_SSL_CERTPROBLEM, FERRY_FAULT_FINAL, FERRY_EUSAGE,
      "the client certificate or its key cannot be used" },
    { CURLE_OPERATION_TIMEDOUT, FERRY_FAULT_NOT_TLS, FERRY_ENET, "no connection in time" },
    { CURLE_GOT_NOTHING, FERRY_FAULT_BROKEN, FERRY_ENET, "connection closed without a reply" },
    { CURLE_RECV_ERROR, FERRY_FAULT_BROKEN, FERRY_ENET, "connection broke off" },
    { CURLE_SEND_ERROR, FERRY_FAULT_BROKEN, FERRY_ENET, "connection broke off while sending" },
    { CURLE_SEND_FAIL_REWIND, FERRY_FAULT_BROKEN, FERRY_ENET,
      "connection broke off while sending" },
    { CURLE_PARTIAL_FILE, FERRY_FAULT_BROKEN, FERRY_ENET, "connection closed too early" },
    { CURLE_UNSUPPORTED_PROTOCOL, FERRY_FAULT_FINAL, FERRY_ENET, "not an HTTP server" },
    { CURLE_WEIRD_SERVER_REPLY, FERRY_FAULT_FINAL, FERRY_ENET, "not an HTTP server" },
    { CURLE_OK, FERRY_FAULT_BROKEN, FERRY_ENET, "transfer failed" },
};

/* The certificate was refused: each reason has another remedy. */
static int fail_certificate(struct ferry_http *http, int shown, struct ferry_err *err)
{
    long why = 0;

    http->head.fault = FERRY_FAULT_FINAL;
    curl_easy_getinfo(http->easy, CURLINFO_SSL_VERIFYRESULT, &why);
    if (why == X509_V_ERR_CERT_HAS_EXPIRED || why == X509_V_ERR_CERT_NOT_YET_VALID)
        return ferry_fail(
            err, FERRY_ENET, "%.*s: its certificate %s; is the clock of this machine right?", shown,
            http->url, why == X509_V_ERR_CERT_HAS_EXPIRED ? "has expired" : "is not valid yet");
    if (why == X509_V_OK || why == X509_V_ERR_UNSPECIFIED) /* the chain is good: it is the name */
        return ferry_fail(err, FERRY_ENET, "%.*s: its certificate is for another host (%s)", shown,
                          http->url, http->error_text);
    return ferry_fail(
        err, FERRY_ENET,
        "%.*s: its certificate is not trusted (%s); name its CA with --cacert, or in a "
        "certs.d folder",
        shown, http->url, X509_verify_cert_error_string(why));
}

/*
 * The server breaks off with an alert that is about the client's certificate. Which one it is says
 * OpenSSL in words alone. TLS 1.3 tells only after the handshake, so any step may fail with it.
 */
static int fail_alert(struct ferry_http *http, int shown, struct ferry_err *err)
{
    static const struct {
        const char *alert;
        const char *text;
    } alerts[] = {
        { "alert certificate required",
          "it wants a client certificate; name one with --cert and --key, or in a certs.d folder" },
        { "alert unknown ca", "it does not know the CA of the client certificate" },
        { "alert certificate expired", "the client certificate has expired" },
        { "alert certificate revoked", "the client certificate is revoked" },
        { "alert bad certificate", "it refuses the client certificate, or wants one (--cert)" },
        { "alert certificate unknown", "it refuses the client certificate" },
    };

    for (size_t i = 0; i < FERRY_COUNT(alerts); i++) {
        if (!strstr(http->error_text, alerts[i].alert))
            continue;
        http->head.fault = FERRY_FAULT_FINAL;
        return ferry_fail(err, FERRY_EAUTH, "%.*s: %s", shown, http->url, alerts[i].text);
    }
    return 0;
}

/* The proxy answers CONNECT with a status of its own; 0 is returned where it was not that. */
static int fail_tunnel(struct ferry_http *http, int shown, struct ferry_err *err)
{
    long status = 0;

    curl_easy_getinfo(http->easy, CURLINFO_HTTP_CONNECTCODE, &status);
    if (http->head_done || status < 300)
        return 0;
    http->head.fault = status >= 500 ? FERRY_FAULT_BROKEN : FERRY_FAULT_FINAL;
    if (status == 407)
        return ferry_fail(err, FERRY_EAUTH,
                          "%.*s: the proxy wants credentials that it takes: put them into its URL, "
                          "http://USER:PASSWORD@HOST:PORT",
                          shown, http->url);
    return ferry_fail(err, FERRY_ENET, "%.*s: the proxy does not lead there (%ld)", shown,
                      http->url, status);
}

/* libcurl names the host that it could not connect to: is it another than the URL's? */
static bool is_of_proxy(const struct ferry_http *http)
{
    struct ferry_origin origin;
    struct ferry_err ignored;

    return http->result == CURLE_COULDNT_CONNECT && http->error_text[0] &&
           ferry_origin_of(http->url, &origin, &ignored) == 0 &&
           !ferry_origin_is_loopback(&origin) && origin.host[0] != '[' &&
           !strcasestr(http->error_text, origin.host);
}

/* "https://host:port" of the URL: which object was asked for is the caller's to say. */
static int origin_length(const char *url)
{
    const char *host = strstr(url, "://");

    return host ? (int)(host + 3 - url + (ptrdiff_t)strcspn(host + 3, "/?#")) : 0;
}

/* libcurl connects to another port than that of the URL. */
bool ferry_http_is_proxied(const struct ferry_http *http)
{
    struct ferry_origin origin;
    struct ferry_err ignored;
    long port = 0;

    curl_easy_getinfo(http->easy, CURLINFO_PRIMARY_PORT, &port);
    return port != 0 && ferry_origin_of(http->url, &origin, &ignored) == 0 &&
           strtol(origin.port, NULL, 10) != port;
}

int ferry_http_fail_stall(struct ferry_http *http, struct ferry_err *err)
{
    char what[64] = "no reply";
    long opened = 0;

    http->head.fault = FERRY_FAULT_BROKEN;
    curl_easy_getinfo(http->easy, CURLINFO_NUM_CONNECTS, &opened);
    http->head.reused = opened == 0;
    if (http->head_done)
        snprintf(what, sizeof(what), "less than %d bytes after the first %" PRId64,
                 FERRY_STALL_BYTES, http->received);
    else if (http->body_left > 0)
        snprintf(what, sizeof(what), "it took less than %d bytes", FERRY_STALL_BYTES);
    return ferry_fail(err, FERRY_ESTALL,
                      "%.*s: stalled: %s in %" PRId64 " s; a server that needs longer, or a "
                      "proxy that scans what it passes on, needs a larger --timeout",
                      origin_length(http->url), http->url, what, http->waited_ms / 1000);
}

int ferry_http_fail(struct ferry_http *http, struct ferry_err *err)
{
    int shown = origin_length(http->url);
    const char *text;
    size_t i = 0;
    long system = 0;

    if (http->result == CURLE_PEER_FAILED_VERIFICATION)
        return fail_certificate(http, shown, err);
    FERRY_TRY(fail_alert(http, shown, err));
    FERRY_TRY(fail_tunnel(http, shown, err));
    while (i + 1 < FERRY_COUNT(faults) && faults[i].result != http->result)
        i++;
    http->head.fault = faults[i].fault;
    if (http->head_done) {
        char of[32] = "";

        if (http->head.length >= 0)
            snprintf(of, sizeof(of), " of %" PRId64, http->head.length);
        return ferry_fail(err, faults[i].code,
                          "%.*s: the reply broke off after %" PRId64 "%s bytes (%s)", shown,
                          http->url, http->received, of, curl_easy_strerror(http->result));
    }
    curl_easy_getinfo(http->easy, CURLINFO_OS_ERRNO, &system);
    text = faults[i].text;
    if (is_of_proxy(http))
        text = "cannot connect to the proxy that the environment names";
    if (http->result == CURLE_SEND_ERROR && http->showed) /* its alert is lost in the reset */
        text = "connection broke off, perhaps since it does not take the client certificate";
    if (system != 0)
        return ferry_fail(err, faults[i].code, "%.*s: %s: %s", shown, http->url, text,
                          strerror((int)system));
    return ferry_fail(err, faults[i].code, "%.*s: %s (%s)", shown, http->url, text,
                      http->error_text[0] ? http->error_text : curl_easy_strerror(http->result));
}
