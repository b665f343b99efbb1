#include "format/verify/verify_opts.h"

#include <string.h>

#include "format/archive/archive_files.h"
#include "format/run/common_opts.h"
#include "format/run/output_file.h"
#include "format/run/program.h"
#include "format/run/prompt.h"
#include "format/verify/page.h"
#include "format/verify/verify_report.h"

static const struct ferry_opt options[] = {
    { .name = "list",
      .type = FERRY_OPT_FLAG,
      .offset = offsetof(struct verify_opts, list),
      .help = "print a table of the images as well" },
    { .name = "html",
      .type = FERRY_OPT_TEXT,
      .offset = offsetof(struct verify_opts, html),
      .argument = "FILE",
      .help = "write a page about it that goes with the medium; \"-\" is stdout" },
    { .name = "quick",
      .type = FERRY_OPT_FLAG,
      .offset = offsetof(struct verify_opts, quick),
      .help = "check structure and sizes only, not the bytes of configs and layers" },
    { .name = "deep",
      .type = FERRY_OPT_FLAG,
      .offset = offsetof(struct verify_opts, deep),
      .help = "inflate every layer as well, and check its diffID" },
    FERRY_TRUST_OPTIONS(struct verify_opts),
    FERRY_VOLUME_OPTIONS(struct verify_opts),
    FERRY_OUTPUT_OPTIONS(struct verify_opts),
    { 0 }
};

const struct ferry_program ferry_verify_program = {
    .name = "ociferry-verify",
    .usage = "[OPTION...] ARCHIVE...",
    .summary = "Check offline that archives of container images are whole.",
    .options = options,
    .epilogue = "ARCHIVE is a file, the first of its volumes, a folder with an image layout, or\n"
                "\"-\" for stdin. Several are checked each by itself, and whether they are whole\n"
                "together.\n\n"
                "Example:\n"
                "  ociferry-verify --list --html images.html images.tar\n",
};

static int check_opts(const struct verify_opts *opts, struct ferry_err *err)
{
    bool to_stdout = opts->html && strcmp(opts->html, "-") == 0;
    size_t streams = 0;

    for (size_t i = 0; i < opts->archives.count; i++)
        streams += strcmp(opts->archives.items[i], "-") == 0;
    if (opts->archives.count == 0)
        return ferry_fail(err, FERRY_EUSAGE, "expected an ARCHIVE (see %s --help)",
                          ferry_verify_program.name);
    if (streams > 1)
        return ferry_fail(err, FERRY_EUSAGE, "stdin can be one archive, once");
    if (opts->quick && opts->deep)
        return ferry_fail(err, FERRY_EUSAGE,
                          "--quick and --deep exclude each other (see %s --help)",
                          ferry_verify_program.name);
    if (to_stdout && (opts->json || opts->list))
        return ferry_fail(err, FERRY_EUSAGE,
                          "--html - and --%s cannot both have stdout: give --html a file (see %s "
                          "--help)",
                          opts->json ? "json" : "list", ferry_verify_program.name);
    return 0;
}

void ferry_verify_opts_release(struct verify_opts *opts)
{
    ferry_list_release(&opts->archives);
    ferry_list_release(&opts->trust);
}

int ferry_verify_opts_parse(int argc, char **argv, struct verify_opts *opts, bool *done,
                            struct ferry_err *err)
{
    *opts = (struct verify_opts){ 0 };
    FERRY_TRY(ferry_opt_parse(&ferry_verify_program, argc, argv, opts, &opts->archives, done, err));
    return *done ? 0 : check_opts(opts, err);
}

/* A page in the place of the archive would be the end of it. */
static int check_page(const struct verify_opts *opts, struct ferry_err *err)
{
    for (size_t i = 0; i < opts->archives.count; i++)
        if (ferry_archive_has_file(opts->archives.items[i], opts->html))
            return ferry_fail(err, FERRY_EUSAGE, "--html %s: that is a file of the archive",
                              opts->html);
    return 0;
}

static int write_page(const struct verify_opts *opts, enum ferry_verify_depth depth,
                      const struct ferry_contents *contents, struct ferry_output_file *file,
                      struct ferry_err *err)
{
    FERRY_OWNED_HTML html;
    const struct ferry_page page = { .contents = contents,
                                     .archives = opts->archives.items,
                                     .archive_count = opts->archives.count,
                                     .depth = depth,
                                     .html = &html };

    ferry_html_init(&html);
    ferry_page_write(&page);
    FERRY_TRY(ferry_html_end(&html, err));
    return ferry_output_file_finish(file, html.text.data, html.text.len, err);
}

static int verify(const struct verify_opts *opts, struct ferry_progress *progress, bool *whole,
                  struct ferry_err *err)
{
    FERRY_OWNED(ferry_output_file) page = NULL;
    FERRY_OWNED(ferry_verify_report) report = NULL;
    FERRY_OWNED(ferry_contents) contents = NULL;
    FERRY_OWNED_SIGNATURE_POLICY policy;
    const struct ferry_volume_prompt prompt = { .ask = ferry_prompt_for, .ctx = progress };
    const struct ferry_verify_options how = { .depth = opts->quick  ? FERRY_VERIFY_QUICK
                                                       : opts->deep ? FERRY_VERIFY_DEEP
                                                                    : FERRY_VERIFY_BYTES,
                                              .signature = &policy,
                                              .prompt = opts->volume_prompt ? &prompt : NULL,
                                              .progress = progress };

    FERRY_TRY(
        ferry_signature_policy_open(opts->trust.items, opts->require_signature, &policy, err));
    policy.reports = true;
    if (opts->html) {
        FERRY_TRY(check_page(opts, err));
        FERRY_TRY(ferry_output_file_open(opts->html, &page, err));
    }
    FERRY_TRY(
        ferry_verify_archives(opts->archives.items, opts->archives.count, &how, &report, err));
    *whole = ferry_verify_is_whole(report);
    FERRY_TRY(ferry_contents_new(report, &contents, err));
    FERRY_TRY(ferry_verify_report_print(opts, contents, progress, err));
    return page ? write_page(opts, how.depth, contents, page, err) : 0;
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
    ferry_verify_opts_release(&opts);
    if (rc == 0 && !whole)
        return FERRY_EXIT_VERIFY;
    return ferry_exit_status((enum ferry_code)rc);
}
