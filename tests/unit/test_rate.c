#include "format/registry/rate.h"

#include "tests/support/check.h"

#define MB ((size_t)1000 * 1000)

static void test_rate_adds_up(void **state)
{
    struct ferry_rate rate;

    (void)state;
    ferry_rate_init(&rate, (int64_t)MB);
    /* Whoever comes second waits for the first one's bytes as well. */
    assert_in_range(ferry_rate_take(&rate, MB / 2), 490, 500);
    assert_in_range(ferry_rate_take(&rate, MB / 2), 980, 1000);
    assert_in_range(ferry_rate_take(&rate, MB), 1970, 2000);
    assert_in_range(ferry_rate_take(&rate, 0), 1960, 2000);
    ferry_rate_release(&rate);
}

static void test_rate_extremes(void **state)
{
    struct ferry_rate rate;

    (void)state;
    ferry_rate_init(&rate, 1);
    assert_int_equal(ferry_rate_portion(&rate, MB), 1);
    assert_in_range(ferry_rate_take(&rate, 1), 990, 1000);
    ferry_rate_release(&rate);
    ferry_rate_init(&rate, INT64_MAX);
    assert_int_equal(ferry_rate_portion(&rate, MB), MB);
    assert_int_equal(ferry_rate_take(&rate, MB), 0);
    ferry_rate_release(&rate);
}

static void test_rate_portion(void **state)
{
    struct ferry_rate rate;

    (void)state;
    ferry_rate_init(&rate, (int64_t)MB);
    assert_int_equal(ferry_rate_portion(&rate, MB), MB / 8 + 1);
    assert_int_equal(ferry_rate_portion(&rate, 10), 10);
    assert_int_equal(ferry_rate_portion(&rate, 0), 0);
    ferry_rate_release(&rate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate_adds_up),
        cmocka_unit_test(test_rate_extremes),
        cmocka_unit_test(test_rate_portion),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
