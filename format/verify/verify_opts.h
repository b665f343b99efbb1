/*
 * ociferry-verify: its command line, and the program.
 */
#ifndef FERRY_VERIFY_VERIFY_OPTS_H
#define FERRY_VERIFY_VERIFY_OPTS_H

#include "format/run/opt.h"

struct verify_opts {
    struct ferry_list archives;
    const char *html; /* NULL: no page */
    bool list, quick, deep, volume_prompt;
    struct ferry_list trust; /* files of certificates */
    bool require_signature;
    bool quiet, json;
    int progress; /* enum ferry_progress_style */
};

extern const struct ferry_program ferry_verify_program;

/* *done: --help or --version was all that was asked for. Release *opts also after a failure. */
int ferry_verify_opts_parse(int argc, char **argv, struct verify_opts *opts, bool *done,
                            struct ferry_err *err) FERRY_MUST_USE;
void ferry_verify_opts_release(struct verify_opts *opts);

/* The program: an exit status. */
int ferry_verify_main(int argc, char **argv);

#endif
