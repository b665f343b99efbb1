#include "format/archive/archive_writer.h"

#include <archive.h>
#include <archive_entry.h>
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "format/archive/layout.h"
#include "format/archive/zstd_writer.h"
#include "format/core/blob_file.h"
#include "format/core/blob_impl.h"

#define BLOCK 512

struct ferry_writer {
    struct ferry_output *output;
    struct ferry_zstd *zstd; /* between the tar and the output; or NULL */
    struct archive *tar;
    bool closed;              /* nothing may reach the output any more */
    bool finished;            /* since it is complete */
    struct ferry_err failure; /* what the write callback met */
    struct ferry_sink *open_entry;
};

static int put_bytes(struct ferry_writer *w, const void *bytes, size_t len)
{
    return w->zstd ? ferry_zstd_write(w->zstd, bytes, len, &w->failure)
                   : ferry_output_write(w->output, bytes, len, &w->failure);
}

static la_ssize_t on_write(struct archive *tar, void *ctx, const void *bytes, size_t len)
{
    struct ferry_writer *w = ctx;

    if (w->closed) /* an aborted archive gets neither padding nor end-of-archive blocks */
        return -1;
    if (put_bytes(w, bytes, len) < 0) {
        w->closed = true;
        archive_set_error(tar, EIO, "%s", w->failure.msg);
        return -1;
    }
    return (la_ssize_t)len;
}

/* What libarchive calls a failure is either ours, from on_write, or its own. */
static int fail_tar(struct ferry_writer *w, struct ferry_err *err)
{
    const char *why = archive_error_string(w->tar);

    w->closed = true;
    if (w->failure.code != FERRY_OK) {
        *err = w->failure;
        return (int)err->code;
    }
    return ferry_fail(err, FERRY_EIO, "cannot write a tar: %s", why ? why : "unknown reason");
}

int ferry_writer_open(const struct ferry_writer_options *options, struct ferry_writer **out,
                      struct ferry_err *err)
{
    FERRY_OWNED(ferry_writer) w = calloc(1, sizeof(*w));

    if (!w)
        return ferry_fail_memory(err);
    w->tar = archive_write_new();
    if (!w->tar)
        return ferry_fail_memory(err);
    FERRY_TRY(ferry_output_open(&options->output, &w->output, err));
    if (options->zstd_level > 0)
        FERRY_TRY(ferry_zstd_new(w->output, options->zstd_level, &w->zstd, err));
    /* gnutar: base-256 sizes past 8 GiB, which every reader keeps; some lose a pax size. */
    if (archive_write_set_format_gnutar(w->tar) != ARCHIVE_OK ||
        archive_write_set_bytes_per_block(w->tar, 0) != ARCHIVE_OK ||
        archive_write_open2(w->tar, w, NULL, on_write, NULL, NULL) != ARCHIVE_OK)
        return fail_tar(w, err);
    *out = ferry_steal(&w);
    return 0;
}

void ferry_writer_free(struct ferry_writer *writer)
{
    if (!writer)
        return;
    assert(!writer->open_entry);
    writer->closed = true;
    if (writer->tar) {
        /* The first write of its padding fails: closed. Of an archive that failed libarchive lets
         * go in a close alone. */
        (void)archive_write_close(writer->tar);
        archive_write_free(writer->tar);
    }
    ferry_zstd_free(writer->zstd);
    ferry_output_free(writer->output);
    free(writer);
}

int64_t ferry_writer_found(const struct ferry_writer *writer)
{
    return writer->zstd ? ferry_zstd_found(writer->zstd)
                        : ferry_volumes_size(ferry_output_found(writer->output));
}

int ferry_writer_reread(const struct ferry_writer *writer, int64_t offset,
                        struct ferry_source **out, struct ferry_err *err)
{
    struct ferry_volumes *found = ferry_output_found(writer->output);

    return writer->zstd ? ferry_zstd_reread(writer->zstd, offset, out, err)
                        : ferry_volumes_source(found, offset, ferry_volumes_size(found), out, err);
}

int64_t ferry_writer_keepable(const struct ferry_writer *writer, int64_t offset)
{
    return writer->zstd ? ferry_zstd_keepable(writer->zstd, offset) : offset;
}

void ferry_writer_continue(struct ferry_writer *writer, int64_t offset, int64_t kept)
{
    if (writer->zstd)
        ferry_zstd_continue(writer->zstd, offset, kept);
    else
        ferry_output_continue(writer->output, offset, kept);
}

/* What is compressed does not stand where the stream says. */
bool ferry_writer_can_overwrite(const struct ferry_writer *writer)
{
    return !writer->zstd;
}

void ferry_writer_overwrite(struct ferry_writer *writer)
{
    assert(ferry_writer_can_overwrite(writer));
    ferry_output_overwrite(writer->output);
}

bool ferry_writer_keep(struct ferry_writer *writer)
{
    return ferry_output_keep(writer->output);
}

void ferry_writer_drop(struct ferry_writer *writer, int64_t offset)
{
    writer->closed = true;
    if (writer->zstd)
        ferry_zstd_drop(writer->zstd, offset);
    else
        ferry_output_drop(writer->output, offset);
}

struct entry_sink {
    struct ferry_sink base;
    struct ferry_writer *writer;
    int64_t left;
};

static int entry_write(struct ferry_sink *sink, const void *bytes, size_t len,
                       struct ferry_err *err)
{
    struct entry_sink *s = (struct entry_sink *)sink;

    if ((int64_t)len > s->left)
        return ferry_fail(err, FERRY_EDIGEST, "more bytes than the entry was announced with");
    s->left -= (int64_t)len;
    if (archive_write_data(s->writer->tar, bytes, len) != (la_ssize_t)len)
        return fail_tar(s->writer, err);
    return 0;
}

static int entry_commit(struct ferry_sink *sink, struct ferry_err *err)
{
    struct entry_sink *s = (struct entry_sink *)sink;

    if (s->left > 0)
        return ferry_fail(err, FERRY_EDIGEST, "%" PRId64 " bytes fewer than announced", s->left);
    if (archive_write_finish_entry(s->writer->tar) != ARCHIVE_OK)
        return fail_tar(s->writer, err);
    s->writer->open_entry = NULL;
    return 0;
}

static void entry_free(struct ferry_sink *sink)
{
    struct entry_sink *s = (struct entry_sink *)sink;

    if (s->writer->open_entry == sink) { /* not committed: the archive can never be whole */
        s->writer->open_entry = NULL;
        s->writer->closed = true;
    }
    free(s);
}

static const struct ferry_sink_ops entry_ops = { entry_write, entry_commit, entry_free };

/* Nothing of the clock, the user or the host. */
static int put_header(struct ferry_writer *w, const char *name, bool is_folder, int64_t size,
                      struct ferry_err *err)
{
    struct archive_entry *entry;
    int rc;

    assert(!w->open_entry && !w->closed);
    entry = archive_entry_new();
    if (!entry)
        return ferry_fail_memory(err);
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, is_folder ? AE_IFDIR : AE_IFREG);
    archive_entry_set_perm(entry, is_folder ? 0755 : 0644);
    archive_entry_set_size(entry, size);
    archive_entry_set_mtime(entry, 0, 0);
    rc = archive_write_header(w->tar, entry);
    archive_entry_free(entry);
    return rc == ARCHIVE_OK ? 0 : fail_tar(w, err);
}

int ferry_writer_folder(struct ferry_writer *writer, const char *name, struct ferry_err *err)
{
    return put_header(writer, name, true, 0, err);
}

int ferry_writer_entry(struct ferry_writer *writer, const char *name, int64_t size,
                       struct ferry_sink **out, struct ferry_err *err)
{
    struct entry_sink *s;

    FERRY_TRY(put_header(writer, name, false, size, err));
    s = calloc(1, sizeof(*s));
    if (!s) {
        writer->closed = true; /* a header without its bytes */
        return ferry_fail_memory(err);
    }
    *s = (struct entry_sink){ .base = { &entry_ops }, .writer = writer, .left = size };
    writer->open_entry = &s->base;
    *out = &s->base;
    return 0;
}

int ferry_writer_put(struct ferry_writer *writer, const char *name, const void *bytes, size_t len,
                     struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) source = NULL;
    FERRY_OWNED(ferry_sink) sink = NULL;

    FERRY_TRY(ferry_source_memory(bytes, len, &source, err));
    FERRY_TRY(ferry_writer_entry(writer, name, (int64_t)len, &sink, err));
    return ferry_blob_copy(source, sink, err);
}

int ferry_writer_finish(struct ferry_writer *writer, struct ferry_err *err)
{
    assert(!writer->open_entry && !writer->closed);
    if (archive_write_close(writer->tar) != ARCHIVE_OK)
        return fail_tar(writer, err);
    writer->closed = true;
    if (writer->zstd)
        FERRY_TRY(ferry_zstd_finish(writer->zstd, err));
    FERRY_TRY(ferry_output_finish(writer->output, err));
    writer->finished = true;
    return 0;
}

static int unpack(struct ferry_volumes *files, struct ferry_source **out, struct ferry_err *err)
{
    struct ferry_frames frames;
    int rc = ferry_frames_find(files, &frames, err);

    if (rc == 0)
        rc = ferry_frames_source(&frames, 0, out, err);
    ferry_frames_release(&frames);
    return rc;
}

int ferry_writer_read_back(const struct ferry_writer *writer, struct ferry_volumes **files,
                           struct ferry_source **stream, struct ferry_err *err)
{
    FERRY_OWNED(ferry_volumes) there = NULL;

    FERRY_TRY(ferry_output_read_back(writer->output, &there, err));
    FERRY_TRY(writer->zstd
                  ? unpack(there, stream, err)
                  : ferry_volumes_source(there, 0, ferry_volumes_size(there), stream, err));
    *files = ferry_steal(&there);
    return 0;
}

int ferry_writer_commit(struct ferry_writer *writer, struct ferry_err *err)
{
    if (!writer->finished)
        FERRY_TRY(ferry_writer_finish(writer, err));
    return ferry_output_commit(writer->output, err);
}

const struct ferry_volume_sums *ferry_writer_sums(const struct ferry_writer *writer)
{
    return ferry_output_sums(writer->output);
}

int ferry_writer_flush(struct ferry_writer *writer, struct ferry_err *err)
{
    return writer->zstd ? 0 : ferry_output_flush(writer->output, err);
}

int64_t ferry_writer_written(const struct ferry_writer *writer)
{
    return writer->zstd ? ferry_zstd_written(writer->zstd) : ferry_output_written(writer->output);
}

int64_t ferry_writer_stored(const struct ferry_writer *writer)
{
    return ferry_output_written(writer->output);
}

int64_t ferry_writer_file_cost(int64_t size)
{
    return BLOCK + (size + BLOCK - 1) / BLOCK * BLOCK;
}

int64_t ferry_writer_entry_cost(const struct ferry_digest *digest, int64_t size)
{
    char name[FERRY_BLOB_NAME_MAX];

    ferry_layout_blob_name(digest, name);
    if (strlen(name) < 100)
        return ferry_writer_file_cost(size);
    /* A name that does not fit its field goes ahead in an entry of its own. */
    return ferry_writer_file_cost((int64_t)strlen(name) + 1) + ferry_writer_file_cost(size);
}
