#include "export/medium.h"

#include <inttypes.h>
#include <libgen.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "format/archive/output.h"
#include "format/core/size.h"

#define MIB ((int64_t)1024 * 1024)
#define FAT_FILE_MAX ((int64_t)UINT32_MAX) /* its sizes have 32 bits */

int ferry_medium_look(const char *output, struct ferry_medium *out, struct ferry_err *err)
{
    FERRY_OWNED_MEM char *copy = strdup(output);
    struct rlimit limit;
    struct statfs fs;
    struct stat st;

    *out = (struct ferry_medium){ .free = INT64_MAX, .file_max = INT64_MAX };
    if (!copy)
        return ferry_fail_memory(err);
    if (strcmp(output, "-") == 0 || (stat(output, &st) == 0 && !S_ISREG(st.st_mode)) ||
        statfs(dirname(copy), &fs) < 0)
        return 0;
    out->file_system = (int64_t)fs.f_type;
    if (__builtin_mul_overflow(fs.f_bavail, fs.f_bsize, &out->free))
        out->free = INT64_MAX;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < (rlim_t)INT64_MAX)
        out->file_max = (int64_t)limit.rlim_cur;
    return 0;
}

static int check_count(const struct ferry_medium_need *need, struct ferry_err *err)
{
    int64_t count;

    if (need->volume_size == 0)
        return 0;
    count = ferry_output_volumes(need->bytes, need->volume_size);
    if (count <= FERRY_VOLUMES_MAX)
        return 0;
    return ferry_fail(err, FERRY_EUSAGE,
                      "--volume-size: %" PRId64 " volumes, and there can be %d: make them at least "
                      "%" PRId64 "M",
                      count, FERRY_VOLUMES_MAX, (need->bytes / FERRY_VOLUMES_MAX + MIB) / MIB);
}

/* `who` permits files of `max` bytes. */
static int check_file(const struct ferry_medium_need *need, const char *who, int64_t max,
                      struct ferry_err *err)
{
    int64_t largest = need->bytes;
    char sizes[2][FERRY_SIZE_TEXT_MAX];

    if (need->volume_size > 0 && need->volume_size < largest)
        largest = need->volume_size;
    if (largest <= max)
        return 0;
    ferry_size_format(largest, sizes[0]);
    ferry_size_format(max, sizes[1]);
    if (max < MIB)
        return ferry_fail(err, FERRY_EIO, "%s: a file of %s, and %s permits %s", need->output,
                          sizes[0], who, sizes[1]);
    return ferry_fail(err, FERRY_EIO,
                      "%s: a file of %s, and %s permits %s: --volume-size %" PRId64 "M cuts the "
                      "archive into volumes that fit",
                      need->output, sizes[0], who, sizes[1], max / MIB);
}

int ferry_medium_check(const struct ferry_medium *medium, const struct ferry_medium_need *need,
                       struct ferry_err *err)
{
    int64_t needed = need->bytes - need->there;
    char sizes[2][FERRY_SIZE_TEXT_MAX];

    FERRY_TRY(check_count(need, err));
    if (medium->file_system == MSDOS_SUPER_MAGIC)
        FERRY_TRY(check_file(need, "the file system (FAT)", FAT_FILE_MAX, err));
    FERRY_TRY(check_file(need, "the limit on file sizes (ulimit -f)", medium->file_max, err));
    if (needed <= medium->free)
        return 0;
    return ferry_fail(err, FERRY_EIO, "%s: the archive takes %s, and %s are free there",
                      need->output, ferry_size_format(needed, sizes[0]),
                      ferry_size_format(medium->free, sizes[1]));
}
