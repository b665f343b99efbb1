#include "format/archive/output.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/core/blob_file.h"

/* Small pieces are gathered to this size before they are written. */
#define GATHER ((size_t)1024 * 1024)
/* Dirty pages are handed to the disk in steps of this size, so that the final fsync is short and a
 * slow stick does not fill the memory of the machine first. */
#define FLUSH_STEP ((int64_t)32 * 1024 * 1024)

struct ferry_output {
    char *path;
    char *partial; /* NULL when written to as it stands */
    enum ferry_existing existing;
    int fd;
    uint8_t *gathered;
    size_t gathered_len;
    int64_t written; /* where the next byte goes */
    int64_t flushed;
    struct ferry_volumes *found; /* what was there of NAME.partial */
    int64_t kept;                /* of that, up to here it need not be written again */
    bool begun;                  /* the first byte was written: what was found is cut to `kept` */
    bool overwrites;             /* ... but at the end */
    bool keep;                   /* NAME.partial outlives a failure */
};

static int fail_write(const struct ferry_output *o, struct ferry_err *err)
{
    return ferry_fail(err, FERRY_EIO, "%s: cannot write: %s", o->partial ? o->partial : o->path,
                      strerror(errno));
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

static int open_partial(struct ferry_output *o, struct ferry_err *err)
{
    struct stat st;

    FERRY_TRY(ferry_text(&o->partial, err, "%s.partial", o->path));
    o->fd = open(o->partial, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (o->fd >= 0 && ((flock(o->fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) ||
                       !is_still_there(o->fd, o->partial))) {
        int rc = ferry_fail(err, FERRY_EIO, "%s: another export is writing it", o->partial);

        free(ferry_steal(&o->partial)); /* not ours to remove */
        return rc;
    }
    if (o->fd < 0 || fstat(o->fd, &st) < 0) {
        int rc = ferry_fail(err, FERRY_EIO, "%s: cannot create: %s", o->partial, strerror(errno));

        free(ferry_steal(&o->partial));
        return rc;
    }
    o->keep = S_ISREG(st.st_mode) && st.st_size > 0;
    return o->keep ? ferry_volumes_add(o->found, o->partial, st.st_size, err) : 0;
}

static int open_file(struct ferry_output *o, struct ferry_err *err)
{
    if (strcmp(o->path, "-") == 0) {
        if (isatty(STDOUT_FILENO))
            return ferry_fail(err, FERRY_EUSAGE,
                              "an archive is not written to a terminal: redirect stdout or name a "
                              "file with -o");
        o->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    } else {
        int special = is_special(o->path, o->existing, err);

        FERRY_TRY(special);
        if (!special)
            return open_partial(o, err);
        o->fd = open(o->path, O_WRONLY | O_CLOEXEC);
    }
    if (o->fd < 0)
        return ferry_fail(err, FERRY_EIO, "%s: cannot open: %s", o->path, strerror(errno));
    return 0;
}

int ferry_output_open(const struct ferry_output_options *options, struct ferry_output **out,
                      struct ferry_err *err)
{
    FERRY_OWNED(ferry_output) o = calloc(1, sizeof(*o));

    if (!o)
        return ferry_fail_memory(err);
    o->fd = -1;
    o->existing = options->existing;
    o->path = strdup(options->path);
    o->gathered = malloc(GATHER);
    if (!o->path || !o->gathered)
        return ferry_fail_memory(err);
    FERRY_TRY(ferry_volumes_new(&o->found, err));
    FERRY_TRY(open_file(o, err));
    *out = ferry_steal(&o);
    return 0;
}

void ferry_output_free(struct ferry_output *output)
{
    if (!output)
        return;
    if (output->partial && !output->keep)
        unlink(output->partial);
    if (output->fd >= 0)
        close(output->fd);
    ferry_volumes_free(output->found);
    free(output->gathered);
    free(output->partial);
    free(output->path);
    free(output);
}

struct ferry_volumes *ferry_output_found(const struct ferry_output *output)
{
    return output->found;
}

void ferry_output_continue(struct ferry_output *output, int64_t offset, int64_t kept)
{
    assert(!output->begun && offset <= kept && kept <= ferry_volumes_size(output->found));
    output->written = output->flushed = offset;
    output->kept = kept;
}

void ferry_output_overwrite(struct ferry_output *output)
{
    assert(!output->begun);
    output->overwrites = true;
}

bool ferry_output_keep(struct ferry_output *output)
{
    output->keep = true;
    return output->partial != NULL;
}

void ferry_output_drop(struct ferry_output *output, int64_t offset)
{
    if (output->partial)
        (void)!ftruncate(output->fd, offset); /* else the next run finds out again */
}

static int cut(const struct ferry_output *o, int64_t size, struct ferry_err *err)
{
    return o->partial && ftruncate(o->fd, size) < 0 ? fail_write(o, err) : 0;
}

/* Before the first byte: the file is cut to what is kept, and goes on where that byte belongs. */
static int begin(struct ferry_output *o, struct ferry_err *err)
{
    o->begun = true;
    if (!o->overwrites)
        FERRY_TRY(cut(o, o->kept, err));
    return o->partial && lseek(o->fd, o->written, SEEK_SET) < 0 ? fail_write(o, err) : 0;
}

/* Passes over bytes that the file has already. Returns how many. */
static size_t skip_kept(struct ferry_output *o, size_t len)
{
    int64_t left = o->kept - o->written;
    size_t skipped = left <= 0 ? 0 : left < (int64_t)len ? (size_t)left : len;

    if (skipped > 0 && lseek(o->fd, (off_t)skipped, SEEK_CUR) < 0)
        return 0; /* then they are written again */
    o->written += (int64_t)skipped;
    return skipped;
}

static int write_out(struct ferry_output *o, const void *bytes, size_t len, struct ferry_err *err)
{
    size_t skipped = skip_kept(o, len);

    if (ferry_fd_write(o->fd, (const uint8_t *)bytes + skipped, len - skipped, err) < 0)
        return ferry_wrap(err, "%s", o->partial ? o->partial : o->path);
    o->written += (int64_t)(len - skipped);
    if (o->partial && o->written - o->flushed >= FLUSH_STEP) {
        /* A hint: what cannot be started now is left to fsync, which reports errors. */
        (void)sync_file_range(o->fd, o->flushed, o->written - o->flushed, SYNC_FILE_RANGE_WRITE);
        o->flushed = o->written;
    }
    return 0;
}

static int flush_gathered(struct ferry_output *o, struct ferry_err *err)
{
    size_t len = o->gathered_len;

    o->gathered_len = 0;
    return write_out(o, o->gathered, len, err);
}

int ferry_output_write(struct ferry_output *output, const void *bytes, size_t len,
                       struct ferry_err *err)
{
    if (!output->begun)
        FERRY_TRY(begin(output, err));
    if (output->gathered_len + len > GATHER)
        FERRY_TRY(flush_gathered(output, err));
    if (len >= GATHER / 8) {
        FERRY_TRY(flush_gathered(output, err));
        return write_out(output, bytes, len, err);
    }
    memcpy(output->gathered + output->gathered_len, bytes, len);
    output->gathered_len += len;
    return 0;
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

static int take_name(const struct ferry_output *o)
{
    if (o->existing == FERRY_EXISTING_REPLACE)
        return rename(o->partial, o->path);
    if (renameat2(AT_FDCWD, o->partial, AT_FDCWD, o->path, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS) /* those: a file system without it */
        return -1;
    if (access(o->path, F_OK) == 0) {
        errno = EEXIST;
        return -1;
    }
    return rename(o->partial, o->path);
}

static int rename_partial(struct ferry_output *o, struct ferry_err *err)
{
    if (take_name(o) < 0)
        return ferry_fail(err, FERRY_EIO, "%s: cannot take its name: %s", o->partial,
                          strerror(errno));
    free(ferry_steal(&o->partial));
    sync_folder(o->path);
    return 0;
}

int ferry_output_commit(struct ferry_output *output, struct ferry_err *err)
{
    if (!output->begun)
        FERRY_TRY(begin(output, err));
    FERRY_TRY(flush_gathered(output, err));
    if (!output->partial)
        return 0;
    if (output->overwrites)
        FERRY_TRY(cut(output, output->written, err));
    if (fsync(output->fd) < 0)
        return ferry_fail(err, FERRY_EIO, "%s: cannot reach the medium: %s", output->partial,
                          strerror(errno));
    return rename_partial(output, err);
}

int64_t ferry_output_written(const struct ferry_output *output)
{
    return output->written + (int64_t)output->gathered_len;
}
