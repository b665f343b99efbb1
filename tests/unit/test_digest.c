#include "format/core/digest.h"

#include <string.h>

#include "tests/support/check.h"

#define HEX64 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define HEX128                                                                                     \
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"                             \
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"

/* FIPS 180-4 examples, and the empty message. */
static const struct {
    const char *name;
    enum ferry_algorithm algorithm;
    const char *message, *want;
} vectors[] = {
    { "sha256_abc", FERRY_SHA256, "abc", "sha256:" HEX64 },
    { "sha256_empty", FERRY_SHA256, "",
      "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
    { "sha256_two_blocks", FERRY_SHA256, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "sha256:248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
    { "sha512_abc", FERRY_SHA512, "abc", "sha512:" HEX128 },
    { "sha512_empty", FERRY_SHA512, "",
      "sha512:cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
      "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e" },
};

static void test_digest_known_vectors(void **state)
{
    struct ferry_digest digest;
    struct ferry_err err;

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(vectors); i++) {
        CHECK_OK(ferry_digest_of(vectors[i].algorithm, vectors[i].message,
                                 strlen(vectors[i].message), &digest, &err));
        CHECK_ROW(vectors[i].name, strcmp(digest.text, vectors[i].want) == 0);
        CHECK_ROW(vectors[i].name, digest.algorithm == vectors[i].algorithm);
    }
}

static void test_digest_hash_in_pieces(void **state)
{
    FERRY_OWNED(ferry_hash) hash = NULL;
    struct ferry_digest digest;
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_hash_new(FERRY_SHA256, &hash, &err));
    CHECK_OK(ferry_hash_update(hash, "zzz", 3, &err));
    CHECK_OK(ferry_hash_restart(hash, &err));
    CHECK_OK(ferry_hash_update(hash, "a", 1, &err));
    CHECK_OK(ferry_hash_update(hash, "", 0, &err));
    CHECK_OK(ferry_hash_update(hash, "bc", 2, &err));
    CHECK_OK(ferry_hash_final(hash, &digest, &err));
    assert_string_equal(digest.text, "sha256:" HEX64);
    CHECK_OK(ferry_hash_restart(hash, &err));
    CHECK_OK(ferry_hash_final(hash, &digest, &err));
    assert_string_equal(digest.text, vectors[1].want);
}

/* [D1] */
static void test_digest_parse_accepts(void **state)
{
    struct ferry_digest a, b;
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_digest_parse("sha256:" HEX64, &a, &err));
    assert_int_equal(a.algorithm, FERRY_SHA256);
    assert_string_equal(a.text, "sha256:" HEX64);
    assert_string_equal(ferry_digest_hex(&a), HEX64);
    CHECK_OK(ferry_digest_parse("sha512:" HEX128, &b, &err));
    assert_int_equal(b.algorithm, FERRY_SHA512);
    assert_string_equal(ferry_digest_hex(&b), HEX128);
    assert_string_equal(ferry_algorithm_name(b.algorithm), "sha512");
    assert_false(ferry_digest_equal(&a, &b));
    b = a;
    assert_true(ferry_digest_equal(&a, &b));
    b.text[20] = b.text[20] == '0' ? '1' : '0';
    assert_false(ferry_digest_equal(&a, &b));
}

#define HEX60 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f200"

static const struct {
    const char *name, *text;
} bad_rows[] = {
    { "empty", "" },
    { "algorithm_alone", "sha256" },
    { "no_digits", "sha256:" },
    { "digits_alone", HEX64 },
    { "short", "sha256:" HEX60 "15a" },
    { "long", "sha256:" HEX64 "0" },
    { "upper_case", "sha256:" HEX60 "15AD" },
    { "upper_case_algorithm", "SHA256:" HEX64 },
    { "not_hexadecimal", "sha256:" HEX60 "15ag" },
    { "path", "sha256:../" HEX60 "1" },
    { "path_as_algorithm", "../sha256:" HEX64 },
    { "slash", "sha256/" HEX64 },
    { "nul_inside", "sha256:" HEX60 "1\0ad" },
    { "newline_after", "sha256:" HEX64 "\n" },
    { "space_before", " sha256:" HEX64 },
    { "space_after", "sha256:" HEX64 " " },
    { "colon_twice", "sha256::" HEX64 },
    { "unknown_algorithm", "sha384:" HEX64 },
    { "weak_algorithm", "md5:900150983cd24fb0d6963f7d28e17f72" },
    { "compound_algorithm", "sha256+b64u:" HEX64 },
    { "longer_algorithm", "sha2567:" HEX64 },
    { "lengths_swapped", "sha512:" HEX64 },
    { "lengths_swapped_back", "sha256:" HEX128 },
};

/* [D1] [D2] */
static void test_digest_parse_refuses(void **state)
{
    struct ferry_digest digest = { .text = "untouched" };
    struct ferry_err err;

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(bad_rows); i++) {
        int rc = ferry_digest_parse(bad_rows[i].text, &digest, &err);

        CHECK_ROW(bad_rows[i].name, rc == FERRY_EFORMAT);
        CHECK_ROW(bad_rows[i].name, strcmp(digest.text, "untouched") == 0);
    }
}

static void test_digest_parse_quotes_little_of_much(void **state)
{
    struct ferry_digest digest;
    struct ferry_err err;
    char text[100000];

    (void)state;
    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    CHECK_CODE(ferry_digest_parse(text, &digest, &err), FERRY_EFORMAT);
    assert_non_null(strstr(err.msg, "is not a digest"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digest_known_vectors),
        cmocka_unit_test(test_digest_hash_in_pieces),
        cmocka_unit_test(test_digest_parse_accepts),
        cmocka_unit_test(test_digest_parse_refuses),
        cmocka_unit_test(test_digest_parse_quotes_little_of_much),
    };

    return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
