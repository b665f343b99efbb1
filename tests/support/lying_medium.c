/*
 * A medium that does not hold what it took: preloaded, it turns one bit of a file behind the back
 * of whoever has just synced it.
 *
 *   LIES_IN     the end of the file's name
 *   LIES_AT     the offset of the byte
 *   LD_PRELOAD  this
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int fsync(int fd);

static int ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), tail = strlen(end);

    return len >= tail && strcmp(text + len - tail, end) == 0;
}

static void lie(int fd)
{
    const char *name = getenv("LIES_IN"), *at = getenv("LIES_AT");
    char link[64], path[4096];
    unsigned char byte;
    ssize_t len;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    len = readlink(link, path, sizeof(path) - 1);
    if (!name || !at || len < 0)
        return;
    path[len] = '\0';
    if (!ends_with(path, name) || pread(fd, &byte, 1, atoll(at)) != 1)
        return;
    byte ^= 16;
    if (pwrite(fd, &byte, 1, atoll(at)) != 1)
        abort();
}

int fsync(int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    int rc = real(fd);

    lie(fd);
    return rc;
}
