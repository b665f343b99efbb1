#include "export/export_opts.h"

#include <inttypes.h>
#include <string.h>

#include "format/archive/zstd_writer.h"
#include "format/core/blob_file.h"
#include "format/oci/index.h"
#include "format/run/common_opts.h"

#define VOLUME_SIZE_MIN ((int64_t)1024 * 1024)

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
              "SRC=DST, as of oc image mirror, the source is taken" },
    { .name = "images-from",
      .type = FERRY_OPT_LIST,
      .offset = offsetof(struct export_opts, images_from),
      .argument = "FILE",
      .help = "take the images that the Kubernetes objects in FILE name (\"-\" is stdin): YAML or "
              "JSON, as of helm template" },
    { .name = "openshift-release",
      .type = FERRY_OPT_LIST,
      .offset = offsetof(struct export_opts, release_texts),
      .argument = "REF",
      .help = "take the release payload REF of OpenShift and all images that it is made of, with "
              "the tags that oc adm release mirror gives them; repeatable" },
    { .name = "platform",
      .type = FERRY_OPT_LIST,
      .offset = offsetof(struct export_opts, platform_texts),
      .argument = "OS/ARCH[/VARIANT]",
      .help = "of an image for several platforms take this one, as linux/amd64 or linux/arm/v7; "
              "repeatable (default: all)" },
    { .name = "no-referrers",
      .type = FERRY_OPT_FLAG,
      .offset = offsetof(struct export_opts, no_referrers),
      .help = "leave behind what belongs to the images: signatures, attestations, SBOMs and other "
              "referrers" },
    { .name = "ref-name",
      .type = FERRY_OPT_CHOICE,
      .offset = offsetof(struct export_opts, ref_name),
      .choices = "tag|full",
      .help = "what org.opencontainers.image.ref.name holds, by which other tools select an image: "
              "its tag (the default) or its full name" },
    { .name = "foreign-layers",
      .type = FERRY_OPT_FLAG,
      .offset = offsetof(struct export_opts, foreign_layers),
      .help =
          "take along layers that images name by URLs, as those of Windows, from the registry or "
          "from there; without it they are left out" },
    { .name = "base",
      .type = FERRY_OPT_LIST,
      .offset = offsetof(struct export_opts, bases),
      .argument = "ARCHIVE",
      .help =
          "leave out the layers that this earlier archive has, or whose --save-base folder this "
          "is; repeatable" },
    { .name = "save-base",
      .type = FERRY_OPT_TEXT,
      .offset = offsetof(struct export_opts, save_base),
      .argument = "FOLDER",
      .help = "write to FOLDER what a later --base needs to know of this archive" },
    { .name = "zstd",
      .type = FERRY_OPT_LEVEL,
      .offset = offsetof(struct export_opts, zstd_level),
      .argument = "LEVEL",
      .help = "compress the archive as a whole, from 1 (fast) to 19 (small); 3 where no LEVEL is "
              "given. Layers are compressed already",
      .low = 1,
      .high = FERRY_ZSTD_HIGHEST,
      .level = FERRY_ZSTD_STANDARD },
    { .name = "sign-cert",
      .type = FERRY_OPT_LIST,
      .offset = offsetof(struct export_opts, sign_certs),
      .argument = "PEM",
      .help = "sign the archive with the first certificate in PEM, and put the others along; "
              "repeatable, each with its key" },
    { .name = "sign-key",
      .type = FERRY_OPT_LIST,
      .offset = offsetof(struct export_opts, sign_keys),
      .argument = "PEM",
      .help = "the private key of that certificate (RSA or ECDSA)" },
    { .name = "sign-pass-file",
      .type = FERRY_OPT_LIST,
      .offset = offsetof(struct export_opts, sign_pass_files),
      .argument = "FILE",
      .help = "its passphrase is the first line of FILE; without it the terminal is asked" },
    { .name = "volume-size",
      .type = FERRY_OPT_SIZE,
      .offset = offsetof(struct export_opts, volume_size),
      .argument = "SIZE",
      .help = "cut the archive into volumes of SIZE, FILE.001, FILE.002 and so on, with their sums "
              "in FILE.sha256 (at least 1M; 4095M for FAT)" },
    { .name = "verify-after-write",
      .type = FERRY_OPT_FLAG,
      .offset = offsetof(struct export_opts, verify_after_write),
      .help = "read the archive back from the medium before it takes its name, and compare" },
    { .name = "keep-going",
      .type = FERRY_OPT_FLAG,
      .offset = offsetof(struct export_opts, keep_going),
      .help = "leave out images that cannot be had, and export the others (exit status 6)" },
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
    .epilogue =
        "REF is [HOST[:PORT]/]REPOSITORY[:TAG | :GLOB | @DIGEST]; short names mean docker.io. A\n"
        "GLOB (* ? [...]) takes all tags that it matches, \"REPOSITORY:*\" all there are.\n\n"
        "Examples:\n"
        "  ociferry-export -o images.tar debian:12 quay.io/prometheus/prometheus:v2.53.0\n"
        "  helm template CHART | ociferry-export -o images.tar --images-from -\n",
};

void ferry_export_opts_release(struct export_opts *opts)
{
    ferry_list_release(&opts->files);
    ferry_list_release(&opts->images_from);
    ferry_list_release(&opts->sign_certs);
    ferry_list_release(&opts->sign_keys);
    ferry_list_release(&opts->sign_pass_files);
    ferry_list_release(&opts->plain_http);
    ferry_list_release(&opts->insecure);
    ferry_selections_release(&opts->selections);
    ferry_list_release(&opts->platform_texts);
    ferry_list_release(&opts->bases);
    ferry_list_release(&opts->release_texts);
    free(opts->platforms);
    free(opts->releases);
}

static int take_platforms(struct export_opts *opts, struct ferry_err *err)
{
    opts->platforms = calloc(opts->platform_texts.count + 1, sizeof(*opts->platforms));
    if (!opts->platforms)
        return ferry_fail_memory(err);
    for (size_t i = 0; i < opts->platform_texts.count; i++)
        if (ferry_platform_parse(opts->platform_texts.items[i], &opts->platforms[i], err) < 0)
            return ferry_wrap(err, "--platform");
    return 0;
}

static int take_releases(struct export_opts *opts, struct ferry_err *err)
{
    opts->releases = calloc(opts->release_texts.count + 1, sizeof(*opts->releases));
    if (!opts->releases)
        return ferry_fail_memory(err);
    for (size_t i = 0; i < opts->release_texts.count; i++)
        if (ferry_reference_parse(opts->release_texts.items[i], &opts->releases[i], err) < 0)
            return ferry_wrap(err, "--openshift-release");
    return 0;
}

/* Volumes are files, and no more than can be counted by hand. */
static int check_volumes(const struct export_opts *opts, struct ferry_err *err)
{
    if (opts->volume_size == 0)
        return 0;
    if (opts->volume_size < VOLUME_SIZE_MIN)
        return ferry_fail(err, FERRY_EUSAGE,
                          "--volume-size: expected at least 1M, found %" PRId64 " bytes",
                          opts->volume_size);
    if (opts->output && strcmp(opts->output, "-") == 0)
        return ferry_fail(err, FERRY_EUSAGE,
                          "--volume-size and -o -: volumes are files: name one with -o");
    return 0;
}

/* What is read is not written over. */
static int check_output(const struct export_opts *opts, struct ferry_err *err)
{
    const struct ferry_list *const read[] = { &opts->files, &opts->images_from, &opts->sign_certs,
                                              &opts->sign_keys, &opts->sign_pass_files };

    for (size_t i = 0; opts->output && i < FERRY_COUNT(read); i++)
        for (size_t k = 0; k < read[i]->count; k++)
            if (ferry_file_is_same(opts->output, read[i]->items[k]))
                return ferry_fail(err, FERRY_EUSAGE, "-o %s: that is a file which is read here",
                                  opts->output);
    return 0;
}

static int check(const struct export_opts *opts, struct ferry_err *err)
{
    if (opts->quiet && opts->wire.verbose)
        return ferry_fail(err, FERRY_EUSAGE, "--quiet and --verbose contradict each other");
    if (opts->selections.count == 0 && opts->release_texts.count == 0)
        return ferry_fail(err, FERRY_EUSAGE, "no image named (see %s --help)",
                          ferry_export_program.name);
    if (!opts->output && !opts->dry_run)
        return ferry_fail(err, FERRY_EUSAGE, "-o FILE is missing (see %s --help)",
                          ferry_export_program.name);
    if (opts->json && opts->output && strcmp(opts->output, "-") == 0 && !opts->dry_run)
        return ferry_fail(err, FERRY_EUSAGE,
                          "--json and -o - both want stdout: write the archive to a file");
    if (opts->verify_after_write && opts->output && strcmp(opts->output, "-") == 0)
        return ferry_fail(
            err, FERRY_EUSAGE,
            "--verify-after-write: stdout cannot be read back: verify what becomes of "
            "it where it ends");
    FERRY_TRY(check_output(opts, err));
    return check_volumes(opts, err);
}

/* Who signs: pairs, and passphrases for their keys. */
static int check_signers(const struct export_opts *opts, struct ferry_err *err)
{
    if (opts->sign_certs.count != opts->sign_keys.count)
        return ferry_fail(err, FERRY_EUSAGE,
                          "--sign-cert and --sign-key go in pairs: found %zu and %zu",
                          opts->sign_certs.count, opts->sign_keys.count);
    if (opts->sign_pass_files.count > opts->sign_keys.count)
        return ferry_fail(err, FERRY_EUSAGE, "--sign-pass-file %s: there is no --sign-key for it",
                          opts->sign_pass_files.items[opts->sign_keys.count]);
    return 0;
}

/* Of all files that are read, one alone can be stdin. */
static int check_stdin(const struct export_opts *opts, struct ferry_err *err)
{
    size_t count = 0;

    for (size_t i = 0; i < opts->files.count; i++)
        count += strcmp(opts->files.items[i], "-") == 0;
    for (size_t i = 0; i < opts->images_from.count; i++)
        count += strcmp(opts->images_from.items[i], "-") == 0;
    for (size_t i = 0; i < opts->bases.count; i++)
        count += strcmp(opts->bases.items[i], "-") == 0;
    if (count > 1)
        return ferry_fail(err, FERRY_EUSAGE,
                          "stdin (\"-\") can be read once: give the others of -f, --images-from "
                          "and --base a file");
    return 0;
}

/* What the operands and the files name. */
static int gather(struct export_opts *opts, const struct ferry_list *operands,
                  struct ferry_err *err)
{
    FERRY_TRY(check_stdin(opts, err));
    for (size_t i = 0; i < operands->count; i++)
        FERRY_TRY(ferry_selections_add(&opts->selections, operands->items[i], NULL, err));
    for (size_t i = 0; i < opts->files.count; i++)
        FERRY_TRY(ferry_selections_add_file(&opts->selections, opts->files.items[i], err));
    for (size_t i = 0; i < opts->images_from.count; i++)
        FERRY_TRY(ferry_selections_add_objects(&opts->selections, opts->images_from.items[i], err));
    return 0;
}

int ferry_export_opts_parse(int argc, char **argv, struct export_opts *opts, bool *done,
                            struct ferry_err *err)
{
    struct ferry_list operands = { 0 };
    int rc;

    *opts = (struct export_opts){ .jobs = FERRY_JOBS_DEFAULT,
                                  .wire = { .user_agent = "ociferry/" FERRY_VERSION,
                                            .retries = FERRY_RETRIES_DEFAULT } };
    rc = ferry_opt_parse(&ferry_export_program, argc, argv, opts, &operands, done, err);
    if (rc == 0 && !*done)
        rc = gather(opts, &operands, err);
    ferry_list_release(&operands);
    if (rc < 0 || *done)
        return rc;
    opts->wire.plain_http = opts->plain_http.items;
    opts->wire.insecure = opts->insecure.items;
    FERRY_TRY(take_platforms(opts, err));
    FERRY_TRY(check_signers(opts, err));
    FERRY_TRY(take_releases(opts, err));
    return check(opts, err);
}
