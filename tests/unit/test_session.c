#include "format/registry/session.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "format/core/blob_file.h"
#include "format/core/blob_impl.h"
#include "format/core/blob_verify.h"
#include "format/core/cancel.h"
#include "format/core/clock.h"
#include "format/registry/origin.h"
#include "format/registry/retry.h"
#include "format/registry/session_impl.h"
#include "tests/support/check.h"
#include "tests/support/stub_registry.h"

#define SHA_HELLO "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define BASIC_USER_PASS "Basic dXNlcjpwYXNz"
#define SCRIPT(steps) stub_script(stub, steps, FERRY_COUNT(steps))

static const char *const everywhere[] = { "", NULL };

/* Of the test that runs: two servers, and a session that speaks plain HTTP. */
static struct stub_registry *stub, *other;
static struct ferry_session *session;
static struct ferry_session_options options;
static char registry[32];
static struct ferry_err err;
static int notes;

static void count_note(void *ctx, const char *text)
{
    (void)text;
    (*(int *)ctx)++;
}

static int setup(void **state)
{
    (void)state;
    stub = stub_start();
    other = stub_start();
    snprintf(registry, sizeof(registry), "127.0.0.1:%d", stub_port(stub));
    notes = 0;
    options = (struct ferry_session_options){ .plain_http = everywhere,
                                              .authfile = "/dev/null",
                                              .retries = 2,
                                              .stall_seconds = 2,
                                              .note = count_note,
                                              .note_ctx = &notes };
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ferry_session_free(ferry_steal(&session));
    stub_stop(ferry_steal(&stub));
    stub_stop(ferry_steal(&other));
    return 0;
}

static void open_session(void)
{
    CHECK_OK(ferry_session_new(&options, &session, &err));
}

static int get(const char *repository, const char *path, struct ferry_reply *reply)
{
    const struct ferry_call call = {
        .registry = registry, .repository = repository, .method = "GET", .path = path
    };

    return ferry_session_call(session, &call, reply, &err);
}

static int put(struct ferry_source *body, bool once, struct ferry_reply *reply)
{
    const struct ferry_call call = { .registry = registry,
                                     .repository = "a",
                                     .access = FERRY_ACCESS_PUSH,
                                     .method = "PUT",
                                     .path = "blobs/uploads/1",
                                     .body = body,
                                     .body_size = ferry_source_size(body),
                                     .once = once };

    return ferry_session_call(session, &call, reply, &err);
}

/* GET of repository "a" that must give this status and body. */
static void check_get(int status, const char *body)
{
    FERRY_OWNED_REPLY reply = { .status = 0 };
    FERRY_OWNED_BUF bytes;

    ferry_buf_init(&bytes, 1 << 20);
    CHECK_OK(get("a", "x", &reply));
    assert_int_equal(reply.status, status);
    CHECK_OK(ferry_source_read_all(reply.body, &bytes, &err));
    assert_string_equal(bytes.data ? (char *)bytes.data : "", body);
}

static void nap(long ms)
{
    const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

    nanosleep(&t, NULL);
}

/* --- credentials ---------------------------------------------------------------------------- */

static void test_session_basic(void **state)
{
    const struct stub_step steps[] = {
        { .expect = "Authorization: " BASIC_USER_PASS, .body = "ok", .times = -1 },
        { .status = 401, .headers = "WWW-Authenticate: Basic realm=\"r\"\r\n", .times = -1 },
    };

    (void)state;
    options.creds = "user:pass";
    open_session();
    SCRIPT(steps);
    check_get(200, "ok");
    check_get(200, "ok");
    assert_int_equal(stub_count(stub), 3); /* the second call knew */
}

static void test_session_basic_refused(void **state)
{
    const struct stub_step steps[] = {
        { .status = 401,
          .headers = "WWW-Authenticate: Basic realm=\"r\"\r\n",
          .body = "{\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"no\"}]}",
          .times = -1 },
    };
    FERRY_OWNED_REPLY reply = { .status = 0 };

    (void)state;
    options.creds = "user:wrong";
    open_session();
    SCRIPT(steps);
    CHECK_CODE(get("a", "x", &reply), FERRY_EAUTH);
    assert_non_null(strstr(err.msg, "UNAUTHORIZED: no"));
    assert_null(strstr(err.msg, "wrong"));
    assert_int_equal(stub_count(stub), 2);
}

static void test_session_no_credentials(void **state)
{
    const struct stub_step steps[] = {
        { .status = 401, .headers = "WWW-Authenticate: Basic realm=\"r\"\r\n", .times = -1 },
    };
    FERRY_OWNED_REPLY reply = { .status = 0 };

    (void)state;
    open_session();
    SCRIPT(steps);
    CHECK_CODE(get("a", "x", &reply), FERRY_EAUTH);
    assert_non_null(strstr(err.msg, "--authfile"));
    assert_int_equal(stub_count(stub), 1);
}

/* WWW-Authenticate with a token service at a port. */
static const char *bearer(int port, const char *scope)
{
    static char text[256];

    snprintf(
        text, sizeof(text),
        "WWW-Authenticate: Bearer realm=\"http://127.0.0.1:%d/token\",service=\"s v\"%s%s%s\r\n",
        port, scope ? ",scope=\"" : "", scope ? scope : "", scope ? "\"" : "");
    return text;
}

static void test_session_bearer(void **state)
{
    const struct stub_step steps[] = {
        { .path = "/v2/", .expect = "Authorization: Bearer T1\r", .body = "one", .times = -1 },
        { .path = "/v2/",
          .status = 401,
          .headers = bearer(stub_port(other), "repository:a:pull"),
          .times = -1 },
    };
    const struct stub_step tokens[] = {
        { .path = "/token", .body = "{\"token\":\"T1\",\"expires_in\":300}", .times = -1 },
    };
    FERRY_OWNED_REPLY reply = { .status = 0 };

    (void)state;
    options.creds = "user:pass";
    open_session();
    SCRIPT(steps);
    stub_script(other, tokens, 1);
    check_get(200, "one");
    assert_int_equal(stub_count(stub), 2);
    assert_string_equal(stub_request(stub, 0).authorization, "");
    assert_string_equal(stub_request(other, 0).authorization, BASIC_USER_PASS);
    assert_non_null(
        strstr(stub_request(other, 0).path, "service=s%20v&scope=repository%3Aa%3Apull"));
    check_get(200, "one"); /* from the cache */
    assert_int_equal(stub_count(other), 1);
    CHECK_OK(get("b", "x", &reply)); /* fetched beforehand, without a 401 */
    assert_int_equal(reply.status, 200);
    assert_int_equal(stub_count(stub), 4);
    assert_int_equal(stub_count(other), 2);
    assert_non_null(strstr(stub_request(other, 1).path, "scope=repository%3Ab%3Apull"));
}

static void test_session_bearer_anonymous(void **state)
{
    const struct stub_step steps[] = {
        { .path = "/token", .body = "{\"access_token\":\"T2\"}" },
        { .path = "/v2/", .expect = "Authorization: Bearer T2\r", .body = "ok" },
        { .path = "/v2/", .status = 401, .headers = bearer(stub_port(stub), NULL) },
    };

    (void)state;
    open_session();
    SCRIPT(steps);
    check_get(200, "ok");
    assert_string_equal(stub_request(stub, 1).authorization, "");
    assert_non_null(strstr(stub_request(stub, 1).path, "scope=repository%3Aa%3Apull"));
}

static void test_session_token_renewed_before_it_expires(void **state)
{
    const struct stub_step steps[] = {
        { .path = "/token", .body = "{\"token\":\"T1\",\"expires_in\":1}" },
        { .path = "/token", .body = "{\"token\":\"T2\",\"expires_in\":1}" },
        { .path = "/v2/", .expect = "Bearer T", .body = "ok", .times = -1 },
        { .path = "/v2/", .status = 401, .headers = bearer(stub_port(stub), NULL), .times = -1 },
    };

    (void)state;
    open_session();
    SCRIPT(steps);
    check_get(200, "ok");
    nap(800);
    check_get(200, "ok");
    assert_int_equal(stub_count_path(stub, "/token"), 2);
    assert_string_equal(stub_request(stub, 4).authorization, "Bearer T2");
}

static void test_session_token_revoked_in_the_run(void **state)
{
    const struct stub_step steps[] = {
        { .path = "/token", .body = "{\"token\":\"T1\",\"expires_in\":3600}" },
        { .path = "/token", .body = "{\"token\":\"T2\",\"expires_in\":3600}" },
        { .path = "/v2/", .expect = "Bearer T1", .body = "ok" },
        { .path = "/v2/", .expect = "Bearer T2", .body = "ok", .times = -1 },
        { .path = "/v2/", .status = 401, .headers = bearer(stub_port(stub), NULL), .times = -1 },
    };

    (void)state;
    open_session();
    SCRIPT(steps);
    check_get(200, "ok");
    check_get(200, "ok");
    assert_int_equal(stub_count_path(stub, "/token"), 2);
}

static void test_session_token_that_never_suffices(void **state)
{
    const struct stub_step steps[] = {
        { .path = "/token", .body = "{\"token\":\"T\"}", .times = -1 },
        { .path = "/v2/", .status = 401, .headers = bearer(stub_port(stub), NULL), .times = -1 },
    };
    FERRY_OWNED_REPLY reply = { .status = 0 };

    (void)state;
    open_session();
    SCRIPT(steps);
    CHECK_CODE(get("a", "x", &reply), FERRY_EAUTH);
    assert_int_equal(stub_count_path(stub, "/v2/"), 2);
    assert_int_equal(stub_count_path(stub, "/token"), 1);
}

static void test_session_identity_token(void **state)
{
    const struct stub_step steps[] = {
        { .method = "POST", .path = "/token", .body = "{\"access_token\":\"T\"}" },
        { .path = "/v2/", .expect = "Bearer T", .body = "ok" },
        { .path = "/v2/", .status = 401, .headers = bearer(stub_port(stub), NULL) },
    };
    char name[] = "/tmp/ferry-session-XXXXXX", json[256];
    int fd = mkstemp(name);

    (void)state;
    snprintf(json, sizeof(json), "{\"auths\":{\"%s\":{\"identitytoken\":\"id&tok\"}}}", registry);
    assert_int_equal(write(fd, json, strlen(json)), (ssize_t)strlen(json));
    close(fd);
    options.authfile = name;
    open_session();
    unlink(name);
    SCRIPT(steps);
    check_get(200, "ok");
    assert_string_equal(stub_request(stub, 1).body,
                        "grant_type=refresh_token&service=s%20v&client_id=ociferry&"
                        "scope=repository%3Aa%3Apull&refresh_token=id%26tok");
}

/* What a token service says, and what comes of it. */
static void test_session_token_service_faults(void **state)
{
    static const struct {
        const char *name;
        int status;
        const char *headers, *body;
        enum ferry_code want;
        size_t asked;
    } rows[] = {
        { "refuses", 401, NULL, "{\"details\":\"incorrect\"}", FERRY_EAUTH, 1 },
        { "forbids", 403, NULL, "", FERRY_EAUTH, 1 },
        { "out_of_order", 503, "Retry-After: 0\r\n", "", FERRY_ENET, 3 },
        { "no_json", 200, NULL, "hello", FERRY_EPROTOCOL, 1 },
        { "no_token", 200, NULL, "{}", FERRY_EPROTOCOL, 1 },
        { "header_in_token", 200, NULL, "{\"token\":\"a\\r\\nX: y\"}", FERRY_EPROTOCOL, 1 },
        { "key_twice", 200, NULL, "{\"token\":\"a\",\"token\":\"b\"}", FERRY_EPROTOCOL, 1 },
        { "endless", 200, "Content-Length: 99999999\r\n", "", FERRY_ENET, 3 },
    };

    (void)state;
    options.creds = "user:pass";
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        const struct stub_step steps[] = {
            { .path = "/token",
              .status = rows[i].status,
              .headers = rows[i].headers,
              .body = rows[i].body,
              .times = -1,
              .action = rows[i].headers ? STUB_CUT : STUB_REPLY,
              .cut = strlen(rows[i].body) },
            { .path = "/v2/",
              .status = 401,
              .headers = bearer(stub_port(stub), NULL),
              .times = -1 },
        };
        FERRY_OWNED_REPLY reply = { .status = 0 };
        int rc;

        open_session();
        SCRIPT(steps);
        rc = get("a", "x", &reply);
        if (rc != (int)rows[i].want || stub_count_path(stub, "/token") != rows[i].asked)
            fail_msg("row \"%s\": %d %s, asked %zu times", rows[i].name, rc, err.msg,
                     stub_count_path(stub, "/token"));
        ferry_session_free(ferry_steal(&session));
    }
}

static void test_session_token_limit(void **state)
{
    static char huge[2 << 20];
    const struct stub_step steps[] = {
        { .path = "/token", .body = huge, .body_len = sizeof(huge) },
        { .path = "/v2/", .status = 401, .headers = bearer(stub_port(stub), NULL) },
    };
    FERRY_OWNED_REPLY reply = { .status = 0 };

    (void)state;
    memset(huge, ' ', sizeof(huge));
    open_session();
    SCRIPT(steps);
    CHECK_CODE(get("a", "x", &reply), FERRY_EPROTOCOL);
}

/* A password never goes to a realm that is less safe than its registry. */
static void test_session_realm_elsewhere(void **state)
{
    static const char *const realms[] = { "http://example.com/token", "ftp://127.0.0.1/token",
                                          "http://user@127.0.0.1/token", "token", "" };

    (void)state;
    options.creds = "user:pass";
    for (size_t i = 0; i < FERRY_COUNT(realms); i++) {
        char header[128];
        const struct stub_step steps[] = { { .status = 401, .headers = header } };
        FERRY_OWNED_REPLY reply = { .status = 0 };
        int rc;

        snprintf(header, sizeof(header), "WWW-Authenticate: Bearer realm=\"%s\"\r\n", realms[i]);
        open_session();
        SCRIPT(steps);
        rc = get("a", "x", &reply);
        if (rc != FERRY_EAUTH && rc != FERRY_EPROTOCOL)
            fail_msg("%s: %d %s", realms[i], rc, err.msg);
        assert_int_equal(stub_count(stub), 1);
        ferry_session_free(ferry_steal(&session));
    }
}

static void test_session_token_redirect_elsewhere(void **state)
{
    char location[64];
    const struct stub_step steps[] = {
        { .path = "/token", .status = 307, .headers = location },
        { .path = "/v2/", .status = 401, .headers = bearer(stub_port(stub), NULL) },
    };
    FERRY_OWNED_REPLY reply = { .status = 0 };

    (void)state;
    snprintf(location, sizeof(location), "Location: http://127.0.0.1:%d/t\r\n", stub_port(other));
    options.creds = "user:pass";
    open_session();
    SCRIPT(steps);
    CHECK_CODE(get("a", "x", &reply), FERRY_EAUTH);
    assert_int_equal(stub_count(other), 0);
}

static void test_session_mount_scope(void **state)
{
    const struct stub_step steps[] = {
        { .path = "/token?client_id=ociferry&service=s%20v&scope=repository%3Aa%3Apull%2Cpush&"
                  "scope=repository%3Afrom%3Apull",
          .status = 403 },
        { .path = "/token", .body = "{\"token\":\"T\"}" },
        { .path = "/v2/", .expect = "Bearer T", .status = 202 },
        { .path = "/v2/", .status = 401, .headers = bearer(stub_port(stub), NULL) },
    };
    const struct ferry_call call = { .registry = registry,
                                     .repository = "a",
                                     .access = FERRY_ACCESS_PUSH,
                                     .mount_from = "from",
                                     .method = "POST",
                                     .path = "blobs/uploads/?mount=x&from=from" };
    FERRY_OWNED_REPLY reply = { .status = 0 };

    (void)state;
    open_session();
    SCRIPT(steps);
    CHECK_OK(ferry_session_call(session, &call, &reply, &err));
    assert_int_equal(reply.status, 202); /* though "from" may not be read: no mount, an upload */
    assert_int_equal(stub_count_path(stub, "/token"), 2);
    ferry_reply_release(&reply);
    CHECK_OK(ferry_session_call(session, &call, &reply, &err));
    assert_int_equal(stub_count_path(stub, "/token"), 2); /* which is remembered */
}

/* The registry would like a wider scope than its token service gives. */
static void test_session_one_scope_at_a_time(void **state)
{
    const struct stub_step steps[] = {
        { .path = "/token?client_id=ociferry&service=s%20v&scope=repository%3Aa%3Apull&scope=",
          .status = 400,
          .times = -1 },
        { .path = "/token", .body = "{\"token\":\"T1\",\"expires_in\":1}" },
        { .path = "/token", .body = "{\"token\":\"T2\",\"expires_in\":300}" },
        { .path = "/v2/", .expect = "Bearer T", .body = "ok", .times = -1 },
        { .path = "/v2/",
          .status = 401,
          .headers = bearer(stub_port(stub), "repository:a:pull registry:catalog:*"),
          .times = -1 },
    };

    (void)state;
    open_session();
    SCRIPT(steps);
    check_get(200, "ok");
    assert_int_equal(stub_count_path(stub, "/token"), 2);
    nap(800);
    check_get(200, "ok"); /* renewed for what was granted */
    assert_int_equal(stub_count_path(stub, "/token"), 3);
}

/* Nothing at first, then a token, then a password: as it wishes. */
static void test_session_asks_half_way(void **state)
{
    const struct stub_step steps[] = {
        { .path = "/token", .body = "{\"token\":\"T1\",\"expires_in\":300}" },
        { .path = "/v2/", .body = "free" },
        { .path = "/v2/", .status = 401, .headers = bearer(stub_port(stub), NULL) },
        { .path = "/v2/", .expect = "Bearer T1", .body = "by token" },
        { .path = "/v2/", .status = 401, .headers = "WWW-Authenticate: Basic realm=\"r\"\r\n" },
        { .path = "/v2/", .expect = BASIC_USER_PASS, .body = "by password", .times = -1 },
    };

    (void)state;
    options.creds = "user:pass";
    open_session();
    SCRIPT(steps);
    check_get(200, "free");
    check_get(200, "by token");
    check_get(200, "by password");
    assert_int_equal(stub_count(stub), 6);
}

/* --- redirects ------------------------------------------------------------------------------ */

static const char *redirect(int port, const char *path)
{
    static char text[128];

    snprintf(text, sizeof(text), "Location: http://127.0.0.1:%d%s\r\n", port, path);
    return text;
}

static void test_session_redirect_carries_no_credentials(void **state)
{
    const struct stub_step steps[] = {
        { .expect = BASIC_USER_PASS,
          .status = 307,
          .headers = redirect(stub_port(other), "/blob"),
          .times = -1 },
        { .status = 401, .headers = "WWW-Authenticate: Basic realm=\"r\"\r\n" },
    };
    const struct stub_step store[] = { { .path = "/blob", .body = "bytes", .times = -1 } };

    (void)state;
    options.creds = "user:pass";
    open_session();
    SCRIPT(steps);
    stub_script(other, store, 1);
    check_get(200, "bytes");
    check_get(200, "bytes");
    assert_int_equal(stub_count(other), 2);
    assert_string_equal(stub_request(other, 0).authorization, "");
    assert_string_equal(stub_request(other, 1).authorization, "");
    assert_null(strcasestr(stub_request(other, 1).head, "referer"));
    assert_int_equal(stub_request(other, 1).connection, 0); /* kept, as the registry's own is */
    assert_int_equal(stub_request(stub, 2).connection, 0);
}

static void test_session_redirect_at_home_carries_them(void **state)
{
    const struct stub_step steps[] = {
        { .path = "/else", .expect = BASIC_USER_PASS, .body = "ok" },
        { .path = "/v2/",
          .expect = BASIC_USER_PASS,
          .status = 302,
          .headers = "Location: /else\r\n" },
        { .status = 401, .headers = "WWW-Authenticate: Basic realm=\"r\"\r\n" },
    };

    (void)state;
    options.creds = "user:pass";
    open_session();
    SCRIPT(steps);
    check_get(200, "ok");
}

static void test_session_challenge_elsewhere_gets_nothing(void **state)
{
    const struct stub_step steps[] = { { .status = 307,
                                         .headers = redirect(stub_port(other), "/") } };
    const struct stub_step store[] = {
        { .status = 401, .headers = "WWW-Authenticate: Basic realm=\"r\"\r\n", .times = -1 },
    };
    FERRY_OWNED_REPLY reply = { .status = 0 };

    (void)state;
    options.creds = "user:pass";
    options.retries = 0;
    open_session();
    SCRIPT(steps);
    stub_script(other, store, 1);
    CHECK_CODE(get("a", "x", &reply), FERRY_EAUTH);
    assert_int_equal(stub_count(other), 1);
    assert_string_equal(stub_request(other, 0).authorization, "");
}

/* Object stores refuse a signed address that ran out, each with a status of its own. */
static void test_session_redirect_that_expires(void **state)
{
    static const int statuses[] = { 400, 401, 403, 410 };

    (void)state;
    options.creds = "user:pass";
    open_session();
    for (size_t i = 0; i < FERRY_COUNT(statuses); i++) {
        char was[128];
        const struct stub_step steps[] = {
            { .expect = "Authorization",
              .status = 307,
              .headers = strcpy(was, redirect(stub_port(other), "/old")) },
            { .expect = "Authorization",
              .status = 307,
              .headers = redirect(stub_port(other), "/new") },
            { .status = 401, .headers = "WWW-Authenticate: Basic realm=\"r\"\r\n" },
        };
        const struct stub_step store[] = {
            { .path = "/old", .status = statuses[i], .times = -1 },
            { .path = "/new", .body = "bytes" },
        };

        SCRIPT(steps);
        stub_script(other, store, 2);
        check_get(200, "bytes");
        assert_int_equal(stub_count_path(other, "/old"), 1);
        assert_string_equal(stub_request(other, 0).authorization, "");
        assert_string_equal(stub_request(other, 1).authorization, "");
    }
}

static void test_session_redirect_that_is_refused(void **state)
{
    const struct stub_step steps[] = {
        { .status = 307, .headers = redirect(stub_port(other), "/blob"), .times = -1 }
    };
    const struct stub_step store[] = { { .status = 403, .times = -1 } };
    FERRY_OWNED_REPLY reply = { .status = 0 };

    (void)state;
    options.retries = 1;
    open_session();
    SCRIPT(steps);
    stub_script(other, store, 1);
    CHECK_OK(get("a", "x", &reply));
    assert_int_equal(reply.status, 403);
    assert_int_equal(stub_count(other), 2); /* at the registry's word each time */
    assert_int_equal(stub_count(stub), 2);
    CHECK_CODE(ferry_reply_fail(&reply, &err), FERRY_EAUTH);
    assert_non_null(strstr(err.msg, "redirects there"));
}

/* The registry's own "no" is final. */
static void test_session_forbidden_at_home(void **state)
{
    const struct stub_step steps[] = { { .status = 403, .times = -1 } };
    FERRY_OWNED_REPLY reply = { .status = 0 };

    (void)state;
    open_session();
    SCRIPT(steps);
    CHECK_OK(get("a", "x", &reply));
    assert_int_equal(reply.status, 403);
    assert_int_equal(stub_count(stub), 1);
}

/* What an image names is a stranger, even where it has the registry's own host. */
static int get_foreign(int port, const char *path, struct ferry_reply *reply)
{
    char host[32], url[128];
    const struct ferry_call call = {
        .registry = host, .method = "GET", .url = url, .foreign = true
    };

    snprintf(host, sizeof(host), "127.0.0.1:%d", port);
    snprintf(url, sizeof(url), "http://%s%s", host, path);
    return ferry_session_call(session, &call, reply, &err);
}

static void test_session_foreign_url(void **state)
{
    const struct stub_step steps[] = {
        { .path = "/layer", .status = 302, .headers = redirect(stub_port(other), "/moved") },
        { .path = "/mine", .status = 401, .headers = "WWW-Authenticate: Basic realm=\"r\"\r\n" },
        { .expect = BASIC_USER_PASS, .body = "ok", .times = -1 },
        { .status = 401, .headers = "WWW-Authenticate: Basic realm=\"r\"\r\n" },
    };
    const struct stub_step store[] = { { .path = "/moved", .body = "bytes" } };
    FERRY_OWNED_REPLY reply = { .status = 0 };

    (void)state;
    options.creds = "user:pass";
    options.retries = 0;
    open_session();
    SCRIPT(steps);
    stub_script(other, store, 1);
    check_get(200, "ok"); /* the session has credentials that the registry takes */
    CHECK_OK(get_foreign(stub_port(stub), "/layer", &reply));
    assert_int_equal(reply.status, 200);
    ferry_reply_release(&reply);
    CHECK_CODE(get_foreign(stub_port(stub), "/mine", &reply), FERRY_EAUTH);
    assert_non_null(strstr(err.msg, "without credentials"));
    assert_string_equal(stub_request(stub, 2).authorization, "");
    assert_string_equal(stub_request(stub, 3).authorization, "");
    assert_int_equal(stub_count(stub), 4);
    assert_string_equal(stub_request(other, 0).authorization, "");
}

static void test_session_redirect_loop(void **state)
{
    const struct stub_step steps[] = {
        { .status = 307, .headers = "Location: /again\r\n", .times = -1 }
    };
    FERRY_OWNED_REPLY reply = { .status = 0 };

    (void)state;
    open_session();
    SCRIPT(steps);
    CHECK_CODE(get("a", "x", &reply), FERRY_ENET);
    assert_int_equal(stub_count(stub), 6);
    assert_int_equal(notes, 0);
}

static void test_session_location(void **state)
{
    static const struct {
        const char *location, *want; /* %d: the stub's port; want NULL: refused */
    } rows[] = {
        { "/v2/a/blobs/uploads/u?state=1", "http://127.0.0.1:%d/v2/a/blobs/uploads/u?state=1" },
        { "u2", "http://127.0.0.1:%d/v2/a/blobs/uploads/u2" },
        { "http://elsewhere.example/u", "http://elsewhere.example/u" },
        { "//elsewhere.example/u", NULL },
        { "ftp://elsewhere.example/u", NULL },
        { "http://user:pass@elsewhere.example/u", NULL },
        { "file:///etc/passwd", NULL },
    };

    (void)state;
    open_session();
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        char header[128], want[128];
        const struct stub_step steps[] = { { .status = 202, .headers = header } };
        const struct ferry_call call = {
            .registry = registry, .repository = "a", .method = "POST", .path = "blobs/uploads/"
        };
        FERRY_OWNED_REPLY reply = { .status = 0 };
        int rc;

        snprintf(header, sizeof(header), "Location: %s\r\n", rows[i].location);
        SCRIPT(steps);
        rc = ferry_session_call(session, &call, &reply, &err);
        if (strncmp(rows[i].location, "//", 2) == 0) { /* a name, to some, and a path to others */
            assert_true(rc < 0 || strstr(reply.location, "elsewhere.example/u"));
            continue;
        }
        if ((rc == 0) != (rows[i].want != NULL))
            fail_msg("%s: %d %s", rows[i].location, rc, rc < 0 ? err.msg : reply.location);
        if (!rows[i].want)
            continue;
        snprintf(want, sizeof(want), rows[i].want, stub_port(stub));
        assert_string_equal(reply.location, want);
        assert_non_null(strstr(stub_request(stub, 0).head, "\r\nContent-Length: 0\r\n"));
        assert_null(strstr(stub_request(stub, 0).head, "Content-Type"));
    }
}

static void test_session_origins(void **state)
{
    static const struct {
        const char *from, *to;
        bool equal, permitted;
    } rows[] = {
        { "https://a/x", "https://a:443/y?z", true, true },
        { "https://A/x", "https://a/", true, true },
        { "http://a", "http://a:80", true, true },
        { "http://a", "https://a", false, true },
        { "http://a:5000", "https://a:5000", false, true },
        { "https://a", "http://a", false, false },
        { "https://a", "https://a:8443", false, true },
        { "https://a", "https://a.b", false, true },
        { "https://[::1]:5000", "https://[::1]:5000/x", true, true },
    };

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        struct ferry_origin from, to;

        CHECK_OK(ferry_origin_of(rows[i].from, &from, &err));
        CHECK_OK(ferry_origin_of(rows[i].to, &to, &err));
        CHECK_ROW(rows[i].to, ferry_origin_equal(&from, &to) == rows[i].equal);
        CHECK_ROW(rows[i].to, (ferry_origin_check_hop(&from, &to, &err) == 0) == rows[i].permitted);
    }
}

/* --- once more ------------------------------------------------------------------------------ */

static void test_session_status_retried(void **state)
{
    static const struct {
        int status;
        bool retried;
    } rows[] = { { 429, true },  { 500, true },  { 502, true },  { 503, true }, { 504, true },
                 { 400, false }, { 403, false }, { 404, false }, { 501, false } };

    (void)state;
    open_session();
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        const struct stub_step steps[] = {
            { .status = rows[i].status, .headers = "Retry-After: 0\r\n", .body = "later" },
            { .body = "ok" },
        };

        SCRIPT(steps);
        check_get(rows[i].retried ? 200 : rows[i].status, rows[i].retried ? "ok" : "later");
    }
}

static void test_session_status_after_all_retries(void **state)
{
    const struct stub_step steps[] = {
        { .status = 503,
          .headers = "Retry-After: 0\r\nContent-Type: application/json\r\n",
          .body = "{\"errors\":[{\"code\":\"UNAVAILABLE\",\"message\":\"at \\u001b[31mwork\"}]}",
          .times = -1 },
    };
    FERRY_OWNED_REPLY reply = { .status = 0 };

    (void)state;
    open_session();
    SCRIPT(steps);
    CHECK_OK(get("a", "x", &reply));
    assert_int_equal(reply.status, 503);
    assert_int_equal(stub_count(stub), 3);
    assert_int_equal(notes, 2);
    CHECK_CODE(ferry_reply_fail(&reply, &err), FERRY_ENET);
    assert_non_null(strstr(err.msg, "503 Service Unavailable: UNAVAILABLE: at ?[31mwork"));
}

static void test_session_closed_before_the_reply(void **state)
{
    const struct stub_step steps[] = { { .action = STUB_CLOSE }, { .body = "ok" } };

    (void)state;
    open_session();
    SCRIPT(steps);
    check_get(200, "ok");
    assert_int_equal(notes, 1);
}

static void test_session_idle_connection_closed(void **state)
{
    const struct stub_step steps[] = {
        { .body = "one", .action = STUB_CLOSE_AFTER },
        { .body = "two" },
        { .action = STUB_CLOSE }, /* as if it had closed just then */
        { .body = "three" },
    };

    (void)state;
    open_session();
    SCRIPT(steps);
    check_get(200, "one");
    check_get(200, "two");
    check_get(200, "three");
    assert_int_equal(notes, 0);
}

static void test_session_refused(void **state)
{
    FERRY_OWNED_REPLY reply = { .status = 0 };
    int64_t before = ferry_now_ms();

    (void)state;
    stub_stop(ferry_steal(&stub));
    options.retries = 9;
    open_session();
    CHECK_CODE(get("a", "x", &reply), FERRY_ENET);
    assert_non_null(strstr(err.msg, "127.0.0.1"));
    assert_int_equal(notes, 2);
    assert_true(ferry_now_ms() - before < 3000);
    stub = stub_start();
}

/* Who was there comes back, perhaps. */
static void test_session_refused_later(void **state)
{
    const struct stub_step steps[] = { { .body = "ok" } };
    FERRY_OWNED_REPLY reply = { .status = 0 };

    (void)state;
    options.retries = 3;
    open_session();
    SCRIPT(steps);
    check_get(200, "ok");
    stub_stop(ferry_steal(&stub));
    CHECK_CODE(get("a", "x", &reply), FERRY_ENET);
    assert_int_equal(notes, 3);
    stub = stub_start();
}

static void test_session_retry_after(void **state)
{
    char soon[64];
    const time_t then = time(NULL) + 20;
    struct tm tm;

    (void)state;
    strftime(soon, sizeof(soon), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&then, &tm));
    assert_int_equal(ferry_retry_after("0"), 0);
    assert_int_equal(ferry_retry_after("7"), 7000);
    assert_int_equal(ferry_retry_after("99999999999999999999999"), FERRY_RETRY_AFTER_MAX_MS);
    assert_in_range(ferry_retry_after(soon), 18000, 20000);
    assert_int_equal(ferry_retry_after("Sun, 06 Nov 1994 08:49:37 GMT"), 0);
    assert_int_equal(ferry_retry_after("soon"), -1);
    assert_int_equal(ferry_retry_after(""), -1);
    assert_int_equal(ferry_retry_after(NULL), -1);
    for (int i = 1; i < 100; i++)
        assert_in_range(ferry_retry_delay(i), i == 1 ? 150 : 300, i == 1 ? 250 : 12500);
}

/* As long as the registry asks for, and not the 0.2 s that are usual. */
static void test_session_retry_after_is_waited_for(void **state)
{
    char date[64], headers[2][96] = { "Retry-After: 1\r\n" };

    (void)state;
    open_session();
    for (size_t i = 0; i < FERRY_COUNT(headers); i++) {
        const struct stub_step steps[] = { { .status = i == 0 ? 429 : 503, .headers = headers[i] },
                                           { .body = "ok" } };
        const time_t then = time(NULL) + 2;
        int64_t before = ferry_now_ms();
        struct tm tm;

        strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&then, &tm));
        if (i > 0)
            snprintf(headers[i], sizeof(headers[i]), "Retry-After: %s\r\n", date);
        SCRIPT(steps);
        check_get(200, "ok");
        assert_in_range(ferry_now_ms() - before, 900, 4000);
    }
}

/* --- bodies --------------------------------------------------------------------------------- */

static void test_session_body_cut(void **state)
{
    static const struct {
        const char *name;
        enum stub_action action;
        const char *headers;
        enum ferry_code want;
    } rows[] = {
        { "cut", STUB_CUT, NULL, FERRY_ENET },
        { "length_too_great", STUB_CLOSE_AFTER, "Content-Length: 100\r\n", FERRY_ENET },
        { "stalled", STUB_STALL, NULL, FERRY_ESTALL },
        { "chunk_without_end", STUB_CLOSE_AFTER, "Transfer-Encoding: chunked\r\n", FERRY_ENET },
    };

    (void)state;
    options.stall_seconds = 1;
    open_session();
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        const struct stub_step steps[] = { { .body = "5\r\nhello\r\n",
                                             .headers = rows[i].headers,
                                             .action = rows[i].action,
                                             .cut = 4 } };
        FERRY_OWNED_REPLY reply = { .status = 0 };

        SCRIPT(steps);
        CHECK_OK(get("a", "x", &reply));
        CHECK_CODE(ferry_source_drain(reply.body, &err), rows[i].want);
        ferry_reply_release(&reply);
        assert_int_equal(reply.status, 0);
    }
}

static void test_session_body_every_read_size(void **state)
{
    static char big[3 << 20], got[sizeof(big) + 1];
    static const size_t sizes[] = { 1000, 16384, 100001, 262144, 1 << 20, sizeof(got) };
    const struct stub_step steps[] = { { .body = big, .body_len = sizeof(big), .times = -1 } };

    (void)state;
    for (size_t i = 0; i < sizeof(big); i++)
        big[i] = (char)(i * 31 + i / 977);
    open_session();
    SCRIPT(steps);
    for (size_t i = 0; i < FERRY_COUNT(sizes); i++) {
        FERRY_OWNED_REPLY reply = { .status = 0 };
        size_t have = 0, n;

        CHECK_OK(get("a", "x", &reply));
        assert_int_equal(ferry_source_size(reply.body), sizeof(big));
        do {
            size_t cap = sizeof(got) - have < sizes[i] ? sizeof(got) - have : sizes[i];

            CHECK_OK(ferry_source_read(reply.body, got + have, cap, &n, &err));
            have += n;
        } while (n > 0);
        assert_int_equal(have, sizeof(big));
        assert_memory_equal(got, big, sizeof(big));
    }
    assert_int_equal(stub_request(stub, 5).connection, 0); /* one connection carried all */
}

static void test_session_reply_left_unread(void **state)
{
    static char big[1 << 20];
    const struct stub_step steps[] = { { .body = "little" },
                                       { .body = big, .body_len = sizeof(big) },
                                       { .body = "end" } };
    FERRY_OWNED_REPLY reply = { .status = 0 };

    (void)state;
    open_session();
    SCRIPT(steps);
    CHECK_OK(get("a", "x", &reply));
    ferry_reply_release(&reply);
    CHECK_OK(get("a", "x", &reply));
    assert_int_equal(stub_request(stub, 1).connection, 0); /* read, to keep the connection */
    ferry_reply_release(&reply);
    ferry_reply_release(&reply);
    check_get(200, "end");
    assert_int_equal(stub_request(stub, 2).connection, 1); /* too much: closed */
}

static void test_session_content_encoding(void **state)
{
    const struct stub_step steps[] = {
        { .headers = "Content-Encoding: identity\r\n", .body = "ok" },
        { .headers = "Content-Encoding: gzip\r\n", .body = "zzz" },
    };
    FERRY_OWNED_REPLY reply = { .status = 0 };

    (void)state;
    open_session();
    SCRIPT(steps);
    check_get(200, "ok");
    CHECK_CODE(get("a", "x", &reply), FERRY_EPROTOCOL);
    assert_null(strcasestr(stub_request(stub, 0).head, "accept-encoding"));
}

static void test_session_header_limit(void **state)
{
    static char headers[80 * 1024];
    const struct stub_step steps[] = { { .headers = headers, .times = -1 } };
    FERRY_OWNED_REPLY reply = { .status = 0 };
    size_t len = 0;

    (void)state;
    while (len < sizeof(headers) - 2000)
        len += (size_t)snprintf(headers + len, sizeof(headers) - len, "X: %01000d\r\n", 0);
    open_session();
    SCRIPT(steps);
    CHECK_CODE(get("a", "x", &reply), FERRY_EPROTOCOL);
    assert_int_equal(stub_count(stub), 1);
}

static void test_session_reply_headers(void **state)
{
    const struct stub_step steps[] = {
        { .status = 206,
          .headers = "content-type: application/x; charset=utf-8\r\n"
                     "DOCKER-CONTENT-DIGEST:" SHA_HELLO "\r\n"
                     "Link: </v2/a/tags/list?last=b>;\r\n rel=\"next\"\r\n"
                     "Content-Range: bytes 5-9/100\r\n" },
        { .status = 206, .headers = "Content-Range: bytes 5-9/*\r\n" },
        { .status = 202, .headers = "Range: 0-1023\r\nLocation: u\r\n" },
        { .status = 202, .headers = "Range: 0-0\r\n" },
        { .status = 202, .headers = "Range: bytes=0-9\r\n" },
        { .status = 202, .headers = "Range: 5-9\r\n" },
        { .status = 206, .headers = "Content-Range: bytes 99999999999999999999-1/-5\r\n" },
    };
    static const int64_t upload_ends[] = { -1, -1, 1024, 0, 10, -1, -1 };
    static const int64_t totals[] = { 100, -1, -1, -1, -1, -1, -1 };

    (void)state;
    open_session();
    SCRIPT(steps);
    for (size_t i = 0; i < FERRY_COUNT(steps); i++) {
        FERRY_OWNED_REPLY reply = { .status = 0 };

        CHECK_OK(get("a", "x", &reply));
        assert_int_equal(reply.upload_end, upload_ends[i]);
        assert_int_equal(reply.range_total, totals[i]);
        if (i > 0)
            continue;
        assert_string_equal(reply.content_type, "application/x");
        assert_string_equal(reply.content_digest, SHA_HELLO);
        assert_string_equal(reply.link, "</v2/a/tags/list?last=b>; rel=\"next\"");
        assert_int_equal(reply.range_first, 5);
        assert_int_equal(reply.range_last, 9);
    }
}

static void test_session_head(void **state)
{
    const struct stub_step steps[] = { { .method = "HEAD", .headers = "Content-Length: 12345\r\n" },
                                       { .body = "next" } };
    const struct ferry_call call = {
        .registry = registry, .repository = "a", .method = "HEAD", .path = "blobs/x"
    };
    FERRY_OWNED_REPLY reply = { .status = 0 };

    (void)state;
    open_session();
    SCRIPT(steps);
    CHECK_OK(ferry_session_call(session, &call, &reply, &err));
    assert_int_equal(reply.length, 12345);
    CHECK_OK(ferry_source_drain(reply.body, &err));
    ferry_reply_release(&reply);
    check_get(200, "next");
    assert_int_equal(stub_request(stub, 1).connection, 0);
}

static void test_session_reply_fail(void **state)
{
    static const struct {
        int status;
        enum ferry_code code;
        const char *says;
    } rows[] = {
        { 400, FERRY_EREFUSED, "400 Bad Request: NAME_INVALID: bad name" },
        { 403, FERRY_EAUTH, "do not permit" },
        { 404, FERRY_ENOTFOUND, "404 Not Found: NAME_INVALID" },
        { 413, FERRY_EREFUSED, "limits the size" },
        { 416, FERRY_EREFUSED, "416" },
        { 418, FERRY_EREFUSED, "418" },
    };

    (void)state;
    open_session();
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        const struct stub_step steps[] = {
            { .status = rows[i].status,
              .body = "{\"errors\":[{\"code\":\"NAME_INVALID\",\"message\":\"bad name\"}]}" }
        };
        FERRY_OWNED_REPLY reply = { .status = 0 };

        SCRIPT(steps);
        CHECK_OK(get("a", "x", &reply));
        CHECK_CODE(ferry_reply_fail(&reply, &err), rows[i].code);
        assert_non_null(strstr(err.msg, rows[i].says));
        assert_non_null(strstr(err.msg, registry));
    }
}

/* --- uploads -------------------------------------------------------------------------------- */

static char upload[2 << 20];

static struct ferry_source *upload_source(void)
{
    struct ferry_source *source;

    for (size_t i = 0; i < sizeof(upload); i++)
        upload[i] = (char)(i * 13 + i / 555);
    CHECK_OK(ferry_source_memory(upload, sizeof(upload), &source, &err));
    return source;
}

static void check_uploaded(size_t request)
{
    assert_int_equal(stub_request(stub, request).body_len, sizeof(upload));
    assert_memory_equal(stub_request(stub, request).body, upload, sizeof(upload));
}

static void test_session_upload(void **state)
{
    const struct stub_step steps[] = { { .method = "PUT", .status = 201 } };
    FERRY_OWNED(ferry_source) body = upload_source();
    FERRY_OWNED_REPLY reply = { .status = 0 };

    (void)state;
    open_session();
    SCRIPT(steps);
    CHECK_OK(put(body, false, &reply));
    assert_int_equal(reply.status, 201);
    check_uploaded(0);
}

static void test_session_upload_refused_early(void **state)
{
    const struct stub_step steps[] = {
        { .method = "PUT", .expect = BASIC_USER_PASS, .status = 201 },
        { .method = "PUT",
          .status = 401,
          .headers = "WWW-Authenticate: Basic realm=\"r\"\r\n",
          .action = STUB_EARLY },
    };
    FERRY_OWNED(ferry_source) body = upload_source();
    FERRY_OWNED_REPLY reply = { .status = 0 };

    (void)state;
    options.creds = "user:pass";
    open_session();
    SCRIPT(steps);
    CHECK_OK(put(body, true, &reply));
    assert_int_equal(reply.status, 201);
    check_uploaded(1);
}

static void test_session_upload_too_large(void **state)
{
    const struct stub_step steps[] = { { .method = "PUT", .status = 413, .action = STUB_EARLY } };
    FERRY_OWNED(ferry_source) body = upload_source();
    FERRY_OWNED_REPLY reply = { .status = 0 };

    (void)state;
    open_session();
    SCRIPT(steps);
    CHECK_OK(put(body, true, &reply));
    assert_int_equal(reply.status, 413);
}

static void test_session_upload_rewound(void **state)
{
    const struct stub_step steps[] = {
        { .method = "PUT", .status = 503, .headers = "Retry-After: 0\r\n" },
        { .method = "PUT", .action = STUB_CLOSE },
        { .method = "PUT", .status = 201 },
    };
    FERRY_OWNED(ferry_source) body = upload_source();
    FERRY_OWNED_REPLY reply = { .status = 0 };

    (void)state;
    open_session();
    SCRIPT(steps);
    CHECK_OK(put(body, false, &reply));
    assert_int_equal(reply.status, 201);
    check_uploaded(2);
}

static void test_session_upload_once(void **state)
{
    const struct stub_step steps[] = { { .method = "PUT", .action = STUB_CLOSE },
                                       { .method = "PUT", .status = 201 } };
    FERRY_OWNED(ferry_source) body = upload_source();
    FERRY_OWNED_REPLY reply = { .status = 0 };

    (void)state;
    open_session();
    SCRIPT(steps);
    CHECK_CODE(put(body, true, &reply), FERRY_ENET);
    assert_int_equal(stub_count(stub), 1);
}

static void test_session_upload_redirected(void **state)
{
    const struct stub_step steps[] = {
        { .method = "PUT",
          .expect = BASIC_USER_PASS,
          .status = 307,
          .headers = redirect(stub_port(other), "/put") },
        { .status = 401, .headers = "WWW-Authenticate: Basic realm=\"r\"\r\n" },
    };
    const struct stub_step store[] = { { .method = "PUT", .status = 201 } };
    FERRY_OWNED(ferry_source) body = upload_source();
    FERRY_OWNED_REPLY reply = { .status = 0 };

    (void)state;
    options.creds = "user:pass";
    open_session();
    SCRIPT(steps);
    stub_script(other, store, 1);
    CHECK_OK(put(body, false, &reply));
    assert_int_equal(reply.status, 201);
    assert_string_equal(stub_request(other, 0).authorization, "");
    assert_int_equal(stub_request(other, 0).body_len, sizeof(upload));
    assert_memory_equal(stub_request(other, 0).body, upload, sizeof(upload));
}

/* The bytes are not what their digest says: the request must not complete. */
static void test_session_upload_of_a_failing_source(void **state)
{
    const struct stub_step steps[] = { { .method = "PUT", .status = 201, .times = -1 } };
    FERRY_OWNED(ferry_source) plain = upload_source();
    FERRY_OWNED(ferry_source) checked = NULL;
    FERRY_OWNED_REPLY reply = { .status = 0 };
    struct ferry_digest digest;

    (void)state;
    CHECK_OK(ferry_digest_parse(SHA_HELLO, &digest, &err));
    CHECK_OK(ferry_verify_new(&plain, &digest, sizeof(upload), &checked, &err));
    open_session();
    SCRIPT(steps);
    CHECK_CODE(put(checked, false, &reply), FERRY_EDIGEST);
    assert_non_null(strstr(err.msg, SHA_HELLO));
    assert_int_equal(stub_count(stub), 0); /* none was complete */
    assert_int_equal(notes, 0);
}

/* --- the rest ------------------------------------------------------------------------------- */

/* Reads the request, and waits for more of it for ever. */
#define SILENT .action = STUB_BREAK, .cut = 1000000

/* A GET or PUT that must fail within [low, high) ms for the server's silence. */
static void check_stall(struct ferry_source *body, int64_t settles, int64_t low, int64_t high)
{
    const struct ferry_call call = { .registry = registry,
                                     .repository = "a",
                                     .method = body ? "PUT" : "GET",
                                     .path = "x",
                                     .body = body,
                                     .body_size = body ? ferry_source_size(body) : 0,
                                     .settles = settles };
    FERRY_OWNED_REPLY reply = { .status = 0 };
    int64_t before = ferry_now_ms();

    CHECK_CODE(ferry_session_call(session, &call, &reply, &err), FERRY_ESTALL);
    assert_in_range(ferry_now_ms() - before, low, high);
    assert_non_null(strstr(err.msg, registry));
    assert_non_null(strstr(err.msg, "no reply in"));
    assert_non_null(strstr(err.msg, "--timeout"));
}

/* Who never answers is asked once; who has to move what it was sent has more time. */
static void test_session_silence(void **state)
{
    const struct stub_step steps[] = { { SILENT, .times = -1 } };
    FERRY_OWNED(ferry_source) body = NULL;

    (void)state;
    options.stall_seconds = 1;
    open_session();
    SCRIPT(steps);
    check_stall(NULL, 0, 900, 1900);
    CHECK_OK(ferry_source_memory("hello", 5, &body, &err));
    check_stall(body, (int64_t)4 << 20, 1900, 2900);
    assert_int_equal(notes, 0);
}

/* Of a connection that was used before nobody knows whether it is still one. */
static void test_session_silence_of_a_used_connection(void **state)
{
    const struct stub_step once[] = { { .body = "first" },
                                      { SILENT },
                                      { .body = "second", .times = -1 } };
    const struct stub_step for_ever[] = { { .body = "first" }, { SILENT, .times = -1 } };

    (void)state;
    options.stall_seconds = 1;
    open_session();
    SCRIPT(once);
    check_get(200, "first");
    check_get(200, "second");
    SCRIPT(for_ever);
    check_get(200, "first");
    check_stall(NULL, 0, 1900, 2900);
}

/* What goes through a proxy has its own limit: the stub is the proxy, and the registry no host. */
static void test_session_silence_behind_a_proxy(void **state)
{
    const struct stub_step steps[] = { { SILENT, .times = -1 } };

    (void)state;
    open_session();
    session->http_options.stall_seconds = 1;
    session->http_options.proxied_stall_seconds = 2;
    SCRIPT(steps);
    check_stall(NULL, 0, 900, 1900);
    setenv("http_proxy", registry, 1);
    snprintf(registry, sizeof(registry), "registry.test");
    check_stall(NULL, 0, 1900, 2900);
    unsetenv("http_proxy");
}

static void test_session_silence_in_the_body(void **state)
{
    const struct stub_step steps[] = { { .headers = "X: ", .action = STUB_STALL, .times = -1 } };
    FERRY_OWNED_REPLY reply = { .status = 0 };
    int64_t before = ferry_now_ms();

    (void)state;
    options.stall_seconds = 1;
    open_session();
    SCRIPT(steps);
    /* "X: Content-Length: 0" swallowed the length: the reply has no end but the connection's */
    CHECK_OK(get("a", "x", &reply));
    CHECK_CODE(ferry_source_drain(reply.body, &err), FERRY_ESTALL);
    assert_non_null(strstr(err.msg, "less than 1024 bytes after the first 0 in 1 s"));
    assert_in_range(ferry_now_ms() - before, 900, 1900);
}

/* A caller that is slow to read is not a server that stalls. */
static void test_session_slow_reader(void **state)
{
    static char big[1 << 20];
    const struct stub_step steps[] = { { .body = big, .body_len = sizeof(big) } };
    FERRY_OWNED_REPLY reply = { .status = 0 };

    (void)state;
    options.stall_seconds = 1;
    open_session();
    SCRIPT(steps);
    CHECK_OK(get("a", "x", &reply));
    nap(1500);
    CHECK_OK(ferry_source_drain(reply.body, &err));
}

static void test_session_loopback_without_tls(void **state)
{
    const struct stub_step steps[] = { { .body = "ok", .times = -1 } };

    (void)state;
    options.plain_http = NULL;
    open_session();
    SCRIPT(steps);
    check_get(200, "ok");
    check_get(200, "ok");
    assert_int_equal(stub_request(stub, 1).connection, 1); /* the first was a TLS hello */
}

static void test_session_loopback_where_tls_is_asked_for(void **state)
{
    const struct stub_step steps[] = { { .body = "ok", .times = -1 } };
    FERRY_OWNED_REPLY reply = { .status = 0 };

    (void)state;
    options.plain_http = NULL;
    options.insecure = everywhere;
    open_session();
    SCRIPT(steps);
    CHECK_CODE(get("a", "x", &reply), FERRY_ENET);
    assert_int_equal(stub_count(stub), 0);
}

static void test_session_cacert_must_be_pem(void **state)
{
    (void)state;
    options.cacert = "/dev/null";
    CHECK_CODE(ferry_session_new(&options, &session, &err), FERRY_EUSAGE);
    options.cacert = "/nowhere.pem";
    CHECK_CODE(ferry_session_new(&options, &session, &err), FERRY_EUSAGE);
    assert_non_null(strstr(err.msg, "/nowhere.pem"));
}

static void *ask_often(void *failed)
{
    for (int i = 0; i < 75; i++) {
        const struct ferry_call call = {
            .registry = registry, .repository = "a", .method = "GET", .path = "blobs/x"
        };
        FERRY_OWNED_REPLY reply = { .status = 0 };
        struct ferry_err mine;

        if (ferry_session_call(session, &call, &reply, &mine) < 0 || reply.status != 200 ||
            ferry_source_drain(reply.body, &mine) < 0)
            *(const char **)failed = "a call failed";
    }
    return NULL;
}

static void test_session_threads(void **state)
{
    const struct stub_step steps[] = {
        { .path = "/token", .body = "{\"token\":\"T\",\"expires_in\":300}", .times = -1 },
        { .path = "/v2/", .expect = "Bearer T", .body = "some bytes", .times = -1 },
        { .path = "/v2/", .status = 401, .headers = bearer(stub_port(stub), NULL), .times = -1 },
    };
    const char *failed[8] = { NULL };
    pthread_t threads[FERRY_COUNT(failed)];
    int64_t before = ferry_now_ms();

    (void)state;
    open_session();
    SCRIPT(steps);
    for (size_t i = 0; i < FERRY_COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &failed[i]), 0);
    for (size_t i = 0; i < FERRY_COUNT(threads); i++) {
        pthread_join(threads[i], NULL);
        assert_null(failed[i]);
    }
    assert_int_equal(stub_count_path(stub, "/token"), 1); /* the others waited for it */
    print_message("600 requests over 8 threads: %d ms\n", (int)(ferry_now_ms() - before));
}

static void *cancel_soon(void *unused)
{
    nap(100);
    ferry_cancel();
    return unused;
}

/* The last one: nothing works after it. */
static void test_session_cancel(void **state)
{
    const struct stub_step steps[] = {
        { .status = 503, .headers = "Retry-After: 60\r\n", .times = -1 }
    };
    FERRY_OWNED_REPLY reply = { .status = 0 };
    int64_t before = ferry_now_ms();
    pthread_t thread;

    (void)state;
    open_session();
    SCRIPT(steps);
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, NULL), 0);
    CHECK_CODE(get("a", "x", &reply), FERRY_ECANCEL);
    assert_true(ferry_now_ms() - before < 1000);
    pthread_join(thread, NULL);
    CHECK_CODE(get("a", "x", &reply), FERRY_ECANCEL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_session_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(basic),
        TEST(basic_refused),
        TEST(no_credentials),
        TEST(bearer),
        TEST(bearer_anonymous),
        TEST(token_renewed_before_it_expires),
        TEST(token_revoked_in_the_run),
        TEST(token_that_never_suffices),
        TEST(identity_token),
        TEST(token_service_faults),
        TEST(token_limit),
        TEST(realm_elsewhere),
        TEST(token_redirect_elsewhere),
        TEST(mount_scope),
        TEST(one_scope_at_a_time),
        TEST(asks_half_way),
        TEST(redirect_carries_no_credentials),
        TEST(redirect_at_home_carries_them),
        TEST(challenge_elsewhere_gets_nothing),
        TEST(redirect_that_expires),
        TEST(redirect_that_is_refused),
        TEST(forbidden_at_home),
        TEST(foreign_url),
        TEST(redirect_loop),
        TEST(location),
        TEST(origins),
        TEST(status_retried),
        TEST(status_after_all_retries),
        TEST(closed_before_the_reply),
        TEST(idle_connection_closed),
        TEST(refused),
        TEST(refused_later),
        TEST(retry_after),
        TEST(retry_after_is_waited_for),
        TEST(body_cut),
        TEST(body_every_read_size),
        TEST(reply_left_unread),
        TEST(content_encoding),
        TEST(header_limit),
        TEST(reply_headers),
        TEST(head),
        TEST(reply_fail),
        TEST(upload),
        TEST(upload_refused_early),
        TEST(upload_too_large),
        TEST(upload_rewound),
        TEST(upload_once),
        TEST(upload_redirected),
        TEST(upload_of_a_failing_source),
        TEST(silence),
        TEST(silence_of_a_used_connection),
        TEST(silence_in_the_body),
        TEST(silence_behind_a_proxy),
        TEST(slow_reader),
        TEST(loopback_without_tls),
        TEST(loopback_where_tls_is_asked_for),
        TEST(cacert_must_be_pem),
        TEST(threads),
        TEST(cancel),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
