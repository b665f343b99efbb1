#include "import/verify_first.h"

#include <string.h>
#include <sys/stat.h>

#include "format/verify/verify.h"

/* A pipe would be empty afterwards. What is not there may be the name of volumes. */
static int check_readable_twice(const char *path, struct ferry_err *err)
{
    struct stat st;

    if (strcmp(path, "-") == 0 ||
        (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
        return ferry_fail(
            err, FERRY_EUSAGE,
            "--verify-first: %s can be read only once: save it to a file and give that",
            strcmp(path, "-") == 0 ? "stdin" : path);
    return 0;
}

static void say_faults(const struct ferry_verify_report *report, struct ferry_progress *progress)
{
    for (size_t i = 0; i < report->fault_count; i++)
        if (!report->faults[i].is_healed) /* what is healed is said when it is met again */
            ferry_progress_error(progress, "%s", report->faults[i].text);
}

int ferry_verify_first(const struct import_opts *opts, const struct ferry_signature_policy *policy,
                       const struct ferry_volume_prompt *prompt, struct ferry_progress *progress,
                       struct ferry_err *err)
{
    FERRY_OWNED(ferry_verify_report) report = NULL;
    struct ferry_signature_policy reporting = *policy;
    const struct ferry_verify_options how = {
        .depth = FERRY_VERIFY_BYTES, .signature = &reporting, .prompt = prompt, .progress = progress
    };

    reporting.reports = true;
    for (size_t i = 0; i < opts->archives.count; i++)
        FERRY_TRY(check_readable_twice(opts->archives.items[i], err));
    FERRY_TRY(
        ferry_verify_archives(opts->archives.items, opts->archives.count, &how, &report, err));
    if (ferry_verify_is_whole(report))
        return 0;
    say_faults(report, progress);
    return ferry_fail(err, FERRY_EDIGEST, "%s not whole: nothing was sent",
                      opts->archives.count == 1 ? "the archive is" : "the archives are");
}
