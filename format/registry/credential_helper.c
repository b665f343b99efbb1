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

static int read_answer(int fd, struct ferry_buf *answer, struct ferry_err *err)
{
    struct pollfd ready = { .fd = fd, .events = POLLIN };
    uint8_t chunk[1024];
    size_t got = 1;

    for (int slices = 0; got > 0;) {
        FERRY_TRY(ferry_cancel_check(err));
        if (poll(&ready, 1, SLICE_MS) <= 0) {
            if (++slices > FERRY_HELPER_SECONDS * 1000 / SLICE_MS)
                return ferry_fail(err, FERRY_EUSAGE, "no answer within %d s", FERRY_HELPER_SECONDS);
            continue;
        }
        FERRY_TRY(ferry_fd_read(fd, chunk, sizeof(chunk), &got, err));
        FERRY_TRY(ferry_buf_append(answer, chunk, got, err));
        explicit_bzero(chunk, sizeof(chunk));
    }
    return 0;
}

/* Runs the program; *status is its exit status, -1 when it was killed. */
static int run(const char *program, const char *question, struct ferry_buf *answer, int *status,
               struct ferry_err *err)
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
    FERRY_TRY(ferry_fd_write(question_in, question, strlen(question), err));
    close_now(&question_in);
    rc = start(program, question_out, answer_in, &pid);
    if (rc != 0)
        return ferry_fail(err, FERRY_EUSAGE, "%s", strerror(rc));
    close_now(&question_out);
    close_now(&answer_in);
    rc = read_answer(answer_out, answer, err);
    if (rc < 0)
        kill(pid, SIGTERM);
    while (waitpid(pid, &wait_status, 0) < 0 && errno == EINTR)
        continue;
    *status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1;
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

int ferry_credential_ask(const char *helper, const char *registry, struct ferry_credential *out,
                         struct ferry_err *err)
{
    static const char word[] = "0123456789-_.abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    FERRY_OWNED_MEM char *program = NULL;
    FERRY_OWNED_BUF answer;
    int status = -1;
    int rc;

    ferry_buf_init(&answer, FERRY_HELPER_ANSWER_MAX);
    if (*helper == '\0' || strlen(helper) > 64 || helper[strspn(helper, word)] != '\0')
        return ferry_fail(err, FERRY_EUSAGE, "\"%.64s\" is no name of a credential helper", helper);
    FERRY_TRY(ferry_text(&program, err, "docker-credential-%s", helper));
    rc = run(program, helper_key(registry), &answer, &status, err);
    if (rc == 0 && status == 0)
        rc = parse_answer(&answer, out, err);
    else if (rc == 0 && answer.len > 0 &&
             strcasestr((const char *)answer.data, "credentials not found"))
        status = 0;
    else if (rc == 0) /* the protocol puts the reason on stdout */
        rc = ferry_fail(err, FERRY_EUSAGE, "failed: %.200s",
                        answer.len > 0 ? (const char *)answer.data : "it said nothing");
    if (answer.len > 0)
        explicit_bzero(answer.data, answer.len);
    return rc < 0 ? ferry_wrap(err, "credential helper %s, asked for %s", program, registry) : 0;
}
