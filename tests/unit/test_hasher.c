#include "format/core/hasher.h"

#include <string.h>

#include "tests/support/check.h"

#define LEN (3 * FERRY_HASHER_ROOM + 12345)

static uint8_t *bytes;

static int enter(void **state)
{
    uint32_t x = 1;

    (void)state;
    bytes = malloc(LEN);
    for (size_t i = 0; bytes && i < LEN; i++) {
        x = x * 1664525 + 1013904223;
        bytes[i] = (uint8_t)(x >> 24);
    }
    return bytes ? 0 : -1;
}

static int leave(void **state)
{
    (void)state;
    free(bytes);
    return 0;
}

static void check_digest(struct ferry_hasher *h, size_t len)
{
    struct ferry_digest want, found;
    struct ferry_err err;

    CHECK_OK(ferry_digest_of(FERRY_SHA256, bytes, len, &want, &err));
    CHECK_OK(ferry_hasher_final(h, &found, &err));
    assert_string_equal(found.text, want.text);
}

/* In pieces of every size, up to more than the ring holds; one digest after the other. */
static void test_hasher_pieces(void **state)
{
    static const size_t pieces[] = {
        511, 65536, FERRY_HASHER_ROOM - 1, FERRY_HASHER_ROOM, FERRY_HASHER_ROOM + 1, LEN
    };
    FERRY_OWNED(ferry_hasher) h = NULL;
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_hasher_new(FERRY_SHA256, &h, &err));
    check_digest(h, 0);
    for (size_t i = 0; i < FERRY_COUNT(pieces); i++) {
        for (size_t at = 0; at < LEN; at += pieces[i])
            CHECK_OK(ferry_hasher_update(h, bytes + at, LEN - at < pieces[i] ? LEN - at : pieces[i],
                                         &err));
        check_digest(h, LEN);
    }
    check_digest(h, 0);
}

static void test_hasher_restart(void **state)
{
    FERRY_OWNED(ferry_hasher) h = NULL;
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_hasher_new(FERRY_SHA256, &h, &err));
    CHECK_OK(ferry_hasher_update(h, bytes + 5, LEN - 5, &err));
    CHECK_OK(ferry_hasher_restart(h, &err));
    CHECK_OK(ferry_hasher_update(h, bytes, 1000, &err));
    check_digest(h, 1000);
}

/* What nobody wants any more is not waited for, and nothing is left of it. */
static void test_hasher_given_up(void **state)
{
    struct ferry_err err;

    (void)state;
    for (int i = 0; i < 50; i++) {
        FERRY_OWNED(ferry_hasher) h = NULL;

        CHECK_OK(ferry_hasher_new(FERRY_SHA256, &h, &err));
        CHECK_OK(ferry_hasher_update(h, bytes, (size_t)i * 40000, &err));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hasher_pieces),
        cmocka_unit_test(test_hasher_restart),
        cmocka_unit_test(test_hasher_given_up),
    };

    return cmocka_run_group_tests_name("hasher", tests, enter, leave);
}
