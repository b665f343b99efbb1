/*
 * The command line of ociferry-import: its table, and the struct that it fills.
 */
#ifndef FERRY_IMPORT_IMPORT_OPTS_H
#define FERRY_IMPORT_IMPORT_OPTS_H

#include "format/oci/mapping.h"
#include "format/oci/reference.h"
#include "format/registry/session.h"
#include "format/run/opt.h"

/* What to push where an index lists what the archive leaves out (SPEC 5.6). */
enum ferry_sparse {
    FERRY_SPARSE_AUTO, /* the index; where the registry minds, one without what is not there */
    FERRY_SPARSE_KEEP, /* the index */
    FERRY_SPARSE_TRIM, /* an index without what is not there */
    FERRY_SPARSE_FAIL  /* nothing */
};

struct import_opts {
    struct ferry_list archives;
    struct ferry_reference destination; /* registry, and a repository or prefix; a tag where DEST
                                           names one */
    struct ferry_list images;           /* globs */
    struct ferry_list maps;             /* SRC=DST */
    const char *file;
    struct ferry_mapping *mapping; /* of `file` */
    bool keep_registry;
    struct ferry_list trust; /* files of certificates */
    bool require_signature;
    bool verify_first;
    int max_depth;             /* components of a repository; 0: no limit */
    struct ferry_list configs; /* KIND=FILE */
    int sparse;                /* enum ferry_sparse */
    const char *report;
    bool volume_prompt;
    int64_t chunk_size; /* 0: no limit */
    bool dry_run, quiet, json;
    int progress; /* enum ferry_progress_style */
    int jobs;
    struct ferry_session_options wire;
    struct ferry_list plain_http, insecure;
};

extern const struct ferry_program ferry_import_program;

/* HOST[:PORT][/PREFIX] or HOST[:PORT]/REPOSITORY:TAG. */
int ferry_destination_parse(const char *text, struct ferry_reference *out,
                            struct ferry_err *err) FERRY_MUST_USE;

/* *done: --help or --version was all that was asked for. Release *opts also after a failure. */
int ferry_import_opts_parse(int argc, char **argv, struct import_opts *opts, bool *done,
                            struct ferry_err *err) FERRY_MUST_USE;
void ferry_import_opts_release(struct import_opts *opts);

#endif
