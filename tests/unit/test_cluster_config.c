#include "import/cluster_config.h"

#include <string.h>

#include "tests/support/check.h"
#include "tests/support/sample.h"

static struct ferry_mirror rules[] = {
    { (char *)"docker.io/library", (char *)"registry.internal:5000/mirror/library" },
    { (char *)"quay.io/prometheus/prometheus", (char *)"registry.internal:5000/metrics" },
    { (char *)"quay.io/prometheus/prometheus", (char *)"registry.internal:5000/spare" },
};
static const struct ferry_mirrors all = { .items = rules, .count = 3 };
static struct ferry_mirror host = { (char *)"quay.io", (char *)"registry.internal:5000" };
static struct ferry_mirror host_hub = { (char *)"quay.io", (char *)"docker.io/me" };
static struct ferry_mirror host_path = { (char *)"quay.io", (char *)"registry.internal/a/b" };

#define NAME "ociferry-37a9affa5d4c"
#define SET(api, kind, list)                                                                       \
    "---\napiVersion: " api "\nkind: " kind "\nmetadata:\n  name: " NAME "\nspec:\n  " list ":\n"  \
    "  - source: \"docker.io/library\"\n    mirrors:\n"                                            \
    "    - \"registry.internal:5000/mirror/library\"\n"                                            \
    "  - source: \"quay.io/prometheus/prometheus\"\n    mirrors:\n"                                \
    "    - \"registry.internal:5000/metrics\"\n    - \"registry.internal:5000/spare\"\n"
#define REGISTRIES(insecure)                                                                       \
    "[[registry]]\nprefix = \"docker.io/library\"\nlocation = \"docker.io/library\"\n\n"           \
    "[[registry.mirror]]\nlocation = \"registry.internal:5000/mirror/library\"\n" insecure         \
    "\n[[registry]]\nprefix = \"quay.io/prometheus/prometheus\"\n"                                 \
    "location = \"quay.io/prometheus/prometheus\"\n\n"                                             \
    "[[registry.mirror]]\nlocation = \"registry.internal:5000/metrics\"\n" insecure                \
    "\n[[registry.mirror]]\nlocation = \"registry.internal:5000/spare\"\n" insecure

static const struct {
    const char *name;
    enum ferry_config_kind kind;
    struct ferry_mirrors rules;
    enum ferry_transport transport;
    const char *want;
} rows[] = {
    { "idms",
      FERRY_CONFIG_IDMS,
      { rules, 3, 0 },
      FERRY_TRANSPORT_TLS,
      SET("config.openshift.io/v1", "ImageDigestMirrorSet", "imageDigestMirrors") },
    { "itms",
      FERRY_CONFIG_ITMS,
      { rules, 3, 0 },
      FERRY_TRANSPORT_PLAIN,
      SET("config.openshift.io/v1", "ImageTagMirrorSet", "imageTagMirrors") },
    { "icsp",
      FERRY_CONFIG_ICSP,
      { rules, 3, 0 },
      FERRY_TRANSPORT_TLS,
      SET("operator.openshift.io/v1alpha1", "ImageContentSourcePolicy",
          "repositoryDigestMirrors") },
    { "registries",
      FERRY_CONFIG_REGISTRIES_CONF,
      { rules, 3, 0 },
      FERRY_TRANSPORT_TLS,
      REGISTRIES("") },
    { "registries_plain",
      FERRY_CONFIG_REGISTRIES_CONF,
      { rules, 3, 0 },
      FERRY_TRANSPORT_PLAIN,
      REGISTRIES("insecure = true\n") },
    { "registries_unchecked",
      FERRY_CONFIG_REGISTRIES_CONF,
      { rules, 3, 0 },
      FERRY_TRANSPORT_UNCHECKED,
      REGISTRIES("insecure = true\n") },
    { "hosts",
      FERRY_CONFIG_HOSTS_TOML,
      { &host, 1, 0 },
      FERRY_TRANSPORT_TLS,
      "[host.\"https://registry.internal:5000\"]\n  capabilities = [\"pull\", \"resolve\"]\n" },
    { "hosts_plain",
      FERRY_CONFIG_HOSTS_TOML,
      { &host, 1, 0 },
      FERRY_TRANSPORT_PLAIN,
      "[host.\"http://registry.internal:5000\"]\n  capabilities = [\"pull\", \"resolve\"]\n" },
    { "hosts_docker_hub",
      FERRY_CONFIG_HOSTS_TOML,
      { &host_hub, 1, 0 },
      FERRY_TRANSPORT_TLS,
      "[host.\"https://registry-1.docker.io/v2/me\"]\n  capabilities = [\"pull\", \"resolve\"]\n"
      "  override_path = true\n" },
    { "hosts_path",
      FERRY_CONFIG_HOSTS_TOML,
      { &host_path, 1, 0 },
      FERRY_TRANSPORT_UNCHECKED,
      "[host.\"https://registry.internal/v2/a/b\"]\n  capabilities = [\"pull\", \"resolve\"]\n"
      "  override_path = true\n  skip_verify = true\n" },
};

static void test_cluster_config_golden(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        FERRY_OWNED_BUF out;
        struct ferry_err err;

        ferry_buf_init(&out, 10000);
        CHECK_OK(ferry_config_format(rows[i].kind, &rows[i].rules, rows[i].transport, &out, &err));
        if (strcmp((char *)out.data, rows[i].want) != 0)
            fail_msg("row \"%s\":\n%s", rows[i].name, (char *)out.data);
    }
}

/* The same rules have the same name, others another. */
static void test_cluster_config_names(void **state)
{
    struct ferry_mirror others[] = { rules[0], rules[2] };
    const struct ferry_mirrors fewer = { .items = others, .count = 2 };
    FERRY_OWNED_BUF out;
    struct ferry_err err;

    (void)state;
    ferry_buf_init(&out, 10000);
    CHECK_OK(ferry_config_format(FERRY_CONFIG_IDMS, &fewer, FERRY_TRANSPORT_TLS, &out, &err));
    assert_non_null(strstr((char *)out.data, "\n  name: ociferry-"));
    assert_null(strstr((char *)out.data, NAME));
    out.len = 0;
    CHECK_OK(ferry_config_format(FERRY_CONFIG_ICSP, &all, FERRY_TRANSPORT_TLS, &out, &err));
    assert_non_null(strstr((char *)out.data, "\n  name: " NAME "\n"));
}

static const struct {
    const char *name, *source, *mirror;
    bool openshift_takes_it;
} host_rows[] = {
    { "plain", "q.io/a", "r.io/a", true },
    { "port", "q.io:5000/a", "1.2.3.4:443/a", true },
    { "hyphen", "my-quay.io/a", "a--b.io/a", true },
    { "no_path", "q.io/a", "r", true },
    { "underscore", "my_quay.io/a", "r.io/a", false },
    { "underscore_in_the_mirror", "q.io/a", "my_r.io/a", false },
    { "address", "[::1]:5000/a", "r.io/a", false },
    { "two_dots", "q..io/a", "r.io/a", false },
    { "dot_hyphen", "q.-io/a", "r.io/a", false },
    { "hyphen_dot", "q-.io/a", "r.io/a", false },
};

static void test_cluster_config_hosts(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(host_rows); i++) {
        struct ferry_mirror rule = { (char *)host_rows[i].source, (char *)host_rows[i].mirror };
        const struct ferry_mirrors one = { .items = &rule, .count = 1 };
        struct ferry_err err;

        for (int kind = FERRY_CONFIG_IDMS; kind <= FERRY_CONFIG_REGISTRIES_CONF; kind++) {
            FERRY_OWNED_BUF out;
            int rc;

            ferry_buf_init(&out, 10000);
            rc = ferry_config_format((enum ferry_config_kind)kind, &one, FERRY_TRANSPORT_TLS, &out,
                                     &err);
            CHECK_ROW(host_rows[i].name,
                      rc == (host_rows[i].openshift_takes_it || kind == FERRY_CONFIG_REGISTRIES_CONF
                                 ? 0
                                 : FERRY_EUSAGE));
        }
    }
}

static void test_cluster_config_parse(void **state)
{
    static const char *const good[] = { "idms=a", "itms=a=b", "icsp=-", "registries.conf=/x/y",
                                        "hosts.toml=d" };
    static const char *const bad[] = { "",       "=",     "idms",    "idms=",  "=a",
                                       "IDMS=a", "idm=a", "idmss=a", "hosts=a" };
    enum ferry_config_kind kind;
    const char *path;
    struct ferry_err err;

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(good); i++) {
        CHECK_OK(ferry_config_parse(good[i], &kind, &path, &err));
        assert_int_equal(kind, i);
        assert_string_equal(path, strchr(good[i], '=') + 1);
    }
    for (size_t i = 0; i < FERRY_COUNT(bad); i++) {
        CHECK_ROW(bad[i], ferry_config_parse(bad[i], &kind, &path, &err) == FERRY_EUSAGE);
        CHECK_ROW(bad[i], strstr(err.msg, "registries.conf"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cluster_config_golden),
        cmocka_unit_test(test_cluster_config_names),
        cmocka_unit_test(test_cluster_config_hosts),
        cmocka_unit_test(test_cluster_config_parse),
    };

    return cmocka_run_group_tests_name("cluster_config", tests, NULL, NULL);
}
