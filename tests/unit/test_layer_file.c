#include "format/archive/layer_file.h"

#include <archive_entry.h>
#include <stdio.h>
#include <string.h>

#include "format/core/blob_file.h"
#include "format/core/blob_impl.h"
#include "format/core/blob_verify.h"
#include "tests/support/check.h"
#include "tests/support/sample.h"

#define PATH "etc/app/list"

/* What the layer in `bytes` says of PATH; its digest is checked on the way. */
static int look(const void *bytes, size_t len, const struct ferry_digest *digest,
                struct ferry_buf *out, enum ferry_layer_says *says, struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) layer = NULL;
    struct ferry_source *source = NULL;

    FERRY_TRY(ferry_source_memory(bytes, len, &source, err));
    FERRY_TRY(ferry_verify_new(&source, digest, (int64_t)len, &layer, err));
    return ferry_layer_file(layer, PATH, out, says, err);
}

static int look_in(const struct sample_tar *tar, struct ferry_buf *out, enum ferry_layer_says *says,
                   struct ferry_err *err)
{
    size_t len;
    FERRY_OWNED_MEM char *bytes = sample_tar_bytes(tar, &len);
    struct ferry_digest digest;

    FERRY_TRY(ferry_digest_of(FERRY_SHA256, bytes, len, &digest, err));
    return look(bytes, len, &digest, out, says, err);
}

#define ENTRY(entry_name, text)                                                                    \
    {                                                                                              \
        entry_name, text, sizeof(text) - 1, 0, NULL                                                \
    }
#define FOLDER(entry_name)                                                                         \
    {                                                                                              \
        entry_name, NULL, 0, AE_IFDIR, NULL                                                        \
    }

static const struct {
    const char *name;
    struct sample_entry entries[4];
    enum ferry_layer_says want;
    const char *text; /* what is HERE; or what a failure says */
    enum ferry_code code;
} rows[] = {
    { "there", { FOLDER("etc/app"), ENTRY(PATH, "one") }, FERRY_LAYER_HERE, "one", 0 },
    { "there_and_empty", { ENTRY(PATH, "") }, FERRY_LAYER_HERE, "", 0 },
    { "not_there",
      { FOLDER("etc/app"), ENTRY("etc/app/listing", "x"), ENTRY("list", "x"),
        ENTRY("a/" PATH, "x") },
      FERRY_LAYER_BELOW,
      NULL,
      0 },
    { "no_entries", { { 0 } }, FERRY_LAYER_BELOW, NULL, 0 },
    { "dot_in_front", { ENTRY("./" PATH, "one") }, FERRY_LAYER_HERE, "one", 0 },
    { "slash_in_front", { ENTRY("/" PATH, "one") }, FERRY_LAYER_HERE, "one", 0 },
    { "slashes_within", { ENTRY("etc//app/.//list", "one") }, FERRY_LAYER_HERE, "one", 0 },
    { "root_is_a_folder", { FOLDER("./"), ENTRY(PATH, "one") }, FERRY_LAYER_HERE, "one", 0 },
    { "upwards_is_nobody's", { ENTRY("etc/x/../app/list", "x") }, FERRY_LAYER_BELOW, NULL, 0 },
    { "removed", { ENTRY("etc/app/.wh.list", "") }, FERRY_LAYER_REMOVED, NULL, 0 },
    { "folder_removed", { ENTRY("etc/.wh.app", "") }, FERRY_LAYER_REMOVED, NULL, 0 },
    { "top_removed", { ENTRY(".wh.etc", "") }, FERRY_LAYER_REMOVED, NULL, 0 },
    { "folder_is_opaque", { ENTRY("etc/app/.wh..wh..opq", "") }, FERRY_LAYER_REMOVED, NULL, 0 },
    { "root_is_opaque", { ENTRY("./.wh..wh..opq", "") }, FERRY_LAYER_REMOVED, NULL, 0 },
    { "another_removed",
      { ENTRY("etc/app/.wh.listing", ""), ENTRY("usr/.wh..wh..opq", ""), ENTRY("etc/app/.wh.", ""),
        ENTRY(".wh.etcetera", "") },
      FERRY_LAYER_BELOW,
      NULL,
      0 },
    { "opaque_and_new",
      { ENTRY(PATH, "new"), ENTRY("etc/app/.wh..wh..opq", "") },
      FERRY_LAYER_HERE,
      "new",
      0 },
    { "removed_and_new",
      { ENTRY("etc/.wh.app", ""), ENTRY(PATH, "new") },
      FERRY_LAYER_HERE,
      "new",
      0 },
    { "folder_is_a_file", { ENTRY("etc/app", "x") }, FERRY_LAYER_REMOVED, NULL, 0 },
    { "folder_is_a_link",
      { { "etc/app", NULL, 0, AE_IFLNK, "/usr/app" } },
      FERRY_LAYER_REMOVED,
      NULL,
      0 },
    { "link",
      { { PATH, NULL, 0, AE_IFLNK, "/etc/shadow" } },
      0,
      PATH " is not a regular file",
      FERRY_EFORMAT },
    { "hard_link",
      { ENTRY("a", "x"), { PATH, NULL, 0, AE_IFREG, "a" } },
      0,
      PATH " is not a regular file",
      FERRY_EFORMAT },
    { "device", { { PATH, NULL, 0, AE_IFCHR, NULL } }, 0, "not a regular file", FERRY_EFORMAT },
    { "folder", { FOLDER(PATH) }, 0, "not a regular file", FERRY_EFORMAT },
    { "twice",
      { ENTRY(PATH, "a"), ENTRY("./" PATH, "b") },
      0,
      "stands there twice",
      FERRY_EFORMAT },
    { "too_large", { ENTRY(PATH, "12345678901234567") }, 0, PATH ": ", FERRY_ELIMIT },
};

static struct sample_tar make_tar(const struct sample_entry entries[4])
{
    struct sample_tar tar = { .count = 0 };

    while (tar.count < 4 && entries[tar.count].name) {
        tar.entries[tar.count] = entries[tar.count];
        tar.count++;
    }
    return tar;
}

static void test_layer_file_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        for (enum sample_filter filter = SAMPLE_PLAIN; filter <= SAMPLE_ZSTD; filter++) {
            struct sample_tar tar = make_tar(rows[i].entries);
            enum ferry_layer_says says = FERRY_LAYER_BELOW;
            struct ferry_err err = { 0 };
            FERRY_OWNED_BUF out;
            int rc;

            ferry_buf_init(&out, 16);
            tar.filter = filter;
            rc = look_in(&tar, &out, &says, &err);
            if (rc != (int)rows[i].code)
                fail_msg("row \"%s\": %d, \"%s\"", rows[i].name, rc, err.msg);
            if (rc < 0) {
                CHECK_ROW(rows[i].name, strstr(err.msg, rows[i].text));
                continue;
            }
            CHECK_ROW(rows[i].name, says == rows[i].want);
            CHECK_ROW(rows[i].name, out.len == (rows[i].text ? strlen(rows[i].text) : 0));
            CHECK_ROW(rows[i].name, !out.len || memcmp(out.data, rows[i].text, out.len) == 0);
        }
    }
}

/* Names of every length: those that are longer than what is looked for are passed over. */
static void test_layer_file_long_names(void **state)
{
    struct sample_tar tar = { .count = 0 };
    enum ferry_layer_says says;
    struct ferry_err err = { 0 };
    FERRY_OWNED_BUF out;
    char name[3000];

    (void)state;
    memset(name, 'x', sizeof(name));
    for (size_t i = 0; i < 20; i++)
        sample_put(&tar, sample_format("etc/%.*s", (int)(500 + i), name), "x");
    sample_put(&tar, sample_format("etc/%.*s", (int)sizeof(name), name), "x");
    sample_put(&tar, PATH, "one");
    ferry_buf_init(&out, 16);
    CHECK_OK(look_in(&tar, &out, &says, &err));
    assert_int_equal(says, FERRY_LAYER_HERE);
}

/* What was found is not handed over unless the rest of the layer is what its digest names. */
static void test_layer_file_proves_the_layer(void **state)
{
    struct sample_tar tar = { .count = 0 };
    struct sample noise = sample_layer(1024 * 1024, 7);
    enum ferry_layer_says says;
    struct ferry_digest digest;
    struct ferry_err err = { 0 };
    FERRY_OWNED_MEM char *bytes = NULL;
    FERRY_OWNED_BUF out;
    size_t len;

    (void)state;
    sample_put(&tar, PATH, "one");
    sample_put_blob(&tar, &noise);
    bytes = sample_tar_bytes(&tar, &len);
    CHECK_OK(ferry_digest_of(FERRY_SHA256, bytes, len, &digest, &err));
    ferry_buf_init(&out, 16);
    CHECK_OK(look(bytes, len, &digest, &out, &says, &err));
    for (size_t at = 512; at < len; at += len / 2) { /* in the file, and far behind it */
        bytes[at] ^= 1;
        out.len = 0;
        CHECK_CODE(look(bytes, len, &digest, &out, &says, &err), FERRY_EDIGEST);
        bytes[at] ^= 1;
    }
}

static void test_layer_file_damaged(void **state)
{
    static const char noise[2048] = "this is no tar";
    struct sample_tar tar = make_tar(rows[0].entries);

    (void)state;
    for (enum sample_filter filter = SAMPLE_PLAIN; filter <= SAMPLE_ZSTD; filter++) {
        FERRY_OWNED_MEM char *bytes = NULL;
        enum ferry_layer_says says = FERRY_LAYER_BELOW;
        struct ferry_digest digest;
        struct ferry_err err = { 0 };
        FERRY_OWNED_BUF out;
        size_t len;

        ferry_buf_init(&out, 16);
        tar.filter = filter;
        bytes = sample_tar_bytes(&tar, &len);
        len = filter == SAMPLE_PLAIN ? 1024 + 256 : len / 2; /* in the middle of a header */
        CHECK_OK(ferry_digest_of(FERRY_SHA256, bytes, len, &digest, &err));
        CHECK_CODE(look(bytes, len, &digest, &out, &says, &err), FERRY_EFORMAT);
        CHECK_OK(ferry_digest_of(FERRY_SHA256, noise, sizeof(noise), &digest, &err));
        CHECK_CODE(look(noise, sizeof(noise), &digest, &out, &says, &err), FERRY_EFORMAT);
        assert_non_null(strstr(err.msg, "is not a tar that can be read"));
        /* A layer of no bytes at all has nothing to say. */
        CHECK_OK(ferry_digest_of(FERRY_SHA256, "", 0, &digest, &err));
        CHECK_OK(look("", 0, &digest, &out, &says, &err));
        assert_int_equal(says, FERRY_LAYER_BELOW);
    }
}

/* A tar whose one entry never ends, as a small compressed layer may inflate to. */
struct endless {
    struct ferry_source base;
    const char *header; /* 512 bytes */
    bool begun;
    int64_t given;
};

static int endless_read(struct ferry_source *source, void *buf, size_t cap, size_t *got,
                        struct ferry_err *err)
{
    struct endless *e = (struct endless *)source;

    (void)err;
    *got = e->begun ? cap : 512;
    if (e->begun)
        memset(buf, 0, cap);
    else
        memcpy(buf, e->header, 512);
    e->begun = true;
    e->given += (int64_t)*got;
    return 0;
}

static const struct ferry_source_ops endless_ops = { endless_read, NULL, NULL };

static void test_layer_file_limit(void **state)
{
    struct sample_tar tar = { .count = 0, .dialect = SAMPLE_USTAR };
    struct endless endless = { .base = { &endless_ops, -1 } };
    enum ferry_layer_says says;
    struct ferry_err err = { 0 };
    FERRY_OWNED_MEM char *bytes = NULL;
    FERRY_OWNED_BUF out;
    size_t len;

    (void)state;
    sample_put(&tar, "x", "");
    bytes = sample_tar_bytes(&tar, &len);
    memcpy(bytes + 124, "77777777777", 11); /* its size: 8 GiB less a byte */
    /* and the sum of the header, which had 11 digits "0" there */
    snprintf(bytes + 148, 8, "%06o", (unsigned)strtoul(bytes + 148, NULL, 8) + 77);
    endless.header = bytes;
    ferry_buf_init(&out, 16);
    CHECK_CODE(ferry_layer_file(&endless.base, PATH, &out, &says, &err), FERRY_ELIMIT);
    assert_non_null(strstr(err.msg, "inflates to more than 4294967296 bytes"));
    assert_true(endless.given < FERRY_LAYER_BYTES_MAX + 16 * 1024 * 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layer_file_says),
        cmocka_unit_test(test_layer_file_long_names),
        cmocka_unit_test(test_layer_file_proves_the_layer),
        cmocka_unit_test(test_layer_file_damaged),
        cmocka_unit_test(test_layer_file_limit),
    };

    return cmocka_run_group_tests_name("layer_file", tests, NULL, sample_forget_group);
}
