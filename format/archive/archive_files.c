#include "format/archive/archive_files.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "format/archive/volume_set.h"
#include "format/core/blob_file.h"

/* Wherever links lead. */
static bool is_below(const char *folder, const char *path)
{
    FERRY_OWNED_MEM char *above = realpath(folder, NULL);
    FERRY_OWNED_MEM char *below = realpath(path, NULL);
    size_t len = above ? strlen(above) : 0;

    return above && below && strncmp(above, below, len) == 0 && below[len] == '/';
}

static bool is_of_set(const char *archive, const char *path)
{
    FERRY_OWNED(ferry_volumes) volumes = NULL;
    FERRY_OWNED_MEM char *sums = NULL;
    struct ferry_err ignored;

    if (ferry_volumes_open(archive, NULL, &volumes, &ignored) < 0 || !ferry_volumes_is_set(volumes))
        return false;
    for (size_t i = 0; i < ferry_volumes_count(volumes); i++)
        if (ferry_file_is_same(path, ferry_volumes_get(volumes, i)->path))
            return true;
    return ferry_text(&sums, &ignored, "%s%s", ferry_volumes_name(volumes), FERRY_SUMS_SUFFIX) ==
               0 &&
           ferry_file_is_same(path, sums);
}

bool ferry_archive_has_file(const char *archive, const char *path)
{
    struct stat st;

    if (ferry_file_is_same(path, archive))
        return true;
    if (stat(archive, &st) == 0 && S_ISDIR(st.st_mode))
        return is_below(archive, path);
    return is_of_set(archive, path);
}
