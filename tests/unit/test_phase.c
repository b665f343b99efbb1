#include "format/run/phase.h"

#include <string.h>

#include "format/core/mem.h"
#include "tests/support/check.h"

#define MIB ((int64_t)1024 * 1024)

/* Ten seconds after its beginning, and nothing was looked at meanwhile. */
static const struct {
    const char *name;
    int64_t total_bytes, total_items, bytes, items;
    size_t width;
    const char *line, *sum;
} rows[] = {
    { "all is known", 100 * MIB, 8, 50 * MIB, 4, 80,
      "exporting  50%  50.0 MiB / 100.0 MiB  5.0 MiB/s  ETA 0:10  4/8 items",
      "exporting  50%  50.0 MiB / 100.0 MiB  4/8 items  in 0:10  5.0 MiB/s" },
    { "no totals", -1, -1, 50 * MIB, 4, 80, "exporting  50.0 MiB  5.0 MiB/s  4 items",
      "exporting  50.0 MiB  4 items  in 0:10  5.0 MiB/s" },
    { "nothing yet: no rate", 100 * MIB, -1, 0, 0, 80, "exporting  0%  0 B / 100.0 MiB",
      "exporting  0%  0 B / 100.0 MiB  in 0:10" },
    { "more than was thought", 10 * MIB, -1, 20 * MIB, 0, 80,
      "exporting  100%  20.0 MiB / 10.0 MiB  2.0 MiB/s",
      "exporting  100%  20.0 MiB / 10.0 MiB  in 0:10  2.0 MiB/s" },
    { "narrow: parts, not pieces", 100 * MIB, 8, 50 * MIB, 4, 26, "exporting  50%  5.0 MiB/s",
      "exporting  50%  4/8 items" },
    { "narrower than the name", -1, -1, 50 * MIB, 4, 4, "expo", "expo" },
};

static void check_line(const char *name, const char *wanted, const char *found)
{
    if (strcmp(wanted, found) != 0)
        fail_msg("row \"%s\": expected \"%s\", found \"%s\"", name, wanted, found);
}

static void test_phase_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        const struct ferry_phase_count count = { rows[i].bytes, rows[i].items, 110.0 };
        char line[FERRY_PHASE_LINE_MAX];
        struct ferry_phase phase;

        ferry_phase_begin(&phase, "exporting", rows[i].total_bytes, rows[i].total_items, 100.0);
        ferry_phase_line(&phase, &count, rows[i].width, line);
        check_line(rows[i].name, rows[i].line, line);
        ferry_phase_sum(&phase, &count, rows[i].width, line);
        check_line(rows[i].name, rows[i].sum, line);
    }
}

static void test_phase_rate_follows(void **state)
{
    char line[FERRY_PHASE_LINE_MAX];
    struct ferry_phase phase;
    double steady;

    (void)state;
    ferry_phase_begin(&phase, "exporting", -1, -1, 0.0);
    ferry_phase_line(&phase, &(struct ferry_phase_count){ 10 * MIB, 0, 1.0 }, 80, line);
    steady = phase.rate;
    ferry_phase_line(&phase, &(struct ferry_phase_count){ 99 * MIB, 0, 1.05 }, 80, line);
    assert_true(phase.rate == steady); /* too soon */
    ferry_phase_line(&phase, &(struct ferry_phase_count){ 5 * MIB, 0, 2.0 }, 80, line);
    assert_true(phase.rate > 0 && phase.rate < steady); /* taken back: slower, never below 0 */
    ferry_phase_line(&phase, &(struct ferry_phase_count){ 5 * MIB, 0, 1000.0 }, 80, line);
    assert_true(phase.rate < steady / 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_phase_lines),
        cmocka_unit_test(test_phase_rate_follows),
    };

    return cmocka_run_group_tests_name("phase", tests, NULL, NULL);
}
