#include <string.h>
#include <unistd.h>

#include "format/archive/load.h"
#include "tests/support/check.h"
#include "tests/support/identity.h"

/* How an archive is offered. */
enum way { WAY_FILE, WAY_IN_ORDER, WAY_GZIP, WAY_FOLDER, WAY_PIPE, WAY_COUNT };

static const char *const way_names[] = { "file", "file in order", "gzip file", "folder", "pipe" };

static struct identity alice;
static struct sample config, layer, manifest, index_json, changed_json, signature, changed;

static const char *const trusted[] = { "alice.pem", NULL };

/* One image of one layer, its index.json, one that somebody changed, and signatures over both. */
static void make_archive(void)
{
    static const char *const names[] = { "host.example/app:1" }, *const moved[] = { "evil/app:1" };
    const struct identity_signature how = { { &alice }, .flags = CMS_DETACHED | CMS_NOATTR };

    alice = identity_make(&(struct identity_spec){ .name = "alice" });
    identity_write_certificate(&alice, "alice.pem");
    config = sample_text(FERRY_TYPE_OCI_CONFIG, "{}");
    layer = sample_layer(1000, 1);
    manifest = sample_manifest(config, &layer, 1);
    index_json = sample_index_json(&manifest, names, 1);
    changed_json = sample_index_json(&manifest, moved, 1);
    signature = identity_sign(&how, index_json.bytes, index_json.len);
    changed = identity_sign(&how, changed_json.bytes, changed_json.len);
}

/* L oci-layout, I index.json, S its signature, X one of other bytes, D manifest.json, M C Y the
 * manifest, config and layer, r something else. */
static void put(struct sample_tar *tar, const char *order)
{
    for (; *order; order++) {
        const struct sample *p7s = *order == 'S' ? &signature : *order == 'X' ? &changed : NULL;

        if (*order == 'L')
            sample_put(tar, "oci-layout", FERRY_LAYOUT_TEXT);
        else if (*order == 'I')
            sample_put(tar, "index.json", index_json.bytes);
        else if (*order == 'D')
            sample_put(tar, "manifest.json", "[]");
        else if (*order == 'r')
            sample_put(tar, "README", "hello");
        else if (p7s)
            tar->entries[tar->count++] = (struct sample_entry){ .name = FERRY_SIGNATURE_NAME,
                                                                .bytes = p7s->bytes,
                                                                .len = p7s->len };
        else
            sample_put_blob(tar, *order == 'M' ? &manifest : *order == 'C' ? &config : &layer);
    }
}

static int open_way(enum way way, struct sample_tar *tar, struct ferry_reader **out,
                    struct ferry_err *err)
{
    static char *bytes; /* outlives the pipe's thread */
    size_t len;

    tar->filter = way == WAY_GZIP ? SAMPLE_GZIP : SAMPLE_PLAIN;
    if (way == WAY_PIPE) {
        free(bytes);
        bytes = sample_tar_bytes(tar, &len);
        sample_pipe_begin("pipe", bytes, len);
        return ferry_reader_open("pipe", out, err);
    }
    if (way == WAY_FOLDER) {
        unlink("folder/" FERRY_SIGNATURE_NAME);
        sample_tar_folder(tar, "folder");
        return ferry_reader_open("folder", out, err);
    }
    sample_tar_file(tar, "a.tar");
    return way == WAY_IN_ORDER ? ferry_reader_open_in_order("a.tar", out, err)
                               : ferry_reader_open("a.tar", out, err);
}

/* Loads it; then, if that went well, walks to the end and counts right configs and layers. */
static int load(enum way way, const char *order, const struct ferry_signature_policy *policy,
                struct ferry_signature *found, struct ferry_graph **graph, size_t *rest,
                struct ferry_err *err)
{
    FERRY_OWNED(ferry_reader) reader = NULL;
    struct sample_tar tar = { 0 };
    struct ferry_entry entry;
    int rc;

    *rest = 0;
    put(&tar, order);
    FERRY_TRY(ferry_graph_new(graph, err));
    rc = open_way(way, &tar, &reader, err);
    if (rc == 0)
        rc = ferry_archive_load_signed(reader, policy, found, *graph, err);
    while (rc == 0) {
        rc = ferry_reader_next(reader, &entry, err);
        if (rc < 0 || entry.kind == FERRY_ENTRY_END)
            break;
        *rest += entry.kind == FERRY_ENTRY_BLOB &&
                 !ferry_digest_equal(&entry.digest, &manifest.digest);
    }
    ferry_reader_free(ferry_steal(&reader));
    if (way == WAY_PIPE)
        sample_pipe_end();
    return rc;
}

static void open_policy(struct ferry_signature_policy *policy, bool required)
{
    struct ferry_err err;

    CHECK_OK(ferry_signature_policy_open(trusted, required, policy, &err));
}

static const struct {
    const char *name, *order;
    bool in_pipe; /* it counts from a pipe as well */
} place_rows[] = {
    { "ours", "LISDMCY", true },
    { "first", "SLIMCY", true },
    { "sorted_by_name", "CMYISL", true }, /* all blobs are set aside */
    { "behind_manifest_json", "LIDSMCY", true },
    { "behind_others", "LrIrSrMCY", true },
    { "behind_a_blob", "LIMSCY", false },
    { "last", "LIMCYS", false }, /* as tar -r puts it */
    { "last_in_another_order", "MILCYS", false },
};

/* [R50] [R53] */
static void test_load_signed_places(void **state)
{
    FERRY_OWNED_SIGNATURE_POLICY policy;

    (void)state;
    open_policy(&policy, true);
    for (size_t i = 0; i < FERRY_COUNT(place_rows); i++)
        for (int way = 0; way < WAY_COUNT; way++) {
            const char *what = sample_format("%s, %s", place_rows[i].name, way_names[way]);
            FERRY_OWNED(ferry_graph) graph = NULL;
            struct ferry_signature found = { 0 };
            struct ferry_err err = { 0 };
            size_t rest;
            int rc = load((enum way)way, place_rows[i].order, &policy, &found, &graph, &rest, &err);

            if (way == WAY_PIPE && !place_rows[i].in_pipe) {
                CHECK_ROW(what, rc == FERRY_EUNTRUSTED);
                CHECK_ROW(what, found.state == FERRY_SIGNATURE_NONE);
                CHECK_ROW(what, strstr(err.msg, "pipe: is not signed: no index.json.p7s comes"));
                CHECK_ROW(what, strstr(err.msg, "--require-signature"));
                CHECK_ROW(what, graph->count == 0);
            } else {
                if (rc < 0)
                    fail_msg("%s: %s", what, err.msg);
                CHECK_ROW(what, found.state == FERRY_SIGNATURE_TRUSTED);
                CHECK_ROW(what, graph->image_count == 1 && rest == 2);
                CHECK_ROW(what, sample_find(graph, &manifest)->state == FERRY_NODE_GOOD);
            }
            ferry_signature_release(&found);
        }
}

/* [R50] Of what a bad signature covers nothing joins the graph; who only reports goes on. */
static void test_load_signed_bad(void **state)
{
    static const char *const orders[] = { "LIXMCY", "XLIMCY", "MCYIXL" };

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(orders); i++)
        for (int way = 0; way < WAY_COUNT; way++)
            for (int reports = 0; reports < 2; reports++) {
                const char *what = sample_format("%s, %s", orders[i], way_names[way]);
                struct ferry_signature_policy nobody = { .reports = reports };
                FERRY_OWNED(ferry_graph) graph = NULL;
                struct ferry_signature found = { 0 };
                struct ferry_err err = { 0 };
                size_t rest;
                int rc = load((enum way)way, orders[i], &nobody, &found, &graph, &rest, &err);

                CHECK_ROW(what, rc == (reports ? 0 : FERRY_EDIGEST));
                CHECK_ROW(what, found.state == FERRY_SIGNATURE_BAD);
                CHECK_ROW(what, strstr(found.why.msg, ": index.json.p7s: index.json is not what"));
                CHECK_ROW(what, graph->image_count == (size_t)reports && rest == (reports ? 2 : 0));
                ferry_signature_release(&found);
            }
}

/* [R53] */
static void test_load_signed_none(void **state)
{
    (void)state;
    for (int way = 0; way < WAY_COUNT; way++)
        for (int required = 0; required < 2; required++) {
            FERRY_OWNED_SIGNATURE_POLICY policy;
            FERRY_OWNED(ferry_graph) graph = NULL;
            struct ferry_signature found = { 0 };
            struct ferry_err err = { 0 };
            size_t rest;
            int rc;

            open_policy(&policy, required);
            rc = load((enum way)way, "LIDMCY", &policy, &found, &graph, &rest, &err);
            CHECK_ROW(way_names[way], rc == (required ? FERRY_EUNTRUSTED : 0));
            CHECK_ROW(way_names[way], found.state == FERRY_SIGNATURE_NONE);
            CHECK_ROW(way_names[way], strstr(found.why.msg, "is not signed"));
            CHECK_ROW(way_names[way], graph->image_count == (size_t)!required);
            ferry_signature_release(&found);
        }
}

/* Who asks for nothing gets his archive, wherever the signature stands. */
static void test_load_signed_unasked(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(place_rows); i++)
        for (int way = 0; way < WAY_COUNT; way++) {
            static const struct ferry_signature_policy nobody;
            const char *what = sample_format("%s, %s", place_rows[i].name, way_names[way]);
            /* What must be unpacked to be passed over is not searched for nothing. */
            bool in_place = place_rows[i].in_pipe || (way != WAY_PIPE && way != WAY_GZIP);
            FERRY_OWNED(ferry_graph) graph = NULL;
            struct ferry_signature found = { 0 };
            struct ferry_err err = { 0 };
            size_t rest;

            if (load((enum way)way, place_rows[i].order, &nobody, &found, &graph, &rest, &err) < 0)
                fail_msg("%s: %s", what, err.msg);
            CHECK_ROW(what,
                      found.state == (in_place ? FERRY_SIGNATURE_UNCHECKED : FERRY_SIGNATURE_NONE));
            CHECK_ROW(what, graph->image_count == 1 && rest == 2);
            ferry_signature_release(&found);
        }
}

/* [R54] */
static void test_load_signed_twice(void **state)
{
    FERRY_OWNED_SIGNATURE_POLICY policy;

    (void)state;
    open_policy(&policy, true);
    for (int way = 0; way < WAY_COUNT; way++) {
        FERRY_OWNED(ferry_graph) graph = NULL;
        struct ferry_signature found = { 0 };
        struct ferry_err err = { 0 };
        size_t rest;

        if (way == WAY_FOLDER)
            continue;
        CHECK_CODE(load((enum way)way, "LISXMCY", &policy, &found, &graph, &rest, &err),
                   FERRY_EUNFIT);
        assert_non_null(strstr(err.msg, "holds index.json.p7s twice"));
        ferry_signature_release(&found);
    }
}

/* [R51] One that is too large is not read. */
static void test_load_signed_too_large(void **state)
{
    struct sample right = signature, large = sample_layer(FERRY_SIGNATURE_MAX + 1, 3);

    (void)state;
    signature = large;
    for (int way = 0; way < WAY_COUNT; way++) {
        static const struct ferry_signature_policy nobody;
        FERRY_OWNED(ferry_graph) graph = NULL;
        struct ferry_signature found = { 0 };
        struct ferry_err err = { 0 };
        size_t rest;

        CHECK_CODE(load((enum way)way, "LISMCY", &nobody, &found, &graph, &rest, &err),
                   FERRY_ELIMIT);
        assert_non_null(strstr(err.msg, "index.json.p7s: 1048577 bytes, limit 1048576"));
        assert_int_equal(graph->count, 0);
        ferry_signature_release(&found);
    }
    signature = right;
}

/* Cut anywhere, it is refused, and never loaded as a trusted one with less in it. */
static void test_load_signed_cut(void **state)
{
    FERRY_OWNED_SIGNATURE_POLICY policy;
    FERRY_OWNED_MEM char *bytes = NULL;
    struct sample_tar tar = { 0 };
    size_t len;

    (void)state;
    open_policy(&policy, true);
    put(&tar, "LIS");
    bytes = sample_tar_bytes(&tar, &len);
    for (size_t cut = 512; cut < len - 1024; cut += 256) {
        FERRY_OWNED(ferry_graph) graph = NULL;
        FERRY_OWNED(ferry_reader) reader = NULL;
        struct ferry_signature found = { 0 };
        struct ferry_err err = { 0 };
        int rc;

        sample_write("a.tar", bytes, cut);
        CHECK_OK(ferry_graph_new(&graph, &err));
        rc = ferry_reader_open_in_order("a.tar", &reader, &err);
        if (rc == 0)
            rc = ferry_archive_load_signed(reader, &policy, &found, graph, &err);
        assert_true(rc == FERRY_EFORMAT || rc == FERRY_EUNTRUSTED);
        assert_int_equal(graph->count, 0);
        ferry_signature_release(&found);
    }
}

static int enter(void **state)
{
    if (sample_enter_folder(state) < 0)
        return -1;
    make_archive();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_signed_places), cmocka_unit_test(test_load_signed_bad),
        cmocka_unit_test(test_load_signed_none),   cmocka_unit_test(test_load_signed_unasked),
        cmocka_unit_test(test_load_signed_twice),  cmocka_unit_test(test_load_signed_too_large),
        cmocka_unit_test(test_load_signed_cut),
    };

    return cmocka_run_group_tests_name("load_signed", tests, enter, identity_leave_folder);
}
