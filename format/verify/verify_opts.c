#include "format/verify/verify_opts.h"

#include "format/run/common_opts.h"
#include "format/run/program.h"
#include "format/verify/verify_report.h"

static const struct ferry_opt options[] = {
    { .name = "list",
      .type = FERRY_OPT_FLAG,
      .offset = offsetof(struct verify_opts, list),
      .help = "print a table of the images as well" },
    { .name = "quick",
      .type = FERRY_OPT_FLAG,
      .offset = offsetof(struct verify_opts, quick),
      .help = "check structure and sizes only, not the bytes of configs and layers" },
    { .name = "deep",
      .type = FERRY_OPT_FLAG,
      .offset = offsetof(struct verify_opts, deep),
      .help = "inflate every layer as well, and check its diffID" },
    FERRY_OUTPUT_OPTIONS(struct verify_opts),
    { 0 }
};

const struct ferry_program ferry_verify_program = {
    .name = "ociferry-verify",
    .usage = "[OPTION...] ARCHIVE",
    .summary = "Check offline that an archive of container images is whole.",
    .options = options,
    .epilogue = "ARCHIVE is a file, a folder with an image layout, or \"-\" for stdin.\n\n"
                "Example:\n"
                "  ociferry-verify --list images.tar\n",
};

int ferry_verify_opts_parse(int argc, char **argv, struct verify_opts *opts, bool *done,
                            struct ferry_err *err)
{
    struct ferry_list operands = { 0 };
    int rc;

    *opts = (struct verify_opts){ 0 };
    rc = ferry_opt_parse(&ferry_verify_program, argc, argv, opts, &operands, done, err);
    if (rc == 0 && !*done && operands.count != 1)
        rc = ferry_fail(err, FERRY_EUSAGE,
                        "expected one ARCHIVE, found %zu operands (see %s --help)", operands.count,
                        ferry_verify_program.name);
    if (rc == 0 && !*done)
        opts->archive = operands.items[0];
    if (rc == 0 && opts->quick && opts->deep)
        rc = ferry_fail(err, FERRY_EUSAGE, "--quick and --deep exclude each other (see %s --help)",
                        ferry_verify_program.name);
    ferry_list_release(&operands);
    return rc;
}

static int verify(const struct verify_opts *opts, struct ferry_progress *progress, bool *whole,
                  struct ferry_err *err)
{
    FERRY_OWNED(ferry_verify_report) report = NULL;
    FERRY_OWNED(ferry_contents) contents = NULL;
    enum ferry_verify_depth depth = opts->quick  ? FERRY_VERIFY_QUICK
                                    : opts->deep ? FERRY_VERIFY_DEEP
                                                 : FERRY_VERIFY_BYTES;

    FERRY_TRY(ferry_verify_archive(opts->archive, depth, progress, &report, err));
    *whole = report->fault_count == 0;
    FERRY_TRY(ferry_contents_new(report, &contents, err));
    return ferry_verify_report_print(opts, contents, progress, err);
}

int ferry_verify_main(int argc, char **argv)
{
    FERRY_OWNED(ferry_progress) progress = NULL;
    struct verify_opts opts;
    struct ferry_err err = { 0 };
    bool done = false, whole = true;
    int rc = ferry_verify_opts_parse(argc, argv, &opts, &done, &err);

    ferry_program_start();
    if (ferry_progress_new(ferry_verify_program.name, (enum ferry_progress_style)opts.progress,
                           opts.quiet, &progress, &err) < 0)
        return FERRY_EXIT_FAILED;
    if (rc == 0 && !done)
        rc = verify(&opts, progress, &whole, &err);
    if (rc < 0)
        ferry_progress_error(progress, "%s", err.msg);
    if (rc == 0 && !whole)
        return FERRY_EXIT_VERIFY;
    return ferry_exit_status((enum ferry_code)rc);
}
