/*
 * fault_proxy: an HTTP/1.1 reverse proxy on a free loopback port, in front of a server on
 * 127.0.0.1, that does what a real server will not do on demand.
 *
 *   fault_proxy [RULE...] [--log FILE] [--no-range] [--minutes N] UPSTREAM_PORT
 *
 * It prints its port on stdout and runs until it is killed, ten minutes at the most. A rule is one
 * argument of several words; METHOD may be "*", PATH is a part of the request target, COUNT (how
 * many matching requests it hits) may be left out and then means all of them:
 *
 *   --cut        'METHOD PATH BYTES [COUNT]'  close after BYTES of the response body
 *   --reset      'METHOD PATH BYTES [COUNT]'  the same with a TCP reset
 *   --truncate   'METHOD PATH BYTES [COUNT]'  a well-formed response of at most BYTES
 *   --stall      'METHOD PATH BYTES [COUNT]'  fall silent after BYTES of the response body; 0:
 *                                            before the response
 *   --trickle    'METHOD PATH BYTES [COUNT]'  one byte a second after BYTES of the response body;
 * 0: from the first of its head
 *   --flip       'METHOD PATH OFFSET [COUNT]' flip a bit of the byte at OFFSET of the whole blob
 *   --cut-upload 'METHOD PATH BYTES [COUNT]'  close after BYTES of the request body
 *   --sip        'METHOD PATH BYTES [COUNT]'  take the request body one byte a second after BYTES
 *   --hold       'METHOD PATH SECONDS [COUNT]' keep the response back for so long
 *   --status     'METHOD PATH CODE [COUNT]'   answer CODE, without asking the server
 *   --redirect   'METHOD PATH PORT [COUNT]'   answer 307 to the same path at 127.0.0.1:PORT
 *   --wrong-range 'METHOD PATH 0 [COUNT]'     serve ranges from the start of the blob, and say so
 *
 * --no-range serves whole blobs to ranged requests. Rules on the response body act on 2xx only,
 * rules at a byte on bodies that have it. The log has one line a request:
 *
 *   GET /v2/a/blobs/sha256:ab.. range=bytes=0-9 auth=no req=0 status=206 resp=10 fault=none
 *
 * at its end, and "silent GET /v2/a/blobs/sha256:ab.." as soon as --stall has it.
 *
 * One thread a connection; one connection to the server a request, so that nothing goes stale.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_MAX 65536
#define RULES_MAX 32

/* Those at a byte of a body come first. */
enum action {
    CUT,
    RESET,
    TRUNCATE,
    STALL,
    TRICKLE,
    FLIP,
    CUT_UPLOAD,
    SIP,
    HOLD,
    STATUS,
    REDIRECT,
    WRONG_RANGE,
    NONE
};

static const char *const action_names[] = { "cut",     "reset",  "truncate",   "stall",
                                            "trickle", "flip",   "cut-upload", "sip",
                                            "hold",    "status", "redirect",   "wrong-range" };

struct rule {
    enum action action;
    char method[16];
    char path[256];
    int64_t number;
    atomic_int left;
};

static struct rule rules[RULES_MAX];
static size_t rule_count;
static bool no_range;
static int log_fd = -1;
static uint16_t upstream_port;

/* A socket with what was read ahead. */
struct peer {
    int fd;
    size_t start, end;
    char buf[HEAD_MAX];
};

/* Head of a request or a response, and how its body is framed. */
struct message {
    char head[HEAD_MAX];
    int64_t length; /* -1: until the connection ends */
    bool chunked;
};

/* What to do to a body while it passes. Offsets are those of this body; -1 is never. */
struct harm {
    int64_t stop_at, flip_at, slow_at;
};

static const struct harm harmless = { .stop_at = -1, .flip_at = -1, .slow_at = -1 };

/* A line of the log. */
struct entry {
    char method[16], path[4096], range[128];
    bool auth;
    int status;
    int64_t request_bytes, response_bytes;
    enum action fault;
};

static bool send_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        data += sent;
        len -= (size_t)sent;
    }
    return true;
}

static bool fill(struct peer *p)
{
    if (p->start == p->end)
        p->start = p->end = 0;
    if (p->end == sizeof(p->buf))
        return false;
    ssize_t got = recv(p->fd, p->buf + p->end, sizeof(p->buf) - p->end, 0);
    if (got <= 0)
        return false;
    p->end += (size_t)got;
    return true;
}

/* Takes everything up to and with `mark` out of the buffer; false at the end of the connection. */
static bool take_until(struct peer *p, const char *mark, char *out)
{
    for (;;) {
        char *at = memmem(p->buf + p->start, p->end - p->start, mark, strlen(mark));
        if (at) {
            size_t len = (size_t)(at - (p->buf + p->start)) + strlen(mark);
            memcpy(out, p->buf + p->start, len);
            out[len] = '\0';
            p->start += len;
            return true;
        }
        if (p->start > 0) {
            memmove(p->buf, p->buf + p->start, p->end - p->start);
            p->end -= p->start;
            p->start = 0;
        }
        if (p->end >= sizeof(p->buf) - 1 || !fill(p))
            return false;
    }
}

/* The line of a header, or NULL. */
static char *header(char *head, const char *name)
{
    size_t len = strlen(name);

    for (char *line = strstr(head, "\r\n"); line && line[2] != '\r'; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, len) == 0 && line[len] == ':')
            return line;
    }
    return NULL;
}

static const char *value(char *head, const char *name)
{
    const char *line = header(head, name);

    return line ? line + strlen(name) + 1 + strspn(line + strlen(name) + 1, " ") : NULL;
}

static void drop_header(char *head, const char *name)
{
    char *line;

    while ((line = header(head, name))) {
        char *next = strstr(line, "\r\n") + 2;
        memmove(line, next, strlen(next) + 1);
    }
}

static void add_header(char *head, const char *text)
{
    size_t len = strlen(head);

    if (len + strlen(text) + 3 < HEAD_MAX) /* before the empty line that ends the head */
        snprintf(head + len - 2, HEAD_MAX - len + 2, "%s\r\n\r\n", text);
}

static bool read_message(struct peer *p, struct message *m)
{
    if ((p->start == p->end && !fill(p)) || p->buf[p->start] == 0x16) /* a TLS hello: no, plain */
        return false;
    if (!take_until(p, "\r\n\r\n", m->head))
        return false;
    const char *length = value(m->head, "content-length");
    const char *coding = value(m->head, "transfer-encoding");
    m->chunked = coding && strncasecmp(coding, "chunked", 7) == 0;
    m->length = length ? strtoll(length, NULL, 10) : -1;
    return true;
}

/*
 * The first rule for this request that is not used up; uses it. `first` and `length` say which
 * bytes of a blob its body has (length -1: unknown): a rule at a byte that is not there does not
 * match.
 */
static const struct rule *match(enum action action, const struct entry *e, int64_t first,
                                int64_t length)
{
    for (size_t i = 0; i < rule_count; i++) {
        struct rule *r = &rules[i];
        int64_t at = r->number - (action == FLIP ? first : 0);
        bool there = action >= HOLD || length < 0 || (at >= 0 && (at < length || at == 0));

        if (r->action == action && there && strstr(e->path, r->path) &&
            (r->method[0] == '*' || strcmp(r->method, e->method) == 0) &&
            atomic_fetch_sub(&r->left, 1) > 0)
            return r;
    }
    return NULL;
}

/* Moves `length` bytes (-1: all there are) to `fd` (-1: nowhere); *moved counts the body. */
static bool relay(struct peer *from, int fd, int64_t length, const struct harm *harm,
                  int64_t *moved)
{
    for (int64_t done = 0; length < 0 || done < length;) {
        if (from->start == from->end && !fill(from))
            return length < 0;
        int64_t n = (int64_t)(from->end - from->start);
        char *data = from->buf + from->start;
        if (length >= 0 && n > length - done)
            n = length - done;
        if (harm->stop_at >= 0 && *moved + n > harm->stop_at)
            n = harm->stop_at - *moved;
        if (harm->flip_at >= *moved && harm->flip_at < *moved + n)
            data[harm->flip_at - *moved] = (char)(data[harm->flip_at - *moved] ^ 0x10);
        if (harm->slow_at >= 0 && *moved + n > harm->slow_at) {
            n = *moved < harm->slow_at ? harm->slow_at - *moved : 1;
            if (n == 1)
                sleep(1);
        }
        if (fd >= 0 && !send_all(fd, data, (size_t)n))
            return false;
        from->start += (size_t)n;
        done += n;
        *moved += n;
        if (harm->stop_at >= 0 && *moved >= harm->stop_at)
            return false;
    }
    return true;
}

static bool relay_body(struct peer *from, int fd, const struct message *m, const struct harm *harm,
                       int64_t *moved)
{
    char line[HEAD_MAX];
    int64_t size, frame;

    if (!m->chunked)
        return relay(from, fd, m->length, harm, moved);
    do {
        if (!take_until(from, "\r\n", line))
            return false;
        size = strtoll(line, NULL, 16);
        frame = 0;
        if ((fd >= 0 && !send_all(fd, line, strlen(line))) || !relay(from, fd, size, harm, moved) ||
            !relay(from, fd, 2, &harmless, &frame))
            return false; /* no server in front of which this stands sends trailers */
    } while (size > 0);
    return true;
}

static int connect_upstream(void)
{
    struct sockaddr_in addr = { .sin_family = AF_INET,
                                .sin_port = htons(upstream_port),
                                .sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) } };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void write_log(const struct entry *e)
{
    char line[5120];
    int len = snprintf(
        line, sizeof(line),
        "%s %s range=%s auth=%s req=%" PRId64 " status=%d resp=%" PRId64 " fault=%s\n", e->method,
        e->path, e->range[0] ? e->range : "none", e->auth ? "yes" : "no", e->request_bytes,
        e->status, e->response_bytes, e->fault == NONE ? "none" : action_names[e->fault]);

    if (log_fd >= 0 && write(log_fd, line, (size_t)len) < 0)
        perror("fault_proxy: log");
}

/* An answer of our own. */
static bool answer(struct peer *client, struct entry *e, const char *extra)
{
    static const char text[] = "{\"errors\":[{\"code\":\"UNKNOWN\",\"message\":\"fault_proxy\"}]}";
    bool empty = strcmp(e->method, "HEAD") == 0;
    char reply[8192];
    int len = snprintf(reply, sizeof(reply),
                       "HTTP/1.1 %d Scripted\r\nContent-Type: application/json\r\n%s"
                       "Content-Length: %zu\r\n\r\n%s",
                       e->status, extra, sizeof(text) - 1, empty ? "" : text);

    return send_all(client->fd, reply, (size_t)len);
}

static bool answer_status(struct peer *client, struct entry *e, const struct rule *r)
{
    const char *extra = "";

    e->status = (int)r->number;
    if (e->status == 429 || e->status == 503)
        extra = "Retry-After: 1\r\n";
    else if (e->status == 401)
        extra = "WWW-Authenticate: Basic realm=\"fault_proxy\"\r\n";
    return answer(client, e, extra);
}

static bool answer_redirect(struct peer *client, struct entry *e, const struct rule *r)
{
    char location[4200];

    e->status = 307;
    snprintf(location, sizeof(location), "Location: http://127.0.0.1:%d%s\r\n", (int)r->number,
             e->path);
    return answer(client, e, location);
}

static void hang_up(int fd)
{
    const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

/*
 * Holds back what fills no segment. The end of a response goes out when its line is in the log, so
 * that whoever has the one may look at the other.
 */
static void cork(int fd, bool on)
{
    const int value = on;

    setsockopt(fd, IPPROTO_TCP, TCP_CORK, &value, sizeof(value));
}

/* True when `ms` (-1: for ever) are over and the peer is still there. */
static bool outlasts(int fd, int ms)
{
    struct pollfd p = { .fd = fd, .events = POLLRDHUP };

    return poll(&p, 1, ms) == 0;
}

/* Until the client has enough of it: only then comes the line of the request. */
static void fall_silent(int fd, const struct entry *e)
{
    char line[4200];
    int len = snprintf(line, sizeof(line), "silent %s %s\n", e->method, e->path);

    cork(fd, false);
    if (log_fd >= 0 && write(log_fd, line, (size_t)len) < 0)
        perror("fault_proxy: log");
    outlasts(fd, -1);
}

static bool send_slowly(int fd, const char *text)
{
    for (; *text; text++)
        if (!send_all(fd, text, 1) || !outlasts(fd, 1000))
            return false;
    return true;
}

/* Which harm this response is to come to; takes note of it in the log entry. */
static const struct rule *choose_harm(struct entry *e, struct message *resp, struct harm *harm)
{
    static const enum action on_response[] = { CUT, RESET, TRUNCATE, STALL, TRICKLE, FLIP };
    const char *content_range = value(resp->head, "content-range"); /* "bytes 0-9/100" */
    int64_t base = content_range
                       ? strtoll(content_range + strcspn(content_range, "0123456789"), NULL, 10)
                       : 0;

    for (size_t i = 0; i < sizeof(on_response) / sizeof(on_response[0]); i++) {
        const struct rule *r = match(on_response[i], e, base, resp->length);
        if (!r)
            continue;
        e->fault = r->action;
        if (r->action == FLIP)
            harm->flip_at = r->number - base;
        else if (r->action == TRICKLE)
            harm->slow_at = r->number;
        else
            harm->stop_at = r->number;
        return r;
    }
    return NULL;
}

/* Sends the request to the server and the response back. False: this connection is over. */
static bool pass_on(struct peer *client, struct peer *server, struct message *m, struct entry *e)
{
    struct harm harm = harmless;
    bool has_body = m->chunked || m->length > 0;
    const struct rule *r = has_body ? match(CUT_UPLOAD, e, 0, m->length) : NULL;

    if (r) {
        harm.stop_at = r->number;
        e->fault = CUT_UPLOAD;
    } else if (has_body && (r = match(SIP, e, 0, m->length))) {
        harm.slow_at = r->number;
        e->fault = SIP;
    }
    if (!send_all(server->fd, m->head, strlen(m->head)) ||
        (has_body && !relay_body(client, server->fd, m, &harm, &e->request_bytes) && r))
        return false;

    do {
        if (!read_message(server, m))
            return false;
        e->status = atoi(m->head + strcspn(m->head, " "));
    } while (e->status / 100 == 1);
    if ((r = match(HOLD, e, 0, 0))) {
        e->fault = HOLD;
        if (!outlasts(client->fd, (int)r->number * 1000))
            return false;
    }
    bool none = strcmp(e->method, "HEAD") == 0 || e->status == 204 || e->status == 304;
    bool last = !none && !m->chunked && m->length < 0;
    harm = harmless;
    r = !none && e->status / 100 == 2 ? choose_harm(e, m, &harm) : NULL;
    if (r && r->action == TRUNCATE && m->length > r->number) {
        char length[64];
        drop_header(m->head, "content-length");
        snprintf(length, sizeof(length), "Content-Length: %" PRId64, r->number);
        add_header(m->head, length);
        m->length = r->number;
        harm.stop_at = -1;
    }
    if (r && r->action == STALL && r->number == 0) {
        fall_silent(client->fd, e);
        return false;
    }
    drop_header(m->head, "connection");
    if (last)
        add_header(m->head, "Connection: close");
    bool slowly = r && r->action == TRICKLE && r->number == 0;
    if (!(slowly ? send_slowly(client->fd, m->head)
                 : send_all(client->fd, m->head, strlen(m->head))))
        return false;
    if (none)
        return true;
    if (!relay_body(server, client->fd, m, &harm, &e->response_bytes)) {
        if (r && r->action == RESET)
            hang_up(client->fd);
        if (r && r->action == STALL)
            fall_silent(client->fd, e);
        return false;
    }
    return !last;
}

static bool serve_one(struct peer *client, struct peer *server)
{
    struct message *m = calloc(1, sizeof(*m));
    struct entry e = { .fault = NONE };
    bool more = false;

    if (m && read_message(client, m) && sscanf(m->head, "%15s %4095s", e.method, e.path) == 2) {
        const char *range = value(m->head, "range");
        bool has_body = m->chunked || m->length > 0;
        const struct rule *r;
        if (range)
            snprintf(e.range, sizeof(e.range), "%.*s", (int)strcspn(range, "\r"), range);
        e.auth = header(m->head, "authorization");
        if (value(m->head, "expect"))
            send_all(client->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25);
        cork(client->fd, true);
        if ((r = match(STATUS, &e, 0, 0)) || (r = match(REDIRECT, &e, 0, 0))) {
            e.fault = r->action;
            if (!has_body || relay_body(client, -1, m, &harmless, &e.request_bytes))
                more = r->action == STATUS ? answer_status(client, &e, r)
                                           : answer_redirect(client, &e, r);
        } else {
            int64_t first, last;
            if (range && sscanf(range, "bytes=%" SCNd64 "-%" SCNd64, &first, &last) == 2 &&
                match(WRONG_RANGE, &e, 0, 0)) {
                char other[64];
                drop_header(m->head, "range");
                snprintf(other, sizeof(other), "Range: bytes=0-%" PRId64, last - first);
                add_header(m->head, other);
                e.fault = WRONG_RANGE;
            }
            if (no_range)
                drop_header(m->head, "range");
            drop_header(m->head, "expect");
            drop_header(m->head, "connection");
            add_header(m->head, "Connection: close");
            server->start = server->end = 0;
            server->fd = connect_upstream();
            if (server->fd >= 0) {
                more = pass_on(client, server, m, &e);
                close(server->fd);
            }
        }
        write_log(&e);
        cork(client->fd, false);
    }
    free(m);
    return more;
}

static void *serve(void *arg)
{
    struct peer *client = arg;
    struct peer *server = malloc(sizeof(*server));

    while (server && serve_one(client, server))
        ;
    close(client->fd);
    free(client);
    free(server);
    return NULL;
}

static void add_rule(enum action action, const char *text)
{
    struct rule *r = &rules[rule_count++];
    int count = INT_MAX;

    r->action = action;
    if (rule_count > RULES_MAX ||
        sscanf(text, "%15s %255s %" SCNd64 " %d", r->method, r->path, &r->number, &count) < 3) {
        fprintf(stderr, "fault_proxy: not a rule: --%s '%s'\n", action_names[action], text);
        exit(2);
    }
    atomic_init(&r->left, count);
}

static void parse_args(int argc, char **argv)
{
    unsigned minutes = 10;

    for (int i = 1; i < argc; i++) {
        const char *name = argv[i] + 2, *next = i + 1 < argc ? argv[i + 1] : "";
        size_t action = 0;
        if (strncmp(argv[i], "--", 2) != 0) {
            upstream_port = (uint16_t)atoi(argv[i]);
            continue;
        }
        if (strcmp(name, "no-range") == 0) {
            no_range = true;
            continue;
        }
        i++;
        while (action < NONE && strcmp(name, action_names[action]) != 0)
            action++;
        if (action < NONE)
            add_rule((enum action)action, next);
        else if (strcmp(name, "log") == 0)
            log_fd = open(next, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        else if (strcmp(name, "minutes") == 0)
            minutes = (unsigned)atoi(next);
        else
            upstream_port = 0;
    }
    if (upstream_port == 0) {
        fprintf(stderr, "fault_proxy: see the comment at the head of fault_proxy.c\n");
        exit(2);
    }
    alarm(minutes * 60);
}

int main(int argc, char **argv)
{
    struct sockaddr_in addr = { .sin_family = AF_INET,
                                .sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof(addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    parse_args(argc, argv);
    if (fd < 0 || bind(fd, (struct sockaddr *)&addr, len) != 0 || listen(fd, 128) != 0 ||
        getsockname(fd, (struct sockaddr *)&addr, &len) != 0) {
        perror("fault_proxy");
        return 1;
    }
    printf("%d\n", ntohs(addr.sin_port));
    fflush(stdout);
    for (;;) {
        struct peer *client = malloc(sizeof(*client));
        const int on = 1;
        pthread_t thread;
        if (!client)
            return 1;
        client->start = client->end = 0;
        client->fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        if (client->fd < 0) {
            free(client);
            continue;
        }
        setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        if (pthread_create(&thread, NULL, serve, client) != 0)
            return 1;
        pthread_detach(thread);
    }
}
