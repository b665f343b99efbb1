#include "format/oci/json.h"

#include <stdlib.h>
#include <string.h>
#include <threads.h>

/* How deep a text nests, and how many objects and arrays it has. jansson's own depth limit is 2048
 * and fixed, and it takes 240 bytes for a "{}": both are known before it is asked. */
struct shape {
    int deepest;
    size_t containers;
};

static struct shape shape_of(const char *text, size_t len)
{
    struct shape shape = { 0 };
    int depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < len; i++) {
        if (quoted) {
            if (text[i] == '\\')
                i++;
            else if (text[i] == '"')
                quoted = false;
        } else if (text[i] == '"') {
            quoted = true;
        } else if (text[i] == '{' || text[i] == '[') {
            shape.containers++;
            if (++depth > shape.deepest)
                shape.deepest = depth;
        } else if (text[i] == '}' || text[i] == ']') {
            depth--;
        }
    }
    return shape;
}

/*
 * Where its buffer cannot grow, jansson drops a character of a text without a word, so that a
 * document can lose a member. Its allocations are ours therefore, and remember that one failed.
 */
static _Thread_local bool memory_ran_out;

static void *json_memory(size_t size)
{
    void *p = malloc(size);

    if (!p)
        memory_ran_out = true;
    return p;
}

static void use_json_memory(void)
{
    json_set_alloc_funcs(json_memory, free);
}

static int load(const void *bytes, size_t len, const char *what, json_t **out,
                struct ferry_err *err)
{
    static once_flag once = ONCE_FLAG_INIT;
    FERRY_OWNED_JSON *document = NULL;
    json_error_t why;
    struct shape shape;

    if (len > (size_t)FERRY_MANIFEST_MAX)
        return ferry_fail(err, FERRY_ELIMIT, "%s: %zu bytes, limit %lld", what, len,
                          (long long)FERRY_MANIFEST_MAX);
    shape = shape_of(bytes, len);
    if (shape.deepest > FERRY_JSON_DEPTH_MAX)
        return ferry_fail(err, FERRY_ELIMIT, "%s: nested deeper than %d levels", what,
                          FERRY_JSON_DEPTH_MAX);
    if (shape.containers > FERRY_JSON_CONTAINERS_MAX)
        return ferry_fail(err, FERRY_ELIMIT, "%s: has more than %d objects and arrays", what,
                          FERRY_JSON_CONTAINERS_MAX);
    call_once(&once, use_json_memory);
    memory_ran_out = false;
    document = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &why);
    if (memory_ran_out)
        return ferry_fail_memory(err);
    if (!document)
        return ferry_fail(err, FERRY_EFORMAT, "%s: not JSON: line %d, column %d: %s", what,
                          why.line, why.column, why.text);
    *out = ferry_steal(&document);
    return 0;
}

int ferry_json_load(const void *bytes, size_t len, const char *what, json_t **out,
                    struct ferry_err *err)
{
    FERRY_OWNED_JSON *document = NULL;

    FERRY_TRY(load(bytes, len, what, &document, err));
    if (!json_is_object(document))
        return ferry_fail(err, FERRY_EFORMAT, "%s: expected a JSON object", what);
    *out = ferry_steal(&document);
    return 0;
}

int ferry_json_load_array(const void *bytes, size_t len, const char *what, json_t **out,
                          struct ferry_err *err)
{
    FERRY_OWNED_JSON *document = NULL;

    FERRY_TRY(load(bytes, len, what, &document, err));
    if (!json_is_array(document))
        return ferry_fail(err, FERRY_EFORMAT, "%s: expected a JSON array", what);
    *out = ferry_steal(&document);
    return 0;
}

/* Where to, and what went wrong there. */
struct dump {
    struct ferry_buf *out;
    struct ferry_err *err;
    bool failed;
};

static int dump_piece(const char *text, size_t len, void *ctx)
{
    struct dump *d = ctx;

    d->failed = d->failed || ferry_buf_append(d->out, text, len, d->err) < 0;
    return d->failed ? -1 : 0;
}

int ferry_json_dump(const json_t *value, struct ferry_buf *out, struct ferry_err *err)
{
    struct dump d = { .out = out, .err = err };
    int rc;

    if (!value)
        return ferry_fail_memory(err);
    memory_ran_out = false;
    rc = json_dump_callback(value, dump_piece, &d, JSON_COMPACT);
    if (d.failed)
        return (int)err->code;
    return rc < 0 || memory_ran_out ? ferry_fail_memory(err) : 0;
}

static int fail_type(struct ferry_err *err, const char *what, const char *key, const char *expected)
{
    return ferry_fail(err, FERRY_EFORMAT, "%s: \"%s\" is not %s", what, key, expected);
}

/* The member, or NULL when it is absent: null counts as absent. */
static json_t *member(const json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);

    return json_is_null(value) ? NULL : value;
}

int ferry_json_text(const json_t *object, const char *key, const char *what, const char **out,
                    struct ferry_err *err)
{
    const json_t *value = member(object, key);

    if (value && !json_is_string(value))
        return fail_type(err, what, key, "a string");
    *out = value ? json_string_value(value) : NULL;
    return 0;
}

int ferry_json_array(const json_t *object, const char *key, const char *what, json_t **out,
                     struct ferry_err *err)
{
    json_t *value = member(object, key);

    if (value && !json_is_array(value))
        return fail_type(err, what, key, "an array");
    *out = value;
    return 0;
}

int ferry_json_object(const json_t *object, const char *key, const char *what, json_t **out,
                      struct ferry_err *err)
{
    json_t *value = member(object, key);

    if (value && !json_is_object(value))
        return fail_type(err, what, key, "an object");
    *out = value;
    return 0;
}

int ferry_json_size(const json_t *object, const char *key, const char *what, int64_t *out,
                    struct ferry_err *err)
{
    const json_t *value = member(object, key);

    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return fail_type(err, what, key, "an integer from 0 to 2^63-1");
    *out = json_integer_value(value);
    return 0;
}

int ferry_json_digest(const json_t *object, const char *key, const char *what,
                      struct ferry_digest *out, struct ferry_err *err)
{
    const char *text;

    FERRY_TRY(ferry_json_text(object, key, what, &text, err));
    if (!text)
        return fail_type(err, what, key, "there");
    if (ferry_digest_parse(text, out, err) < 0)
        return ferry_wrap(err, "%s: \"%s\"", what, key);
    return 0;
}
