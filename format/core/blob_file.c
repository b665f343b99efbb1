#include "format/core/blob_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/core/blob_impl.h"
#include "format/core/cancel.h"

#define SLICE_MS 200 /* how late a cancel may be noticed */

int ferry_fd_read(int fd, void *buf, size_t cap, size_t *got, struct ferry_err *err)
{
    struct pollfd ready = { .fd = fd, .events = POLLIN };
    ssize_t n;

    /* A thread that gets no signals must not sleep in read() while a pipe is silent. */
    do {
        FERRY_TRY(ferry_cancel_check(err));
        errno = EINTR;
        n = poll(&ready, 1, SLICE_MS) > 0 ? read(fd, buf, cap) : -1;
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return ferry_fail(err, FERRY_EIO, "cannot read: %s", strerror(errno));
    *got = (size_t)n;
    return 0;
}

int ferry_fd_write(int fd, const void *bytes, size_t len, struct ferry_err *err)
{
    const uint8_t *p = bytes;

    while (len > 0) {
        ssize_t n = write(fd, p, len);

        if (n < 0 && errno == EINTR) {
            FERRY_TRY(ferry_cancel_check(err));
            continue;
        }
        if (n < 0)
            return ferry_fail(err, FERRY_EIO, "cannot write: %s", strerror(errno));
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

struct fd_source {
    struct ferry_source base;
    int fd;
};

static int fd_read(struct ferry_source *source, void *buf, size_t cap, size_t *got,
                   struct ferry_err *err)
{
    return ferry_fd_read(((struct fd_source *)source)->fd, buf, cap, got, err);
}

static int fd_rewind(struct ferry_source *source, int64_t offset, struct ferry_err *err)
{
    if (lseek(((struct fd_source *)source)->fd, offset, SEEK_SET) < 0)
        return ferry_fail(err, FERRY_EIO, "cannot read again: %s", strerror(errno));
    return 0;
}

static void fd_free(struct ferry_source *source)
{
    close(((struct fd_source *)source)->fd);
    free(source);
}

static const struct ferry_source_ops file_ops = { fd_read, fd_rewind, fd_free };
static const struct ferry_source_ops pipe_ops = { fd_read, NULL, fd_free };

static int open_fd(int fd, const struct ferry_source_ops *ops, int64_t size,
                   struct ferry_source **out, struct ferry_err *err)
{
    struct fd_source *s = calloc(1, sizeof(*s));

    if (!s) {
        close(fd);
        return ferry_fail_memory(err);
    }
    *s = (struct fd_source){ .base = { ops, size }, .fd = fd };
    *out = &s->base;
    return 0;
}

int ferry_source_fd(int fd, struct ferry_source **out, struct ferry_err *err)
{
    struct stat st;

    if (fstat(fd, &st) != 0 || (S_ISREG(st.st_mode) && lseek(fd, 0, SEEK_SET) != 0)) {
        ferry_fail(err, FERRY_EIO, "cannot read: %s", strerror(errno));
        close(fd);
        return FERRY_EIO;
    }
    return S_ISREG(st.st_mode) ? open_fd(fd, &file_ops, st.st_size, out, err)
                               : ferry_source_stream(fd, out, err);
}

int ferry_source_stream(int fd, struct ferry_source **out, struct ferry_err *err)
{
    return open_fd(fd, &pipe_ops, -1, out, err);
}

struct memory_source {
    struct ferry_source base;
    const uint8_t *bytes;
    size_t at;
};

static int memory_read(struct ferry_source *source, void *buf, size_t cap, size_t *got,
                       struct ferry_err *err)
{
    struct memory_source *s = (struct memory_source *)source;
    size_t left = (size_t)s->base.size - s->at;

    (void)err;
    *got = left < cap ? left : cap;
    if (*got > 0)
        memcpy(buf, s->bytes + s->at, *got);
    s->at += *got;
    return 0;
}

static int memory_rewind(struct ferry_source *source, int64_t offset, struct ferry_err *err)
{
    (void)err;
    assert(offset >= 0 && offset <= source->size);
    ((struct memory_source *)source)->at = (size_t)offset;
    return 0;
}

static void memory_free(struct ferry_source *source)
{
    free(source);
}

static const struct ferry_source_ops memory_ops = { memory_read, memory_rewind, memory_free };

int ferry_source_memory(const void *bytes, size_t len, struct ferry_source **out,
                        struct ferry_err *err)
{
    struct memory_source *s = calloc(1, sizeof(*s));

    if (!s)
        return ferry_fail_memory(err);
    *s = (struct memory_source){ .base = { &memory_ops, (int64_t)len }, .bytes = bytes };
    *out = &s->base;
    return 0;
}

int ferry_file_read(const char *path, struct ferry_buf *into, struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) file = NULL;
    int fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                    : open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return ferry_fail(err, FERRY_EUSAGE, "%s", strerror(errno));
    FERRY_TRY(ferry_source_fd(fd, &file, err));
    if (ferry_source_read_all(file, into, err) == 0)
        return 0;
    if (err->code == FERRY_ELIMIT)
        err->code = FERRY_EUSAGE;
    return (int)err->code;
}

bool ferry_file_is_same(const char *path, const char *other)
{
    struct stat a, b;

    return stat(path, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}
