/*
 * An HTTP proxy for CONNECT, which leads every host to one port of 127.0.0.1: so that a host that
 * is not there at all can be a registry.
 *
 *   connect_proxy --to PORT [--user USER:PASSWORD] [--status CODE] [--log FILE]
 *                 [--cut BYTES] [--garble BYTES] [--times N]
 *
 * Prints its port on 127.0.0.1. With --user it wants these credentials (407); with --status it
 * answers every CONNECT so. With --cut a tunnel that has carried so many bytes, both ways together,
 * ends there; with --garble the bytes from there on are others, once; so for the first N tunnels,
 * or for all. The log has a line for each request, and one for each harm:
 *   "METHOD TARGET proxy-auth=yes|no auth=yes|no status=N"
 *   "harm TARGET"
 * Ends by itself after ten minutes.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_MAX 16384
#define CREDENTIALS_MAX 512
#define GARBLED 16 /* bytes */

static struct {
    int to;
    int status;
    int log_fd;
    char credentials[CREDENTIALS_MAX]; /* base64; "": none are wanted */
    long harm_at;                      /* 0: never */
    bool cut;                          /* else garble */
    atomic_int times;
} proxy = { .log_fd = -1, .times = INT_MAX };

static bool send_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

        if (n <= 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

/* Up to the empty line, byte by byte: what follows belongs to the tunnel. */
static bool read_head(int fd, char head[HEAD_MAX])
{
    size_t len = 0;

    while (len < HEAD_MAX - 1 && recv(fd, head + len, 1, 0) == 1) {
        head[++len] = '\0';
        if (len >= 4 && strcmp(head + len - 4, "\r\n\r\n") == 0)
            return true;
    }
    return false;
}

static int connect_upstream(void)
{
    struct sockaddr_in addr = { .sin_family = AF_INET,
                                .sin_port = htons((uint16_t)proxy.to),
                                .sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) } };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

struct tunnel {
    const char *target;
    long moved;
};

/* Of `n` bytes that are on their way: how many go on. */
static ssize_t harm(const struct tunnel *t, char *bytes, ssize_t n)
{
    ssize_t at = proxy.harm_at - t->moved;

    if (proxy.harm_at == 0 || at < 0 || at >= n || atomic_fetch_sub(&proxy.times, 1) <= 0)
        return n;
    dprintf(proxy.log_fd, "harm %s\n", t->target);
    if (proxy.cut)
        return at;
    for (ssize_t i = at; i < n && i < at + GARBLED; i++)
        bytes[i] = (char)~bytes[i];
    return n;
}

/* Moves what is there one way; false at the end. */
static bool pump(struct tunnel *t, int from, int to)
{
    char bytes[65536];
    ssize_t n = recv(from, bytes, sizeof(bytes), 0);
    ssize_t on = n > 0 ? harm(t, bytes, n) : 0;

    t->moved += n;
    return on > 0 && send_all(to, bytes, (size_t)on) && on == n;
}

static void pump_both(const char *target, int client, int server)
{
    struct tunnel t = { .target = target };
    struct pollfd both[2] = { { .fd = client, .events = POLLIN },
                              { .fd = server, .events = POLLIN } };

    while (poll(both, 2, -1) > 0) {
        if (both[0].revents && !pump(&t, client, server))
            break;
        if (both[1].revents && !pump(&t, server, client))
            break;
    }
}

/* What is answered before there is a tunnel. */
static int judge(const char *method, const char *head)
{
    const char *shown = strcasestr(head, "\r\nProxy-Authorization: Basic ");
    size_t len = strlen(proxy.credentials);

    if (strcmp(method, "CONNECT") != 0)
        return 405;
    if (proxy.status)
        return proxy.status;
    if (len == 0)
        return 200;
    shown = shown ? strchr(shown + 2, 'B') : NULL;
    return shown && strncmp(shown + strlen("Basic "), proxy.credentials, len) == 0 ? 200 : 407;
}

static void serve(int client)
{
    char head[HEAD_MAX] = "", method[16] = "", target[512] = "", reply[256];
    int status, server = -1;

    if (!read_head(client, head) || sscanf(head, "%15s %511s", method, target) != 2)
        return;
    status = judge(method, head);
    if (status == 200 && (server = connect_upstream()) < 0)
        status = 502;
    if (proxy.log_fd >= 0)
        dprintf(proxy.log_fd, "%s %s proxy-auth=%s auth=%s status=%d\n", method, target,
                strcasestr(head, "\r\nProxy-Authorization:") ? "yes" : "no",
                strcasestr(head, "\r\nAuthorization:") ? "yes" : "no", status);
    snprintf(reply, sizeof(reply), "HTTP/1.1 %d Scripted\r\n%s%s\r\n", status,
             status == 407 ? "Proxy-Authenticate: Basic realm=\"proxy\"\r\n" : "",
             status == 200 ? "" : "Content-Length: 0\r\nConnection: close\r\n");
    if (send_all(client, reply, strlen(reply)) && server >= 0)
        pump_both(target, client, server);
    if (server >= 0)
        close(server);
}

static void *run(void *arg)
{
    int client = *(int *)arg;

    free(arg);
    serve(client);
    shutdown(client, SHUT_WR);
    close(client);
    return NULL;
}

static _Noreturn void usage(void)
{
    fprintf(stderr, "connect_proxy: see the comment at the head of connect_proxy.c\n");
    exit(2);
}

static void parse_args(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *next = argv[i + 1];

        if (strcmp(argv[i], "--to") == 0)
            proxy.to = atoi(next);
        else if (strcmp(argv[i], "--status") == 0)
            proxy.status = atoi(next);
        else if (strcmp(argv[i], "--log") == 0)
            proxy.log_fd = open(next, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        else if (strcmp(argv[i], "--user") == 0 && strlen(next) < CREDENTIALS_MAX / 2)
            EVP_EncodeBlock((unsigned char *)proxy.credentials, (const unsigned char *)next,
                            (int)strlen(next));
        else if (strcmp(argv[i], "--times") == 0)
            atomic_store(&proxy.times, atoi(next));
        else if (strcmp(argv[i], "--cut") == 0 || strcmp(argv[i], "--garble") == 0) {
            proxy.cut = strcmp(argv[i], "--cut") == 0;
            proxy.harm_at = atol(next);
        } else
            usage();
    }
    if (proxy.to == 0 || argc % 2 == 0)
        usage();
}

int main(int argc, char **argv)
{
    struct sockaddr_in addr = { .sin_family = AF_INET,
                                .sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof(addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    parse_args(argc, argv);
    alarm(600);
    if (fd < 0 || bind(fd, (struct sockaddr *)&addr, len) != 0 || listen(fd, 128) != 0 ||
        getsockname(fd, (struct sockaddr *)&addr, &len) != 0) {
        perror("connect_proxy");
        return 1;
    }
    printf("%d\n", ntohs(addr.sin_port));
    fflush(stdout);
    for (;;) {
        int *client = malloc(sizeof(*client));
        pthread_t thread;

        if (!client)
            return 1;
        *client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        if (*client < 0 || pthread_create(&thread, NULL, run, client) != 0) {
            free(client);
            continue;
        }
        pthread_detach(thread);
    }
}
