#include "format/oci/index.h"

#include <string.h>

#include "tests/support/check.h"
#include "tests/support/sample.h"

#define HEX "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define SHA "sha256:" HEX
#define ROOT "\"mediaType\":\"" FERRY_TYPE_OCI_MANIFEST "\",\"digest\":\"" SHA "\",\"size\":3"

static struct ferry_graph *new_graph(void)
{
    struct ferry_graph *graph = NULL;
    struct ferry_err err;

    CHECK_OK(ferry_graph_new(&graph, &err));
    return graph;
}

static int parse(struct ferry_graph *graph, const char *text, struct ferry_err *err)
{
    return ferry_index_parse(text, strlen(text), graph, err);
}

static const struct {
    const char *name, *full, *ref_name; /* the annotations; NULL: not there */
    const char *want;                   /* the image's name */
    const char *repository, *tag;
    bool has_digest;
} name_rows[] = {
    { "containerd", "docker.io/library/debian:12", "12", "docker.io/library/debian:12",
      "library/debian", "12", false },
    { "containerd_alone", "q.io/a/b:1", NULL, "q.io/a/b:1", "a/b", "1", false },
    { "containerd_by_digest", "q.io/a/b@" SHA, NULL, "q.io/a/b@" SHA, "a/b", "", true },
    { "containerd_without_tag", "q.io/a/b", NULL, "q.io/a/b:latest", "a/b", "latest", false },
    { "containerd_wins", "q.io/a/b:1", "r.io/c:2", "q.io/a/b:1", "a/b", "1", false },
    { "bare_tag", NULL, "v1.2", "v1.2", "", "v1.2", false },
    { "bare_tag_that_could_be_a_repository", NULL, "debian", "debian", "", "debian", false },
    { "full_ref_name", NULL, "q.io/a/b:1", "q.io/a/b:1", "a/b", "1", false },
    { "short_ref_name", NULL, "debian:12", "docker.io/library/debian:12", "library/debian", "12",
      false },
    { "neither", NULL, NULL, SHA, "", "", true },
    { "empty", "", "", SHA, "", "", true },
    { "invalid", "Not A Name", "not/A name", SHA, "", "", true },
    { "invalid_containerd_then_tag", "UPPER/case:1", "v1", "v1", "", "v1", false },
    { "climbing", "../../etc/passwd", "../x", SHA, "", "", true },
};

/* [R21] [R22] */
static void test_index_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(name_rows); i++) {
        FERRY_OWNED(ferry_graph) graph = new_graph();
        FERRY_OWNED_JSON *notes = json_pack("{s:s*, s:s*}", FERRY_NOTE_NAME, name_rows[i].full,
                                            FERRY_NOTE_REF_NAME, name_rows[i].ref_name);
        FERRY_OWNED_MEM char *notes_text = json_dumps(notes, JSON_COMPACT);
        const char *name = name_rows[i].name;
        struct ferry_err err;

        if (parse(graph,
                  sample_format("{\"manifests\":[{" ROOT ",\"annotations\":%s}]}", notes_text),
                  &err) < 0)
            fail_msg("row \"%s\": %s", name, err.msg);
        assert_int_equal(graph->image_count, 1);
        CHECK_ROW(name, strcmp(graph->images[0].name, name_rows[i].want) == 0);
        CHECK_ROW(name, strcmp(graph->images[0].ref.repository, name_rows[i].repository) == 0);
        CHECK_ROW(name, strcmp(graph->images[0].ref.tag, name_rows[i].tag) == 0);
        CHECK_ROW(name, graph->images[0].ref.has_digest == name_rows[i].has_digest);
        CHECK_ROW(name, graph->images[0].root->is_manifest && graph->count == 1);
    }
}

static const struct {
    const char *annotations; /* of the document */
    enum ferry_code want;
} version_rows[] = {
    { "{\"" FERRY_NOTE_VERSION "\":\"1.0\"}", FERRY_OK },
    { "{\"" FERRY_NOTE_VERSION "\":\"1.7\"}", FERRY_OK },
    { "{\"" FERRY_NOTE_VERSION "\":\"1.12\"}", FERRY_OK },
    { "{\"" FERRY_NOTE_VERSION "\":\"1.0.3\"}", FERRY_EFORMAT },
    { "{\"" FERRY_NOTE_VERSION "\":\"1.0 \"}", FERRY_EFORMAT },
    { "{\"" FERRY_NOTE_VERSION "\":null}", FERRY_OK },
    { "{\"org.example\":\"x\"}", FERRY_OK },
    { "{}", FERRY_OK },
    { "null", FERRY_OK },
    { "{\"" FERRY_NOTE_VERSION "\":\"2.0\"}", FERRY_EFORMAT },
    { "{\"" FERRY_NOTE_VERSION "\":\"10.0\"}", FERRY_EFORMAT },
    { "{\"" FERRY_NOTE_VERSION "\":\"0.9\"}", FERRY_EFORMAT },
    { "{\"" FERRY_NOTE_VERSION "\":\"1\"}", FERRY_EFORMAT },
    { "{\"" FERRY_NOTE_VERSION "\":\"1.\"}", FERRY_EFORMAT },
    { "{\"" FERRY_NOTE_VERSION "\":\"1.x\"}", FERRY_EFORMAT },
    { "{\"" FERRY_NOTE_VERSION "\":\" 1.0\"}", FERRY_EFORMAT },
    { "{\"" FERRY_NOTE_VERSION "\":\"+1.0\"}", FERRY_EFORMAT },
    { "{\"" FERRY_NOTE_VERSION "\":\"-1.0\"}", FERRY_EFORMAT },
    { "{\"" FERRY_NOTE_VERSION "\":\"4294967297.0\"}", FERRY_EFORMAT },
    { "{\"" FERRY_NOTE_VERSION "\":\"garbage\"}", FERRY_EFORMAT },
    { "{\"" FERRY_NOTE_VERSION "\":\"\"}", FERRY_EFORMAT },
    { "{\"" FERRY_NOTE_VERSION "\":1.0}", FERRY_EFORMAT },
    { "[]", FERRY_EFORMAT },
    { "\"1.0\"", FERRY_EFORMAT },
};

/* [V1] [V2] [V3] */
static void test_index_version(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(version_rows); i++) {
        FERRY_OWNED(ferry_graph) graph = new_graph();
        const char *name = version_rows[i].annotations;
        struct ferry_err err = { 0 };

        CHECK_ROW(name, parse(graph, sample_format("{\"manifests\":[],\"annotations\":%s}", name),
                              &err) == (int)version_rows[i].want);
    }
}

/* [V1] */
static void test_index_version_is_named(void **state)
{
    FERRY_OWNED(ferry_graph) graph = new_graph();
    struct ferry_err err;

    (void)state;
    CHECK_CODE(parse(graph,
                     "{\"manifests\":[],\"annotations\":{\"" FERRY_NOTE_VERSION "\":\"2.3\"}}",
                     &err),
               FERRY_EFORMAT);
    assert_non_null(strstr(err.msg, "2.3"));
    assert_non_null(strstr(err.msg, "1.x"));
}

static const struct {
    const char *name, *text;
    enum ferry_code want;
} document_rows[] = {
    { "no_images", "{\"schemaVersion\":2,\"manifests\":[]}", FERRY_OK },
    { "two_of_one_digest", "{\"manifests\":[{" ROOT "},{" ROOT "}]}", FERRY_OK },
    { "no_manifests", "{\"schemaVersion\":2}", FERRY_EFORMAT },
    { "manifests_null", "{\"manifests\":null}", FERRY_EFORMAT },
    { "manifests_object", "{\"manifests\":{}}", FERRY_EFORMAT },
    { "image_text", "{\"manifests\":[\"x\"]}", FERRY_EFORMAT },
    { "image_empty", "{\"manifests\":[{}]}", FERRY_EFORMAT },
    { "annotations_list", "{\"manifests\":[{" ROOT ",\"annotations\":[]}]}", FERRY_EFORMAT },
    { "name_number", "{\"manifests\":[{" ROOT ",\"annotations\":{\"" FERRY_NOTE_NAME "\":1}}]}",
      FERRY_EFORMAT },
    { "ref_name_list",
      "{\"manifests\":[{" ROOT ",\"annotations\":{\"" FERRY_NOTE_REF_NAME "\":[]}}]}",
      FERRY_EFORMAT },
    { "two_sizes",
      "{\"manifests\":[{" ROOT "},{\"mediaType\":\"" FERRY_TYPE_OCI_MANIFEST "\",\"digest\":\"" SHA
      "\",\"size\":4}]}",
      FERRY_EFORMAT },
    { "duplicate_manifests", "{\"manifests\":[],\"manifests\":[]}", FERRY_EFORMAT },
    { "list", "[]", FERRY_EFORMAT },
    { "not_json", "<html>", FERRY_EFORMAT },
};

/* [R12] [D8] */
static void test_index_documents(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(document_rows); i++) {
        FERRY_OWNED(ferry_graph) graph = new_graph();
        struct ferry_err err = { 0 };

        CHECK_ROW(document_rows[i].name,
                  parse(graph, document_rows[i].text, &err) == (int)document_rows[i].want);
    }
}

/* [L3] */
static void test_index_limit(void **state)
{
    FERRY_OWNED(ferry_graph) graph = new_graph();
    FERRY_OWNED_BUF text;
    struct ferry_err err = { 0 };

    (void)state;
    ferry_buf_init(&text, (size_t)FERRY_MANIFEST_MAX);
    CHECK_OK(ferry_buf_print(&text, &err, "{\"manifests\":["));
    for (size_t i = 0; i < FERRY_CHILDREN_MAX + 1; i++)
        CHECK_OK(ferry_buf_print(&text, &err, "%s{" ROOT "}", i ? "," : ""));
    CHECK_OK(ferry_buf_print(&text, &err, "]}"));
    CHECK_CODE(ferry_index_parse(text.data, text.len, graph, &err), FERRY_ELIMIT);
}

/* What one program writes is what the other reads, and is the same bytes each time. */
/* [W9] [W13] [W14] */
static void test_index_round_trip(void **state)
{
    static const char *const names[] = { "q.io/a/b:1", "docker.io/library/debian:12",
                                         "q.io/a/b@" SHA, "q.io/a/b:2@" SHA };
    /* A tag goes without its digest, which is the descriptor's. */
    static const char *const back[] = { "q.io/a/b:1", "docker.io/library/debian:12",
                                        "q.io/a/b@" SHA, "q.io/a/b:2" };
    struct ferry_descriptor d;
    struct ferry_digest digest;
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_digest_parse(SHA, &digest, &err));
    CHECK_OK(ferry_descriptor_init(&d, FERRY_TYPE_OCI_MANIFEST, &digest, 3, &err));
    for (int ref_name = FERRY_REF_NAME_TAG; ref_name <= FERRY_REF_NAME_FULL; ref_name++) {
        FERRY_OWNED(ferry_graph) graph = new_graph();
        FERRY_OWNED(ferry_graph) again = new_graph();
        struct ferry_buf text[2];

        for (size_t i = 0; i < FERRY_COUNT(names); i++) {
            struct ferry_reference ref;

            CHECK_OK(ferry_reference_parse(names[i], &ref, &err));
            CHECK_OK(ferry_graph_add_image(graph, &ref, &d, &err));
        }
        for (size_t i = 0; i < 2; i++) {
            ferry_buf_init(&text[i], (size_t)FERRY_MANIFEST_MAX);
            CHECK_OK(ferry_index_format(graph, (enum ferry_ref_name)ref_name, &text[i], &err));
        }
        assert_int_equal(text[0].len, text[1].len);
        assert_memory_equal(text[0].data, text[1].data, text[0].len);
        CHECK_OK(ferry_index_parse(text[0].data, text[0].len, again, &err));
        assert_int_equal(again->image_count, FERRY_COUNT(back));
        for (size_t i = 0; i < FERRY_COUNT(back); i++)
            assert_string_equal(again->images[i].name, back[i]);
        ferry_buf_release(&text[0]);
        ferry_buf_release(&text[1]);
    }
    ferry_descriptor_release(&d);
}

/* Byte for byte: archives made long ago must not change. */
/* [W11] [W12] [W13] [W14] */
static void test_index_golden(void **state)
{
    static const char want[] =
        "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\","
        "\"manifests\":[{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
        "\"digest\":\"" SHA "\",\"size\":3,\"annotations\":{"
        "\"io.containerd.image.name\":\"q.io/a/b:1\","
        "\"org.opencontainers.image.ref.name\":\"1\"}},"
        "{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
        "\"digest\":\"" SHA "\",\"size\":3,\"annotations\":{"
        "\"io.containerd.image.name\":\"q.io/c@" SHA "\"}}],"
        "\"annotations\":{\"io.ociferry.archive.version\":\"1.0\"}}";
    static const char *const names[] = { "q.io/a/b:1", "q.io/c@" SHA };
    FERRY_OWNED(ferry_graph) graph = new_graph();
    FERRY_OWNED_BUF text;
    struct ferry_descriptor d;
    struct ferry_digest digest;
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_digest_parse(SHA, &digest, &err));
    CHECK_OK(ferry_descriptor_init(&d, FERRY_TYPE_OCI_MANIFEST, &digest, 3, &err));
    for (size_t i = 0; i < FERRY_COUNT(names); i++) {
        struct ferry_reference ref;

        CHECK_OK(ferry_reference_parse(names[i], &ref, &err));
        CHECK_OK(ferry_graph_add_image(graph, &ref, &d, &err));
    }
    ferry_descriptor_release(&d);
    ferry_buf_init(&text, (size_t)FERRY_MANIFEST_MAX);
    CHECK_OK(ferry_index_format(graph, FERRY_REF_NAME_TAG, &text, &err));
    assert_string_equal((const char *)text.data, want);
}

#define OTHER "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const struct {
    const char *name, *annotations;
    bool has_subject;
    const char *subject, *repository, *tag, *image; /* of the image, where it is read */
    enum ferry_code want;
} subject_rows[] = {
    { "referrer",
      "\"" FERRY_NOTE_SUBJECT "\":\"" OTHER "\",\"" FERRY_NOTE_REFERRER_REPOSITORY
      "\":\"q.io/a/b\"",
      true, OTHER, "a/b", "", "q.io/a/b@" SHA, FERRY_OK },
    { "of_another_tool", "\"" FERRY_NOTE_SUBJECT "\":\"" OTHER "\"", true, OTHER, "", "", SHA,
      FERRY_OK },
    { "named", "\"" FERRY_NOTE_SUBJECT "\":\"" OTHER "\",\"" FERRY_NOTE_NAME "\":\"q.io/a:1\"",
      false, NULL, "a", "1", "q.io/a:1", FERRY_OK },
    { "cosign", "\"" FERRY_NOTE_NAME "\":\"q.io/a:sha256-" HEX ".sig\"", true, SHA, "a",
      "sha256-" HEX ".sig", "q.io/a:sha256-" HEX ".sig", FERRY_OK },
    { "cosign_bare", "\"" FERRY_NOTE_REF_NAME "\":\"sha256-" HEX ".att\"", true, SHA, "",
      "sha256-" HEX ".att", "sha256-" HEX ".att", FERRY_OK },
    { "no_digest", "\"" FERRY_NOTE_SUBJECT "\":\"sha256:../x\"", false, NULL, NULL, NULL, NULL,
      FERRY_EFORMAT },
    { "no_repository",
      "\"" FERRY_NOTE_SUBJECT "\":\"" OTHER "\",\"" FERRY_NOTE_REFERRER_REPOSITORY
      "\":\"q.io/../b\"",
      false, NULL, NULL, NULL, NULL, FERRY_EFORMAT },
};

/* [G8] */
static void test_index_subjects(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(subject_rows); i++) {
        FERRY_OWNED(ferry_graph) graph = new_graph();
        const char *name = subject_rows[i].name;
        const struct ferry_image *image;
        struct ferry_err err;
        int rc = parse(graph,
                       sample_format("{\"manifests\":[{" ROOT ",\"annotations\":{%s}}]}",
                                     subject_rows[i].annotations),
                       &err);

        CHECK_ROW(name, rc == (int)subject_rows[i].want);
        if (rc < 0)
            continue;
        image = &graph->images[0];
        CHECK_ROW(name, image->has_subject == subject_rows[i].has_subject);
        if (image->has_subject)
            assert_string_equal(image->subject.text, subject_rows[i].subject);
        assert_string_equal(image->ref.repository, subject_rows[i].repository);
        assert_string_equal(image->ref.tag, subject_rows[i].tag);
        assert_string_equal(image->name, subject_rows[i].image);
    }
}

/* [W27] */
static void test_index_referrer_round_trip(void **state)
{
    static const char want[] = "\"annotations\":{\"io.containerd.manifest.subject\":\"" OTHER
                               "\",\"io.ociferry.referrer.repository\":\"q.io/a/b\"}}]";
    FERRY_OWNED(ferry_graph) graph = new_graph();
    FERRY_OWNED(ferry_graph) again = new_graph();
    FERRY_OWNED_BUF text;
    struct ferry_descriptor d;
    struct ferry_digest digest, subject;
    struct ferry_reference ref;
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_digest_parse(SHA, &digest, &err));
    CHECK_OK(ferry_digest_parse(OTHER, &subject, &err));
    CHECK_OK(ferry_reference_parse("q.io/a/b:1", &ref, &err));
    CHECK_OK(ferry_descriptor_init(&d, FERRY_TYPE_OCI_MANIFEST, &digest, 3, &err));
    CHECK_OK(ferry_graph_add_referrer(graph, &ref, &subject, &d, &err));
    ferry_descriptor_release(&d);
    assert_string_equal(graph->images[0].name, "q.io/a/b@" SHA);
    ferry_buf_init(&text, (size_t)FERRY_MANIFEST_MAX);
    CHECK_OK(ferry_index_format(graph, FERRY_REF_NAME_TAG, &text, &err));
    assert_non_null(strstr((const char *)text.data, want));
    CHECK_OK(ferry_index_parse(text.data, text.len, again, &err));
    assert_true(again->images[0].has_subject);
    assert_string_equal(again->images[0].subject.text, OTHER);
    assert_string_equal(again->images[0].name, "q.io/a/b@" SHA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_index_names),
        cmocka_unit_test(test_index_version),
        cmocka_unit_test(test_index_version_is_named),
        cmocka_unit_test(test_index_documents),
        cmocka_unit_test(test_index_limit),
        cmocka_unit_test(test_index_round_trip),
        cmocka_unit_test(test_index_golden),
        cmocka_unit_test(test_index_subjects),
        cmocka_unit_test(test_index_referrer_round_trip),
    };

    return cmocka_run_group_tests_name("index", tests, NULL, sample_forget_group);
}
