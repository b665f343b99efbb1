#include "format/registry/link.h"

#include <string.h>

#include "format/core/mem.h"
#include "tests/support/check.h"

static const struct {
    const char *name, *header;
    const char *next; /* NULL: none */
} good_rows[] = {
    { "distribution", "</v2/a/tags/list?last=9&n=2>; rel=\"next\"", "/v2/a/tags/list?last=9&n=2" },
    { "absolute", "<https://q.io/v2/a/tags/list?n=2>;rel=next", "https://q.io/v2/a/tags/list?n=2" },
    { "any_case", "<x> ; REL = Next", "x" },
    { "several_relations", "<x>; rel=\"last  next\"", "x" },
    { "relation_of_relations", "<x>; rel=\"nextone\"", NULL },
    { "second_link", "<a,b>; rel=prev, <c;d>; rel=next", "c;d" },
    { "other_parameters", "<x>; title=\"a, b; \\\" <y>\"; rel=next; foo", "x" },
    { "first_relation_counts", "<x>; rel=prev; rel=next", NULL },
    { "no_relation", "<x>", NULL },
    { "relation_without_value", "<x>; rel", NULL },
    { "empty", "", NULL },
    { "commas", ", ,<x>; rel=next,", "x" },
    { "empty_target", "<>; rel=next", "" },
    { "documentation", "<https://q.io/terms>; rel=\"terms-of-service\"", NULL },
};

static void test_link_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(good_rows); i++) {
        FERRY_OWNED_MEM char *next = NULL;
        struct ferry_err err;

        if (ferry_link_next(good_rows[i].header, &next, &err) < 0)
            fail_msg("row \"%s\": %s", good_rows[i].name, err.msg);
        CHECK_ROW(good_rows[i].name, (next == NULL) == (good_rows[i].next == NULL));
        if (next)
            CHECK_ROW(good_rows[i].name, strcmp(next, good_rows[i].next) == 0);
    }
}

static const char *const bad_rows[] = {
    "x; rel=next",
    "<x; rel=next",
    "<x> rel=next",
    "<x>; rel=\"next",
    "<x>; rel=",
    "<x>; rel=next <y>",
    "<x>; a=\"b\"c; rel=next",
};

static void test_link_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(bad_rows); i++) {
        FERRY_OWNED_MEM char *next = NULL;
        struct ferry_err err = { 0 };

        CHECK_ROW(bad_rows[i], ferry_link_next(bad_rows[i], &next, &err) == FERRY_EPROTOCOL);
        CHECK_ROW(bad_rows[i], !next && strstr(err.msg, "Link"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_link_good),
        cmocka_unit_test(test_link_bad),
    };

    return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}
