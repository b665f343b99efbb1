/*
 * The command line of ociferry-export: its table, and the struct that it fills.
 */
#ifndef FERRY_EXPORT_EXPORT_OPTS_H
#define FERRY_EXPORT_EXPORT_OPTS_H

#include "export/select.h"
#include "format/run/opt.h"

struct export_opts {
    const char *output;
    struct ferry_list files, images_from, platform_texts, release_texts;
    struct ferry_platform *platforms; /* of these texts */
    struct ferry_reference *releases; /* likewise */
    int ref_name;                     /* enum ferry_ref_name */
    int zstd_level;                   /* 0: the archive is not compressed */
    struct ferry_list bases;
    const char *save_base;
    bool no_referrers;
    bool foreign_layers;
    struct ferry_list sign_certs, sign_keys, sign_pass_files;
    bool verify_after_write;
    bool force, keep_going;
    int64_t volume_size; /* 0: one file */
    bool dry_run, quiet, json;
    int progress; /* enum ferry_progress_style */
    int jobs;
    struct ferry_session_options wire;
    struct ferry_list plain_http, insecure;
    struct ferry_selections selections; /* operands, then files, then images_from */
};

extern const struct ferry_program ferry_export_program;

/* *done: --help or --version was all that was asked for. Release *opts also after a failure. */
int ferry_export_opts_parse(int argc, char **argv, struct export_opts *opts, bool *done,
                            struct ferry_err *err) FERRY_MUST_USE;
void ferry_export_opts_release(struct export_opts *opts);

#endif
