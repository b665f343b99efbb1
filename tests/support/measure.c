/*
 * measure OUT.json COMMAND [ARG...]: runs COMMAND and writes what it cost as one line of JSON:
 *   {"status":0,"wall_s":1.2,"cpu_s":0.8,"peak_kib":20480,"written":1073741824,"stored":1073741824}
 * written: bytes given to write calls; stored: bytes sent to a disk (both -1 where the kernel does
 * not tell). Ends as COMMAND did.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

/* Opened while the process lives (a dead one's belongs to root), read when it has ended. */
static FILE *open_io(pid_t pid)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/io", (int)pid);
    return fopen(path, "re");
}

static void read_io(FILE *io, int64_t *written, int64_t *stored)
{
    char line[128];

    while (io && fgets(line, sizeof(line), io)) {
        sscanf(line, "wchar: %" SCNd64, written);
        sscanf(line, "write_bytes: %" SCNd64, stored);
    }
    if (io)
        fclose(io);
}

int main(int argc, char **argv)
{
    int64_t written = -1, stored = -1;
    struct rusage used;
    siginfo_t info;
    int status;

    if (argc < 3) {
        fprintf(stderr, "usage: measure OUT.json COMMAND [ARG...]\n");
        return 2;
    }
    double start = now();
    pid_t pid = fork();
    if (pid == 0) {
        execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }
    signal(SIGINT, SIG_IGN); /* for COMMAND, not for us */
    FILE *io = pid > 0 ? open_io(pid) : NULL;
    if (pid < 0 || waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) != 0) {
        perror("measure");
        return 1;
    }
    double wall = now() - start;
    read_io(io, &written, &stored);
    if (wait4(pid, &status, 0, &used) != pid) {
        perror("measure");
        return 1;
    }
    status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    FILE *out = fopen(argv[1], "we");
    if (!out) {
        perror(argv[1]);
        return 1;
    }
    fprintf(out,
            "{\"status\":%d,\"wall_s\":%.3f,\"cpu_s\":%.3f,\"peak_kib\":%ld,\"written\":%" PRId64
            ",\"stored\":%" PRId64 "}\n",
            status, wall, seconds(used.ru_utime) + seconds(used.ru_stime), used.ru_maxrss, written,
            stored);
    fclose(out);
    return status;
}
