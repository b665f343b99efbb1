#include "export/saved_base.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/archive/layout.h"
#include "format/archive/output_names.h"
#include "format/core/blob_file.h"

struct ferry_saved_base {
    char *path;
    char *partial; /* NULL when it is not there, or not ours to remove */
    int fd;        /* of that folder */
};

/* Folders below it, children first. */
static const char *const folders[] = { "blobs/sha256", "blobs/sha512", "blobs" };

/* A folder below, to be walked; NULL when there is none. */
static DIR *open_folder(int fd, const char *name)
{
    int below = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *folder = below < 0 ? NULL : fdopendir(below);

    if (below >= 0 && !folder)
        close(below);
    return folder;
}

/* Removes what a layout has, and nothing else: a folder that then is not empty stays. */
static void clear(int fd)
{
    unlinkat(fd, FERRY_LAYOUT_NAME, 0);
    unlinkat(fd, FERRY_INDEX_NAME, 0);
    for (size_t i = 0; i < FERRY_COUNT(folders); i++) {
        DIR *folder = open_folder(fd, folders[i]);

        for (struct dirent *found; folder && (found = readdir(folder));)
            unlinkat(dirfd(folder), found->d_name, 0); /* does nothing to a folder */
        if (folder)
            closedir(folder);
        unlinkat(fd, folders[i], AT_REMOVEDIR);
    }
}

void ferry_saved_base_free(struct ferry_saved_base *saved)
{
    if (!saved)
        return;
    if (saved->partial) {
        clear(saved->fd);
        rmdir(saved->partial);
    }
    if (saved->fd >= 0)
        close(saved->fd);
    free(saved->partial);
    free(saved->path);
    free(saved);
}

static int fail(const char *path, const char *what, struct ferry_err *err)
{
    return ferry_fail(err, FERRY_EIO, "--save-base: %s: %s: %s", path, what, strerror(errno));
}

/* A folder can be renamed to it: it has a last part that is a name. */
static bool is_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *last = slash ? slash + 1 : path;

    return last[0] && strcmp(last, ".") != 0 && strcmp(last, "..") != 0;
}

/* Its name must be free: nothing is ever removed to make room. */
static int check_free(const char *path, struct ferry_err *err)
{
    struct stat st;
    size_t entries = 0;
    DIR *folder;

    if (!is_name(path))
        return ferry_fail(err, FERRY_EIO, "--save-base: \"%s\": not a name for a new folder", path);
    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0 : fail(path, "cannot look", err);
    folder = S_ISDIR(st.st_mode) ? opendir(path) : NULL; /* of a link the name is not free */
    while (folder && readdir(folder))
        entries++;
    if (folder)
        closedir(folder);
    if (!folder || entries > 2) /* "." and ".." */
        return ferry_fail(err, FERRY_EIO, "--save-base: %s: exists already: name another folder",
                          path);
    return 0;
}

static int make_partial(struct ferry_saved_base *saved, struct ferry_err *err)
{
    FERRY_OWNED_MEM char *partial = NULL;

    FERRY_TRY(ferry_text(&partial, err, "%s.partial", saved->path));
    if (mkdir(partial, 0777) < 0 && errno != EEXIST)
        return fail(partial, "cannot create", err);
    saved->fd = open(partial, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (saved->fd < 0)
        return fail(partial, "cannot create", err);
    if (ferry_output_lock(saved->fd, partial, err) < 0)
        return ferry_wrap(err, "--save-base");
    clear(saved->fd); /* what one that was killed left behind */
    saved->partial = ferry_steal(&partial);
    return 0;
}

/* An empty folder that something is mounted on cannot give way to another. */
static int check_mount(const struct ferry_saved_base *saved, struct ferry_err *err)
{
    struct stat ours, there;

    if (fstat(saved->fd, &ours) < 0)
        return fail(saved->partial, "cannot look", err);
    if (stat(saved->path, &there) < 0 || there.st_dev == ours.st_dev)
        return 0;
    return ferry_fail(err, FERRY_EIO,
                      "--save-base: %s: is another file system: name a folder in it", saved->path);
}

int ferry_saved_base_open(const char *path, struct ferry_saved_base **out, struct ferry_err *err)
{
    FERRY_OWNED(ferry_saved_base) saved = calloc(1, sizeof(*saved));

    if (!saved)
        return ferry_fail_memory(err);
    saved->fd = -1;
    FERRY_TRY(ferry_text(&saved->path, err, "%s", path));
    for (size_t len = strlen(path); len > 1 && saved->path[len - 1] == '/';)
        saved->path[--len] = '\0';
    FERRY_TRY(check_free(saved->path, err));
    FERRY_TRY(make_partial(saved, err));
    FERRY_TRY(check_mount(saved, err));
    *out = ferry_steal(&saved);
    return 0;
}

static int put(const struct ferry_saved_base *saved, const char *name, const void *bytes,
               size_t len, struct ferry_err *err)
{
    int fd = openat(saved->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    int rc;

    if (fd < 0)
        return fail(saved->partial, name, err);
    rc = ferry_fd_write(fd, bytes, len, err);
    if (rc < 0)
        ferry_wrap(err, "--save-base: %s: %s", saved->partial, name);
    if (close(fd) < 0 && rc == 0)
        rc = fail(saved->partial, name, err);
    return rc;
}

static int put_documents(const struct ferry_saved_base *saved, const struct ferry_pull_plan *plan,
                         struct ferry_err *err)
{
    char name[FERRY_BLOB_NAME_MAX];

    for (size_t i = FERRY_COUNT(folders); i-- > 0;)
        if (mkdirat(saved->fd, folders[i], 0777) < 0)
            return fail(saved->partial, folders[i], err);
    FERRY_TRY(put(saved, FERRY_LAYOUT_NAME, FERRY_LAYOUT_TEXT, strlen(FERRY_LAYOUT_TEXT), err));
    FERRY_TRY(put(saved, FERRY_INDEX_NAME, plan->index.data, plan->index.len, err));
    for (size_t i = 0; i < plan->count; i++) {
        const struct ferry_node *node = plan->nodes[i];

        if (!node->is_manifest)
            continue;
        ferry_layout_blob_name(&node->descriptor.digest, name);
        FERRY_TRY(put(saved, name, node->bytes, (size_t)node->descriptor.size, err));
    }
    return 0;
}

int ferry_saved_base_commit(struct ferry_saved_base *saved, const struct ferry_pull_plan *plan,
                            struct ferry_err *err)
{
    FERRY_TRY(put_documents(saved, plan, err));
    if (syncfs(saved->fd) < 0)
        return fail(saved->partial, "cannot reach the medium", err);
    if (rename(saved->partial, saved->path) < 0)
        return fail(saved->partial, "cannot take its name", err);
    free(ferry_steal(&saved->partial));
    return 0;
}
