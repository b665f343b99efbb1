#include "format/archive/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/archive/layout.h"
#include "format/core/blob_file.h"

/* Where the blobs lie. */
static const char *const parts[] = { "blobs/sha256", "blobs/sha512" };

struct ferry_folder {
    const char *path;
    int fd;
    int file;    /* which of those that a layout has once comes next */
    size_t part; /* in parts[] */
    DIR *walk;   /* of that part; NULL until it is walked */
    char name[PATH_MAX];
};

static int fail_open(const struct ferry_folder *f, const char *name, struct ferry_err *err)
{
    return ferry_fail(err, FERRY_EIO, "%s/%s: cannot open: %s", f->path, name, strerror(errno));
}

int ferry_folder_open(const char *path, struct ferry_folder **out, struct ferry_err *err)
{
    FERRY_OWNED(ferry_folder) f = calloc(1, sizeof(*f));

    if (!f)
        return ferry_fail_memory(err);
    f->path = path;
    f->file = FERRY_ENTRY_LAYOUT;
    f->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->fd < 0)
        return ferry_fail(err, FERRY_EIO, "%s: cannot open: %s", path, strerror(errno));
    *out = ferry_steal(&f);
    return 0;
}

void ferry_folder_free(struct ferry_folder *folder)
{
    if (!folder)
        return;
    ferry_folder_restart(folder);
    if (folder->fd >= 0)
        close(folder->fd);
    free(folder);
}

void ferry_folder_restart(struct ferry_folder *folder)
{
    if (folder->walk)
        closedir(ferry_steal(&folder->walk));
    folder->file = FERRY_ENTRY_LAYOUT;
    folder->part = 0;
}

static int open_below(const struct ferry_folder *f, const char *name, int *fd, int64_t *size,
                      struct ferry_err *err)
{
    struct stat st;

    *fd = openat(f->fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0 && errno == ENOENT)
        return ferry_fail(err, FERRY_ENOTFOUND, "%s/%s: is not there", f->path, name);
    if (*fd < 0)
        return fail_open(f, name, err);
    if (fstat(*fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        close(*fd);
        return ferry_fail(err, FERRY_EFORMAT, "%s/%s: is not a regular file", f->path, name);
    }
    *size = st.st_size;
    return 0;
}

/* The blobs of one algorithm; a layout need not have any. */
static int open_part(struct ferry_folder *f, struct ferry_err *err)
{
    int fd = openat(f->fd, parts[f->part], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? 0 : fail_open(f, parts[f->part], err);
    f->walk = fdopendir(fd);
    if (f->walk)
        return 0;
    close(fd);
    return ferry_fail_memory(err);
}

/* The next entry of the part that is walked; NULL at its end. */
static int next_in_part(struct ferry_folder *f, const struct dirent **out, struct ferry_err *err)
{
    errno = 0;
    *out = f->walk ? readdir(f->walk) : NULL;
    if (*out || errno == 0)
        return 0;
    return ferry_fail(err, FERRY_EIO, "%s/%s: cannot list: %s", f->path, parts[f->part],
                      strerror(errno));
}

static int next_blob(struct ferry_folder *f, struct ferry_err *err)
{
    while (f->part < FERRY_COUNT(parts)) {
        const struct dirent *found;
        struct stat st;

        if (!f->walk)
            FERRY_TRY(open_part(f, err));
        FERRY_TRY(next_in_part(f, &found, err));
        if (!found) {
            if (f->walk)
                closedir(ferry_steal(&f->walk));
            f->part++;
            continue;
        }
        if (found->d_name[0] == '.')
            continue;
        snprintf(f->name, sizeof(f->name), "%s/%s", parts[f->part], found->d_name);
        if (fstatat(f->fd, f->name, &st, 0) < 0 || !S_ISDIR(st.st_mode))
            return 0;
    }
    f->name[0] = '\0';
    return 0;
}

/* Its name goes to f->name; "" at the end. */
static int next_name(struct ferry_folder *f, struct ferry_err *err)
{
    while (f->file <= FERRY_ENTRY_DOCKER) {
        snprintf(f->name, sizeof(f->name), "%s",
                 ferry_layout_file_name((enum ferry_entry_kind)f->file++));
        if (faccessat(f->fd, f->name, F_OK, 0) == 0)
            return 0;
    }
    return next_blob(f, err);
}

int ferry_folder_next(struct ferry_folder *folder, const char **name, int64_t *size,
                      struct ferry_err *err)
{
    int fd;

    *name = NULL;
    FERRY_TRY(next_name(folder, err));
    if (!folder->name[0])
        return 0;
    FERRY_TRY(open_below(folder, folder->name, &fd, size, err));
    close(fd);
    *name = folder->name;
    return 0;
}

int ferry_folder_file(const struct ferry_folder *folder, const char *name,
                      struct ferry_source **out, struct ferry_err *err)
{
    int64_t size;
    int fd;

    FERRY_TRY(open_below(folder, name, &fd, &size, err));
    return ferry_source_fd(fd, out, err);
}
