#include "format/archive/output_files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/archive/output_names.h"

struct ferry_output_files {
    char *path;
    struct ferry_output_names names;
    int64_t volume_size; /* INT64_MAX: one file */
    int lock;            /* the first file */
    int fd;              /* the one that was got last; the first, or of its own */
    struct ferry_volumes *found;
    bool is_ours;   /* the first file is there, and locked */
    bool keep;      /* files outlive a failure */
    bool committed; /* they have their names */
};

/* Whether the open file is still the one of that name: else its writer has just finished it. */
static bool is_still_there(int fd, const char *path)
{
    struct stat ours, named;

    return fstat(fd, &ours) == 0 && lstat(path, &named) == 0 && ours.st_dev == named.st_dev &&
           ours.st_ino == named.st_ino;
}

static int open_file(const char *path, struct ferry_err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);

    if (fd < 0)
        return ferry_fail(err, FERRY_EIO, "%s: cannot create: %s", path, strerror(errno));
    return fd;
}

static int lock_first(struct ferry_output_files *f, struct ferry_err *err)
{
    FERRY_OWNED_MEM char *path = NULL;
    struct stat st;

    FERRY_TRY(ferry_output_name(&f->names, 0, &path, err));
    f->lock = open_file(path, err);
    FERRY_TRY(f->lock);
    FERRY_TRY(ferry_output_lock(f->lock, path, err));
    if (!is_still_there(f->lock, path))
        return ferry_fail(err, FERRY_EIO, "%s: another export has just finished it", path);
    f->is_ours = true;
    f->keep = fstat(f->lock, &st) < 0 || st.st_size > 0; /* which an earlier one has left */
    return 0;
}

/* Up to the first file that is not full, or was cut at another size. */
static int find(struct ferry_output_files *f, struct ferry_err *err)
{
    bool goes_on = true;

    FERRY_TRY(ferry_volumes_new(f->path, &f->found, err));
    for (size_t i = 0; goes_on && i < FERRY_VOLUMES_MAX; i++) {
        struct ferry_volume there = { 0 };
        FERRY_OWNED_MEM char *path = NULL;
        struct stat st;

        FERRY_TRY(ferry_output_name(&f->names, i, &path, err));
        there.path = path;
        there.size = there.found = lstat(path, &st) == 0 && S_ISREG(st.st_mode) ? st.st_size : -1;
        goes_on = there.size == f->volume_size;
        if (there.size > f->volume_size)
            there.size = there.found = f->volume_size;
        if (there.size > 0)
            FERRY_TRY(ferry_volumes_add(f->found, &there, err));
    }
    return 0;
}

int ferry_output_files_open(const struct ferry_output_options *options,
                            struct ferry_output_files **out, struct ferry_err *err)
{
    FERRY_OWNED(ferry_output_files) f = calloc(1, sizeof(*f));

    if (!f)
        return ferry_fail_memory(err);
    f->lock = f->fd = -1;
    f->volume_size = options->volume_size > 0 ? options->volume_size : INT64_MAX;
    FERRY_TRY(ferry_text(&f->path, err, "%s", options->path));
    f->names = (struct ferry_output_names){ .path = f->path,
                                            .is_cut = options->volume_size > 0,
                                            .existing = options->existing };
    if (f->names.is_cut && strchr(f->path, '\n'))
        return ferry_fail(err, FERRY_EUSAGE, "%s: a sums file has no place for such a name",
                          f->path);
    if (f->names.is_cut)
        FERRY_TRY(ferry_output_names_take_back(&f->names, err));
    FERRY_TRY(ferry_output_names_check(&f->names, err));
    FERRY_TRY(lock_first(f, err));
    FERRY_TRY(find(f, err));
    *out = ferry_steal(&f);
    return 0;
}

static void close_file(struct ferry_output_files *f)
{
    if (f->fd >= 0 && f->fd != f->lock)
        close(f->fd);
    f->fd = -1;
}

/* From `place` on, up to the first that is not there. */
static int remove_files(const struct ferry_output_files *f, size_t place, struct ferry_err *err)
{
    for (int rc = 0; rc == 0; place++) {
        FERRY_OWNED_MEM char *path = NULL;

        FERRY_TRY(ferry_output_name(&f->names, place, &path, err));
        rc = unlink(path);
    }
    return 0;
}

void ferry_output_files_free(struct ferry_output_files *files)
{
    struct ferry_err ignored;

    if (!files)
        return;
    if (files->is_ours && !files->keep && !files->committed)
        (void)!remove_files(files, 0, &ignored);
    close_file(files);
    if (files->lock >= 0)
        close(files->lock);
    ferry_volumes_free(files->found);
    free(files->path);
    free(files);
}

struct ferry_volumes *ferry_output_files_found(const struct ferry_output_files *files)
{
    return files->found;
}

void ferry_output_files_keep(struct ferry_output_files *files)
{
    files->keep = true;
}

int ferry_output_files_cut(struct ferry_output_files *files, int64_t size, struct ferry_err *err)
{
    size_t last = size > 0 ? (size_t)((size - 1) / files->volume_size) : 0;
    FERRY_OWNED_MEM char *path = NULL;

    FERRY_TRY(ferry_output_name(&files->names, last, &path, err));
    if (truncate(path, size - (int64_t)last * files->volume_size) < 0)
        return ferry_fail(err, FERRY_EIO, "%s: cannot write: %s", path, strerror(errno));
    return files->names.is_cut ? remove_files(files, last + 1, err) : 0;
}

int ferry_output_files_get(struct ferry_output_files *files, size_t place, int *fd,
                           struct ferry_err *err)
{
    FERRY_OWNED_MEM char *path = NULL;

    close_file(files);
    if (place == 0) {
        *fd = files->fd = files->lock;
        return 0;
    }
    if (place >= FERRY_VOLUMES_MAX)
        return ferry_fail(err, FERRY_ELIMIT, "%s: more than %d volumes: make them larger",
                          files->path, FERRY_VOLUMES_MAX);
    FERRY_TRY(ferry_output_name(&files->names, place, &path, err));
    files->fd = open_file(path, err);
    FERRY_TRY(files->fd);
    *fd = files->fd;
    return 0;
}

int ferry_output_files_name(const struct ferry_output_files *files, size_t place, char **out,
                            struct ferry_err *err)
{
    return ferry_output_name(&files->names, place, out, err);
}

int ferry_output_files_commit(struct ferry_output_files *files,
                              const struct ferry_volume_sums *sums, struct ferry_err *err)
{
    FERRY_TRY(ferry_output_names_take(&files->names, sums, err));
    files->committed = true;
    return 0;
}
