#include "format/run/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/core/blob_file.h"

struct ferry_output_file {
    char *path;
    char *partial; /* NULL when written to as it stands */
    int fd;        /* -1 when closed */
};

void ferry_output_file_free(struct ferry_output_file *file)
{
    if (!file)
        return;
    if (file->partial)
        unlink(file->partial);
    if (file->fd > STDERR_FILENO)
        close(file->fd);
    free(file->partial);
    free(file->path);
    free(file);
}

static int fail(const struct ferry_output_file *file, struct ferry_err *err)
{
    return ferry_fail(err, FERRY_EIO, "%s: cannot write: %s", file->path, strerror(errno));
}

static int open_partial(struct ferry_output_file *file, struct ferry_err *err)
{
    FERRY_OWNED_MEM char *partial = NULL;

    FERRY_TRY(ferry_text(&partial, err, "%s.partial", file->path));
    file->fd = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (file->fd < 0)
        return fail(file, err);
    file->partial = ferry_steal(&partial);
    return 0;
}

static int open_file(struct ferry_output_file *file, const char *path, struct ferry_err *err)
{
    bool is_stdout = strcmp(path, "-") == 0;
    struct stat st;

    FERRY_TRY(ferry_text(&file->path, err, "%s", is_stdout ? "stdout" : path));
    if (is_stdout) {
        file->fd = STDOUT_FILENO;
        return 0;
    }
    if (!path[0])
        return ferry_fail(err, FERRY_EIO, "a file without a name: cannot write");
    if (stat(file->path, &st) != 0 || S_ISREG(st.st_mode))
        return open_partial(file, err);
    file->fd = open(file->path, O_WRONLY | O_CLOEXEC);
    return file->fd < 0 ? fail(file, err) : 0;
}

int ferry_output_file_open(const char *path, struct ferry_output_file **out, struct ferry_err *err)
{
    FERRY_OWNED(ferry_output_file) file = calloc(1, sizeof(*file));

    if (!file)
        return ferry_fail_memory(err);
    file->fd = -1;
    FERRY_TRY(open_file(file, path, err));
    *out = ferry_steal(&file);
    return 0;
}

/* On the medium before it takes its name. */
static int take_name(struct ferry_output_file *file, struct ferry_err *err)
{
    int fd = file->fd;

    file->fd = -1;
    if (fsync(fd) != 0) {
        fail(file, err);
        close(fd);
        return FERRY_EIO;
    }
    if (close(fd) != 0 || rename(file->partial, file->path) != 0)
        return fail(file, err);
    free(ferry_steal(&file->partial));
    return 0;
}

int ferry_output_file_finish(struct ferry_output_file *file, const void *bytes, size_t len,
                             struct ferry_err *err)
{
    /* Results that were printed come first. */
    if (file->fd == STDOUT_FILENO)
        FERRY_TRY(ferry_stdout_flush(err));
    if (ferry_fd_write(file->fd, bytes, len, err) < 0)
        return ferry_wrap(err, "%s", file->path);
    return file->partial ? take_name(file, err) : 0;
}

int ferry_stdout_flush(struct ferry_err *err)
{
    if (fflush(stdout) != 0 || ferror(stdout))
        return ferry_fail(err, FERRY_EIO, "stdout: cannot write: %s", strerror(errno));
    return 0;
}
