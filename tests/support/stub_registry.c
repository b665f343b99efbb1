#include "tests/support/stub_registry.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 64
#define REQUESTS_MAX 4096
#define STEPS_MAX 64
#define HEAD_MAX 16384
#define BODY_KEPT_MAX ((size_t)8 << 20)

struct connection {
    struct stub_registry *stub;
    int number;
    int fd;
    pthread_t thread;
    bool started;
};

/* A copy of a script with all its texts: a connection may still play it when its test is over. */
struct script {
    struct stub_step steps[STEPS_MAX];
    int used[STEPS_MAX];
    size_t count;
    struct script *next; /* the one before; all are kept to the stop */
};

struct stub_registry {
    int fd;
    int port;
    pthread_t acceptor;
    pthread_mutex_t lock;
    pthread_cond_t stop;
    bool stopping;
    struct script *script;
    struct stub_request *requests;
    size_t request_count;
    struct connection connections[CONNECTIONS_MAX];
    int connection_count;
};

static void need(bool good, const char *what)
{
    if (good)
        return;
    perror(what);
    exit(99);
}

/* --- one request ---------------------------------------------------------------------------- */

static bool send_all(int fd, const void *bytes, size_t len)
{
    const char *p = bytes;

    while (len > 0) {
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

        if (n <= 0)
            return false;
        p += n;
        len -= (size_t)n;
    }
    return true;
}

/* Reads up to and with the empty line; what came behind it is the start of the body. */
static bool read_head(int fd, char *head, size_t *head_len, size_t *have)
{
    *have = 0;
    while (*have < HEAD_MAX) {
        ssize_t n = recv(fd, head + *have, HEAD_MAX - *have, 0);
        char *end;

        if (n <= 0 || head[0] == 0x16) /* gone, or a TLS hello */
            return false;
        *have += (size_t)n;
        head[*have] = '\0';
        end = strstr(head, "\r\n\r\n");
        if (end) {
            *head_len = (size_t)(end - head) + 4;
            return true;
        }
    }
    return false;
}

static void copy_field(const char *head, const char *name, char *out, size_t room)
{
    const char *line = strcasestr(head, name);
    size_t len = line ? strcspn(line + strlen(name), "\r\n") : 0;

    snprintf(out, room, "%.*s", (int)len, line ? line + strlen(name) : "");
}

static char *read_body(int fd, const char *start, size_t have, size_t len)
{
    char *body = malloc((len < BODY_KEPT_MAX ? len : BODY_KEPT_MAX) + 1);
    char sponge[65536];

    need(body != NULL, "malloc");
    memcpy(body, start, have < BODY_KEPT_MAX ? have : BODY_KEPT_MAX);
    while (have < len) {
        size_t want = len - have < sizeof(sponge) ? len - have : sizeof(sponge);
        ssize_t n = recv(fd, sponge, want, 0);

        if (n <= 0) {
            free(body);
            return NULL;
        }
        if (have + (size_t)n <= BODY_KEPT_MAX)
            memcpy(body + have, sponge, (size_t)n);
        have += (size_t)n;
    }
    body[have < BODY_KEPT_MAX ? have : BODY_KEPT_MAX] = '\0';
    return body;
}

static struct stub_step choose(struct stub_registry *stub, const char *method, const char *path,
                               const char *head)
{
    static const struct stub_step none = { .status = 599, .body = "no step fits", .times = -1 };
    struct stub_step found = none;

    pthread_mutex_lock(&stub->lock);
    for (size_t i = 0; stub->script && i < stub->script->count; i++) {
        const struct stub_step *s = &stub->script->steps[i];
        int *used = &stub->script->used[i];

        if ((s->method && strcmp(s->method, method) != 0) ||
            (s->path && strncmp(s->path, path, strlen(s->path)) != 0) ||
            (s->expect && !strstr(head, s->expect)) ||
            (s->times >= 0 && *used >= (s->times ? s->times : 1)))
            continue;
        ++*used;
        found = *s;
        break;
    }
    pthread_mutex_unlock(&stub->lock);
    return found;
}

static void record(struct stub_registry *stub, const struct stub_request *request)
{
    pthread_mutex_lock(&stub->lock);
    need(stub->request_count < REQUESTS_MAX, "too many requests");
    stub->requests[stub->request_count++] = *request;
    pthread_mutex_unlock(&stub->lock);
}

static void await_stop(struct stub_registry *stub)
{
    pthread_mutex_lock(&stub->lock);
    while (!stub->stopping)
        pthread_cond_wait(&stub->stop, &stub->lock);
    pthread_mutex_unlock(&stub->lock);
}

/* false: the connection is at its end. */
static bool reply(struct connection *c, const struct stub_step *step, bool head_only)
{
    const char *body = step->body ? step->body : "";
    const char *headers = step->headers ? step->headers : "";
    const bool cut = step->action == STUB_CUT || step->action == STUB_STALL;
    size_t len = step->body_len ? step->body_len : strlen(body);
    char line[128], length[64] = "";

    if (step->action == STUB_CLOSE)
        return false;
    snprintf(line, sizeof(line), "HTTP/1.1 %d Said by the stub\r\n",
             step->status ? step->status : 200);
    if (!strcasestr(headers, "Content-Length:") && !strcasestr(headers, "Transfer-Encoding:"))
        snprintf(length, sizeof(length), "Content-Length: %zu\r\n", len);
    if (!send_all(c->fd, line, strlen(line)) || !send_all(c->fd, headers, strlen(headers)) ||
        !send_all(c->fd, length, strlen(length)) || !send_all(c->fd, "\r\n", 2))
        return false;
    if (!head_only && !send_all(c->fd, body, cut ? step->cut : len))
        return false;
    if (step->action == STUB_STALL)
        await_stop(c->stub);
    return step->action == STUB_REPLY;
}

/* Closing with unread bytes would reset the connection, and take the reply with it. */
static void drop_rest(int fd)
{
    char sponge[65536];

    shutdown(fd, SHUT_WR);
    while (recv(fd, sponge, sizeof(sponge), 0) > 0)
        continue;
}

/* What is left of the step's body when a range of it is asked for; `room` holds the headers. */
static void take_range(struct stub_step *step, const char *head, char room[512])
{
    size_t whole = step->body_len ? step->body_len : strlen(step->body ? step->body : "");
    size_t first, last;
    char range[64];

    copy_field(head, "\r\nRange: ", range, sizeof(range));
    if (!step->ranges || sscanf(range, "bytes=%zu-%zu", &first, &last) != 2)
        return;
    if (first >= whole || last < first) {
        *step = (struct stub_step){ .status = 416 };
        return;
    }
    last = last < whole ? last : whole - 1;
    snprintf(room, 512, "%sContent-Range: bytes %zu-%zu/%zu\r\n",
             step->headers ? step->headers : "", first, last, whole);
    step->status = 206;
    step->headers = room;
    step->body += first;
    step->body_len = last - first + 1;
}

/* As of a peer that dies: what it had read is recorded. */
static bool break_off(struct connection *c, struct stub_request *request, const char *start,
                      size_t have, size_t cut)
{
    char *body;

    if (strstr(request->head, "\r\nExpect: "))
        send_all(c->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    body = read_body(c->fd, start, have < cut ? have : cut, cut);
    request->body = body;
    request->body_len = body ? cut : 0;
    record(c->stub, request);
    return false;
}

static bool serve_one(struct connection *c)
{
    char head[HEAD_MAX + 1], length[32], expect[32], range_headers[512];
    struct stub_request request = { .connection = c->number };
    struct stub_step step;
    size_t head_len, have;
    char *body;

    if (!read_head(c->fd, head, &head_len, &have))
        return false;
    if (sscanf(head, "%15s %2047s", request.method, request.path) != 2)
        return false;
    snprintf(request.head, sizeof(request.head), "%.*s", (int)head_len, head);
    copy_field(request.head, "\r\nAuthorization: ", request.authorization,
               sizeof(request.authorization));
    copy_field(request.head, "\r\nContent-Length: ", length, sizeof(length));
    copy_field(request.head, "\r\nExpect: ", expect, sizeof(expect));
    step = choose(c->stub, request.method, request.path, request.head);
    take_range(&step, request.head, range_headers);
    if (step.action == STUB_EARLY) {
        record(c->stub, &request);
        reply(c, &step, false);
        drop_rest(c->fd);
        return false;
    }
    if (step.action == STUB_BREAK)
        return break_off(c, &request, head + head_len, have - head_len, step.cut);
    if (*expect && !send_all(c->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25))
        return false;
    request.body_len = (size_t)strtoul(length, NULL, 10);
    body = read_body(c->fd, head + head_len, have - head_len, request.body_len);
    if (!body)
        return false;
    request.body = body;
    record(c->stub, &request); /* which owns the body now */
    return reply(c, &step, strcmp(request.method, "HEAD") == 0);
}

/* --- connections ---------------------------------------------------------------------------- */

static void *serve(void *arg)
{
    struct connection *c = arg;

    while (serve_one(c))
        continue;
    pthread_mutex_lock(&c->stub->lock);
    close(c->fd);
    c->fd = -1;
    pthread_mutex_unlock(&c->stub->lock);
    return NULL;
}

static void *accept_all(void *arg)
{
    struct stub_registry *stub = arg;

    for (;;) {
        int on = 1;
        int fd = accept(stub->fd, NULL, NULL);
        struct connection *c;

        pthread_mutex_lock(&stub->lock);
        if (fd < 0 || stub->stopping || stub->connection_count == CONNECTIONS_MAX) {
            bool full = fd >= 0 && !stub->stopping;

            if (fd >= 0)
                close(fd);
            pthread_mutex_unlock(&stub->lock);
            need(!full, "too many connections");
            return NULL;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        c = &stub->connections[stub->connection_count];
        *c = (struct connection){ .stub = stub, .number = stub->connection_count++, .fd = fd };
        c->started = pthread_create(&c->thread, NULL, serve, c) == 0;
        need(c->started, "pthread_create");
        pthread_mutex_unlock(&stub->lock);
    }
}

struct stub_registry *stub_start(void)
{
    struct stub_registry *stub = calloc(1, sizeof(*stub));
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof(address);

    need(stub != NULL, "calloc");
    stub->requests = calloc(REQUESTS_MAX, sizeof(*stub->requests));
    need(stub->requests != NULL, "calloc");
    pthread_mutex_init(&stub->lock, NULL);
    pthread_cond_init(&stub->stop, NULL);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    stub->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    need(stub->fd >= 0, "socket");
    need(bind(stub->fd, (struct sockaddr *)&address, sizeof(address)) == 0, "bind");
    need(getsockname(stub->fd, (struct sockaddr *)&address, &len) == 0, "getsockname");
    need(listen(stub->fd, CONNECTIONS_MAX) == 0, "listen");
    stub->port = ntohs(address.sin_port);
    need(pthread_create(&stub->acceptor, NULL, accept_all, stub) == 0, "pthread_create");
    return stub;
}

static void forget_requests(struct stub_registry *stub)
{
    for (size_t i = 0; i < stub->request_count; i++)
        free((char *)(size_t)stub->requests[i].body);
    stub->request_count = 0;
}

/* --- for the test --------------------------------------------------------------------------- */

int stub_port(const struct stub_registry *stub)
{
    return stub->port;
}

static const char *copy_text(const char *text, size_t len)
{
    char *copy = text ? malloc(len + 1) : NULL;

    if (!text)
        return NULL;
    need(copy != NULL, "malloc");
    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

static const char *copy_line(const char *text)
{
    return copy_text(text, text ? strlen(text) : 0);
}

void stub_script(struct stub_registry *stub, const struct stub_step *steps, size_t count)
{
    struct script *script = calloc(1, sizeof(*script));

    need(script != NULL, "calloc");
    need(count <= STEPS_MAX, "too many steps");
    script->count = count;
    for (size_t i = 0; i < count; i++) {
        struct stub_step *s = &script->steps[i];

        *s = steps[i];
        if (s->body && !s->body_len)
            s->body_len = strlen(s->body);
        s->method = copy_line(s->method);
        s->path = copy_line(s->path);
        s->expect = copy_line(s->expect);
        s->headers = copy_line(s->headers);
        s->body = copy_text(s->body, s->body_len);
    }
    pthread_mutex_lock(&stub->lock);
    script->next = stub->script;
    stub->script = script;
    forget_requests(stub);
    pthread_mutex_unlock(&stub->lock);
}

static void free_script(struct script *script)
{
    for (size_t i = 0; i < script->count; i++) {
        free((char *)(size_t)script->steps[i].method);
        free((char *)(size_t)script->steps[i].path);
        free((char *)(size_t)script->steps[i].expect);
        free((char *)(size_t)script->steps[i].headers);
        free((char *)(size_t)script->steps[i].body);
    }
    free(script);
}

void stub_stop(struct stub_registry *stub)
{
    if (!stub)
        return;
    pthread_mutex_lock(&stub->lock);
    stub->stopping = true;
    pthread_cond_broadcast(&stub->stop);
    shutdown(stub->fd, SHUT_RDWR);
    pthread_mutex_unlock(&stub->lock);
    pthread_join(stub->acceptor, NULL);
    pthread_mutex_lock(&stub->lock);
    for (int i = 0; i < stub->connection_count; i++)
        if (stub->connections[i].fd >= 0)
            shutdown(stub->connections[i].fd, SHUT_RDWR);
    pthread_mutex_unlock(&stub->lock);
    for (int i = 0; i < stub->connection_count; i++)
        pthread_join(stub->connections[i].thread, NULL);
    close(stub->fd);
    forget_requests(stub);
    for (struct script *next, *script = stub->script; script; script = next) {
        next = script->next;
        free_script(script);
    }
    pthread_cond_destroy(&stub->stop);
    pthread_mutex_destroy(&stub->lock);
    free(stub->requests);
    free(stub);
}

size_t stub_count_path(struct stub_registry *stub, const char *path)
{
    size_t count = 0;

    pthread_mutex_lock(&stub->lock);
    for (size_t i = 0; i < stub->request_count; i++)
        count += strncmp(stub->requests[i].path, path, strlen(path)) == 0;
    pthread_mutex_unlock(&stub->lock);
    return count;
}

size_t stub_count(struct stub_registry *stub)
{
    return stub_count_path(stub, "");
}

struct stub_request stub_request(struct stub_registry *stub, size_t n)
{
    struct stub_request request = { .method = "" };

    pthread_mutex_lock(&stub->lock);
    if (n < stub->request_count)
        request = stub->requests[n];
    pthread_mutex_unlock(&stub->lock);
    return request;
}
