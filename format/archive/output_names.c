#include "format/archive/output_names.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/archive/volume_set.h"
#include "format/core/blob_file.h"

#define PARTIAL ".partial"

/* --- names ---------------------------------------------------------------------------------- */

/* NAME or NAME.003, and what follows. */
static int name_file(const struct ferry_output_names *n, size_t place, const char *end, char **out,
                     struct ferry_err *err)
{
    char suffix[FERRY_VOLUME_TEXT_MAX];

    return ferry_text(out, err, "%s%s%s", n->path,
                      n->is_cut ? ferry_volume_suffix(place, suffix) : "", end);
}

int ferry_output_name(const struct ferry_output_names *names, size_t place, char **out,
                      struct ferry_err *err)
{
    return name_file(names, place, PARTIAL, out, err);
}

static int name_sums(const struct ferry_output_names *n, const char *end, char **out,
                     struct ferry_err *err)
{
    return ferry_text(out, err, "%s" FERRY_SUMS_SUFFIX "%s", n->path, end);
}

/* -1 when there is no such file. */
static int64_t size_of(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 && S_ISREG(st.st_mode) ? st.st_size : -1;
}

/* --- what is there ---------------------------------------------------------------------------- */

static int refuse(const char *path, struct ferry_err *err)
{
    return ferry_fail(err, FERRY_EIO, "%s: exists already: name another file, or use --force",
                      path);
}

/* The sums file, or any volume. */
static int check_set(const struct ferry_output_names *n, struct ferry_err *err)
{
    struct ferry_volume_scan scan;
    FERRY_OWNED_MEM char *sums = NULL;
    FERRY_OWNED_MEM char *last = NULL;

    FERRY_TRY(name_sums(n, "", &sums, err));
    if (access(sums, F_OK) == 0)
        return refuse(sums, err);
    FERRY_TRY(ferry_volume_scan(n->path, &scan, err));
    if (scan.end == 0)
        return 0;
    FERRY_TRY(name_file(n, scan.end - 1, "", &last, err));
    return refuse(last, err);
}

int ferry_output_names_check(const struct ferry_output_names *names, struct ferry_err *err)
{
    if (names->existing == FERRY_EXISTING_REPLACE)
        return 0;
    if (names->is_cut)
        return check_set(names, err);
    return access(names->path, F_OK) == 0 ? refuse(names->path, err) : 0;
}

int ferry_output_lock(int fd, const char *path, struct ferry_err *err)
{
    /* Not every file system has locks. */
    if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
        return ferry_fail(err, FERRY_EIO, "%s: another export is writing it", path);
    return 0;
}

/* One volume of a set whose writer died while they took their names. */
static int take_back_one(const struct ferry_output_names *n, size_t place, int64_t size,
                         struct ferry_err *err)
{
    FERRY_OWNED_MEM char *named = NULL;
    FERRY_OWNED_MEM char *partial = NULL;

    FERRY_TRY(name_file(n, place, "", &named, err));
    FERRY_TRY(name_file(n, place, PARTIAL, &partial, err));
    if (size_of(partial) >= 0 || size_of(named) != size)
        return 0;
    if (rename(named, partial) == 0)
        return 0;
    return ferry_fail(err, FERRY_EIO, "%s: cannot be taken back: %s", named, strerror(errno));
}

/* Whether that writer is still at it. */
static int check_idle(const struct ferry_output_names *n, struct ferry_err *err)
{
    FERRY_OWNED_MEM char *first = NULL;
    int fd, rc;

    FERRY_TRY(name_file(n, 0, "", &first, err));
    fd = open(first, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    rc = ferry_output_lock(fd, first, err);
    close(fd);
    return rc;
}

int ferry_output_names_take_back(const struct ferry_output_names *names, struct ferry_err *err)
{
    FERRY_OWNED_SUMS sums = { 0 };
    FERRY_OWNED_MEM char *finished = NULL;
    FERRY_OWNED_MEM char *partial = NULL;
    struct ferry_err ignored;

    FERRY_TRY(name_sums(names, "", &finished, err));
    FERRY_TRY(name_sums(names, PARTIAL, &partial, err));
    if (size_of(finished) >= 0 || size_of(partial) < 0)
        return 0;
    FERRY_TRY(check_idle(names, err));
    if (ferry_volume_sums_read(partial, names->path, &sums, &ignored) == 0)
        for (size_t i = 0; i < sums.count; i++)
            FERRY_TRY(take_back_one(names, i, sums.items[i].size, err));
    unlink(partial);
    return 0;
}

/* --- the end -------------------------------------------------------------------------------- */

/* The renames are durable once the folder is. Not every file system can sync one. */
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

static int rename_new(const char *partial, const char *named)
{
    if (renameat2(AT_FDCWD, partial, AT_FDCWD, named, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS) /* those: a file system without it */
        return -1;
    if (access(named, F_OK) == 0) {
        errno = EEXIST;
        return -1;
    }
    return rename(partial, named);
}

static int take_name(const struct ferry_output_names *n, const char *partial, const char *named,
                     struct ferry_err *err)
{
    if ((n->existing == FERRY_EXISTING_REPLACE ? rename : rename_new)(partial, named) == 0)
        return 0;
    return ferry_fail(err, FERRY_EIO, "%s: cannot take its name: %s", partial, strerror(errno));
}

static int take_names(const struct ferry_output_names *n, size_t count, size_t *taken,
                      struct ferry_err *err)
{
    for (*taken = 0; *taken < count; ++*taken) {
        FERRY_OWNED_MEM char *named = NULL;
        FERRY_OWNED_MEM char *partial = NULL;

        FERRY_TRY(name_file(n, *taken, "", &named, err));
        FERRY_TRY(name_file(n, *taken, PARTIAL, &partial, err));
        FERRY_TRY(take_name(n, partial, named, err));
    }
    return 0;
}

/* Of what cannot be finished nothing has its name. */
static void give_back_names(const struct ferry_output_names *n, size_t taken)
{
    FERRY_OWNED_MEM char *sums = NULL;
    struct ferry_err ignored;

    if (n->is_cut && name_sums(n, PARTIAL, &sums, &ignored) == 0)
        unlink(sums);
    for (size_t i = 0; i < taken; i++) {
        FERRY_OWNED_MEM char *named = NULL;
        FERRY_OWNED_MEM char *partial = NULL;

        if (name_file(n, i, "", &named, &ignored) == 0 &&
            name_file(n, i, PARTIAL, &partial, &ignored) == 0)
            (void)!rename(named, partial);
    }
}

/* Of the set that is replaced, what the new one has not. */
static int remove_surplus(const struct ferry_output_names *n, size_t count, struct ferry_err *err)
{
    struct ferry_volume_scan scan;

    FERRY_TRY(ferry_volume_scan(n->path, &scan, err));
    for (size_t i = count; i < scan.end; i++) {
        FERRY_OWNED_MEM char *path = NULL;

        FERRY_TRY(name_file(n, i, "", &path, err));
        if (scan.there[i] && unlink(path) < 0)
            return ferry_fail(err, FERRY_EIO, "%s: cannot be removed: %s", path, strerror(errno));
    }
    return 0;
}

static int write_text(const char *path, const struct ferry_buf *text, struct ferry_err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    int rc;

    if (fd < 0)
        return ferry_fail(err, FERRY_EIO, "%s: cannot create: %s", path, strerror(errno));
    rc = ferry_fd_write(fd, text->data, text->len, err);
    if (rc == 0 && fsync(fd) < 0)
        rc = ferry_fail(err, FERRY_EIO, "cannot reach the medium: %s", strerror(errno));
    close(fd);
    return rc < 0 ? ferry_wrap(err, "%s", path) : 0;
}

static int write_sums(const struct ferry_output_names *n, const char *path,
                      const struct ferry_volume_sums *sums, struct ferry_err *err)
{
    const char *slash = strrchr(n->path, '/');
    FERRY_OWNED_BUF text;

    ferry_buf_init(&text, FERRY_SUMS_MAX);
    FERRY_TRY(ferry_volume_sums_format(sums, slash ? slash + 1 : n->path, &text, err));
    return write_text(path, &text, err);
}

/* The old sums file goes first, the new one comes last: no set has one that is not its own. */
static int take_set(const struct ferry_output_names *n, const struct ferry_volume_sums *sums,
                    size_t *taken, struct ferry_err *err)
{
    FERRY_OWNED_MEM char *named = NULL;
    FERRY_OWNED_MEM char *partial = NULL;

    FERRY_TRY(name_sums(n, "", &named, err));
    FERRY_TRY(name_sums(n, PARTIAL, &partial, err));
    FERRY_TRY(write_sums(n, partial, sums, err));
    if (n->existing == FERRY_EXISTING_REPLACE && unlink(named) < 0 && errno != ENOENT)
        return ferry_fail(err, FERRY_EIO, "%s: cannot be removed: %s", named, strerror(errno));
    FERRY_TRY(take_names(n, sums->count, taken, err));
    if (n->existing == FERRY_EXISTING_REPLACE)
        FERRY_TRY(remove_surplus(n, sums->count, err));
    sync_folder(n->path);
    return take_name(n, partial, named, err);
}

int ferry_output_names_take(const struct ferry_output_names *names,
                            const struct ferry_volume_sums *sums, struct ferry_err *err)
{
    size_t taken = 0;
    int rc = names->is_cut ? take_set(names, sums, &taken, err) : take_names(names, 1, &taken, err);

    if (rc < 0)
        give_back_names(names, taken);
    else
        sync_folder(names->path);
    return rc;
}
