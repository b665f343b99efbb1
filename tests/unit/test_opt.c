#include "format/run/opt.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/core/mem.h"
#include "tests/support/check.h"

struct values {
    bool quiet;
    const char *output;
    struct ferry_list platforms;
    struct ferry_list plain_http;
    int jobs;
    int64_t size;
    int choice;
    int level;
};

#define AT(member) offsetof(struct values, member)

static const struct ferry_opt table[] = {
    { .letter = 'q', .name = "quiet", .offset = AT(quiet), .help = "say less" },
    { .letter = 'o',
      .name = "output",
      .type = FERRY_OPT_TEXT,
      .offset = AT(output),
      .argument = "FILE",
      .help = "the archive" },
    { .name = "platform",
      .type = FERRY_OPT_LIST,
      .offset = AT(platforms),
      .argument = "OS/ARCH[/VARIANT]",
      .help = "a text that is so long that it cannot stand in one line of eighty columns, so that "
              "it is wrapped\nand has a second line" },
    { .name = "plain-http",
      .type = FERRY_OPT_HOSTS,
      .offset = AT(plain_http),
      .argument = "HOST",
      .help = "no TLS" },
    { .letter = 'j',
      .name = "jobs",
      .type = FERRY_OPT_INT,
      .offset = AT(jobs),
      .argument = "N",
      .help = "at once",
      .low = 1,
      .high = 64 },
    { .name = "volume-size",
      .type = FERRY_OPT_SIZE,
      .offset = AT(size),
      .argument = "SIZE",
      .help = "cut" },
    { .name = "ref-name",
      .type = FERRY_OPT_CHOICE,
      .offset = AT(choice),
      .help = "what it holds",
      .choices = "tag|full" },
    { .name = "zstd",
      .type = FERRY_OPT_LEVEL,
      .offset = AT(level),
      .argument = "LEVEL",
      .help = "small",
      .low = 1,
      .high = 19,
      .level = 3 },
    { 0 },
};

static const struct ferry_program program = {
    .name = "tool",
    .usage = "[OPTION...] REF...",
    .summary = "Does something.",
    .options = table,
    .epilogue = "Example:\n  tool x",
};

#define MAX_WORDS 12

struct result {
    struct values values;
    struct ferry_list operands;
    bool done;
    int rc;
    struct ferry_err err;
};

static void release(struct result *result)
{
    ferry_list_release(&result->values.platforms);
    ferry_list_release(&result->values.plain_http);
    ferry_list_release(&result->operands);
}

#define OWNED_RESULT __attribute__((cleanup(release))) struct result

static struct result parse(const char *const *words)
{
    struct result r = { .values = { .jobs = 6, .choice = 1 } };
    char *argv[MAX_WORDS + 2] = { (char *)(uintptr_t) "tool" };
    int argc = 1;

    for (; words[argc - 1]; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
    r.rc = ferry_opt_parse(&program, argc, argv, &r.values, &r.operands, &r.done, &r.err);
    return r;
}

static void test_opt_reads_every_type(void **state)
{
    static const char *const words[MAX_WORDS + 1] = { "-q",           "-o",      "file",
                                                      "--platform",   "linux/a", "--platform=b",
                                                      "--plain-http", "-j3",     "--volume-size=2K",
                                                      "--ref-name",   "tag" };
    OWNED_RESULT r = parse(words);

    (void)state;
    assert_int_equal(r.rc, 0);
    assert_false(r.done);
    assert_true(r.values.quiet);
    assert_string_equal(r.values.output, "file");
    assert_int_equal(r.values.platforms.count, 2);
    assert_string_equal(r.values.platforms.items[0], "linux/a");
    assert_string_equal(r.values.platforms.items[1], "b");
    assert_null(r.values.platforms.items[2]);
    assert_int_equal(r.values.plain_http.count, 1);
    assert_string_equal(r.values.plain_http.items[0], "");
    assert_int_equal(r.values.jobs, 3);
    assert_int_equal(r.values.size, 2048);
    assert_int_equal(r.values.choice, 0);
    assert_int_equal(r.operands.count, 0);
}

static void test_opt_keeps_defaults(void **state)
{
    static const char *const words[MAX_WORDS + 1] = { NULL };
    OWNED_RESULT r = parse(words);

    (void)state;
    assert_int_equal(r.rc, 0);
    assert_false(r.values.quiet);
    assert_null(r.values.output);
    assert_int_equal(r.values.jobs, 6);
    assert_int_equal(r.values.choice, 1);
    assert_null(r.values.platforms.items);
}

static void test_opt_last_of_two_wins(void **state)
{
    static const char *const words[MAX_WORDS + 1] = { "-o", "a", "-j2", "--output=b", "--jobs=4" };
    OWNED_RESULT r = parse(words);

    (void)state;
    assert_int_equal(r.rc, 0);
    assert_string_equal(r.values.output, "b");
    assert_int_equal(r.values.jobs, 4);
}

static void test_opt_hosts_need_an_equals_sign(void **state)
{
    static const char *const words[MAX_WORDS + 1] = { "--plain-http", "a", "--plain-http=b:5000" };
    OWNED_RESULT r = parse(words);

    (void)state;
    assert_int_equal(r.rc, 0);
    assert_int_equal(r.values.plain_http.count, 2);
    assert_string_equal(r.values.plain_http.items[0], "");
    assert_string_equal(r.values.plain_http.items[1], "b:5000");
    assert_int_equal(r.operands.count, 1);
    assert_string_equal(r.operands.items[0], "a");
}

static void test_opt_level_may_be_left_out(void **state)
{
    static const char *const words[][MAX_WORDS + 1] = { { "a" },
                                                        { "--zstd", "9" },
                                                        { "--zstd=9" } };
    static const int levels[] = { 0, 3, 9 };

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(words); i++) {
        OWNED_RESULT r = parse(words[i]);

        assert_int_equal(r.rc, 0);
        assert_int_equal(r.values.level, levels[i]);
        assert_int_equal(r.operands.count, i < 2);
    }
}

static const struct {
    const char *name;
    const char *words[MAX_WORDS + 1];
    const char *operands; /* joined by blanks */
    bool quiet;
} operand_rows[] = {
    { "before", { "a", "b", "-q" }, "a b", true },
    { "after", { "-q", "a", "b" }, "a b", true },
    { "between", { "a", "-q", "b" }, "a b", true },
    { "dashes_end", { "a", "--", "-q", "--", "--no" }, "a -q -- --no", false },
    { "dashes_first", { "--", "a" }, "a", false },
    { "dash_alone", { "-", "-q" }, "-", true },
    { "empty", { "", "x" }, " x", false },
};

static void check_operands(void)
{
    for (size_t i = 0; i < FERRY_COUNT(operand_rows); i++) {
        OWNED_RESULT r = parse(operand_rows[i].words);
        char joined[128] = "";

        CHECK_ROW(operand_rows[i].name, r.rc == 0);
        CHECK_ROW(operand_rows[i].name, r.values.quiet == operand_rows[i].quiet);
        for (size_t n = 0; n < r.operands.count; n++)
            snprintf(joined + strlen(joined), sizeof(joined) - strlen(joined), "%s%s",
                     n > 0 ? " " : "", r.operands.items[n]);
        CHECK_ROW(operand_rows[i].name, strcmp(joined, operand_rows[i].operands) == 0);
    }
}

static void test_opt_operands_stand_anywhere(void **state)
{
    (void)state;
    check_operands();
    setenv("POSIXLY_CORRECT", "1", 1);
    check_operands();
    unsetenv("POSIXLY_CORRECT");
}

#define SEE " (see tool --help)"

static const struct {
    const char *name;
    const char *words[MAX_WORDS + 1];
    const char *message;
} bad_rows[] = {
    { "unknown_long", { "--nonsense" }, "unknown option --nonsense" SEE },
    { "unknown_letter", { "-x" }, "unknown option -x" SEE },
    { "unknown_among_letters", { "-qx" }, "unknown option -x" SEE },
    { "secret_is_left_out", { "--cerds=user:secret" }, "unknown option --cerds" SEE },
    { "ambiguous", { "--pla" }, "ambiguous option --pla" SEE },
    { "missing_long", { "--output" }, "--output: its argument FILE is missing" SEE },
    { "missing_letter", { "-o" }, "--output: its argument FILE is missing" SEE },
    { "missing_choice", { "--ref-name" }, "--ref-name: its argument tag|full is missing" SEE },
    { "flag_with_argument", { "--quiet=1" }, "--quiet takes no argument" SEE },
    { "not_a_number", { "-j", "x" }, "--jobs: \"x\" is not a number from 1 to 64" SEE },
    { "number_and_more", { "-j", "3x" }, "--jobs: \"3x\" is not a number from 1 to 64" SEE },
    { "empty_number", { "--jobs=" }, "--jobs: its argument N is empty" SEE },
    { "blank_number", { "--jobs= 3" }, "--jobs: \" 3\" is not a number from 1 to 64" SEE },
    { "too_low", { "-j", "0" }, "--jobs: \"0\" is not a number from 1 to 64" SEE },
    { "too_high", { "-j65" }, "--jobs: \"65\" is not a number from 1 to 64" SEE },
    { "far_too_high",
      { "-j99999999999999999999" },
      "--jobs: \"99999999999999999999\" is not a number from 1 to 64" SEE },
    { "wraps_to_one",
      { "-j4294967297" },
      "--jobs: \"4294967297\" is not a number from 1 to 64" SEE },
    { "bad_size",
      { "--volume-size", "4X" },
      "--volume-size: \"4X\" is not a size: expected a number above 0, as in 65536, 4G, 700MiB or "
      "25GB" SEE },
    { "bad_choice", { "--ref-name=digest" }, "--ref-name: \"digest\" is not one of tag|full" SEE },
    { "choice_prefix", { "--ref-name=ta" }, "--ref-name: \"ta\" is not one of tag|full" SEE },
    { "empty_choice", { "--ref-name=" }, "--ref-name: its argument tag|full is empty" SEE },
    { "empty_text", { "-o", "" }, "--output: its argument FILE is empty" SEE },
    { "empty_host", { "--plain-http=" }, "--plain-http: its argument HOST is empty" SEE },
    { "whole_choice",
      { "--ref-name=tag|full" },
      "--ref-name: \"tag|full\" is not one of tag|full" SEE },
    { "level_too_high", { "--zstd=20" }, "--zstd: \"20\" is not a number from 1 to 19" SEE },
    { "before_help", { "--nonsense", "--help" }, "unknown option --nonsense" SEE },
};

static void test_opt_names_what_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(bad_rows); i++) {
        OWNED_RESULT r = parse(bad_rows[i].words);

        CHECK_ROW(bad_rows[i].name, r.rc == FERRY_EUSAGE && r.err.code == FERRY_EUSAGE);
        CHECK_ROW(bad_rows[i].name, !r.done);
        if (strcmp(r.err.msg, bad_rows[i].message) != 0)
            fail_msg("row \"%s\": %s", bad_rows[i].name, r.err.msg);
    }
}

/* What parse() prints to stdout. */
static void parse_printing(const char *const *words, char *text, size_t cap)
{
    int before = dup(STDOUT_FILENO);
    int fd = memfd_create("stdout", 0);
    ssize_t len;

    assert_true(before >= 0 && fd >= 0);
    fflush(stdout);
    dup2(fd, STDOUT_FILENO);
    {
        OWNED_RESULT r = parse(words);

        dup2(before, STDOUT_FILENO);
        close(before);
        assert_int_equal(r.rc, 0);
        assert_true(r.done);
    }
    len = pread(fd, text, cap - 1, 0);
    close(fd);
    assert_true(len >= 0);
    text[len] = '\0';
}

static const char *const help_text =
    "Usage: tool [OPTION...] REF...\n"
    "Does something.\n"
    "\n"
    "Options:\n"
    "  -q, --quiet              say less\n"
    "  -o, --output FILE        the archive\n"
    "      --platform OS/ARCH[/VARIANT]\n"
    "                           a text that is so long that it cannot stand in one\n"
    "                           line of eighty columns, so that it is wrapped\n"
    "                           and has a second line\n"
    "      --plain-http[=HOST]  no TLS\n"
    "  -j, --jobs N             at once\n"
    "      --volume-size SIZE   cut\n"
    "      --ref-name tag|full  what it holds\n"
    "      --zstd[=LEVEL]       small\n"
    "  -h, --help               print this help and exit\n"
    "      --version            print the version and exit\n"
    "\n"
    "Exit status:\n"
    "  0  done\n"
    "  1  failed\n"
    "  2  usage: the command line or a file of yours is wrong\n"
    "  3  verification failed\n"
    "  4  authentication or authorisation\n"
    "  5  network\n"
    "  6  done in part (some images failed)\n"
    "\n"
    "Example:\n"
    "  tool x\n";

static void test_opt_prints_help(void **state)
{
    static const char *const spellings[] = { "-h", "--help" };
    char text[4096];

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(spellings); i++) {
        const char *words[MAX_WORDS + 1] = { "x", spellings[i], "--nonsense" };

        parse_printing(words, text, sizeof(text));
        assert_string_equal(text, help_text);
    }
}

static void test_opt_prints_version(void **state)
{
    static const char *const words[MAX_WORDS + 1] = { "--version" };
    char text[4096];

    (void)state;
    parse_printing(words, text, sizeof(text));
    assert_string_equal(text, "tool " FERRY_VERSION "\n");
}

static void test_opt_list_is_null_ended(void **state)
{
    struct ferry_list list = { 0 };
    struct ferry_err err;

    (void)state;
    for (size_t i = 1; i <= 100; i++) {
        CHECK_OK(ferry_list_add(&list, "x", &err));
        assert_int_equal(list.count, i);
        assert_null(list.items[i]);
    }
    ferry_list_release(&list);
    assert_null(list.items);
    assert_int_equal(list.count, 0);
    ferry_list_release(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opt_reads_every_type),
        cmocka_unit_test(test_opt_keeps_defaults),
        cmocka_unit_test(test_opt_last_of_two_wins),
        cmocka_unit_test(test_opt_hosts_need_an_equals_sign),
        cmocka_unit_test(test_opt_level_may_be_left_out),
        cmocka_unit_test(test_opt_operands_stand_anywhere),
        cmocka_unit_test(test_opt_names_what_is_wrong),
        cmocka_unit_test(test_opt_prints_help),
        cmocka_unit_test(test_opt_prints_version),
        cmocka_unit_test(test_opt_list_is_null_ended),
    };

    return cmocka_run_group_tests_name("opt", tests, NULL, NULL);
}
