#include <stdio.h>

#include "format/core/digest_map.h"
#include "tests/support/check.h"

#define COUNT 20000

/* The n-th digest of a set; the digits are chosen, as anybody may who lists what is not there. */
static struct ferry_digest numbered(enum ferry_algorithm algorithm, int n)
{
    struct ferry_digest digest = { .algorithm = algorithm };
    int width = algorithm == FERRY_SHA256 ? 64 : 128;

    snprintf(digest.text, sizeof(digest.text), "%s:%0*x", ferry_algorithm_name(algorithm), width,
             (unsigned)n);
    return digest;
}

static void test_finds_what_was_added(void **state)
{
    static struct ferry_digest digests[COUNT];
    struct ferry_digest_map map = { 0 };
    struct ferry_digest absent = numbered(FERRY_SHA256, COUNT);
    struct ferry_err err;

    (void)state;
    assert_null(ferry_digest_map_find(&map, &absent));
    for (int i = 0; i < COUNT; i++) {
        digests[i] = numbered(i % 2 ? FERRY_SHA512 : FERRY_SHA256, i / 2);
        CHECK_OK(ferry_digest_map_add(&map, &digests[i], &digests[i], &err));
    }
    assert_int_equal(map.count, COUNT);
    for (int i = 0; i < COUNT; i++) {
        struct ferry_digest same = digests[i];

        assert_ptr_equal(ferry_digest_map_find(&map, &same), &digests[i]);
    }
    assert_null(ferry_digest_map_find(&map, &absent));
    ferry_digest_map_release(&map);
    assert_null(ferry_digest_map_find(&map, &digests[0]));
}

static void test_first_of_two_stays(void **state)
{
    struct ferry_digest_map map = { 0 };
    struct ferry_digest digest = numbered(FERRY_SHA256, 1), same = digest;
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_digest_map_add(&map, &digest, "first", &err));
    CHECK_OK(ferry_digest_map_add(&map, &same, "second", &err));
    assert_string_equal(ferry_digest_map_find(&map, &same), "first");
    ferry_digest_map_release(&map);
}

/* Else digests that fall into one chain could be worked out beforehand. */
static void test_keys_differ(void **state)
{
    struct ferry_digest_map one = { 0 }, other = { 0 };
    struct ferry_digest digest = numbered(FERRY_SHA256, 1);
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_digest_map_add(&one, &digest, "one", &err));
    CHECK_OK(ferry_digest_map_add(&other, &digest, "other", &err));
    for (size_t i = 0; i <= FERRY_DIGEST_WORDS; i++)
        assert_true(one.key[i] != other.key[i]);
    ferry_digest_map_release(&one);
    ferry_digest_map_release(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds_what_was_added),
        cmocka_unit_test(test_first_of_two_stays),
        cmocka_unit_test(test_keys_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
