#include "format/archive/inflate.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>

#include "format/core/blob_impl.h"

#define READ_CHUNK ((size_t)128 * 1024)

struct inflate {
    struct ferry_source base;
    struct ferry_source *inner;
    struct archive *raw;
    bool begun, ended;
    struct ferry_err failure;
    uint8_t chunk[READ_CHUNK];
};

static la_ssize_t on_read(struct archive *raw, void *ctx, const void **bytes)
{
    struct inflate *s = ctx;
    size_t got;

    if (ferry_source_read(s->inner, s->chunk, READ_CHUNK, &got, &s->failure) < 0) {
        archive_set_error(raw, EIO, "%s", s->failure.msg);
        return -1;
    }
    *bytes = s->chunk;
    return (la_ssize_t)got;
}

static int fail_raw(struct inflate *s, struct ferry_err *err)
{
    const char *why = archive_error_string(s->raw);

    if (s->failure.code != FERRY_OK) {
        *err = s->failure;
        return (int)err->code;
    }
    return ferry_fail(err, FERRY_EFORMAT, "does not inflate: %s", why ? why : "unknown reason");
}

/* libarchive reads ahead when it opens, so that waits until somebody reads. */
static int begin(struct inflate *s, struct ferry_err *err)
{
    struct archive_entry *entry;
    int rc;

    s->begun = true;
    if (archive_read_support_format_raw(s->raw) != ARCHIVE_OK ||
        archive_read_support_format_empty(s->raw) != ARCHIVE_OK ||
        archive_read_support_filter_gzip(s->raw) != ARCHIVE_OK ||
        archive_read_support_filter_zstd(s->raw) != ARCHIVE_OK ||
        archive_read_open(s->raw, s, NULL, on_read, NULL) != ARCHIVE_OK)
        return fail_raw(s, err);
    if (archive_filter_count(s->raw) > FERRY_FILTERS)
        return ferry_fail(err, FERRY_EFORMAT, "is compressed more than once");
    rc = archive_read_next_header(s->raw, &entry);
    if ((rc != ARCHIVE_OK && rc != ARCHIVE_EOF) || s->failure.code != FERRY_OK)
        return fail_raw(s, err);
    s->ended = rc == ARCHIVE_EOF;
    return 0;
}

static int inflate_read(struct ferry_source *source, void *buf, size_t cap, size_t *got,
                        struct ferry_err *err)
{
    struct inflate *s = (struct inflate *)source;
    la_ssize_t n;

    if (!s->begun)
        FERRY_TRY(begin(s, err));
    if (s->ended)
        return 0;
    n = archive_read_data(s->raw, buf, cap);
    /* Looking for a further member, libarchive takes a failure for the end of the stream. */
    if (n < 0 || (n == 0 && s->failure.code != FERRY_OK))
        return fail_raw(s, err);
    *got = (size_t)n;
    s->ended = n == 0;
    return 0;
}

static void inflate_free(struct ferry_source *source)
{
    archive_read_free(((struct inflate *)source)->raw);
    free(source);
}

static const struct ferry_source_ops inflate_ops = { inflate_read, NULL, inflate_free };

int ferry_inflate_new(struct ferry_source *inner, struct ferry_source **out, struct ferry_err *err)
{
    struct inflate *s = calloc(1, sizeof(*s));

    if (!s)
        return ferry_fail_memory(err);
    s->base = (struct ferry_source){ &inflate_ops, -1 };
    s->inner = inner;
    s->raw = archive_read_new();
    if (!s->raw) {
        free(s);
        return ferry_fail_memory(err);
    }
    *out = &s->base;
    return 0;
}
