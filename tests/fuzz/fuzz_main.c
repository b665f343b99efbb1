/* Replays a corpus: every file of the folders that are named. */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>

#include "tests/fuzz/fuzz.h"

#define INPUT_MAX ((size_t)1024 * 1024)

static int replay(const char *path)
{
    static uint8_t bytes[INPUT_MAX];
    FILE *file = fopen(path, "rbe");
    size_t len = file ? fread(bytes, 1, sizeof(bytes), file) : 0;

    if (!file) {
        perror(path);
        return 1;
    }
    fclose(file);
    return LLVMFuzzerTestOneInput(bytes, len);
}

int main(int argc, char **argv)
{
    char path[PATH_MAX];
    int count = 0;

    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        struct dirent *found;

        while (folder && (found = readdir(folder))) {
            if (found->d_name[0] == '.')
                continue;
            snprintf(path, sizeof(path), "%s/%s", argv[i], found->d_name);
            if (replay(path) != 0)
                return 1;
            count++;
        }
        if (folder)
            closedir(folder);
    }
    printf("%d inputs\n", count);
    return count > 0 ? 0 : 1;
}
