/* Readers, writers and planners, with every one of their allocations failing once. */
#include <string.h>
#include <unistd.h>

#include "export/base.h"
#include "export/components.h"
#include "export/export_opts.h"
#include "export/image_finder.h"
#include "export/pull_plan.h"
#include "export/window.h"
#include "format/archive/archive_writer.h"
#include "format/archive/docker_manifest.h"
#include "format/archive/inflate.h"
#include "format/archive/layer_file.h"
#include "format/archive/load.h"
#include "format/archive/set_notes.h"
#include "format/archive/volume_fault.h"
#include "format/archive/volume_set.h"
#include "format/core/blob_file.h"
#include "format/run/output_file.h"
#include "format/verify/page.h"
#include "import/cluster_config.h"
#include "import/name_map.h"
#include "import/prefetch.h"
#include "import/push_plan.h"
#include "import/sparse.h"
#include "import/turns.h"
#include "tests/support/check.h"
#include "tests/support/fault_alloc.h"
#include "tests/support/sample.h"

#define LINUX_OF_ONE                                                                               \
    "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"diff_ids\":["                      \
    "\"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"]}}"

/* An image below an index, in an archive whose index.json comes last. */
static struct sample config, layer, manifest, index_doc, index_json;
static struct sample cargo; /* of volumes */
static struct sample_tar tar;
static struct ferry_graph *whole; /* all of it read */
static char *bytes;
static size_t len;

/* A failure for want of memory says so, and nothing is given then. */
static void check_outcome(int rc, const struct ferry_err *err, const void *given)
{
    if (rc == 0)
        return;
    if (rc != FERRY_ENOMEM)
        fail_msg("failed with %d: %s", rc, err->msg);
    assert_non_null(strstr(err->msg, "out of memory"));
    assert_null(given);
}

static int enter(void **state)
{
    static const char *const names[] = { "host.example/a:1" };
    struct ferry_err err;

    if (sample_enter_folder(state) < 0)
        return -1;
    config = sample_text(FERRY_TYPE_OCI_CONFIG, LINUX_OF_ONE);
    layer = sample_layer(600, 1);
    cargo = sample_layer(9000, 2);
    manifest = sample_platform(sample_manifest(config, &layer, 1), "linux", "amd64");
    index_doc = sample_index(&manifest, 1);
    index_json = sample_index_json(&index_doc, names, 1);
    sample_put_blob(&tar, &layer);
    sample_put_blob(&tar, &manifest);
    sample_put(&tar, "README", "hello");
    sample_put_blob(&tar, &index_doc);
    sample_put_head(&tar, &index_json);
    sample_put_blob(&tar, &config);
    bytes = sample_tar_bytes(&tar, &len);
    CHECK_OK(ferry_graph_new(&whole, &err));
    sample_add_image(whole, "a:1", &index_doc);
    CHECK_OK(sample_supply(whole, &index_doc, &err));
    CHECK_OK(sample_supply(whole, &manifest, &err));
    CHECK_OK(sample_supply(whole, &config, &err));
    return 0;
}

static int leave(void **state)
{
    ferry_graph_free(whole);
    free(bytes);
    return sample_leave_folder(state);
}

/* Reads all there is; *seen counts the entries. */
static int load_and_walk(const char *path, struct ferry_graph *graph, size_t *seen,
                         struct ferry_err *err)
{
    FERRY_OWNED(ferry_reader) reader = NULL;
    struct ferry_entry entry;

    *seen = 0;
    FERRY_TRY(ferry_reader_open(path, &reader, err));
    FERRY_TRY(ferry_archive_load(reader, graph, err));
    for (;;) {
        FERRY_OWNED(ferry_source) body = NULL;

        FERRY_TRY(ferry_reader_next(reader, &entry, err));
        if (entry.kind == FERRY_ENTRY_END)
            return 0;
        ++*seen;
        if (entry.kind == FERRY_ENTRY_OTHER)
            continue;
        FERRY_TRY(ferry_reader_body(reader, &body, err));
        FERRY_TRY(ferry_source_drain(body, err));
    }
}

/* No document is called bad only since there was no memory to read it. */
static void check_load(const char *path, size_t want_seen)
{
    bool is_pipe = strcmp(path, "pipe") == 0;

    EACH_FAILED_ALLOC(n)
    {
        FERRY_OWNED(ferry_graph) graph = NULL;
        struct ferry_err err;
        size_t seen = 0;
        int rc;

        if (is_pipe)
            sample_pipe_begin("pipe", bytes, len);
        rc = ferry_graph_new(&graph, &err);
        if (rc == 0)
            rc = load_and_walk(path, graph, &seen, &err);
        if (is_pipe)
            sample_pipe_end();
        check_outcome(rc, &err, NULL);
        if (rc < 0)
            continue;
        assert_int_equal(seen, want_seen);
        assert_int_equal(graph->count, 4);
        assert_int_equal(sample_find(graph, &index_doc)->state, FERRY_NODE_GOOD);
        assert_int_equal(sample_find(graph, &manifest)->state, FERRY_NODE_GOOD);
    }
}

static void test_alloc_load(void **state)
{
    (void)state;
    tar.filter = SAMPLE_PLAIN;
    sample_tar_file(&tar, "plain.tar");
    tar.filter = SAMPLE_GZIP;
    sample_tar_file(&tar, "gzip.tar");
    sample_tar_folder(&tar, "folder");
    check_load("plain.tar", 7);
    check_load("gzip.tar", 7);
    check_load("folder", 6); /* which is not asked for what is no part of a layout */
    check_load("pipe", 5);   /* four that were kept, and the config */
}

/* The archive with one blob wrong. */
static void write_damaged(const char *path, const struct sample *blob)
{
    struct sample_tar damaged = tar;

    for (size_t i = 0; i < damaged.count; i++)
        if (strstr(damaged.entries[i].name, ferry_digest_hex(&blob->digest)))
            damaged.entries[i].bytes = sample_layer(damaged.entries[i].len, 7).bytes;
    damaged.filter = SAMPLE_PLAIN;
    sample_tar_file(&damaged, path);
}

static void hear(void *ctx, const char *text)
{
    assert_non_null(text);
    ++*(size_t *)ctx;
}

/* Documents are healed, whatever there was no memory for at first. */
static void test_alloc_archive_set(void **state)
{
    static const char *const paths[] = { "a.tar", "b.tar", "c.tar" };
    static const struct ferry_signature_policy nobody;
    const struct ferry_archive_set_options what = { .paths = paths, .count = 3, .policy = &nobody };

    (void)state;
    write_damaged("a.tar", &index_doc);
    write_damaged("b.tar", &manifest);
    sample_write("c.tar", "hello", 5);
    EACH_FAILED_ALLOC(n)
    {
        FERRY_OWNED(ferry_archive_set) set = NULL;
        size_t lines = 0;
        const struct ferry_set_listener listener = { .say = hear, .warn = hear, .ctx = &lines };
        struct ferry_err err;
        int rc = ferry_archive_set_open(&what, &set, &err);

        check_outcome(rc, &err, set);
        if (rc < 0)
            continue;
        assert_int_equal(set->graph->count, 4);
        assert_int_equal(sample_find(set->graph, &index_doc)->state, FERRY_NODE_GOOD);
        assert_int_equal(sample_find(set->graph, &manifest)->state, FERRY_NODE_GOOD);
        ferry_set_notes(set, &listener);
        assert_true(lines <= 1);
    }
}

static void test_alloc_verify(void **state)
{
    static const char *const paths[] = { "a.tar", "b.tar" };
    static const struct ferry_signature_policy nobody = { .reports = true };
    FERRY_OWNED(ferry_progress) progress = NULL;
    struct ferry_verify_options how = { .depth = FERRY_VERIFY_DEEP, .signature = &nobody };
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_progress_new("test", FERRY_PROGRESS_NONE, true, &progress, &err));
    how.progress = progress;
    EACH_FAILED_ALLOC(n)
    {
        FERRY_OWNED(ferry_verify_report) report = NULL;
        int rc = ferry_verify_archives(paths, 2, &how, &report, &err);

        check_outcome(rc, &err, report);
        if (rc < 0)
            continue;
        assert_int_equal(report->blobs, 4);
        assert_false(
            ferry_verify_is_whole(report)); /* the layer is no tar, and has another diffID */
        assert_int_equal(report->fault_count, 4);
    }
}

static int read_blob(struct ferry_reader *reader, struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) blob = NULL;
    FERRY_OWNED(ferry_source) inflated = NULL;
    FERRY_OWNED(ferry_source) prefetched = NULL;
    FERRY_OWNED_BUF text;
    int rc;

    ferry_buf_init(&text, 1000);
    FERRY_TRY(ferry_reader_blob(reader, &layer.digest, &blob, err));
    rc = ferry_prefetch_new(&blob, 100, 100, &prefetched, err);
    assert_null(blob); /* taken, also by a failure */
    FERRY_TRY(rc);
    FERRY_TRY(ferry_inflate_new(prefetched, &inflated, err));
    FERRY_TRY(ferry_source_read_all(inflated, &text, err));
    assert_int_equal(text.len, layer.len);
    assert_memory_equal(text.data, layer.bytes, layer.len);
    return 0;
}

static void test_alloc_blob(void **state)
{
    static const char *const paths[] = { "plain.tar", "folder" };

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(paths); i++) {
        FERRY_OWNED(ferry_reader) reader = NULL;
        struct ferry_err err;

        CHECK_OK(ferry_reader_open(paths[i], &reader, &err));
        EACH_FAILED_ALLOC(n)
        check_outcome(read_blob(reader, &err), &err, NULL);
    }
}

static int write_archive(struct ferry_err *err)
{
    FERRY_OWNED(ferry_writer) w = NULL;

    FERRY_TRY(sample_writer("written.tar", FERRY_EXISTING_KEEP, &w, err));
    FERRY_TRY(ferry_writer_put(w, "a", "hello", 5, err));
    FERRY_TRY(ferry_writer_put(w, "b", layer.bytes, layer.len, err));
    return ferry_writer_commit(w, err);
}

static void test_alloc_writer(void **state)
{
    struct ferry_err err;

    (void)state;
    EACH_FAILED_ALLOC(n)
    {
        int rc = write_archive(&err);

        check_outcome(rc, &err, NULL);
        assert_int_equal(access("written.tar", F_OK) == 0, rc == 0);
        assert_int_not_equal(access("written.tar.partial", F_OK), 0);
        unlink("written.tar");
    }
}

static const struct ferry_output_options in_volumes = { .path = "cut.tar", .volume_size = 2000 };

/* What was there of it, if anything, is gone on with. */
static int write_volumes(struct ferry_err *err)
{
    FERRY_OWNED(ferry_output) o = NULL;
    int64_t found;

    FERRY_TRY(ferry_output_open(&in_volumes, &o, err));
    found = ferry_volumes_size(ferry_output_found(o));
    ferry_output_continue(o, found / 2, found);
    FERRY_TRY(ferry_output_write(o, cargo.bytes + found / 2, cargo.len - (size_t)found / 2, err));
    return ferry_output_commit(o, err);
}

static void remove_volumes(void)
{
    char path[40], suffix[FERRY_VOLUME_TEXT_MAX];

    unlink("cut.tar.sha256");
    for (size_t i = 0; i < 100; i++) {
        snprintf(path, sizeof(path), "cut.tar%s", ferry_volume_suffix(i, suffix));
        unlink(path);
        strcat(path, ".partial");
        unlink(path);
    }
}

/* There is a whole set or none, also when one was begun before. */
static void test_alloc_volumes_writing(void **state)
{
    struct ferry_err err;

    (void)state;
    for (int begun = 0; begun < 2; begun++) {
        EACH_FAILED_ALLOC(n)
        {
            int rc;

            if (begun) {
                sample_write("cut.tar.001.partial", cargo.bytes, 2000);
                sample_write("cut.tar.002.partial", cargo.bytes + 2000, 500);
            }
            rc = write_volumes(&err);
            check_outcome(rc, &err, NULL);
            assert_int_equal(access("cut.tar.001", F_OK) == 0, rc == 0);
            assert_int_equal(access("cut.tar.sha256", F_OK) == 0, rc == 0);
            if (begun && rc < 0) /* what was found is not lost */
                assert_int_equal(access("cut.tar.001.partial", F_OK), 0);
            remove_volumes();
        }
    }
}

static int read_volumes(struct ferry_err *err)
{
    FERRY_OWNED(ferry_volumes) v = NULL;
    uint8_t chunk[500];
    size_t got = 1;

    FERRY_TRY(ferry_volumes_open("cut.tar", NULL, &v, err));
    FERRY_TRY(ferry_volumes_refuse(v, err));
    FERRY_TRY(ferry_volumes_watch(v, err));
    for (int64_t at = 0; got > 0 && at < 3000; at += (int64_t)got)
        FERRY_TRY(ferry_volumes_read_at(v, at, chunk, sizeof(chunk), &got, err));
    for (size_t i = 0; i < ferry_volumes_count(v); i++) {
        FERRY_TRY(ferry_volumes_hash(v, i, err));
        assert_int_equal(ferry_volumes_state(v, i), FERRY_VOLUME_GOOD);
    }
    return 0;
}

static void test_alloc_volumes_reading(void **state)
{
    struct ferry_err err;

    (void)state;
    CHECK_OK(write_volumes(&err));
    EACH_FAILED_ALLOC(n)
    check_outcome(read_volumes(&err), &err, NULL);
    remove_volumes();
}

/* The plan is the same as with memory enough, or there is none. */
static void test_alloc_pull_plan(void **state)
{
    FERRY_OWNED(ferry_pull_plan) want = NULL;
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_pull_plan_new(whole, FERRY_REF_NAME_TAG, &want, &err));
    assert_int_equal(want->docker_count, 1);
    EACH_FAILED_ALLOC(n)
    {
        FERRY_OWNED(ferry_pull_plan) plan = NULL;
        int rc = ferry_pull_plan_new(whole, FERRY_REF_NAME_TAG, &plan, &err);

        check_outcome(rc, &err, plan);
        if (rc < 0)
            continue;
        assert_int_equal(plan->archive_bytes, want->archive_bytes);
        assert_string_equal((char *)plan->index.data, (char *)want->index.data);
        assert_int_equal(plan->docker_count, 1);
        assert_string_equal((char *)plan->docker.data, (char *)want->docker.data);
    }
}

/* From the command line to what is to be pushed where. */
static int plan_push(struct ferry_err *err)
{
    char words[][32] = { "ociferry-import",
                         "a.tar",
                         "r.io/x",
                         "--image",
                         "*",
                         "-f",
                         "list.txt",
                         "--max-depth=3",
                         "--write-config=idms=x" };
    char *argv[FERRY_COUNT(words) + 1] = { 0 };
    FERRY_OWNED(ferry_push_plan) plan = NULL;
    FERRY_OWNED_MEM struct ferry_target *targets = NULL;
    struct import_opts opts;
    bool done = false;
    size_t count = 0;
    int rc;

    for (size_t i = 0; i < FERRY_COUNT(words); i++)
        argv[i] = words[i];
    rc = ferry_import_opts_parse((int)FERRY_COUNT(words), argv, &opts, &done, err);
    if (rc == 0)
        rc = ferry_name_map(&opts, whole, &targets, &count, err);
    if (rc == 0) {
        rc = ferry_push_plan_new(whole, &targets, count, &plan, err);
        assert_null(targets); /* taken, also by a failure */
    }
    if (rc == 0) {
        assert_int_equal(plan->target_count, 1);
        assert_int_equal(plan->placement_count, 2);
        assert_string_equal(plan->repositories[0], "x/b");
    }
    ferry_import_opts_release(&opts);
    return rc;
}

static void test_alloc_push_plan(void **state)
{
    struct ferry_err err;

    (void)state;
    sample_write("list.txt", "host.example/a:1 b:2\n", 21);
    EACH_FAILED_ALLOC(n)
    check_outcome(plan_push(&err), &err, NULL);
}

/* An index that lists a manifest and an index, of which each lacks something; and its signature. */
static struct ferry_graph *make_sparse_graph(void)
{
    struct sample lost = sample_manifest(config, NULL, 0), inner, outer;
    struct ferry_digest *list = calloc(1, sizeof(*list));
    struct ferry_graph *graph = NULL;
    struct ferry_err err;

    assert_non_null(list);
    *list = lost.digest;
    inner = sample_index((struct sample[]){ manifest, lost }, 2);
    outer = sample_index((struct sample[]){ inner, lost }, 2);
    CHECK_OK(ferry_graph_new(&graph, &err));
    ferry_graph_leave_out(graph, &list, 1);
    sample_add_image(graph, "a:1", &outer);
    sample_add_image(graph, "a:other", &manifest);
    sample_add_image(graph, sample_format("a:sha256-%.64s.sig", ferry_digest_hex(&outer.digest)),
                     &manifest);
    CHECK_OK(sample_supply(graph, &outer, &err));
    CHECK_OK(sample_supply(graph, &inner, &err));
    CHECK_OK(sample_supply(graph, &manifest, &err));
    return graph;
}

/* To what is to be pushed of it where it has to be whole. */
static int refuse_push(struct ferry_graph *graph, struct ferry_err *err)
{
    struct ferry_target *targets = calloc(graph->image_count, sizeof(*targets));
    FERRY_OWNED(ferry_push_plan) plan = NULL;

    if (!targets)
        return ferry_fail_memory(err);
    for (size_t i = 0; i < graph->image_count; i++)
        targets[i] = (struct ferry_target){ .image = &graph->images[i],
                                            .ref = graph->images[i].ref,
                                            .follows = graph->images[i].has_subject };
    FERRY_TRY(ferry_push_plan_new(graph, &targets, graph->image_count, &plan, err));
    plan->sparse = FERRY_SPARSE_FAIL;
    FERRY_TRY(ferry_sparse_excuse(graph, err));
    FERRY_TRY(ferry_sparse_check(plan, err));
    assert_int_equal(plan->outcomes[0].kind, FERRY_OUTCOME_FAILED);
    assert_int_equal(plan->outcomes[1].kind, FERRY_OUTCOME_NONE);
    assert_int_equal(plan->outcomes[2].kind, FERRY_OUTCOME_LEFT_OUT);
    assert_int_equal(plan->placement_count, 2);
    return 0;
}

static void test_alloc_sparse(void **state)
{
    FERRY_OWNED(ferry_graph) graph = make_sparse_graph();
    struct ferry_err err;

    (void)state;
    EACH_FAILED_ALLOC(n)
    check_outcome(refuse_push(graph, &err), &err, NULL);
}

static void test_alloc_turns(void **state)
{
    struct ferry_err err;

    (void)state;
    EACH_FAILED_ALLOC(n)
    {
        FERRY_OWNED(ferry_turns) turns = NULL;

        check_outcome(ferry_turns_new(whole, &turns, &err), &err, turns);
    }
}

/* From what was imported to the files for a cluster. */
static int lead_cluster(struct ferry_err *err)
{
    __attribute__((cleanup(ferry_mirrors_release))) struct ferry_mirrors pairs = { 0 };
    __attribute__((cleanup(ferry_mirrors_release))) struct ferry_mirrors rules = { 0 };
    __attribute__((cleanup(ferry_mirrors_release))) struct ferry_mirrors hosts = { 0 };
    FERRY_OWNED(ferry_output_file) file = NULL;
    FERRY_OWNED_BUF text;

    ferry_buf_init(&text, 10000);
    FERRY_TRY(ferry_mirrors_add(&pairs, "q.io/a/b", "r.io/m/a/b", err));
    FERRY_TRY(ferry_mirrors_add(&pairs, "q.io/a/c", "r.io/m/a/c", err));
    FERRY_TRY(ferry_mirror_rules(&pairs, &rules, err));
    FERRY_TRY(ferry_mirror_hosts(&pairs, &hosts, err));
    assert_int_equal(rules.count, 1);
    FERRY_TRY(ferry_output_file_open("idms.yaml", &file, err));
    FERRY_TRY(ferry_config_format(FERRY_CONFIG_IDMS, &rules, FERRY_TRANSPORT_TLS, &text, err));
    FERRY_TRY(
        ferry_config_format(FERRY_CONFIG_HOSTS_TOML, &hosts, FERRY_TRANSPORT_TLS, &text, err));
    return ferry_output_file_finish(file, text.data, text.len, err);
}

static void test_alloc_cluster_config(void **state)
{
    struct ferry_err err;

    (void)state;
    EACH_FAILED_ALLOC(n)
    check_outcome(lead_cluster(&err), &err, NULL);
}

static int parse_export(struct ferry_err *err)
{
    char words[][32] = { "ociferry-export",      "-o", "a.tar", "b", "-f", "list.txt", "b", "c",
                         "--openshift-release=d" };
    char *argv[FERRY_COUNT(words) + 1] = { 0 };
    struct export_opts opts;
    bool done = false;
    int rc;

    for (size_t i = 0; i < FERRY_COUNT(words); i++)
        argv[i] = words[i];
    rc = ferry_export_opts_parse((int)FERRY_COUNT(words), argv, &opts, &done, err);
    if (rc == 0)
        assert_int_equal(opts.selections.count, 4);
    ferry_export_opts_release(&opts);
    return rc;
}

static void test_alloc_export_options(void **state)
{
    struct ferry_err err;

    (void)state;
    EACH_FAILED_ALLOC(n)
    check_outcome(parse_export(&err), &err, NULL);
}

static void test_alloc_window(void **state)
{
    static const char *const everywhere[] = { "", NULL };
    const struct ferry_session_options options = { .plain_http = everywhere,
                                                   .authfile = "/dev/null" };
    FERRY_OWNED(ferry_session) session = NULL;
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_session_new(&options, &session, &err));
    EACH_FAILED_ALLOC(n)
    {
        const struct ferry_window_options window_options = { .session = session,
                                                             .graph = whole,
                                                             .jobs = 2 };
        FERRY_OWNED(ferry_window) window = NULL;
        int rc = ferry_window_new(&window_options, &window, &err);

        check_outcome(rc, &err, window);
    }
}

static void test_alloc_image_finder(void **state)
{
    static const char text[] = "{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"a\": [&a {image: x},"
                               " {image: \"X\"}, *a, {image: {repository: y}}]}";
    struct ferry_err err;

    (void)state;
    EACH_FAILED_ALLOC(n)
    {
        FERRY_OWNED(ferry_findings) found = NULL;
        int rc = ferry_images_find(text, strlen(text), &found, &err);

        check_outcome(rc, &err, found);
        if (rc == 0)
            assert_true(found->count == 1 && found->doubt_count == 2);
    }
}

/* From the numbers to the page: all of it, or none. */
static int write_page(struct ferry_html *html, struct ferry_err *err)
{
    struct ferry_fault faults[] = { { .node = sample_find(whole, &layer), .text = "bad" } };
    static const char *const archives[] = { "a.tar" };
    char *unlisted[] = { "README" };
    const struct ferry_verify_report report = { .graph = whole,
                                                .faults = faults,
                                                .fault_count = 1,
                                                .unlisted = unlisted,
                                                .unlisted_named = 1,
                                                .unlisted_count = 1 };
    FERRY_OWNED(ferry_contents) contents = NULL;

    FERRY_TRY(ferry_contents_new(&report, &contents, err));
    ferry_page_write(&(struct ferry_page){
        .contents = contents, .archives = archives, .archive_count = 1, .html = html });
    return ferry_html_end(html, err);
}

static void test_alloc_page(void **state)
{
    FERRY_OWNED_HTML want;
    struct ferry_err err;

    (void)state;
    ferry_html_init(&want);
    CHECK_OK(write_page(&want, &err));
    assert_non_null(strstr((char *)want.text.data, "README"));
    EACH_FAILED_ALLOC(n)
    {
        FERRY_OWNED_HTML html;
        int rc;

        ferry_html_init(&html);
        rc = write_page(&html, &err);
        check_outcome(rc, &err, NULL);
        if (rc == 0)
            assert_string_equal((char *)html.text.data, (char *)want.text.data);
    }
}

static int leave_to_base(struct ferry_graph *graph, struct ferry_base_set **out,
                         struct ferry_err *err)
{
    FERRY_OWNED(ferry_progress) progress = NULL;
    FERRY_OWNED(ferry_base_set) set = NULL;
    const char *paths[] = { "base.tar" };
    struct ferry_list list = { .items = paths, .count = 1 };

    FERRY_TRY(ferry_progress_new("test", FERRY_PROGRESS_NONE, true, &progress, err));
    FERRY_TRY(ferry_base_set_load(&list, progress, &set, err));
    FERRY_TRY(ferry_base_set_apply(set, graph, err));
    *out = ferry_steal(&set);
    return 0;
}

static void test_alloc_base(void **state)
{
    struct sample document = sample_text(
        "",
        sample_format("{\"manifests\":[%s],\"annotations\":{\"" FERRY_NOTE_VERSION "\":\"1.0\"}}",
                      sample_descriptor(&index_doc, ",\"annotations\":{\"" FERRY_NOTE_NAME
                                                    "\":\"host.example/a:1\"}")));
    struct sample_tar base = { 0 };
    struct ferry_err err;

    (void)state;
    sample_put_head(&base, &document);
    sample_put_blob(&base, &index_doc);
    sample_put_blob(&base, &manifest);
    sample_put_blob(&base, &config);
    sample_put_blob(&base, &layer);
    sample_tar_file(&base, "base.tar");
    EACH_FAILED_ALLOC(n)
    {
        FERRY_OWNED(ferry_base_set) set = NULL;
        int rc = leave_to_base(whole, &set, &err);

        check_outcome(rc, &err, set);
        if (rc == 0)
            assert_int_equal(set->items[0].layers, 1);
        sample_find(whole, &layer)->state = FERRY_NODE_WANTED;
    }
}

static int find_in_layer(struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) source = NULL;
    enum ferry_layer_says says;
    FERRY_OWNED_BUF text;

    ferry_buf_init(&text, 100);
    FERRY_TRY(ferry_source_memory(bytes, len, &source, err));
    FERRY_TRY(ferry_layer_file(source, "README", &text, &says, err));
    assert_true(says == FERRY_LAYER_HERE && text.len == 5);
    return 0;
}

static void test_alloc_layer_file(void **state)
{
    struct ferry_err err;

    (void)state;
    EACH_FAILED_ALLOC(n)
    check_outcome(find_in_layer(&err), &err, NULL);
}

static void test_alloc_components(void **state)
{
    const char *text = sample_format(
        "{\"kind\":\"ImageStream\",\"apiVersion\":\"image.openshift.io/v1\",\"metadata\":{"
        "\"name\":\"4\"},\"spec\":{\"tags\":[{\"name\":\"a\",\"from\":{\"kind\":"
        "\"DockerImage\",\"name\":\"q.io/a@%s\"}},{\"name\":\"b\"}]}}",
        manifest.digest.text);
    struct ferry_err err;

    (void)state;
    EACH_FAILED_ALLOC(n)
    {
        FERRY_OWNED(ferry_components) components = NULL;
        int rc = ferry_components_parse(text, strlen(text), &components, &err);

        check_outcome(rc, &err, components);
        if (rc == 0)
            assert_true(components->count == 1 && components->passed_over == 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alloc_load),
        cmocka_unit_test(test_alloc_blob),
        cmocka_unit_test(test_alloc_writer),
        cmocka_unit_test(test_alloc_pull_plan),
        cmocka_unit_test(test_alloc_push_plan),
        cmocka_unit_test(test_alloc_sparse),
        cmocka_unit_test(test_alloc_cluster_config),
        cmocka_unit_test(test_alloc_export_options),
        cmocka_unit_test(test_alloc_window),
        cmocka_unit_test(test_alloc_image_finder),
        cmocka_unit_test(test_alloc_page),
        cmocka_unit_test(test_alloc_base),
        cmocka_unit_test(test_alloc_layer_file),
        cmocka_unit_test(test_alloc_components),
        cmocka_unit_test(test_alloc_volumes_writing),
        cmocka_unit_test(test_alloc_volumes_reading),
        cmocka_unit_test(test_alloc_archive_set),
        cmocka_unit_test(test_alloc_verify),
        cmocka_unit_test(test_alloc_turns),
    };

    return cmocka_run_group_tests_name("alloc_archive", tests, enter, leave);
}
