#include "format/archive/volume_set.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/archive/output.h"
#include "format/archive/volume_fault.h"
#include "tests/support/check.h"
#include "tests/support/sample.h"

#define SIZE 1000 /* of a volume */
#define LEN 4500  /* so there are five */

static struct sample all;

/* A fresh set in "d", as it should be. */
static void make_set(void)
{
    const struct ferry_output_options options = { .path = "d/v.tar",
                                                  .existing = FERRY_EXISTING_REPLACE,
                                                  .volume_size = SIZE };
    FERRY_OWNED(ferry_output) o = NULL;
    struct ferry_err err;

    mkdir("d", 0700);
    CHECK_OK(ferry_output_open(&options, &o, &err));
    CHECK_OK(ferry_output_write(o, all.bytes, LEN, &err));
    CHECK_OK(ferry_output_commit(o, &err));
}

static int enter(void **state)
{
    if (sample_enter_folder(state) < 0)
        return -1;
    all = sample_layer(LEN, 9);
    return 0;
}

/* Everything in steps that have nothing to do with where it is cut. */
static int read_all(struct ferry_volumes *v, char *out, struct ferry_err *err)
{
    size_t got = 1;

    for (int64_t at = 0; got > 0; at += (int64_t)got)
        FERRY_TRY(ferry_volumes_read_at(v, at, out + at, 333, &got, err));
    return 0;
}

static const struct {
    const char *name;
    const char *path;
    const char *without; /* a file that is removed first */
    size_t count;        /* 0: is not opened */
    int64_t size;
    enum ferry_code code;
} open_rows[] = {
    { "first", "d/v.tar.001", NULL, 5, LEN, FERRY_OK },
    { "sums_file", "d/v.tar.sha256", NULL, 5, LEN, FERRY_OK },
    { "name", "d/v.tar", NULL, 5, LEN, FERRY_OK },
    { "first_without_sums", "d/v.tar.001", "d/v.tar.sha256", 5, LEN, FERRY_OK },
    { "name_without_sums", "d/v.tar", "d/v.tar.sha256", 5, LEN, FERRY_OK },
    { "lost_sums_file", "d/v.tar.sha256", "d/v.tar.sha256", 0, 0, FERRY_EIO },
    { "lost_first", "d/v.tar.001", "d/v.tar.001", 5, LEN, FERRY_OK },
    { "name_with_lost_first", "d/v.tar", "d/v.tar.001", 5, LEN, FERRY_OK },
    { "second", "d/v.tar.002", NULL, 0, 0, FERRY_EUSAGE },
    { "nothing", "d/w.tar", NULL, 0, 0, FERRY_EIO },
    { "nothing_first", "d/w.tar.001", NULL, 0, 0, FERRY_EIO },
    { "no_folder", "e/w.tar.001", NULL, 0, 0, FERRY_EIO },
};

/* [R60] */
static void test_volume_set_open(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(open_rows); i++) {
        FERRY_OWNED(ferry_volumes) v = NULL;
        struct ferry_err err = { 0 };

        make_set();
        if (open_rows[i].without)
            unlink(open_rows[i].without);
        if (ferry_volumes_open(open_rows[i].path, NULL, &v, &err) != (int)open_rows[i].code)
            fail_msg("%s: \"%s\"", open_rows[i].name, err.msg);
        if (open_rows[i].code != FERRY_OK) {
            assert_non_null(strstr(err.msg, open_rows[i].path));
            continue;
        }
        CHECK_ROW(open_rows[i].name, ferry_volumes_is_set(v));
        CHECK_ROW(open_rows[i].name, ferry_volumes_count(v) == open_rows[i].count);
        CHECK_ROW(open_rows[i].name, ferry_volumes_size(v) == open_rows[i].size);
    }
}

/* A file of that name is the archive, whatever stands beside it. */
static void test_volume_set_single(void **state)
{
    FERRY_OWNED(ferry_volumes) v = NULL;
    struct ferry_err err;
    char bytes[16] = "";

    (void)state;
    make_set();
    sample_write("d/v.tar", "plain", 5);
    CHECK_OK(ferry_volumes_open("d/v.tar", NULL, &v, &err));
    unlink("d/v.tar.sha256"); /* not looked at */
    assert_false(ferry_volumes_is_set(v));
    CHECK_OK(ferry_volumes_refuse(v, &err));
    CHECK_OK(read_all(v, bytes, &err));
    assert_string_equal(bytes, "plain");
    ferry_volumes_free(ferry_steal(&v));
    unlink("d/v.tar");

    sample_write("alone.007", "x", 1); /* no volume, for want of a first */
    CHECK_OK(ferry_volumes_open("alone.007", NULL, &v, &err));
    assert_false(ferry_volumes_is_set(v));
}

struct reading {
    struct ferry_volumes *v;
    int rc;
    bool same;
};

static void *read_thread(void *arg)
{
    struct reading *r = arg;
    char bytes[LEN + 333];
    struct ferry_err err;

    r->rc = read_all(r->v, bytes, &err);
    r->same = memcmp(bytes, all.bytes, LEN) == 0;
    return NULL;
}

static void test_volume_set_read_from_threads(void **state)
{
    FERRY_OWNED(ferry_volumes) v = NULL;
    struct reading readings[4];
    pthread_t threads[4];
    struct ferry_err err;

    (void)state;
    make_set();
    CHECK_OK(ferry_volumes_open("d/v.tar.001", NULL, &v, &err));
    for (size_t i = 0; i < 4; i++) {
        readings[i] = (struct reading){ .v = v };
        assert_int_equal(pthread_create(&threads[i], NULL, read_thread, &readings[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(readings[i].rc, 0);
        assert_true(readings[i].same);
    }
}

/* More files than stay open at once. */
static void test_volume_set_many(void **state)
{
    const struct ferry_output_options options = { .path = "many", .volume_size = 10 };
    FERRY_OWNED(ferry_output) o = NULL;
    FERRY_OWNED(ferry_volumes) v = NULL;
    char bytes[LEN + 333];
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_output_open(&options, &o, &err));
    CHECK_OK(ferry_output_write(o, all.bytes, LEN, &err));
    CHECK_OK(ferry_output_commit(o, &err));
    CHECK_OK(ferry_volumes_open("many", NULL, &v, &err));
    assert_int_equal(ferry_volumes_count(v), LEN / 10);
    for (int round = 0; round < 2; round++) {
        CHECK_OK(read_all(v, bytes, &err));
        assert_memory_equal(bytes, all.bytes, LEN);
    }
}

static void cut_file(const char *path, off_t len)
{
    assert_int_equal(truncate(path, len), 0);
}

static void swap(const char *a, const char *b)
{
    assert_int_equal(rename(a, "swap"), 0);
    assert_int_equal(rename(b, a), 0);
    assert_int_equal(rename("swap", b), 0);
}

static void flip(const char *path)
{
    size_t len;
    FERRY_OWNED_MEM char *bytes = sample_read(path, &len);

    bytes[len / 2] ^= 1;
    sample_write(path, bytes, len);
}

static void lose_one(void)
{
    unlink("d/v.tar.003");
}
static void lose_last(void)
{
    unlink("d/v.tar.005");
}
static void lose_run(void)
{
    lose_one(), unlink("d/v.tar.002"), unlink("d/v.tar.004");
}
static void lose_several(void)
{
    lose_last(), unlink("d/v.tar.001"), lose_one();
}
static void cut_one(void)
{
    cut_file("d/v.tar.002", 999);
}
static void empty_one(void)
{
    cut_file("d/v.tar.002", 0);
}
static void lengthen_one(void)
{
    cut_file("d/v.tar.002", 1001);
}
static void add_one(void)
{
    sample_write("d/v.tar.009", all.bytes, SIZE);
}
static void swap_two(void)
{
    swap("d/v.tar.002", "d/v.tar.004");
}
static void swap_last(void)
{
    swap("d/v.tar.002", "d/v.tar.005");
}
static void flip_one(void)
{
    flip("d/v.tar.004");
}
static void all_at_once(void)
{
    lose_one(), cut_one(), add_one(), flip_one();
}
static void lose_sums(void)
{
    unlink("d/v.tar.sha256");
}
static void lose_sums_and_one(void)
{
    lose_sums(), lose_one();
}
static void lose_sums_and_last(void)
{
    lose_sums(), lose_last();
}
static void lose_sums_and_fill(void)
{
    lose_sums(), empty_one();
}
static void nothing(void)
{
}

static const struct {
    const char *name;
    void (*spoil)(void);
    const char *refused; /* what is said on opening; NULL: it is not refused */
    const char *states;  /* of all volumes, when they were hashed */
    const char *faults;  /* what is said then, "|" between them */
} fault_rows[] = {
    { "good", nothing, NULL, "good good good good good", "" },
    { "lost_one", lose_one, "v.tar.003 is missing", "good good missing good good",
      "v.tar.003 is missing" },
    { "lost_last", lose_last, "v.tar.005 is missing", "good good good good missing",
      "v.tar.005 is missing" },
    { "lost_run", lose_run, "v.tar.002 to v.tar.004 are missing",
      "good missing missing missing good",
      "v.tar.002 is missing|v.tar.003 is missing|v.tar.004 is missing" },
    { "lost_several", lose_several,
      "v.tar.001 is missing; v.tar.003 is missing; v.tar.005 is "
      "missing",
      "missing good missing good missing",
      "v.tar.001 is missing|v.tar.003 is missing|v.tar.005 is missing" },
    { "cut", cut_one,
      "v.tar.002 has 999 bytes, and the sums file says 1000: it is cut, or of "
      "another set",
      "good cut good good good",
      "v.tar.002 has 999 bytes, and the sums file says 1000: it is cut, or of another set" },
    { "too_long", lengthen_one,
      "v.tar.002 has 1001 bytes, and the sums file says 1000: it is too "
      "long, or of another set",
      "good too long good good good",
      "v.tar.002 has 1001 bytes, and the sums file says 1000: it is too long, or of another set" },
    { "surplus", add_one,
      "v.tar.009 is none of the volumes in the sums file: it is of another "
      "set, and has to go",
      "good good good good good surplus", "v.tar.009 holds what v.tar.001 should hold" },
    { "swapped", swap_two, NULL, "good wrong good wrong good",
      "v.tar.002 holds what v.tar.004 should hold|v.tar.004 holds what v.tar.002 should hold" },
    { "swapped_with_last", swap_last,
      "v.tar.002 has 500 bytes, and the sums file says 1000: it is cut, or of another set; "
      "v.tar.005 has 1000 bytes, and the sums file says 500: it is too long, or of another set",
      "good cut good good too long",
      "v.tar.002 holds what v.tar.005 should hold|v.tar.005 holds what v.tar.002 should hold" },
    { "flipped", flip_one, NULL, "good good good wrong good",
      "v.tar.004 has other bytes than the sums file says: it is damaged, or of another set" },
    { "all_at_once", all_at_once,
      "v.tar.002 has 999 bytes, and the sums file says 1000: it is cut, or of another set; "
      "v.tar.003 is missing; v.tar.009 is none of the volumes in the sums file: it is of another "
      "set, and has to go",
      "good cut missing wrong good surplus",
      "v.tar.002 has 999 bytes, and the sums file says 1000: it is cut, or of another set|"
      "v.tar.003 is missing|v.tar.004 has other bytes than the sums file says: it is damaged, or "
      "of another set|v.tar.009 holds what v.tar.001 should hold" },
    { "no_sums", lose_sums, NULL, "unchecked unchecked unchecked unchecked unchecked", "" },
    { "no_sums_lost_one", lose_sums_and_one, "v.tar.003 is missing",
      "unchecked unchecked missing unchecked unchecked", "v.tar.003 is missing" },
    { "no_sums_lost_last", lose_sums_and_last, NULL, "unchecked unchecked unchecked unchecked",
      "" },
    { "no_sums_empty", lose_sums_and_fill, "v.tar.002 is empty",
      "unchecked cut unchecked unchecked unchecked", "v.tar.002 is empty" },
};

/* What is known of all volumes, as one text each. */
static void describe(const struct ferry_volumes *v, char *states, char *faults)
{
    char fault[FERRY_ERR_MAX];

    states[0] = faults[0] = '\0';
    for (size_t i = 0; i < ferry_volumes_count(v); i++) {
        strcat(states, i ? " " : "");
        strcat(states, ferry_volume_state_text(ferry_volumes_state(v, i)));
        if (!ferry_volumes_fault(v, i, fault))
            continue;
        strcat(faults, faults[0] ? "|" : "");
        strcat(faults, fault);
    }
}

/* [R61] [R62] [R64] Every volume that is not as it should be is named, however they come to be
 * hashed: while all is read, or by themselves. */
static void test_volume_set_faults(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * FERRY_COUNT(fault_rows); i++) {
        size_t row = i / 2;
        FERRY_OWNED(ferry_volumes) v = NULL;
        struct ferry_err err = { 0 }, ignored;
        char states[1000], faults[4000], bytes[LEN + 333];
        int rc;

        make_set();
        fault_rows[row].spoil();
        CHECK_OK(ferry_volumes_open("d/v.tar", NULL, &v, &err));
        rc = ferry_volumes_refuse(v, &err);
        CHECK_ROW(fault_rows[row].name, rc == (fault_rows[row].refused ? FERRY_EFORMAT : 0));
        if (fault_rows[row].refused)
            assert_string_equal(err.msg, fault_rows[row].refused);
        if (i % 2) {
            CHECK_OK(ferry_volumes_watch(v, &err));
            (void)!read_all(v, bytes, &ignored);
        }
        for (size_t k = 0; k < ferry_volumes_count(v); k++)
            CHECK_OK(ferry_volumes_hash(v, k, &err));
        describe(v, states, faults);
        if (strcmp(states, fault_rows[row].states) != 0)
            fail_msg("%s: states \"%s\"", fault_rows[row].name, states);
        if (strcmp(faults, fault_rows[row].faults) != 0)
            fail_msg("%s: faults \"%s\"", fault_rows[row].name, faults);
    }
}

/* A hole ends the reading there, and nothing behind it is taken for it. */
static void test_volume_set_hole(void **state)
{
    static void (*const spoils[])(void) = { lose_one, lose_sums_and_one };
    char bytes[LEN + 333];

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(spoils); i++) {
        FERRY_OWNED(ferry_volumes) v = NULL;
        struct ferry_err err = { 0 };

        make_set();
        spoils[i]();
        memset(bytes, 0, sizeof(bytes));
        CHECK_OK(ferry_volumes_open("d/v.tar", NULL, &v, &err));
        CHECK_CODE(read_all(v, bytes, &err), FERRY_EFORMAT);
        assert_non_null(strstr(err.msg, "v.tar.003: is missing"));
        assert_memory_equal(bytes, all.bytes, 2 * SIZE);
        assert_int_equal(bytes[2 * SIZE], 0);
    }
    make_set();
    cut_one();
    {
        FERRY_OWNED(ferry_volumes) v = NULL;
        struct ferry_err err = { 0 };

        CHECK_OK(ferry_volumes_open("d/v.tar", NULL, &v, &err));
        CHECK_CODE(read_all(v, bytes, &err), FERRY_EFORMAT);
        assert_non_null(strstr(err.msg, "v.tar.002: is cut at byte 999 of 1000"));
    }
}

static const struct {
    const char *name;
    void (*spoil)(void);
    int64_t first, end;
    const char *says;
} blame_rows[] = {
    { "one", nothing, 100, 200, "in v.tar.001: bad" },
    { "several", nothing, 100, 2001, "in v.tar.001 to v.tar.003: bad" },
    { "up_to_the_end_of_one", nothing, 100, 1000, "in v.tar.001: bad" },
    { "no_bytes", nothing, 1000, 1000, "in v.tar.002: bad" },
    { "before_the_first", nothing, -1, 0, "in v.tar.001: bad" },
    { "to_the_end", nothing, 4400, 99999, "in v.tar.005: bad" },
    { "flipped", flip_one, 100, 4001,
      "v.tar.004 has other bytes than the sums file says: it is damaged, or of another set: bad" },
    { "flipped_elsewhere", flip_one, 100, 2001, "in v.tar.001 to v.tar.003: bad" },
    { "swapped", swap_two, 1500, 1501, "v.tar.002 holds what v.tar.004 should hold: bad" },
    { "no_sums", lose_sums, 100, 2001, "in v.tar.001 to v.tar.003: bad" },
    { "no_sums_at_the_end", lose_sums, 4499, 4500,
      "v.tar.005 is the last volume that is there; is .006 missing?: bad" },
};

static void test_volume_set_blame(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(blame_rows); i++) {
        FERRY_OWNED(ferry_volumes) v = NULL;
        struct ferry_err err = { 0 };

        make_set();
        blame_rows[i].spoil();
        CHECK_OK(ferry_volumes_open("d/v.tar", NULL, &v, &err));
        ferry_fail(&err, FERRY_EDIGEST, "bad");
        ferry_volumes_blame(v, blame_rows[i].first, blame_rows[i].end, &err);
        assert_int_equal(err.code, FERRY_EDIGEST);
        if (strcmp(err.msg, blame_rows[i].says) != 0)
            fail_msg("%s: \"%s\"", blame_rows[i].name, err.msg);
    }
}

/* Somebody who brings what is asked for, after a while; or does not. */
struct bringer {
    char asked[1000];
    int patience; /* how often it has to be asked before it is there */
    bool gives_up;
};

static int bring(void *ctx, const char *what, struct ferry_err *err)
{
    struct bringer *b = ctx;
    char path[100], hidden[120];
    struct stat st;

    snprintf(path, sizeof(path), "%.*s", (int)strcspn(what, " "), what);
    snprintf(hidden, sizeof(hidden), "hidden/%s", strrchr(path, '/') + 1);
    strcat(b->asked, strrchr(path, '/') + 1);
    strcat(b->asked, strstr(what, "not there") ? " " : "! ");
    if (b->gives_up)
        return ferry_fail(err, FERRY_EFORMAT, "%s", what);
    if (b->patience-- > 0)
        return 0;
    if (stat(hidden, &st) == 0)
        assert_int_equal(rename(hidden, path), 0);
    return 0;
}

static void hide(const char *name)
{
    assert_int_equal(rename(sample_format("d/%s", name), sample_format("hidden/%s", name)), 0);
}

/* Each is asked for when its turn comes, and hashed as it goes by. */
static void test_volume_set_prompt(void **state)
{
    struct bringer b = { .patience = 1 };
    const struct ferry_volume_prompt prompt = { .ask = bring, .ctx = &b };
    FERRY_OWNED(ferry_volumes) v = NULL;
    char bytes[LEN + 333], states[1000], faults[4000];
    struct ferry_err err = { 0 };

    (void)state;
    mkdir("hidden", 0700);
    make_set();
    hide("v.tar.sha256");
    hide("v.tar.001");
    hide("v.tar.004");
    sample_write("d/v.tar.004", "of another disc", 15);
    CHECK_OK(ferry_volumes_open("d/v.tar.001", &prompt, &v, &err));
    CHECK_OK(ferry_volumes_watch(v, &err));
    CHECK_OK(read_all(v, bytes, &err));
    assert_memory_equal(bytes, all.bytes, LEN);
    assert_string_equal(b.asked, "v.tar.sha256 v.tar.sha256 v.tar.001 v.tar.004! ");
    describe(v, states, faults);
    assert_string_equal(states, "good good good good good");
    ferry_volumes_free(ferry_steal(&v));

    hide("v.tar.003");
    b = (struct bringer){ .gives_up = true };
    CHECK_OK(ferry_volumes_open("d/v.tar", &prompt, &v, &err));
    CHECK_OK(ferry_volumes_watch(v, &err));
    CHECK_CODE(read_all(v, bytes, &err), FERRY_EFORMAT);
    describe(v, states, faults);
    assert_string_equal(states, "good good missing unchecked unchecked");
    assert_string_equal(faults, "v.tar.003 is missing");
    ferry_volumes_free(ferry_steal(&v));

    unlink("d/v.tar.sha256"); /* there has to be one */
    CHECK_CODE(ferry_volumes_open("d/v.tar", &prompt, &v, &err), FERRY_EFORMAT);
}

struct dirent *__real_readdir(DIR *list);
struct dirent *__wrap_readdir(DIR *list);

/* From here on a medium fails when so many names have been read; -1: it does not. */
static int names_left = -1;

struct dirent *__wrap_readdir(DIR *list)
{
    if (names_left == 0) {
        errno = EIO;
        return NULL;
    }
    names_left -= names_left > 0;
    return __real_readdir(list);
}

/* What is listed in part is not taken for all that is there. */
static void test_volume_set_unlisted_folder(void **state)
{
    struct ferry_volume_scan scan;
    FERRY_OWNED(ferry_volumes) v = NULL;
    struct ferry_err err;

    (void)state;
    make_set();
    unlink("d/v.tar.sha256");
    for (int names = 0; names < 5; names++) {
        names_left = names;
        CHECK_CODE(ferry_volumes_open("d/v.tar", NULL, &v, &err), FERRY_EIO);
        assert_string_equal(err.msg, "d/: cannot list: Input/output error");
    }
    names_left = 0;
    CHECK_CODE(ferry_volume_scan("v.tar", &scan, &err), FERRY_EIO);
    assert_string_equal(err.msg, ".: cannot list: Input/output error");
    names_left = -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_volume_set_open),
        cmocka_unit_test(test_volume_set_single),
        cmocka_unit_test(test_volume_set_read_from_threads),
        cmocka_unit_test(test_volume_set_many),
        cmocka_unit_test(test_volume_set_faults),
        cmocka_unit_test(test_volume_set_hole),
        cmocka_unit_test(test_volume_set_blame),
        cmocka_unit_test(test_volume_set_prompt),
        cmocka_unit_test(test_volume_set_unlisted_folder),
    };

    return cmocka_run_group_tests_name("volume_set", tests, enter, sample_leave_folder);
}
