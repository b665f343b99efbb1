#include "import/upload.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "format/core/blob_file.h"
#include "format/core/blob_impl.h"
#include "format/core/blob_verify.h"
#include "format/core/cancel.h"
#include "import/prefetch.h"
#include "tests/support/check.h"
#include "tests/support/stub_registry.h"

#define MIB ((int64_t)1024 * 1024)
#define LARGE ((size_t)20 * 1024 * 1024)
#define SCRIPT(steps) stub_script(stub, steps, FERRY_COUNT(steps))
#define BEGUN "Location: /up/1\r\n"

static const char *const everywhere[] = { "", NULL };

/* Of the test that runs. */
static struct stub_registry *stub, *other;
static struct ferry_session *session;
static struct ferry_progress *progress;
static struct ferry_chunk_size chunk_size;
static char registry[32];
static bool source_failed; /* of the last upload */
static struct ferry_err err;
static char trace_text[8192];
static uint8_t *large; /* for the whole group */

static int begin_group(void **state)
{
    (void)state;
    large = malloc(LARGE);
    for (size_t i = 0; large && i < LARGE; i++)
        large[i] = (uint8_t)(i * 31 >> 7);
    return large ? 0 : -1;
}

static int end_group(void **state)
{
    (void)state;
    free(large);
    return 0;
}

static int setup(void **state)
{
    struct ferry_session_options options = { .plain_http = everywhere,
                                             .authfile = "/dev/null",
                                             .creds = "user:pass",
                                             .retries = 2,
                                             .stall_seconds = 2 };

    (void)state;
    stub = stub_start();
    other = stub_start();
    snprintf(registry, sizeof(registry), "127.0.0.1:%d", stub_port(stub));
    chunk_size = (struct ferry_chunk_size){ 0 };
    CHECK_OK(ferry_session_new(&options, &session, &err));
    CHECK_OK(ferry_progress_new("test", FERRY_PROGRESS_NONE, true, &progress, &err));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ferry_session_free(ferry_steal(&session));
    ferry_progress_free(ferry_steal(&progress));
    stub_stop(ferry_steal(&stub));
    stub_stop(ferry_steal(&other));
    return 0;
}

/* --- sources -------------------------------------------------------------------------------- */

/* A pipe: read once, a little at a time. */
struct pipe {
    struct ferry_source base;
    const uint8_t *bytes;
    int64_t at;
};

static int pipe_read(struct ferry_source *source, void *buf, size_t cap, size_t *got,
                     struct ferry_err *e)
{
    struct pipe *p = (struct pipe *)source;
    int64_t left = p->base.size - p->at;

    (void)e;
    *got = cap < 100000 ? cap : 100000;
    if (left < (int64_t)*got)
        *got = (size_t)left;
    memcpy(buf, p->bytes + p->at, *got);
    p->at += (int64_t)*got;
    return 0;
}

static void pipe_free(struct ferry_source *source)
{
    free(source);
}

static const struct ferry_source_ops pipe_ops = { pipe_read, NULL, pipe_free };

/* A verifying source of these bytes for that digest; with `ahead` they come from a pipe, of which
 * the last 16 MiB are kept. */
static struct ferry_source *open_source(const void *bytes, size_t len,
                                        const struct ferry_digest *digest, int64_t ahead)
{
    struct ferry_source *body = NULL, *checked = NULL, *kept = NULL;
    struct pipe *p;

    if (ahead == 0) {
        CHECK_OK(ferry_source_memory(bytes, len, &body, &err));
        CHECK_OK(ferry_verify_new(&body, digest, (int64_t)len, &checked, &err));
        return checked;
    }
    p = calloc(1, sizeof(*p));
    assert_non_null(p);
    *p = (struct pipe){ .base = { &pipe_ops, (int64_t)len }, .bytes = bytes };
    body = &p->base;
    CHECK_OK(ferry_verify_new(&body, digest, (int64_t)len, &checked, &err));
    CHECK_OK(ferry_prefetch_new(&checked, (size_t)(16 * MIB), (size_t)ahead, &kept, &err));
    return kept;
}

/* --- running -------------------------------------------------------------------------------- */

struct load {
    const void *bytes;
    size_t len;
    int64_t ahead; /* 0: not from a pipe */
    bool wrong;    /* the bytes are not those of the digest */
};

/* The call's result; with a `from` that is mounted 1. */
static int upload(const struct load *load, const char *from)
{
    struct ferry_push to = { .session = session, .registry = registry, .repository = "a" };
    FERRY_OWNED(ferry_source) source = NULL;
    struct ferry_upload begun = { 0 };
    struct ferry_digest digest;
    struct ferry_cargo cargo = {
        .digest = &digest, .ahead = load->ahead, .chunk_size = &chunk_size, .progress = progress
    };
    bool mounted = false;

    CHECK_OK(ferry_digest_of(FERRY_SHA256, load->bytes, load->len - (load->wrong ? 1 : 0), &digest,
                             &err));
    source = open_source(load->bytes, load->len, &digest, load->ahead);
    cargo.source = source;
    source_failed = false;
    FERRY_TRY(ferry_upload_begin(&to, &digest, from, &mounted, &begun, &err));
    if (mounted)
        return 1;
    FERRY_TRY(ferry_upload_blob(&to, &cargo, &begun, &source_failed, &err));
    assert_null(begun.url);
    return 0;
}

static int upload_text(const char *text, const char *from)
{
    return upload(&(struct load){ .bytes = text, .len = strlen(text) }, from);
}

static void print_request(const struct stub_request *r, char *out, size_t room)
{
    char path[256] = "", range[64] = "", body[64] = "";
    const char *digest = strstr(r->path, "sha256:");
    const char *header = strstr(r->head, "\r\nContent-Range: ");
    const char *expected = strstr(r->head, "\r\nContent-Length: ");
    size_t len = expected ? strtoul(expected + 18, NULL, 10) : 0;

    if (header)
        snprintf(range, sizeof(range), " %.*s", (int)strcspn(header + 17, "\r"), header + 17);
    if (len > 0 && r->body_len > 0 && r->body_len <= 16)
        snprintf(body, sizeof(body), " \"%.*s\"", (int)r->body_len, r->body);
    else if (len > 0)
        snprintf(body, sizeof(body), " %zu", len);
    if (digest)
        snprintf(path, sizeof(path), "%.*sD%s", (int)(digest - r->path), r->path, digest + 71);
    else
        snprintf(path, sizeof(path), "%.200s", r->path);
    snprintf(out, room, "%s %s%s%s\n", r->method, path, range, body);
}

/* What the registry was asked: "METHOD PATH [RANGE] [BODY]" a line; a digest is "D". */
static const char *trace(void)
{
    size_t len = 0;

    trace_text[0] = '\0';
    for (size_t i = 0; i < stub_count(stub); i++) {
        struct stub_request request = stub_request(stub, i);

        print_request(&request, trace_text + len, sizeof(trace_text) - len);
        len += strlen(trace_text + len);
    }
    return trace_text;
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- how the registry answers ---------------------------------------------------------------- */

#define STEPS_MAX 12
#define POST_D "POST /v2/a/blobs/uploads/\n"
#define HEAD_D "HEAD /v2/a/blobs/D\n"
#define ALL "\"0123456789\"\n"

struct row {
    const char *name;
    int64_t chunk;
    enum ferry_code code;
    struct stub_step steps[STEPS_MAX];
    const char *trace;
};

/* Uploads "0123456789" by each script. */
static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t steps = 0;
        int rc;

        while (steps < STEPS_MAX && rows[i].steps[steps].method)
            steps++;
        stub_script(stub, rows[i].steps, steps);
        chunk_size = (struct ferry_chunk_size){ .asked = rows[i].chunk };
        rc = upload_text("0123456789", NULL);
        if (rc != (int)rows[i].code)
            fail_msg("row \"%s\": %d (%s), after\n%s", rows[i].name, rc, err.msg, trace());
        if (source_failed)
            fail_msg("row \"%s\": blames the source (%s)", rows[i].name, err.msg);
        if (strcmp(rows[i].trace, trace()) != 0)
            fail_msg("row \"%s\": expected\n%sfound\n%s", rows[i].name, rows[i].trace, trace());
    }
}

static void test_upload_locations(void **state)
{
    static const struct row rows[] = {
        { "in one request",
          0,
          FERRY_OK,
          { { "POST", .status = 202, .headers = BEGUN }, { "PUT", .status = 201 } },
          POST_D "PUT /up/1?digest=D " ALL },
        { "with a query",
          0,
          FERRY_OK,
          { { "POST", .status = 202, .headers = "Location: /up/1?a=b%2Fc&d=\r\n" },
            { "PUT", .status = 201 } },
          POST_D "PUT /up/1?a=b%2Fc&d=&digest=D " ALL },
        { "relative to the request",
          0,
          FERRY_OK,
          { { "POST", .status = 202, .headers = "Location: 1?s=2\r\n" }, { "PUT", .status = 201 } },
          POST_D "PUT /v2/a/blobs/uploads/1?s=2&digest=D " ALL },
        { "another with every reply, with and without a query",
          4,
          FERRY_OK,
          { { "POST", .status = 202, .headers = "Location: /up/1?s=1\r\n" },
            { "PATCH", "/up/1?s=1", .status = 202, .headers = "Location: 2?s=2\r\nRange: 0-3\r\n" },
            { "PATCH", "/up/2?s=2", .status = 202, .headers = "Location: 3\r\nRange: 0-7\r\n" },
            { "PATCH", "/up/3", .status = 202, .headers = "Location: /end?x\r\nRange: 0-9\r\n" },
            { "PUT", .status = 201 } },
          POST_D "PATCH /up/1?s=1 0-3 \"0123\"\nPATCH /up/2?s=2 4-7 \"4567\"\n"
                 "PATCH /up/3 8-9 \"89\"\nPUT /end?x&digest=D\n" },
        { "none", 0, FERRY_ENET, { { "POST", .status = 202 } }, POST_D },
    };

    (void)state;
    check_rows(rows, FERRY_COUNT(rows));
}

static void test_upload_chunks(void **state)
{
    static const char took_4[] = BEGUN "Range: 0-3\r\n", took_8[] = BEGUN "Range: bytes=0-7\r\n";
    static const char minimum[] = BEGUN "OCI-Chunk-Min-Length: 5\r\n";
    static const struct row rows[] = {
        { "a blob that is no larger",
          10,
          FERRY_OK,
          { { "POST", .status = 202, .headers = BEGUN }, { "PUT", .status = 201 } },
          POST_D "PUT /up/1?digest=D " ALL },
        { "the registry took less",
          4,
          FERRY_OK,
          { { "POST", .status = 202, .headers = BEGUN },
            { "PATCH", .status = 202, .headers = BEGUN "Range: 0-1\r\n" },
            { "PATCH", .status = 202, .headers = BEGUN "Range: 0-5\r\n" },
            { "PATCH", .status = 202, .headers = BEGUN "Range: 0-9\r\n" },
            { "PUT", .status = 201 } },
          POST_D "PATCH /up/1 0-3 \"0123\"\nPATCH /up/1 2-5 \"2345\"\nPATCH /up/1 6-9 \"6789\"\n"
                 "PUT /up/1?digest=D\n" },
        { "it does not say how much",
          5,
          FERRY_OK,
          { { "POST", .status = 202, .headers = BEGUN },
            { "PATCH", .status = 202, .headers = BEGUN, .times = 2 },
            { "PUT", .status = 201 } },
          POST_D "PATCH /up/1 0-4 \"01234\"\nPATCH /up/1 5-9 \"56789\"\nPUT /up/1?digest=D\n" },
        { "chunks of one byte",
          1,
          FERRY_EAUTH,
          { { "POST", .status = 202, .headers = BEGUN },
            { "PATCH", .status = 202, .headers = BEGUN "Range: 0-0\r\n" },
            { "PATCH", .status = 202, .headers = BEGUN "Range: 0-1\r\n" },
            { "PATCH", .status = 403 },
            { "DELETE", .status = 204 } },
          POST_D "PATCH /up/1 0-0 \"0\"\nPATCH /up/1 1-1 \"1\"\nPATCH /up/1 2-2 \"2\"\n"
                 "DELETE /up/1\n" },
        { "its minimum is larger, the last one may be smaller",
          4,
          FERRY_OK,
          { { "POST", .status = 202, .headers = BEGUN "OCI-Chunk-Min-Length: 6\r\n" },
            { "PATCH", .status = 202, .headers = BEGUN, .times = 2 },
            { "PUT", .status = 201 } },
          POST_D "PATCH /up/1 0-5 \"012345\"\nPATCH /up/1 6-9 \"6789\"\nPUT /up/1?digest=D\n" },
        { "a minimum is no reason for chunks",
          0,
          FERRY_OK,
          { { "POST", .status = 202, .headers = minimum }, { "PUT", .status = 201 } },
          POST_D "PUT /up/1?digest=D " ALL },
        { "a minimum that is no number",
          5,
          FERRY_OK,
          { { "POST", .status = 202, .headers = BEGUN "OCI-Chunk-Min-Length: 9 MB\r\n" },
            { "PATCH", .status = 202, .headers = BEGUN, .times = 2 },
            { "PUT", .status = 201 } },
          POST_D "PATCH /up/1 0-4 \"01234\"\nPATCH /up/1 5-9 \"56789\"\nPUT /up/1?digest=D\n" },
        { "416: it is asked where it stands",
          4,
          FERRY_OK,
          { { "POST", .status = 202, .headers = BEGUN },
            { "PATCH", .status = 202, .headers = took_4 },
            { "PATCH", .status = 416 },
            { "HEAD", .status = 404 },
            { "GET", .status = 204, .headers = "Location: /up/2\r\nRange: 0-1\r\n" },
            { "PATCH", .status = 202, .headers = "Location: /up/2\r\nRange: 0-5\r\n" },
            { "PATCH", .status = 202, .headers = "Location: /up/2\r\nRange: 0-9\r\n" },
            { "PUT", .status = 201 } },
          POST_D "PATCH /up/1 0-3 \"0123\"\nPATCH /up/1 4-7 \"4567\"\n" HEAD_D "GET /up/1\n"
                 "PATCH /up/2 2-5 \"2345\"\nPATCH /up/2 6-9 \"6789\"\nPUT /up/2?digest=D\n" },
        { "404: the upload was forgotten",
          4,
          FERRY_OK,
          { { "POST", .status = 202, .headers = BEGUN },
            { "PATCH", .status = 202, .headers = took_4 },
            { "PATCH", .status = 404 },
            { "HEAD", .status = 404 },
            { "GET", .status = 404 },
            { "POST", .status = 202, .headers = "Location: /up/2\r\n" },
            { "PATCH", .status = 202, .headers = took_4 },
            { "PATCH", .status = 202, .headers = took_8 },
            { "PATCH", .status = 202, .headers = BEGUN "Range: 0-9\r\n" },
            { "PUT", .status = 201 } },
          POST_D "PATCH /up/1 0-3 \"0123\"\nPATCH /up/1 4-7 \"4567\"\n" HEAD_D "GET /up/1\n" POST_D
                 "PATCH /up/2 0-3 \"0123\"\nPATCH /up/1 4-7 \"4567\"\nPATCH /up/1 8-9 \"89\"\n"
                 "PUT /up/1?digest=D\n" },
        { "takes chunks and never moves",
          5,
          FERRY_ENET,
          { { "POST", .status = 202, .headers = BEGUN },
            { "PATCH", .status = 202, .headers = BEGUN "Range: 0-0\r\n", .times = -1 },
            { "HEAD", .status = 404, .times = -1 },
            { "GET", .status = 204, .headers = BEGUN "Range: 0-0\r\n", .times = -1 },
            { "DELETE", .status = 204 } },
          POST_D "PATCH /up/1 0-4 \"01234\"\n" HEAD_D "GET /up/1\n"
                 "PATCH /up/1 0-4 \"01234\"\n" HEAD_D "GET /up/1\n"
                 "PATCH /up/1 0-4 \"01234\"\nDELETE /up/1\n" },
    };

    (void)state;
    check_rows(rows, FERRY_COUNT(rows));
}

static void test_upload_broken(void **state)
{
    static const struct row rows[] = {
        { "goes on where the registry stands",
          0,
          FERRY_OK,
          { { "POST", .status = 202, .headers = BEGUN },
            { "PUT", .action = STUB_BREAK, .cut = 4 },
            { "HEAD", .status = 404 },
            { "GET", .status = 204, .headers = "Location: /up/9\r\nRange: 0-3\r\n" },
            { "PATCH", .status = 202, .headers = "Location: /up/10\r\nRange: 0-9\r\n" },
            { "PUT", .status = 201 } },
          POST_D "PUT /up/1?digest=D \"0123\"\n" HEAD_D "GET /up/1\nPATCH /up/9 4-9 \"456789\"\n"
                 "PUT /up/10?digest=D\n" },
        { "in chunks, too",
          4,
          FERRY_OK,
          { { "POST", .status = 202, .headers = BEGUN },
            { "PATCH", .action = STUB_BREAK, .cut = 2 },
            { "HEAD", .status = 404 },
            { "GET", .status = 204, .headers = BEGUN "Range: 0-1\r\n" },
            { "PATCH", .status = 202, .headers = BEGUN "Range: 0-5\r\n" },
            { "PATCH", .status = 202, .headers = BEGUN "Range: 0-9\r\n" },
            { "PUT", .action = STUB_CLOSE },
            { "HEAD", .status = 404 },
            { "GET", .status = 204, .headers = BEGUN "Range: 0-9\r\n" },
            { "PUT", .status = 201 } },
          POST_D "PATCH /up/1 0-3 \"01\"\n" HEAD_D "GET /up/1\nPATCH /up/1 2-5 \"2345\"\n"
                 "PATCH /up/1 6-9 \"6789\"\nPUT /up/1?digest=D\nPUT /up/1?digest=D\n" },
        { "nothing arrived",
          0,
          FERRY_OK,
          { { "POST", .status = 202, .headers = BEGUN },
            { "PUT", .action = STUB_BREAK },
            { "HEAD", .status = 404 },
            { "GET", .status = 204, .headers = BEGUN "Range: 0-0\r\n" },
            { "PUT", .status = 201 } },
          POST_D "PUT /up/1?digest=D 10\n" HEAD_D "GET /up/1\nPUT /up/1?digest=D " ALL },
        { "everything arrived, the reply was lost",
          0,
          FERRY_OK,
          { { "POST", .status = 202, .headers = BEGUN },
            { "PUT", .action = STUB_BREAK, .cut = 10 },
            { "HEAD", .status = 200 } },
          POST_D "PUT /up/1?digest=D " ALL HEAD_D },
        { "all bytes arrived, the end did not",
          0,
          FERRY_OK,
          { { "POST", .status = 202, .headers = BEGUN },
            { "PUT", .action = STUB_BREAK, .cut = 10 },
            { "HEAD", .status = 404 },
            { "GET", .status = 204, .headers = BEGUN "Range: 0-9\r\n" },
            { "PUT", .status = 201 } },
          POST_D "PUT /up/1?digest=D " ALL HEAD_D "GET /up/1\nPUT /up/1?digest=D\n" },
        { "forgotten: from the first byte",
          0,
          FERRY_OK,
          { { "POST", .status = 202, .headers = BEGUN },
            { "PUT", .action = STUB_BREAK, .cut = 4 },
            { "HEAD", .status = 404 },
            { "GET", .status = 404 },
            { "POST", .status = 202, .headers = "Location: /up/2\r\n" },
            { "PUT", .status = 201 } },
          POST_D "PUT /up/1?digest=D \"0123\"\n" HEAD_D "GET /up/1\n" POST_D
                 "PUT /up/2?digest=D " ALL },
        { "claims more than was sent: another upload",
          4,
          FERRY_OK,
          { { "POST", .status = 202, .headers = BEGUN },
            { "PATCH", .action = STUB_BREAK, .cut = 2 },
            { "HEAD", .status = 404 },
            { "GET", .status = 204, .headers = BEGUN "Range: 0-8\r\n" },
            { "DELETE", .status = 204 },
            { "POST", .status = 202, .headers = "Location: /up/2\r\n" },
            { "PATCH", .status = 202, .headers = "Location: /up/2\r\nRange: 0-8\r\n" },
            { "HEAD", .status = 200 } },
          POST_D "PATCH /up/1 0-3 \"01\"\n" HEAD_D "GET /up/1\nDELETE /up/1\n" POST_D
                 "PATCH /up/2 0-3 \"0123\"\n" HEAD_D },
        { "does not say where it stands: another upload",
          0,
          FERRY_OK,
          { { "POST", .status = 202, .headers = BEGUN },
            { "PUT", .action = STUB_BREAK, .cut = 4 },
            { "HEAD", .status = 404 },
            { "GET", .status = 204, .headers = BEGUN },
            { "DELETE", .status = 204 },
            { "POST", .status = 202, .headers = "Location: /up/2\r\n" },
            { "PUT", .status = 201 } },
          POST_D "PUT /up/1?digest=D \"0123\"\n" HEAD_D "GET /up/1\nDELETE /up/1\n" POST_D
                 "PUT /up/2?digest=D " ALL },
        { "cannot be asked where it stands: another upload",
          0,
          FERRY_OK,
          { { "POST", .status = 202, .headers = BEGUN },
            { "PUT", .action = STUB_BREAK, .cut = 4 },
            { "HEAD", .status = 404 },
            { "GET", .status = 501 },
            { "DELETE", .status = 501 },
            { "POST", .status = 202, .headers = "Location: /up/2\r\n" },
            { "PUT", .status = 201 } },
          POST_D "PUT /up/1?digest=D \"0123\"\n" HEAD_D "GET /up/1\nDELETE /up/1\n" POST_D
                 "PUT /up/2?digest=D " ALL },
        { "asked too often: it is no reason to begin again",
          0,
          FERRY_ENET,
          { { "POST", .status = 202, .headers = BEGUN },
            { "PUT", .action = STUB_BREAK, .cut = 4 },
            { "HEAD", .status = 404 },
            { "GET", .status = 429, .headers = "Retry-After: 0\r\n", .times = 3 },
            { "DELETE", .status = 204 } },
          POST_D "PUT /up/1?digest=D \"0123\"\n" HEAD_D "GET /up/1\nGET /up/1\nGET /up/1\n"
                 "DELETE /up/1\n" },
        { "again and again: given up and cancelled",
          0,
          FERRY_ENET,
          { { "POST", .status = 202, .headers = BEGUN },
            { "PUT", .action = STUB_BREAK, .times = -1 },
            { "HEAD", .status = 404, .times = -1 },
            { "GET", .status = 204, .headers = BEGUN "Range: 0-0\r\n", .times = -1 },
            { "DELETE", .status = 204 } },
          POST_D "PUT /up/1?digest=D 10\n" HEAD_D "GET /up/1\nPUT /up/1?digest=D 10\n" HEAD_D
                 "GET /up/1\nPUT /up/1?digest=D 10\nDELETE /up/1\n" },
        { "refused",
          0,
          FERRY_EREFUSED,
          { { "POST", .status = 202, .headers = BEGUN },
            { "PUT", .status = 400 },
            { "DELETE", .status = 204 } },
          POST_D "PUT /up/1?digest=D " ALL "DELETE /up/1\n" },
        { "a reply that makes no sense",
          0,
          FERRY_EPROTOCOL,
          { { "POST", .status = 202, .headers = BEGUN },
            { "PUT", .status = 201, .headers = "Content-Encoding: gzip\r\n" },
            { "DELETE", .status = 204 } },
          POST_D "PUT /up/1?digest=D " ALL "DELETE /up/1\n" },
    };

    (void)state;
    check_rows(rows, FERRY_COUNT(rows));
}

/* As long as it asks for, and not the 0.2 s that are usual. */
#define SILENCE 1000000 /* a request with fewer bytes is not answered */

/* A reply that got lost is made up for by asking; silence after silence is not waited for again. */
static void test_upload_silence(void **state)
{
    const struct stub_step lost[] = { { "POST", .status = 202, .headers = BEGUN },
                                      { "PUT", .action = STUB_BREAK, .cut = SILENCE },
                                      { "HEAD", .status = 200 } };
    const struct stub_step again[] = { { "POST", .status = 202, .headers = BEGUN, .times = 2 },
                                       { "PUT", .action = STUB_BREAK, .cut = SILENCE, .times = 2 },
                                       { "HEAD", .status = 404 },
                                       { "GET", .status = 404 },
                                       { "DELETE", .status = 204 } };
    const struct stub_step deaf[] = { { "POST", .status = 202, .headers = BEGUN },
                                      { "PUT", .action = STUB_BREAK, .cut = SILENCE },
                                      { "HEAD", .action = STUB_BREAK, .cut = SILENCE },
                                      { "DELETE", .status = 204 } };

    (void)state;
    SCRIPT(lost);
    CHECK_OK(upload_text("0123456789", NULL));
    SCRIPT(again);
    CHECK_CODE(upload_text("0123456789", NULL), FERRY_ESTALL);
    assert_int_equal(stub_count_path(stub, "/v2/a/blobs/uploads/"), 2);
    SCRIPT(deaf);
    CHECK_CODE(upload_text("0123456789", NULL), FERRY_ESTALL);
    assert_int_equal(stub_count_path(stub, "/v2/a/blobs/uploads/"), 1);
}

static void test_upload_retry_after(void **state)
{
    const struct stub_step steps[] = {
        { "POST", .status = 202, .headers = BEGUN },
        { "PUT", .status = 429, .headers = "Retry-After: 1\r\n" },
        { "HEAD", .status = 404 },
        { "GET", .status = 204, .headers = BEGUN "Range: 0-0\r\n" },
        { "PUT", .status = 201 },
    };
    int64_t before = now_ms();

    (void)state;
    SCRIPT(steps);
    CHECK_OK(upload_text("0123456789", NULL));
    assert_string_equal(trace(), POST_D "PUT /up/1?digest=D " ALL HEAD_D "GET /up/1\n"
                                        "PUT /up/1?digest=D " ALL);
    assert_in_range(now_ms() - before, 1000, 5000);
}

static void test_upload_mounts(void **state)
{
    static const int refusals[] = { 400, 403, 404, 405 };
    const struct stub_step granted[] = { { "POST", .status = 201 } };
    const struct stub_step session_instead[] = { { "POST", .status = 202, .headers = BEGUN },
                                                 { "PUT", .status = 201 } };

    (void)state;
    SCRIPT(granted);
    CHECK_CODE(upload_text("0123456789", "b/c"), 1);
    assert_string_equal(trace(), "POST /v2/a/blobs/uploads/?mount=D&from=b/c\n");

    SCRIPT(session_instead);
    CHECK_OK(upload_text("0123456789", "b/c"));
    assert_string_equal(trace(), "POST /v2/a/blobs/uploads/?mount=D&from=b/c\n"
                                 "PUT /up/1?digest=D " ALL);

    for (size_t i = 0; i < FERRY_COUNT(refusals); i++) {
        const struct stub_step refused[] = { { "POST", .status = refusals[i] },
                                             { "POST", .status = 202, .headers = BEGUN },
                                             { "PUT", .status = 201 } };

        SCRIPT(refused);
        CHECK_OK(upload_text("0123456789", "b/c"));
        assert_string_equal(trace(), "POST /v2/a/blobs/uploads/?mount=D&from=b/c\n" POST_D
                                     "PUT /up/1?digest=D " ALL);
    }
}

/* Bytes that are not what the digest says: their end never goes out. */
static void test_upload_wrong_blob(void **state)
{
    const struct stub_step steps[] = { { "POST", .status = 202, .headers = BEGUN },
                                       { "PATCH", .status = 202, .headers = BEGUN, .times = -1 },
                                       { "PUT", .status = 201 },
                                       { "DELETE", .status = 204 } };
    struct load wrong = { .bytes = "0123456789", .len = 10, .wrong = true };

    (void)state;
    SCRIPT(steps);
    CHECK_CODE(upload(&wrong, NULL), FERRY_EDIGEST);
    assert_true(source_failed);
    assert_string_equal(trace(), POST_D "DELETE /up/1\n");

    SCRIPT(steps);
    chunk_size.asked = 4;
    CHECK_CODE(upload(&wrong, NULL), FERRY_EDIGEST);
    assert_true(source_failed);
    assert_string_equal(trace(), POST_D "PATCH /up/1 0-3 \"0123\"\nPATCH /up/1 4-7 \"4567\"\n"
                                        "DELETE /up/1\n");

    SCRIPT(steps);
    wrong.ahead = 5;
    chunk_size.asked = 0;
    CHECK_CODE(upload(&wrong, NULL), FERRY_EDIGEST);
    assert_true(source_failed);
    assert_string_equal(trace(), POST_D "PATCH /up/1 0-4 \"01234\"\nDELETE /up/1\n");
}

/* Of no bytes nothing is read, so nothing would prove them. */
static void test_upload_empty(void **state)
{
    const struct stub_step steps[] = { { "POST", .status = 202, .headers = BEGUN },
                                       { "PUT", .status = 201 } };
    struct ferry_push to = { .session = session, .registry = registry, .repository = "a" };
    struct ferry_upload begun = { 0 };
    FERRY_OWNED(ferry_source) source = NULL;
    struct ferry_digest digest;
    bool mounted;

    (void)state;
    SCRIPT(steps);
    CHECK_OK(upload_text("", NULL));
    assert_string_equal(trace(), POST_D "PUT /up/1?digest=D\n");

    SCRIPT(steps);
    CHECK_OK(ferry_digest_of(FERRY_SHA256, "x", 1, &digest, &err));
    source = open_source("", 0, &digest, 0);
    CHECK_OK(ferry_upload_begin(&to, &digest, NULL, &mounted, &begun, &err));
    CHECK_CODE(ferry_upload_blob(&to,
                                 &(struct ferry_cargo){ .digest = &digest,
                                                        .source = source,
                                                        .chunk_size = &chunk_size,
                                                        .progress = progress },
                                 &begun, &source_failed, &err),
               FERRY_EDIGEST);
    assert_true(source_failed);
    assert_string_equal(trace(), POST_D "DELETE /up/1\n");
}

/* The registry wants a login; where it sends us to store the bytes gets none. */
static void test_upload_elsewhere(void **state)
{
    static char elsewhere[64];
    const struct stub_step home[] = {
        { "POST", .expect = "Authorization: Basic", .status = 202, .headers = elsewhere },
        { .status = 401, .headers = "WWW-Authenticate: Basic realm=\"x\"\r\n" },
    };
    const struct stub_step away[] = {
        { "PATCH", .status = 202, .headers = "Location: /store/2\r\nRange: 0-4\r\n" },
        { "PATCH", .status = 202, .headers = "Location: /store/3\r\nRange: 0-9\r\n" },
        { "PUT", .status = 201 },
    };

    (void)state;
    chunk_size.asked = 5;
    snprintf(elsewhere, sizeof(elsewhere), "Location: http://127.0.0.1:%d/store/1\r\n",
             stub_port(other));
    SCRIPT(home);
    stub_script(other, away, FERRY_COUNT(away));
    CHECK_OK(upload_text("0123456789", NULL));
    assert_int_equal(stub_count(other), 3);
    for (size_t i = 0; i < stub_count(other); i++)
        assert_string_equal(stub_request(other, i).authorization, "");
}

/* --- requests that are too large ------------------------------------------------------------- */

static void test_upload_too_large(void **state)
{
    const struct stub_step steps[] = {
        { "POST", .status = 202, .headers = BEGUN },
        { "PUT", .status = 413, .action = STUB_EARLY },
        { "HEAD", .status = 404, .times = 2 },
        { "GET", .status = 204, .headers = BEGUN "Range: 0-0\r\n", .times = 2 },
        { "PATCH", .expect = "0-4194303", .status = 413, .action = STUB_EARLY },
        { "PATCH", .expect = "0-2097151", .status = 202, .headers = BEGUN "Range: 0-2097151\r\n" },
        { "PATCH", .status = 202, .headers = BEGUN, .times = -1 },
        { "PUT", .status = 201, .times = -1 },
        { "POST", .status = 202, .headers = BEGUN },
    };
    struct load load = { .bytes = large, .len = (size_t)(5 * MIB) };

    (void)state;
    SCRIPT(steps);
    CHECK_OK(upload(&load, NULL));
    assert_string_equal(trace(), POST_D "PUT /up/1?digest=D 5242880\n" HEAD_D "GET /up/1\n"
                                        "PATCH /up/1 0-4194303 4194304\n" HEAD_D "GET /up/1\n"
                                        "PATCH /up/1 0-2097151 2097152\n"
                                        "PATCH /up/1 2097152-4194303 2097152\n"
                                        "PATCH /up/1 4194304-5242879 1048576\n"
                                        "PUT /up/1?digest=D\n");
    /* What was learnt holds for the next blob. */
    load.len = (size_t)(3 * MIB);
    CHECK_OK(upload(&load, NULL));
    assert_non_null(strstr(trace(), "PUT /up/1?digest=D\n" POST_D "PATCH /up/1 0-2097151 2097152\n"
                                    "PATCH /up/1 2097152-3145727 1048576\n"
                                    "PUT /up/1?digest=D\n"));
}

/* Every request is: there is an end to trying. */
static void test_upload_much_too_large(void **state)
{
    const struct stub_step steps[] = {
        { "POST", .status = 202, .headers = BEGUN },
        { "PUT", .status = 413, .action = STUB_EARLY, .times = -1 },
        { "PATCH", .status = 413, .action = STUB_EARLY, .times = -1 },
        { "HEAD", .status = 404, .times = -1 },
        { "GET", .status = 204, .headers = BEGUN "Range: 0-0\r\n", .times = -1 },
        { "DELETE", .status = 204 },
    };
    struct load load = { .bytes = large, .len = (size_t)(3 * MIB) };

    (void)state;
    SCRIPT(steps);
    CHECK_CODE(upload(&load, NULL), FERRY_EREFUSED);
    assert_non_null(strstr(err.msg, "413"));
    assert_string_equal(trace(), POST_D "PUT /up/1?digest=D 3145728\n" HEAD_D "GET /up/1\n"
                                        "PATCH /up/1 0-2097151 2097152\n" HEAD_D "GET /up/1\n"
                                        "PATCH /up/1 0-1048575 1048576\nDELETE /up/1\n");
}

/* --- pipes ----------------------------------------------------------------------------------- */

static const struct load from_pipe = { .len = LARGE, .ahead = 8 * MIB };

#define CHUNKS                                                                                     \
    POST_D "PATCH /up/1 0-8388607 8388608\nPATCH /up/1 8388608-16777215 8388608\n"                 \
           "PATCH /up/1 16777216-20971519 4194304\n"

static void test_upload_from_pipe(void **state)
{
    const struct stub_step good[] = { { "POST", .status = 202, .headers = BEGUN },
                                      { "PATCH", .status = 202, .headers = BEGUN, .times = 3 },
                                      { "PUT", .status = 201 } };
    const struct stub_step goes_back[] = {
        { "POST", .status = 202, .headers = BEGUN },
        { "PATCH", .status = 202, .headers = BEGUN, .times = 2 },
        { "PATCH", .action = STUB_BREAK, .cut = 1000000 },
        { "HEAD", .status = 404 },
        { "GET", .status = 204, .headers = BEGUN "Range: 0-9999999\r\n" },
        { "PATCH", .status = 202, .headers = BEGUN, .times = -1 },
        { "PUT", .status = 201 }
    };
    struct load load = from_pipe;
    struct stub_request sent;

    (void)state;
    load.bytes = large;
    SCRIPT(good);
    CHECK_OK(upload(&load, NULL));
    assert_string_equal(trace(), CHUNKS "PUT /up/1?digest=D\n");
    for (size_t i = 1, at = 0; i <= 3; i++, at += sent.body_len) {
        sent = stub_request(stub, i);
        assert_memory_equal(sent.body, large + at, sent.body_len);
    }

    SCRIPT(goes_back);
    CHECK_OK(upload(&load, NULL));
    assert_string_equal(trace(), CHUNKS HEAD_D "GET /up/1\nPATCH /up/1 10000000-18388607 8388608\n"
                                               "PATCH /up/1 18388608-20971519 2582912\n"
                                               "PUT /up/1?digest=D\n");
    sent = stub_request(stub, 6);
    assert_memory_equal(sent.body, large + 10000000, sent.body_len);
    sent = stub_request(stub, 7);
    assert_memory_equal(sent.body, large + 18388608, sent.body_len);
}

/* What has gone by cannot be sent again; what is kept can. */
static void test_upload_from_pipe_forgotten(void **state)
{
    const struct stub_step late[] = { { "POST", .status = 202, .headers = BEGUN, .times = 2 },
                                      { "PATCH", .status = 202, .headers = BEGUN, .times = 2 },
                                      { "PATCH", .action = STUB_BREAK },
                                      { "HEAD", .status = 404 },
                                      { "GET", .status = 404 },
                                      { "DELETE", .status = 204 } };
    const struct stub_step early[] = { { "POST", .status = 202, .headers = BEGUN, .times = 2 },
                                       { "PATCH", .status = 202, .headers = BEGUN },
                                       { "PATCH", .action = STUB_BREAK },
                                       { "HEAD", .status = 404 },
                                       { "GET", .status = 404 },
                                       { "PATCH", .status = 202, .headers = BEGUN, .times = 3 },
                                       { "PUT", .status = 201 } };
    struct load load = from_pipe;

    (void)state;
    load.bytes = large;
    SCRIPT(late);
    CHECK_CODE(upload(&load, NULL), FERRY_EIO);
    assert_true(source_failed);
    assert_string_equal(trace(), CHUNKS HEAD_D "GET /up/1\n" POST_D "DELETE /up/1\n");
    assert_non_null(strstr(err.msg, "byte 0 has gone by"));
    assert_non_null(strstr(err.msg, registry)); /* and why it was wanted */

    SCRIPT(early);
    CHECK_OK(upload(&load, NULL));
    assert_string_equal(trace(), POST_D "PATCH /up/1 0-8388607 8388608\n"
                                        "PATCH /up/1 8388608-16777215 8388608\n" HEAD_D
                                        "GET /up/1\n" CHUNKS "PUT /up/1?digest=D\n");
    assert_memory_equal(stub_request(stub, 6).body, large, 8 * MIB);
}

/* Chunks that the registry wants to be larger than what is kept are sent as they are read. */
static void test_upload_from_pipe_with_a_minimum(void **state)
{
    const struct stub_step steps[] = { { "POST", .status = 202,
                                         .headers = BEGUN "OCI-Chunk-Min-Length: 12582912\r\n" },
                                       { "PATCH", .status = 202, .headers = BEGUN, .times = 2 },
                                       { "PUT", .status = 201 } };
    struct load load = from_pipe;

    (void)state;
    load.bytes = large;
    chunk_size.asked = MIB;
    SCRIPT(steps);
    CHECK_OK(upload(&load, NULL));
    assert_string_equal(trace(), POST_D "PATCH /up/1 0-12582911 12582912\n"
                                        "PATCH /up/1 12582912-20971519 8388608\n"
                                        "PUT /up/1?digest=D\n");
}

/* --- and the end ----------------------------------------------------------------------------- */

static void *cancel_soon(void *unused)
{
    const struct timespec t = { .tv_nsec = 100000000 };

    do
        nanosleep(&t, NULL);
    while (stub_count(stub) == 0); /* nothing has begun */
    nanosleep(&t, NULL);           /* its reply is read */
    ferry_cancel();
    return unused;
}

/* The last one: nothing else works after it. The stub waits for a byte that never comes. */
static void test_upload_interrupted(void **state)
{
    const struct stub_step steps[] = { { "POST", .status = 202, .headers = BEGUN },
                                       { "PUT", .action = STUB_BREAK, .cut = 11 },
                                       { "DELETE", .status = 204 } };
    const struct stub_step silent[] = { { "DELETE", .action = STUB_BREAK, .cut = 1 } };
    struct ferry_push to = { .session = session, .registry = registry, .repository = "a" };
    struct ferry_upload begun = { 0 };
    int64_t before = now_ms();
    pthread_t thread;

    (void)state;
    SCRIPT(steps);
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, NULL), 0);
    CHECK_CODE(upload_text("0123456789", NULL), FERRY_ECANCEL);
    pthread_join(thread, NULL);
    assert_non_null(strstr(trace(), "DELETE /up/1\n"));
    assert_true(now_ms() - before < 1500);

    SCRIPT(silent); /* somebody who does not answer is not waited for */
    before = now_ms();
    CHECK_OK(ferry_text(&begun.url, &err, "http://%s/up/1", registry));
    ferry_upload_cancel(&to, &begun);
    assert_null(begun.url);
    assert_true(now_ms() - before < 1500);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_upload_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(locations),
        TEST(chunks),
        TEST(broken),
        TEST(silence),
        TEST(retry_after),
        TEST(mounts),
        TEST(wrong_blob),
        TEST(empty),
        TEST(elsewhere),
        TEST(too_large),
        TEST(much_too_large),
        TEST(from_pipe),
        TEST(from_pipe_forgotten),
        TEST(from_pipe_with_a_minimum),
        TEST(interrupted),
    };

    return cmocka_run_group_tests_name("upload", tests, begin_group, end_group);
}
