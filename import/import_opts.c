#include "import/import_opts.h"

#include <stdio.h>
#include <string.h>

#include "format/archive/archive_files.h"
#include "format/core/blob_file.h"
#include "format/run/common_opts.h"
#include "import/cluster_config.h"

static const struct ferry_opt options[] = {
    { .name = "image",
      .type = FERRY_OPT_LIST,
      .offset = offsetof(struct import_opts, images),
      .argument = "GLOB",
      .help = "only the images whose name matches; repeatable" },
    { .letter = 'f',
      .name = "file",
      .type = FERRY_OPT_TEXT,
      .offset = offsetof(struct import_opts, file),
      .argument = "FILE",
      .help = "lines SRC DST... or SRC=DST: import only these images, there (\"-\" is stdin)" },
    { .name = "map",
      .type = FERRY_OPT_LIST,
      .offset = offsetof(struct import_opts, maps),
      .argument = "SRC=DST",
      .help = "names that begin with SRC go to DST below the destination; repeatable, the longest "
              "SRC wins" },
    { .name = "keep-registry",
      .type = FERRY_OPT_FLAG,
      .offset = offsetof(struct import_opts, keep_registry),
      .help = "put the name of the source registry in front of the path" },
    { .name = "max-depth",
      .type = FERRY_OPT_INT,
      .offset = offsetof(struct import_opts, max_depth),
      .argument = "N",
      .help = "join the last components of a longer path with hyphens, so that N are left",
      .low = 1,
      .high = 128 },
    { .name = "write-config",
      .type = FERRY_OPT_LIST,
      .offset = offsetof(struct import_opts, configs),
      .argument = "KIND=FILE",
      .help = "write what leads a cluster to the images: idms, itms, icsp, registries.conf, or "
              "hosts.toml (FILE is a folder); repeatable" },
    { .name = "verify-first",
      .type = FERRY_OPT_FLAG,
      .offset = offsetof(struct import_opts, verify_first),
      .help =
          "check every byte of the archive, as ociferry-verify does, before the first request" },
    { .name = "chunk-size",
      .type = FERRY_OPT_SIZE,
      .offset = offsetof(struct import_opts, chunk_size),
      .argument = "SIZE",
      .help = "upload in chunks of at most SIZE" },
    { .name = "sparse",
      .type = FERRY_OPT_CHOICE,
      .offset = offsetof(struct import_opts, sparse),
      .choices = "auto|keep|trim|fail",
      .help = "what to push where an index lists manifests that the archive leaves out: the index "
              "(keep), one without them (trim), nothing (fail), or what the registry takes (auto, "
              "the default)" },
    { .name = "report",
      .type = FERRY_OPT_TEXT,
      .offset = offsetof(struct import_opts, report),
      .argument = "FILE",
      .help = "write what was done with every image to FILE, as JSON" },
    FERRY_TRUST_OPTIONS(struct import_opts),
    FERRY_VOLUME_OPTIONS(struct import_opts),
    FERRY_WIRE_OPTIONS(struct import_opts),
    FERRY_OUTPUT_OPTIONS(struct import_opts),
    { 0 }
};

const struct ferry_program ferry_import_program = {
    .name = "ociferry-import",
    .usage = "[OPTION...] ARCHIVE... DEST",
    .summary = "Stream the images of archives into a registry.",
    .options = options,
    .epilogue =
        "ARCHIVE is a file, the first of its volumes, a folder with an image layout, or\n"
        "\"-\" for stdin; of several, each blob is taken from one that has it right. DEST is\n"
        "HOST[:PORT][/PREFIX], or HOST[:PORT]/REPOSITORY:TAG for a single image.\n\n"
        "Example:\n"
        "  ociferry-import images.tar registry.internal:5000/mirror\n",
};

void ferry_import_opts_release(struct import_opts *opts)
{
    ferry_list_release(&opts->archives);
    ferry_list_release(&opts->images);
    ferry_list_release(&opts->maps);
    ferry_list_release(&opts->trust);
    ferry_list_release(&opts->configs);
    ferry_list_release(&opts->plain_http);
    ferry_list_release(&opts->insecure);
    ferry_mapping_free(opts->mapping);
}

/* A colon behind the first slash begins a tag. */
int ferry_destination_parse(const char *text, struct ferry_reference *out, struct ferry_err *err)
{
    const char *slash = strchr(text, '/');
    const char *colon = slash ? strchr(slash, ':') : NULL;
    FERRY_OWNED_MEM char *prefix = NULL;

    if (strstr(text, "://"))
        return ferry_fail(err, FERRY_EUSAGE, "\"%.300s\" is not a destination: %s", text,
                          FERRY_REFERENCE_NO_SCHEME);
    FERRY_TRY(
        ferry_text(&prefix, err, "%.*s", colon ? (int)(colon - text) : (int)strlen(text), text));
    FERRY_TRY(ferry_reference_parse_prefix(prefix, out, err));
    if (!colon)
        return 0;
    if (!ferry_tag_valid(colon + 1) || !out->repository[0])
        return ferry_fail(err, FERRY_EUSAGE,
                          "\"%.300s\" is not a destination: expected HOST[:PORT][/PREFIX] or "
                          "HOST[:PORT]/REPOSITORY:TAG",
                          text);
    snprintf(out->tag, sizeof(out->tag), "%s", colon + 1);
    return 0;
}

static int take_operands(struct import_opts *opts, const struct ferry_list *operands,
                         struct ferry_err *err)
{
    if (operands->count < 2)
        return ferry_fail(err, FERRY_EUSAGE, "expected ARCHIVE... and DEST (see %s --help)",
                          ferry_import_program.name);
    for (size_t i = 0; i + 1 < operands->count; i++)
        FERRY_TRY(ferry_list_add(&opts->archives, operands->items[i], err));
    return ferry_destination_parse(operands->items[operands->count - 1], &opts->destination, err);
}

/* Kinds of configuration, and that each has a file of its own. */
static int check_configs(const struct import_opts *opts, struct ferry_err *err)
{
    for (size_t i = 0; i < opts->configs.count; i++) {
        enum ferry_config_kind kind;
        const char *path, *other;

        FERRY_TRY(ferry_config_parse(opts->configs.items[i], &kind, &path, err));
        if (strcmp(path, "-") == 0 && kind == FERRY_CONFIG_HOSTS_TOML)
            return ferry_fail(err, FERRY_EUSAGE,
                              "--write-config hosts.toml=-: expected a folder, for a file of each "
                              "source registry");
        if (strcmp(path, "-") == 0 && opts->json)
            return ferry_fail(err, FERRY_EUSAGE, "--write-config %s: stdout is for --json",
                              opts->configs.items[i]);
        for (size_t k = 0; k < i; k++) {
            FERRY_TRY(ferry_config_parse(opts->configs.items[k], &kind, &other, err));
            if (strcmp(path, other) == 0 && strcmp(path, "-") != 0)
                return ferry_fail(err, FERRY_EUSAGE, "--write-config: %s is named twice", path);
        }
    }
    return 0;
}

/* No stream for two, and one word on where images go. */
static int check_choice(const struct import_opts *opts, struct ferry_err *err)
{
    size_t streams = opts->file && strcmp(opts->file, "-") == 0;

    for (size_t i = 0; i < opts->archives.count; i++)
        streams += strcmp(opts->archives.items[i], "-") == 0;
    if (streams > 1)
        return ferry_fail(err, FERRY_EUSAGE, "stdin can be one archive or the list of -f, once");
    if (opts->report && strcmp(opts->report, "-") == 0)
        return ferry_fail(err, FERRY_EUSAGE, "--report -: expected a file; for stdout use --json");
    if (opts->destination.tag[0] && (opts->file || opts->maps.count > 0 || opts->keep_registry))
        return ferry_fail(err, FERRY_EUSAGE,
                          "a destination with a tag says where the one image goes, and so does %s: "
                          "give one",
                          opts->file             ? "--file"
                          : opts->maps.count > 0 ? "--map"
                                                 : "--keep-registry");
    return 0;
}

/* What is read is not written over. */
static int check_result(const struct import_opts *opts, const char *option, const char *path,
                        struct ferry_err *err)
{
    const char *what = NULL;

    for (size_t i = 0; i < opts->archives.count; i++)
        if (ferry_archive_has_file(opts->archives.items[i], path))
            what = "a file of the archive";
    for (size_t i = 0; i < opts->trust.count; i++)
        if (ferry_file_is_same(path, opts->trust.items[i]))
            what = "a file of --trust";
    if (opts->file && ferry_file_is_same(path, opts->file))
        what = "the list of -f";
    return what ? ferry_fail(err, FERRY_EUSAGE, "%s %s: that is %s", option, path, what) : 0;
}

static int check_results(const struct import_opts *opts, struct ferry_err *err)
{
    if (opts->report)
        FERRY_TRY(check_result(opts, "--report", opts->report, err));
    for (size_t i = 0; i < opts->configs.count; i++) {
        enum ferry_config_kind kind;
        const char *path;

        FERRY_TRY(ferry_config_parse(opts->configs.items[i], &kind, &path, err));
        FERRY_TRY(check_result(opts, "--write-config", path, err));
        if (opts->report && strcmp(path, opts->report) == 0)
            return ferry_fail(err, FERRY_EUSAGE, "--report, --write-config: %s is named twice",
                              path);
    }
    return 0;
}

int ferry_import_opts_parse(int argc, char **argv, struct import_opts *opts, bool *done,
                            struct ferry_err *err)
{
    struct ferry_list operands = { 0 };
    int rc;

    *opts = (struct import_opts){ .jobs = FERRY_JOBS_DEFAULT,
                                  .wire = { .user_agent = "ociferry/" FERRY_VERSION,
                                            .retries = FERRY_RETRIES_DEFAULT } };
    rc = ferry_opt_parse(&ferry_import_program, argc, argv, opts, &operands, done, err);
    if (rc == 0 && !*done)
        rc = take_operands(opts, &operands, err);
    ferry_list_release(&operands);
    if (rc < 0 || *done)
        return rc;
    opts->wire.plain_http = opts->plain_http.items;
    opts->wire.insecure = opts->insecure.items;
    if (opts->quiet && opts->wire.verbose)
        return ferry_fail(err, FERRY_EUSAGE, "--quiet and --verbose contradict each other");
    FERRY_TRY(check_configs(opts, err));
    FERRY_TRY(check_choice(opts, err));
    FERRY_TRY(check_results(opts, err));
    return opts->file ? ferry_mapping_read(opts->file, &opts->mapping, err) : 0;
}
