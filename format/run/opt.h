/*
 * Command lines: one table of options serves the parser, --help and the man-page test.
 *
 * What it is: getopt_long with types. Options may stand before or after operands; "--" ends them.
 * Given twice, an option that is not repeatable has its last value.
 * Owns: texts point into argv and live as long as it does; lists are freed with ferry_list_release,
 * also after a failure.
 * Fails: FERRY_EUSAGE naming the option and its value, and "(see PROGRAM --help)". What follows '='
 * in an option that is not known is left out of the message: it may be a password.
 * Threads: one at a time (getopt's state is global).
 */
#ifndef FERRY_RUN_OPT_H
#define FERRY_RUN_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/core/err.h"

/* A NULL-ended list of borrowed texts. Zeroed is empty. */
struct ferry_list {
    const char **items; /* NULL when empty */
    size_t count;
    size_t room;
};

int ferry_list_add(struct ferry_list *list, const char *text, struct ferry_err *err) FERRY_MUST_USE;
void ferry_list_release(struct ferry_list *list);

enum ferry_opt_type {
    FERRY_OPT_FLAG,  /* bool */
    FERRY_OPT_TEXT,  /* const char * */
    FERRY_OPT_LIST,  /* struct ferry_list; repeatable */
    FERRY_OPT_HOSTS, /* struct ferry_list; argument optional (=HOST), "" when absent; repeatable */
    FERRY_OPT_INT,   /* int, within [low, high] */
    FERRY_OPT_LEVEL, /* the same; argument optional (=N), `level` when absent */
    FERRY_OPT_SIZE,  /* int64_t bytes, > 0: 4G, 700MiB, 65536 (K, M, G, T are powers of 1024,
                        KB, MB, GB, TB of 1000) */
    FERRY_OPT_CHOICE /* int: the place of the word in `choices`, "tag|full" */
};

struct ferry_opt {
    char letter;      /* 0: long only */
    const char *name; /* NULL ends the table */
    enum ferry_opt_type type;
    size_t offset;        /* of the variable in the options struct */
    const char *argument; /* its name in the help, "FILE"; NULL for a flag */
    const char *help;     /* one line or more, '\n' between them */
    int low, high;        /* FERRY_OPT_INT, FERRY_OPT_LEVEL */
    int level;
    const char *choices; /* FERRY_OPT_CHOICE; stands for `argument` in the help if that is NULL */
};

struct ferry_program {
    const char *name;                /* "ociferry-export" */
    const char *usage;               /* "[OPTION...] REF..." */
    const char *summary;             /* one sentence */
    const struct ferry_opt *options; /* -h and --version are added by the parser */
    const char *epilogue;            /* after the exit statuses: an example; or NULL */
};

/*
 * Fills the struct at `values` (preset with defaults by the caller) and *operands. On --help or
 * --version prints to stdout and sets *done. The exit statuses are printed after the options.
 */
int ferry_opt_parse(const struct ferry_program *program, int argc, char **argv, void *values,
                    struct ferry_list *operands, bool *done, struct ferry_err *err) FERRY_MUST_USE;

/* "4G", "700MiB" -> bytes, > 0. FERRY_EUSAGE quoting `text`. */
int ferry_size_parse(const char *text, int64_t *out, struct ferry_err *err) FERRY_MUST_USE;

#endif
