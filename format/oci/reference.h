/*
 * References: [host[:port]/]repository[:tag][@digest] (distribution-spec 1.1 "Pulling manifests";
 * docker.io rules for short names; SPEC.md 3).
 *
 * What it is: a reference taken apart, a plain value that can be copied.
 * The first component is a registry when it holds a '.' or a ':', or is "localhost", or is an IPv6
 * address in brackets; otherwise the registry is docker.io, and a one-component repository there
 * gets "library/" in front. A reference with neither tag nor digest means the tag "latest".
 * Fails: FERRY_EUSAGE naming the text and what is wrong with it.
 */
#ifndef FERRY_OCI_REFERENCE_H
#define FERRY_OCI_REFERENCE_H

#include "format/core/digest.h"

#define FERRY_REGISTRY_MAX 262   /* a 255-byte name, ':', five digits, NUL */
#define FERRY_REPOSITORY_MAX 256 /* with NUL */
#define FERRY_TAG_MAX 129        /* with NUL */
#define FERRY_REFERENCE_TEXT_MAX                                                                   \
    (FERRY_REGISTRY_MAX + FERRY_REPOSITORY_MAX + FERRY_TAG_MAX + FERRY_DIGEST_TEXT_MAX)

/* Why "docker://HOST/..." is none. */
#define FERRY_REFERENCE_NO_SCHEME                                                                  \
    "it has a scheme: leave docker:// or https:// out; http:// is --plain-http; file:// and "      \
    "s3:// cannot be read"

struct ferry_reference {
    char registry[FERRY_REGISTRY_MAX];     /* "docker.io", "[::1]:5000"; "" in a bare tag */
    char repository[FERRY_REPOSITORY_MAX]; /* "library/debian"; "" in a bare tag */
    char tag[FERRY_TAG_MAX];               /* "" when there is only a digest */
    bool has_digest;
    struct ferry_digest digest;
};

int ferry_reference_parse(const char *text, struct ferry_reference *out,
                          struct ferry_err *err) FERRY_MUST_USE;

/*
 * A reference, or a repository and a glob that its tags are to match: repository:1.2*. `glob` is ""
 * for a reference; else out->tag is. A glob has at least one of * ? [ and is fnmatch's: * is any
 * text, ? any character, [...] one of a set or not ([!...]).
 */
#define FERRY_GLOB_MAX 256 /* with NUL */
int ferry_reference_parse_glob(const char *text, struct ferry_reference *out,
                               char glob[FERRY_GLOB_MAX], struct ferry_err *err) FERRY_MUST_USE;

/* Whether `text`, as given to the parsers, has neither a tag nor a digest. */
bool ferry_reference_is_bare(const char *text);

/* As strcmp: by registry and repository; by these and the tag, which travels without its digest; by
 * these and the digest. */
int ferry_reference_compare_repository(const struct ferry_reference *a,
                                       const struct ferry_reference *b);
int ferry_reference_compare_name(const struct ferry_reference *a, const struct ferry_reference *b);
int ferry_reference_compare(const struct ferry_reference *a, const struct ferry_reference *b);

/* host[:port] and an optional path, without tag: the destination of an import. `repository` may
 * come out empty. No docker.io rules: the first component is always the registry. */
int ferry_reference_parse_prefix(const char *text, struct ferry_reference *out,
                                 struct ferry_err *err) FERRY_MUST_USE;

/* The full text, docker.io/library/ included: what parses to the same reference again. */
void ferry_reference_format(const struct ferry_reference *ref, char out[FERRY_REFERENCE_TEXT_MAX]);

/* Whether `text` may stand as a repository, or as a tag. */
bool ferry_repository_valid(const char *text);
bool ferry_tag_valid(const char *text);

/*
 * Whether `tag` names what belongs to another manifest, and to which: sha256-<hex> of the referrers
 * tag schema (distribution-spec 1.1), or cosign's with .sig, .att, .sbom or the like behind it.
 */
bool ferry_tag_subject(const char *tag, struct ferry_digest *subject);

/* The tag or digest as it stands after /manifests/ ; part of *ref. The digest wins. */
const char *ferry_reference_selector(const struct ferry_reference *ref);

/* Whether a registry (host[:port]) is on this machine: localhost, 127.0.0.0/8, [::1]. */
bool ferry_registry_is_loopback(const char *registry);

#endif
