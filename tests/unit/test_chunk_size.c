#include "import/chunk_size.h"

#include "tests/support/check.h"

#define MIB ((int64_t)1024 * 1024)

static void test_chunk_size_asked(void **state)
{
    struct ferry_chunk_size none = { 0 }, some = { .asked = 5 * MIB };

    (void)state;
    assert_int_equal(ferry_chunk_size(&none, -1), INT64_MAX);
    assert_int_equal(ferry_chunk_size(&none, 7), INT64_MAX);
    assert_int_equal(ferry_chunk_size(&some, -1), 5 * MIB);
    assert_int_equal(ferry_chunk_size(&some, 7 * MIB), 7 * MIB); /* the registry's minimum wins */
}

/* What is tried after each refusal, down to a proxy's usual 1 MiB. */
static void test_chunk_size_learnt(void **state)
{
    static const struct {
        const char *name;
        int64_t refused, next;
    } rows[] = {
        { "a huge layer", 6000 * MIB, 64 * MIB },
        { "64 MiB", 64 * MIB, 32 * MIB },
        { "somewhat less", 25 * MIB + 1, 16 * MIB },
        { "one byte above a power of two", 2 * MIB + 1, 2 * MIB },
        { "the least", MIB + 1, MIB },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ferry_chunk_size size = { 0 };

        CHECK_ROW(rows[i].name,
                  ferry_chunk_size_learn(&size, rows[i].refused, -1) == FERRY_LESSON_FIRST);
        CHECK_ROW(rows[i].name, ferry_chunk_size(&size, -1) == rows[i].next);
    }
}

static void test_chunk_size_ends(void **state)
{
    struct ferry_chunk_size size = { .asked = 100 * MIB };

    (void)state;
    assert_int_equal(ferry_chunk_size_learn(&size, MIB, -1), FERRY_LESSON_NONE);
    assert_int_equal(ferry_chunk_size_learn(&size, 0, -1), FERRY_LESSON_NONE);
    assert_int_equal(ferry_chunk_size_learn(&size, 8 * MIB, 8 * MIB), FERRY_LESSON_NONE);
    assert_int_equal(ferry_chunk_size(&size, -1), 100 * MIB);
    assert_int_equal(ferry_chunk_size_learn(&size, 100 * MIB, -1), FERRY_LESSON_FIRST);
    assert_int_equal(ferry_chunk_size_learn(&size, 64 * MIB, -1), FERRY_LESSON_MORE);
    assert_int_equal(ferry_chunk_size(&size, -1), 32 * MIB);
    /* Of requests that were under way meanwhile nothing is learnt. */
    assert_int_equal(ferry_chunk_size_learn(&size, 64 * MIB, -1), FERRY_LESSON_MORE);
    assert_int_equal(ferry_chunk_size_learn(&size, 90 * MIB, -1), FERRY_LESSON_MORE);
    assert_int_equal(ferry_chunk_size(&size, -1), 32 * MIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunk_size_asked),
        cmocka_unit_test(test_chunk_size_learnt),
        cmocka_unit_test(test_chunk_size_ends),
    };

    return cmocka_run_group_tests_name("chunk_size", tests, NULL, NULL);
}
