#include "format/archive/archive_writer.h"

#include <archive.h>
#include <archive_entry.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/archive/layout.h"
#include "format/core/blob_file.h"
#include "format/core/blob_impl.h"

#define BLOCK 512
/* Headers and small entries are gathered to this size before they are written. */
#define GATHER ((size_t)1024 * 1024)
/* Dirty pages are handed to the disk in steps of this size, so that the final fsync is short and a
 * slow stick does not fill the memory of the machine first. */
#define FLUSH_STEP ((int64_t)32 * 1024 * 1024)

struct ferry_writer {
    char *path;
    char *partial; /* NULL when written to as it stands */
    enum ferry_existing existing;
    int fd;
    struct archive *tar;
    uint8_t *gathered;
    size_t gathered_len;
    int64_t written; /* where the next byte goes */
    int64_t flushed;
    struct ferry_volumes *found; /* what was there of NAME.partial */
    int64_t kept;                /* of that, up to here it need not be written again */
    bool begun;               /* the first entry was put: what was found is cut to what is kept */
    bool overwrites;          /* ... but at the end */
    bool keep;                /* NAME.partial outlives a failure */
    bool closed;              /* nothing may reach the file any more */
    struct ferry_err failure; /* what the write callback met */
    struct ferry_sink *open_entry;
};

/* The medium went away or is full: say which file, and what helps. */
static int wrap_write(struct ferry_writer *w, struct ferry_err *err)
{
    return ferry_wrap(err, "%s", w->partial ? w->partial : w->path);
}

/* Passes over bytes that the file has already. Returns how many. */
static size_t skip_kept(struct ferry_writer *w, size_t len)
{
    int64_t left = w->kept - w->written;
    size_t skipped = left <= 0 ? 0 : left < (int64_t)len ? (size_t)left : len;

    if (skipped > 0 && lseek(w->fd, (off_t)skipped, SEEK_CUR) < 0)
        return 0; /* then they are written again */
    w->written += (int64_t)skipped;
    return skipped;
}

static int write_out(struct ferry_writer *w, const void *bytes, size_t len, struct ferry_err *err)
{
    size_t skipped = skip_kept(w, len);

    if (ferry_fd_write(w->fd, (const uint8_t *)bytes + skipped, len - skipped, err) < 0)
        return wrap_write(w, err);
    w->written += (int64_t)(len - skipped);
    if (w->partial && w->written - w->flushed >= FLUSH_STEP) {
        /* A hint: what cannot be started now is left to fsync, which reports errors. */
        (void)sync_file_range(w->fd, w->flushed, w->written - w->flushed, SYNC_FILE_RANGE_WRITE);
        w->flushed = w->written;
    }
    return 0;
}

static int flush_gathered(struct ferry_writer *w, struct ferry_err *err)
{
    size_t len = w->gathered_len;

    w->gathered_len = 0;
    return write_out(w, w->gathered, len, err);
}

static int take(struct ferry_writer *w, const void *bytes, size_t len, struct ferry_err *err)
{
    if (w->gathered_len + len > GATHER)
        FERRY_TRY(flush_gathered(w, err));
    if (len >= GATHER / 8)
        return w->gathered_len > 0 && flush_gathered(w, err) < 0 ? (int)err->code
                                                                 : write_out(w, bytes, len, err);
    memcpy(w->gathered + w->gathered_len, bytes, len);
    w->gathered_len += len;
    return 0;
}

static la_ssize_t on_write(struct archive *tar, void *ctx, const void *bytes, size_t len)
{
    struct ferry_writer *w = ctx;

    if (w->closed) /* an aborted archive gets neither padding nor end-of-archive blocks */
        return -1;
    if (take(w, bytes, len, &w->failure) < 0) {
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
    return ferry_fail(err, FERRY_EIO, "%s: %s", w->path, why ? why : "cannot write");
}

/* 1 when `path` is there and no regular file: a device or pipe, written to as it stands. */
static int is_special(const char *path, enum ferry_existing existing, struct ferry_err *err)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return 0;
    if (S_ISDIR(st.st_mode))
        return ferry_fail(err, FERRY_EIO, "%s: is a folder: name a file in it", path);
    if (!S_ISREG(st.st_mode))
        return 1;
    if (existing == FERRY_EXISTING_KEEP)
        return ferry_fail(err, FERRY_EIO, "%s: exists already: name another file, or use --force",
                          path);
    return 0;
}

/* Whether the open file is still the one of that name: else its writer has just finished it. */
static bool is_still_there(int fd, const char *path)
{
    struct stat ours, named;

    return fstat(fd, &ours) == 0 && lstat(path, &named) == 0 && ours.st_dev == named.st_dev &&
           ours.st_ino == named.st_ino;
}

static int open_partial(struct ferry_writer *w, struct ferry_err *err)
{
    struct stat st;

    FERRY_TRY(ferry_text(&w->partial, err, "%s.partial", w->path));
    w->fd = open(w->partial, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (w->fd >= 0 && ((flock(w->fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) ||
                       !is_still_there(w->fd, w->partial))) {
        int rc = ferry_fail(err, FERRY_EIO, "%s: another export is writing it", w->partial);

        free(ferry_steal(&w->partial)); /* not ours to remove */
        return rc;
    }
    if (w->fd < 0 || fstat(w->fd, &st) < 0) {
        int rc = ferry_fail(err, FERRY_EIO, "%s: cannot create: %s", w->partial, strerror(errno));

        free(ferry_steal(&w->partial));
        return rc;
    }
    w->keep = S_ISREG(st.st_mode) && st.st_size > 0;
    return w->keep ? ferry_volumes_add(w->found, w->partial, st.st_size, err) : 0;
}

static int open_output(struct ferry_writer *w, struct ferry_err *err)
{
    if (strcmp(w->path, "-") == 0) {
        if (isatty(STDOUT_FILENO))
            return ferry_fail(err, FERRY_EUSAGE,
                              "an archive is not written to a terminal: redirect stdout or name a "
                              "file with -o");
        w->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    } else {
        int special = is_special(w->path, w->existing, err);

        FERRY_TRY(special);
        if (!special)
            return open_partial(w, err);
        w->fd = open(w->path, O_WRONLY | O_CLOEXEC);
    }
    if (w->fd < 0)
        return ferry_fail(err, FERRY_EIO, "%s: cannot open: %s", w->path, strerror(errno));
    return 0;
}

int ferry_writer_open(const char *path, enum ferry_existing existing, struct ferry_writer **out,
                      struct ferry_err *err)
{
    FERRY_OWNED(ferry_writer) w = calloc(1, sizeof(*w));

    if (!w)
        return ferry_fail_memory(err);
    w->fd = -1;
    w->existing = existing;
    w->path = strdup(path);
    w->gathered = malloc(GATHER);
    w->tar = archive_write_new();
    if (!w->path || !w->gathered || !w->tar)
        return ferry_fail_memory(err);
    FERRY_TRY(ferry_volumes_new(&w->found, err));
    FERRY_TRY(open_output(w, err));
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
    if (writer->tar)
        archive_write_free(writer->tar); /* the first write of its padding fails: closed */
    if (writer->partial && !writer->keep)
        unlink(writer->partial);
    if (writer->fd >= 0)
        close(writer->fd);
    ferry_volumes_free(writer->found);
    free(writer->gathered);
    free(writer->partial);
    free(writer->path);
    free(writer);
}

int64_t ferry_writer_found(const struct ferry_writer *writer)
{
    return ferry_volumes_size(writer->found);
}

struct ferry_volumes *ferry_writer_found_volumes(const struct ferry_writer *writer)
{
    return writer->found;
}

void ferry_writer_continue(struct ferry_writer *writer, int64_t offset, int64_t kept)
{
    assert(!writer->begun && offset <= kept && kept <= ferry_writer_found(writer));
    writer->written = writer->flushed = offset;
    writer->kept = kept;
}

void ferry_writer_overwrite(struct ferry_writer *writer)
{
    assert(!writer->begun);
    writer->overwrites = true;
}

bool ferry_writer_keep(struct ferry_writer *writer)
{
    writer->keep = true;
    return writer->partial != NULL;
}

void ferry_writer_drop(struct ferry_writer *writer, int64_t offset)
{
    writer->closed = true;
    if (writer->partial)
        (void)!ftruncate(writer->fd, offset); /* else the next run finds out again */
}

static int cut(const struct ferry_writer *w, int64_t size, struct ferry_err *err)
{
    if (!w->partial || ftruncate(w->fd, size) == 0)
        return 0;
    return ferry_fail(err, FERRY_EIO, "%s: cannot write: %s", w->partial, strerror(errno));
}

/* Before the first entry: the file is cut to what is kept, and goes on where that entry begins. */
static int begin(struct ferry_writer *w, struct ferry_err *err)
{
    w->begun = true;
    if (!w->overwrites)
        FERRY_TRY(cut(w, w->kept, err));
    if (!w->partial || lseek(w->fd, w->written, SEEK_SET) >= 0)
        return 0;
    return ferry_fail(err, FERRY_EIO, "%s: cannot write: %s", w->partial, strerror(errno));
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
    if (!w->begun)
        FERRY_TRY(begin(w, err));
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

/* The rename is durable once the folder is. Not every file system can sync one. */
static void sync_folder(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int fd;

    if (!slash)
        snprintf(folder, sizeof(folder), ".");
    else
        snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path + 1), path);
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)fsync(fd);
    close(fd);
}

static int take_name(const struct ferry_writer *w)
{
    if (w->existing == FERRY_EXISTING_REPLACE)
        return rename(w->partial, w->path);
    if (renameat2(AT_FDCWD, w->partial, AT_FDCWD, w->path, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS) /* those: a file system without it */
        return -1;
    if (access(w->path, F_OK) == 0) {
        errno = EEXIST;
        return -1;
    }
    return rename(w->partial, w->path);
}

static int rename_partial(struct ferry_writer *w, struct ferry_err *err)
{
    if (take_name(w) < 0)
        return ferry_fail(err, FERRY_EIO, "%s: cannot take its name: %s", w->partial,
                          strerror(errno));
    free(ferry_steal(&w->partial));
    sync_folder(w->path);
    return 0;
}

int ferry_writer_commit(struct ferry_writer *writer, struct ferry_err *err)
{
    assert(!writer->open_entry && !writer->closed);
    if (!writer->begun)
        FERRY_TRY(begin(writer, err));
    if (archive_write_close(writer->tar) != ARCHIVE_OK)
        return fail_tar(writer, err);
    if (flush_gathered(writer, err) < 0)
        return (int)err->code;
    writer->closed = true;
    if (!writer->partial)
        return 0;
    if (writer->overwrites)
        FERRY_TRY(cut(writer, writer->written, err));
    if (fsync(writer->fd) < 0) {
        ferry_fail(err, FERRY_EIO, "cannot reach the medium: %s", strerror(errno));
        return wrap_write(writer, err);
    }
    return rename_partial(writer, err);
}

int64_t ferry_writer_written(const struct ferry_writer *writer)
{
    return writer->written + (int64_t)writer->gathered_len;
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
