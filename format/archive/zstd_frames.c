#include "format/archive/zstd_frames.h"

#include <string.h>
#include <zstd.h>

#include "format/archive/inflate.h"
#include "format/core/blob_impl.h"

#define BLOCK_HEADER 3
#define CHECKSUM 4
/* Of a frame's header: the magic number and the descriptor, which says what follows. */
#define DESCRIPTOR_END 5

/* Exactly `len` bytes at *at, which passes over them; *is_there is false where the file is shorter.
 */
static int take(struct ferry_volumes *volumes, int64_t *at, uint8_t *bytes, size_t len,
                bool *is_there, struct ferry_err *err)
{
    size_t done = 0, got;

    *is_there = false;
    while (done < len) {
        FERRY_TRY(ferry_volumes_read_at(volumes, *at + (int64_t)done, bytes + done, len - done,
                                        &got, err));
        if (got == 0)
            return 0;
        done += got;
    }
    *at += (int64_t)len;
    *is_there = true;
    return 0;
}

/* What the descriptor of a frame says (RFC 8878, 3.1.1.1.1). */
static size_t header_rest(uint8_t descriptor)
{
    static const size_t dictionary[] = { 0, 1, 2, 4 }, content[] = { 0, 2, 4, 8 };
    bool is_single = descriptor & 0x20;
    size_t size = content[descriptor >> 6];

    return (is_single ? 0 : 1) + dictionary[descriptor & 3] + (is_single && size == 0 ? 1 : size);
}

/* Goes over the frame at *at; *is_there: it is one, and whole. */
static int pass_frame(struct ferry_volumes *volumes, int64_t *at, bool *is_there,
                      struct ferry_err *err)
{
    uint8_t head[DESCRIPTOR_END], block[BLOCK_HEADER];
    uint32_t magic, bits;

    FERRY_TRY(take(volumes, at, head, sizeof(head), is_there, err));
    if (!*is_there)
        return 0;
    magic = (uint32_t)head[0] | (uint32_t)head[1] << 8 | (uint32_t)head[2] << 16 |
            (uint32_t)head[3] << 24;
    *is_there = magic == ZSTD_MAGICNUMBER;
    if (!*is_there)
        return 0;
    *at += (int64_t)header_rest(head[4]);
    do {
        FERRY_TRY(take(volumes, at, block, sizeof(block), is_there, err));
        if (!*is_there)
            return 0;
        bits = (uint32_t)block[0] | (uint32_t)block[1] << 8 | (uint32_t)block[2] << 16;
        *at += (bits >> 1 & 3) == 1 ? 1 : (int64_t)(bits >> 3); /* 1: one byte, repeated */
    } while (!(bits & 1));
    *at += head[4] & 4 ? CHECKSUM : 0;
    *is_there = *at <= ferry_volumes_size(volumes);
    return 0;
}

int ferry_frames_find(struct ferry_volumes *volumes, struct ferry_frames *frames,
                      struct ferry_err *err)
{
    int64_t at = 0;
    bool is_there;

    *frames = (struct ferry_frames){ .volumes = volumes };
    for (;;) {
        FERRY_TRY(pass_frame(volumes, &at, &is_there, err));
        if (!is_there)
            return 0;
        FERRY_TRY(ferry_grow((void **)&frames->ends, frames->count, &frames->room,
                             sizeof(*frames->ends), err));
        frames->ends[frames->count++] = at;
    }
}

void ferry_frames_release(struct ferry_frames *frames)
{
    free(ferry_steal(&frames->ends));
    frames->count = frames->room = 0;
}

int64_t ferry_frames_start(const struct ferry_frames *frames, size_t i)
{
    return i == 0 ? 0 : frames->ends[i - 1];
}

/* Some frames, and the stream that they hold. */
struct thawed {
    struct ferry_source base;
    struct ferry_source *packed, *stream;
};

static int thawed_read(struct ferry_source *source, void *buf, size_t cap, size_t *got,
                       struct ferry_err *err)
{
    return ferry_source_read(((struct thawed *)source)->stream, buf, cap, got, err);
}

static void thawed_free(struct ferry_source *source)
{
    struct thawed *s = (struct thawed *)source;

    ferry_source_free(s->stream);
    ferry_source_free(s->packed);
    free(s);
}

static const struct ferry_source_ops thawed_ops = { thawed_read, NULL, thawed_free };

int ferry_frames_source(const struct ferry_frames *frames, int64_t offset,
                        struct ferry_source **out, struct ferry_err *err)
{
    size_t first = (size_t)(offset / FERRY_ZSTD_FRAME);
    FERRY_OWNED(ferry_source) owned = NULL;
    int64_t lacking; /* which is met as the end */
    struct thawed *s = calloc(1, sizeof(*s));

    if (!s)
        return ferry_fail_memory(err);
    s->base = (struct ferry_source){ &thawed_ops, -1 };
    owned = &s->base;
    if (first > frames->count)
        first = frames->count;
    FERRY_TRY(ferry_volumes_source(frames->volumes, ferry_frames_start(frames, first),
                                   ferry_frames_start(frames, frames->count), &s->packed, err));
    FERRY_TRY(ferry_inflate_new(s->packed, &s->stream, err));
    FERRY_TRY(ferry_source_skip(owned, offset - (int64_t)first * FERRY_ZSTD_FRAME, &lacking, err));
    *out = ferry_steal(&owned);
    return 0;
}
