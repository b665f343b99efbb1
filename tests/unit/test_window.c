#include "export/window.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "export/window_impl.h"
#include "format/core/blob_verify.h"
#include "format/core/cancel.h"
#include "tests/support/check.h"
#include "tests/support/sample.h"
#include "tests/support/stub_registry.h"

#define SEGMENT 10
#define BLOBS 12

static const char *const everywhere[] = { "", NULL };

/* Blobs around the size of a segment, none, a large one, many small ones. */
static const size_t sizes[BLOBS] = { 100, 1, 0, 9, 10, 11, 30, 253, 1, 1, 20, 5 };

/* Of the test that runs. */
static struct stub_registry *stub;
static struct ferry_session *session;
static struct ferry_graph *graph;
static struct ferry_progress *progress;
static struct sample blobs[BLOBS];
static struct ferry_node *nodes[BLOBS];
static struct stub_step steps[64];
static size_t step_count;

/* A step for a blob, before those that follow; by default all of it, always, by ranges. */
static struct stub_step *add_step(size_t blob)
{
    struct stub_step *step = &steps[step_count++];

    *step = (struct stub_step){
        .path = sample_format("/v2/img/blobs/%s", blobs[blob].digest.text),
        .body = blobs[blob].bytes,
        .body_len = blobs[blob].len,
        .times = -1,
        .ranges = true,
    };
    return step;
}

static void add_all_steps(void)
{
    for (size_t i = 0; i < BLOBS; i++)
        add_step(i);
}

static int setup(void **state)
{
    const struct ferry_session_options options = {
        .plain_http = everywhere, .authfile = "/dev/null", .retries = 1, .stall_seconds = 2
    };
    struct sample config = sample_text(FERRY_TYPE_OCI_CONFIG, "{}"), manifest;
    struct ferry_descriptor descriptor;
    struct ferry_reference ref;
    struct ferry_err err;

    (void)state;
    for (unsigned i = 0; i < BLOBS; i++)
        blobs[i] = sample_layer(sizes[i], i);
    manifest = sample_manifest(config, blobs, BLOBS);
    stub = stub_start();
    CHECK_OK(ferry_session_new(&options, &session, &err));
    CHECK_OK(ferry_progress_new("test", FERRY_PROGRESS_NONE, true, &progress, &err));
    CHECK_OK(ferry_graph_new(&graph, &err));
    CHECK_OK(
        ferry_reference_parse(sample_format("127.0.0.1:%d/img:1", stub_port(stub)), &ref, &err));
    CHECK_OK(ferry_descriptor_init(&descriptor, manifest.media_type, &manifest.digest,
                                   (int64_t)manifest.len, &err));
    CHECK_OK(ferry_graph_add_image(graph, &ref, &descriptor, &err));
    ferry_descriptor_release(&descriptor);
    CHECK_OK(sample_supply(graph, &manifest, &err));
    for (size_t i = 0; i < BLOBS; i++)
        nodes[i] = sample_find(graph, &blobs[i]);
    step_count = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ferry_session_free(ferry_steal(&session));
    ferry_graph_free(ferry_steal(&graph));
    ferry_progress_free(ferry_steal(&progress));
    stub_stop(ferry_steal(&stub));
    return 0;
}

static struct ferry_window *open_window(int jobs, size_t segment)
{
    const struct ferry_window_options options = { .session = session,
                                                  .graph = graph,
                                                  .blobs = nodes,
                                                  .count = BLOBS,
                                                  .jobs = jobs,
                                                  .segment = segment,
                                                  .progress = progress };
    struct ferry_window *window = NULL;
    struct ferry_err err;

    stub_script(stub, steps, step_count);
    CHECK_OK(ferry_window_new(&options, &window, &err));
    return window;
}

/* The next blob, in steps of `cap` bytes. */
static int read_blob(struct ferry_window *window, size_t blob, size_t cap, struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) body = NULL;
    FERRY_OWNED(ferry_source) checked = NULL;
    size_t at = 0, got;
    bool same = true;
    char buf[64];

    FERRY_TRY(ferry_window_next(window, &body, err));
    assert_int_equal(ferry_source_size(body), sizes[blob]);
    FERRY_TRY(ferry_verify_new(&body, &blobs[blob].digest, (int64_t)sizes[blob], &checked, err));
    do {
        FERRY_TRY(ferry_source_read(checked, buf, cap, &got, err));
        same = same && memcmp(buf, blobs[blob].bytes + at, got) == 0;
        at += got;
    } while (got > 0);
    assert_true(same && at == sizes[blob]);
    return 0;
}

static int read_all(int jobs, size_t segment, size_t cap, struct ferry_err *err)
{
    FERRY_OWNED(ferry_window) window = open_window(jobs, segment);

    for (size_t i = 0; i < BLOBS; i++)
        FERRY_TRY(read_blob(window, i, cap, err));
    return 0;
}

static const int job_counts[] = { 1, 2, 8 };

/* One request a segment, and none for a blob of no bytes. */
static void test_window_ranges(void **state)
{
    static const size_t segments[] = { 1000, SEGMENT, 3 };
    static const size_t caps[] = { 64, 7, 1 };

    (void)state;
    add_all_steps();
    for (size_t s = 0; s < FERRY_COUNT(segments); s++) {
        for (size_t j = 0; j < FERRY_COUNT(job_counts); j++) {
            struct ferry_err err;
            size_t want = 0;

            CHECK_OK(read_all(job_counts[j], segments[s], caps[j], &err));
            for (size_t i = 0; i < BLOBS; i++)
                want += (sizes[i] + segments[s] - 1) / segments[s];
            assert_int_equal(stub_count_path(stub, "/v2/img/blobs/"), want);
        }
    }
}

/* A whole blob is asked for without a range. */
static void test_window_asks_plainly_for_small_blobs(void **state)
{
    struct ferry_err err;

    (void)state;
    add_all_steps();
    CHECK_OK(read_all(2, 1000, 64, &err));
    for (size_t i = 0; i < stub_count(stub); i++)
        assert_null(strstr(stub_request(stub, i).head, "\r\nRange:"));
}

static void test_window_range_ignored(void **state)
{
    (void)state;
    add_all_steps();
    for (size_t i = 0; i < step_count; i++)
        steps[i].ranges = false;
    for (size_t j = 0; j < FERRY_COUNT(job_counts); j++) {
        struct ferry_err err;

        CHECK_OK(read_all(job_counts[j], SEGMENT, 17, &err));
        /* The first blob is asked for by several before it is known; then each one once. */
        assert_in_range(stub_count_path(stub, "/v2/img/blobs/"), BLOBS - 1,
                        BLOBS - 1 + 2 * (size_t)job_counts[j]);
    }
}

/* A foreign layer: the registry has not got it, one URL is wrong, another breaks off and goes on,
 * the last ignores ranges. */
static void test_window_foreign(void **state)
{
    char bad[64], cut[64], good[64];
    char *urls[] = { "file:///etc/passwd", bad, cut, good, NULL };
    const struct ferry_descriptor foreign = { .urls = urls };
    struct ferry_err err;

    (void)state;
    snprintf(bad, sizeof(bad), "http://127.0.0.1:%d/bad", stub_port(stub));
    snprintf(cut, sizeof(cut), "http://127.0.0.1:%d/cut", stub_port(stub));
    snprintf(good, sizeof(good), "http://127.0.0.1:%d/good", stub_port(stub));
    CHECK_OK(ferry_descriptor_copy_urls(&foreign, &nodes[7]->descriptor, &err));
    add_all_steps();
    steps[7].status = 404;
    steps[7].ranges = false;
    add_step(7)->path = "/bad";
    steps[step_count - 1].body_len = 10;
    add_step(7)->path = "/cut";
    steps[step_count - 1].action = STUB_CUT;
    steps[step_count - 1].cut = 0;
    add_step(7)->path = "/good";
    steps[step_count - 1].ranges = false;
    for (size_t j = 0; j < FERRY_COUNT(job_counts); j++) {
        CHECK_OK(read_all(job_counts[j], SEGMENT, 17, &err));
        assert_in_range(stub_count_path(stub, "/good"), 1, 1 + 2 * (size_t)job_counts[j]);
    }
    steps[step_count - 1].status = 410;
    CHECK_CODE(read_all(1, SEGMENT, 64, &err), FERRY_EREFUSED);
    assert_non_null(strstr(err.msg, "nowhere to be had: the registry: "));
    assert_non_null(strstr(err.msg, "; http://127.0.0.1:"));
    assert_non_null(strstr(err.msg, "410"));
}

/* A registry that ignores some ranges, and answers others. */
static void test_window_range_ignored_at_times(void **state)
{
    (void)state;
    add_step(0)->times = 3;
    steps[0].ranges = true;
    add_step(0)->times = 2;
    steps[1].ranges = false;
    add_step(7)->times = 1;
    steps[2].ranges = false;
    add_all_steps();
    for (size_t j = 0; j < FERRY_COUNT(job_counts); j++) {
        struct ferry_err err;

        CHECK_OK(read_all(job_counts[j], SEGMENT, 64, &err));
    }
}

/* Rows go on from each other. `len` 0: of the present size. */
static const struct {
    const char *name;
    size_t len;
    int64_t waited_ms, took_ms;
    size_t want;
} adapt_rows[] = {
    { "quick", 0, 0, 20, 2 * FERRY_SEGMENT_SMALLEST },
    { "of_the_size_before", FERRY_SEGMENT_SMALLEST, 0, 20, 2 * FERRY_SEGMENT_SMALLEST },
    { "neither", 0, 20, 200, 2 * FERRY_SEGMENT_SMALLEST },
    { "long_waited_for", 0, 300, 1000, 4 * FERRY_SEGMENT_SMALLEST },
    { "slow_but_waited_for", 0, 300, 2000, 4 * FERRY_SEGMENT_SMALLEST },
    { "quick_again", 0, 0, 99, FERRY_SEGMENT_LARGEST },
    { "never_longer", 0, 0, 99, FERRY_SEGMENT_LARGEST },
    { "slow", 0, 10, 500, FERRY_SEGMENT_LARGEST / 2 },
    { "slower", 0, 10, 5000, FERRY_SEGMENT_LARGEST / 4 },
    { "slowest", 0, 0, 50000, FERRY_SEGMENT_SMALLEST },
    { "never_shorter", 0, 0, 50000, FERRY_SEGMENT_SMALLEST },
};

/* On a slow connection segments are short, since a kill costs what is in flight. */
static void test_window_adapts(void **state)
{
    FERRY_OWNED(ferry_window) window = open_window(1, 0);
    FERRY_OWNED(ferry_window) fixed = open_window(1, SEGMENT);

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(adapt_rows); i++) {
        size_t len = adapt_rows[i].len > 0 ? adapt_rows[i].len : window->segment;

        ferry_window_adapt(window, len, adapt_rows[i].waited_ms, adapt_rows[i].took_ms);
        if (window->segment != adapt_rows[i].want)
            fail_msg("%s: %zu bytes", adapt_rows[i].name, window->segment);
        ferry_window_adapt(fixed, SEGMENT, adapt_rows[i].waited_ms, adapt_rows[i].took_ms);
        assert_int_equal(fixed->segment, SEGMENT);
    }
}

/* Connections that break are continued inside the segment, or the whole blob's body. */
static void test_window_cut_bodies(void **state)
{
    (void)state;
    for (int ranges = 0; ranges < 2; ranges++) {
        step_count = 0;
        for (size_t i = 0; i < 8; i += 7) { /* two large ones */
            struct stub_step *step = add_step(i);

            step->action = STUB_CUT;
            step->cut = 4;
            step->times = 1;
        }
        add_all_steps();
        for (size_t i = 0; i < step_count; i++)
            steps[i].ranges = ranges;
        for (size_t j = 0; j < FERRY_COUNT(job_counts); j += 2) {
            struct ferry_err err;

            CHECK_OK(read_all(job_counts[j], ranges ? SEGMENT : 50, 64, &err));
        }
    }
}

/* Not one byte in between: given up after the retries, with all names. */
static void test_window_cut_for_ever(void **state)
{
    struct ferry_err err = { 0 };

    (void)state;
    add_step(7)->action = STUB_CUT;
    add_all_steps();
    CHECK_CODE(read_all(2, SEGMENT, 64, &err), FERRY_ENET);
    assert_non_null(strstr(err.msg, "/img:1"));
    assert_non_null(strstr(err.msg, blobs[7].digest.text));
}

/* What a registry says or sends that is not what the descriptor says. */
static const struct {
    const char *name;
    struct stub_step step; /* of the blob of 253 bytes; a NULL body is other bytes */
    enum ferry_code want;
} lie_rows[] = {
    { "not_there", { .status = 404, .body = "{}" }, FERRY_ENOTFOUND },
    { "forbidden", { .status = 403, .body = "{}" }, FERRY_EAUTH },
    { "wrong_bytes", { .body_len = 253, .ranges = true }, FERRY_EDIGEST },
    { "whole_and_short", { .body_len = 252 }, FERRY_EDIGEST },
    { "whole_and_long", { .body_len = 254 }, FERRY_EDIGEST },
    { "whole_and_long_of_unknown_length",
      { .body_len = 4 + 254 + 7, .headers = "Transfer-Encoding: chunked\r\n" },
      FERRY_EDIGEST },
    { "ranges_of_a_short_one", { .body_len = 252, .ranges = true }, FERRY_EDIGEST },
    { "ranges_of_a_long_one", { .body_len = 300, .ranges = true }, FERRY_EDIGEST },
    { "range_refused", { .status = 416, .body = "{}" }, FERRY_EDIGEST },
    { "other_range",
      { .status = 206, .body_len = 10, .headers = "Content-Range: bytes 3-12/253\r\n" },
      FERRY_ENET },
    { "other_total",
      { .status = 206, .body_len = 10, .headers = "Content-Range: bytes 0-9/999\r\n" },
      FERRY_EDIGEST },
    { "range_too_long",
      { .status = 206, .body_len = 20, .headers = "Content-Range: bytes 0-9/253\r\n" },
      FERRY_EDIGEST },
    { "range_without_saying_which", { .status = 206, .body_len = 10 }, FERRY_ENET },
};

static void test_window_lies(void **state)
{
    struct sample other = sample_layer(400, 99);
    char chunked[4 + 254 + 8];

    (void)state;
    snprintf(chunked, sizeof(chunked), "fe\r\n%0254d\r\n0\r\n\r\n", 0);
    for (size_t i = 0; i < FERRY_COUNT(lie_rows); i++) {
        for (size_t j = 0; j < FERRY_COUNT(job_counts); j += 2) {
            FERRY_OWNED(ferry_window) window = NULL;
            struct ferry_err err = { 0 };
            struct stub_step *step;
            const char *path;
            int rc = 0;

            step_count = 0;
            step = add_step(7);
            path = step->path;
            *step = lie_rows[i].step;
            step->path = path;
            step->times = -1;
            if (!step->body)
                step->body = step->headers && strstr(step->headers, "chunked") ? chunked
                                                                               : other.bytes;
            add_all_steps();
            window = open_window(job_counts[j], SEGMENT);
            for (size_t b = 0; b < 7; b++) /* those before it are not touched by that */
                if (rc == 0)
                    rc = read_blob(window, b, 64, &err);
            if (rc == 0)
                rc = read_blob(window, 7, 64, &err);
            ferry_window_free(ferry_steal(&window)); /* a failed check leaves by longjmp */
            /* With several workers the first to complain may be one whose range was not served. */
            if (rc != (int)lie_rows[i].want && !(rc == FERRY_ENET && job_counts[j] > 1))
                fail_msg("row \"%s\", %d jobs: %d, \"%s\"", lie_rows[i].name, job_counts[j], rc,
                         err.msg);
            CHECK_ROW(lie_rows[i].name, strstr(err.msg, blobs[7].digest.text) != NULL);
        }
    }
}

/* Given up before the end: no thread is left behind, and nothing is waited for. */
static void test_window_freed_early(void **state)
{
    (void)state;
    add_all_steps();
    for (size_t j = 0; j < FERRY_COUNT(job_counts); j++) {
        for (size_t count = 0; count < BLOBS; count += 3) {
            FERRY_OWNED(ferry_window) window = open_window(job_counts[j], SEGMENT);
            struct ferry_err err;

            for (size_t i = 0; i < count; i++)
                CHECK_OK(read_blob(window, i, 64, &err));
        }
    }
}

static void *cancel_soon(void *arg)
{
    const struct timespec t = { .tv_nsec = 200000000 };

    (void)arg;
    nanosleep(&t, NULL);
    ferry_cancel();
    return NULL;
}

/* The last test: the flag stays. */
static void test_window_cancelled(void **state)
{
    struct ferry_err err = { 0 };
    pthread_t thread;

    (void)state;
    add_step(0)->action = STUB_STALL;
    steps[0].cut = 3;
    add_all_steps();
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, NULL), 0);
    CHECK_CODE(read_all(2, SEGMENT, 64, &err), FERRY_ECANCEL);
    pthread_join(thread, NULL);
}

#define WINDOW_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WINDOW_TEST(test_window_ranges),     WINDOW_TEST(test_window_asks_plainly_for_small_blobs),
        WINDOW_TEST(test_window_foreign),    WINDOW_TEST(test_window_range_ignored),
        WINDOW_TEST(test_window_adapts),     WINDOW_TEST(test_window_range_ignored_at_times),
        WINDOW_TEST(test_window_cut_bodies), WINDOW_TEST(test_window_cut_for_ever),
        WINDOW_TEST(test_window_lies),       WINDOW_TEST(test_window_freed_early),
        WINDOW_TEST(test_window_cancelled),
    };

    return cmocka_run_group_tests_name("window", tests, NULL, sample_forget_group);
}
