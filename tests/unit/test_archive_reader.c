#include "format/archive/archive_reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/core/blob_verify.h"
#include "tests/support/check.h"
#include "tests/support/sample.h"

/* How an input is offered. */
enum way { WAY_FILE, WAY_IN_ORDER, WAY_PIPE, WAY_COUNT };

static const char *const way_names[] = { "file", "file in order", "pipe" };

static int open_way(enum way way, const char *bytes, size_t len, struct ferry_reader **out,
                    struct ferry_err *err)
{
    if (way == WAY_PIPE) {
        sample_pipe_begin("pipe", bytes, len);
        return ferry_reader_open("pipe", out, err);
    }
    sample_write("a.tar", bytes, len);
    return way == WAY_FILE ? ferry_reader_open("a.tar", out, err)
                           : ferry_reader_open_in_order("a.tar", out, err);
}

static void close_way(enum way way, struct ferry_reader **reader)
{
    ferry_reader_free(ferry_steal(reader));
    if (way == WAY_PIPE)
        sample_pipe_end();
}

/* Walks to the end and reads all; "KIND SIZE;" for each entry, and the digests of blobs hold. */
static int walk(struct ferry_reader *reader, const char **brief, struct ferry_err *err)
{
    static const char *const kinds[] = { [FERRY_ENTRY_LAYOUT] = "layout",
                                         [FERRY_ENTRY_INDEX] = "index",
                                         [FERRY_ENTRY_DOCKER] = "docker",
                                         [FERRY_ENTRY_BLOB] = "blob",
                                         [FERRY_ENTRY_OTHER] = "other" };
    struct ferry_entry entry;

    *brief = "";
    for (;;) {
        FERRY_OWNED(ferry_source) body = NULL;
        FERRY_OWNED(ferry_source) checked = NULL;

        FERRY_TRY(ferry_reader_next(reader, &entry, err));
        if (entry.kind == FERRY_ENTRY_END)
            return 0;
        *brief = sample_format("%s%s %" PRId64 ";", *brief, kinds[entry.kind], entry.size);
        FERRY_TRY(ferry_reader_body(reader, &body, err));
        if (entry.kind != FERRY_ENTRY_BLOB) {
            FERRY_TRY(ferry_source_drain(body, err));
            continue;
        }
        FERRY_TRY(ferry_verify_new(&body, &entry.digest, entry.size, &checked, err));
        FERRY_TRY(ferry_source_drain(checked, err));
    }
}

/* A layout of two blobs, one of them over a block, and something else. */
static void fill(struct sample_tar *tar, struct sample blobs[2])
{
    blobs[0] = sample_layer(5, 1);
    blobs[1] = sample_layer(3000, 2);
    sample_put(tar, "oci-layout", FERRY_LAYOUT_TEXT);
    sample_put(tar, "index.json", "{\"manifests\":[]}");
    sample_put_blob(tar, &blobs[0]);
    sample_put_blob(tar, &blobs[1]);
    sample_put(tar, "README", "hello");
}

#define FILLED "layout 30;index 16;blob 5;blob 3000;other 5;"

static void test_archive_reader_dialects(void **state)
{
    (void)state;
    for (int dialect = SAMPLE_GNUTAR; dialect <= SAMPLE_PAX; dialect++) {
        for (int filter = SAMPLE_PLAIN; filter <= SAMPLE_ZSTD; filter++) {
            struct sample_tar tar = { .dialect = (enum sample_dialect)dialect,
                                      .filter = (enum sample_filter)filter };
            FERRY_OWNED_MEM char *bytes = NULL;
            struct sample blobs[2];
            size_t len;

            fill(&tar, blobs);
            tar.entries[tar.count++] = (struct sample_entry){ .name = "blobs/", .type = AE_IFDIR };
            bytes = sample_tar_bytes(&tar, &len);
            for (int way = 0; way < WAY_COUNT; way++) {
                FERRY_OWNED(ferry_reader) reader = NULL;
                const char *brief;
                struct ferry_entry entry;
                struct ferry_err err;

                CHECK_OK(open_way((enum way)way, bytes, len, &reader, &err));
                assert_string_equal(ferry_reader_name(reader), way == WAY_PIPE ? "pipe" : "a.tar");
                assert_int_equal(ferry_reader_is_random(reader),
                                 way == WAY_FILE && filter == SAMPLE_PLAIN);
                assert_int_equal(ferry_reader_can_restart(reader), way != WAY_PIPE);
                for (int pass = 0; pass < 2; pass++) {
                    CHECK_OK(walk(reader, &brief, &err));
                    assert_string_equal(brief, FILLED);
                    CHECK_OK(ferry_reader_next(reader, &entry, &err)); /* the end stays */
                    assert_int_equal(entry.kind, FERRY_ENTRY_END);
                    if (way == WAY_PIPE) {
                        CHECK_CODE(ferry_reader_restart(reader, &err), FERRY_EIO);
                        break;
                    }
                    CHECK_OK(ferry_reader_restart(reader, &err));
                }
                close_way((enum way)way, &reader);
            }
        }
    }
}

static void test_archive_reader_folder(void **state)
{
    FERRY_OWNED(ferry_reader) reader = NULL;
    struct sample_tar tar = { 0 };
    struct sample blobs[2];
    const char *brief;
    struct ferry_err err = { 0 };

    (void)state;
    fill(&tar, blobs);
    sample_tar_folder(&tar, "folder");
    sample_write("folder/blobs/sha256/.hidden", "x", 1);
    CHECK_OK(ferry_reader_open("folder", &reader, &err));
    assert_true(ferry_reader_is_random(reader));
    for (int pass = 0; pass < 2; pass++) {
        CHECK_OK(walk(reader, &brief, &err));
        if (strcmp(brief, "layout 30;index 16;blob 3000;blob 5;") != 0)
            assert_string_equal(brief, "layout 30;index 16;blob 5;blob 3000;");
        CHECK_OK(ferry_reader_restart(reader, &err));
    }
    assert_int_equal(mkdir("folder/blobs/sha256/deeper", 0700), 0);
    CHECK_OK(walk(reader, &brief, &err)); /* a folder is passed over, as in a tar */
    assert_null(strstr(brief, "other"));
    assert_int_equal(rmdir("folder/blobs/sha512"), 0);
    assert_int_equal(symlink("sha512", "folder/blobs/sha512"), 0);
    CHECK_OK(ferry_reader_restart(reader, &err));
    CHECK_CODE(walk(reader, &brief, &err), FERRY_EIO); /* what lies there is not known */
    assert_string_equal(err.msg,
                        sample_format("folder/blobs/sha512: cannot open: %s", strerror(ELOOP)));
    ferry_reader_free(ferry_steal(&reader));

    assert_int_equal(mkdir("nothing", 0700), 0);
    CHECK_OK(ferry_reader_open("nothing", &reader, &err));
    sample_write("nothing/blobs", "x", 1);
    CHECK_OK(walk(reader, &brief, &err));
    assert_string_equal(brief, "");
}

/* Blobs by digest, in any order, several at once, and again from the start. */
static void test_archive_reader_random(void **state)
{
    static const char *const paths[] = { "a.tar", "folder" };
    struct sample_tar tar = { 0 };
    struct sample blobs[2], absent = sample_layer(7, 3);

    (void)state;
    fill(&tar, blobs);
    sample_tar_file(&tar, "a.tar");
    sample_tar_folder(&tar, "folder");
    for (size_t i = 0; i < FERRY_COUNT(paths); i++) {
        FERRY_OWNED(ferry_reader) reader = NULL;
        FERRY_OWNED(ferry_source) a = NULL;
        FERRY_OWNED(ferry_source) b = NULL;
        FERRY_OWNED(ferry_source) none = NULL;
        FERRY_OWNED_BUF whole;
        uint8_t part[100];
        size_t got;
        struct ferry_err err = { 0 };

        ferry_buf_init(&whole, 10000);
        CHECK_OK(ferry_reader_open(paths[i], &reader, &err));
        CHECK_OK(ferry_reader_blob(reader, &blobs[1].digest, &b, &err));
        CHECK_OK(ferry_source_read(b, part, sizeof(part), &got, &err));
        assert_int_equal(ferry_source_size(b), 3000);
        CHECK_OK(ferry_reader_blob(reader, &blobs[0].digest, &a, &err));
        CHECK_OK(ferry_source_read_all(a, &whole, &err));
        assert_int_equal(whole.len, 5);
        assert_memory_equal(whole.data, blobs[0].bytes, 5);
        CHECK_OK(ferry_source_rewind(b, 17, &err));
        whole.len = 0;
        CHECK_OK(ferry_source_read_all(b, &whole, &err));
        assert_int_equal(whole.len, 3000 - 17);
        assert_memory_equal(whole.data, blobs[1].bytes + 17, whole.len);

        if (i == 0) { /* where it lies is known of a file alone */
            CHECK_OK(ferry_volumes_read_at(ferry_reader_volumes(reader),
                                           ferry_reader_offset(reader, &blobs[1].digest), part,
                                           sizeof(part), &got, &err));
            assert_memory_equal(part, blobs[1].bytes, sizeof(part));
            assert_int_equal(ferry_reader_offset(reader, &absent.digest), -1);
        }
        ferry_source_free(ferry_steal(&a));
        CHECK_OK(ferry_reader_file(reader, FERRY_ENTRY_INDEX, &a, &err));
        whole.len = 0;
        CHECK_OK(ferry_source_read_all(a, &whole, &err));
        assert_memory_equal(whole.data, "{\"manifests\":[]}", 16);
        CHECK_CODE(ferry_reader_file(reader, FERRY_ENTRY_DOCKER, &none, &err), FERRY_ENOTFOUND);
        CHECK_CODE(ferry_reader_blob(reader, &absent.digest, &none, &err), FERRY_ENOTFOUND);
        assert_non_null(strstr(err.msg, ferry_digest_hex(&absent.digest)));
    }
}

struct reading {
    struct ferry_reader *reader;
    const struct sample *blob;
    int rc;
};

static void *read_often(void *arg)
{
    struct reading *r = arg;

    for (int i = 0; i < 20 && r->rc == 0; i++) {
        FERRY_OWNED(ferry_source) body = NULL;
        FERRY_OWNED(ferry_source) checked = NULL;
        struct ferry_err err;

        r->rc = ferry_reader_blob(r->reader, &r->blob->digest, &body, &err);
        if (r->rc == 0)
            r->rc = ferry_verify_new(&body, &r->blob->digest, (int64_t)r->blob->len, &checked,
                                     &err);
        if (r->rc == 0)
            r->rc = ferry_source_drain(checked, &err);
    }
    return NULL;
}

static void test_archive_reader_random_from_threads(void **state)
{
    FERRY_OWNED(ferry_reader) reader = NULL;
    struct sample_tar tar = { 0 };
    struct sample blobs[2];
    struct reading readings[4];
    pthread_t threads[4];
    struct ferry_err err;

    (void)state;
    fill(&tar, blobs);
    sample_tar_file(&tar, "a.tar");
    CHECK_OK(ferry_reader_open("a.tar", &reader, &err));
    for (size_t i = 0; i < FERRY_COUNT(threads); i++) {
        readings[i] = (struct reading){ .reader = reader, .blob = &blobs[i % 2] };
        assert_int_equal(pthread_create(&threads[i], NULL, read_often, &readings[i]), 0);
    }
    for (size_t i = 0; i < FERRY_COUNT(threads); i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(readings[i].rc, 0);
    }
}

/* An archive that ends before its end is met as such, wherever it is cut. */
static void test_archive_reader_cut(void **state)
{
    FERRY_OWNED_MEM char *bytes = NULL;
    struct sample_tar tar = { 0 };
    struct sample blobs[2];
    size_t len;

    (void)state;
    fill(&tar, blobs);
    bytes = sample_tar_bytes(&tar, &len);
    assert_int_equal(len % 512, 0);
    for (size_t cut = 0; cut < len; cut += (cut % 512 == 0 || cut % 512 == 511) ? 1 : 170) {
        /* One of the two end blocks is an end: nothing is missing. */
        enum ferry_code want = cut < len - 512 ? FERRY_EFORMAT : FERRY_OK;

        for (int way = 0; way < WAY_COUNT; way++) {
            FERRY_OWNED(ferry_reader) reader = NULL;
            const char *brief;
            struct ferry_err err = { 0 };
            int rc = open_way((enum way)way, bytes, cut, &reader, &err);

            if (rc == 0)
                rc = walk(reader, &brief, &err);
            if (rc != (int)want)
                fail_msg("%s cut at %zu: %d, \"%s\"", way_names[way], cut, rc, err.msg);
            if (rc < 0 && !strstr(err.msg, way == WAY_PIPE ? "pipe: " : "a.tar: "))
                fail_msg("%s cut at %zu does not name it: \"%s\"", way_names[way], cut, err.msg);
            close_way((enum way)way, &reader);
        }
    }
}

static void test_archive_reader_cut_compressed(void **state)
{
    (void)state;
    for (int filter = SAMPLE_GZIP; filter <= SAMPLE_ZSTD; filter++) {
        FERRY_OWNED_MEM char *bytes = NULL;
        struct sample_tar tar = { .filter = (enum sample_filter)filter };
        struct sample blobs[2];
        size_t len;

        fill(&tar, blobs);
        bytes = sample_tar_bytes(&tar, &len);
        while (filter == SAMPLE_GZIP && len % 512 == 0 && len > 0 && bytes[len - 1] == 0)
            len--; /* libarchive's padding of its own last block */
        for (size_t cut = 0; cut + 8 < len; cut += 37) {
            for (int way = 0; way < WAY_COUNT; way++) {
                FERRY_OWNED(ferry_reader) reader = NULL;
                const char *brief;
                struct ferry_err err = { 0 };
                int rc = open_way((enum way)way, bytes, cut, &reader, &err);

                if (rc == 0)
                    rc = walk(reader, &brief, &err);
                if (rc != FERRY_EFORMAT)
                    fail_msg("filter %d, %s cut at %zu of %zu: %d, \"%s\"", filter, way_names[way],
                             cut, len, rc, err.msg);
                close_way((enum way)way, &reader);
            }
        }
    }
}

#define GOOD_NAME "blobs/sha256/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static const struct {
    const char *name;
    struct sample_entry entries[2];
    enum ferry_code want;
    const char *says;
} refused_rows[] = {
    { "absolute", { { "/etc/passwd", "x", 1, 0, NULL } }, FERRY_EUNFIT, "/etc/passwd" },
    { "climbs", { { "blobs/../../x", "x", 1, 0, NULL } }, FERRY_EUNFIT, "outside" },
    { "absolute_folder", { { "/a/", "", 0, AE_IFDIR, NULL } }, FERRY_EUNFIT, "outside" },
    { "folder_that_climbs", { { "a/../b/", "", 0, AE_IFDIR, NULL } }, FERRY_EUNFIT, "outside" },
    { "symlink", { { GOOD_NAME, "", 0, AE_IFLNK, "/etc/passwd" } }, FERRY_EUNFIT, "link" },
    { "symlink_elsewhere", { { "x", "", 0, AE_IFLNK, "y" } }, FERRY_EUNFIT, "link" },
    { "hard_link", { { GOOD_NAME, "", 0, 0, "index.json" } }, FERRY_EUNFIT, "link" },
    { "device", { { "null", "", 0, AE_IFCHR, NULL } }, FERRY_EUNFIT, "neither" },
    { "disk", { { "sda", "", 0, AE_IFBLK, NULL } }, FERRY_EUNFIT, "neither" },
    { "fifo", { { "index.json", "", 0, AE_IFIFO, NULL } }, FERRY_EUNFIT, "neither" },
    { "two_indexes",
      { { "index.json", "a", 1, 0, NULL }, { "index.json", "b", 1, 0, NULL } },
      FERRY_EUNFIT,
      "twice" },
    { "two_indexes_spelt_differently",
      { { "index.json", "a", 1, 0, NULL }, { "./index.json", "b", 1, 0, NULL } },
      FERRY_EUNFIT,
      "twice" },
    { "two_layouts",
      { { "oci-layout", "a", 1, 0, NULL }, { "oci-layout", "a", 1, 0, NULL } },
      FERRY_EUNFIT,
      "twice" },
    { "two_manifest_json",
      { { "manifest.json", "a", 1, 0, NULL }, { "manifest.json", "b", 1, 0, NULL } },
      FERRY_EUNFIT,
      "twice" },
    { "two_of_a_blob", /* each stands for itself by its digest */
      { { GOOD_NAME, "abc", 3, 0, NULL }, { GOOD_NAME, "abc", 3, 0, NULL } },
      FERRY_OK,
      NULL },
    { "two_others", { { "x", "a", 1, 0, NULL }, { "x", "b", 1, 0, NULL } }, FERRY_OK, NULL },
    { "wrong_blob", { { GOOD_NAME, "abd", 3, 0, NULL } }, FERRY_EDIGEST, "digest" },
};

static void test_archive_reader_refuses_entries(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(refused_rows); i++) {
        FERRY_OWNED_MEM char *bytes = NULL;
        struct sample_tar tar = { 0 };
        const char *name = refused_rows[i].name;
        size_t len;

        for (size_t k = 0; k < 2 && refused_rows[i].entries[k].name; k++)
            tar.entries[tar.count++] = refused_rows[i].entries[k];
        bytes = sample_tar_bytes(&tar, &len);
        for (int way = 0; way < WAY_COUNT; way++) {
            FERRY_OWNED(ferry_reader) reader = NULL;
            const char *brief;
            struct ferry_err err = { 0 };
            int rc = open_way((enum way)way, bytes, len, &reader, &err);

            if (rc == 0)
                rc = walk(reader, &brief, &err);
            if (rc != (int)refused_rows[i].want)
                fail_msg("row \"%s\", %s: %d, \"%s\"", name, way_names[way], rc, err.msg);
            if (rc < 0)
                CHECK_ROW(name, strstr(err.msg, refused_rows[i].says) != NULL);
            close_way((enum way)way, &reader);
        }
    }
}

/* Puts a header's checksum right again after a change. */
static void seal(char header[512])
{
    unsigned sum = 0;

    memset(header + 148, ' ', 8);
    for (size_t i = 0; i < 512; i++)
        sum += (unsigned char)header[i];
    snprintf(header + 148, 8, "%06o", sum);
}

static const struct {
    const char *name;
    size_t at; /* in the header of index.json */
    const char *bytes;
    size_t len;
    bool sealed; /* with a right checksum */
} header_rows[] = {
    { "checksum", 0, "j", 1, false },
    { "size_negative", 124, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xf0", 12, true },
    { "size_4_eib", 124, "\x80\0\0\0\x40\0\0\0\0\0\0\0", 12, true },
    { "size_2_63", 124, "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", 12, true },
    { "size_past_2_63", 124, "\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12, true },
    { "size_past_the_end", 124, "00000100000\0", 12, true },
};

static void test_archive_reader_refuses_headers(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(header_rows); i++) {
        FERRY_OWNED_MEM char *bytes = NULL;
        struct sample_tar tar = { 0 };
        struct sample blobs[2];
        size_t len;

        fill(&tar, blobs);
        bytes = sample_tar_bytes(&tar, &len);
        memcpy(bytes + 1024 + header_rows[i].at, header_rows[i].bytes, header_rows[i].len);
        if (header_rows[i].sealed)
            seal(bytes + 1024);
        for (int way = 0; way < WAY_COUNT; way++) {
            FERRY_OWNED(ferry_reader) reader = NULL;
            const char *brief;
            struct ferry_err err = { 0 };
            int rc = open_way((enum way)way, bytes, len, &reader, &err);

            if (rc == 0)
                rc = walk(reader, &brief, &err);
            if (rc != FERRY_EFORMAT)
                fail_msg("row \"%s\", %s: %d, \"%s\"", header_rows[i].name, way_names[way], rc,
                         err.msg);
            close_way((enum way)way, &reader);
        }
    }
}

static void test_archive_reader_not_a_tar(void **state)
{
    static const char text[] = "this is no tar at all, but it is longer than nothing\n";
    struct sample noise = sample_layer(100000, 1);
    const struct {
        const char *bytes;
        size_t len;
    } rows[] = { { "", 0 }, { text, sizeof(text) - 1 }, { noise.bytes, noise.len } };

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        for (int way = 0; way < WAY_COUNT; way++) {
            FERRY_OWNED(ferry_reader) reader = NULL;
            const char *brief;
            struct ferry_err err = { 0 };
            int rc = open_way((enum way)way, rows[i].bytes, rows[i].len, &reader, &err);

            if (rc == 0)
                rc = walk(reader, &brief, &err);
            if (rc != FERRY_EFORMAT)
                fail_msg("%zu bytes, %s: %d, \"%s\"", rows[i].len, way_names[way], rc, err.msg);
            close_way((enum way)way, &reader);
        }
    }
}

static void test_archive_reader_cannot_open(void **state)
{
    FERRY_OWNED(ferry_reader) reader = NULL;
    struct ferry_err err = { 0 };

    (void)state;
    CHECK_CODE(ferry_reader_open("not/there", &reader, &err), FERRY_EIO);
    assert_non_null(strstr(err.msg, "not/there"));
}

/* A sparse file, as "tar -S" stores one, takes less room than it has bytes; a layer may be one. */
static void test_archive_reader_sparse(void **state)
{
    FERRY_OWNED_MEM char *bytes = malloc(65536);
    struct archive_entry *entry = archive_entry_new();
    struct archive *out = archive_write_new();
    size_t len;

    (void)state;
    assert_int_equal(archive_write_set_format_pax(out), ARCHIVE_OK);
    assert_int_equal(archive_write_open_memory(out, bytes, 65536, &len), ARCHIVE_OK);
    archive_entry_set_pathname(entry, "sparse");
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_size(entry, 1000000);
    archive_entry_sparse_add_entry(entry, 4096, 4096);
    archive_entry_sparse_add_entry(entry, 999999, 1);
    assert_int_equal(archive_write_header(out, entry), ARCHIVE_OK);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(archive_write_data(out, (const char[1000]){ 0 }, 1000), 1000);
    assert_int_equal(archive_write_close(out), ARCHIVE_OK);
    archive_entry_free(entry);
    archive_write_free(out);
    assert_true(len < 65536);
    for (int way = 0; way < WAY_COUNT; way++) {
        FERRY_OWNED(ferry_reader) reader = NULL;
        struct ferry_entry found;
        const char *brief;
        struct ferry_err err;

        CHECK_OK(open_way((enum way)way, bytes, len, &reader, &err));
        CHECK_OK(walk(reader, &brief, &err));
        assert_string_equal(brief, "other 1000000;");
        if (way != WAY_PIPE) { /* passed over unread as well */
            CHECK_OK(ferry_reader_restart(reader, &err));
            do {
                CHECK_OK(ferry_reader_next(reader, &found, &err));
            } while (found.kind != FERRY_ENTRY_END);
        }
        close_way((enum way)way, &reader);
    }
}

/* The writer of a pipe may pad the archive: it must not meet a closed pipe. */
static void test_archive_reader_drains_a_pipe(void **state)
{
    FERRY_OWNED(ferry_reader) reader = NULL;
    FERRY_OWNED_MEM char *bytes = NULL;
    FERRY_OWNED_MEM char *padded = NULL;
    struct sample_tar tar = { 0 };
    struct sample blobs[2];
    const size_t padding = (size_t)2 * 1024 * 1024;
    const char *brief;
    struct ferry_err err;
    size_t len;

    (void)state;
    fill(&tar, blobs);
    bytes = sample_tar_bytes(&tar, &len);
    padded = calloc(1, len + padding);
    memcpy(padded, bytes, len);
    CHECK_OK(open_way(WAY_PIPE, padded, len + padding, &reader, &err));
    CHECK_OK(walk(reader, &brief, &err));
    assert_string_equal(brief, FILLED);
    assert_true(sample_pipe_end());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_archive_reader_dialects),
        cmocka_unit_test(test_archive_reader_folder),
        cmocka_unit_test(test_archive_reader_random),
        cmocka_unit_test(test_archive_reader_random_from_threads),
        cmocka_unit_test(test_archive_reader_cut),
        cmocka_unit_test(test_archive_reader_cut_compressed),
        cmocka_unit_test(test_archive_reader_refuses_entries),
        cmocka_unit_test(test_archive_reader_refuses_headers),
        cmocka_unit_test(test_archive_reader_not_a_tar),
        cmocka_unit_test(test_archive_reader_cannot_open),
        cmocka_unit_test(test_archive_reader_sparse),
        cmocka_unit_test(test_archive_reader_drains_a_pipe),
    };

    return cmocka_run_group_tests_name("archive_reader", tests, sample_enter_folder,
                                       sample_leave_folder);
}
