#include "format/archive/archive_writer.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/archive/layout.h"
#include "format/core/blob_file.h"
#include "tests/support/check.h"
#include "tests/support/sample.h"

#define BLOCK 512
#define GIB ((int64_t)1 << 30)
/* mode, uid, gid, size, mtime, each with its NUL */
#define MODE_TO_MTIME                                                                              \
    "0000644\0"                                                                                    \
    "0000000\0"                                                                                    \
    "0000000\0"                                                                                    \
    "00000000036\0"                                                                                \
    "00000000000\0"

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

/* The same archive each time: files around a block, a large one, a name that needs two headers. */
static int write_archive(const char *path, enum ferry_existing existing, struct ferry_err *err)
{
    FERRY_OWNED(ferry_writer) w = NULL;
    struct sample large = sample_layer((size_t)3 * 1024 * 1024 + 1, 1);
    struct ferry_digest long_one;
    char name[FERRY_BLOB_NAME_MAX];

    FERRY_TRY(ferry_digest_of(FERRY_SHA512, "abc", 3, &long_one, err));
    FERRY_TRY(sample_writer(path, existing, &w, err));
    FERRY_TRY(ferry_writer_put(w, "oci-layout", FERRY_LAYOUT_TEXT, strlen(FERRY_LAYOUT_TEXT), err));
    FERRY_TRY(ferry_writer_put(w, "empty", "", 0, err));
    FERRY_TRY(ferry_writer_put(w, "block", large.bytes, BLOCK, err));
    FERRY_TRY(ferry_writer_put(w, "block_and_one", large.bytes, BLOCK + 1, err));
    FERRY_TRY(ferry_writer_put(w, "large", large.bytes, large.len, err));
    ferry_layout_blob_name(&long_one, name);
    FERRY_TRY(ferry_writer_put(w, name, "abc", 3, err));
    return ferry_writer_commit(w, err);
}

static void test_archive_writer_is_reproducible(void **state)
{
    FERRY_OWNED_MEM char *a = NULL;
    FERRY_OWNED_MEM char *b = NULL;
    size_t a_len, b_len;
    struct ferry_err err;

    (void)state;
    CHECK_OK(write_archive("a.tar", FERRY_EXISTING_KEEP, &err));
    umask(umask(0) ^ 077); /* neither that nor the clock is in it */
    CHECK_OK(write_archive("b.tar", FERRY_EXISTING_KEEP, &err));
    umask(umask(0) ^ 077);
    a = sample_read("a.tar", &a_len);
    b = sample_read("b.tar", &b_len);
    assert_int_equal(a_len, b_len);
    assert_memory_equal(a, b, a_len);
    /* nothing of the user, the host or the clock */
    assert_memory_equal(a + 100, MODE_TO_MTIME, 47);
    assert_int_equal(a[265], 0);
    assert_int_equal(a[297], 0);
    assert_false(exists("a.tar.partial"));
}

static void test_archive_writer_costs_are_exact(void **state)
{
    static const int64_t sizes[] = { 0, 1, 511, 512, 513, 100000 };
    struct ferry_err err;

    (void)state;
    for (int algorithm = FERRY_SHA256; algorithm <= FERRY_SHA512; algorithm++) {
        FERRY_OWNED(ferry_writer) w = NULL;
        int64_t want = 0;
        struct stat st;

        CHECK_OK(sample_writer("cost.tar", FERRY_EXISTING_REPLACE, &w, &err));
        for (size_t i = 0; i < FERRY_COUNT(sizes); i++) {
            struct sample blob = sample_layer((size_t)sizes[i], 7);
            char name[FERRY_BLOB_NAME_MAX];
            struct ferry_digest digest;

            CHECK_OK(ferry_digest_of((enum ferry_algorithm)algorithm, blob.bytes, blob.len, &digest,
                                     &err));
            ferry_layout_blob_name(&digest, name);
            CHECK_OK(ferry_writer_put(w, name, blob.bytes, blob.len, &err));
            want += ferry_writer_entry_cost(&digest, sizes[i]);
            assert_int_equal(ferry_writer_written(w), want);
            CHECK_OK(ferry_writer_put(w, "short", blob.bytes, blob.len, &err));
            want += ferry_writer_file_cost(sizes[i]);
            assert_int_equal(ferry_writer_written(w), want);
        }
        CHECK_OK(ferry_writer_commit(w, &err));
        want += FERRY_WRITER_END;
        assert_int_equal(ferry_writer_written(w), want);
        assert_int_equal(stat("cost.tar", &st), 0);
        assert_int_equal(st.st_size, want);
    }
}

static void test_archive_writer_existing_file(void **state)
{
    FERRY_OWNED_MEM char *bytes = NULL;
    size_t len;
    struct ferry_err err = { 0 };

    (void)state;
    sample_write("old.tar", "old", 3);
    CHECK_CODE(write_archive("old.tar", FERRY_EXISTING_KEEP, &err), FERRY_EIO);
    assert_non_null(strstr(err.msg, "--force"));
    assert_false(exists("old.tar.partial"));
    bytes = sample_read("old.tar", &len);
    assert_string_equal(bytes, "old");
    CHECK_OK(write_archive("old.tar", FERRY_EXISTING_REPLACE, &err));
    free(ferry_steal(&bytes));
    bytes = sample_read("old.tar", &len);
    assert_string_equal(bytes, "oci-layout");
}

/* The old archive stays until the new one is whole; and one that came meanwhile is kept. */
static void test_archive_writer_replaces_at_the_end(void **state)
{
    FERRY_OWNED(ferry_writer) w = NULL;
    FERRY_OWNED_MEM char *bytes = NULL;
    size_t len;
    struct ferry_err err = { 0 };

    (void)state;
    sample_write("kept.tar", "old", 3);
    CHECK_OK(sample_writer("kept.tar", FERRY_EXISTING_REPLACE, &w, &err));
    CHECK_OK(ferry_writer_put(w, "x", "new", 3, &err));
    assert_true(exists("kept.tar.partial"));
    ferry_writer_free(ferry_steal(&w));
    assert_false(exists("kept.tar.partial"));

    CHECK_OK(sample_writer("late.tar", FERRY_EXISTING_KEEP, &w, &err));
    sample_write("late.tar", "old", 3);
    CHECK_CODE(ferry_writer_commit(w, &err), FERRY_EIO);
    ferry_writer_free(ferry_steal(&w));
    assert_false(exists("late.tar.partial"));
    bytes = sample_read("late.tar", &len);
    assert_string_equal(bytes, "old");
}

static void test_archive_writer_partial_of_others(void **state)
{
    FERRY_OWNED(ferry_writer) w = NULL;
    FERRY_OWNED(ferry_writer) second = NULL;
    FERRY_OWNED_MEM char *bytes = NULL;
    size_t len;
    struct ferry_err err = { 0 };

    (void)state;
    /* One that somebody is writing is left alone, also when the second writer ends. */
    CHECK_OK(sample_writer("two.tar", FERRY_EXISTING_KEEP, &w, &err));
    CHECK_OK(ferry_writer_put(w, "x", "first", 5, &err));
    CHECK_CODE(sample_writer("two.tar", FERRY_EXISTING_KEEP, &second, &err), FERRY_EIO);
    assert_non_null(strstr(err.msg, "another export"));
    assert_true(exists("two.tar.partial"));
    CHECK_OK(ferry_writer_commit(w, &err));
    assert_true(exists("two.tar"));

    /* One that was left behind is begun again. */
    sample_write("left.tar.partial", "left behind", 11);
    CHECK_OK(write_archive("left.tar", FERRY_EXISTING_KEEP, &err));
    assert_false(exists("left.tar.partial"));

    /* A link there is not followed. */
    sample_write("victim", "precious", 8);
    assert_int_equal(symlink("victim", "link.tar.partial"), 0);
    CHECK_CODE(write_archive("link.tar", FERRY_EXISTING_KEEP, &err), FERRY_EIO);
    bytes = sample_read("victim", &len);
    assert_string_equal(bytes, "precious");
}

static void test_archive_writer_refuses(void **state)
{
    FERRY_OWNED(ferry_writer) w = NULL;
    struct ferry_err err = { 0 };
    int other = posix_openpt(O_RDWR | O_NOCTTY), before = dup(STDOUT_FILENO), terminal, rc;

    (void)state;
    CHECK_CODE(sample_writer(".", FERRY_EXISTING_REPLACE, &w, &err), FERRY_EIO);
    CHECK_CODE(sample_writer("no/such/folder.tar", FERRY_EXISTING_KEEP, &w, &err), FERRY_EIO);
    assert_non_null(strstr(err.msg, "no/such/folder.tar"));
    assert_int_equal(grantpt(other) | unlockpt(other), 0);
    terminal = open(ptsname(other), O_RDWR | O_NOCTTY | O_CLOEXEC);
    fflush(stdout);
    assert_int_equal(dup2(terminal, STDOUT_FILENO), STDOUT_FILENO);
    rc = sample_writer("-", FERRY_EXISTING_KEEP, &w, &err);
    assert_int_equal(dup2(before, STDOUT_FILENO), STDOUT_FILENO);
    close(terminal);
    close(other);
    close(before);
    CHECK_CODE(rc, FERRY_EUSAGE);
}

/* An entry takes as many bytes as it was announced with. */
static void test_archive_writer_sizes(void **state)
{
    static const size_t sent[] = { 0, 4, 6 };
    struct ferry_err err = { 0 };

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(sent); i++) {
        FERRY_OWNED(ferry_writer) w = NULL;
        FERRY_OWNED(ferry_source) source = NULL;
        FERRY_OWNED(ferry_sink) sink = NULL;

        CHECK_OK(sample_writer("size.tar", FERRY_EXISTING_KEEP, &w, &err));
        CHECK_OK(ferry_writer_entry(w, "x", 5, &sink, &err));
        CHECK_OK(ferry_source_memory("abcdef", sent[i], &source, &err));
        CHECK_CODE(ferry_blob_copy(source, sink, &err), FERRY_EDIGEST);
        ferry_sink_free(ferry_steal(&sink));
        ferry_writer_free(ferry_steal(&w));
        assert_false(exists("size.tar"));
        assert_false(exists("size.tar.partial"));
    }
}

/* What arrives in a pipe; the writer is freed, or committed, by then. */
struct catcher {
    int fd;
    char bytes[512 * 1024];
    size_t len;
    pthread_t thread;
};

static void *catch_all(void *arg)
{
    struct catcher *c = arg;
    ssize_t n;

    while ((n = read(c->fd, c->bytes + c->len, sizeof(c->bytes) - c->len)) > 0)
        c->len += (size_t)n;
    close(c->fd);
    return NULL;
}

/* A writer to the stream "fifo", which the catcher reads. */
static struct ferry_writer *open_stream(struct catcher *c)
{
    struct ferry_writer *w = NULL;
    struct ferry_err err;

    unlink("fifo");
    assert_int_equal(mkfifo("fifo", 0600), 0);
    c->len = 0;
    c->fd = open("fifo", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(c->fd >= 0);
    CHECK_OK(sample_writer("fifo", FERRY_EXISTING_KEEP, &w, &err));
    assert_int_equal(fcntl(c->fd, F_SETFL, 0), 0);
    assert_int_equal(pthread_create(&c->thread, NULL, catch_all, c), 0);
    return w;
}

static bool ends_as_archive(const struct catcher *c)
{
    for (size_t i = 0; i < FERRY_WRITER_END; i++)
        if (c->len < FERRY_WRITER_END || c->bytes[c->len - 1 - i])
            return false;
    return true;
}

static void test_archive_writer_stream(void **state)
{
    FERRY_OWNED_MEM struct catcher *c = calloc(1, sizeof(*c));
    FERRY_OWNED(ferry_writer) w = NULL;
    FERRY_OWNED(ferry_sink) sink = NULL;
    char data[1024];
    struct ferry_err err;

    (void)state;
    memset(data, 'x', sizeof(data));
    w = open_stream(c);
    CHECK_OK(ferry_writer_put(w, "x", data, sizeof(data), &err));
    CHECK_OK(ferry_writer_commit(w, &err));
    ferry_writer_free(ferry_steal(&w));
    pthread_join(c->thread, NULL);
    assert_int_equal(c->len, 512 + 1024 + FERRY_WRITER_END);
    assert_true(ends_as_archive(c));

    w = open_stream(c); /* given up between entries */
    CHECK_OK(ferry_writer_put(w, "x", data, sizeof(data), &err));
    ferry_writer_free(ferry_steal(&w));
    pthread_join(c->thread, NULL);
    assert_false(ends_as_archive(c));

    w = open_stream(c); /* given up inside one */
    CHECK_OK(ferry_writer_entry(w, "x", 20000, &sink, &err));
    CHECK_OK(ferry_sink_write(sink, data, sizeof(data), &err));
    ferry_sink_free(ferry_steal(&sink));
    ferry_writer_free(ferry_steal(&w));
    pthread_join(c->thread, NULL);
    assert_true(c->len < 20000);
    assert_false(ends_as_archive(c));
    assert_true(exists("fifo")); /* not ours to remove */
}

static void test_archive_writer_failing_medium(void **state)
{
    FERRY_OWNED(ferry_writer) w = NULL;
    struct sample large = sample_layer((size_t)4 * 1024 * 1024, 1);
    struct ferry_err err = { 0 };
    struct rlimit before, small = { 0 };

    (void)state;
    CHECK_OK(sample_writer("/dev/full", FERRY_EXISTING_KEEP, &w, &err));
    CHECK_CODE(ferry_writer_put(w, "x", large.bytes, large.len, &err), FERRY_EIO);
    assert_non_null(strstr(err.msg, "/dev/full"));
    ferry_writer_free(ferry_steal(&w));

    CHECK_OK(sample_writer("/dev/full", FERRY_EXISTING_KEEP, &w, &err));
    CHECK_OK(ferry_writer_put(w, "x", "small", 5, &err)); /* waits to be written */
    CHECK_CODE(ferry_writer_commit(w, &err), FERRY_EIO);
    ferry_writer_free(ferry_steal(&w));

    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = (rlim_t)1024 * 1024;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    CHECK_OK(sample_writer("full.tar", FERRY_EXISTING_KEEP, &w, &err));
    CHECK_CODE(ferry_writer_put(w, "x", large.bytes, large.len, &err), FERRY_EIO);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_non_null(strstr(err.msg, "full.tar.partial"));
    ferry_writer_free(ferry_steal(&w));
    assert_false(exists("full.tar.partial"));
}

static const struct {
    const char *name;
    int64_t size;
    const char field[12]; /* of the header */
} size_rows[] = {
    { "1_mib", 1024 * 1024, { "00004000000" } },
    { "largest_octal", 8 * GIB - 1, { "77777777777" } },
    { "8_gib", 8 * GIB, { "\x80\0\0\0\0\0\0\x02\0\0\0\0" } },
    { "1_tib", 1024 * GIB, { "\x80\0\0\0\0\0\x01\0\0\0\0\0" } },
    { "largest", INT64_MAX / 4, { "\x80\0\0\0\x1f\xff\xff\xff\xff\xff\xff\xff" } },
};

/* No reader loses a size past 8 GiB; and giving up does not take the time of writing the rest. */
static void test_archive_writer_huge_entries(void **state)
{
    FERRY_OWNED_MEM struct catcher *c = calloc(1, sizeof(*c));
    struct sample some = sample_layer((size_t)256 * 1024, 1); /* enough to be written at once */

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(size_rows); i++) {
        FERRY_OWNED(ferry_writer) w = open_stream(c);
        FERRY_OWNED(ferry_sink) sink = NULL;
        struct ferry_err err;

        CHECK_OK(ferry_writer_entry(w, "x", size_rows[i].size, &sink, &err));
        CHECK_OK(ferry_sink_write(sink, some.bytes, some.len, &err));
        ferry_sink_free(ferry_steal(&sink));
        ferry_writer_free(ferry_steal(&w));
        pthread_join(c->thread, NULL);
        assert_int_equal(c->len, BLOCK + some.len);
        CHECK_ROW(size_rows[i].name, memcmp(c->bytes + 124, size_rows[i].field, 12) == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_archive_writer_is_reproducible),
        cmocka_unit_test(test_archive_writer_costs_are_exact),
        cmocka_unit_test(test_archive_writer_existing_file),
        cmocka_unit_test(test_archive_writer_replaces_at_the_end),
        cmocka_unit_test(test_archive_writer_partial_of_others),
        cmocka_unit_test(test_archive_writer_refuses),
        cmocka_unit_test(test_archive_writer_sizes),
        cmocka_unit_test(test_archive_writer_stream),
        cmocka_unit_test(test_archive_writer_failing_medium),
        cmocka_unit_test(test_archive_writer_huge_entries),
    };

    return cmocka_run_group_tests_name("archive_writer", tests, sample_enter_folder,
                                       sample_leave_folder);
}
