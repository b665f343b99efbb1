/* Constructors and parsers, with every one of their allocations failing once. */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/core/blob_file.h"
#include "format/core/blob_verify.h"
#include "format/oci/index.h"
#include "format/oci/left_out.h"
#include "format/run/opt.h"
#include "format/run/pool.h"
#include "format/run/progress.h"
#include "tests/support/check.h"
#include "tests/support/fault_alloc.h"

/* A failure for want of memory says so, and nothing is given then. */
static void check_outcome(int rc, const struct ferry_err *err, const void *given)
{
    if (rc == 0)
        return;
    if (rc != FERRY_ENOMEM)
        fail_msg("failed with %d: %s", rc, err->msg);
    assert_int_equal(err->code, FERRY_ENOMEM);
    assert_non_null(strstr(err->msg, "out of memory"));
    assert_null(given);
}

static void test_alloc_text_and_buffer(void **state)
{
    struct ferry_err err;

    (void)state;
    EACH_FAILED_ALLOC(n)
    {
        FERRY_OWNED_MEM char *text = NULL;
        int rc = ferry_text(&text, &err, "%s", "x");

        check_outcome(rc, &err, text);
    }
    EACH_FAILED_ALLOC(n)
    {
        FERRY_OWNED_BUF buf;
        int rc;

        ferry_buf_init(&buf, 10000);
        rc = ferry_buf_append(&buf, "hello", 5, &err);
        if (rc == 0)
            rc = ferry_buf_print(&buf, &err, "%0900d", 7);
        check_outcome(rc, &err, NULL);
        assert_true(rc == 0 || buf.len == 0 || buf.len == 5);
    }
}

static void test_alloc_hash(void **state)
{
    struct ferry_err err;

    (void)state;
    EACH_FAILED_ALLOC(n)
    {
        FERRY_OWNED(ferry_hash) hash = NULL;
        struct ferry_digest digest;
        int rc = ferry_hash_new(FERRY_SHA512, &hash, &err);

        check_outcome(rc, &err, hash);
        if (rc == 0)
            check_outcome(ferry_hash_peek(hash, &digest, &err), &err, NULL);
    }
}

static int make_verified(struct ferry_source **out, struct ferry_err *err)
{
    struct ferry_source *inner = NULL;
    struct ferry_digest digest;
    int rc;

    FERRY_TRY(ferry_digest_of(FERRY_SHA256, "hello", 5, &digest, err));
    FERRY_TRY(ferry_source_memory("hello", 5, &inner, err));
    rc = ferry_verify_new(&inner, &digest, 5, out, err);
    assert_null(inner); /* taken, also by a failure */
    return rc;
}

static int use_verified(struct ferry_source *source, struct ferry_err *err)
{
    FERRY_OWNED_BUF buf;
    char two[2];
    size_t got;

    ferry_buf_init(&buf, 100);
    FERRY_TRY(ferry_source_read(source, two, 2, &got, err));
    FERRY_TRY(ferry_source_rewind(source, 1, err));
    FERRY_TRY(ferry_source_read_all(source, &buf, err));
    assert_string_equal((char *)buf.data, "ello");
    FERRY_TRY(ferry_source_rewind(source, 0, err));
    return ferry_source_drain(source, err);
}

static void test_alloc_verify(void **state)
{
    struct ferry_err err;

    (void)state;
    EACH_FAILED_ALLOC(n)
    {
        FERRY_OWNED(ferry_source) source = NULL;
        int rc = make_verified(&source, &err);

        check_outcome(rc, &err, source);
        if (rc == 0)
            check_outcome(use_verified(source, &err), &err, NULL);
    }
}

static void test_alloc_file(void **state)
{
    struct ferry_err err;

    (void)state;
    EACH_FAILED_ALLOC(n)
    {
        FERRY_OWNED(ferry_source) source = NULL;
        int fd = memfd_create("test", 0);
        int rc = ferry_source_fd(fd, &source, &err);

        check_outcome(rc, &err, source);
        if (rc < 0)
            assert_int_equal(fcntl(fd, F_GETFD), -1); /* taken all the same */
    }
}

struct values {
    const char *output;
    struct ferry_list platforms;
};

static void test_alloc_options(void **state)
{
    static const struct ferry_opt table[] = {
        { .letter = 'o',
          .name = "output",
          .type = FERRY_OPT_TEXT,
          .offset = offsetof(struct values, output),
          .help = "x" },
        { .name = "platform",
          .type = FERRY_OPT_LIST,
          .offset = offsetof(struct values, platforms),
          .help = "x" },
        { 0 },
    };
    static const struct ferry_program program = { .name = "tool", .options = table };
    struct ferry_err err;

    (void)state;
    EACH_FAILED_ALLOC(n)
    {
        char words[][16] = { "tool", "a", "-o", "x", "--platform", "y", "--", "b" };
        char *argv[FERRY_COUNT(words) + 1] = { 0 };
        struct values values = { 0 };
        struct ferry_list operands = { 0 };
        bool done;
        int rc;

        for (size_t i = 0; i < FERRY_COUNT(words); i++)
            argv[i] = words[i];
        rc = ferry_opt_parse(&program, (int)FERRY_COUNT(words), argv, &values, &operands, &done,
                             &err);
        /* Its help line is added to the usage errors alone. */
        assert_null(rc < 0 ? strstr(err.msg, "--help") : NULL);
        if (rc < 0)
            assert_int_equal(rc, FERRY_ENOMEM);
        ferry_list_release(&values.platforms);
        ferry_list_release(&operands);
    }
}

static int do_nothing(void *ctx, size_t index, struct ferry_err *err)
{
    (void)ctx;
    (void)index;
    (void)err;
    return 0;
}

static void test_alloc_run(void **state)
{
    struct ferry_err err;

    (void)state;
    EACH_FAILED_ALLOC(n)
    check_outcome(ferry_pool_run(3, 10, do_nothing, NULL, &err), &err, NULL);
    EACH_FAILED_ALLOC(n)
    {
        FERRY_OWNED(ferry_progress) progress = NULL;
        int rc = ferry_progress_new("tool", FERRY_PROGRESS_PLAIN, false, &progress, &err);

        check_outcome(rc, &err, progress);
    }
}

#define HEX_A "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define HEX_B "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

#define LAYER                                                                                      \
    "{\"mediaType\": \"application/vnd.oci.image.layer.v1.tar+gzip\", "                            \
    "\"digest\": \"sha256:" HEX_B "\", \"size\": 0, \"urls\": [\"https://example.com/x\"], "       \
    "\"annotations\": {\"k\": \"v\"}}"

static const char manifest_text[] =
    "{\"schemaVersion\": 2, \"mediaType\": \"" FERRY_TYPE_OCI_MANIFEST "\", "
    "\"config\": {\"mediaType\": \"" FERRY_TYPE_OCI_CONFIG "\", \"digest\": \"sha256:" HEX_A
    "\", \"size\": 3}, \"layers\": [" LAYER "," LAYER "," LAYER "," LAYER "," LAYER "]}";

static void test_alloc_manifest(void **state)
{
    struct ferry_err err;

    (void)state;
    EACH_FAILED_ALLOC(n)
    {
        FERRY_OWNED(ferry_manifest) manifest = NULL;
        int rc = ferry_manifest_parse(manifest_text, strlen(manifest_text), FERRY_TYPE_OCI_MANIFEST,
                                      "manifest", &manifest, &err);

        check_outcome(rc, &err, manifest);
        if (rc == 0)
            assert_int_equal(manifest->count, 6);
    }
}

/* A layout's index.json with one image whose manifest is manifest_text. */
static int build_graph(const char *index, struct ferry_graph **out, struct ferry_err *err)
{
    FERRY_OWNED(ferry_graph) graph = NULL;
    FERRY_OWNED_MEM struct ferry_node **nodes = NULL;
    FERRY_OWNED_BUF bytes;
    FERRY_OWNED_BUF text;
    size_t count;

    ferry_buf_init(&bytes, FERRY_MANIFEST_MAX);
    ferry_buf_init(&text, FERRY_MANIFEST_MAX);
    FERRY_TRY(ferry_graph_new(&graph, err));
    FERRY_TRY(ferry_index_parse(index, strlen(index), graph, err));
    FERRY_TRY(ferry_buf_append(&bytes, manifest_text, strlen(manifest_text), err));
    FERRY_TRY(ferry_graph_supply(graph, graph->images[0].root, &bytes, err));
    FERRY_TRY(ferry_graph_closure(graph, graph->images[0].root, &nodes, &count, err));
    assert_int_equal(count, 3);
    FERRY_TRY(ferry_index_format(graph, FERRY_REF_NAME_TAG, &text, err));
    assert_non_null(strstr((char *)text.data, "\"docker.io/library/debian:12\""));
    *out = ferry_steal(&graph);
    return 0;
}

static void test_alloc_graph(void **state)
{
    FERRY_OWNED_MEM char *index = NULL;
    struct ferry_digest digest;
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_digest_of(FERRY_SHA256, manifest_text, strlen(manifest_text), &digest, &err));
    CHECK_OK(ferry_text(&index, &err,
                        "{\"schemaVersion\": 2, \"manifests\": [{\"mediaType\": \"%s\", "
                        "\"digest\": \"%s\", \"size\": %zu, \"platform\": {\"os\": \"linux\", "
                        "\"architecture\": \"arm64\"}, \"annotations\": {\"%s\": "
                        "\"docker.io/library/debian:12\", \"%s\": \"12\"}}]}",
                        FERRY_TYPE_OCI_MANIFEST, digest.text, strlen(manifest_text),
                        FERRY_NOTE_NAME, FERRY_NOTE_REF_NAME));
    EACH_FAILED_ALLOC(n)
    {
        FERRY_OWNED(ferry_graph) graph = NULL;
        int rc = build_graph(index, &graph, &err);

        check_outcome(rc, &err, graph);
    }
}

static const char sparse_text[] = "{\"manifests\": [{\"mediaType\": \"" FERRY_TYPE_OCI_MANIFEST
                                  "\", \"digest\": \"sha256:" HEX_A "\", \"size\": 3, "
                                  "\"platform\": {\"os\": \"linux\", "
                                  "\"architecture\": \"arm64\"}}]}";

/* An index whose child is left out, by the archive's own word. */
static int build_sparse(const char *index, json_t **out, struct ferry_err *err)
{
    FERRY_OWNED(ferry_graph) graph = NULL;
    FERRY_OWNED_BUF bytes;
    FERRY_OWNED_BUF text;

    ferry_buf_init(&bytes, FERRY_MANIFEST_MAX);
    ferry_buf_init(&text, FERRY_MANIFEST_MAX);
    FERRY_TRY(ferry_graph_new(&graph, err));
    FERRY_TRY(ferry_index_parse(index, strlen(index), graph, err));
    FERRY_TRY(ferry_buf_append(&bytes, sparse_text, strlen(sparse_text), err));
    FERRY_TRY(ferry_graph_supply(graph, graph->images[0].root, &bytes, err));
    FERRY_TRY(ferry_index_format(graph, FERRY_REF_NAME_TAG, &text, err));
    assert_non_null(strstr((char *)text.data, FERRY_NOTE_LEFT_OUT "\":\"sha256:" HEX_A "\""));
    return ferry_left_out_json(graph, NULL, out, err);
}

static void test_alloc_left_out(void **state)
{
    FERRY_OWNED_MEM char *index = NULL;
    struct ferry_digest digest;
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_digest_of(FERRY_SHA256, sparse_text, strlen(sparse_text), &digest, &err));
    CHECK_OK(ferry_text(&index, &err,
                        "{\"manifests\": [{\"mediaType\": \"%s\", \"digest\": \"%s\", \"size\": "
                        "%zu}], \"annotations\": {\"%s\": \"1.0\", \"%s\": \"sha256:%s\"}}",
                        FERRY_TYPE_OCI_INDEX, digest.text, strlen(sparse_text), FERRY_NOTE_VERSION,
                        FERRY_NOTE_LEFT_OUT, HEX_A));
    EACH_FAILED_ALLOC(n)
    {
        FERRY_OWNED_JSON *report = NULL;
        int rc = build_sparse(index, &report, &err);

        check_outcome(rc, &err, report);
        if (rc == 0)
            assert_int_equal(json_array_size(report), 1);
    }
}

static void test_alloc_bases(void **state)
{
    FERRY_OWNED_MEM char *index = NULL;
    struct ferry_digest digest;
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_digest_of(FERRY_SHA256, manifest_text, strlen(manifest_text), &digest, &err));
    CHECK_OK(
        ferry_text(&index, &err,
                   "{\"manifests\": [{\"mediaType\": \"%s\", \"digest\": \"%s\", \"size\": %zu, "
                   "\"annotations\": {\"%s\": \"docker.io/library/debian:12\"}}], "
                   "\"annotations\": {\"%s\": \"1.0\", \"%s\": \"sha256:%s sha256:%s\", "
                   "\"%s\": \"q.io/a sha256:%s\"}}",
                   FERRY_TYPE_OCI_MANIFEST, digest.text, strlen(manifest_text), FERRY_NOTE_NAME,
                   FERRY_NOTE_VERSION, FERRY_NOTE_BASE, HEX_A, HEX_B, FERRY_NOTE_IN_BASE, HEX_B));
    EACH_FAILED_ALLOC(n)
    {
        FERRY_OWNED(ferry_graph) graph = NULL;
        int rc = build_graph(index, &graph, &err);

        check_outcome(rc, &err, graph);
        if (rc == 0)
            assert_int_equal(graph->images[0].root->children[1]->state, FERRY_NODE_IN_BASE);
    }
}

/* What the libraries make once for all must not be made in a run that fails. */
static int warm_up(void **state)
{
    FERRY_OWNED(ferry_source) source = NULL;
    FERRY_OWNED(ferry_hash) hash = NULL;
    struct ferry_err err;

    (void)state;
    return make_verified(&source, &err) < 0 || ferry_hash_new(FERRY_SHA512, &hash, &err) < 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alloc_text_and_buffer), cmocka_unit_test(test_alloc_hash),
        cmocka_unit_test(test_alloc_verify),          cmocka_unit_test(test_alloc_file),
        cmocka_unit_test(test_alloc_options),         cmocka_unit_test(test_alloc_run),
        cmocka_unit_test(test_alloc_manifest),        cmocka_unit_test(test_alloc_graph),
        cmocka_unit_test(test_alloc_left_out),        cmocka_unit_test(test_alloc_bases),
    };

    return cmocka_run_group_tests_name("alloc", tests, warm_up, NULL);
}
