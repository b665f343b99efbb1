#include "export/export_opts.h"

#include <string.h>

#include "format/oci/index.h"
#include "format/oci/mapping.h"
#include "format/run/common_opts.h"

static const struct ferry_opt options[] = {
    { .letter = 'o',
      .name = "output",
      .type = FERRY_OPT_TEXT,
      .offset = offsetof(struct export_opts, output),
      .argument = "FILE",
      .help = "write the archive to FILE; \"-\" is stdout" },
    { .letter = 'f',
      .name = "file",
      .type = FERRY_OPT_LIST,
      .offset = offsetof(struct export_opts, files),
      .argument = "FILE",
      .help = "take more references from FILE, one a line (\"-\" is stdin); of a line SRC DST or "
              "SRC=DST the source is taken" },
    { .name = "ref-name",
      .type = FERRY_OPT_CHOICE,
      .offset = offsetof(struct export_opts, ref_name),
      .choices = "tag|full",
      .help = "what org.opencontainers.image.ref.name holds, by which other tools select an image: "
              "its tag (the default) or its full name" },
    { .name = "force",
      .type = FERRY_OPT_FLAG,
      .offset = offsetof(struct export_opts, force),
      .help = "replace an existing archive, when the new one is complete" },
    FERRY_WIRE_OPTIONS(struct export_opts),
    FERRY_OUTPUT_OPTIONS(struct export_opts),
    { 0 }
};

const struct ferry_program ferry_export_program = {
    .name = "ociferry-export",
    .usage = "[OPTION...] -o FILE REF...",
    .summary = "Stream container images from registries into one OCI-layout archive.",
    .options = options,
    .epilogue = "REF is [HOST[:PORT]/]REPOSITORY[:TAG | @DIGEST]; short names mean docker.io.\n\n"
                "Example:\n"
                "  ociferry-export -o images.tar debian:12 quay.io/prometheus/prometheus:v2.53.0\n",
};

void ferry_export_opts_release(struct export_opts *opts)
{
    ferry_list_release(&opts->files);
    ferry_list_release(&opts->plain_http);
    ferry_list_release(&opts->insecure);
    free(opts->refs);
}

static int add_ref(struct export_opts *opts, const char *text, size_t *room, struct ferry_err *err)
{
    struct ferry_reference ref;

    FERRY_TRY(ferry_reference_parse(text, &ref, err));
    FERRY_TRY(ferry_grow((void **)&opts->refs, opts->ref_count, room, sizeof(*opts->refs), err));
    opts->refs[opts->ref_count++] = ref;
    return 0;
}

static int add_file(struct export_opts *opts, const char *path, size_t *room, struct ferry_err *err)
{
    FERRY_OWNED(ferry_mapping) mapping = NULL;

    FERRY_TRY(ferry_mapping_read(path, &mapping, err));
    for (size_t i = 0; i < mapping->count; i++)
        if (add_ref(opts, mapping->lines[i].source, room, err) < 0)
            return ferry_wrap(err, "%s: line %zu", mapping->name, mapping->lines[i].number);
    return 0;
}

static int compare_refs(const void *a, const void *b)
{
    const struct ferry_reference *x = *(const struct ferry_reference *const *)a;
    const struct ferry_reference *y = *(const struct ferry_reference *const *)b;
    char text[2][FERRY_REFERENCE_TEXT_MAX];

    ferry_reference_format(x, text[0]);
    ferry_reference_format(y, text[1]);
    return strcmp(text[0], text[1]);
}

/* Drops references that were given before, and keeps the order of the others. */
static int drop_repeated(struct export_opts *opts, struct ferry_err *err)
{
    FERRY_OWNED_MEM const struct ferry_reference **sorted = calloc(opts->ref_count,
                                                                   sizeof(*sorted));
    FERRY_OWNED_MEM bool *repeated = calloc(opts->ref_count, sizeof(*repeated));
    size_t kept = 0;

    if (!sorted || !repeated)
        return ferry_fail_memory(err);
    for (size_t i = 0; i < opts->ref_count; i++)
        sorted[i] = &opts->refs[i];
    qsort(sorted, opts->ref_count, sizeof(*sorted), compare_refs);
    for (size_t i = 1; i < opts->ref_count; i++) {
        if (compare_refs(&sorted[i - 1], &sorted[i]) != 0)
            continue;
        /* Of two alike the earlier one stays, and is compared with the next. */
        if (sorted[i] < sorted[i - 1]) {
            const struct ferry_reference *later = sorted[i - 1];

            sorted[i - 1] = sorted[i];
            sorted[i] = later;
        }
        repeated[sorted[i] - opts->refs] = true;
        sorted[i] = sorted[i - 1];
    }
    for (size_t i = 0; i < opts->ref_count; i++)
        if (!repeated[i])
            opts->refs[kept++] = opts->refs[i];
    opts->ref_count = kept;
    return 0;
}

static int check(const struct export_opts *opts, struct ferry_err *err)
{
    if (opts->quiet && opts->wire.verbose)
        return ferry_fail(err, FERRY_EUSAGE, "--quiet and --verbose contradict each other");
    if (opts->ref_count == 0)
        return ferry_fail(err, FERRY_EUSAGE, "no image named (see %s --help)",
                          ferry_export_program.name);
    if (!opts->output && !opts->dry_run)
        return ferry_fail(err, FERRY_EUSAGE, "-o FILE is missing (see %s --help)",
                          ferry_export_program.name);
    if (opts->json && opts->output && strcmp(opts->output, "-") == 0 && !opts->dry_run)
        return ferry_fail(err, FERRY_EUSAGE,
                          "--json and -o - both want stdout: write the archive to a file");
    return 0;
}

int ferry_export_opts_parse(int argc, char **argv, struct export_opts *opts, bool *done,
                            struct ferry_err *err)
{
    struct ferry_list operands = { 0 };
    size_t room = 0;
    int rc;

    *opts = (struct export_opts){ .jobs = FERRY_JOBS_DEFAULT,
                                  .wire = { .user_agent = "ociferry/" FERRY_VERSION,
                                            .retries = FERRY_RETRIES_DEFAULT,
                                            .stall_seconds = FERRY_TIMEOUT_DEFAULT } };
    rc = ferry_opt_parse(&ferry_export_program, argc, argv, opts, &operands, done, err);
    for (size_t i = 0; rc == 0 && !*done && i < operands.count; i++)
        rc = add_ref(opts, operands.items[i], &room, err);
    ferry_list_release(&operands);
    for (size_t i = 0; rc == 0 && !*done && i < opts->files.count; i++)
        rc = add_file(opts, opts->files.items[i], &room, err);
    if (rc < 0 || *done)
        return rc;
    opts->wire.plain_http = opts->plain_http.items;
    opts->wire.insecure = opts->insecure.items;
    FERRY_TRY(check(opts, err));
    return drop_repeated(opts, err);
}
