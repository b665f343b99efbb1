#include "import/map_rules.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "import/path_rules.h"

/* A colon behind the first slash begins a tag, and an '@' a digest. */
static bool names_repositories(const char *rule, const char *end)
{
    const char *slash = memchr(rule, '/', (size_t)(end - rule));

    return !memchr(rule, '@', (size_t)(end - rule)) &&
           !(slash && memchr(slash, ':', (size_t)(end - slash)));
}

int ferry_map_rules_check(const struct import_opts *opts, struct ferry_err *err)
{
    for (size_t i = 0; i < opts->maps.count; i++) {
        const char *rule = opts->maps.items[i], *equals = strchr(rule, '=');

        if (!equals || equals == rule)
            return ferry_fail(err, FERRY_EUSAGE, "--map %s: expected SRC=DST", rule);
        if (equals[-1] == '/' || !names_repositories(rule, equals))
            return ferry_fail(err, FERRY_EUSAGE,
                              "--map %s: SRC is a registry, a repository or the beginning of one, "
                              "without a slash at its end and without a tag",
                              rule);
    }
    return 0;
}

/* The repository below DEST's prefix. */
static int set_repository(const struct import_opts *opts, const struct ferry_image *image,
                          const char *path, struct ferry_reference *ref, struct ferry_err *err)
{
    const char *prefix = opts->destination.repository;
    FERRY_OWNED_MEM char *repository = NULL;

    FERRY_TRY(
        ferry_text(&repository, err, "%s%s%s", prefix, prefix[0] && path[0] ? "/" : "", path));
    ferry_path_flatten(repository, opts->max_depth);
    if (strlen(repository) >= sizeof(ref->repository))
        return ferry_fail(err, FERRY_EUSAGE,
                          "%s: \"%.100s...\" is longer than the %zu bytes of a repository: map it "
                          "elsewhere with --map",
                          image->name, repository, sizeof(ref->repository) - 1);
    if (!ferry_repository_valid(repository))
        return ferry_fail(err, FERRY_EUSAGE,
                          "%s: \"%s\" is not a repository (lower-case letters, digits and single "
                          "separators . _ - / between them): map it elsewhere with --map",
                          image->name, repository);
    memcpy(ref->repository, repository, strlen(repository) + 1);
    return 0;
}

/* "registry/repository" of an image; "" for one that has no repository. */
static void base_name(const struct ferry_image *image, char out[FERRY_REFERENCE_TEXT_MAX])
{
    snprintf(out, FERRY_REFERENCE_TEXT_MAX, "%s%s%s", image->ref.registry,
             image->ref.registry[0] ? "/" : "", image->ref.repository);
}

/* A registry as a component of a path: no port's colon, no upper case. */
static void registry_component(const char *registry, char out[FERRY_REGISTRY_MAX])
{
    size_t n = 0;

    for (const char *p = registry; *p; p++)
        if (*p != '[' && *p != ']')
            out[n++] = *p == ':' ? '-' : (char)tolower((unsigned char)*p);
    out[n] = '\0';
}

/* How much of `name` the SRC of a rule covers; 0 for none. SRC may leave out what short names do.
 */
static size_t covered(const char *rule, const char *name)
{
    static const char *const left_out[] = { "", "docker.io/", "docker.io/library/" };
    size_t len = strcspn(rule, "=");

    for (size_t i = 0; i < FERRY_COUNT(left_out); i++) {
        size_t before = strlen(left_out[i]);

        if (strncmp(name, left_out[i], before) == 0 && strncmp(name + before, rule, len) == 0 &&
            (name[before + len] == '\0' || name[before + len] == '/'))
            return before + len;
    }
    return 0;
}

/* The --map whose SRC covers most of the name; NULL for none. */
static const char *find_rule(const struct import_opts *opts, const char *name, size_t *source_len)
{
    const char *found = NULL;

    *source_len = 0;
    for (size_t i = 0; i < opts->maps.count; i++) {
        const char *rule = opts->maps.items[i];
        size_t len = covered(rule, name);

        if (len > *source_len) {
            found = rule;
            *source_len = len;
        }
    }
    return found;
}

int ferry_map_rules_find(const struct import_opts *opts, const struct ferry_image *image,
                         struct ferry_reference *ref, const char **rule, struct ferry_err *err)
{
    char name[FERRY_REFERENCE_TEXT_MAX], path[2 * FERRY_REFERENCE_TEXT_MAX];
    char registry[FERRY_REGISTRY_MAX];
    const char *rest;
    size_t source_len;

    base_name(image, name);
    *rule = find_rule(opts, name, &source_len);
    registry_component(image->ref.registry, registry);
    if (*rule) {
        const char *below = strchr(*rule, '=') + 1;

        rest = name + source_len;
        snprintf(path, sizeof(path), "%s%s", below,
                 below[0] == '\0' && rest[0] == '/' ? rest + 1 : rest);
    } else {
        snprintf(path, sizeof(path), "%s%s%s", opts->keep_registry ? registry : "",
                 opts->keep_registry && registry[0] ? "/" : "", image->ref.repository);
    }
    if (!path[0] && !opts->destination.repository[0])
        return ferry_fail(err, FERRY_EUSAGE,
                          "%s has no repository in its name: give one, as in %s/REPOSITORY",
                          image->name, opts->destination.registry);
    return set_repository(opts, image, path, ref, err);
}
