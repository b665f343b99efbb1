#include "format/archive/output.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/archive/output_files.h"
#include "format/core/blob_file.h"
#include "format/core/hasher.h"

/* Small pieces are gathered to this size before they are written. */
#define GATHER ((size_t)1024 * 1024)
/* Dirty pages are handed to the disk in steps of this size, so that the final fsync is short and a
 * slow stick does not fill the memory of the machine first. */
#define FLUSH_STEP ((int64_t)32 * 1024 * 1024)

struct ferry_output {
    char *name;                       /* as it was given */
    struct ferry_output_files *files; /* NULL for a stream */
    struct ferry_volumes *nothing;    /* what is found of a stream */
    int64_t volume_size;              /* INT64_MAX: not cut */
    int fd;                           /* that the next byte goes to; a stream's is owned */
    uint8_t *gathered;
    size_t gathered_len;
    int64_t written; /* where the next byte goes */
    int64_t end;     /* of the volume that `fd` is */
    int64_t flushed;
    int64_t kept;                  /* up to here, what was found need not be written again */
    bool begun;                    /* the first byte was written: what was found is cut to `kept` */
    bool overwrites;               /* ... but at the end */
    bool finished;                 /* all is on the medium */
    struct ferry_hasher *hash;     /* of the volume up to `written`; NULL where there are none */
    struct ferry_volume_sums sums; /* of those that are complete */
};

static bool is_cut(const struct ferry_output *o)
{
    return o->volume_size != INT64_MAX;
}

/* --- opening -------------------------------------------------------------------------------- */

/* 1 when `path` is there and neither file nor folder: a device or pipe, written to as it stands. */
static int is_special(const char *path, struct ferry_err *err)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return 0;
    if (S_ISDIR(st.st_mode))
        return ferry_fail(err, FERRY_EIO, "%s: is a folder: name a file in it", path);
    return S_ISREG(st.st_mode) ? 0 : 1;
}

static int open_stream(struct ferry_output *o, const char *path, struct ferry_err *err)
{
    bool is_stdout = strcmp(path, "-") == 0;

    if (is_cut(o))
        return ferry_fail(err, FERRY_EUSAGE, "%s: volumes are files: name one",
                          is_stdout ? "stdout" : path);
    if (is_stdout && isatty(STDOUT_FILENO))
        return ferry_fail(err, FERRY_EUSAGE,
                          "an archive is not written to a terminal: redirect stdout or name a file "
                          "with -o");
    o->fd = is_stdout ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, O_WRONLY | O_CLOEXEC);
    if (o->fd < 0)
        return ferry_fail(err, FERRY_EIO, "%s: cannot open: %s", path, strerror(errno));
    return ferry_volumes_new(path, &o->nothing, err);
}

static int open_output(struct ferry_output *o, const struct ferry_output_options *options,
                       struct ferry_err *err)
{
    int special = strcmp(options->path, "-") == 0 ? 1 : is_special(options->path, err);

    FERRY_TRY(special);
    if (special)
        return open_stream(o, options->path, err);
    if (is_cut(o))
        FERRY_TRY(ferry_hasher_new(FERRY_SHA256, &o->hash, err));
    FERRY_TRY(ferry_output_files_open(options, &o->files, err));
    /* Whoever reads what is there lets the sums of it be known. */
    return is_cut(o) ? ferry_volumes_watch(ferry_output_found(o), err) : 0;
}

int ferry_output_open(const struct ferry_output_options *options, struct ferry_output **out,
                      struct ferry_err *err)
{
    FERRY_OWNED(ferry_output) o = calloc(1, sizeof(*o));

    if (!o)
        return ferry_fail_memory(err);
    o->fd = -1;
    o->volume_size = options->volume_size > 0 ? options->volume_size : INT64_MAX;
    o->gathered = malloc(GATHER);
    if (!o->gathered)
        return ferry_fail_memory(err);
    FERRY_TRY(ferry_text(&o->name, err, "%s", options->path));
    FERRY_TRY(open_output(o, options, err));
    *out = ferry_steal(&o);
    return 0;
}

void ferry_output_free(struct ferry_output *output)
{
    if (!output)
        return;
    if (!output->files && output->fd >= 0)
        close(output->fd);
    ferry_output_files_free(output->files);
    ferry_volumes_free(output->nothing);
    ferry_hasher_free(output->hash);
    ferry_volume_sums_release(&output->sums);
    free(output->gathered);
    free(output->name);
    free(output);
}

struct ferry_volumes *ferry_output_found(const struct ferry_output *output)
{
    return output->files ? ferry_output_files_found(output->files) : output->nothing;
}

void ferry_output_continue(struct ferry_output *output, int64_t offset, int64_t kept)
{
    assert(!output->begun && offset <= kept &&
           kept <= ferry_volumes_size(ferry_output_found(output)));
    output->written = output->flushed = offset;
    output->kept = kept;
}

void ferry_output_overwrite(struct ferry_output *output)
{
    assert(!output->begun);
    output->overwrites = true;
}

bool ferry_output_keep(struct ferry_output *output)
{
    if (output->files)
        ferry_output_files_keep(output->files);
    return output->files != NULL;
}

void ferry_output_drop(struct ferry_output *output, int64_t offset)
{
    struct ferry_err ignored; /* then the next run finds out again */

    if (output->files)
        (void)!ferry_output_files_cut(output->files, offset, &ignored);
}

/* --- writing -------------------------------------------------------------------------------- */

/* A failure of the current file, by its name. */
static int wrap_file(const struct ferry_output *o, struct ferry_err *err)
{
    FERRY_OWNED_MEM char *name = NULL;
    struct ferry_err ignored;

    if (o->files && ferry_output_files_name(o->files, o->sums.count, &name, &ignored) < 0)
        return (int)err->code;
    return ferry_wrap(err, "%s", o->files ? name : o->name);
}

static int fail_file(const struct ferry_output *o, const char *what, struct ferry_err *err)
{
    ferry_fail(err, FERRY_EIO, "%s: %s", what, strerror(errno));
    return wrap_file(o, err);
}

static int64_t first_byte(const struct ferry_output *o)
{
    return is_cut(o) ? (int64_t)o->sums.count * o->volume_size : 0;
}

/* Turns to the file that the next byte belongs to. */
static int enter_file(struct ferry_output *o, struct ferry_err *err)
{
    int64_t first = first_byte(o);

    FERRY_TRY(ferry_output_files_get(o->files, o->sums.count, &o->fd, err));
    o->end = is_cut(o) ? first + o->volume_size : INT64_MAX;
    o->flushed = o->written;
    /* A file of that name that nothing of is kept may be left from another time. */
    if (!o->overwrites && first >= o->kept && ftruncate(o->fd, 0) < 0)
        return fail_file(o, "cannot write", err);
    return lseek(o->fd, o->written - first, SEEK_SET) < 0 ? fail_file(o, "cannot write", err) : 0;
}

/* The file is complete. */
static int finish_file(struct ferry_output *o, struct ferry_err *err)
{
    struct ferry_digest digest;

    if (fsync(o->fd) < 0)
        return fail_file(o, "cannot reach the medium", err);
    if (!is_cut(o))
        return 0;
    FERRY_TRY(ferry_hasher_final(o->hash, &digest, err));
    return ferry_volume_sums_add(&o->sums, o->written - first_byte(o), &digest, err);
}

/* The digest of what stands in the current volume before the first byte that will be written. */
static int hash_beginning(struct ferry_output *o, struct ferry_err *err)
{
    uint8_t chunk[16 * 1024];
    size_t got;

    for (int64_t at = first_byte(o); at < o->written; at += (int64_t)got) {
        int64_t left = o->written - at;

        FERRY_TRY(ferry_volumes_read_at(
            ferry_output_found(o), at, chunk,
            left < (int64_t)sizeof(chunk) ? (size_t)left : sizeof(chunk), &got, err));
        FERRY_TRY(ferry_hasher_update(o->hash, chunk, got, err));
    }
    return 0;
}

/* The volumes that are gone on with; whoever wrote them may have died before they were on the
 * medium. */
static int sum_up_found(struct ferry_output *o, struct ferry_err *err)
{
    struct ferry_volumes *found = ferry_output_found(o);

    while (first_byte(o) + o->volume_size < o->written) {
        FERRY_TRY(ferry_output_files_get(o->files, o->sums.count, &o->fd, err));
        if (fsync(o->fd) < 0)
            return fail_file(o, "cannot reach the medium", err);
        FERRY_TRY(ferry_volumes_hash(found, o->sums.count, err));
        FERRY_TRY(ferry_volume_sums_add(&o->sums, o->volume_size,
                                        &ferry_volumes_get(found, o->sums.count)->digest, err));
    }
    return hash_beginning(o, err);
}

/* Before the first byte: what was found is cut to what is kept. */
static int begin(struct ferry_output *o, struct ferry_err *err)
{
    o->begun = true;
    o->end = INT64_MAX;
    if (!o->files)
        return 0;
    if (!o->overwrites)
        FERRY_TRY(ferry_output_files_cut(o->files, o->kept, err));
    if (is_cut(o))
        FERRY_TRY(sum_up_found(o, err));
    return enter_file(o, err);
}

/* Passes over bytes that the file has already. Returns how many. */
static size_t skip_kept(struct ferry_output *o, size_t len)
{
    int64_t left = o->kept - o->written;
    size_t skipped = left <= 0 ? 0 : left < (int64_t)len ? (size_t)left : len;

    if (skipped > 0 && lseek(o->fd, (off_t)skipped, SEEK_CUR) < 0)
        return 0; /* then they are written again */
    return skipped;
}

/* Bytes that all belong to the current file. */
static int write_file(struct ferry_output *o, const uint8_t *bytes, size_t len,
                      struct ferry_err *err)
{
    size_t skipped = skip_kept(o, len);

    if (ferry_fd_write(o->fd, bytes + skipped, len - skipped, err) < 0)
        return wrap_file(o, err);
    if (is_cut(o))
        FERRY_TRY(ferry_hasher_update(o->hash, bytes, len, err));
    o->written += (int64_t)len;
    if (o->files && o->written - o->flushed >= FLUSH_STEP) {
        /* A hint: what cannot be started now is left to fsync, which reports errors. */
        (void)sync_file_range(o->fd, o->flushed - first_byte(o), o->written - o->flushed,
                              SYNC_FILE_RANGE_WRITE);
        o->flushed = o->written;
    }
    return 0;
}

static int write_out(struct ferry_output *o, const uint8_t *bytes, size_t len,
                     struct ferry_err *err)
{
    while (len > 0) {
        size_t part = o->end - o->written < (int64_t)len ? (size_t)(o->end - o->written) : len;

        if (part == 0) {
            FERRY_TRY(finish_file(o, err));
            FERRY_TRY(enter_file(o, err));
            continue;
        }
        FERRY_TRY(write_file(o, bytes, part, err));
        bytes += part;
        len -= part;
    }
    return 0;
}

static int flush_gathered(struct ferry_output *o, struct ferry_err *err)
{
    size_t len = o->gathered_len;

    o->gathered_len = 0;
    return write_out(o, o->gathered, len, err);
}

int ferry_output_write(struct ferry_output *output, const void *bytes, size_t len,
                       struct ferry_err *err)
{
    if (!output->begun)
        FERRY_TRY(begin(output, err));
    if (output->gathered_len + len > GATHER)
        FERRY_TRY(flush_gathered(output, err));
    if (len >= GATHER / 8) {
        FERRY_TRY(flush_gathered(output, err));
        return write_out(output, bytes, len, err);
    }
    memcpy(output->gathered + output->gathered_len, bytes, len);
    output->gathered_len += len;
    return 0;
}

int ferry_output_flush(struct ferry_output *output, struct ferry_err *err)
{
    return flush_gathered(output, err);
}

int64_t ferry_output_written(const struct ferry_output *output)
{
    return output->written + (int64_t)output->gathered_len;
}

int64_t ferry_output_volumes(int64_t bytes, int64_t volume_size)
{
    return bytes > 0 ? (bytes - 1) / volume_size + 1 : 0;
}

int ferry_output_finish(struct ferry_output *output, struct ferry_err *err)
{
    assert(!output->finished);
    if (!output->begun)
        FERRY_TRY(begin(output, err));
    FERRY_TRY(flush_gathered(output, err));
    if (output->files && output->overwrites)
        FERRY_TRY(ferry_output_files_cut(output->files, output->written, err));
    if (output->files)
        FERRY_TRY(finish_file(output, err));
    output->finished = true;
    return 0;
}

/* What was synced need not be remembered; where it is all the same, it is not read anew. */
static void forget_pages(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return; /* whoever reads it says why */
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
}

static int add_written(const struct ferry_output *o, size_t place, struct ferry_volumes *volumes,
                       struct ferry_err *err)
{
    struct ferry_volume volume = { .size = o->written };
    FERRY_OWNED_MEM char *path = NULL;

    FERRY_TRY(ferry_output_files_name(o->files, place, &path, err));
    if (is_cut(o)) {
        volume.size = o->sums.items[place].size;
        volume.sum = o->sums.items[place].digest;
    }
    volume.path = path;
    volume.found = volume.size;
    forget_pages(path);
    return ferry_volumes_add(volumes, &volume, err);
}

int ferry_output_read_back(const struct ferry_output *output, struct ferry_volumes **out,
                           struct ferry_err *err)
{
    FERRY_OWNED(ferry_volumes) volumes = NULL;

    assert(output->finished && output->files);
    FERRY_TRY(ferry_volumes_new(output->name, &volumes, err));
    for (size_t i = 0; i < (is_cut(output) ? output->sums.count : 1); i++)
        FERRY_TRY(add_written(output, i, volumes, err));
    *out = ferry_steal(&volumes);
    return 0;
}

int ferry_output_commit(struct ferry_output *output, struct ferry_err *err)
{
    if (!output->finished)
        FERRY_TRY(ferry_output_finish(output, err));
    return output->files ? ferry_output_files_commit(output->files, &output->sums, err) : 0;
}

const struct ferry_volume_sums *ferry_output_sums(const struct ferry_output *output)
{
    return &output->sums;
}
