#include "tests/support/sample.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "format/archive/layout.h"
#include "tests/support/check.h"

#define KEPT_MAX 65536

/* What sample_forget() frees. */
static char *kept[KEPT_MAX];
static size_t kept_count;

static char *keep(char *bytes)
{
    assert_non_null(bytes);
    assert_true(kept_count < KEPT_MAX);
    kept[kept_count++] = bytes;
    return bytes;
}

void sample_forget(void)
{
    while (kept_count > 0)
        free(kept[--kept_count]);
}

int sample_forget_group(void **state)
{
    (void)state;
    sample_forget();
    return 0;
}

const char *sample_format(const char *fmt, ...)
{
    char *text = NULL;
    va_list args;

    va_start(args, fmt);
    assert_true(vasprintf(&text, fmt, args) >= 0);
    va_end(args);
    return keep(text);
}

struct sample sample_blob(const char *media_type, const char *bytes, size_t len)
{
    struct sample sample = { .len = len, .media_type = media_type, .extra = "" };
    char *copy = keep(malloc(len + 1));
    struct ferry_err err;

    memcpy(copy, bytes, len);
    copy[len] = '\0';
    sample.bytes = copy;
    CHECK_OK(ferry_digest_of(FERRY_SHA256, bytes, len, &sample.digest, &err));
    return sample;
}

struct sample sample_text(const char *media_type, const char *text)
{
    return sample_blob(media_type, text, strlen(text));
}

struct sample sample_layer(size_t len, unsigned seed)
{
    FERRY_OWNED_MEM char *bytes = malloc(len + 1);
    uint32_t x = 2654435761u * (seed + 1);

    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++) {
        x = x * 1664525u + 1013904223u;
        bytes[i] = (char)(x >> 24);
    }
    return sample_blob("application/vnd.oci.image.layer.v1.tar", bytes, len);
}

const char *sample_descriptor(const struct sample *sample, const char *more)
{
    return sample_format("{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu%s%s}",
                         sample->media_type, sample->digest.text, sample->len, sample->extra, more);
}

static const char *list(const struct sample *samples, size_t count)
{
    FERRY_OWNED_BUF text; /* there may be thousands */
    struct ferry_err err;

    ferry_buf_init(&text, SIZE_MAX);
    for (size_t i = 0; i < count; i++)
        CHECK_OK(ferry_buf_print(&text, &err, "%s%s", i > 0 ? "," : "",
                                 sample_descriptor(&samples[i], "")));
    return count > 0 ? sample_format("%s", (char *)text.data) : "";
}

struct sample sample_manifest(struct sample config, const struct sample *layers, size_t count)
{
    return sample_text(FERRY_TYPE_OCI_MANIFEST,
                       sample_format("{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":%s,"
                                     "\"layers\":[%s]}",
                                     FERRY_TYPE_OCI_MANIFEST, sample_descriptor(&config, ""),
                                     list(layers, count)));
}

struct sample sample_index(const struct sample *children, size_t count)
{
    return sample_text(FERRY_TYPE_OCI_INDEX,
                       sample_format("{\"schemaVersion\":2,\"mediaType\":\"%s\","
                                     "\"manifests\":[%s]}",
                                     FERRY_TYPE_OCI_INDEX, list(children, count)));
}

struct sample sample_platform(struct sample child, const char *os, const char *architecture)
{
    child.extra = sample_format("%s,\"platform\":{\"os\":\"%s\",\"architecture\":\"%s\"}",
                                child.extra, os, architecture);
    return child;
}

struct sample sample_index_json(const struct sample *roots, const char *const *names, size_t count)
{
    const char *text = "";

    for (size_t i = 0; i < count; i++) {
        const char *note = names[i] ? sample_format(",\"annotations\":{"
                                                    "\"io.containerd.image.name\":\"%s\"}",
                                                    names[i])
                                    : "";

        text = sample_format("%s%s%s", text, i > 0 ? "," : "", sample_descriptor(&roots[i], note));
    }
    return sample_text(FERRY_TYPE_OCI_INDEX,
                       sample_format("{\"schemaVersion\":2,\"manifests\":[%s]}", text));
}

/* --- graphs --------------------------------------------------------------------------------- */

struct ferry_node *sample_add_image(struct ferry_graph *graph, const char *name,
                                    const struct sample *root)
{
    struct ferry_descriptor descriptor;
    struct ferry_reference ref;
    struct ferry_err err;

    CHECK_OK(ferry_reference_parse(sample_format("host.example/%s", name), &ref, &err));
    CHECK_OK(ferry_descriptor_init(&descriptor, root->media_type, &root->digest, (int64_t)root->len,
                                   &err));
    CHECK_OK(ferry_graph_add_image(graph, &ref, &descriptor, &err));
    ferry_descriptor_release(&descriptor);
    return graph->images[graph->image_count - 1].root;
}

struct ferry_node *sample_find(const struct ferry_graph *graph, const struct sample *sample)
{
    return ferry_graph_find(graph, &sample->digest);
}

int sample_supply(struct ferry_graph *graph, const struct sample *sample, struct ferry_err *err)
{
    FERRY_OWNED_BUF bytes;

    ferry_buf_init(&bytes, sample->len + 1);
    FERRY_TRY(ferry_buf_append(&bytes, sample->bytes, sample->len, err));
    return ferry_graph_supply(graph, sample_find(graph, sample), &bytes, err);
}

/* --- archives ------------------------------------------------------------------------------- */

void sample_put(struct sample_tar *tar, const char *name, const char *text)
{
    assert_true(tar->count < SAMPLE_ENTRIES_MAX);
    tar->entries[tar->count++] = (struct sample_entry){ name, text, strlen(text), 0, NULL };
}

void sample_put_blob(struct sample_tar *tar, const struct sample *blob)
{
    char name[FERRY_BLOB_NAME_MAX];

    assert_true(tar->count < SAMPLE_ENTRIES_MAX);
    ferry_layout_blob_name(&blob->digest, name);
    tar->entries[tar->count++] = (struct sample_entry){ sample_format("%s", name), blob->bytes,
                                                        blob->len, 0, NULL };
}

void sample_put_head(struct sample_tar *tar, const struct sample *index_json)
{
    sample_put(tar, FERRY_LAYOUT_NAME, FERRY_LAYOUT_TEXT);
    sample_put(tar, FERRY_INDEX_NAME, index_json->bytes);
}

static void put_entry(struct archive *out, const struct sample_entry *e)
{
    struct archive_entry *entry = archive_entry_new();

    archive_entry_set_pathname(entry, e->name);
    archive_entry_set_filetype(entry, e->type ? (unsigned)e->type : AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, e->link ? 0 : (la_int64_t)e->len);
    if (e->link && e->type == AE_IFLNK)
        archive_entry_set_symlink(entry, e->link);
    else if (e->link)
        archive_entry_set_hardlink(entry, e->link);
    if (archive_write_header(out, entry) != ARCHIVE_OK)
        fail_msg("%s: %s", e->name, archive_error_string(out));
    archive_entry_free(entry);
    if (e->len > 0 && !e->link)
        assert_int_equal(archive_write_data(out, e->bytes, e->len), e->len);
}

char *sample_tar_bytes(const struct sample_tar *tar, size_t *len)
{
    static int (*const dialects[])(
        struct archive *) = { [SAMPLE_GNUTAR] = archive_write_set_format_gnutar,
                              [SAMPLE_USTAR] = archive_write_set_format_ustar,
                              [SAMPLE_PAX] = archive_write_set_format_pax };
    struct archive *out = archive_write_new();
    size_t room = 8192;
    char *bytes;

    for (size_t i = 0; i < tar->count; i++)
        room += tar->entries[i].len + 8192;
    bytes = malloc(room);
    assert_non_null(bytes);
    assert_int_equal(dialects[tar->dialect](out), ARCHIVE_OK);
    if (tar->filter == SAMPLE_GZIP)
        assert_int_equal(archive_write_add_filter_gzip(out), ARCHIVE_OK);
    if (tar->filter == SAMPLE_ZSTD)
        assert_int_equal(archive_write_add_filter_zstd(out), ARCHIVE_OK);
    assert_int_equal(archive_write_set_bytes_per_block(out, 512), ARCHIVE_OK);
    assert_int_equal(archive_write_set_bytes_in_last_block(out, 1), ARCHIVE_OK);
    assert_int_equal(archive_write_open_memory(out, bytes, room, len), ARCHIVE_OK);
    for (size_t i = 0; i < tar->count; i++)
        put_entry(out, &tar->entries[i]);
    assert_int_equal(archive_write_close(out), ARCHIVE_OK);
    archive_write_free(out);
    return bytes;
}

void sample_tar_file(const struct sample_tar *tar, const char *path)
{
    size_t len;
    FERRY_OWNED_MEM char *bytes = sample_tar_bytes(tar, &len);

    sample_write(path, bytes, len);
}

void sample_tar_folder(const struct sample_tar *tar, const char *path)
{
    static const char *const folders[] = { "", "/blobs", "/blobs/sha256", "/blobs/sha512" };

    for (size_t i = 0; i < FERRY_COUNT(folders); i++)
        if (mkdir(sample_format("%s%s", path, folders[i]), 0755) < 0)
            assert_int_equal(errno, EEXIST);
    for (size_t i = 0; i < tar->count; i++)
        sample_write(sample_format("%s/%s", path, tar->entries[i].name), tar->entries[i].bytes,
                     tar->entries[i].len);
}

/* --- files ---------------------------------------------------------------------------------- */

void sample_write(const char *path, const void *bytes, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    if (fd < 0)
        fail_msg("%s: %s", path, strerror(errno));
    assert_int_equal(write(fd, bytes, len), len);
    close(fd);
}

char *sample_read(const char *path, size_t *len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    char *bytes;

    if (fd < 0 || fstat(fd, &st) < 0)
        fail_msg("%s: %s", path, strerror(errno));
    *len = (size_t)st.st_size;
    bytes = malloc(*len + 1);
    assert_non_null(bytes);
    assert_int_equal(read(fd, bytes, *len), *len);
    bytes[*len] = '\0';
    close(fd);
    return bytes;
}

static struct {
    const char *path;
    const char *bytes;
    size_t len;
    atomic_bool over; /* whoever was to open it will not */
    pthread_t thread;
} pipe_job;

static void *write_pipe(void *arg)
{
    const struct timespec pause = { .tv_nsec = 200000 };
    ssize_t n = 1;
    int fd;

    (void)arg;
    while ((fd = open(pipe_job.path, O_WRONLY | O_NONBLOCK | O_CLOEXEC)) < 0 && !pipe_job.over)
        nanosleep(&pause, NULL);
    if (fd < 0)
        return NULL;
    fcntl(fd, F_SETFL, 0);
    while (pipe_job.len > 0 && (n = write(fd, pipe_job.bytes, pipe_job.len)) > 0) {
        pipe_job.bytes += n;
        pipe_job.len -= (size_t)n;
    }
    close(fd);
    return NULL;
}

void sample_pipe_begin(const char *path, const void *bytes, size_t len)
{
    signal(SIGPIPE, SIG_IGN);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    pipe_job.path = path;
    pipe_job.bytes = bytes;
    pipe_job.len = len;
    pipe_job.over = false;
    assert_int_equal(pthread_create(&pipe_job.thread, NULL, write_pipe, NULL), 0);
}

bool sample_pipe_end(void)
{
    pipe_job.over = true;
    assert_int_equal(pthread_join(pipe_job.thread, NULL), 0);
    return pipe_job.len == 0;
}

static char folder[64];

int sample_enter_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/ociferry-test-XXXXXX");
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

int sample_leave_folder(void **state)
{
    (void)state;
    sample_forget();
    return chdir("/") == 0 && nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : -1;
}

int sample_writer(const char *path, enum ferry_existing existing, struct ferry_writer **out,
                  struct ferry_err *err)
{
    const struct ferry_writer_options options = { .output = { path, existing } };

    return ferry_writer_open(&options, out, err);
}
