#include "format/archive/layout.h"

#include <string.h>

#include "tests/support/check.h"

#define HEX "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define HEX512                                                                                     \
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"                             \
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"

static const struct {
    const char *name;
    enum ferry_entry_kind kind; /* FERRY_ENTRY_END: refused */
} rows[] = {
    { "oci-layout", FERRY_ENTRY_LAYOUT },
    { "./oci-layout", FERRY_ENTRY_LAYOUT },
    { ".//oci-layout", FERRY_ENTRY_LAYOUT },
    { "././oci-layout", FERRY_ENTRY_LAYOUT },
    { "index.json", FERRY_ENTRY_INDEX },
    { "./index.json", FERRY_ENTRY_INDEX },
    { "index.json.p7s", FERRY_ENTRY_SIGNATURE },
    { "./index.json.p7s", FERRY_ENTRY_SIGNATURE },
    { "manifest.json", FERRY_ENTRY_DOCKER },
    { "blobs/sha256/" HEX, FERRY_ENTRY_BLOB },
    { "./blobs/sha256/" HEX, FERRY_ENTRY_BLOB },
    { "blobs/sha512/" HEX512, FERRY_ENTRY_BLOB },

    { "blobs/sha256/BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD",
      FERRY_ENTRY_OTHER },
    { "blobs/SHA256/" HEX, FERRY_ENTRY_OTHER },
    { "BLOBS/sha256/" HEX, FERRY_ENTRY_OTHER },
    { "blobs/sha256/" HEX "0", FERRY_ENTRY_OTHER },
    { "blobs/sha256/" HEX ".tmp", FERRY_ENTRY_OTHER },
    { "blobs/sha256/" HEX "/", FERRY_ENTRY_OTHER },
    { "blobs/sha256/" HEX "/x", FERRY_ENTRY_OTHER },
    { "blobs/sha256/ba7816bf", FERRY_ENTRY_OTHER },
    { "blobs/sha256/", FERRY_ENTRY_OTHER },
    { "blobs/sha256", FERRY_ENTRY_OTHER },
    { "blobs/sha512/" HEX, FERRY_ENTRY_OTHER },
    { "blobs/sha512/" HEX512 "00", FERRY_ENTRY_OTHER },
    { "blobs/md5/900150983cd24fb0d6963f7d28e17f72", FERRY_ENTRY_OTHER },
    { "blobs/sha256:" HEX, FERRY_ENTRY_OTHER },
    { "blobs//sha256/" HEX, FERRY_ENTRY_OTHER },
    { "x/blobs/sha256/" HEX, FERRY_ENTRY_OTHER },
    { "blobs/", FERRY_ENTRY_OTHER },
    { "blobs", FERRY_ENTRY_OTHER },
    { "index.json/", FERRY_ENTRY_OTHER },
    { "index.json ", FERRY_ENTRY_OTHER },
    { "INDEX.JSON", FERRY_ENTRY_OTHER },
    { "x/index.json", FERRY_ENTRY_OTHER },
    { "index.json.p7", FERRY_ENTRY_OTHER },
    { "oci-layout.sig", FERRY_ENTRY_OTHER },
    { "README", FERRY_ENTRY_OTHER },
    { "...", FERRY_ENTRY_OTHER },
    { "a/..b/c..", FERRY_ENTRY_OTHER },
    { ".", FERRY_ENTRY_OTHER },
    { "./", FERRY_ENTRY_OTHER },
    { "", FERRY_ENTRY_OTHER },

    { "/index.json", FERRY_ENTRY_END },
    { "/", FERRY_ENTRY_END },
    { "//blobs/sha256/" HEX, FERRY_ENTRY_END },
    { "..", FERRY_ENTRY_END },
    { "../index.json", FERRY_ENTRY_END },
    { "./../index.json", FERRY_ENTRY_END },
    { "blobs/../index.json", FERRY_ENTRY_END },
    { "blobs/sha256/../../../etc/passwd", FERRY_ENTRY_END },
    { "blobs/..", FERRY_ENTRY_END },
    { "blobs//..//x", FERRY_ENTRY_END },
};

/* [R5] [R6] [R8] [W15] */
static void test_layout_classify(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        enum ferry_entry_kind kind = FERRY_ENTRY_END;
        struct ferry_digest digest = { 0 };
        struct ferry_err err = { 0 };
        int rc = ferry_layout_classify(rows[i].name, &kind, &digest, &err);

        CHECK_ROW(rows[i].name, rc == (rows[i].kind == FERRY_ENTRY_END ? FERRY_EUNFIT : 0));
        CHECK_ROW(rows[i].name, kind == rows[i].kind);
        CHECK_ROW(rows[i].name, (digest.text[0] != '\0') == (kind == FERRY_ENTRY_BLOB));
        if (kind == FERRY_ENTRY_BLOB)
            CHECK_ROW(rows[i].name,
                      strcmp(ferry_digest_hex(&digest), strrchr(rows[i].name, '/') + 1) == 0);
    }
}

/* [L6] */
static void test_layout_long_names(void **state)
{
    char name[FERRY_ENTRY_NAME_MAX + 1];
    enum ferry_entry_kind kind;
    struct ferry_digest digest;
    struct ferry_err err = { 0 };

    (void)state;
    memset(name, 'x', sizeof(name));
    name[FERRY_ENTRY_NAME_MAX] = '\0';
    CHECK_CODE(ferry_layout_classify(name, &kind, &digest, &err), FERRY_ELIMIT);
    name[FERRY_ENTRY_NAME_MAX - 1] = '\0';
    CHECK_OK(ferry_layout_classify(name, &kind, &digest, &err));
    assert_int_equal(kind, FERRY_ENTRY_OTHER);
    memcpy(name, "blobs/sha256/", 13);
    CHECK_OK(ferry_layout_classify(name, &kind, &digest, &err));
    assert_int_equal(kind, FERRY_ENTRY_OTHER);
}

/* [W15] */
static void test_layout_blob_name(void **state)
{
    static const char *const names[] = { "blobs/sha256/" HEX, "blobs/sha512/" HEX512 };

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(names); i++) {
        char name[FERRY_BLOB_NAME_MAX];
        enum ferry_entry_kind kind;
        struct ferry_digest digest;
        struct ferry_err err;

        CHECK_OK(ferry_layout_classify(names[i], &kind, &digest, &err));
        ferry_layout_blob_name(&digest, name);
        assert_string_equal(name, names[i]);
    }
}

static const struct {
    const char *text;
    enum ferry_code want;
} version_rows[] = {
    { FERRY_LAYOUT_TEXT, FERRY_OK },
    { "{\"imageLayoutVersion\": \"1.0.0\"}\n", FERRY_OK },
    { "{\"imageLayoutVersion\":\"1.1.0\",\"x\":1}", FERRY_OK },
    { "{\"imageLayoutVersion\":\"2.0.0\"}", FERRY_EFORMAT },
    { "{\"imageLayoutVersion\":\"10.0.0\"}", FERRY_EFORMAT },
    { "{\"imageLayoutVersion\":\"1\"}", FERRY_EFORMAT },
    { "{\"imageLayoutVersion\":\"\"}", FERRY_EFORMAT },
    { "{\"imageLayoutVersion\":1.0}", FERRY_EFORMAT },
    { "{\"imageLayoutVersion\":null}", FERRY_EFORMAT },
    { "{}", FERRY_EFORMAT },
    { "", FERRY_EFORMAT },
    { "1.0.0", FERRY_EFORMAT },
};

/* [R11] [W10] */
static void test_layout_version(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(version_rows); i++) {
        const char *text = version_rows[i].text;
        struct ferry_err err = { 0 };

        CHECK_ROW(text, ferry_layout_check(text, strlen(text), &err) == (int)version_rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout_classify),
        cmocka_unit_test(test_layout_long_names),
        cmocka_unit_test(test_layout_blob_name),
        cmocka_unit_test(test_layout_version),
    };

    return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
