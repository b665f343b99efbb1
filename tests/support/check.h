/*
 * What every cmocka test includes, and checks that say *why* a call failed.
 *
 * CHECK_OK and CHECK_CODE look at a local `struct ferry_err err`.
 */
#ifndef TESTS_SUPPORT_CHECK_H
#define TESTS_SUPPORT_CHECK_H

/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "format/core/err.h"

#define CHECK_OK(expr)                                                                             \
    do {                                                                                           \
        int check_rc_ = (expr);                                                                    \
        if (check_rc_ < 0)                                                                         \
            fail_msg("%s: %d, \"%s\"", #expr, check_rc_, err.msg);                                 \
    } while (0)

/* The call failed with `want`, and said so in the error object as well. */
#define CHECK_CODE(expr, want)                                                                     \
    do {                                                                                           \
        int check_rc_ = (expr);                                                                    \
        if (check_rc_ != (int)(want))                                                              \
            fail_msg("%s: %d, expected %d; last message \"%s\"", #expr, check_rc_, (int)(want),    \
                     err.msg);                                                                     \
        if (check_rc_ < 0)                                                                         \
            assert_int_equal(err.code, check_rc_);                                                 \
    } while (0)

/* For a failure inside a loop over a table: which row was it? */
#define CHECK_ROW(row_name, condition)                                                             \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail_msg("row \"%s\": %s", row_name, #condition);                                      \
    } while (0)

#endif
