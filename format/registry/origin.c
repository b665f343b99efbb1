#include "format/registry/origin.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static void url_freep(CURLU **url)
{
    curl_url_cleanup(*url);
}

static void text_freep(char **text)
{
    curl_free(*text);
}

#define OWNED_URL __attribute__((cleanup(url_freep))) CURLU *
#define OWNED_PART __attribute__((cleanup(text_freep))) char *

int ferry_url_shown(const char *url)
{
    return (int)strcspn(url, "?#");
}

static int fail_url(const char *text, const char *why, struct ferry_err *err)
{
    return ferry_fail(err, FERRY_EPROTOCOL, "\"%.*s\" cannot be followed: %s",
                      ferry_url_shown(text), text, why);
}

/* libcurl parses and sends, so what it understands is what gets compared. */
static int parse(CURLU *url, const char *text, struct ferry_err *err)
{
    OWNED_PART user = NULL;
    OWNED_PART password = NULL;
    OWNED_PART scheme = NULL;
    CURLUcode rc;

    for (const char *p = text; *p; p++)
        if ((unsigned char)*p <= 0x20 || (unsigned char)*p >= 0x7f)
            return fail_url(text, "it holds characters that no URL has", err);
    rc = curl_url_set(url, CURLUPART_URL, text, 0);
    if (rc == CURLUE_OUT_OF_MEMORY)
        return ferry_fail_memory(err);
    if (rc != CURLUE_OK)
        return fail_url(text, curl_url_strerror(rc), err);
    if (curl_url_get(url, CURLUPART_USER, &user, 0) == CURLUE_OK ||
        curl_url_get(url, CURLUPART_PASSWORD, &password, 0) == CURLUE_OK)
        return fail_url("a URL", "it holds a user name", err);
    if (curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
        return fail_url(text, "it is neither http nor https", err);
    return 0;
}

int ferry_origin_of(const char *text, struct ferry_origin *out, struct ferry_err *err)
{
    OWNED_URL url = curl_url();
    OWNED_PART scheme = NULL;
    OWNED_PART host = NULL;
    OWNED_PART port = NULL;

    if (!url)
        return ferry_fail_memory(err);
    FERRY_TRY(parse(url, text, err));
    if (curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK)
        return ferry_fail_memory(err);
    if (strlen(host) >= sizeof(out->host) || strlen(port) >= sizeof(out->port))
        return fail_url(text, "its host name is too long", err);
    out->tls = strcmp(scheme, "https") == 0;
    for (size_t i = 0; i <= strlen(host); i++)
        out->host[i] = (char)tolower((unsigned char)host[i]);
    memcpy(out->port, port, strlen(port) + 1);
    return 0;
}

static bool port_is_usual(const struct ferry_origin *origin)
{
    return strcmp(origin->port, origin->tls ? "443" : "80") == 0;
}

void ferry_origin_format(const struct ferry_origin *origin, char out[FERRY_ORIGIN_TEXT_MAX])
{
    snprintf(out, FERRY_ORIGIN_TEXT_MAX, "%s%s%s", origin->host, port_is_usual(origin) ? "" : ":",
             port_is_usual(origin) ? "" : origin->port);
}

bool ferry_origin_equal(const struct ferry_origin *a, const struct ferry_origin *b)
{
    return a->tls == b->tls && strcmp(a->host, b->host) == 0 && strcmp(a->port, b->port) == 0;
}

bool ferry_origin_is_loopback(const struct ferry_origin *origin)
{
    return ferry_registry_is_loopback(origin->host);
}

bool ferry_origin_listed(const struct ferry_origin *origin, const char *const *list)
{
    const bool usual = port_is_usual(origin);
    char full[FERRY_ORIGIN_TEXT_MAX];

    snprintf(full, sizeof(full), "%s:%s", origin->host, origin->port);
    for (; list && *list; list++)
        if (**list == '\0' || strcasecmp(*list, full) == 0 ||
            (usual && strcasecmp(*list, origin->host) == 0))
            return true;
    return false;
}

int ferry_url_resolve(const char *base, const char *location, char **out, struct ferry_err *err)
{
    OWNED_URL url = curl_url();
    OWNED_PART absolute = NULL;
    char *copy;

    if (!url)
        return ferry_fail_memory(err);
    FERRY_TRY(parse(url, base, err));
    FERRY_TRY(parse(url, location, err)); /* relative to what it holds */
    if (curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_URL, &absolute, 0) != CURLUE_OK)
        return ferry_fail_memory(err);
    copy = strdup(absolute);
    if (!copy)
        return ferry_fail_memory(err);
    *out = copy;
    return 0;
}

int ferry_origin_check_hop(const struct ferry_origin *from, const struct ferry_origin *to,
                           struct ferry_err *err)
{
    if (!from->tls || to->tls)
        return 0;
    return ferry_fail(err, FERRY_ENET,
                      "%s:%s sends on from https to plain http (%s:%s), which is refused; if a "
                      "proxy stands before that registry, its external URL is set up wrong",
                      from->host, from->port, to->host, to->port);
}
