#include "export/base.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "export/pull_plan.h"
#include "export/saved_base.h"
#include "format/archive/layout.h"
#include "format/oci/index.h"
#include "tests/support/check.h"
#include "tests/support/sample.h"

/*
 * What the base is made of: q.io/one:1 is an index with a manifest m[0] of layers 0 and 1;
 * q.io/two:1 is m[1], of layers 1 and 2.
 */
static struct {
    struct sample config, layers[4], m[2], index;
} fx;

static void make_samples(void)
{
    fx.config = sample_text(FERRY_TYPE_OCI_CONFIG, "{}");
    for (unsigned i = 0; i < FERRY_COUNT(fx.layers); i++)
        fx.layers[i] = sample_layer(100 + i, i);
    fx.m[0] = sample_manifest(fx.config, &fx.layers[0], 2);
    fx.m[1] = sample_manifest(fx.config, &fx.layers[1], 2);
    fx.index = sample_index(&fx.m[0], 1);
}

static const char *named(const struct sample *root, const char *name)
{
    return sample_descriptor(
        root, sample_format(",\"annotations\":{\"" FERRY_NOTE_NAME "\":\"%s\"}", name));
}

/* index.json with these members behind the version. */
static struct sample index_json(const char *more)
{
    return sample_text(
        "", sample_format("{\"manifests\":[%s,%s],\"annotations\":{\"" FERRY_NOTE_VERSION
                          "\":\"1.0\"%s}}",
                          named(&fx.index, "q.io/one:1"), named(&fx.m[1], "q.io/two:1"), more));
}

static void put_documents(struct sample_tar *tar)
{
    sample_put_blob(tar, &fx.index);
    sample_put_blob(tar, &fx.m[0]);
    sample_put_blob(tar, &fx.m[1]);
}

/* A base that holds its documents and the first `layers` of its layers. */
static struct sample_tar make_base(const char *more, size_t layers)
{
    struct sample index = index_json(more);
    struct sample_tar tar = { 0 };

    sample_put_head(&tar, &index);
    put_documents(&tar);
    if (layers > 0)
        sample_put_blob(&tar, &fx.config);
    for (size_t i = 0; i < layers; i++)
        sample_put_blob(&tar, &fx.layers[i]);
    return tar;
}

static struct ferry_progress *quiet(void)
{
    struct ferry_progress *progress = NULL;
    struct ferry_err err;

    CHECK_OK(ferry_progress_new("test", FERRY_PROGRESS_NONE, true, &progress, &err));
    return progress;
}

static int load(const char *const *paths, struct ferry_base_set **out, struct ferry_err *err)
{
    FERRY_OWNED(ferry_progress) progress = quiet();
    struct ferry_list list = { 0 };
    int rc;

    for (; *paths; paths++)
        assert_int_equal(ferry_list_add(&list, *paths, err), 0);
    rc = ferry_base_set_load(&list, progress, out, err);
    ferry_list_release(&list);
    return rc;
}

static int load_one(const char *path, struct ferry_base_set **out, struct ferry_err *err)
{
    const char *const paths[] = { path, NULL };

    return load(paths, out, err);
}

/* "0:q.io/one 2:q.io/two": which layers it has, and where. */
static const char *describe(const struct ferry_base *base)
{
    const char *text = "";

    for (size_t i = 0; i < FERRY_COUNT(fx.layers); i++) {
        const struct ferry_node *node = sample_find(base->graph, &fx.layers[i]);
        const char *where = node ? base->where[node->place] : NULL;

        if (where)
            text = sample_format("%s%s%zu:%s", text, text[0] ? " " : "", i, where);
    }
    return text;
}

/* What a base has does not depend on how it is packed, nor on the order of its entries. */
/* [W72] [W74] */
static void test_base_has(void **state)
{
    static const char all[] = "0:q.io/one 1:q.io/one 2:q.io/two";
    struct sample in_base = fx.layers[2];
    struct sample_tar full = make_base("", 3), saved = make_base("", 0), some = make_base("", 2);
    struct sample_tar delta = make_base(
        sample_format(",\"" FERRY_NOTE_BASE "\":\"%s\",\"" FERRY_NOTE_IN_BASE "\":\"a.io/old %s\"",
                      fx.m[0].digest.text, in_base.digest.text),
        2);
    struct sample_tar reversed = full, packed = full;
    struct ferry_err err;

    (void)state;
    for (size_t i = 0; i < full.count; i++)
        reversed.entries[i] = full.entries[full.count - 1 - i];
    packed.filter = SAMPLE_ZSTD;
    some.entries[some.count - 1].len--; /* an entry of another size is not that layer */
    sample_tar_file(&full, "full.tar");
    sample_tar_file(&reversed, "reversed.tar");
    sample_tar_file(&packed, "packed.tar.zst");
    sample_tar_file(&saved, "saved.tar");
    sample_tar_file(&some, "some.tar");
    sample_tar_file(&delta, "delta.tar");
    sample_tar_folder(&full, "full");
    sample_tar_folder(&saved, "saved");
    {
        const struct {
            const char *path, *want;
        } rows[] = { { "full.tar", all },     { "full", all },
                     { "reversed.tar", all }, { "packed.tar.zst", all },
                     { "saved", all },        { "saved.tar", all },
                     { "delta.tar", all },    { "some.tar", "0:q.io/one" } };

        for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
            FERRY_OWNED(ferry_base_set) set = NULL;

            CHECK_OK(load_one(rows[i].path, &set, &err));
            assert_int_equal(set->count, 1);
            CHECK_ROW(rows[i].path, strcmp(describe(&set->items[0]), rows[i].want) == 0);
        }
    }
}

/* [W72] */
static void test_base_has_not_what_it_leaves_out(void **state)
{
    FERRY_OWNED(ferry_base_set) set = NULL;
    struct sample_tar tar = make_base(
        sample_format(",\"" FERRY_NOTE_LEFT_OUT "\":\"%s\"", fx.m[0].digest.text), 3);
    struct ferry_err err;

    (void)state;
    tar.entries[3] = tar.entries[--tar.count]; /* in the place of m[0] */
    sample_tar_file(&tar, "sparse.tar");
    CHECK_OK(load_one("sparse.tar", &set, &err));
    assert_string_equal(describe(&set->items[0]), "1:q.io/two 2:q.io/two");
}

static void write_broken(void)
{
    static const char *const names[] = { NULL };
    struct sample ours = index_json(""), theirs = sample_index_json(&fx.m[1], names, 1);
    struct sample_tar cut = make_base("", 3), missing = { 0 }, wrong, other = { 0 };
    struct sample altered = fx.m[1];
    FERRY_OWNED_MEM char *bytes = NULL;
    size_t len;

    bytes = sample_tar_bytes(&cut, &len);
    sample_write("cut.tar", bytes, len - 1536);
    altered.bytes = sample_format("%.*s ", (int)fx.m[1].len - 1, fx.m[1].bytes);
    sample_put_head(&missing, &ours);
    sample_put_blob(&missing, &fx.index);
    sample_put_blob(&missing, &fx.m[0]);
    wrong = missing;
    sample_put_blob(&wrong, &altered);
    sample_put_head(&other, &theirs);
    sample_put_blob(&other, &fx.m[1]);
    sample_tar_file(&missing, "missing.tar");
    sample_tar_file(&wrong, "wrong.tar");
    sample_tar_file(&other, "theirs.tar");
    sample_write("text", "no archive", 10);
}

/* [W73] */
static void test_base_refused(void **state)
{
    static const struct {
        const char *path;
        enum ferry_code want;
        const char *why;
    } refused[] = {
        { "missing.tar", FERRY_ENOTFOUND, "a document of it" },
        { "wrong.tar", FERRY_EDIGEST, "a document of it" },
        { "cut.tar", FERRY_EFORMAT, "" },
        { "theirs.tar", FERRY_EUSAGE, "another tool's" },
        { "text", FERRY_EFORMAT, "" },
        { "nowhere.tar", FERRY_EIO, "cannot open" },
    };

    (void)state;
    write_broken();
    for (size_t i = 0; i < FERRY_COUNT(refused); i++) {
        FERRY_OWNED(ferry_base_set) set = NULL;
        struct ferry_err err = { 0 };

        CHECK_ROW(refused[i].path, load_one(refused[i].path, &set, &err) == (int)refused[i].want);
        CHECK_ROW(refused[i].path, strstr(err.msg, "--base") == err.msg);
        CHECK_ROW(refused[i].path, strstr(err.msg, refused[i].why));
        assert_null(set);
    }
}

/* --- what is left to it ----------------------------------------------------------------------- */

/* A graph of one image. */
static struct ferry_graph *graph_of(const struct sample *manifest)
{
    struct ferry_graph *graph = NULL;
    struct ferry_err err;

    CHECK_OK(ferry_graph_new(&graph, &err));
    sample_add_image(graph, "new:1", manifest);
    CHECK_OK(sample_supply(graph, manifest, &err));
    return graph;
}

/* [W70] [W72] */
static void test_base_apply(void **state)
{
    const char *const paths[] = { "full.tar", "saved", "other.tar", NULL };
    FERRY_OWNED(ferry_base_set) set = NULL;
    FERRY_OWNED(ferry_graph) graph = NULL;
    struct sample manifest, layers[3] = { fx.layers[1], fx.layers[3], fx.config };
    struct sample_tar full = make_base("", 3), saved = make_base("", 0);
    struct sample_tar other = make_base(",\"x\":\"y\"", 3);
    struct ferry_err err;

    (void)state;
    sample_tar_file(&full, "full.tar");
    sample_tar_folder(&saved, "saved");
    sample_tar_file(&other, "other.tar");
    manifest = sample_manifest(fx.config, layers, 3);
    graph = graph_of(&manifest);
    CHECK_OK(load(paths, &set, &err));
    assert_int_equal(set->count, 2); /* the second is the first */
    for (int again = 0; again < 2; again++) {
        CHECK_OK(ferry_base_set_apply(set, graph, &err));
        assert_int_equal(graph->bases.count, 2);
        assert_true(strcmp(graph->bases.digests[0].text, graph->bases.digests[1].text) < 0);
        assert_int_equal(sample_find(graph, &fx.layers[1])->state, FERRY_NODE_IN_BASE);
        assert_string_equal(sample_find(graph, &fx.layers[1])->base_repository, "q.io/one");
        assert_int_equal(sample_find(graph, &fx.layers[3])->state, FERRY_NODE_WANTED);
        assert_int_equal(sample_find(graph, &fx.config)->state, FERRY_NODE_WANTED);
        assert_int_equal(set->items[0].layers, again ? 0 : 1);
        assert_int_equal(set->items[0].bytes, again ? 0 : (int64_t)fx.layers[1].len);
        assert_int_equal(set->items[1].layers, 0);
    }
}

/* One of two manifests lies about the size: the base is not believed for it. */
static void test_base_apply_other_size(void **state)
{
    FERRY_OWNED(ferry_base_set) set = NULL;
    FERRY_OWNED(ferry_graph) graph = NULL;
    struct sample_tar full = make_base("", 3);
    struct sample manifest, layer = fx.layers[1];
    struct ferry_err err;

    (void)state;
    sample_tar_file(&full, "full.tar");
    layer.len++;
    manifest = sample_manifest(fx.config, &layer, 1);
    graph = graph_of(&manifest);
    CHECK_OK(load_one("full.tar", &set, &err));
    CHECK_OK(ferry_base_set_apply(set, graph, &err));
    assert_int_equal(sample_find(graph, &layer)->state, FERRY_NODE_WANTED);
}

/* An archive that would take the place of what its layers are left to. */
static void test_base_is_not_the_output(void **state)
{
    FERRY_OWNED(ferry_base_set) set = NULL;
    struct sample_tar full = make_base("", 3);
    struct ferry_err err;

    (void)state;
    sample_tar_file(&full, "full.tar");
    unlink("link.tar");
    assert_int_equal(symlink("full.tar", "link.tar"), 0);
    CHECK_OK(load_one("full.tar", &set, &err));
    CHECK_OK(ferry_base_set_check_output(set, "-", true, &err));
    CHECK_OK(ferry_base_set_check_output(set, "new.tar", true, &err));
    CHECK_CODE(ferry_base_set_check_output(set, "./full.tar", false, &err), FERRY_EUSAGE);
    CHECK_CODE(ferry_base_set_check_output(set, "link.tar", true, &err), FERRY_EUSAGE);
}

/* --- --save-base -------------------------------------------------------------------------------
 */

static bool is_file(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

/* It is taken as a base then, and has what the archive has. */
/* [W74] */
static void test_saved_base_round_trip(void **state)
{
    FERRY_OWNED(ferry_saved_base) saved = NULL;
    FERRY_OWNED(ferry_graph) graph = graph_of(&fx.m[0]);
    FERRY_OWNED(ferry_pull_plan) plan = NULL;
    FERRY_OWNED(ferry_base_set) set = NULL;
    char name[FERRY_BLOB_NAME_MAX];
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_pull_plan_new(graph, FERRY_REF_NAME_TAG, &plan, &err));
    CHECK_OK(ferry_saved_base_open("made///", &saved, &err));
    assert_true(is_there("made.partial"));
    assert_false(is_there("made"));
    CHECK_OK(ferry_saved_base_commit(saved, plan, &err));
    assert_false(is_there("made.partial"));
    assert_true(is_file("made/oci-layout"));
    assert_true(is_file("made/index.json"));
    ferry_layout_blob_name(&fx.m[0].digest, name);
    assert_true(is_file(sample_format("made/%s", name)));
    ferry_layout_blob_name(&fx.config.digest, name);
    assert_false(is_there(sample_format("made/%s", name)));
    CHECK_OK(load_one("made", &set, &err));
    assert_string_equal(describe(&set->items[0]), "0:host.example/new 1:host.example/new");
}

static void test_saved_base_leaves_no_trace(void **state)
{
    struct ferry_saved_base *saved = NULL;
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_saved_base_open("given-up", &saved, &err));
    ferry_saved_base_free(saved);
    assert_false(is_there("given-up.partial"));
    assert_false(is_there("given-up"));
}

/* What an export that was killed left behind is no reason to fail, and nothing of it stays. */
static void test_saved_base_after_a_kill(void **state)
{
    FERRY_OWNED(ferry_saved_base) saved = NULL;
    FERRY_OWNED(ferry_graph) graph = graph_of(&fx.m[0]);
    FERRY_OWNED(ferry_pull_plan) plan = NULL;
    struct ferry_err err;

    (void)state;
    assert_int_equal(mkdir("killed.partial", 0700), 0);
    assert_int_equal(mkdir("killed.partial/blobs", 0700), 0);
    assert_int_equal(mkdir("killed.partial/blobs/sha256", 0700), 0);
    sample_write("killed.partial/index.json", "{", 1);
    sample_write("killed.partial/blobs/sha256/stale", "x", 1);
    CHECK_OK(ferry_pull_plan_new(graph, FERRY_REF_NAME_TAG, &plan, &err));
    CHECK_OK(ferry_saved_base_open("killed", &saved, &err));
    CHECK_OK(ferry_saved_base_commit(saved, plan, &err));
    assert_true(is_file("killed/index.json"));
    assert_false(is_there("killed/blobs/sha256/stale"));
}

/* Nothing that is there is ever replaced. */
static void test_saved_base_exists(void **state)
{
    FERRY_OWNED(ferry_saved_base) saved = NULL;
    FERRY_OWNED(ferry_saved_base) second = NULL;
    FERRY_OWNED(ferry_saved_base) third = NULL;
    struct ferry_err err = { 0 };

    (void)state;
    sample_write("a-file", "x", 1);
    CHECK_CODE(ferry_saved_base_open("a-file", &saved, &err), FERRY_EIO);
    assert_int_equal(mkdir("a-folder", 0700), 0);
    sample_write("a-folder/x", "x", 1);
    CHECK_CODE(ferry_saved_base_open("a-folder", &saved, &err), FERRY_EIO);
    CHECK_CODE(ferry_saved_base_open("no/such/folder", &saved, &err), FERRY_EIO);
    assert_true(is_file("a-folder/x"));
    unlink("a-folder/x");
    CHECK_OK(ferry_saved_base_open("a-folder", &second, &err)); /* an empty one may be there */
    CHECK_CODE(ferry_saved_base_open("a-folder", &third, &err), FERRY_EIO);
    assert_non_null(strstr(err.msg, "another export"));
    assert_true(is_there("a-folder.partial"));
}

/* What could not take its name is found before the work. */
static void test_saved_base_no_name(void **state)
{
    static const char *const paths[] = { "", "/", ".", "..", "empty/.", "empty/..//", "link" };
    struct ferry_err err = { 0 };

    (void)state;
    assert_int_equal(mkdir("empty", 0700), 0);
    assert_int_equal(symlink("empty", "link"), 0);
    for (size_t i = 0; i < FERRY_COUNT(paths); i++) {
        FERRY_OWNED(ferry_saved_base) saved = NULL;

        CHECK_CODE(ferry_saved_base_open(paths[i], &saved, &err), FERRY_EIO);
    }
    assert_false(is_there("link.partial"));
}

static void test_saved_base_mount_point(void **state)
{
    FERRY_OWNED(ferry_saved_base) saved = NULL;
    struct ferry_err err = { 0 };

    (void)state;
    assert_int_equal(mkdir("medium", 0700), 0);
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("none", "medium", "tmpfs", 0, NULL) < 0)
        skip(); /* not root */
    CHECK_CODE(ferry_saved_base_open("medium", &saved, &err), FERRY_EIO);
    assert_non_null(strstr(err.msg, "name a folder in it"));
    assert_false(is_there("medium.partial"));
    CHECK_OK(ferry_saved_base_open("medium/base", &saved, &err));
    ferry_saved_base_free(ferry_steal(&saved));
    umount("medium");
}

static int enter(void **state)
{
    int rc = sample_enter_folder(state);

    make_samples();
    return rc;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base_has),
        cmocka_unit_test(test_base_has_not_what_it_leaves_out),
        cmocka_unit_test(test_base_refused),
        cmocka_unit_test(test_base_apply),
        cmocka_unit_test(test_base_apply_other_size),
        cmocka_unit_test(test_base_is_not_the_output),
        cmocka_unit_test(test_saved_base_round_trip),
        cmocka_unit_test(test_saved_base_leaves_no_trace),
        cmocka_unit_test(test_saved_base_after_a_kill),
        cmocka_unit_test(test_saved_base_exists),
        cmocka_unit_test(test_saved_base_no_name),
        cmocka_unit_test(test_saved_base_mount_point),
    };

    return cmocka_run_group_tests_name("base", tests, enter, sample_leave_folder);
}
