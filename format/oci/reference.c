#include "format/oci/reference.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define DOCKER_HUB "docker.io"

static bool is_lower_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alnum(char c)
{
    return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

/* The length of a separator inside a path component: '.', '_', "__" or any number of '-'. */
static size_t separator_length(const char *p)
{
    if (*p == '-')
        return strspn(p, "-");
    if (*p == '_')
        return p[1] == '_' ? 2 : 1;
    return *p == '.' ? 1 : 0;
}

bool ferry_repository_valid(const char *text)
{
    const char *p = text;

    if (strlen(text) >= FERRY_REPOSITORY_MAX)
        return false;
    for (;;) {
        if (!is_lower_alnum(*p))
            return false;
        while (is_lower_alnum(*p))
            p++;
        if (*p == '\0')
            return true;
        p += *p == '/' ? 1 : separator_length(p);
    }
}

bool ferry_tag_valid(const char *text)
{
    if (!is_alnum(text[0]) && text[0] != '_')
        return false;
    for (const char *p = text; *p; p++)
        if (!is_alnum(*p) && !strchr("._-", *p))
            return false;
    return strlen(text) < FERRY_TAG_MAX;
}

static bool port_valid(const char *text)
{
    int port = 0;

    for (const char *p = text; *p; p++) {
        if (*p < '0' || *p > '9' || p - text >= 5)
            return false;
        port = port * 10 + (*p - '0');
    }
    return port >= 1 && port <= 65535;
}

static bool registry_valid(const char *text)
{
    const char *port;
    size_t host;

    if (text[0] == '[') {
        host = strspn(text + 1, "0123456789abcdefABCDEF:.") + 1;
        if (host < 3 || text[host] != ']')
            return false;
        port = text + host + 1;
        return *port == '\0' || (*port == ':' && port_valid(port + 1));
    }
    host = strcspn(text, ":");
    if (host == 0 || host > 255 || !is_alnum(text[0]) || !is_alnum(text[host - 1]))
        return false;
    for (size_t i = 0; i < host; i++)
        if (!is_alnum(text[i]) && !strchr("-._", text[i]))
            return false;
    return text[host] == '\0' || port_valid(text + host + 1);
}

static int fail(struct ferry_err *err, const char *text, const char *why)
{
    return ferry_fail(err, FERRY_EUSAGE,
                      "\"%.300s\" is not a reference ([HOST[:PORT]/]REPOSITORY[:TAG][@DIGEST]): %s",
                      text, why);
}

/* Copies `len` bytes; false when they do not fit. */
static bool copy(char *to, size_t room, const char *from, size_t len)
{
    if (len >= room)
        return false;
    memcpy(to, from, len);
    to[len] = '\0';
    return true;
}

/* Takes "@digest" and ":tag" off the end of `rest`, which is cut. */
static int split_selectors(const char *text, char *rest, struct ferry_reference *ref,
                           struct ferry_err *err)
{
    char *at = strchr(rest, '@');
    char *slash, *colon;

    if (at) {
        *at = '\0';
        if (ferry_digest_parse(at + 1, &ref->digest, err) < 0) {
            err->code = FERRY_EUSAGE;
            return ferry_wrap(err, "\"%.300s\"", text);
        }
        ref->has_digest = true;
    }
    slash = strrchr(rest, '/');
    colon = strrchr(slash ? slash : rest, ':');
    if (colon) {
        *colon = '\0';
        if (!ferry_tag_valid(colon + 1))
            return fail(err, text, "its tag is not one");
        copy(ref->tag, sizeof(ref->tag), colon + 1, strlen(colon + 1));
    }
    return 0;
}

/* docker.io has more than one name; the archive and the credentials know it by one. */
static const char *canonical_registry(const char *registry)
{
    static const char *const aliases[] = { DOCKER_HUB, "index.docker.io", "registry-1.docker.io" };

    for (size_t i = 0; i < FERRY_COUNT(aliases); i++)
        if (strcasecmp(registry, aliases[i]) == 0)
            return DOCKER_HUB;
    return registry;
}

int ferry_reference_parse(const char *text, struct ferry_reference *out, struct ferry_err *err)
{
    struct ferry_reference ref = { 0 };
    char rest[FERRY_REFERENCE_TEXT_MAX];
    const char *path = rest;
    char *slash;

    if (!copy(rest, sizeof(rest), text, strlen(text)))
        return fail(err, text, "it is too long");
    if (strstr(text, "://"))
        return fail(err, text, FERRY_REFERENCE_NO_SCHEME);
    slash = strchr(rest, '/');
    if (slash && (rest[0] == '[' || strcspn(rest, ".:") < (size_t)(slash - rest) ||
                  strncmp(rest, "localhost/", 10) == 0)) {
        *slash = '\0';
        if (!registry_valid(rest))
            return fail(err, text, "its registry is not HOST or HOST:PORT");
        if (!copy(ref.registry, sizeof(ref.registry), canonical_registry(rest),
                  strlen(canonical_registry(rest))))
            return fail(err, text, "its registry is too long");
        path = slash + 1;
    } else {
        copy(ref.registry, sizeof(ref.registry), DOCKER_HUB, strlen(DOCKER_HUB));
    }
    FERRY_TRY(split_selectors(text, rest + (path - rest), &ref, err));
    if (snprintf(ref.repository, sizeof(ref.repository), "%s%s",
                 strcmp(ref.registry, DOCKER_HUB) == 0 && !strchr(path, '/') ? "library/" : "",
                 path) >= (int)sizeof(ref.repository))
        return fail(err, text, "its repository is too long");
    if (!ferry_repository_valid(ref.repository))
        return fail(err, text,
                    "its repository may only hold lower-case letters, digits and "
                    "single separators (. _ - /) between them");
    if (!ref.tag[0] && !ref.has_digest)
        copy(ref.tag, sizeof(ref.tag), "latest", 6);
    *out = ref;
    return 0;
}

/* Where the tag or digest begins, with its ':' or '@'; NULL when there is none. */
static const char *find_selector(const char *text)
{
    const char *slash = strrchr(text, '/');

    return strpbrk(slash ? slash : text, ":@");
}

bool ferry_reference_is_bare(const char *text)
{
    return !find_selector(text);
}

int ferry_reference_parse_glob(const char *text, struct ferry_reference *out,
                               char glob[FERRY_GLOB_MAX], struct ferry_err *err)
{
    const char *selector = find_selector(text);
    char repository[FERRY_REFERENCE_TEXT_MAX];

    glob[0] = '\0';
    if (!selector || *selector != ':' || !strpbrk(selector, "*?["))
        return ferry_reference_parse(text, out, err);
    if (!copy(repository, sizeof(repository), text, (size_t)(selector - text)) ||
        !copy(glob, FERRY_GLOB_MAX, selector + 1, strlen(selector + 1)))
        return fail(err, text, "it is too long");
    for (const char *p = glob; *p; p++)
        if (!is_alnum(*p) && !strchr("._-*?[]!^:", *p))
            return fail(err, text, *p == '@' ? "a glob of tags has no digest" : "its glob is none");
    FERRY_TRY(ferry_reference_parse(repository, out, err));
    out->tag[0] = '\0';
    return 0;
}

int ferry_reference_compare_repository(const struct ferry_reference *a,
                                       const struct ferry_reference *b)
{
    int order = strcmp(a->registry, b->registry);

    return order ? order : strcmp(a->repository, b->repository);
}

int ferry_reference_compare_name(const struct ferry_reference *a, const struct ferry_reference *b)
{
    int order = ferry_reference_compare_repository(a, b);

    return order ? order : strcmp(a->tag, b->tag);
}

int ferry_reference_compare(const struct ferry_reference *a, const struct ferry_reference *b)
{
    int order = ferry_reference_compare_name(a, b);

    if (order == 0)
        order = strcmp(a->has_digest ? a->digest.text : "", b->has_digest ? b->digest.text : "");
    return order;
}

int ferry_reference_parse_prefix(const char *text, struct ferry_reference *out,
                                 struct ferry_err *err)
{
    struct ferry_reference ref = { 0 };
    size_t host = strcspn(text, "/");
    const char *path = text[host] ? text + host + 1 : "";
    size_t path_len = strlen(path);

    if (path_len > 1 && path[path_len - 1] == '/')
        path_len--;
    if (!copy(ref.registry, sizeof(ref.registry), text, host) || !registry_valid(ref.registry))
        return ferry_fail(err, FERRY_EUSAGE,
                          "\"%.300s\" is not a destination: expected HOST[:PORT][/PREFIX]", text);
    copy(ref.registry, sizeof(ref.registry), canonical_registry(ref.registry),
         strlen(canonical_registry(ref.registry)));
    if (!copy(ref.repository, sizeof(ref.repository), path, path_len) ||
        (path_len > 0 && !ferry_repository_valid(ref.repository)))
        return ferry_fail(err, FERRY_EUSAGE,
                          "\"%.300s\" is not a destination: its path may only hold lower-case "
                          "letters, digits and single separators (. _ - /) between them",
                          text);
    *out = ref;
    return 0;
}

void ferry_reference_format(const struct ferry_reference *ref, char out[FERRY_REFERENCE_TEXT_MAX])
{
    snprintf(out, FERRY_REFERENCE_TEXT_MAX, "%s%s%s%s%s%s%s", ref->registry,
             ref->registry[0] ? "/" : "", ref->repository,
             ref->tag[0] && ref->repository[0] ? ":" : "", ref->tag, ref->has_digest ? "@" : "",
             ref->has_digest ? ref->digest.text : "");
}

bool ferry_tag_subject(const char *tag, struct ferry_digest *subject)
{
    char text[FERRY_DIGEST_TEXT_MAX];
    size_t algorithm = strcspn(tag, "-"), len = strcspn(tag, ".");
    struct ferry_err ignored;

    if (algorithm >= len || !copy(text, sizeof(text), tag, len))
        return false;
    text[algorithm] = ':';
    return ferry_digest_parse(text, subject, &ignored) == 0;
}

const char *ferry_reference_selector(const struct ferry_reference *ref)
{
    return ref->has_digest ? ref->digest.text : ref->tag;
}

bool ferry_registry_is_loopback(const char *registry)
{
    size_t host = strcspn(registry, ":");

    if (strncmp(registry, "[::1]", 5) == 0)
        return registry[5] == '\0' || registry[5] == ':';
    if (host == 9 && strncasecmp(registry, "localhost", 9) == 0)
        return true;
    return strncmp(registry, "127.", 4) == 0 && strspn(registry, "0123456789.") == host;
}
