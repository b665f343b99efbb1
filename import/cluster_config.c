#include "import/cluster_config.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define NAME_DIGITS 12 /* of the digest in an object's name */

static const struct {
    const char *name;
    bool serves_tags;
    const char *api, *object, *list; /* of OpenShift's objects; else NULL */
} kinds[] = {
    [FERRY_CONFIG_IDMS] = { "idms", false, "config.openshift.io/v1", "ImageDigestMirrorSet",
                            "imageDigestMirrors" },
    [FERRY_CONFIG_ITMS] = { "itms", true, "config.openshift.io/v1", "ImageTagMirrorSet",
                            "imageTagMirrors" },
    [FERRY_CONFIG_ICSP] = { "icsp", false, "operator.openshift.io/v1alpha1",
                            "ImageContentSourcePolicy", "repositoryDigestMirrors" },
    [FERRY_CONFIG_REGISTRIES_CONF] = { .name = "registries.conf", .serves_tags = true },
    [FERRY_CONFIG_HOSTS_TOML] = { .name = "hosts.toml", .serves_tags = true },
};

int ferry_config_parse(const char *text, enum ferry_config_kind *kind, const char **path,
                       struct ferry_err *err)
{
    size_t len = strcspn(text, "=");

    for (size_t i = 0; i < FERRY_COUNT(kinds); i++) {
        if (strlen(kinds[i].name) != len || strncmp(text, kinds[i].name, len) != 0)
            continue;
        if (text[len] != '=' || text[len + 1] == '\0')
            break;
        *kind = (enum ferry_config_kind)i;
        *path = text + len + 1;
        return 0;
    }
    return ferry_fail(err, FERRY_EUSAGE,
                      "--write-config %s: expected KIND=FILE, KIND being idms, itms, icsp, "
                      "registries.conf or hosts.toml",
                      text);
}

bool ferry_config_serves_tags(enum ferry_config_kind kind)
{
    return kinds[kind].serves_tags;
}

/* What the schemas of OpenShift's objects take as a host: no brackets, no underscores, and parts
 * between dots that begin and end with a letter or digit. */
static int check_host(const char *object, const char *name, struct ferry_err *err)
{
    size_t len = strcspn(name, ":/");
    char before = '.';

    for (size_t i = 0; i < len; before = name[i++])
        if (!isalnum((unsigned char)name[i]) && !(name[i] == '-' && before != '.') &&
            !(name[i] == '.' && isalnum((unsigned char)before)))
            return ferry_fail(err, FERRY_EUSAGE,
                              "%s: an %s cannot name it: its host may only hold letters, digits, "
                              "hyphens and dots between them",
                              name, object);
    return 0;
}

/* "ociferry-<beginning of a digest>", the same for the same rules. */
static int object_name(const struct ferry_mirrors *rules, char out[], size_t room,
                       struct ferry_err *err)
{
    FERRY_OWNED(ferry_hash) hash = NULL;
    struct ferry_digest digest;

    FERRY_TRY(ferry_hash_new(FERRY_SHA256, &hash, err));
    for (size_t i = 0; i < rules->count; i++) {
        const struct ferry_mirror *rule = &rules->items[i];

        FERRY_TRY(ferry_hash_update(hash, rule->source, strlen(rule->source) + 1, err));
        FERRY_TRY(ferry_hash_update(hash, rule->mirror, strlen(rule->mirror) + 1, err));
    }
    FERRY_TRY(ferry_hash_final(hash, &digest, err));
    snprintf(out, room, "ociferry-%.*s", NAME_DIGITS, ferry_digest_hex(&digest));
    return 0;
}

static bool begins_source(const struct ferry_mirrors *rules, size_t i)
{
    return i == 0 || strcmp(rules->items[i - 1].source, rules->items[i].source) != 0;
}

/* Names are of letters, digits and ".-_:/[]": in double quotes they are themselves, in YAML and in
 * TOML. */
static int format_mirror_set(enum ferry_config_kind kind, const struct ferry_mirrors *rules,
                             struct ferry_buf *out, struct ferry_err *err)
{
    char name[32];

    FERRY_TRY(object_name(rules, name, sizeof(name), err));
    FERRY_TRY(ferry_buf_print(
        out, err, "---\napiVersion: %s\nkind: %s\nmetadata:\n  name: %s\nspec:\n  %s:\n",
        kinds[kind].api, kinds[kind].object, name, kinds[kind].list));
    for (size_t i = 0; i < rules->count; i++) {
        const struct ferry_mirror *rule = &rules->items[i];

        FERRY_TRY(check_host(kinds[kind].object, rule->source, err));
        FERRY_TRY(check_host(kinds[kind].object, rule->mirror, err));
        if (begins_source(rules, i))
            FERRY_TRY(
                ferry_buf_print(out, err, "  - source: \"%s\"\n    mirrors:\n", rule->source));
        FERRY_TRY(ferry_buf_print(out, err, "    - \"%s\"\n", rule->mirror));
    }
    return 0;
}

static int format_registries(const struct ferry_mirrors *rules, enum ferry_transport transport,
                             struct ferry_buf *out, struct ferry_err *err)
{
    const char *insecure = transport == FERRY_TRANSPORT_TLS ? "" : "insecure = true\n";

    for (size_t i = 0; i < rules->count; i++) {
        const struct ferry_mirror *rule = &rules->items[i];

        if (begins_source(rules, i))
            FERRY_TRY(ferry_buf_print(out, err,
                                      "%s[[registry]]\nprefix = \"%s\"\nlocation = \"%s\"\n",
                                      i ? "\n" : "", rule->source, rule->source));
        FERRY_TRY(ferry_buf_print(out, err, "\n[[registry.mirror]]\nlocation = \"%s\"\n%s",
                                  rule->mirror, insecure));
    }
    return 0;
}

/* `server` is left out: containerd asks the registry itself after the mirror, and knows its
 * address. With a path in its URL the mirror's API root has to be said. */
static int format_hosts(const struct ferry_mirror *rule, enum ferry_transport transport,
                        struct ferry_buf *out, struct ferry_err *err)
{
    size_t host = strcspn(rule->mirror, "/");
    const char *path = rule->mirror + host;
    bool is_hub = strncmp(rule->mirror, "docker.io/", 10) == 0; /* its API is elsewhere */

    return ferry_buf_print(
        out, err, "[host.\"%s://%s%.*s%s%s\"]\n  capabilities = [\"pull\", \"resolve\"]\n%s%s",
        transport == FERRY_TRANSPORT_PLAIN ? "http" : "https", is_hub ? "registry-1." : "",
        (int)host, rule->mirror, *path ? "/v2" : "", path, *path ? "  override_path = true\n" : "",
        transport == FERRY_TRANSPORT_UNCHECKED ? "  skip_verify = true\n" : "");
}

int ferry_config_format(enum ferry_config_kind kind, const struct ferry_mirrors *rules,
                        enum ferry_transport transport, struct ferry_buf *out,
                        struct ferry_err *err)
{
    switch (kind) {
    case FERRY_CONFIG_IDMS:
    case FERRY_CONFIG_ITMS:
    case FERRY_CONFIG_ICSP:
        return format_mirror_set(kind, rules, out, err);
    case FERRY_CONFIG_REGISTRIES_CONF:
        return format_registries(rules, transport, out, err);
    case FERRY_CONFIG_HOSTS_TOML:
        return format_hosts(&rules->items[0], transport, out, err);
    }
    return 0;
}
