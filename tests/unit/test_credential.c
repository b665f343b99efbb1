#include "format/registry/credential.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "format/registry/credential_impl.h"
#include "tests/support/check.h"

/* base64 of user:pass; of u:p:q; of r:repo; of o:org */
#define USER_PASS "dXNlcjpwYXNz"
#define U_PQ "dTpwOnE="
#define R_REPO "cjpyZXBv"
#define O_ORG "bzpvcmc="

static char folder[] = "/tmp/ferry-credential-XXXXXX";

static void put(const char *name, const char *text, mode_t mode)
{
    char path[256];
    int fd;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void remove_file(const char *name)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    unlink(path);
}

/* A private home, and none of the caller's own credentials. */
static int setup(void **state)
{
    static const char *const folders[] = {
        "run",     "run/containers",     "config", "config/containers", ".docker",
        ".config", ".config/containers", "bin"
    };
    char path[256], text[2048];

    (void)state;
    if (!mkdtemp(folder))
        return -1;
    for (size_t i = 0; i < FERRY_COUNT(folders); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, folders[i]);
        if (mkdir(path, 0700) < 0)
            return -1;
    }
    snprintf(text, sizeof(text), "%s/bin:%s", folder, getenv("PATH"));
    setenv("PATH", text, 1);
    setenv("HOME", folder, 1);
    unsetenv("REGISTRY_AUTH_FILE");
    unsetenv("XDG_RUNTIME_DIR");
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("DOCKER_CONFIG");
    return 0;
}

static int teardown(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof(command), "rm -r %s", folder);
    return system(command);
}

/* What the file says to registry and repository; returned as "user:password" or "token=...". */
static const char *ask_file(const char *json, const char *registry, const char *repository,
                            struct ferry_err *err)
{
    static char answer[256];
    FERRY_OWNED(ferry_credentials) store = NULL;
    FERRY_OWNED_CREDENTIAL found = { .user = NULL };
    char path[256];

    err->msg[0] = '\0';
    put("auth.json", json, 0600);
    snprintf(path, sizeof(path), "%s/auth.json", folder);
    if (ferry_credentials_new(path, NULL, &store, err) < 0 ||
        ferry_credentials_find(store, registry, repository, &found, err) < 0)
        return "failed";
    if (found.identity_token)
        snprintf(answer, sizeof(answer), "token=%s", found.identity_token);
    else if (found.user)
        snprintf(answer, sizeof(answer), "%s:%s", found.user, found.password);
    else
        return "nothing";
    return answer;
}

#define AUTHS(entries) "{\"auths\":{" entries "}}"
#define ENTRY(key, auth) "\"" key "\":{\"auth\":\"" auth "\"}"

static const struct {
    const char *name, *json, *registry, *repository, *want;
} rows[] = {
    { "host", AUTHS(ENTRY("quay.io", USER_PASS)), "quay.io", "a/b", "user:pass" },
    { "another_host", AUTHS(ENTRY("quay.io", USER_PASS)), "quay.io.evil.example", "a/b",
      "nothing" },
    { "part_of_a_host", AUTHS(ENTRY("quay.io", USER_PASS)), "quay", "a/b", "nothing" },
    { "host_in_capitals", AUTHS(ENTRY("Quay.IO", USER_PASS)), "quay.io", "a/b", "user:pass" },
    { "port", AUTHS(ENTRY("localhost:5000", USER_PASS)), "localhost:5000", "a", "user:pass" },
    { "another_port", AUTHS(ENTRY("localhost:5000", USER_PASS)), "localhost:5001", "a", "nothing" },
    { "host_does_not_mean_all_ports", AUTHS(ENTRY("localhost", USER_PASS)), "localhost:5001", "a",
      "nothing" },
    { "colon_in_password", AUTHS(ENTRY("quay.io", U_PQ)), "quay.io", "a", "u:p:q" },
    { "hub_by_its_oldest_name", AUTHS(ENTRY("https://index.docker.io/v1/", USER_PASS)), "docker.io",
      "library/x", "user:pass" },
    { "hub_by_index", AUTHS(ENTRY("index.docker.io", USER_PASS)), "docker.io", "x", "user:pass" },
    { "hub_by_api", AUTHS(ENTRY("registry-1.docker.io", USER_PASS)), "docker.io", "x",
      "user:pass" },
    { "hub_asked_by_another_name", AUTHS(ENTRY("docker.io", USER_PASS)), "index.docker.io", "x",
      "user:pass" },
    { "scheme", AUTHS(ENTRY("https://r.example", USER_PASS)), "r.example", "x", "user:pass" },
    { "scheme_and_path", AUTHS(ENTRY("https://r.example/v2/", USER_PASS)), "r.example", "x",
      "user:pass" },
    { "old_path", AUTHS(ENTRY("r.example/v1/", USER_PASS)), "r.example", "x", "user:pass" },
    { "namespace", AUTHS(ENTRY("quay.io/org", O_ORG)), "quay.io", "org/repo", "o:org" },
    { "another_namespace", AUTHS(ENTRY("quay.io/org", O_ORG)), "quay.io", "other/repo", "nothing" },
    { "namespace_is_no_prefix_of_a_word", AUTHS(ENTRY("quay.io/org", O_ORG)), "quay.io",
      "organisation/repo", "nothing" },
    { "most_specific_repo",
      AUTHS(ENTRY("quay.io", USER_PASS) "," ENTRY("quay.io/org",
                                                  O_ORG) "," ENTRY("quay.io/org/repo", R_REPO)),
      "quay.io", "org/repo", "r:repo" },
    { "most_specific_org",
      AUTHS(ENTRY("quay.io/org/repo", R_REPO) "," ENTRY("quay.io/org", O_ORG) "," ENTRY("quay.io",
                                                                                        USER_PASS)),
      "quay.io", "org/other", "o:org" },
    { "most_specific_host", AUTHS(ENTRY("quay.io/org", O_ORG) "," ENTRY("quay.io", USER_PASS)),
      "quay.io", "else/other", "user:pass" },
    { "no_repository", AUTHS(ENTRY("quay.io", USER_PASS)), "quay.io", "", "user:pass" },
    { "identity_token",
      "{\"auths\":{\"a.io\":{\"auth\":\"" USER_PASS "\",\"identitytoken\":\"tok\"}}}", "a.io", "x",
      "token=tok" },
    { "name_and_password", "{\"auths\":{\"a.io\":{\"username\":\"n\",\"password\":\"w\"}}}", "a.io",
      "x", "n:w" },
    { "empty_entry", "{\"auths\":{\"a.io\":{}}}", "a.io", "x", "nothing" },
    { "no_auths", "{}", "a.io", "x", "nothing" },
    { "empty_file", "", "a.io", "x", "nothing" },
    { "helper", "{\"credHelpers\":{\"a.io\":\"good\"}}", "a.io", "x", "helped:a.io" },
    { "helper_of_another", "{\"credHelpers\":{\"b.io\":\"good\"}}", "a.io", "x", "nothing" },
    { "helper_goes_before_auths",
      "{\"credHelpers\":{\"a.io\":\"good\"},\"auths\":{" ENTRY("a.io", USER_PASS) "}}", "a.io", "x",
      "helped:a.io" },
    { "helper_that_knows_nothing",
      "{\"credHelpers\":{\"a.io\":\"empty\"},\"auths\":{" ENTRY("a.io", USER_PASS) "}}", "a.io",
      "x", "user:pass" },
    { "helper_token", "{\"credHelpers\":{\"a.io\":\"token\"}}", "a.io", "x", "token=idt" },
    { "store", "{\"credsStore\":\"good\"}", "a.io", "x", "helped:a.io" },
    { "store_hub_name", "{\"credsStore\":\"good\"}", "docker.io", "x",
      "helped:https://index.docker.io/v1/" },
    { "store_with_marker", "{\"credsStore\":\"good\",\"auths\":{\"a.io\":{}}}", "a.io", "x",
      "helped:a.io" },
    { "not_base64", AUTHS(ENTRY("a.io", "%%%%")), "a.io", "x", "failed" },
    { "base64_cut", AUTHS(ENTRY("a.io", "dXNlcjpwYXN")), "a.io", "x", "failed" },
    { "no_colon", AUTHS(ENTRY("a.io", "dXNlcg==")), "a.io", "x", "failed" },
    { "not_json", "{\"auths\":{\"a.io\":{\"auth\":\"" USER_PASS "\"", "a.io", "x", "failed" },
    { "not_an_object", "[]", "a.io", "x", "failed" },
    { "key_twice", AUTHS(ENTRY("a.io", USER_PASS) "," ENTRY("a.io", U_PQ)), "a.io", "x", "failed" },
    { "helper_missing", "{\"credHelpers\":{\"a.io\":\"not-there\"}}", "a.io", "x", "failed" },
    { "helper_fails", "{\"credHelpers\":{\"a.io\":\"bad\"}}", "a.io", "x", "failed" },
    { "helper_speaks_no_json", "{\"credHelpers\":{\"a.io\":\"rubbish\"}}", "a.io", "x", "failed" },
    { "helper_is_a_path", "{\"credHelpers\":{\"a.io\":\"../../bin/sh\"}}", "a.io", "x", "failed" },
    { "helper_without_name", "{\"credHelpers\":{\"a.io\":\"\"}}", "a.io", "x", "failed" },
};

#define SCRIPT "#!/bin/sh\nread server\n"

static void test_credential_file(void **state)
{
    struct ferry_err err;

    (void)state;
    put("bin/docker-credential-good",
        SCRIPT "[ \"$1\" = get ] && printf '{\"ServerURL\":\"x\",\"Username\":\"helped\","
               "\"Secret\":\"%s\"}' \"$server\"\n",
        0700);
    put("bin/docker-credential-token",
        SCRIPT "echo '{\"Username\":\"<token>\",\"Secret\":\"idt\"}'\n", 0700);
    put("bin/docker-credential-empty",
        SCRIPT "echo 'credentials not found in native keychain'\nexit 1\n", 0700);
    put("bin/docker-credential-bad", SCRIPT "echo 'the vault is locked'\nexit 1\n", 0700);
    put("bin/docker-credential-rubbish", SCRIPT "echo 'pass'\n", 0700);
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        const char *found = ask_file(rows[i].json, rows[i].registry, rows[i].repository, &err);

        if (strcmp(found, rows[i].want) != 0)
            fail_msg("row \"%s\": found %s, expected %s (%s)", rows[i].name, found, rows[i].want,
                     err.msg);
        assert_null(strstr(err.msg, "pass\"")); /* what is in a file stays there */
        assert_null(strstr(err.msg, USER_PASS));
        if (strcmp(found, "failed") == 0)
            assert_int_equal(err.code, FERRY_EUSAGE);
    }
}

static void test_credential_messages(void **state)
{
    struct ferry_err err;

    (void)state;
    ask_file("{\"auths\":", "a.io", "x", &err);
    assert_non_null(strstr(err.msg, "/auth.json: not JSON"));
    ask_file("{\"credHelpers\":{\"a.io\":\"not-there\"}}", "a.io", "x", &err);
    assert_non_null(strstr(err.msg, "docker-credential-not-there, asked for a.io: No such file"));
    ask_file("{\"credHelpers\":{\"a.io\":\"bad\"}}", "a.io", "x", &err);
    assert_non_null(strstr(err.msg, "the vault is locked"));
}

/* Whatever a helper does, it is not waited for longer than it has. */
static void test_credential_helper_that_stays(void **state)
{
    static const struct {
        const char *script, *says;
    } helpers[] = {
        { SCRIPT "exec sleep 60\n", "no answer within 1 s" },
        { SCRIPT "trap '' TERM\nexec sleep 60\n", "no answer within 1 s" },
        { SCRIPT "echo '{\"Username\":\"u\",\"Secret\":\"s\"}'\nexec sleep 60 >&-\n",
          "did not end within 1 s" },
    };

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(helpers); i++) {
        FERRY_OWNED_CREDENTIAL found = { .user = NULL };
        time_t before = time(NULL);
        struct ferry_err err;

        put("bin/docker-credential-stays", helpers[i].script, 0700);
        CHECK_CODE(ferry_credential_ask("stays", "a.io", 1, &found, &err), FERRY_EUSAGE);
        assert_non_null(strstr(err.msg, helpers[i].says));
        assert_null(found.user);
        assert_in_range(time(NULL) - before, 1, 5);
    }
}

/* Each source hides those behind it; they are taken away one by one. */
static void test_credential_order(void **state)
{
    static const struct {
        const char *file, *user;
    } order[] = {
        { "named.json", "named" },
        { "run/containers/auth.json", "run" },
        { "config/containers/auth.json", "config" },
        { ".docker/config.json", "docker" },
    };
    struct ferry_err err;
    char path[256], json[256];

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(order); i++) {
        snprintf(json, sizeof(json),
                 "{\"auths\":{\"a.io\":{\"username\":\"%s\",\"password\":\"p\"}}}", order[i].user);
        put(order[i].file, json, 0600);
    }
    snprintf(path, sizeof(path), "%s/named.json", folder);
    setenv("REGISTRY_AUTH_FILE", path, 1);
    snprintf(path, sizeof(path), "%s/run", folder);
    setenv("XDG_RUNTIME_DIR", path, 1);
    snprintf(path, sizeof(path), "%s/config", folder);
    setenv("XDG_CONFIG_HOME", path, 1);
    for (size_t i = 0; i < FERRY_COUNT(order); i++) {
        FERRY_OWNED(ferry_credentials) store = NULL;
        FERRY_OWNED_CREDENTIAL found = { .user = NULL };

        CHECK_OK(ferry_credentials_new(NULL, NULL, &store, &err));
        CHECK_OK(ferry_credentials_find(store, "a.io", "x", &found, &err));
        assert_non_null(found.user);
        assert_string_equal(found.user, order[i].user);
        remove_file(order[i].file);
        unsetenv("REGISTRY_AUTH_FILE");
    }
    unsetenv("XDG_RUNTIME_DIR");
    unsetenv("XDG_CONFIG_HOME");
}

static void test_credential_next_file_when_first_is_silent(void **state)
{
    FERRY_OWNED(ferry_credentials) store = NULL;
    FERRY_OWNED_CREDENTIAL found = { .user = NULL };
    struct ferry_err err;

    (void)state;
    put(".config/containers/auth.json", AUTHS(ENTRY("other.io", USER_PASS)), 0600);
    put(".docker/config.json", AUTHS(ENTRY("a.io", U_PQ)), 0600);
    CHECK_OK(ferry_credentials_new(NULL, NULL, &store, &err));
    CHECK_OK(ferry_credentials_find(store, "a.io", "x", &found, &err));
    assert_string_equal(found.user, "u");
    assert_string_equal(found.password, "p:q");
    remove_file(".config/containers/auth.json");
    remove_file(".docker/config.json");
}

static void test_credential_named_file_must_be_there(void **state)
{
    FERRY_OWNED(ferry_credentials) store = NULL;
    struct ferry_err err;

    (void)state;
    CHECK_CODE(ferry_credentials_new("/nowhere/auth.json", NULL, &store, &err), FERRY_EUSAGE);
    assert_non_null(strstr(err.msg, "/nowhere/auth.json"));
}

static void test_credential_creds_for_all(void **state)
{
    FERRY_OWNED(ferry_credentials) store = NULL;
    FERRY_OWNED_CREDENTIAL found = { .user = NULL };
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_credentials_new(NULL, "me:a:b", &store, &err));
    CHECK_OK(ferry_credentials_find(store, "any.io", "x", &found, &err));
    assert_string_equal(found.user, "me");
    assert_string_equal(found.password, "a:b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_credential_file),
        cmocka_unit_test(test_credential_messages),
        cmocka_unit_test(test_credential_helper_that_stays),
        cmocka_unit_test(test_credential_order),
        cmocka_unit_test(test_credential_next_file_when_first_is_silent),
        cmocka_unit_test(test_credential_named_file_must_be_there),
        cmocka_unit_test(test_credential_creds_for_all),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
