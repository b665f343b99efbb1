#include "format/oci/json_stream.h"

#include <errno.h>
#include <string.h>

static int check(const struct ferry_json_stream *stream, struct ferry_err *err)
{
    return ferror(stream->out)
               ? ferry_fail(err, FERRY_EIO, "%s: cannot write: %s", stream->name, strerror(errno))
               : 0;
}

void ferry_json_stream_begin(struct ferry_json_stream *stream, FILE *out, const char *name)
{
    *stream = (struct ferry_json_stream){ .out = out, .name = name };
    putc('{', out);
}

/* A value as it stands below others: jansson knows nothing of these. Only between its values are
 * there line feeds. */
static int put_piece(const char *text, size_t len, void *ctx)
{
    const struct ferry_json_stream *stream = ctx;

    for (const char *end = text + len, *next; text < end; text = next) {
        const char *feed = memchr(text, '\n', (size_t)(end - text));

        next = feed ? feed + 1 : end;
        fwrite(text, 1, (size_t)(next - text), stream->out);
        if (feed)
            fputs(stream->in_array ? "    " : "  ", stream->out);
    }
    return ferror(stream->out) ? -1 : 0;
}

static int put_value(struct ferry_json_stream *stream, const json_t *value, struct ferry_err *err)
{
    if (value &&
        json_dump_callback(value, put_piece, stream, JSON_INDENT(2) | JSON_ENCODE_ANY) == 0)
        return 0;
    FERRY_TRY(check(stream, err));
    return ferry_fail_memory(err);
}

static void put_key(struct ferry_json_stream *stream, const char *key)
{
    fprintf(stream->out, "%s\n  \"%s\": ", stream->is_begun ? "," : "", key);
    stream->is_begun = true;
}

int ferry_json_stream_members(struct ferry_json_stream *stream, json_t *object,
                              struct ferry_err *err)
{
    const char *key;
    json_t *value;

    if (!object)
        return ferry_fail_memory(err);
    json_object_foreach(object, key, value)
    {
        put_key(stream, key);
        FERRY_TRY(put_value(stream, value, err));
    }
    return 0;
}

void ferry_json_stream_array(struct ferry_json_stream *stream, const char *key)
{
    put_key(stream, key);
    putc('[', stream->out);
    stream->in_array = true;
    stream->has_items = false;
}

int ferry_json_stream_item(struct ferry_json_stream *stream, json_t **item, struct ferry_err *err)
{
    FERRY_OWNED_JSON *value = ferry_steal(item);

    fputs(stream->has_items ? ",\n    " : "\n    ", stream->out);
    stream->has_items = true;
    return put_value(stream, value, err);
}

void ferry_json_stream_array_end(struct ferry_json_stream *stream)
{
    fputs(stream->has_items ? "\n  ]" : "]", stream->out);
    stream->in_array = false;
}

int ferry_json_stream_end(struct ferry_json_stream *stream, struct ferry_err *err)
{
    fputs(stream->is_begun ? "\n}\n" : "}\n", stream->out);
    return check(stream, err);
}
