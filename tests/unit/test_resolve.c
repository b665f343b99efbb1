#include "export/resolve.h"

#include <string.h>

#include "export/failures.h"
#include "tests/support/check.h"
#include "tests/support/sample.h"

/* What no archive can hold is refused before all of it was asked for. All answers are known, so
 * that no registry is needed. */
static void test_resolve_too_many_images(void **state)
{
    enum { COUNT = FERRY_CHILDREN_MAX + 1 };
    FERRY_OWNED_MEM struct ferry_reference *refs = calloc(COUNT, sizeof(*refs));
    FERRY_OWNED(ferry_graph) known = NULL;
    FERRY_OWNED(ferry_graph) found = NULL;
    struct sample manifest = sample_manifest(sample_text("x/y", "{}"), NULL, 0);
    struct ferry_failures failures = { 0 };
    struct ferry_resolve_options options = {
        .refs = refs, .count = COUNT, .jobs = 1, .failures = &failures
    };
    struct ferry_resolve_notes notes;
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_graph_new(&known, &err));
    for (int i = 0; i < COUNT; i++) {
        sample_add_image(known, sample_format("app:%d", i), &manifest);
        refs[i] = known->images[i].ref;
    }
    CHECK_OK(sample_supply(known, &manifest, &err));
    options.known = known;
    CHECK_CODE(ferry_resolve(NULL, &options, &found, &notes, &err), FERRY_ELIMIT);
    assert_non_null(strstr(err.msg, "more than 10000 images"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resolve_too_many_images),
    };

    return cmocka_run_group_tests_name("resolve", tests, NULL, sample_forget_group);
}
