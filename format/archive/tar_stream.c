#include "format/archive/tar_stream.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "format/archive/inflate.h"
#include "format/archive/layout.h"
#include "format/archive/volume_fault.h"
#include "format/core/blob_impl.h"
#include "format/core/cancel.h"

#define BLOCK ((int64_t)512)
#define READ_CHUNK ((size_t)256 * 1024)

struct ferry_tar {
    struct archive *tar;
    struct ferry_volumes *volumes; /* one of these two is what is read */
    struct ferry_source *stream;
    int64_t offset; /* in the volumes, of the next read */
    int64_t entry_size;
    int64_t entry_given; /* bytes of it so far */
    int64_t given;       /* bytes of all bodies */
    size_t entries;
    bool begun, ended;
    uint8_t first[6];         /* bytes; those that were not read are 0 */
    struct ferry_err failure; /* what the read callback met */
    struct ferry_err broken;  /* why no entry follows, whoever asks again */
    uint8_t chunk[];
};

static la_ssize_t on_read(struct archive *tar, void *ctx, const void **bytes)
{
    struct ferry_tar *t = ctx;
    size_t got;
    int rc = t->volumes ? ferry_volumes_read_at(t->volumes, t->offset, t->chunk, READ_CHUNK, &got,
                                                &t->failure)
                        : ferry_source_read(t->stream, t->chunk, READ_CHUNK, &got, &t->failure);

    if (rc < 0) {
        archive_set_error(tar, EIO, "%s", t->failure.msg);
        return -1;
    }
    if (!t->begun && got > 0) {
        t->begun = true;
        memcpy(t->first, t->chunk, got < sizeof(t->first) ? got : sizeof(t->first));
    }
    t->offset += (int64_t)got;
    *bytes = t->chunk;
    return (la_ssize_t)got;
}

/* Never past the end, so that a cut archive is met as one; and where all is to be hashed, not at
 * all. */
static la_int64_t on_skip(struct archive *tar, void *ctx, la_int64_t request)
{
    struct ferry_tar *t = ctx;
    int64_t left;

    (void)tar;
    if (!t->volumes || ferry_volumes_watched(t->volumes))
        return 0;
    left = ferry_volumes_size(t->volumes) - t->offset;
    if (request > left)
        request = left;
    t->offset += request;
    return request;
}

/* The bytes that were read last are not what they should be: in which volume do they lie? */
static int wrap_volume(const struct ferry_tar *t, struct ferry_err *err)
{
    if (t->volumes)
        ferry_volumes_blame(t->volumes, t->offset - 1, t->offset, err);
    return (int)err->code;
}

/* No header was understood: what has the user here? */
static int fail_no_tar(const struct ferry_tar *t, const char *why, struct ferry_err *err)
{
    static const struct {
        const char *magic, *name, *command;
    } others[] = { { "\xfd\x37zXZ", "xz", "xz -dc" }, { "BZh", "bzip2", "bzip2 -dc" } };

    if (!t->begun)
        return ferry_fail(err, FERRY_EFORMAT, "is empty");
    for (size_t i = 0; i < FERRY_COUNT(others); i++)
        if (memcmp(t->first, others[i].magic, strlen(others[i].magic)) == 0)
            return ferry_fail(err, FERRY_EFORMAT,
                              "is compressed with %s, which is not read here: unpack it first (%s)",
                              others[i].name, others[i].command);
    return ferry_fail(err, FERRY_EFORMAT, "is not a tar archive that can be read: %s", why);
}

static int fail_tar(struct ferry_tar *t, struct ferry_err *err)
{
    const char *said = archive_error_string(t->tar), *why = said ? said : "unknown reason";

    if (t->failure.code != FERRY_OK) {
        *err = t->failure;
        return (int)err->code;
    }
    if (archive_format(t->tar) == 0)
        fail_no_tar(t, why, err);
    else
        ferry_fail(err, FERRY_EFORMAT, "cut or damaged near byte %" PRId64 ": %s",
                   archive_filter_bytes(t->tar, 0), why);
    return wrap_volume(t, err);
}

static int open_tar(struct ferry_volumes *volumes, int64_t offset, struct ferry_source *stream,
                    struct ferry_tar **out, struct ferry_err *err)
{
    FERRY_OWNED(ferry_tar) t = calloc(1, sizeof(*t) + READ_CHUNK);

    if (!t)
        return ferry_fail_memory(err);
    t->volumes = volumes;
    t->offset = offset;
    t->stream = stream;
    t->tar = archive_read_new();
    if (!t->tar)
        return ferry_fail_memory(err);
    if (archive_read_support_format_tar(t->tar) != ARCHIVE_OK ||
        archive_read_support_filter_gzip(t->tar) != ARCHIVE_OK ||
        archive_read_support_filter_zstd(t->tar) != ARCHIVE_OK ||
        archive_read_set_read_callback(t->tar, on_read) != ARCHIVE_OK ||
        archive_read_set_skip_callback(t->tar, on_skip) != ARCHIVE_OK ||
        archive_read_set_callback_data(t->tar, t) != ARCHIVE_OK)
        return fail_tar(t, err);
    if (archive_read_open1(t->tar) != ARCHIVE_OK)
        return fail_tar(t, err);
    if (archive_filter_count(t->tar) > FERRY_FILTERS)
        return ferry_fail(err, FERRY_EFORMAT, "is compressed more than once");
    *out = ferry_steal(&t);
    return 0;
}

int ferry_tar_open(struct ferry_volumes *volumes, int64_t offset, struct ferry_tar **out,
                   struct ferry_err *err)
{
    return open_tar(volumes, offset, NULL, out, err);
}

int ferry_tar_open_stream(struct ferry_source *stream, struct ferry_tar **out,
                          struct ferry_err *err)
{
    return open_tar(NULL, 0, stream, out, err);
}

void ferry_tar_free(struct ferry_tar *tar)
{
    if (!tar)
        return;
    archive_read_free(tar->tar);
    free(tar);
}

/* libarchive takes the end of the file for the end of the archive; a cut archive looks the same,
 * but for the zero blocks, which libarchive has consumed behind `due` when they were there. One is
 * enough: whoever wrote it had nothing more to say. */
static int check_end(struct ferry_tar *t, int64_t due, struct ferry_err *err)
{
    if (t->failure.code != FERRY_OK) /* which a filter may have taken for the end */
        return fail_tar(t, err);
    if (archive_filter_bytes(t->tar, 0) >= due + BLOCK)
        return 0;
    ferry_fail(err, FERRY_EFORMAT, "cut at byte %" PRId64 ": the end-of-archive blocks are missing",
               archive_filter_bytes(t->tar, 0));
    return wrap_volume(t, err);
}

/* A docker-archive has links for some layers, or for all. */
static bool is_docker_layer(const char *name)
{
    const char *last = name ? strrchr(name, '/') : NULL;

    return last && strcmp(last, "/layer.tar") == 0;
}

static int check_entry(struct archive_entry *entry, struct ferry_err *err)
{
    const char *name = archive_entry_pathname(entry);
    enum ferry_entry_kind kind;
    struct ferry_digest digest;

    if (archive_entry_hardlink(entry) || archive_entry_symlink(entry))
        return ferry_fail(err, FERRY_EUNFIT,
                          "entry \"%.200s\" is a link; an image layout has none%s",
                          name ? name : "?", is_docker_layer(name) ? FERRY_DOCKER_HINT : "");
    if (archive_entry_filetype(entry) != AE_IFREG && archive_entry_filetype(entry) != AE_IFDIR)
        return ferry_fail(err, FERRY_EUNFIT, "entry \"%.200s\" is neither a file nor a folder",
                          name ? name : "?");
    if (archive_entry_size(entry) < 0)
        return ferry_fail(err, FERRY_EFORMAT, "entry \"%.200s\" has a negative size",
                          name ? name : "?");
    if (archive_entry_size(entry) > INT64_MAX / 2) /* so that offsets behind it do not overflow */
        return ferry_fail(err, FERRY_EFORMAT, "entry \"%.200s\" is larger than any file",
                          name ? name : "?");
    if (archive_entry_filetype(entry) == AE_IFDIR && name) /* nobody else sees it */
        return ferry_layout_classify(name, &kind, &digest, err);
    return 0;
}

/* Passes over what was not read of the last entry; *due is where the next header begins. A sparse
 * entry takes fewer bytes than its size says, so that only libarchive knows. */
static int skip_entry(struct ferry_tar *t, int64_t *due, struct ferry_err *err)
{
    if (t->entries > 0 && archive_read_data_skip(t->tar) != ARCHIVE_OK)
        return fail_tar(t, err);
    *due = archive_filter_bytes(t->tar, 0);
    return 0;
}

static int next_entry(struct ferry_tar *tar, struct ferry_tar_entry *out, struct ferry_err *err)
{
    struct archive_entry *entry;
    const char *name;
    int64_t due = 0;
    int rc;

    *out = (struct ferry_tar_entry){ 0 };
    if (tar->ended)
        return 0;
    do {
        FERRY_TRY(ferry_cancel_check(err));
        FERRY_TRY(skip_entry(tar, &due, err));
        rc = archive_read_next_header(tar->tar, &entry);
        if (rc == ARCHIVE_EOF) {
            FERRY_TRY(check_end(tar, due, err));
            tar->ended = true;
            return 0;
        }
        if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
            return fail_tar(tar, err);
        if (++tar->entries > FERRY_ENTRIES_MAX)
            return ferry_fail(err, FERRY_ELIMIT, "more than %d entries", FERRY_ENTRIES_MAX);
        FERRY_TRY(check_entry(entry, err));
        name = archive_entry_pathname(entry);
        if (rc == ARCHIVE_WARN && name) /* what readers may read differently is refused */
            return fail_tar(tar, err);
        tar->entry_size = archive_entry_size(entry);
        tar->entry_given = 0;
    } while (archive_entry_filetype(entry) == AE_IFDIR);
    *out = (struct ferry_tar_entry){ .name = name ? name : "?",
                                     .size = tar->entry_size,
                                     .position = archive_read_header_position(tar->tar),
                                     .data = archive_filter_bytes(tar->tar, 0) };
    return 0;
}

int ferry_tar_next(struct ferry_tar *tar, struct ferry_tar_entry *out, struct ferry_err *err)
{
    int rc;

    if (tar->broken.code != FERRY_OK) {
        *err = tar->broken;
        return (int)err->code;
    }
    rc = next_entry(tar, out, err);
    if (rc < 0)
        tar->broken = *err;
    return rc;
}

bool ferry_tar_is_plain(const struct ferry_tar *tar)
{
    return archive_filter_code(tar->tar, 0) == ARCHIVE_FILTER_NONE;
}

struct body {
    struct ferry_source base;
    struct ferry_tar *tar;
};

/* A hole takes no room in the stream, and could be read for years. What libarchive lent last it
 * counts only later. */
static int check_holes(const struct ferry_tar *t, struct ferry_err *err)
{
    int64_t counted = archive_filter_bytes(t->tar, 0) + (int64_t)READ_CHUNK;

    if (t->given - counted <= FERRY_HOLES_MAX)
        return 0;
    return ferry_fail(err, FERRY_ELIMIT,
                      "its sparse entries have more than %" PRId64
                      " GiB of holes: pack it without --sparse",
                      FERRY_HOLES_MAX / 1024 / 1024 / 1024);
}

/* The hole at the end of a sparse entry is what libarchive leaves out at times; where bytes are
 * missing it says so. */
static int body_read(struct ferry_source *source, void *buf, size_t cap, size_t *got,
                     struct ferry_err *err)
{
    struct ferry_tar *t = ((struct body *)source)->tar;
    int64_t left = t->entry_size - t->entry_given;
    size_t want = left < (int64_t)cap ? (size_t)left : cap;
    la_ssize_t n = want > 0 ? archive_read_data(t->tar, buf, want) : 0;

    if (n < 0 || (n == 0 && t->failure.code != FERRY_OK))
        return fail_tar(t, err);
    if (n == 0)
        memset(buf, 0, want);
    *got = n > 0 ? (size_t)n : want;
    t->given += (int64_t)*got;
    t->entry_given += (int64_t)*got;
    return check_holes(t, err);
}

static void body_free(struct ferry_source *source)
{
    free(source);
}

static const struct ferry_source_ops body_ops = { body_read, NULL, body_free };

int ferry_tar_body(struct ferry_tar *tar, struct ferry_source **out, struct ferry_err *err)
{
    struct body *body = calloc(1, sizeof(*body));

    if (!body)
        return ferry_fail_memory(err);
    *body = (struct body){ .base = { &body_ops, tar->entry_size }, .tar = tar };
    *out = &body->base;
    return 0;
}
