#include "format/registry/token.h"

#include <curl/curl.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <string.h>

#include "format/core/blob_file.h"
#include "format/registry/api_error.h"
#include "format/registry/retry.h"

#define REPLY_MAX ((size_t)1024 * 1024)
#define TOKEN_MAX ((size_t)64 * 1024)
#define URL_MAX ((size_t)64 * 1024)
#define HOPS_MAX 5
#define SECONDS_USUAL 60 /* where the reply does not say */
#define SECONDS_MAX ((int64_t)24 * 60 * 60)
#define CLIENT_ID "ociferry"

int ferry_basic_format(const struct ferry_credential *credential, char **out, struct ferry_err *err)
{
    FERRY_OWNED_SECRET plain = NULL;
    size_t len;
    char *text;

    FERRY_TRY(ferry_text(&plain, err, "%s:%s", credential->user, credential->password));
    len = strlen(plain);
    text = malloc(strlen("Basic ") + (len + 2) / 3 * 4 + 1);
    if (!text)
        return ferry_fail_memory(err);
    memcpy(text, "Basic ", strlen("Basic "));
    EVP_EncodeBlock((unsigned char *)text + strlen("Basic "), (const unsigned char *)plain,
                    (int)len);
    *out = text;
    return 0;
}

/* A password goes where the registry says, unless that is less safe than the registry itself. */
static int check_realm(const struct ferry_origin *realm, const struct ferry_origin *registry,
                       struct ferry_err *err)
{
    if (realm->tls)
        return 0;
    if (ferry_origin_is_loopback(realm) && ferry_origin_is_loopback(registry))
        return 0;
    if (!registry->tls && strcmp(realm->host, registry->host) == 0)
        return 0;
    return ferry_fail(
        err, FERRY_EAUTH,
        "%s names a token service at http://%s:%s, which is not safe to ask: expected "
        "https",
        registry->host, realm->host, realm->port);
}

/* name=value, escaped, after '&' or `*separator`. */
static int add_field(struct ferry_buf *to, char *separator, const char *name, const char *value,
                     struct ferry_err *err)
{
    char *escaped = curl_easy_escape(NULL, value, 0);
    const char before[2] = { *separator, '\0' };
    int rc;

    if (!escaped)
        return ferry_fail_memory(err);
    rc = ferry_buf_print(to, err, "%s%s=%s", before, name, escaped);
    curl_free(escaped);
    *separator = '&';
    return rc;
}

/* GET: the question is in the URL, each scope by itself. */
static int ask_in_url(const struct ferry_token_request *request, struct ferry_buf *url,
                      struct ferry_err *err)
{
    char separator = strchr(request->realm, '?') ? '&' : '?';
    FERRY_OWNED_MEM char *scopes = strdup(request->scope);
    char *rest = NULL;

    if (!scopes)
        return ferry_fail_memory(err);
    FERRY_TRY(ferry_buf_append(url, request->realm, strlen(request->realm), err));
    if (request->credential->user)
        FERRY_TRY(add_field(url, &separator, "account", request->credential->user, err));
    FERRY_TRY(add_field(url, &separator, "client_id", CLIENT_ID, err));
    if (request->service)
        FERRY_TRY(add_field(url, &separator, "service", request->service, err));
    for (char *s = strtok_r(scopes, " ", &rest); s; s = strtok_r(NULL, " ", &rest))
        FERRY_TRY(add_field(url, &separator, "scope", s, err));
    return 0;
}

/* POST: the question is a form, which also holds the identity token. */
static int ask_in_form(const struct ferry_token_request *request, struct ferry_buf *form,
                       struct ferry_err *err)
{
    char separator = '&';

    FERRY_TRY(ferry_buf_print(form, err, "grant_type=refresh_token"));
    FERRY_TRY(
        add_field(form, &separator, "service", request->service ? request->service : "", err));
    FERRY_TRY(add_field(form, &separator, "client_id", CLIENT_ID, err));
    FERRY_TRY(add_field(form, &separator, "scope", request->scope, err));
    return add_field(form, &separator, "refresh_token", request->credential->identity_token, err);
}

/* The service answered with something other than a token. */
static int fail_status(struct ferry_http *http, const struct ferry_token_request *request,
                       struct ferry_err *err)
{
    const int status = ferry_http_head(http)->status;
    const bool known = request->credential->user || request->credential->identity_token;
    struct ferry_api_error said;
    char name[40];

    ferry_api_error_read(http, &said);
    ferry_status_format(status, name);
    if (ferry_retry_status(status))
        return ferry_fail(err, FERRY_ENET, "token service %.*s: %s%s",
                          ferry_url_shown(request->realm), request->realm, name, said.text);
    return ferry_fail(err, FERRY_EAUTH, "token service %.*s refuses %s: %s%s; %s",
                      ferry_url_shown(request->realm), request->realm,
                      known ? "the credentials" : "anonymous access", name, said.text,
                      known ? "check user and password" : "log in, or pass --authfile or --creds");
}

static bool is_header_text(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text <= 0x20 || (unsigned char)*text >= 0x7f)
            return false;
    return true;
}

static int parse_reply(struct ferry_buf *body, const char *realm, char **token, int64_t *seconds,
                       struct ferry_err *err)
{
    json_t *document = body->len > 0 ? json_loadb((const char *)body->data, body->len,
                                                  JSON_REJECT_DUPLICATES, NULL)
                                     : NULL;
    const char *text = json_string_value(json_object_get(document, "token"));
    const json_t *expires = json_object_get(document, "expires_in");
    int rc = 0;

    if (!text || !*text)
        text = json_string_value(json_object_get(document, "access_token"));
    *seconds = SECONDS_USUAL;
    if (json_is_integer(expires) && json_integer_value(expires) > 0)
        *seconds = json_integer_value(expires);
    if (*seconds > SECONDS_MAX)
        *seconds = SECONDS_MAX;
    if (!text || !*text || strlen(text) > TOKEN_MAX || !is_header_text(text)) {
        rc = ferry_fail(err, FERRY_EPROTOCOL, "token service %.*s: its reply holds no usable token",
                        ferry_url_shown(realm), realm);
    } else {
        *token = strdup(text);
        rc = *token ? 0 : ferry_fail_memory(err);
    }
    json_decref(document);
    return rc;
}

static int read_reply(struct ferry_http *http, const char *realm, struct ferry_buf *body,
                      struct ferry_err *err)
{
    uint8_t chunk[4096];
    size_t got;

    do {
        FERRY_TRY(ferry_http_read(http, chunk, sizeof(chunk), &got, err));
        if (ferry_buf_append(body, chunk, got, err) < 0) {
            ferry_wrap(err, "token service %.*s", ferry_url_shown(realm), realm);
            return ferry_blame_server(err);
        }
    } while (got > 0);
    return 0;
}

/* Sends, and follows redirects: with credentials within the realm's origin, else where it is safe.
 */
static int send_question(struct ferry_http *http, const struct ferry_token_request *request,
                         struct ferry_http_request *question, struct ferry_err *err)
{
    const bool secret = question->authorization || question->body;
    FERRY_OWNED_MEM char *url = strdup(question->url);
    struct ferry_origin realm, origin, next;

    if (!url)
        return ferry_fail_memory(err);
    FERRY_TRY(ferry_origin_of(url, &realm, err));
    FERRY_TRY(check_realm(&realm, request->registry, err));
    origin = realm;
    question->tls = request->tls;
    for (int hops = 0;; hops++) {
        FERRY_OWNED_MEM char *from = NULL;
        const char *location;
        int status;

        question->url = url;
        question->insecure = ferry_origin_listed(&origin, request->insecure);
        question->show_client = ferry_origin_equal(&origin, &realm);
        FERRY_TRY(ferry_http_send(http, question, err));
        status = ferry_http_head(http)->status;
        location = ferry_http_header(http, "Location", 0);
        if (status < 301 || status > 308 || !location || question->body)
            return 0;
        if (hops == HOPS_MAX)
            return ferry_fail(err, FERRY_EAUTH, "token service %.*s: more than %d redirects",
                              ferry_url_shown(url), url, HOPS_MAX);
        from = ferry_steal(&url);
        FERRY_TRY(ferry_url_resolve(from, location, &url, err));
        FERRY_TRY(ferry_origin_of(url, &next, err));
        FERRY_TRY(ferry_origin_check_hop(&origin, &next, err));
        FERRY_TRY(check_realm(&next, request->registry, err));
        if (secret && !ferry_origin_equal(&origin, &next))
            return ferry_fail(err, FERRY_EAUTH,
                              "token service at %s sends on to %s, which does not get the "
                              "credentials",
                              origin.host, next.host);
        origin = next;
    }
}

int ferry_token_fetch(struct ferry_http *http, const struct ferry_token_request *request,
                      char **token, int64_t *seconds, struct ferry_err *err)
{
    FERRY_OWNED_SECRET authorization = NULL;
    FERRY_OWNED(ferry_source) body = NULL;
    struct ferry_http_request question = { .method = "GET", .accept = "application/json" };
    FERRY_OWNED_BUF text, answer;
    int rc;

    ferry_buf_init(&text, URL_MAX);
    ferry_buf_init(&answer, REPLY_MAX);
    if (request->credential->identity_token) {
        FERRY_TRY(ask_in_form(request, &text, err));
        FERRY_TRY(ferry_source_memory(text.data, text.len, &body, err));
        question.method = "POST";
        question.url = request->realm;
        question.content_type = "application/x-www-form-urlencoded";
        question.body = body;
        question.body_size = (int64_t)text.len;
    } else {
        FERRY_TRY(ask_in_url(request, &text, err));
        question.url = (const char *)text.data;
        if (request->credential->user) {
            FERRY_TRY(ferry_basic_format(request->credential, &authorization, err));
            question.authorization = authorization;
        }
    }
    rc = send_question(http, request, &question, err);
    if (text.len > 0)
        explicit_bzero(text.data, text.len);
    FERRY_TRY(rc);
    if (ferry_http_head(http)->status != 200)
        return fail_status(http, request, err);
    FERRY_TRY(read_reply(http, request->realm, &answer, err));
    return parse_reply(&answer, request->realm, token, seconds, err);
}
