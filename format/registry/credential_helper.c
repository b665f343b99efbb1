#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "format/core/blob_file.h"
#include "format/core/cancel.h"
#include "format/registry/credential_impl.h"

#define SLICE_MS 200
#define NAP_MS 5
#define KILL_MS 1000 /* after it was asked to end */

static void close_fdp(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

#define OWNED_FD __attribute__((cleanup(close_fdp))) int

static void close_now(int *fd)
{
    close_fdp(fd);
    *fd = -1;
}

/* Docker Hub is known to helpers by its oldest name. */
static const char *helper_key(const char *registry)
{
    return strcmp(registry, "docker.io") == 0 ? "https://index.docker.io/v1/" : registry;
}

static int start(const char *program, int in, int out, pid_t *pid)
{
    char *argv[] = { (char *)(uintptr_t)program, (char *)(uintptr_t) "get", NULL };
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, usual;
    int rc;

    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    if (posix_spawn_file_actions_init(&files) != 0)
        return ENOMEM;
    if (posix_spawnattr_init(&attr) != 0) {
        posix_spawn_file_actions_destroy(&files);
        return ENOMEM;
    }
    rc = posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    if (rc == 0) /* a worker thread's blocked signals are not the helper's */
        rc = posix_spawnattr_setsigmask(&attr, &none);
    if (rc == 0)
        rc = posix_spawnattr_setsigdefault(&attr, &usual);
    if (rc == 0)
        rc = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (rc == 0)
        rc = posix_spawnp(pid, program, &files, &attr, argv, environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    return rc;
}

/* One question to a helper. */
struct question {
    const char *program;
    const char *text;
    int seconds;
    struct ferry_buf answer;
    int status; /* its exit status; -1: it was killed */
};

static int read_answer(int fd, struct question *q, struct ferry_err *err)
{
    struct pollfd ready = { .fd = fd, .events = POLLIN };
    uint8_t chunk[1024];
    size_t got = 1;

    for (int slices = 0; got > 0;) {
        FERRY_TRY(ferry_cancel_check(err));
        if (poll(&ready, 1, SLICE_MS) <= 0) {
            if (++slices > q->seconds * 1000 / SLICE_MS)
                return ferry_fail(err, FERRY_EUSAGE, "no answer within %d s", q->seconds);
            continue;
        }
        FERRY_TRY(ferry_fd_read(fd, chunk, sizeof(chunk), &got, err));
        FERRY_TRY(ferry_buf_append(&q->answer, chunk, got, err));
        explicit_bzero(chunk, sizeof(chunk));
    }
    return 0;
}

/* Whether it ends within so many milliseconds, and how. */
static bool ends(pid_t pid, int ms, int *wait_status)
{
    const struct timespec nap = { .tv_nsec = NAP_MS * 1000000L };

    for (; waitpid(pid, wait_status, WNOHANG) == 0; ms -= NAP_MS) {
        if (ms <= 0)
            return false;
        nanosleep(&nap, NULL);
    }
    return true;
}

/* It has closed its end of the pipe, which is no end of itself. */
static int await_end(pid_t pid, int seconds, int *wait_status, struct ferry_err *err)
{
    for (int slices = 0; !ends(pid, SLICE_MS, wait_status); slices++) {
        FERRY_TRY(ferry_cancel_check(err));
        if (slices > seconds * 1000 / SLICE_MS)
            return ferry_fail(err, FERRY_EUSAGE, "did not end within %d s", seconds);
    }
    return 0;
}

/* Kindly, at first. */
static void stop(pid_t pid)
{
    int wait_status;

    kill(pid, SIGTERM);
    if (ends(pid, KILL_MS, &wait_status))
        return;
    kill(pid, SIGKILL);
    while (waitpid(pid, &wait_status, 0) < 0 && errno == EINTR)
        continue;
}

static int run(struct question *q, struct ferry_err *err)
{
    int in[2] = { -1, -1 }, out[2] = { -1, -1 };
    int rc, wait_status = 0;
    pid_t pid;

    if (pipe2(in, O_CLOEXEC) < 0)
        return ferry_fail(err, FERRY_EIO, "no pipe: %s", strerror(errno));
    OWNED_FD question_out = in[0];
    OWNED_FD question_in = in[1];
    if (pipe2(out, O_CLOEXEC) < 0)
        return ferry_fail(err, FERRY_EIO, "no pipe: %s", strerror(errno));
    OWNED_FD answer_out = out[0];
    OWNED_FD answer_in = out[1];

    /* It fits the pipe, and is there before a reader could be gone: no SIGPIPE, no waiting. */
    FERRY_TRY(ferry_fd_write(question_in, q->text, strlen(q->text), err));
    close_now(&question_in);
    rc = start(q->program, question_out, answer_in, &pid);
    if (rc != 0)
        return ferry_fail(err, FERRY_EUSAGE, "%s", strerror(rc));
    close_now(&question_out);
    close_now(&answer_in);
    rc = read_answer(answer_out, q, err);
    if (rc == 0)
        rc = await_end(pid, q->seconds, &wait_status, err);
    if (rc < 0)
        stop(pid);
    q->status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1;
    return rc;
}

static int parse_answer(const struct ferry_buf *answer, struct ferry_credential *out,
                        struct ferry_err *err)
{
    json_t *document = json_loadb((const char *)answer->data, answer->len, 0, NULL);
    const char *user = json_string_value(json_object_get(document, "Username"));
    const char *secret = json_string_value(json_object_get(document, "Secret"));
    int rc = 0;

    if (!user || !secret) {
        rc = ferry_fail(err, FERRY_EUSAGE, "its answer is not the JSON that it should be");
    } else if (strcmp(user, "<token>") == 0) {
        out->identity_token = strdup(secret);
        rc = out->identity_token ? 0 : ferry_fail_memory(err);
    } else {
        out->user = strdup(user);
        out->password = strdup(secret);
        rc = out->user && out->password ? 0 : ferry_fail_memory(err);
    }
    json_decref(document);
    return rc;
}

/* What the helper said, and how it ended. */
static int judge(const struct question *q, struct ferry_credential *out, struct ferry_err *err)
{
    const char *text = q->answer.len > 0 ? (const char *)q->answer.data : "it said nothing";

    if (q->status == 0)
        return parse_answer(&q->answer, out, err);
    if (strcasestr(text, "credentials not found"))
        return 0;
    return ferry_fail(err, FERRY_EUSAGE, "failed: %.200s", text); /* the protocol's: on stdout */
}

static void question_release(struct question *q)
{
    if (q->answer.len > 0)
        explicit_bzero(q->answer.data, q->answer.len);
    ferry_buf_release(&q->answer);
}

int ferry_credential_ask(const char *helper, const char *registry, int seconds,
                         struct ferry_credential *out, struct ferry_err *err)
{
    static const char word[] = "0123456789-_.abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    FERRY_OWNED_MEM char *program = NULL;
    __attribute__((cleanup(question_release))) struct question q = { .text = helper_key(registry),
                                                                     .seconds = seconds };
    int rc;

    ferry_buf_init(&q.answer, FERRY_HELPER_ANSWER_MAX);
    if (*helper == '\0' || strlen(helper) > 64 || helper[strspn(helper, word)] != '\0')
        return ferry_fail(err, FERRY_EUSAGE, "\"%.64s\" is no name of a credential helper", helper);
    FERRY_TRY(ferry_text(&program, err, "docker-credential-%s", helper));
    q.program = program;
    rc = run(&q, err);
    if (rc == 0)
        rc = judge(&q, out, err);
    return rc < 0 ? ferry_wrap(err, "credential helper %s, asked for %s", program, registry) : 0;
}
