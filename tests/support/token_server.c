/*
 * A token service for docker-registry (distribution's token and OAuth2 specifications).
 *
 *   token_server --key KEY.pem --cert CERT.pem [--ttl SECONDS] [--says SECONDS] [--one-scope]
 *                [--anonymous] [--log FILE]
 *
 * Prints its port on 127.0.0.1. Gives tokens signed with KEY (RS256), with CERT in the header, to
 * user:secret, to the identity token "identity" (POST), and with --anonymous to anybody for pull.
 * --ttl      a token is good for so long; docker-registry allows for clocks that differ by 60 s,
 *            which is taken into account
 * --says     what expires_in says, when that is not the truth
 * --one-scope  more than one scope in a request is refused with 400
 * --log      a line for each request: "METHOD auth=basic|none|identity scopes=N status=S"
 * Ends by itself after ten minutes.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define REQUEST_MAX 65536
#define TEXT_MAX 16384
#define SCOPES_MAX 8
#define LEEWAY 60 /* docker-registry's */

static struct {
    EVP_PKEY *key;
    char *cert; /* base64 of its DER */
    int ttl;
    int says;
    bool one_scope;
    bool anonymous;
    int log_fd;
} server = { .ttl = 300, .log_fd = -1 };

static void need(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "token_server: %s\n", what);
    exit(1);
}

/* --- tokens --------------------------------------------------------------------------------- */

/* base64url without padding. */
static void encode(const void *bytes, size_t len, char *out)
{
    char *end = out + EVP_EncodeBlock((unsigned char *)out, bytes, (int)len);

    while (end > out && end[-1] == '=')
        *--end = '\0';
    for (; *out; out++)
        *out = *out == '+' ? '-' : *out == '/' ? '_' : *out;
}

/* "repository:NAME:pull,push" as an item of "access"; "" for what is none. */
static void format_access(const char *scope, bool pull_only, char out[1024])
{
    char type[64], name[512], actions[64], list[128] = "";
    char *rest = NULL;

    out[0] = '\0';
    if (sscanf(scope, "%63[^:]:%511[^:]:%63s", type, name, actions) != 3)
        return;
    for (char *a = strtok_r(actions, ",", &rest); a; a = strtok_r(NULL, ",", &rest)) {
        if (pull_only && strcmp(a, "pull") != 0)
            continue;
        snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s\"%.20s\"", *list ? "," : "",
                 a);
    }
    snprintf(out, 1024, "{\"type\":\"%s\",\"name\":\"%s\",\"actions\":[%s]}", type, name, list);
}

static void make_token(char scopes[][1024], int count, bool pull_only, char *out)
{
    static const char issuer[] = "ferry tokens", service[] = "ferry registry";
    char header[TEXT_MAX], claims[TEXT_MAX], access[TEXT_MAX / 2] = "";
    unsigned char signature[1024];
    size_t signature_len = sizeof(signature), len;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    long long now = (long long)time(NULL);

    for (int i = 0; i < count; i++) {
        char item[1024];

        format_access(scopes[i], pull_only, item);
        len = strlen(access);
        snprintf(access + len, sizeof(access) - len, "%s%s", *access && *item ? "," : "", item);
    }
    snprintf(header, sizeof(header), "{\"typ\":\"JWT\",\"alg\":\"RS256\",\"x5c\":[\"%s\"]}",
             server.cert);
    snprintf(claims, sizeof(claims),
             "{\"iss\":\"%s\",\"sub\":\"user\",\"aud\":\"%s\",\"exp\":%lld,\"nbf\":%lld,"
             "\"iat\":%lld,\"jti\":\"%lld\",\"access\":[%s]}",
             issuer, service, now + server.ttl - LEEWAY, now - 1000, now - 1000, now, access);
    encode(header, strlen(header), out);
    strcat(out, ".");
    encode(claims, strlen(claims), out + strlen(out));
    need(ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, server.key) == 1 &&
             EVP_DigestSign(ctx, signature, &signature_len, (unsigned char *)out, strlen(out)) == 1,
         "cannot sign");
    EVP_MD_CTX_free(ctx);
    strcat(out, ".");
    encode(signature, signature_len, out + strlen(out));
}

/* --- requests ------------------------------------------------------------------------------- */

static void unescape(char *text)
{
    char *to = text;

    for (; *text; text++) {
        unsigned byte;

        if (*text == '%' && sscanf(text + 1, "%2x", &byte) == 1) {
            *to++ = (char)byte;
            text += 2;
        } else {
            *to++ = *text == '+' ? ' ' : *text;
        }
    }
    *to = '\0';
}

/* The scopes of a query or form, which is taken apart: several fields, or several in one. */
static int find_scopes(char *form, char scopes[SCOPES_MAX][1024], bool *identity)
{
    char *rest = NULL;
    int count = 0;

    for (char *field = strtok_r(form, "&", &rest); field; field = strtok_r(NULL, "&", &rest)) {
        char *inner = NULL;

        unescape(field);
        if (strcmp(field, "refresh_token=identity") == 0)
            *identity = true;
        if (strncmp(field, "scope=", 6) != 0)
            continue;
        for (char *s = strtok_r(field + 6, " ", &inner); s && count < SCOPES_MAX;
             s = strtok_r(NULL, " ", &inner))
            snprintf(scopes[count++], 1024, "%s", s);
    }
    return count;
}

static void answer(int fd, int status, const char *body)
{
    char reply[TEXT_MAX * 4];
    int len = snprintf(reply, sizeof(reply),
                       "HTTP/1.1 %d Scripted\r\nContent-Type: application/json\r\n"
                       "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                       status, strlen(body), body);

    (void)!send(fd, reply, (size_t)len, MSG_NOSIGNAL);
}

static void serve(int fd, char *request)
{
    static const char granted[] = "Authorization: Basic dXNlcjpzZWNyZXQ="; /* user:secret */
    char *end_of_head = strstr(request, "\r\n\r\n"), *query = strchr(request, '?');
    bool post = strncmp(request, "POST ", 5) == 0, identity = false;
    bool basic = strcasestr(request, granted) != NULL;
    bool wrong = !basic && strcasestr(request, "\r\nAuthorization:");
    char scopes[SCOPES_MAX][1024];
    char *form = post ? end_of_head + 4 : query ? query + 1 : end_of_head;
    static char token[TEXT_MAX * 2], body[TEXT_MAX * 3];
    int count, status = 200;
    bool known;

    if (!post)
        form[strcspn(form, " \r")] = '\0';
    count = find_scopes(form, scopes, &identity);
    known = basic || identity;
    if (wrong || (!known && !server.anonymous) || (post && !identity))
        status = 401;
    else if (server.one_scope && count > 1)
        status = 400;
    if (status == 200) {
        make_token(scopes, count, !known, token);
        snprintf(body, sizeof(body), "{\"%s\":\"%s\",\"expires_in\":%d}",
                 post ? "access_token" : "token", token, server.says ? server.says : server.ttl);
    } else {
        snprintf(body, sizeof(body), "{\"details\":\"%s\"}",
                 status == 400 ? "one scope at a time" : "who are you?");
    }
    if (server.log_fd >= 0)
        dprintf(server.log_fd, "%s auth=%s scopes=%d status=%d\n", post ? "POST" : "GET",
                basic      ? "basic"
                : identity ? "identity"
                           : "none",
                count, status);
    answer(fd, status, body);
}

/* One request a connection: up to the end of the head, and of the form if there is one. */
static void receive(int fd)
{
    static char request[REQUEST_MAX];
    size_t have = 0;

    for (;;) {
        ssize_t n = recv(fd, request + have, sizeof(request) - 1 - have, 0);
        const char *head_end, *length;

        if (n <= 0)
            return;
        have += (size_t)n;
        request[have] = '\0';
        head_end = strstr(request, "\r\n\r\n");
        length = strcasestr(request, "\r\nContent-Length:");
        if (head_end && (!length || length > head_end ||
                         (size_t)(request + have - head_end - 4) >=
                             strtoul(length + strlen("\r\nContent-Length:"), NULL, 10)))
            break;
    }
    serve(fd, request);
}

/* --- start ---------------------------------------------------------------------------------- */

static void load_key(const char *path)
{
    FILE *file = fopen(path, "r");

    need(file != NULL, path);
    server.key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    need(server.key != NULL, "no key");
    fclose(file);
}

static void load_cert(const char *path)
{
    FILE *file = fopen(path, "r");
    unsigned char *der = NULL;
    X509 *cert;
    int len;

    need(file != NULL, path);
    cert = PEM_read_X509(file, NULL, NULL, NULL);
    need(cert != NULL, "no certificate");
    len = i2d_X509(cert, &der);
    need(len > 0 && len < 4096, "certificate too large");
    server.cert = malloc((size_t)len * 2);
    need(server.cert != NULL, "no memory");
    EVP_EncodeBlock((unsigned char *)server.cert, der, len);
    OPENSSL_free(der);
    X509_free(cert);
    fclose(file);
}

static void parse_args(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : "";

        if (strcmp(argv[i], "--one-scope") == 0) {
            server.one_scope = true;
            continue;
        }
        if (strcmp(argv[i], "--anonymous") == 0) {
            server.anonymous = true;
            continue;
        }
        if (strcmp(argv[i], "--key") == 0)
            load_key(next);
        else if (strcmp(argv[i], "--cert") == 0)
            load_cert(next);
        else if (strcmp(argv[i], "--ttl") == 0)
            server.ttl = atoi(next);
        else if (strcmp(argv[i], "--says") == 0)
            server.says = atoi(next);
        else if (strcmp(argv[i], "--log") == 0)
            server.log_fd = open(next, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        else
            need(false, argv[i]);
        i++;
    }
    need(server.key && server.cert, "see the comment at the head of token_server.c");
}

int main(int argc, char **argv)
{
    struct sockaddr_in addr = { .sin_family = AF_INET,
                                .sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof(addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    parse_args(argc, argv);
    alarm(600);
    need(fd >= 0 && bind(fd, (struct sockaddr *)&addr, len) == 0 && listen(fd, 128) == 0 &&
             getsockname(fd, (struct sockaddr *)&addr, &len) == 0,
         "cannot listen");
    printf("%d\n", ntohs(addr.sin_port));
    fflush(stdout);
    for (;;) {
        int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

        if (client < 0)
            continue;
        receive(client);
        shutdown(client, SHUT_WR);
        close(client);
    }
}
