#include "format/run/opt.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "format/core/mem.h"
#include "format/run/output_file.h"

#define HELP_WIDTH 80
#define HELP_COLUMN                                                                                \
    30 /* where texts begin at the latest; longer options have a line of their own */

/* What getopt_long returns for a long option: its place in the table past this, so that no letter
 * is mistaken for one. */
#define LONG_BASE 256

static const struct ferry_opt own_options[] = {
    { .letter = 'h', .name = "help", .help = "print this help and exit" },
    { .name = "version", .help = "print the version and exit" },
};

int ferry_list_add(struct ferry_list *list, const char *text, struct ferry_err *err)
{
    void *items = list->items;

    FERRY_TRY(ferry_grow(&items, list->count + 1, &list->room, sizeof(*list->items), err));
    list->items = items;
    list->items[list->count++] = text;
    list->items[list->count] = NULL;
    return 0;
}

void ferry_list_release(struct ferry_list *list)
{
    free(list->items);
    *list = (struct ferry_list){ 0 };
}

/* The factor that a unit stands for, 0 when there is no such unit. */
static int64_t unit_factor(const char *unit)
{
    static const char powers[] = "KMGT";
    const char *place;
    int64_t base, factor = 1;

    if (*unit == '\0' || strcasecmp(unit, "B") == 0)
        return 1;
    place = strchr(powers, toupper((unsigned char)*unit));
    if (!place)
        return 0;
    if (unit[1] == '\0' || strcasecmp(unit + 1, "iB") == 0)
        base = 1024;
    else if (strcasecmp(unit + 1, "B") == 0)
        base = 1000;
    else
        return 0;
    for (const char *p = powers; p <= place; p++)
        factor *= base;
    return factor;
}

int ferry_size_parse(const char *text, int64_t *out, struct ferry_err *err)
{
    int64_t number = 0;
    const char *p = text;
    int64_t factor;

    for (; isdigit((unsigned char)*p); p++)
        if (__builtin_mul_overflow(number, 10, &number) || !ferry_add(number, *p - '0', &number))
            return ferry_fail(err, FERRY_EUSAGE, "\"%.150s\" is too large a size", text);
    factor = unit_factor(p);
    if (p == text || factor == 0 || number == 0)
        return ferry_fail(err, FERRY_EUSAGE,
                          "\"%.150s\" is not a size: expected a number above 0, as in 65536, 4G, "
                          "700MiB or 25GB",
                          text);
    if (__builtin_mul_overflow(number, factor, &number))
        return ferry_fail(err, FERRY_EUSAGE, "\"%.150s\" is too large a size", text);
    *out = number;
    return 0;
}

static int parse_int(const struct ferry_opt *option, const char *text, int *out,
                     struct ferry_err *err)
{
    char *end;
    long number;

    errno = 0;
    number = strtol(text, &end, 10);
    if (isspace((unsigned char)*text) || end == text || *end != '\0' || errno != 0 ||
        number < option->low || number > option->high)
        return ferry_fail(err, FERRY_EUSAGE, "\"%.150s\" is not a number from %d to %d", text,
                          option->low, option->high);
    *out = (int)number;
    return 0;
}

static int parse_choice(const struct ferry_opt *option, const char *text, int *out,
                        struct ferry_err *err)
{
    const char *word = option->choices;
    int place = 0;

    for (;;) {
        size_t len = strcspn(word, "|");

        if (strlen(text) == len && memcmp(word, text, len) == 0) {
            *out = place;
            return 0;
        }
        if (word[len] == '\0')
            break;
        word += len + 1;
        place++;
    }
    return ferry_fail(err, FERRY_EUSAGE, "\"%.150s\" is not one of %s", text, option->choices);
}

static const char *argument_name(const struct ferry_opt *option)
{
    return option->argument ? option->argument : option->choices ? option->choices : "ARG";
}

/* Puts one option's argument where the table says. */
static int store(const struct ferry_opt *option, const char *text, void *values,
                 struct ferry_err *err)
{
    void *slot = (char *)values + option->offset;

    if (text && !*text) /* a shell variable that is not set */
        return ferry_fail(err, FERRY_EUSAGE, "its argument %s is empty", argument_name(option));
    switch (option->type) {
    case FERRY_OPT_FLAG:
        *(bool *)slot = true;
        return 0;
    case FERRY_OPT_TEXT:
        *(const char **)slot = text;
        return 0;
    case FERRY_OPT_LIST:
    case FERRY_OPT_HOSTS:
        return ferry_list_add(slot, text ? text : "", err);
    case FERRY_OPT_LEVEL:
        *(int *)slot = option->level;
        return text ? parse_int(option, text, slot, err) : 0;
    case FERRY_OPT_INT:
        return parse_int(option, text, slot, err);
    case FERRY_OPT_SIZE:
        return ferry_size_parse(text, slot, err);
    case FERRY_OPT_CHOICE:
        break;
    }
    return parse_choice(option, text, slot, err);
}

static bool is_optional(const struct ferry_opt *option)
{
    return option->type == FERRY_OPT_HOSTS || option->type == FERRY_OPT_LEVEL;
}

/* "  -o, --output FILE"; returns its width. */
static int print_left(const struct ferry_opt *option, char *out, size_t cap)
{
    char letter[8] = "    ";
    int width;

    if (option->letter)
        snprintf(letter, sizeof(letter), "-%c, ", option->letter);
    if (option->type == FERRY_OPT_FLAG)
        width = snprintf(out, cap, "  %s--%s", letter, option->name);
    else
        width = snprintf(out, cap, "  %s--%s%s%s%s", letter, option->name,
                         is_optional(option) ? "[=" : " ", argument_name(option),
                         is_optional(option) ? "]" : "");
    return width;
}

/* Words from column `indent` on, where the cursor is already; ends the line. */
static void print_wrapped(const char *text, int indent)
{
    int column = indent;

    while (*text) {
        int len = (int)strcspn(text, " \n");

        if (column > indent && column + 1 + len > HELP_WIDTH) {
            printf("\n%*s", indent, "");
            column = indent;
        }
        column += printf("%s%.*s", column > indent ? " " : "", len, text);
        text += len;
        if (*text == '\n' && text[1] != '\0') {
            printf("\n%*s", indent, "");
            column = indent;
        }
        if (*text)
            text++;
    }
    putchar('\n');
}

static void print_option(const struct ferry_opt *option, int column)
{
    char left[HELP_WIDTH * 2];
    int width = print_left(option, left, sizeof(left));

    fputs(left, stdout);
    if (width + 2 > column)
        printf("\n%*s", column, "");
    else
        printf("%*s", column - width, "");
    print_wrapped(option->help, column);
}

static void print_help(const struct ferry_program *program)
{
    char left[HELP_WIDTH * 2];
    int column = 0;

    for (const struct ferry_opt *o = program->options; o->name; o++) {
        int width = print_left(o, left, sizeof(left)) + 2;

        if (width > column && width <= HELP_COLUMN)
            column = width;
    }
    for (size_t i = 0; i < FERRY_COUNT(own_options); i++)
        if (print_left(&own_options[i], left, sizeof(left)) + 2 > column)
            column = print_left(&own_options[i], left, sizeof(left)) + 2;
    printf("Usage: %s %s\n", program->name, program->usage);
    print_wrapped(program->summary, 0);
    printf("\nOptions:\n");
    for (const struct ferry_opt *o = program->options; o->name; o++)
        print_option(o, column);
    for (size_t i = 0; i < FERRY_COUNT(own_options); i++)
        print_option(&own_options[i], column);
    printf("\nExit status:\n");
    for (int i = 0; ferry_exit_text(i); i++)
        printf("  %d  %s\n", i, ferry_exit_text(i));
    if (program->epilogue)
        printf("\n%s%s", program->epilogue,
               program->epilogue[strlen(program->epilogue) - 1] == '\n' ? "" : "\n");
}

/* The table in getopt's words. */
struct grammar {
    const struct ferry_opt **options; /* ours, in the order of `longs` */
    struct option *longs;
    char *letters;
    size_t count;
};

static void grammar_release(struct grammar *g)
{
    free(g->options);
    free(g->longs);
    free(g->letters);
}

static void grammar_add(struct grammar *g, const struct ferry_opt *option)
{
    char *letter = g->letters + strlen(g->letters);
    int has_argument = option->type == FERRY_OPT_FLAG ? no_argument
                       : is_optional(option)          ? optional_argument
                                                      : required_argument;

    g->options[g->count] = option;
    g->longs[g->count] = (struct option){ option->name, has_argument, NULL,
                                          LONG_BASE + (int)g->count };
    g->count++;
    if (!option->letter)
        return;
    *letter++ = option->letter;
    for (int i = 0; i < has_argument; i++) /* "x:" required, "x::" optional */
        *letter++ = ':';
}

static int grammar_init(struct grammar *g, const struct ferry_opt *options, struct ferry_err *err)
{
    size_t count = FERRY_COUNT(own_options);

    for (const struct ferry_opt *o = options; o->name; o++)
        count++;
    g->options = calloc(count, sizeof(*g->options));
    g->longs = calloc(count + 1, sizeof(*g->longs));
    g->letters = calloc(count + 1, sizeof("x::"));
    if (!g->options || !g->longs || !g->letters)
        return ferry_fail_memory(err);
    /* '-': operands come in their place, whatever POSIXLY_CORRECT says; ':': we do the complaining
     */
    memcpy(g->letters, "-:", sizeof("-:"));
    for (size_t i = 0; i < FERRY_COUNT(own_options); i++)
        grammar_add(g, &own_options[i]);
    for (const struct ferry_opt *o = options; o->name; o++)
        grammar_add(g, o);
    return 0;
}

/* The option that getopt's return value, a letter or a place, stands for; NULL when none. */
static const struct ferry_opt *find(const struct grammar *g, int value)
{
    if (value >= LONG_BASE)
        return g->options[value - LONG_BASE];
    for (size_t i = 0; i < g->count; i++)
        if (value > 0 && g->options[i]->letter == value)
            return g->options[i];
    return NULL;
}

/* Says what getopt stumbled over; `given` is the word that it read last. */
static int fail_option(const struct grammar *g, int value, const char *given, struct ferry_err *err)
{
    const struct ferry_opt *option = find(g, optopt);
    int len = (int)strcspn(given, "=");
    int like = 0;

    if (value == ':' && option)
        return ferry_fail(err, FERRY_EUSAGE, "--%s: its argument %s is missing", option->name,
                          argument_name(option));
    if (option)
        return ferry_fail(err, FERRY_EUSAGE, "--%s takes no argument", option->name);
    if (optopt != 0)
        return ferry_fail(err, FERRY_EUSAGE, "unknown option -%c", optopt);
    for (size_t i = 0; i < g->count; i++)
        like += len > 2 && strncmp(given + 2, g->options[i]->name, (size_t)len - 2) == 0;
    return ferry_fail(err, FERRY_EUSAGE, "%s option %.*s", like > 1 ? "ambiguous" : "unknown",
                      len < 150 ? len : 150, given);
}

static int print_own(const struct ferry_program *program, const struct ferry_opt *option,
                     struct ferry_err *err)
{
    if (option == &own_options[0])
        print_help(program);
    else
        printf("%s %s\n", program->name, FERRY_VERSION);
    return ferry_stdout_flush(err);
}

static int parse_with(const struct grammar *g, const struct ferry_program *program, int argc,
                      char **argv, void *values, struct ferry_list *operands, bool *done,
                      struct ferry_err *err)
{
    const struct ferry_opt *option;
    int value;

    optind = 0; /* getopt begins anew */
    opterr = 0;
    while ((value = getopt_long(argc, argv, g->letters, g->longs, NULL)) != -1) {
        if (value == '?' || value == ':')
            return fail_option(g, value, argv[optind - 1], err);
        if (value == 1) {
            FERRY_TRY(ferry_list_add(operands, optarg, err));
            continue;
        }
        option = find(g, value);
        if (option >= own_options && option < own_options + FERRY_COUNT(own_options)) {
            *done = true;
            return print_own(program, option, err);
        }
        if (store(option, optarg, values, err) < 0)
            return ferry_wrap(err, "--%s", option->name);
    }
    for (int i = optind; i < argc; i++)
        FERRY_TRY(ferry_list_add(operands, argv[i], err));
    return 0;
}

int ferry_opt_parse(const struct ferry_program *program, int argc, char **argv, void *values,
                    struct ferry_list *operands, bool *done, struct ferry_err *err)
{
    __attribute__((cleanup(grammar_release))) struct grammar g = { 0 };
    struct ferry_err fault;
    int rc;

    *done = false;
    FERRY_TRY(grammar_init(&g, program->options, err));
    rc = parse_with(&g, program, argc, argv, values, operands, done, err);
    if (rc != FERRY_EUSAGE)
        return rc;
    fault = *err;
    return ferry_fail(err, FERRY_EUSAGE, "%.800s (see %s --help)", fault.msg, program->name);
}
