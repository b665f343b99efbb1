#include "format/archive/archive_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/archive/folder.h"
#include "format/archive/tar_places.h"
#include "format/archive/tar_stream.h"
#include "format/archive/volume_fault.h"
#include "format/archive/volume_set.h"
#include "format/core/blob_file.h"
#include "format/core/blob_impl.h"
#include "format/core/digest_map.h"

struct kept {
    struct ferry_entry entry;
    char *name;
    uint8_t *bytes;
    size_t len;
};

struct ferry_reader {
    char *name;
    struct ferry_folder *folder;   /* one of these three is what is read, */
    struct ferry_volumes *volumes; /*   a tar in files, */
    struct ferry_source *stream;   /*   or one that goes by */
    bool once;                     /* in one pass */
    struct ferry_tar *tar;         /* NULL until the first entry is wanted */
    struct ferry_entry current;
    int64_t position, data;             /* of the current entry in a tar */
    size_t seen[FERRY_ENTRY_OTHER + 1]; /* entries of each kind in this pass */
    /* A plain tar file. */
    bool is_plain;
    struct ferry_tar_places places;
    /* A stream: entries that come again. */
    struct kept **kept;
    size_t kept_count, kept_room, kept_next;
    struct ferry_digest_map kept_blobs;
    bool repeat;
    bool from_memory; /* the current entry is kept[kept_next - 1] */
};

static int scan(struct ferry_reader *r, struct ferry_err *err)
{
    struct ferry_entry entry;

    for (;;) {
        FERRY_TRY(ferry_reader_next(r, &entry, err));
        if (entry.kind == FERRY_ENTRY_END)
            break;
        if (entry.kind == FERRY_ENTRY_OTHER)
            continue;
        FERRY_TRY(ferry_tar_places_add(&r->places,
                                       &(struct ferry_tar_place){ .kind = entry.kind,
                                                                  .digest = entry.digest,
                                                                  .position = r->position,
                                                                  .data = r->data },
                                       err));
    }
    ferry_tar_places_sort(&r->places);
    return ferry_reader_restart(r, err);
}

static int open_tar(struct ferry_reader *r, struct ferry_err *err)
{
    int rc = r->volumes ? ferry_tar_open(r->volumes, 0, &r->tar, err)
                        : ferry_tar_open_stream(r->stream, &r->tar, err);

    return rc < 0 ? ferry_wrap(err, "%s", r->name) : 0;
}

/* Looks at the first entry: is it a tar, and can it be read at any place? */
static int look_at_first(struct ferry_reader *r, struct ferry_err *err)
{
    struct ferry_tar_entry entry;

    FERRY_TRY(open_tar(r, err));
    if (ferry_tar_next(r->tar, &entry, err) < 0)
        return ferry_wrap(err, "%s", r->name);
    r->is_plain = ferry_tar_is_plain(r->tar);
    FERRY_TRY(ferry_reader_restart(r, err));
    return r->is_plain ? scan(r, err) : 0;
}

static int open_volumes(struct ferry_reader *r, const struct ferry_reader_options *options,
                        struct ferry_err *err)
{
    int rc = 0;

    FERRY_TRY(ferry_volumes_open(options->path, options->prompt, &r->volumes, err));
    r->once = options->prompt && ferry_volumes_is_set(r->volumes);
    if (r->once)
        rc = ferry_volumes_watch(r->volumes, err);
    else if (!options->in_order)
        rc = ferry_volumes_refuse(r->volumes, err);
    if (rc < 0)
        return ferry_wrap(err, "%s", r->name);
    return r->once || options->in_order ? 0 : look_at_first(r, err);
}

/* `path`: NULL for stdin. */
static int open_stream(struct ferry_reader *r, const char *path, struct ferry_err *err)
{
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);

    if (fd < 0)
        return ferry_fail(err, FERRY_EIO, "%s: cannot open: %s", r->name, strerror(errno));
    r->once = true;
    FERRY_TRY(ferry_source_stream(fd, &r->stream, err));
    return open_tar(r, err);
}

static int open_input(struct ferry_reader *r, const struct ferry_reader_options *options,
                      struct ferry_err *err)
{
    struct stat st;

    if (strcmp(options->path, "-") == 0)
        return open_stream(r, NULL, err);
    if (stat(options->path, &st) < 0 || S_ISREG(st.st_mode)) /* volumes have names of their own */
        return open_volumes(r, options, err);
    return S_ISDIR(st.st_mode) ? ferry_folder_open(r->name, &r->folder, err)
                               : open_stream(r, options->path, err);
}

int ferry_reader_open_with(const struct ferry_reader_options *options, struct ferry_reader **out,
                           struct ferry_err *err)
{
    FERRY_OWNED(ferry_reader) r = calloc(1, sizeof(*r));

    if (!r)
        return ferry_fail_memory(err);
    FERRY_TRY(
        ferry_text(&r->name, err, "%s", strcmp(options->path, "-") == 0 ? "stdin" : options->path));
    FERRY_TRY(open_input(r, options, err));
    *out = ferry_steal(&r);
    return 0;
}

int ferry_reader_open(const char *path, struct ferry_reader **out, struct ferry_err *err)
{
    return ferry_reader_open_with(&(struct ferry_reader_options){ .path = path }, out, err);
}

int ferry_reader_open_in_order(const char *path, struct ferry_reader **out, struct ferry_err *err)
{
    const struct ferry_reader_options options = { .path = path, .in_order = true };

    return ferry_reader_open_with(&options, out, err);
}

static void kept_free(struct kept *kept)
{
    if (!kept)
        return;
    free(kept->name);
    free(kept->bytes);
    free(kept);
}
FERRY_OWNED_DEFINE(kept)

static void forget_kept(struct ferry_reader *r)
{
    for (size_t i = 0; i < r->kept_count; i++)
        kept_free(r->kept[i]);
    ferry_digest_map_release(&r->kept_blobs);
    r->kept_count = r->kept_next = 0;
    r->from_memory = r->repeat = false;
}

void ferry_reader_free(struct ferry_reader *reader)
{
    if (!reader)
        return;
    forget_kept(reader);
    free(reader->kept);
    ferry_tar_places_release(&reader->places);
    ferry_tar_free(reader->tar);
    ferry_folder_free(reader->folder);
    ferry_volumes_free(reader->volumes);
    ferry_source_free(reader->stream);
    free(reader->name);
    free(reader);
}

const char *ferry_reader_name(const struct ferry_reader *reader)
{
    return reader->name;
}

bool ferry_reader_is_folder(const struct ferry_reader *reader)
{
    return reader->folder;
}

struct ferry_volumes *ferry_reader_volumes(const struct ferry_reader *reader)
{
    return reader->volumes;
}

bool ferry_reader_is_random(const struct ferry_reader *reader)
{
    return reader->folder || reader->is_plain;
}

bool ferry_reader_can_restart(const struct ferry_reader *reader)
{
    return !reader->once;
}

bool ferry_reader_can_skip(struct ferry_reader *reader)
{
    struct ferry_err ignored; /* it is met again */

    if (!reader->volumes)
        return reader->folder;
    return (reader->tar || open_tar(reader, &ignored) == 0) && ferry_tar_is_plain(reader->tar);
}

int ferry_reader_restart(struct ferry_reader *reader, struct ferry_err *err)
{
    if (!ferry_reader_can_restart(reader))
        return ferry_fail(err, FERRY_EIO, "%s: goes by once, and cannot be read again",
                          reader->name);
    forget_kept(reader);
    memset(reader->seen, 0, sizeof(reader->seen));
    if (reader->folder)
        ferry_folder_restart(reader->folder);
    ferry_tar_free(ferry_steal(&reader->tar));
    return 0;
}

static int next_in_tar(struct ferry_reader *r, struct ferry_err *err)
{
    struct ferry_tar_entry entry;

    if (!r->tar)
        FERRY_TRY(open_tar(r, err));
    if (ferry_tar_next(r->tar, &entry, err) < 0)
        return ferry_wrap(err, "%s", r->name);
    r->current.name = entry.name;
    r->current.size = entry.size;
    r->position = entry.position;
    r->data = entry.data;
    /* A writer at the other end of a pipe may still pad the archive: it must not be broken off. */
    if (!entry.name && r->stream && ferry_source_drain(r->stream, err) < 0)
        return ferry_wrap(err, "%s", r->name);
    return 0;
}

int ferry_reader_next(struct ferry_reader *reader, struct ferry_entry *entry, struct ferry_err *err)
{
    struct ferry_entry *current = &reader->current;

    if (reader->from_memory) /* its bytes were lent until now */
        free(ferry_steal(&reader->kept[reader->kept_next - 1]->bytes));
    reader->from_memory = reader->kept_next < reader->kept_count;
    if (reader->from_memory) {
        *entry = reader->kept[reader->kept_next++]->entry;
        return 0;
    }
    if (reader->repeat) {
        reader->repeat = false;
        *entry = *current;
        return 0;
    }
    FERRY_TRY(reader->folder
                  ? ferry_folder_next(reader->folder, &current->name, &current->size, err)
                  : next_in_tar(reader, err));
    current->kind = FERRY_ENTRY_END;
    if (current->name &&
        ferry_layout_classify(current->name, &current->kind, &current->digest, err) < 0)
        return ferry_wrap(err, "%s", reader->name);
    if (current->kind != FERRY_ENTRY_END && current->kind < FERRY_ENTRY_BLOB &&
        ++reader->seen[current->kind] > 1)
        return ferry_fail(err, FERRY_EUNFIT, "%s: holds %s twice, so readers would differ on it",
                          reader->name, current->name);
    *entry = *current;
    return 0;
}

/* The bytes of the current entry: whatever fails in them says in which archive. */
struct body {
    struct ferry_source base;
    struct ferry_source *inner;
    const struct ferry_reader *reader;
};

static int body_read(struct ferry_source *source, void *buf, size_t cap, size_t *got,
                     struct ferry_err *err)
{
    struct body *b = (struct body *)source;

    if (ferry_source_read(b->inner, buf, cap, got, err) < 0)
        return ferry_wrap(err, "%s", b->reader->name);
    return 0;
}

static int body_rewind(struct ferry_source *source, int64_t offset, struct ferry_err *err)
{
    struct body *b = (struct body *)source;

    if (ferry_source_rewind(b->inner, offset, err) < 0)
        return ferry_wrap(err, "%s", b->reader->name);
    return 0;
}

static void body_free(struct ferry_source *source)
{
    ferry_source_free(((struct body *)source)->inner);
    free(source);
}

static const struct ferry_source_ops body_ops = { body_read, body_rewind, body_free };

static int open_body(struct ferry_reader *reader, struct ferry_source **out, struct ferry_err *err)
{
    if (reader->from_memory) {
        const struct kept *kept = reader->kept[reader->kept_next - 1];

        return ferry_source_memory(kept->bytes, kept->len, out, err);
    }
    return reader->folder ? ferry_folder_file(reader->folder, reader->current.name, out, err)
                          : ferry_tar_body(reader->tar, out, err);
}

int ferry_reader_body(struct ferry_reader *reader, struct ferry_source **out, struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) inner = NULL;
    struct body *b;

    FERRY_TRY(open_body(reader, &inner, err));
    b = calloc(1, sizeof(*b));
    if (!b)
        return ferry_fail_memory(err);
    *b = (struct body){ .base = { &body_ops, inner->size },
                        .inner = ferry_steal(&inner),
                        .reader = reader };
    *out = &b->base;
    return 0;
}

int ferry_reader_keep(struct ferry_reader *reader, const struct ferry_entry *entry,
                      struct ferry_buf *bytes, struct ferry_err *err)
{
    FERRY_OWNED(kept) kept = calloc(1, sizeof(*kept));

    if (!kept)
        return ferry_fail_memory(err);
    FERRY_TRY(ferry_grow((void **)&reader->kept, reader->kept_count, &reader->kept_room,
                         sizeof(kept), err));
    FERRY_TRY(ferry_text(&kept->name, err, "%s", entry->name));
    kept->entry = *entry;
    kept->entry.name = kept->name;
    if (entry->kind == FERRY_ENTRY_BLOB)
        FERRY_TRY(ferry_digest_map_add(&reader->kept_blobs, &kept->entry.digest, kept, err));
    kept->len = bytes->len;
    kept->bytes = ferry_steal(&bytes->data);
    ferry_buf_release(bytes);
    reader->kept[reader->kept_count++] = ferry_steal(&kept);
    reader->kept_next = reader->kept_count; /* until the load is done */
    return 0;
}

const uint8_t *ferry_reader_kept(const struct ferry_reader *reader,
                                 const struct ferry_digest *digest, int64_t *size)
{
    const struct kept *kept = ferry_digest_map_find(&reader->kept_blobs, digest);

    if (!kept)
        return NULL;
    *size = (int64_t)kept->len;
    return kept->bytes;
}

void ferry_reader_repeat(struct ferry_reader *reader)
{
    reader->repeat = true;
}

void ferry_reader_replay(struct ferry_reader *reader)
{
    reader->kept_next = 0;
}

int64_t ferry_reader_offset(const struct ferry_reader *reader, const struct ferry_digest *digest)
{
    const struct ferry_tar_place *found = ferry_tar_places_find(&reader->places, FERRY_ENTRY_BLOB,
                                                                digest);

    return found ? found->data : -1;
}

/* `path`: what it is called in a layout. */
static int open_named(struct ferry_reader *r, enum ferry_entry_kind kind,
                      const struct ferry_digest *digest, const char *path,
                      struct ferry_source **out, struct ferry_err *err)
{
    const struct ferry_tar_place *found;

    if (r->folder)
        return ferry_folder_file(r->folder, path, out, err);
    found = ferry_tar_places_find(&r->places, kind, digest);
    return found ? ferry_tar_place_open(r->volumes, found->position, r->name, out, err)
                 : ferry_fail(err, FERRY_ENOTFOUND, "%s: %s is not in it", r->name, path);
}

int ferry_reader_file(struct ferry_reader *reader, enum ferry_entry_kind kind,
                      struct ferry_source **out, struct ferry_err *err)
{
    return open_named(reader, kind, NULL, ferry_layout_file_name(kind), out, err);
}

int ferry_reader_blob(struct ferry_reader *reader, const struct ferry_digest *digest,
                      struct ferry_source **out, struct ferry_err *err)
{
    char path[FERRY_BLOB_NAME_MAX];

    ferry_layout_blob_name(digest, path);
    return open_named(reader, FERRY_ENTRY_BLOB, digest, path, out, err);
}
