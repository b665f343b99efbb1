#include "import/mirror_rules.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/check.h"
#include "tests/support/sample.h"

#define OWNED_MIRRORS __attribute__((cleanup(ferry_mirrors_release))) struct ferry_mirrors

/* "SOURCE>MIRROR SOURCE>MIRROR" */
static void parse(const char *text, struct ferry_mirrors *out)
{
    char source[300], mirror[300];
    struct ferry_err err;
    int used;

    for (; sscanf(text, " %299[^>]>%299s%n", source, mirror, &used) == 2; text += used)
        CHECK_OK(ferry_mirrors_add(out, source, mirror, &err));
}

static const char *format(const struct ferry_mirrors *list)
{
    const char *out = "";

    for (size_t i = 0; i < list->count; i++)
        out = sample_format("%s%s%s>%s", out, i ? " " : "", list->items[i].source,
                            list->items[i].mirror);
    return out;
}

static const struct {
    const char *name, *pairs, *rules;
} rows[] = {
    { "nothing", "", "" },
    { "one", "q.io/a/b>r.io/m/a/b", "q.io/a/b>r.io/m/a/b" },
    { "one_component", "q.io/a>r.io/a", "q.io/a>r.io/a" },
    { "shared_namespace", "q.io/a/b>r.io/m/a/b q.io/a/c>r.io/m/a/c", "q.io/a>r.io/m/a" },
    { "longest_shared", "q.io/a/x/b>r.io/a/x/b q.io/a/x/c>r.io/a/x/c", "q.io/a/x>r.io/a/x" },
    { "no_registry_as_a_whole", "q.io/a/b>r.io/m/a/b q.io/c/d>r.io/m/c/d",
      "q.io/a/b>r.io/m/a/b q.io/c/d>r.io/m/c/d" },
    { "prefix_is_the_registry", "q.io/a/b>r.io/b q.io/a/c>r.io/c", "q.io/a>r.io" },
    { "another_name", "q.io/a/b>r.io/x q.io/a/c>r.io/y", "q.io/a/b>r.io/x q.io/a/c>r.io/y" },
    { "joined", "q.io/a/b>r.io/m/a-b q.io/a/c>r.io/m/a-c",
      "q.io/a/b>r.io/m/a-b q.io/a/c>r.io/m/a-c" },
    { "one_exception", "q.io/a/b>r.io/a/b q.io/a/c>r.io/a/c q.io/a/d>r.io/x",
      "q.io/a>r.io/a q.io/a/d>r.io/x" },
    { "an_exception_below", "q.io/a/b>r.io/a/b q.io/a/c>r.io/a/c q.io/a/d/e>r.io/z/e",
      "q.io/a>r.io/a q.io/a/d/e>r.io/z/e" },
    { "exceptions_with_a_rule",
      "q.io/a/b>r.io/a/b q.io/a/c>r.io/a/c q.io/a/d/e>r.io/z/e q.io/a/d/f>r.io/z/f",
      "q.io/a>r.io/a q.io/a/d>r.io/z" },
    { "repository_above_others", "q.io/a>r.io/a q.io/a/b>r.io/a/b q.io/a/c>r.io/z",
      "q.io/a>r.io/a q.io/a/c>r.io/z" },
    { "components_not_letters", "q.io/ab/c>r.io/ab/c q.io/a/c>r.io/a/c q.io/a-b/c>r.io/a-b/c",
      "q.io/a/c>r.io/a/c q.io/a-b/c>r.io/a-b/c q.io/ab/c>r.io/ab/c" },
    { "two_registries", "p.io/a/b>r.io/a/b q.io/a/b>r.io/q/a/b p.io/a/c>r.io/a/c",
      "p.io/a>r.io/a q.io/a/b>r.io/q/a/b" },
    { "the_same_twice", "q.io/a>r.io/a q.io/a>r.io/a", "q.io/a>r.io/a" },
    { "two_mirrors", "q.io/a>r.io/y q.io/a>r.io/x q.io/a>r.io/y", "q.io/a>r.io/y q.io/a>r.io/x" },
    { "two_mirrors_beside_a_rule",
      "q.io/a/b>r.io/a/b q.io/a/c>r.io/a/c q.io/a/d>r.io/1 q.io/a/d>r.io/2",
      "q.io/a>r.io/a q.io/a/d>r.io/1 q.io/a/d>r.io/2" },
    { "mirror_of_itself", "r.io/a/b>r.io/a/b", "r.io/a/b>r.io/a/b" },
};

static void test_mirror_rules_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        OWNED_MIRRORS pairs = { 0 }, rules = { 0 };
        struct ferry_err err;

        parse(rows[i].pairs, &pairs);
        CHECK_OK(ferry_mirror_rules(&pairs, &rules, &err));
        if (strcmp(format(&rules), rows[i].rules) != 0)
            fail_msg("row \"%s\": \"%s\"", rows[i].name, format(&rules));
    }
}

/* --- against every set of rules that there is ------------------------------------------------ */

/* What those who read the rules make of a name. */
static bool leads(const struct ferry_mirror *rules, unsigned chosen, size_t count,
                  const struct ferry_mirror *pair)
{
    const struct ferry_mirror *best = NULL;
    size_t longest = 0, host;

    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(rules[i].source);

        if ((chosen >> i & 1) && len > longest &&
            strncmp(pair->source, rules[i].source, len) == 0 &&
            (pair->source[len] == '/' || pair->source[len] == '\0')) {
            best = &rules[i];
            longest = len;
        }
    }
    if (!best)
        return false;
    host = strlen(best->mirror);
    return strncmp(pair->mirror, best->mirror, host) == 0 &&
           strcmp(pair->mirror + host, pair->source + longest) == 0;
}

static bool leads_all(const struct ferry_mirrors *rules, unsigned chosen,
                      const struct ferry_mirrors *pairs)
{
    for (size_t i = 0; i < pairs->count; i++)
        if (!leads(rules->items, chosen, rules->count, &pairs->items[i]))
            return false;
    return true;
}

/* Every rule that is right for one pair at least, but whole registries. */
static void all_rules(const struct ferry_mirrors *pairs, struct ferry_mirrors *out)
{
    struct ferry_err err;

    for (size_t i = 0; i < pairs->count; i++) {
        char source[100], mirror[100];

        snprintf(source, sizeof(source), "%s", pairs->items[i].source);
        snprintf(mirror, sizeof(mirror), "%s", pairs->items[i].mirror);
        while (strchr(source, '/')) {
            char *s = strrchr(source, '/'), *m = strrchr(mirror, '/');
            bool is_known = false, goes_on = m && strcmp(s, m) == 0;

            for (size_t k = 0; k < out->count; k++)
                is_known = is_known || (strcmp(out->items[k].source, source) == 0 &&
                                        strcmp(out->items[k].mirror, mirror) == 0);
            if (!is_known)
                CHECK_OK(ferry_mirrors_add(out, source, mirror, &err));
            if (!goes_on)
                break;
            *s = *m = '\0';
        }
    }
}

static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 16;
}

/* A few repositories of a small world, each at its path behind one of two prefixes, or elsewhere.
 */
static void random_pairs(unsigned *seed, struct ferry_mirrors *pairs)
{
    size_t wanted = 2 + next_random(seed) % 4;
    struct ferry_err err;

    while (pairs->count < wanted) {
        char path[20], source[40], mirror[40];
        int depth = 1 + (int)(next_random(seed) % 3);
        bool is_new = true;

        path[0] = '\0';
        while (depth-- > 0)
            strcat(path, next_random(seed) % 2 ? "/a" : "/b");
        snprintf(source, sizeof(source), "q%s", path);
        for (size_t i = 0; i < pairs->count; i++)
            is_new = is_new && strcmp(pairs->items[i].source, source) != 0;
        snprintf(mirror, sizeof(mirror), "%s%s", next_random(seed) % 3 ? "r" : "r/a",
                 next_random(seed) % 6 ? path : "/z");
        if (is_new)
            CHECK_OK(ferry_mirrors_add(pairs, source, mirror, &err));
    }
}

static void test_mirror_rules_are_right_and_fewest(void **state)
{
    unsigned seed = 1;

    (void)state;
    for (int run = 0; run < 400; run++) {
        OWNED_MIRRORS pairs = { 0 }, rules = { 0 }, every = { 0 };
        struct ferry_err err;

        random_pairs(&seed, &pairs);
        CHECK_OK(ferry_mirror_rules(&pairs, &rules, &err));
        if (!leads_all(&rules, ~0U, &pairs))
            fail_msg("\"%s\" is led wrong by \"%s\"", format(&pairs), format(&rules));
        all_rules(&pairs, &every);
        assert_true(every.count < 20);
        for (unsigned chosen = 0; chosen < 1U << every.count; chosen++)
            if ((size_t)__builtin_popcount(chosen) < rules.count &&
                leads_all(&every, chosen, &pairs))
                fail_msg("\"%s\" needs fewer than \"%s\"", format(&pairs), format(&rules));
    }
}

static const struct {
    const char *name, *pairs, *hosts; /* or what the failure says, behind '!' */
} host_rows[] = {
    { "nothing", "", "" },
    { "at_the_root", "q.io/a/b>r.io/a/b q.io/c>r.io/c", "q.io>r.io" },
    { "below_a_prefix", "q.io/a/b>r.io/m/a/b q.io/c>r.io/m/c", "q.io>r.io/m" },
    { "each_its_own", "q.io/a>r.io/q/a p.io/a>r.io/p/a", "p.io>r.io/p q.io>r.io/q" },
    { "port", "q.io:5000/a>r.io/a q.io/a>r.io/m/a", "q.io>r.io/m q.io:5000>r.io" },
    { "same_twice", "q.io/a>r.io/a q.io/a>r.io/a", "q.io>r.io" },
    { "path_changes", "q.io/a/b>r.io/a-b", "!q.io/a/b goes to r.io/a-b" },
    { "path_is_cut", "q.io/a/b>r.io/b", "!q.io/a/b goes to r.io/b" },
    { "half_a_component", "q.io/b>r.io/ab", "!q.io/b goes to r.io/ab" },
    { "two_prefixes", "q.io/a>r.io/m/a q.io/b>r.io/n/b", "!q.io go to r.io/m and r.io/n" },
    { "two_mirrors", "q.io/a>r.io/m/a q.io/a>r.io/n/a", "!q.io go to r.io/m and r.io/n" },
};

static void test_mirror_hosts_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(host_rows); i++) {
        OWNED_MIRRORS pairs = { 0 }, hosts = { 0 };
        struct ferry_err err = { 0 };
        const char *want = host_rows[i].hosts;
        int rc;

        parse(host_rows[i].pairs, &pairs);
        rc = ferry_mirror_hosts(&pairs, &hosts, &err);
        if (want[0] == '!' ? rc != FERRY_EUSAGE || !strstr(err.msg, want + 1)
                           : rc < 0 || strcmp(format(&hosts), want) != 0)
            fail_msg("row \"%s\": %d, \"%s\", \"%s\"", host_rows[i].name, rc, err.msg,
                     format(&hosts));
    }
}

/* As many repositories as a large import has, in one namespace. */
static void test_mirror_rules_large(void **state)
{
    OWNED_MIRRORS pairs = { 0 }, rules = { 0 };
    struct ferry_err err;

    (void)state;
    for (int i = 0; i < 20000; i++)
        CHECK_OK(ferry_mirrors_add(&pairs, sample_format("q.io/a/%d/x", i),
                                   sample_format("r.io/%s/a/%d/x", i % 1000 ? "m" : "n", i), &err));
    CHECK_OK(ferry_mirror_rules(&pairs, &rules, &err));
    assert_int_equal(rules.count, 21);
    assert_string_equal(rules.items[0].source, "q.io/a");
    assert_string_equal(rules.items[0].mirror, "r.io/m/a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mirror_rules_rows),
        cmocka_unit_test(test_mirror_rules_are_right_and_fewest),
        cmocka_unit_test(test_mirror_hosts_rows),
        cmocka_unit_test(test_mirror_rules_large),
    };

    return cmocka_run_group_tests_name("mirror_rules", tests, NULL, NULL);
}
