#include "format/registry/challenge.h"

#include <string.h>

#include "format/core/mem.h"
#include "format/registry/scope.h"
#include "tests/support/check.h"

#define OTHER FERRY_CHALLENGE_OTHER
#define BASIC FERRY_CHALLENGE_BASIC
#define BEARER FERRY_CHALLENGE_BEARER

#define TOKEN_URL "https://auth.docker.io/token"

/* The challenge that is to be answered (chosen -1: none), and how many there are. */
static const struct {
    const char *name, *header, *second;
    int count, chosen;
    enum ferry_challenge_scheme scheme;
    const char *realm, *service, *scope, *error;
} rows[] = {
    { "docker_hub",
      "Bearer realm=\"" TOKEN_URL "\",service=\"registry.docker.io\",scope=\"repository:a/b:pull\"",
      NULL, 1, 0, BEARER, TOKEN_URL, "registry.docker.io", "repository:a/b:pull", NULL },
    { "basic", "Basic realm=\"Registry Realm\"", NULL, 1, 0, BASIC, "Registry Realm", NULL, NULL,
      NULL },
    { "basic_bare", "Basic", NULL, 1, 0, BASIC, NULL, NULL, NULL, NULL },
    { "names_in_any_case", "bEARER Realm=\"https://a/t\", SERVICE=s", NULL, 1, 0, BEARER,
      "https://a/t", "s", NULL, NULL },
    { "unquoted", "Bearer realm=https://a/t,service=reg.a,scope=repository:x:pull", NULL, 1, 0,
      BEARER, "https://a/t", "reg.a", "repository:x:pull", NULL },
    { "spaces_around", "  Bearer   realm = \"https://a/t\" ,\tservice\t=\t\"s\"  ", NULL, 1, 0,
      BEARER, "https://a/t", "s", NULL, NULL },
    { "comma_in_quotes", "Bearer realm=\"https://a/t\",scope=\"repository:x:pull,push\"", NULL, 1,
      0, BEARER, "https://a/t", NULL, "repository:x:pull,push", NULL },
    { "escapes", "Bearer realm=\"https://a/t\",service=\"a \\\"b\\\" \\\\\"", NULL, 1, 0, BEARER,
      "https://a/t", "a \"b\" \\", NULL, NULL },
    { "two_in_one_header", "Basic realm=\"r\", Bearer realm=\"https://a/t\",service=\"s\"", NULL, 2,
      1, BEARER, "https://a/t", "s", NULL, NULL },
    { "two_headers", "Basic realm=\"r\"", "Bearer realm=\"https://a/t\"", 2, 1, BEARER,
      "https://a/t", NULL, NULL, NULL },
    { "bearer_first", "Bearer realm=\"https://a/t\", Basic realm=\"r\"", NULL, 2, 0, BEARER,
      "https://a/t", NULL, NULL, NULL },
    { "two_bearers", "Bearer realm=\"https://a/t\", Bearer realm=\"https://b/t\"", NULL, 2, 0,
      BEARER, "https://a/t", NULL, NULL, NULL },
    { "bearer_without_realm", "Bearer service=\"s\", Basic realm=\"r\"", NULL, 2, 1, BASIC, "r",
      NULL, NULL, NULL },
    { "only_bearer_without_realm", "Bearer service=\"s\"", NULL, 1, -1, OTHER, NULL, NULL, NULL,
      NULL },
    { "insufficient_scope",
      "Bearer realm=\"https://a/t\",error=\"insufficient_scope\",scope=\"x y\"", NULL, 1, 0, BEARER,
      "https://a/t", NULL, "x y", "insufficient_scope" },
    { "unknown_parameter", "Bearer charset=\"UTF-8\",realm=\"https://a/t\"", NULL, 1, 0, BEARER,
      "https://a/t", NULL, NULL, NULL },
    { "first_of_a_pair_counts", "Bearer realm=\"https://a/t\",realm=\"https://evil/t\"", NULL, 1, 0,
      BEARER, "https://a/t", NULL, NULL, NULL },
    { "token68_before", "Negotiate YII+/w==, Basic realm=\"r\"", NULL, 2, 1, BASIC, "r", NULL, NULL,
      NULL },
    { "token68_unpadded", "Negotiate YII+/w, Basic realm=\"r\"", NULL, 3, 2, BASIC, "r", NULL, NULL,
      NULL },
    { "ntlm_before", "NTLM, Basic realm=\"r\"", NULL, 2, 1, BASIC, "r", NULL, NULL, NULL },
    { "no_end_quote", "Bearer service=\"s\",realm=\"https://a/t", NULL, 1, 0, BEARER, "https://a/t",
      "s", NULL, NULL },
    { "ends_with_backslash", "Bearer realm=\"https://a/t\\", NULL, 1, 0, BEARER, "https://a/t\\",
      NULL, NULL, NULL },
    { "empty_value", "Bearer realm=,service=\"s\"", NULL, 1, -1, OTHER, NULL, NULL, NULL, NULL },
    { "empty_items", ",, ,Basic realm=\"r\",,", NULL, 1, 0, BASIC, "r", NULL, NULL, NULL },
    { "parameter_before_scheme", "realm=\"https://evil/t\", Bearer realm=\"https://a/t\"", NULL, 1,
      0, BEARER, "https://a/t", NULL, NULL, NULL },
    { "parameter_not_of_the_last_header", "Bearer service=\"s\"", "realm=\"https://evil/t\"", 1, -1,
      OTHER, NULL, NULL, NULL, NULL },
    { "digest_is_not_known", "Digest realm=\"r\", nonce=\"n\"", NULL, 1, -1, OTHER, NULL, NULL,
      NULL, NULL },
    { "nothing", "", NULL, 0, -1, OTHER, NULL, NULL, NULL, NULL },
    { "rubbish", "\"\"()<>@;:\\{}[]?\x80", NULL, 0, -1, OTHER, NULL, NULL, NULL, NULL },
    { "too_many", "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,Basic", NULL, FERRY_CHALLENGES_MAX, -1, OTHER,
      NULL, NULL, NULL, NULL },
};

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void test_challenge_parse(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        FERRY_OWNED_CHALLENGES list = { .count = 0 };
        const struct ferry_challenge *chosen;
        struct ferry_err err;

        CHECK_OK(ferry_challenges_parse(rows[i].header, &list, &err));
        if (rows[i].second)
            CHECK_OK(ferry_challenges_parse(rows[i].second, &list, &err));
        chosen = ferry_challenges_choose(&list);
        CHECK_ROW(rows[i].name, list.count == (size_t)rows[i].count);
        CHECK_ROW(rows[i].name, (chosen == NULL) == (rows[i].chosen < 0));
        if (!chosen)
            continue;
        CHECK_ROW(rows[i].name, chosen == &list.items[rows[i].chosen]);
        CHECK_ROW(rows[i].name, chosen->scheme == rows[i].scheme);
        CHECK_ROW(rows[i].name, same(chosen->realm, rows[i].realm));
        CHECK_ROW(rows[i].name, same(chosen->service, rows[i].service));
        CHECK_ROW(rows[i].name, same(chosen->scope, rows[i].scope));
        CHECK_ROW(rows[i].name, same(chosen->error, rows[i].error));
    }
}

static const struct {
    const char *name, *ours, *theirs, *merged;
} scope_rows[] = {
    { "theirs_absent", "repository:a:pull", NULL, "repository:a:pull" },
    { "equal", "repository:a:pull", "repository:a:pull", "repository:a:pull" },
    { "we_need_more", "repository:a:pull,push", "repository:a:pull", "repository:a:pull,push" },
    { "they_want_more", "repository:a:pull", "repository:a:pull,delete",
      "repository:a:pull,delete" },
    { "another_resource", "repository:a:pull", "registry:catalog:*",
      "repository:a:pull registry:catalog:*" },
    { "two_of_ours", "repository:a:pull,push repository:b:pull", "repository:b:pull",
      "repository:a:pull,push repository:b:pull" },
    { "none_of_ours", "", "registry:catalog:*", "registry:catalog:*" },
    { "port_in_the_name", "repository:h:5000/a:pull", "repository:h:5000/a:push",
      "repository:h:5000/a:pull,push" },
    { "longer_name", "repository:a:pull", "repository:ab:pull",
      "repository:a:pull repository:ab:pull" },
    { "odd_spaces", "repository:a:pull", "  x:y:z   repository:a:pull ",
      "repository:a:pull x:y:z" },
};

static void test_challenge_scope_merge(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(scope_rows); i++) {
        FERRY_OWNED_MEM char *merged = NULL;
        struct ferry_err err;

        CHECK_OK(ferry_scope_merge(scope_rows[i].ours, scope_rows[i].theirs, &merged, &err));
        assert_string_equal(merged, scope_rows[i].merged);
    }
}

static void test_challenge_scope_format(void **state)
{
    FERRY_OWNED_MEM char *pull = NULL;
    FERRY_OWNED_MEM char *mount = NULL;
    FERRY_OWNED_MEM char *none = NULL;
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_scope_format("a/b", false, NULL, &pull, &err));
    assert_string_equal(pull, "repository:a/b:pull");
    CHECK_OK(ferry_scope_format("a/b", true, "c", &mount, &err));
    assert_string_equal(mount, "repository:a/b:pull,push repository:c:pull");
    CHECK_OK(ferry_scope_format("", false, NULL, &none, &err));
    assert_string_equal(none, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_challenge_parse),
        cmocka_unit_test(test_challenge_scope_merge),
        cmocka_unit_test(test_challenge_scope_format),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
