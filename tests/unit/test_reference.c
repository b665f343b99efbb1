#include "format/oci/reference.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/check.h"

#define HEX "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define SHA "sha256:" HEX
#define SHA512                                                                                     \
    "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"                      \
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"

static const struct {
    const char *name, *text;
    const char *registry, *repository, *tag, *digest;
    const char *full; /* as it is formatted */
} good_rows[] = {
    { "short", "debian", "docker.io", "library/debian", "latest", "",
      "docker.io/library/debian:latest" },
    { "short_tag", "debian:12", "docker.io", "library/debian", "12", "",
      "docker.io/library/debian:12" },
    { "short_digest", "debian@" SHA, "docker.io", "library/debian", "", SHA,
      "docker.io/library/debian@" SHA },
    { "short_tag_and_digest", "debian:12@" SHA, "docker.io", "library/debian", "12", SHA,
      "docker.io/library/debian:12@" SHA },
    { "user", "bitnami/redis", "docker.io", "bitnami/redis", "latest", "",
      "docker.io/bitnami/redis:latest" },
    { "deep_without_registry", "a/b/c:1", "docker.io", "a/b/c", "1", "", "docker.io/a/b/c:1" },
    { "docker_io_spelt_out", "docker.io/debian", "docker.io", "library/debian", "latest", "",
      "docker.io/library/debian:latest" },
    { "docker_io_in_full", "docker.io/library/debian:12", "docker.io", "library/debian", "12", "",
      "docker.io/library/debian:12" },
    { "dot", "quay.io/coreos/etcd:v3.5", "quay.io", "coreos/etcd", "v3.5", "",
      "quay.io/coreos/etcd:v3.5" },
    { "one_component_elsewhere", "quay.io/etcd", "quay.io", "etcd", "latest", "",
      "quay.io/etcd:latest" },
    { "port", "mirror:5000/etcd", "mirror:5000", "etcd", "latest", "", "mirror:5000/etcd:latest" },
    { "port_and_tag", "mirror:5000/a/etcd:1", "mirror:5000", "a/etcd", "1", "",
      "mirror:5000/a/etcd:1" },
    { "port_and_digest", "mirror:5000/etcd@" SHA, "mirror:5000", "etcd", "", SHA,
      "mirror:5000/etcd@" SHA },
    { "port_tag_digest", "mirror:65535/etcd:x@" SHA512, "mirror:65535", "etcd", "x", SHA512,
      "mirror:65535/etcd:x@" SHA512 },
    { "localhost", "localhost/etcd", "localhost", "etcd", "latest", "", "localhost/etcd:latest" },
    { "localhost_port", "localhost:5000/etcd:1", "localhost:5000", "etcd", "1", "",
      "localhost:5000/etcd:1" },
    { "localhost_alone", "localhost", "docker.io", "library/localhost", "latest", "",
      "docker.io/library/localhost:latest" },
    { "host_and_port_alone", "localhost:5000", "docker.io", "library/localhost", "5000", "",
      "docker.io/library/localhost:5000" },
    { "dotted_alone", "quay.io", "docker.io", "library/quay.io", "latest", "",
      "docker.io/library/quay.io:latest" },
    { "ipv4", "10.0.0.1:5000/x", "10.0.0.1:5000", "x", "latest", "", "10.0.0.1:5000/x:latest" },
    { "ipv6", "[::1]/x", "[::1]", "x", "latest", "", "[::1]/x:latest" },
    { "ipv6_port", "[2001:db8::1]:5000/a/x:1@" SHA, "[2001:db8::1]:5000", "a/x", "1", SHA,
      "[2001:db8::1]:5000/a/x:1@" SHA },
    { "host_upper_case", "Quay.io/x", "Quay.io", "x", "latest", "", "Quay.io/x:latest" },
    { "separators", "q.io/a.b/c_d/e__f/g-h/i---j", "q.io", "a.b/c_d/e__f/g-h/i---j", "latest", "",
      "q.io/a.b/c_d/e__f/g-h/i---j:latest" },
    { "tag_characters", "q.io/x:_A.b-9", "q.io", "x", "_A.b-9", "", "q.io/x:_A.b-9" },
    { "cosign_tag", "q.io/x:sha256-" HEX ".sig", "q.io", "x", "sha256-" HEX ".sig", "",
      "q.io/x:sha256-" HEX ".sig" },
};

static void check_good(size_t i, const char *text)
{
    struct ferry_reference ref;
    struct ferry_err err;
    char full[FERRY_REFERENCE_TEXT_MAX];
    const char *name = good_rows[i].name;

    if (ferry_reference_parse(text, &ref, &err) < 0)
        fail_msg("row \"%s\": %s", name, err.msg);
    CHECK_ROW(name, strcmp(ref.registry, good_rows[i].registry) == 0);
    CHECK_ROW(name, strcmp(ref.repository, good_rows[i].repository) == 0);
    CHECK_ROW(name, strcmp(ref.tag, good_rows[i].tag) == 0);
    CHECK_ROW(name, ref.has_digest == (good_rows[i].digest[0] != '\0'));
    if (ref.has_digest)
        CHECK_ROW(name, strcmp(ref.digest.text, good_rows[i].digest) == 0);
    CHECK_ROW(name, strcmp(ferry_reference_selector(&ref),
                           ref.has_digest ? ref.digest.text : ref.tag) == 0);
    ferry_reference_format(&ref, full);
    CHECK_ROW(name, strcmp(full, good_rows[i].full) == 0);
}

/* [D9] [D10] [D11] */
static void test_reference_parses_and_formats(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(good_rows); i++) {
        check_good(i, good_rows[i].text);
        check_good(i, good_rows[i].full); /* what is formatted parses to the same */
    }
}

static const struct {
    const char *name, *text;
} bad_rows[] = {
    { "empty", "" },
    { "blank", " " },
    { "slash", "/" },
    { "slash_before", "/debian" },
    { "slash_after", "debian/" },
    { "two_slashes", "q.io/a//b" },
    { "registry_alone_with_slash", "q.io/" },
    { "tag_alone", ":12" },
    { "digest_alone", "@" SHA },
    { "empty_tag", "debian:" },
    { "empty_tag_before_digest", "debian:@" SHA },
    { "two_tags", "debian:1:2" },
    { "tag_begins_with_dot", "debian:.x" },
    { "tag_begins_with_dash", "debian:-x" },
    { "tag_with_slash", "debian:a/b" },
    { "tag_with_blank", "debian:a b" },
    { "tag_glob", "debian:*" },
    { "empty_digest", "debian@" },
    { "digest_short", "debian@sha256:ba78" },
    { "digest_upper_case",
      "debian@sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD" },
    { "digest_unknown", "debian@md5:900150983cd24fb0d6963f7d28e17f72" },
    { "digest_before_tag", "debian@" SHA ":12" },
    { "two_digests", "debian@" SHA "@" SHA },
    { "repository_upper_case", "q.io/Debian" },
    { "short_upper_case", "Debian" },
    { "dot_dot", "q.io/../x" },
    { "dot_dot_first", "../x" },
    { "dot_component", "q.io/./x" },
    { "component_begins_with_dot", "q.io/.x" },
    { "component_ends_with_dash", "q.io/x-" },
    { "component_ends_with_dot", "q.io/x./y" },
    { "three_underscores", "q.io/a___b" },
    { "two_dots", "q.io/a..b" },
    { "mixed_separators", "q.io/a._b" },
    { "scheme", "https://q.io/x" },
    { "docker_transport", "docker://q.io/x" },
    { "query", "q.io/x?y" },
    { "percent", "q.io/x%2fy" },
    { "backslash", "q.io\\x" },
    { "control", "q.io/x\n" },
    { "utf8", "q.io/caf\xc3\xa9" },
    { "user_in_host", "me@q.io/x" },
    { "port_empty", "q.io:/x" },
    { "port_zero", "q.io:0/x" },
    { "port_too_high", "q.io:65536/x" },
    { "port_too_long", "q.io:000080/x" },
    { "port_word", "q.io:http/x" },
    { "two_ports", "q.io:1:2/x" },
    { "host_begins_with_dash", "-q.io/x" },
    { "host_ends_with_dot", "q.io./x" },
    { "host_with_blank", "q. io/x" },
    { "host_is_dot", "./x" },
    { "ipv6_not_closed", "[::1/x" },
    { "ipv6_empty", "[]/x" },
    { "ipv6_zone", "[fe80::1%eth0]/x" },
    { "ipv6_and_more", "[::1]x/x" },
    { "ipv6_port_empty", "[::1]:/x" },
    { "ipv6_without_brackets", "::1/x" },
    { "ipv6_alone", "[::1]" },
};

/* [D9] */
static void test_reference_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(bad_rows); i++) {
        struct ferry_reference ref = { .registry = "untouched" };
        struct ferry_err err;
        int rc = ferry_reference_parse(bad_rows[i].text, &ref, &err);

        CHECK_ROW(bad_rows[i].name, rc == FERRY_EUSAGE && err.code == FERRY_EUSAGE);
        CHECK_ROW(bad_rows[i].name, strcmp(ref.registry, "untouched") == 0);
        CHECK_ROW(bad_rows[i].name, err.msg[0] == '"'); /* quotes the text */
    }
}

/* before + n times 'a' + after */
static int parse_long(const char *before, size_t n, const char *after, struct ferry_reference *ref)
{
    struct ferry_err err;
    char *text = malloc(strlen(before) + n + strlen(after) + 1);
    int rc;

    assert_non_null(text);
    strcpy(text, before);
    memset(text + strlen(before), 'a', n);
    strcpy(text + strlen(before) + n, after);
    rc = ferry_reference_parse(text, ref, &err);
    if (rc == 0) {
        char full[FERRY_REFERENCE_TEXT_MAX];
        struct ferry_reference again;

        ferry_reference_format(ref, full);
        CHECK_OK(ferry_reference_parse(full, &again, &err));
        assert_string_equal(ref->registry, again.registry);
        assert_string_equal(ref->repository, again.repository);
        assert_string_equal(ref->tag, again.tag);
    }
    free(text);
    return rc;
}

/* [D9] */
static void test_reference_limits_are_exact(void **state)
{
    struct ferry_reference ref;

    (void)state;
    assert_int_equal(parse_long("q.io/", 255, ":1", &ref), 0);
    assert_int_equal(parse_long("q.io/", 256, ":1", &ref), FERRY_EUSAGE);
    assert_int_equal(parse_long("", 247, "", &ref), 0); /* with "library/" */
    assert_int_equal(parse_long("", 248, "", &ref), FERRY_EUSAGE);
    assert_int_equal(parse_long("q.io/x:", 128, "", &ref), 0);
    assert_int_equal(parse_long("q.io/x:", 129, "", &ref), FERRY_EUSAGE);
    assert_int_equal(parse_long("", 252, ".io:65535/x", &ref), 0);
    assert_int_equal(strlen(ref.registry), 261);
    assert_int_equal(parse_long("", 253, ".io:65535/x", &ref), FERRY_EUSAGE);
    assert_int_equal(parse_long("", 100000, "/x", &ref), FERRY_EUSAGE);
    assert_int_equal(parse_long("[", 1000, "]/x", &ref), FERRY_EUSAGE);
}

/* Everything at its longest at once. */
static void test_reference_longest(void **state)
{
    struct ferry_reference ref;
    char after[700], part[300];

    (void)state;
    memset(part, 'b', sizeof(part));
    snprintf(after, sizeof(after), ".io:65535/%.255s:%.128s@" SHA512, part, part);
    assert_int_equal(parse_long("", 252, after, &ref), 0);
    assert_true(ref.has_digest);
    assert_int_equal(strlen(ref.tag), 128);
}

static const struct {
    const char *name, *text;
    const char *registry, *repository; /* registry NULL: refused */
} prefix_rows[] = {
    { "host", "mirror", "mirror", "" },
    { "host_port", "mirror:5000", "mirror:5000", "" },
    { "host_slash", "mirror:5000/", "mirror:5000", "" },
    { "path", "mirror:5000/a/b", "mirror:5000", "a/b" },
    { "path_slash", "mirror/a/", "mirror", "a" },
    { "no_docker_rules", "debian/a", "debian", "a" },
    { "no_library", "docker.io/me", "docker.io", "me" },
    { "ipv6", "[::1]:5000/a", "[::1]:5000", "a" },
    { "empty", "", NULL, NULL },
    { "slash", "/", NULL, NULL },
    { "slash_first", "/a", NULL, NULL },
    { "tag", "mirror:5000/a:1", NULL, NULL },
    { "digest", "mirror/a@" SHA, NULL, NULL },
    { "upper_case_path", "mirror/A", NULL, NULL },
    { "two_slashes", "mirror/a//b", NULL, NULL },
    { "two_slashes_first", "mirror//", NULL, NULL },
    { "two_slashes_last", "mirror/a//", NULL, NULL },
    { "dot_dot", "mirror/../a", NULL, NULL },
    { "scheme", "https://mirror", NULL, NULL },
    { "bad_port", "mirror:x/a", NULL, NULL },
    { "bad_host", "mir ror/a", NULL, NULL },
};

static void test_reference_prefix(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(prefix_rows); i++) {
        struct ferry_reference ref = { .tag = "untouched" };
        struct ferry_err err;
        int rc = ferry_reference_parse_prefix(prefix_rows[i].text, &ref, &err);
        const char *name = prefix_rows[i].name;

        if (!prefix_rows[i].registry) {
            CHECK_ROW(name, rc == FERRY_EUSAGE && strcmp(ref.tag, "untouched") == 0);
            continue;
        }
        CHECK_ROW(name, rc == 0 && strcmp(ref.registry, prefix_rows[i].registry) == 0);
        CHECK_ROW(name, strcmp(ref.repository, prefix_rows[i].repository) == 0);
        CHECK_ROW(name, ref.tag[0] == '\0' && !ref.has_digest);
    }
}

static void test_reference_parts_alone(void **state)
{
    (void)state;
    assert_true(ferry_repository_valid("a/b-c"));
    assert_false(ferry_repository_valid(""));
    assert_false(ferry_repository_valid("a:1"));
    assert_false(ferry_repository_valid("a/"));
    assert_true(ferry_tag_valid("latest"));
    assert_false(ferry_tag_valid(""));
    assert_false(ferry_tag_valid("a/b"));
    assert_false(ferry_tag_valid(SHA));
}

static const struct {
    const char *registry;
    bool loopback;
} loopback_rows[] = {
    { "localhost", true },        { "localhost:5000", true },
    { "127.0.0.1", true },        { "127.0.0.1:5000", true },
    { "127.1.2.3", true },        { "[::1]", true },
    { "[::1]:5000", true },       { "localhost.example.com", false },
    { "localhostx:5000", false }, { "127.0.0.1.example.com", false },
    { "127.example.com", false }, { "128.0.0.1", false },
    { "1127.0.0.1", false },      { "[::2]", false },
    { "[::1]x", false },          { "[2001:db8::1]:5000", false },
    { "docker.io", false },       { "", false },
    { "example.com:127", false },
};

static void test_reference_loopback(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(loopback_rows); i++)
        CHECK_ROW(loopback_rows[i].registry,
                  ferry_registry_is_loopback(loopback_rows[i].registry) ==
                      loopback_rows[i].loopback);
}

static const struct {
    const char *tag;
    const char *subject; /* NULL: belongs to nothing */
} subject_rows[] = { { "sha256-" HEX ".sig", SHA },
                     { "sha256-" HEX ".att", SHA },
                     { "sha256-" HEX ".a.b", SHA },
                     { "sha256-" HEX, SHA },
                     { "sha256-" HEX "0", NULL },
                     { "sha256-" HEX "-sig", NULL },
                     { "sha256-abc.sig", NULL },
                     { "sha256." HEX, NULL },
                     { "sha256:" HEX, NULL },
                     { "md5-" HEX, NULL },
                     { "v1.0-sha256-" HEX, NULL },
                     { "", NULL },
                     { "latest", NULL },
                     { "-", NULL },
                     { "sha256-" HEX HEX HEX, NULL } };

static void test_reference_tag_subject(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(subject_rows); i++) {
        struct ferry_digest subject = { 0 };

        CHECK_ROW(subject_rows[i].tag, ferry_tag_subject(subject_rows[i].tag, &subject) ==
                                           (subject_rows[i].subject != NULL));
        if (subject_rows[i].subject)
            assert_string_equal(subject.text, subject_rows[i].subject);
    }
}

/* `repository` NULL: refused, with `glob` in the message. */
static const struct {
    const char *text, *repository, *glob;
} glob_rows[] = {
    { "debian:1*", "docker.io/library/debian", "1*" },
    { "q.io/a/b:*", "q.io/a/b", "*" },
    { "[::1]:5000/a:v?.[0-9]", "[::1]:5000/a", "v?.[0-9]" },
    { "localhost:5000/a:[!a-z]*", "localhost:5000/a", "[!a-z]*" },
    { "a/b:[[:digit:]]", "docker.io/a/b", "[[:digit:]]" },
    { "q.io/a:12", "q.io/a:12", "" },
    { "q.io/a", "q.io/a:latest", "" },
    { "q.io/a@" SHA, "q.io/a@" SHA, "" },
    { "q.io/a:1@" SHA, "q.io/a:1@" SHA, "" },
    { "q.io/a:1*@" SHA, NULL, "a glob of tags has no digest" },
    { "q.io/a:1*{a,b}", NULL, "its glob is none" },
    { "q.io/a*:1", NULL, "its repository" },
    { "q.io/*", NULL, "its repository" },
    { "Q/a:*", NULL, "its repository" },
    { ":*", NULL, "its repository" },
    { "q.io/a@sha256:*", NULL, "digest" },
    { "file://openshift/release:*", NULL, "scheme" },
    { "docker://q.io/a:1", NULL, "scheme" },
};

static void test_reference_globs(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(glob_rows); i++) {
        char glob[FERRY_GLOB_MAX], text[FERRY_REFERENCE_TEXT_MAX];
        struct ferry_reference ref;
        struct ferry_err err = { 0 };
        int rc = ferry_reference_parse_glob(glob_rows[i].text, &ref, glob, &err);

        if (!glob_rows[i].repository) {
            CHECK_ROW(glob_rows[i].text, rc == FERRY_EUSAGE);
            CHECK_ROW(glob_rows[i].text, strstr(err.msg, glob_rows[i].glob) != NULL);
            continue;
        }
        CHECK_ROW(glob_rows[i].text, rc == 0);
        ferry_reference_format(&ref, text);
        assert_string_equal(text, glob_rows[i].repository);
        assert_string_equal(glob, glob_rows[i].glob);
    }
}

static void test_reference_glob_limit_is_exact(void **state)
{
    char text[FERRY_GLOB_MAX + 3] = "a:", glob[FERRY_GLOB_MAX];
    struct ferry_reference ref;
    struct ferry_err err = { 0 };

    (void)state;
    memset(text + 2, '?', FERRY_GLOB_MAX - 1);
    CHECK_OK(ferry_reference_parse_glob(text, &ref, glob, &err));
    text[FERRY_GLOB_MAX + 1] = '?';
    CHECK_CODE(ferry_reference_parse_glob(text, &ref, glob, &err), FERRY_EUSAGE);
}

static const struct {
    const char *text;
    bool bare;
} bare_rows[] = {
    { "a", true },
    { "q.io/a/b", true },
    { "localhost:5000/a", true },
    { "[::1]:5000/a", true },
    { "a:1", false },
    { "q.io/a@" SHA, false },
    { "h:5000/a:*", false },
    { "file://a/b", true },
};

static void test_reference_bare(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(bare_rows); i++)
        CHECK_ROW(bare_rows[i].text,
                  ferry_reference_is_bare(bare_rows[i].text) == bare_rows[i].bare);
}

/* In their order. */
static const char *const ordered[] = {
    "a.io/a:1", "b.io/a@" SHA, "b.io/a:1", "b.io/a:1@" SHA, "b.io/a:10", "b.io/a:9", "b.io/b:1",
};

static void test_reference_compare(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(ordered); i++)
        for (size_t k = 0; k < FERRY_COUNT(ordered); k++) {
            struct ferry_reference a, b;
            struct ferry_err err;
            int order;

            CHECK_OK(ferry_reference_parse(ordered[i], &a, &err));
            CHECK_OK(ferry_reference_parse(ordered[k], &b, &err));
            order = ferry_reference_compare(&a, &b);
            CHECK_ROW(ordered[i], (order > 0) - (order < 0) == (i > k) - (i < k));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference_parses_and_formats),
        cmocka_unit_test(test_reference_refuses),
        cmocka_unit_test(test_reference_limits_are_exact),
        cmocka_unit_test(test_reference_longest),
        cmocka_unit_test(test_reference_prefix),
        cmocka_unit_test(test_reference_parts_alone),
        cmocka_unit_test(test_reference_loopback),
        cmocka_unit_test(test_reference_tag_subject),
        cmocka_unit_test(test_reference_globs),
        cmocka_unit_test(test_reference_glob_limit_is_exact),
        cmocka_unit_test(test_reference_bare),
        cmocka_unit_test(test_reference_compare),
    };

    return cmocka_run_group_tests_name("reference", tests, NULL, NULL);
}
