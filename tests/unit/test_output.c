#include "format/archive/output.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/archive/volume_set.h"
#include "tests/support/check.h"
#include "tests/support/sample.h"

#define SIZE 100000 /* of a volume */

static const struct ferry_output_options fresh = { .path = "v.tar", .volume_size = SIZE };
static const struct ferry_output_options replacing = { .path = "v.tar",
                                                       .existing = FERRY_EXISTING_REPLACE,
                                                       .volume_size = SIZE };

/* `len` bytes that are the beginning of one and the same run. */
static struct sample content(size_t len)
{
    return sample_layer(len, 42);
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static int write_all(const struct ferry_output_options *options, size_t len, struct ferry_err *err)
{
    FERRY_OWNED(ferry_output) o = NULL;
    struct sample all = content(len);

    FERRY_TRY(ferry_output_open(options, &o, err));
    for (size_t at = 0; at < len; at += 7001) /* gathered, and over the ends of volumes */
        FERRY_TRY(ferry_output_write(o, all.bytes + at, len - at < 7001 ? len - at : 7001, err));
    return ferry_output_commit(o, err);
}

/* The volumes have these bytes, and the sums file says so. */
static void check_set(size_t len)
{
    FERRY_OWNED_SUMS sums = { 0 };
    struct sample all = content(len);
    struct ferry_volume_scan scan;
    struct ferry_err err;
    size_t at = 0;

    CHECK_OK(ferry_volume_sums_read("v.tar.sha256", "v.tar", &sums, &err));
    CHECK_OK(ferry_volume_scan("v.tar", &scan, &err));
    assert_int_equal(sums.count, (len + SIZE - 1) / SIZE);
    assert_int_equal(scan.end, sums.count);
    for (size_t i = 0; i < sums.count; i++) {
        char path[32], suffix[FERRY_VOLUME_TEXT_MAX];
        struct ferry_digest digest;
        FERRY_OWNED_MEM char *bytes = NULL;
        size_t found;

        snprintf(path, sizeof(path), "v.tar%s", ferry_volume_suffix(i, suffix));
        bytes = sample_read(path, &found);
        assert_int_equal(found, i + 1 < sums.count ? SIZE : len - at);
        assert_memory_equal(bytes, all.bytes + at, found);
        assert_int_equal(sums.items[i].size, found);
        CHECK_OK(ferry_digest_of(FERRY_SHA256, bytes, found, &digest, &err));
        assert_true(ferry_digest_equal(&digest, &sums.items[i].digest));
        strcat(path, ".partial");
        assert_false(exists(path));
        at += found;
    }
    assert_false(exists("v.tar.sha256.partial"));
}

static void remove_set(void)
{
    struct ferry_err ignored;
    FERRY_OWNED(ferry_output) o = NULL;

    (void)!write_all(&replacing, 1, &ignored);
    unlink("v.tar.001");
    unlink("v.tar.sha256");
}

/* [W60] Cut where it should be, whatever that meets. */
static void test_output_cuts(void **state)
{
    static const size_t lengths[] = {
        1, SIZE - 1, SIZE, SIZE + 1, 3 * SIZE, 3 * SIZE + 7, 12 * SIZE
    };
    struct ferry_err err;

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(lengths); i++) {
        CHECK_OK(write_all(&fresh, lengths[i], &err));
        check_set(lengths[i]);
        assert_int_equal(ferry_output_volumes((int64_t)lengths[i], SIZE),
                         (lengths[i] + SIZE - 1) / SIZE);
        remove_set();
    }
}

/* [W62] Nothing has a name before all is written, and nothing is left of what is given up. */
static void test_output_given_up(void **state)
{
    FERRY_OWNED(ferry_output) o = NULL;
    struct sample all = content(3 * SIZE);
    struct ferry_err err;

    (void)state;
    CHECK_OK(ferry_output_open(&fresh, &o, &err));
    CHECK_OK(ferry_output_write(o, all.bytes, all.len - 5, &err));
    assert_true(exists("v.tar.002.partial"));
    assert_false(exists("v.tar.001"));
    ferry_output_free(ferry_steal(&o));
    assert_false(exists("v.tar.001.partial"));
    assert_false(exists("v.tar.002.partial"));
    assert_false(exists("v.tar.003.partial"));
}

/* [W63] What is there is refused, or replaced with all that belongs to it. */
static void test_output_existing(void **state)
{
    static const char *const names[] = { "v.tar.sha256", "v.tar.001", "v.tar.007", "v.tar.1000" };
    struct ferry_err err = { 0 };

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(names); i++) {
        sample_write(names[i], "old", 3);
        CHECK_CODE(write_all(&fresh, SIZE, &err), FERRY_EIO);
        assert_non_null(strstr(err.msg, names[i]));
        assert_non_null(strstr(err.msg, "--force"));
        assert_false(exists("v.tar.001.partial"));
        unlink(names[i]);
    }
    for (size_t i = 0; i < FERRY_COUNT(names); i++)
        sample_write(names[i], "old", 3);
    CHECK_OK(write_all(&replacing, 2 * SIZE, &err));
    check_set(2 * SIZE);
    CHECK_OK(write_all(&replacing, 5 * SIZE, &err));
    check_set(5 * SIZE);
    CHECK_OK(write_all(&replacing, SIZE, &err));
    check_set(SIZE);
    sample_write("v.tar", "not one of them", 15);
    CHECK_OK(write_all(&replacing, SIZE, &err));
    assert_true(exists("v.tar"));
    unlink("v.tar");
    remove_set();
}

/* A name that turns up meanwhile is kept, and then none is taken. */
static void test_output_name_is_taken(void **state)
{
    FERRY_OWNED(ferry_output) o = NULL;
    struct sample all = content(3 * SIZE);
    struct ferry_err err = { 0 };

    (void)state;
    CHECK_OK(ferry_output_open(&fresh, &o, &err));
    CHECK_OK(ferry_output_write(o, all.bytes, all.len, &err));
    ferry_output_keep(o);
    sample_write("v.tar.003", "late", 4);
    CHECK_CODE(ferry_output_commit(o, &err), FERRY_EIO);
    ferry_output_free(ferry_steal(&o));
    assert_false(exists("v.tar.001"));
    assert_false(exists("v.tar.sha256"));
    assert_false(exists("v.tar.sha256.partial"));
    unlink("v.tar.003");

    CHECK_OK(ferry_output_open(&fresh, &o, &err)); /* and nothing is lost */
    assert_int_equal(ferry_volumes_size(ferry_output_found(o)), all.len);
    ferry_output_continue(o, 0, (int64_t)all.len);
    CHECK_OK(ferry_output_write(o, all.bytes, all.len, &err));
    CHECK_OK(ferry_output_commit(o, &err));
    check_set(all.len);
    ferry_output_free(ferry_steal(&o));
    remove_set();
}

static const struct {
    size_t there;         /* bytes that were written before */
    int64_t offset, kept; /* how it is gone on with */
    bool is_read;         /* what is there was read in between, as by a scan */
} resume_rows[] = {
    { 50, 0, 50, true },
    { 50, 20, 50, false },
    { SIZE, SIZE, SIZE, true },
    { SIZE, SIZE - 1, SIZE, true },
    { SIZE + 10, 10, SIZE + 10, true },
    { SIZE + 10, SIZE + 10, SIZE + 10, false },
    { 3 * SIZE + 500, 3 * SIZE, 3 * SIZE + 500, true },
    { 3 * SIZE + 500, 3 * SIZE + 500, 3 * SIZE + 500, true },
    { 3 * SIZE + 500, 2 * SIZE + 77, 3 * SIZE + 1, false },
    { 3 * SIZE + 500, 2 * SIZE, 2 * SIZE, true }, /* less than is there */
    { 3 * SIZE + 500, 40, 50, true },
    { 3 * SIZE + 500, 0, 0, false },
};

static void read_found(struct ferry_volumes *found)
{
    uint8_t chunk[5000];
    struct ferry_err err;
    size_t got = 1;

    for (int64_t at = 0; got > 0; at += (int64_t)got)
        CHECK_OK(ferry_volumes_read_at(found, at, chunk, sizeof(chunk), &got, &err));
}

/* Volumes and sums are those of one that was never interrupted. */
static void test_output_goes_on(void **state)
{
    struct sample all = content(4 * SIZE + 3);
    struct ferry_err err;

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(resume_rows); i++) {
        FERRY_OWNED(ferry_output) o = NULL;
        size_t offset = (size_t)resume_rows[i].offset;

        CHECK_OK(ferry_output_open(&fresh, &o, &err));
        ferry_output_keep(o);
        CHECK_OK(ferry_output_write(o, all.bytes, resume_rows[i].there, &err));
        CHECK_OK(
            ferry_output_write(o, all.bytes, (size_t)1 << 17, &err)); /* so it is not gathered */
        ferry_output_drop(o, (int64_t)resume_rows[i].there);
        ferry_output_free(ferry_steal(&o));

        CHECK_OK(ferry_output_open(&fresh, &o, &err));
        assert_int_equal(ferry_volumes_size(ferry_output_found(o)), resume_rows[i].there);
        if (resume_rows[i].is_read)
            read_found(ferry_output_found(o));
        ferry_output_continue(o, resume_rows[i].offset, resume_rows[i].kept);
        CHECK_OK(ferry_output_write(o, all.bytes + offset, all.len - offset, &err));
        CHECK_OK(ferry_output_commit(o, &err));
        check_set(all.len);
        remove_set();
    }
}

/* Of volumes of another size, the first is the beginning all the same. */
static void test_output_other_volume_size(void **state)
{
    static const int64_t sizes[] = { SIZE / 3, SIZE - 1, SIZE + 1, 4 * SIZE };
    struct sample all = content(2 * SIZE + 3);
    struct ferry_err err;

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(sizes); i++) {
        const struct ferry_output_options other = { .path = "v.tar", .volume_size = sizes[i] };
        FERRY_OWNED(ferry_output) o = NULL;
        int64_t found;

        CHECK_OK(ferry_output_open(&other, &o, &err));
        ferry_output_keep(o);
        CHECK_OK(ferry_output_write(o, all.bytes, all.len, &err));
        CHECK_OK(ferry_output_write(o, all.bytes, (size_t)1 << 17, &err));
        ferry_output_free(ferry_steal(&o));

        CHECK_OK(ferry_output_open(&fresh, &o, &err));
        found = ferry_volumes_size(ferry_output_found(o));
        assert_int_equal(found, sizes[i] < SIZE ? sizes[i] : SIZE);
        ferry_output_continue(o, found, found);
        CHECK_OK(ferry_output_write(o, all.bytes + found, all.len - (size_t)found, &err));
        CHECK_OK(ferry_output_commit(o, &err));
        check_set(all.len);
        remove_set();
        for (int k = 1; k < 12; k++) { /* those behind a gap are not ours to remove */
            char path[32];

            snprintf(path, sizeof(path), "v.tar.%03d.partial", k);
            unlink(path);
        }
    }
}

/* Written over from the first byte, while what lies further back is read. */
static void test_output_overwrites(void **state)
{
    FERRY_OWNED(ferry_output) o = NULL;
    struct sample all = content(2 * SIZE + 50);
    char back[100];
    struct ferry_err err;
    size_t got;

    (void)state;
    CHECK_OK(ferry_output_open(&fresh, &o, &err));
    ferry_output_keep(o);
    CHECK_OK(ferry_output_write(o, content(5 * SIZE).bytes, 5 * SIZE, &err));
    ferry_output_free(ferry_steal(&o));

    CHECK_OK(ferry_output_open(&fresh, &o, &err));
    ferry_output_overwrite(o);
    CHECK_OK(ferry_output_write(o, all.bytes, SIZE + SIZE / 2, &err));
    CHECK_OK(
        ferry_volumes_read_at(ferry_output_found(o), 3 * SIZE + 5, back, sizeof(back), &got, &err));
    assert_int_equal(got, sizeof(back));
    assert_memory_equal(back, content(5 * SIZE).bytes + 3 * SIZE + 5, sizeof(back));
    CHECK_OK(ferry_output_write(o, all.bytes + SIZE + SIZE / 2, all.len - SIZE - SIZE / 2, &err));
    CHECK_OK(ferry_output_commit(o, &err));
    check_set(all.len);
    assert_false(exists("v.tar.004.partial"));
    ferry_output_free(ferry_steal(&o));
    remove_set();
}

/* A file of a volume's partial name that was left behind a gap has no part in what is written. */
static void test_output_stale_partial(void **state)
{
    struct ferry_err err;

    (void)state;
    sample_write("v.tar.003.partial", content(SIZE).bytes, SIZE);
    CHECK_OK(write_all(&fresh, 2 * SIZE + 10, &err));
    check_set(2 * SIZE + 10);
    remove_set();
}

/* Killed while the volumes took their names: they are taken back, and gone on with. */
static void test_output_killed_at_the_end(void **state)
{
    struct sample all = content(3 * SIZE);
    struct ferry_err err = { 0 };

    (void)state;
    for (int named = 1; named <= 3; named++) {
        FERRY_OWNED(ferry_output) o = NULL;

        CHECK_OK(write_all(&fresh, all.len, &err));
        assert_int_equal(rename("v.tar.sha256", "v.tar.sha256.partial"), 0);
        if (named < 3)
            assert_int_equal(rename("v.tar.003", "v.tar.003.partial"), 0);
        if (named < 2)
            assert_int_equal(rename("v.tar.002", "v.tar.002.partial"), 0);
        CHECK_OK(ferry_output_open(&fresh, &o, &err));
        assert_int_equal(ferry_volumes_size(ferry_output_found(o)), all.len);
        assert_false(exists("v.tar.001"));
        ferry_output_continue(o, (int64_t)all.len, (int64_t)all.len);
        CHECK_OK(ferry_output_commit(o, &err));
        check_set(all.len);
        remove_set();
    }
    CHECK_OK(write_all(&fresh, all.len, &err)); /* nothing of a set that only lost its sums file */
    unlink("v.tar.sha256");
    CHECK_CODE(write_all(&fresh, all.len, &err), FERRY_EIO);
    assert_true(exists("v.tar.001"));
    remove_set();
}

static void test_output_refuses(void **state)
{
    const struct ferry_output_options stream = { .path = "-", .volume_size = SIZE };
    const struct ferry_output_options device = { .path = "/dev/null", .volume_size = SIZE };
    const struct ferry_output_options line = { .path = "a\nb", .volume_size = SIZE };
    FERRY_OWNED(ferry_output) o = NULL;
    FERRY_OWNED(ferry_output) second = NULL;
    struct ferry_err err = { 0 };

    (void)state;
    CHECK_CODE(ferry_output_open(&stream, &o, &err), FERRY_EUSAGE);
    CHECK_CODE(ferry_output_open(&device, &o, &err), FERRY_EUSAGE);
    CHECK_CODE(ferry_output_open(&line, &o, &err), FERRY_EUSAGE);
    CHECK_OK(ferry_output_open(&fresh, &o, &err));
    CHECK_CODE(ferry_output_open(&fresh, &second, &err), FERRY_EIO);
    assert_non_null(strstr(err.msg, "another export"));
    assert_true(exists("v.tar.001.partial"));
}

/* A medium that is full at the third volume: which, and what is there is kept. */
static void test_output_full(void **state)
{
    FERRY_OWNED(ferry_output) o = NULL;
    struct sample all = content(4 * SIZE);
    struct ferry_err err = { 0 };
    struct rlimit before, small;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    CHECK_OK(ferry_output_open(&fresh, &o, &err));
    ferry_output_keep(o);
    CHECK_OK(ferry_output_write(o, all.bytes, 2 * SIZE + SIZE / 2, &err));
    small = before;
    small.rlim_cur = SIZE * 3 / 4;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    CHECK_CODE(ferry_output_write(o, all.bytes + 2 * SIZE + SIZE / 2, SIZE + SIZE / 2, &err),
               FERRY_EIO);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_non_null(strstr(err.msg, "v.tar.003.partial"));
    ferry_output_free(ferry_steal(&o));
    CHECK_OK(ferry_output_open(&fresh, &o, &err));
    assert_int_equal(ferry_volumes_size(ferry_output_found(o)), 2 * SIZE + SIZE * 3 / 4);
    ferry_output_continue(o, 0, 2 * SIZE + SIZE * 3 / 4);
    CHECK_OK(ferry_output_write(o, all.bytes, all.len, &err));
    CHECK_OK(ferry_output_commit(o, &err));
    check_set(all.len);
    ferry_output_free(ferry_steal(&o));
    remove_set();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output_cuts),
        cmocka_unit_test(test_output_given_up),
        cmocka_unit_test(test_output_existing),
        cmocka_unit_test(test_output_name_is_taken),
        cmocka_unit_test(test_output_goes_on),
        cmocka_unit_test(test_output_other_volume_size),
        cmocka_unit_test(test_output_overwrites),
        cmocka_unit_test(test_output_stale_partial),
        cmocka_unit_test(test_output_killed_at_the_end),
        cmocka_unit_test(test_output_refuses),
        cmocka_unit_test(test_output_full),
    };

    return cmocka_run_group_tests_name("output", tests, sample_enter_folder, sample_leave_folder);
}
