#include "export/select.h"

#include <string.h>

#include "tests/support/check.h"
#include "tests/support/sample.h"
#include "tests/support/stub_registry.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define FILE_NAME "list.txt"

static const char *const everywhere[] = { "", NULL };

/* Two repositories, a and b; all that may be asked for, and how often. */
static const struct stub_step script[] = {
    { .path = "/v2/a/tags/list",
      .body = "{\"tags\":[\"2.0\",\"1.9\",\"1.10\",\"latest\",\"sha256-" HEX ".sig\",\"sha256-" HEX
              "\"]}" },
    { .path = "/v2/b/tags/list", .body = "{\"tags\":[\"x\"]}" },
    { .path = "/v2/empty/tags/list", .body = "{\"tags\":null}" },
};

/* Of the test that runs. */
static struct stub_registry *stub;
static struct ferry_session *session;
static const char *host;
static struct ferry_failures stop; /* at the first */
static struct ferry_err err;

static int setup(void **state)
{
    const struct ferry_session_options options = { .plain_http = everywhere,
                                                   .authfile = "/dev/null" };

    (void)state;
    err = (struct ferry_err){ 0 };
    stub = stub_start();
    stub_script(stub, script, FERRY_COUNT(script));
    host = sample_format("127.0.0.1:%d/", stub_port(stub));
    CHECK_OK(ferry_session_new(&options, &session, &err));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ferry_session_free(ferry_steal(&session));
    stub_stop(ferry_steal(&stub));
    sample_forget();
    return 0;
}

/* The references, without their host, as one text. */
static int select_all(const struct ferry_selections *list, struct ferry_failures *failures,
                      const char **out)
{
    FERRY_OWNED_REFERENCES refs = { 0 };
    const char *text = "";
    int rc = ferry_select(session, list, 2, failures, &refs, &err);

    for (size_t i = 0; i < refs.count; i++) {
        char name[FERRY_REFERENCE_TEXT_MAX];

        ferry_reference_format(&refs.items[i], name);
        text = sample_format("%s%s%s", text, i ? " " : "", strchr(name, '/') + 1);
    }
    *out = text;
    return rc;
}

/* Names at the stub's host, up to a NULL. */
static int select_names(const char *const *names, struct ferry_failures *failures, const char **out)
{
    struct ferry_selections list = { 0 };
    int rc = 0;

    for (; rc == 0 && *names; names++)
        rc = ferry_selections_add(&list, sample_format("%s%s", host, *names), NULL, &err);
    if (rc == 0)
        rc = select_all(&list, failures, out);
    ferry_selections_release(&list);
    return rc;
}

static void test_select_expands(void **state)
{
    static const struct {
        const char *name, *names[5], *want;
        size_t requests;
    } rows[] = {
        { "no_glob", { "a:1", "b" }, "a:1 b:latest", 0 },
        { "order_of_bytes", { "a:1.*" }, "a:1.10 a:1.9", 1 },
        { "all", { "a:*" }, "a:1.10 a:1.9 a:2.0 a:latest", 1 },
        { "one_character", { "a:?.?" }, "a:1.9 a:2.0", 1 },
        { "sets", { "a:[!1]*" }, "a:2.0 a:latest", 1 },
        { "as_named", { "b:*", "a:2*", "c:1" }, "b:x a:2.0 c:1", 2 },
        { "listed_once", { "a:2*", "b:x", "a:1*" }, "a:2.0 b:x a:1.10 a:1.9", 1 },
        { "each_once", { "a:1.9", "a:1.*", "a:*", "a:1.9" }, "a:1.9 a:1.10 a:2.0 a:latest", 1 },
        { "companion_by_name", { "a:sha256-" HEX ".sig" }, "a:sha256-" HEX ".sig", 0 },
        { "digest_is_another_name",
          { "a:1", "a:1@sha256:" HEX, "a@sha256:" HEX },
          "a:1 a:1@sha256:" HEX " a@sha256:" HEX,
          0 },
    };

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        const char *text;

        stub_script(stub, script, FERRY_COUNT(script));
        CHECK_OK(select_names(rows[i].names, &stop, &text));
        CHECK_ROW(rows[i].name, strcmp(text, rows[i].want) == 0);
        CHECK_ROW(rows[i].name, stub_count(stub) == rows[i].requests);
    }
}

static void test_select_nothing_matches(void **state)
{
    static const char *const none[] = { "a:3*", NULL }, *const empty[] = { "empty:*", NULL },
                             *const companions[] = { "a:sha256-*", NULL };
    const char *text;

    (void)state;
    CHECK_CODE(select_names(none, &stop, &text), FERRY_ENOTFOUND);
    assert_string_equal(err.msg, sample_format("%sa:3*: matches none of its 4 tags "
                                               "(1.10, 1.9, 2.0, latest)",
                                               host));
    CHECK_CODE(select_names(empty, &stop, &text), FERRY_ENOTFOUND);
    assert_string_equal(err.msg, sample_format("%sempty:*: matches none of its 0 tags", host));
    stub_script(stub, script, FERRY_COUNT(script));
    CHECK_CODE(select_names(companions, &stop, &text), FERRY_ENOTFOUND);
}

/* Lines as `oc image mirror -f` takes them. */
static void test_select_file(void **state)
{
    struct ferry_selections list = { 0 };
    const char *lines = sample_format("# mirror\n%sb registry.internal/b\n"
                                      "%sa file://a # DST is not looked at\n"
                                      "%sc registry.internal/c:1\n%sd\n"
                                      "%sb:y=r.io/b:1 %sb:z=s3://s3/x/y\n",
                                      host, host, host, host, host, host);
    const char *text;

    (void)state;
    sample_write(FILE_NAME, lines, strlen(lines));
    CHECK_OK(ferry_selections_add_file(&list, FILE_NAME, &err));
    CHECK_OK(select_all(&list, &stop, &text));
    assert_string_equal(text, "b:x a:1.10 a:1.9 a:2.0 a:latest c:latest d:latest b:y b:z");
    ferry_selections_release(&list);
}

static void test_select_says_where(void **state)
{
    static const struct {
        const char *line, *says;
    } rows[] = {
        { "file://openshift/release:4* r.io/x", FILE_NAME ": line 2: \"file://openshift/release" },
        { "s3://s3/us-east-1/x/y:1 r.io/x:1", "file:// and s3:// cannot be read" },
        { "No/Name:1", FILE_NAME ": line 2: \"No/Name:1\"" },
        { "q.io/a:1*@sha256:" HEX, FILE_NAME ": line 2: " },
        { "q.io/a:1=b=c", FILE_NAME ": line 2: " },
    };
    struct ferry_selections list = { 0 };
    const char *lines = sample_format("%sa:2*\n%sa:3*\n", host, host), *text;

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        const char *bad = sample_format("q.io/a:1\n%s\n", rows[i].line);

        sample_write(FILE_NAME, bad, strlen(bad));
        CHECK_CODE(ferry_selections_add_file(&list, FILE_NAME, &err), FERRY_EUSAGE);
        CHECK_ROW(rows[i].line, strstr(err.msg, rows[i].says) != NULL);
        ferry_selections_release(&list);
    }
    sample_write(FILE_NAME, lines, strlen(lines));
    CHECK_OK(ferry_selections_add_file(&list, FILE_NAME, &err));
    CHECK_CODE(select_all(&list, &stop, &text), FERRY_ENOTFOUND);
    assert_ptr_equal(strstr(err.msg, FILE_NAME ": line 2: 127."), err.msg);
    ferry_selections_release(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_select_expands, setup, teardown),
        cmocka_unit_test_setup_teardown(test_select_nothing_matches, setup, teardown),
        cmocka_unit_test_setup_teardown(test_select_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_select_says_where, setup, teardown),
    };

    return cmocka_run_group_tests_name("select", tests, sample_enter_folder, sample_leave_folder);
}
