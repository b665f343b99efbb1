#include "format/core/mem.h"

#include <string.h>

#include "tests/support/check.h"

static void test_mem_add_is_checked(void **state)
{
    int64_t sum;

    (void)state;
    assert_true(ferry_add(INT64_MAX - 1, 1, &sum));
    assert_true(sum == INT64_MAX);
    assert_false(ferry_add(INT64_MAX, 1, &sum));
    assert_false(ferry_add(INT64_MIN, -1, &sum));
}

static void test_mem_steal_empties(void **state)
{
    char *p = malloc(1);
    char *q = ferry_steal(&p);

    (void)state;
    assert_null(p);
    assert_non_null(q);
    free(q);
}

static void test_mem_text_formats(void **state)
{
    FERRY_OWNED_MEM char *text = NULL;
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_text(&text, &err, "%s-%d", "a", 5));
    assert_string_equal(text, "a-5");
}

static void test_mem_grow_keeps_elements(void **state)
{
    FERRY_OWNED_MEM void *items = NULL;
    size_t room = 0;
    struct ferry_err err;

    (void)state;
    for (size_t i = 0; i < 1000; i++) {
        CHECK_OK(ferry_grow(&items, i, &room, sizeof(size_t), &err));
        assert_true(room > i);
        ((size_t *)items)[i] = i;
    }
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(((size_t *)items)[i], i);
}

static void test_mem_grow_refuses_overflow(void **state)
{
    void *items = NULL;
    struct ferry_err err;
    size_t room = SIZE_MAX / 2 + 1;

    (void)state;
    CHECK_CODE(ferry_grow(&items, room, &room, 1, &err), FERRY_ENOMEM);
    room = SIZE_MAX / 8;
    CHECK_CODE(ferry_grow(&items, room, &room, 16, &err), FERRY_ENOMEM);
    assert_null(items);
}

static void test_mem_buf_ends_with_nul(void **state)
{
    FERRY_OWNED_BUF buf;
    struct ferry_err err;

    (void)state;
    ferry_buf_init(&buf, 10000);
    CHECK_OK(ferry_buf_append(&buf, "", 0, &err));
    assert_int_equal(buf.len, 0);
    assert_string_equal((char *)buf.data, "");
    for (size_t i = 1; i <= 10000; i++) {
        CHECK_OK(ferry_buf_append(&buf, "x", 1, &err));
        assert_int_equal(buf.len, i);
        assert_int_equal(buf.data[i], 0);
    }
    CHECK_CODE(ferry_buf_append(&buf, "x", 1, &err), FERRY_ELIMIT);
    assert_int_equal(buf.len, 10000);
}

static void test_mem_buf_limit_is_exact(void **state)
{
    FERRY_OWNED_BUF buf;
    struct ferry_err err;

    (void)state;
    ferry_buf_init(&buf, 3);
    CHECK_CODE(ferry_buf_append(&buf, "abcd", 4, &err), FERRY_ELIMIT);
    assert_int_equal(buf.len, 0);
    CHECK_OK(ferry_buf_append(&buf, "abc", 3, &err));
    CHECK_OK(ferry_buf_append(&buf, NULL, 0, &err));
    CHECK_CODE(ferry_buf_append(&buf, "d", SIZE_MAX, &err), FERRY_ELIMIT);
    assert_string_equal((char *)buf.data, "abc");
    ferry_buf_release(&buf);
    assert_int_equal(buf.limit, 3);
    CHECK_OK(ferry_buf_append(&buf, "xyz", 3, &err));
    assert_string_equal((char *)buf.data, "xyz");
}

static void test_mem_buf_prints(void **state)
{
    FERRY_OWNED_BUF buf;
    struct ferry_err err;

    (void)state;
    ferry_buf_init(&buf, 8);
    CHECK_OK(ferry_buf_print(&buf, &err, "%d:", 12));
    CHECK_OK(ferry_buf_print(&buf, &err, "%s", "abc"));
    assert_string_equal((char *)buf.data, "12:abc");
    CHECK_CODE(ferry_buf_print(&buf, &err, "%s", "def"), FERRY_ELIMIT);
    assert_string_equal((char *)buf.data, "12:abc");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mem_add_is_checked),
        cmocka_unit_test(test_mem_steal_empties),
        cmocka_unit_test(test_mem_text_formats),
        cmocka_unit_test(test_mem_grow_keeps_elements),
        cmocka_unit_test(test_mem_grow_refuses_overflow),
        cmocka_unit_test(test_mem_buf_ends_with_nul),
        cmocka_unit_test(test_mem_buf_limit_is_exact),
        cmocka_unit_test(test_mem_buf_prints),
    };

    return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}
