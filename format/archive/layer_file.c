#include "format/archive/layer_file.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "format/archive/inflate.h"
#include "format/archive/tar_stream.h"
#include "format/core/cancel.h"

#define WHITEOUT ".wh."
#define OPAQUE ".wh..wh..opq"
#define READ_CHUNK ((size_t)128 * 1024)
#define NAME_ROOM 512 /* a longer name is none that is looked for */

struct search {
    const char *path;
    struct ferry_buf *out;
    enum ferry_layer_says says;
    struct ferry_source *inflated;
    struct archive *tar;
    int64_t taken; /* bytes of the tar */
    size_t entries;
    struct ferry_err failure; /* what the read callback met */
    uint8_t chunk[READ_CHUNK];
};

static void search_free(struct search *s)
{
    if (!s)
        return;
    archive_read_free(s->tar);
    ferry_source_free(s->inflated);
    free(s);
}
FERRY_OWNED_DEFINE(search)

/* --- names ------------------------------------------------------------------------------------ */

/* The components of a name with one "/" between them. false for a name that cannot matter. */
static bool clean_name(const char *name, char out[NAME_ROOM])
{
    size_t used = 0;

    while (*name) {
        size_t len = strcspn(name, "/");

        if (len == 2 && strncmp(name, "..", 2) == 0)
            return false;
        if (len > 0 && !(len == 1 && name[0] == '.')) {
            if (used + len + 2 > NAME_ROOM)
                return false;
            if (used > 0)
                out[used++] = '/';
            memcpy(out + used, name, len);
            used += len;
        }
        name += len;
        name += strspn(name, "/");
    }
    out[used] = '\0';
    return true;
}

/* Whether `name` is `path`, or a folder on the way to it. "" is the root. */
static bool leads_to(const char *name, const char *path)
{
    size_t len = strlen(name);

    return len == 0 || (strncmp(name, path, len) == 0 && (path[len] == '/' || path[len] == '\0'));
}

/* Whether a clean name is a whiteout, and one of `path` or of a folder on the way to it. `name` is
 * cut up. */
static bool removes(char *name, const char *path)
{
    char *slash = strrchr(name, '/');
    char *last = slash ? slash + 1 : name;
    size_t len = strlen(WHITEOUT);

    if (strcmp(last, OPAQUE) == 0) {
        name[slash ? slash - name : 0] = '\0';
        return leads_to(name, path);
    }
    if (strncmp(last, WHITEOUT, len) != 0 || !last[len])
        return false;
    memmove(last, last + len, strlen(last + len) + 1);
    return leads_to(name, path);
}

/* --- the tar ---------------------------------------------------------------------------------- */

static la_ssize_t on_read(struct archive *tar, void *ctx, const void **bytes)
{
    struct search *s = ctx;
    size_t got;
    int rc = ferry_cancel_check(&s->failure);

    if (rc == 0)
        rc = ferry_source_read(s->inflated, s->chunk, READ_CHUNK, &got, &s->failure);
    if (rc == 0 && (s->taken += (int64_t)got) > FERRY_LAYER_BYTES_MAX)
        rc = ferry_fail(&s->failure, FERRY_ELIMIT, "inflates to more than %" PRId64 " bytes",
                        FERRY_LAYER_BYTES_MAX);
    if (rc < 0) {
        archive_set_error(tar, EIO, "%s", s->failure.msg);
        return -1;
    }
    *bytes = s->chunk;
    return (la_ssize_t)got;
}

static int fail_tar(struct search *s, struct ferry_err *err)
{
    const char *why = archive_error_string(s->tar);

    if (s->failure.code != FERRY_OK) {
        *err = s->failure;
        return (int)err->code;
    }
    return ferry_fail(err, FERRY_EFORMAT, "is not a tar that can be read: %s",
                      why ? why : "unknown reason");
}

static int open_tar(struct ferry_source *layer, struct search *s, struct ferry_err *err)
{
    FERRY_TRY(ferry_inflate_new(layer, &s->inflated, err));
    s->tar = archive_read_new();
    if (!s->tar)
        return ferry_fail_memory(err);
    if (archive_read_support_format_tar(s->tar) != ARCHIVE_OK ||
        archive_read_support_format_empty(s->tar) != ARCHIVE_OK ||
        archive_read_open(s->tar, s, NULL, on_read, NULL) != ARCHIVE_OK)
        return fail_tar(s, err);
    return 0;
}

/* The bytes of the entry that came last. */
static int read_entry(struct search *s, struct ferry_err *err)
{
    uint8_t bytes[16 * 1024];
    la_ssize_t got;

    while ((got = archive_read_data(s->tar, bytes, sizeof(bytes))) > 0)
        FERRY_TRY(ferry_buf_append(s->out, bytes, (size_t)got, err));
    return got < 0 || s->failure.code != FERRY_OK ? fail_tar(s, err) : 0;
}

static int take(struct search *s, struct archive_entry *entry, struct ferry_err *err)
{
    if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry))
        return ferry_fail(err, FERRY_EFORMAT, "%s is not a regular file there", s->path);
    if (s->says == FERRY_LAYER_HERE)
        return ferry_fail(err, FERRY_EFORMAT, "%s stands there twice", s->path);
    s->says = FERRY_LAYER_HERE;
    if (read_entry(s, err) < 0)
        return ferry_wrap(err, "%s", s->path);
    return 0;
}

/* A layer removes what layers below it have, and never what it has itself. */
static void note_removed(struct search *s)
{
    if (s->says == FERRY_LAYER_BELOW)
        s->says = FERRY_LAYER_REMOVED;
}

static int meet(struct search *s, struct archive_entry *entry, struct ferry_err *err)
{
    const char *raw = archive_entry_pathname(entry);
    char name[NAME_ROOM];

    if (!raw || !clean_name(raw, name))
        return 0;
    if (strcmp(name, s->path) == 0)
        return take(s, entry, err);
    if (leads_to(name, s->path) ? archive_entry_filetype(entry) != AE_IFDIR
                                : removes(name, s->path))
        note_removed(s);
    return 0;
}

static int search(struct search *s, struct ferry_err *err)
{
    struct archive_entry *entry;
    int rc;

    while ((rc = archive_read_next_header(s->tar, &entry)) == ARCHIVE_OK || rc == ARCHIVE_WARN) {
        if (++s->entries > FERRY_ENTRIES_MAX)
            return ferry_fail(err, FERRY_ELIMIT, "has more than %d entries", FERRY_ENTRIES_MAX);
        FERRY_TRY(meet(s, entry, err));
    }
    return rc != ARCHIVE_EOF || s->failure.code != FERRY_OK ? fail_tar(s, err) : 0;
}

int ferry_layer_file(struct ferry_source *layer, const char *path, struct ferry_buf *out,
                     enum ferry_layer_says *says, struct ferry_err *err)
{
    FERRY_OWNED(search) s = calloc(1, sizeof(*s));

    if (!s)
        return ferry_fail_memory(err);
    s->path = path;
    s->out = out;
    FERRY_TRY(open_tar(layer, s, err));
    FERRY_TRY(search(s, err));
    *says = s->says;
    return ferry_source_drain(layer, err);
}
