#include "format/archive/volume_set.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/core/blob_file.h"

/* A set that is being looked for. */
struct set {
    const char *path; /* as it was given */
    const char *name; /* of the archive, with its folder */
    char *sums_path;
    struct ferry_volume_sums sums;
    const struct ferry_volume_prompt *prompt;
    struct ferry_volumes *volumes;
};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* -1 when there is no such regular file. */
static int64_t file_size(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode) ? st.st_size : -1;
}

static int fail_list(const char *folder, struct ferry_err *err)
{
    return ferry_fail(err, FERRY_EIO, "%s: cannot list: %s", folder, strerror(errno));
}

static void note_name(const char *name, const char *base, struct ferry_volume_scan *out)
{
    size_t place;

    if (strncmp(name, base, strlen(base)) != 0 || !ferry_volume_parse(name, strlen(base), &place))
        return;
    out->there[place] = true;
    out->end = place < out->end ? out->end : place + 1;
}

int ferry_volume_scan(const char *name, struct ferry_volume_scan *out, struct ferry_err *err)
{
    const char *base = base_name(name);
    FERRY_OWNED_MEM char *folder = NULL;
    const struct dirent *entry;
    int rc = 0;
    DIR *list;

    *out = (struct ferry_volume_scan){ 0 };
    FERRY_TRY(base > name ? ferry_text(&folder, err, "%.*s", (int)(base - name), name)
                          : ferry_text(&folder, err, "."));
    list = opendir(folder);
    if (!list)
        return errno == ENOENT ? 0 : fail_list(folder, err);
    for (errno = 0; (entry = readdir(list)); errno = 0)
        note_name(entry->d_name, base, out);
    if (errno != 0)
        rc = fail_list(folder, err);
    closedir(list);
    return rc;
}

int ferry_volume_sums_read(const char *path, const char *name, struct ferry_volume_sums *out,
                           struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) file = NULL;
    FERRY_OWNED_BUF text;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int rc;

    ferry_buf_init(&text, FERRY_SUMS_MAX);
    if (fd < 0)
        return ferry_fail(err, FERRY_EIO, "%s: cannot open: %s", path, strerror(errno));
    rc = ferry_source_fd(fd, &file, err);
    if (rc == 0)
        rc = ferry_source_read_all(file, &text, err);
    if (rc == 0)
        rc = ferry_volume_sums_parse(&text, base_name(name), out, err);
    return rc < 0 ? ferry_wrap(err, "%s", path) : 0;
}

static int add(const struct set *set, size_t place, const struct ferry_volume *facts,
               struct ferry_err *err)
{
    FERRY_OWNED_MEM char *path = NULL;
    struct ferry_volume volume = *facts;
    char suffix[FERRY_VOLUME_TEXT_MAX];

    FERRY_TRY(ferry_text(&path, err, "%s%s", set->name, ferry_volume_suffix(place, suffix)));
    volume.path = path;
    volume.found = set->prompt ? volume.size : file_size(path);
    if (volume.size < 0)
        volume.size = volume.found;
    /* Of what is missing and has no sum, a byte at least: nothing behind it is read in its place.
     */
    if (volume.size <= 0)
        volume.size = 1;
    return ferry_volumes_add(set->volumes, &volume, err);
}

/* Those that the sums file lists, and the files that it should list. */
static int add_listed(const struct set *set, const struct ferry_volume_scan *scan,
                      struct ferry_err *err)
{
    for (size_t i = 0; i < set->sums.count; i++)
        FERRY_TRY(add(set, i,
                      &(struct ferry_volume){ .size = set->sums.items[i].size,
                                              .sum = set->sums.items[i].digest },
                      err));
    for (size_t i = set->sums.count; i < scan->end; i++)
        if (scan->there[i])
            FERRY_TRY(add(set, i, &(struct ferry_volume){ .size = -1, .is_surplus = true }, err));
    return 0;
}

/* Without a sums file they are counted: the last one that is there is taken for the last. */
static int add_counted(const struct set *set, const struct ferry_volume_scan *scan,
                       struct ferry_err *err)
{
    for (size_t i = 0; i < scan->end; i++)
        FERRY_TRY(add(set, i, &(struct ferry_volume){ .size = -1 }, err));
    return 0;
}

static int read_sums(struct set *set, bool *there, struct ferry_err *err)
{
    FERRY_OWNED_MEM char *what = NULL;

    FERRY_TRY(ferry_text(&set->sums_path, err, "%s" FERRY_SUMS_SUFFIX, set->name));
    FERRY_TRY(ferry_text(&what, err, "%s is not there", set->sums_path));
    while (!(*there = file_size(set->sums_path) >= 0) && set->prompt)
        FERRY_TRY(set->prompt->ask(set->prompt->ctx, what, err));
    return *there ? ferry_volume_sums_read(set->sums_path, set->name, &set->sums, err) : 0;
}

static int fill(struct set *set, struct ferry_err *err)
{
    struct ferry_volume_scan scan = { 0 };
    bool has_sums;

    FERRY_TRY(read_sums(set, &has_sums, err));
    if (!set->prompt)
        FERRY_TRY(ferry_volume_scan(set->name, &scan, err));
    if (!has_sums && scan.end == 0)
        return ferry_fail(err, FERRY_EIO, "%s: cannot open: %s", set->path, strerror(ENOENT));
    FERRY_TRY(ferry_volumes_new(set->name, &set->volumes, err));
    ferry_volumes_set_prompt(set->volumes, set->prompt);
    return has_sums ? add_listed(set, &scan, err) : add_counted(set, &scan, err);
}

static int open_set(const char *path, const char *name, const struct ferry_volume_prompt *prompt,
                    struct ferry_volumes **out, struct ferry_err *err)
{
    struct set set = { .path = path, .name = name, .prompt = prompt };
    int rc = fill(&set, err);

    free(set.sums_path);
    ferry_volume_sums_release(&set.sums);
    if (rc == 0)
        *out = ferry_steal(&set.volumes);
    ferry_volumes_free(set.volumes);
    return rc;
}

static int open_file(const char *path, int64_t size, struct ferry_volumes **out,
                     struct ferry_err *err)
{
    FERRY_OWNED(ferry_volumes) v = NULL;
    const struct ferry_volume only = { .path = path, .size = size, .found = size };

    FERRY_TRY(ferry_volumes_new(path, &v, err));
    FERRY_TRY(ferry_volumes_add(v, &only, err));
    *out = ferry_steal(&v);
    return 0;
}

/* Bytes of `path` before `suffix`, where it ends so; else 0. */
static size_t stem_before(const char *path, const char *suffix)
{
    size_t len = strlen(path), tail = strlen(suffix);

    return len > tail && strcmp(path + len - tail, suffix) == 0 ? len - tail : 0;
}

/* A regular file, but for one that is a volume further on. */
static int open_single(const char *path, int64_t size, struct ferry_volumes **out,
                       struct ferry_err *err)
{
    const char *dot = strrchr(path, '.');
    FERRY_OWNED_MEM char *first = NULL;
    size_t place = 0;

    if (dot && ferry_volume_parse(path, (size_t)(dot - path), &place) && place > 0) {
        FERRY_TRY(ferry_text(&first, err, "%.*s.001", (int)(dot - path), path));
        if (file_size(first) >= 0)
            return ferry_fail(err, FERRY_EUSAGE, "%s: is a volume of a set: give the first, %s",
                              path, first);
    }
    return open_file(path, size, out, err);
}

int ferry_volumes_open(const char *path, const struct ferry_volume_prompt *prompt,
                       struct ferry_volumes **out, struct ferry_err *err)
{
    size_t sums = stem_before(path, FERRY_SUMS_SUFFIX), first = stem_before(path, ".001");
    FERRY_OWNED_MEM char *stem = NULL;
    int64_t size = file_size(path);

    if (sums > 0 && size < 0 && !prompt)
        return ferry_fail(err, FERRY_EIO, "%s: cannot open: %s", path, strerror(ENOENT));
    if (sums == 0 && first == 0)
        return size >= 0 ? open_single(path, size, out, err)
                         : open_set(path, path, prompt, out, err);
    FERRY_TRY(ferry_text(&stem, err, "%.*s", (int)(sums + first), path));
    return open_set(path, stem, prompt, out, err);
}
