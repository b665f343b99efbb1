#include "export/yaml_tree.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "format/core/cancel.h"

/* libyaml compares each %TAG with all before it. Nobody has use for more than a few. */
#define DIRECTIVES_MAX 100

struct anchor {
    struct anchor *older;
    struct ferry_yaml_node *node;
    char name[];
};

/* A sequence or mapping that is still being read. */
struct level {
    struct ferry_yaml_node *node, *last;
};

struct ferry_yaml {
    yaml_parser_t parser;
    const uint8_t *bytes;
    size_t len;
    uint8_t *joined;                       /* what is read in place of the bytes; or NULL */
    struct ferry_yaml_node *root, *newest; /* of the document's nodes */
    struct anchor *anchors;                /* the newest first */
    size_t nodes, anchor_count, documents;
    struct level levels[FERRY_YAML_DEPTH_MAX];
    size_t depth;
};

static void forget_document(struct ferry_yaml *yaml)
{
    while (yaml->newest) {
        struct ferry_yaml_node *node = yaml->newest;

        yaml->newest = node->older;
        free(node);
    }
    while (yaml->anchors) {
        struct anchor *anchor = yaml->anchors;

        yaml->anchors = anchor->older;
        free(anchor);
    }
    yaml->root = NULL;
    yaml->nodes = yaml->anchor_count = yaml->depth = 0;
}

void ferry_yaml_free(struct ferry_yaml *yaml)
{
    if (!yaml)
        return;
    forget_document(yaml);
    yaml_parser_delete(&yaml->parser);
    free(yaml->joined);
    free(yaml);
}

/* The value of the escape \uXXXX at the beginning of `text`; -1 when it is none. */
static int escape_value(const uint8_t *text, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    int value = 0;

    if (len < 6 || text[0] != '\\' || text[1] != 'u')
        return -1;
    for (size_t i = 2; i < 6; i++) {
        const char *digit = memchr(digits, tolower(text[i]), sizeof(digits) - 1);

        if (!digit)
            return -1;
        value = value * 16 + (int)(digit - digits);
    }
    return value;
}

/* JSON writes what lies beyond U+FFFF as two escapes, which libyaml refuses. YAML has one of eight
 * digits for it, which is shorter. Lines stay what they are. Returns the new length. */
static size_t join_surrogates(uint8_t *text, size_t len)
{
    size_t from = 0, to = 0;

    while (from < len) {
        int high = escape_value(text + from, len - from), low = -1;

        if (high >= 0xd800 && high < 0xdc00)
            low = escape_value(text + from + 6, len - from - 6);
        if (low >= 0xdc00 && low < 0xe000) {
            to += (size_t)sprintf((char *)text + to, "\\U%08x",
                                  0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
            from += 12;
            continue;
        }
        if (text[from] == '\\' && from + 1 < len) /* what is escaped begins no escape */
            text[to++] = text[from++];
        text[to++] = text[from++];
    }
    return to;
}

static int prepare_json(struct ferry_yaml *yaml, struct ferry_err *err)
{
    size_t blank = 0;

    while (blank < yaml->len && memchr(" \t\r\n", yaml->bytes[blank], 4))
        blank++;
    if (blank == yaml->len || (yaml->bytes[blank] != '{' && yaml->bytes[blank] != '['))
        return 0;
    yaml->joined = malloc(yaml->len);
    if (!yaml->joined)
        return ferry_fail_memory(err);
    memcpy(yaml->joined, yaml->bytes, yaml->len);
    yaml->len = join_surrogates(yaml->joined, yaml->len);
    yaml->bytes = yaml->joined;
    return 0;
}

static int check_directives(const struct ferry_yaml *yaml, struct ferry_err *err)
{
    size_t directives = 0;

    for (size_t i = 0; i < yaml->len; i++)
        directives += yaml->bytes[i] == '%' && (i == 0 || yaml->bytes[i - 1] == '\n');
    if (directives > DIRECTIVES_MAX)
        return ferry_fail(err, FERRY_ELIMIT, "more than %d directives (%%)", DIRECTIVES_MAX);
    return 0;
}

int ferry_yaml_open(const void *bytes, size_t len, struct ferry_yaml **out, struct ferry_err *err)
{
    FERRY_OWNED(ferry_yaml) yaml = calloc(1, sizeof(*yaml));

    if (!yaml)
        return ferry_fail_memory(err);
    yaml->bytes = len > 0 ? bytes : (const uint8_t *)""; /* libyaml wants no NULL */
    yaml->len = len;
    if (len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark */
        yaml->bytes += 3;
        yaml->len -= 3;
    }
    FERRY_TRY(check_directives(yaml, err));
    FERRY_TRY(prepare_json(yaml, err));
    if (!yaml_parser_initialize(&yaml->parser))
        return ferry_fail_memory(err);
    yaml_parser_set_encoding(&yaml->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&yaml->parser, yaml->bytes, yaml->len);
    *out = ferry_steal(&yaml);
    return 0;
}

/* What libyaml says; of bytes that are no UTF-8 it knows the offset alone. */
static int fail_parser(const struct ferry_yaml *yaml, struct ferry_err *err)
{
    const yaml_parser_t *p = &yaml->parser;
    size_t line = p->problem_mark.line + 1;

    if (p->error == YAML_MEMORY_ERROR)
        return ferry_fail_memory(err);
    if (p->error == YAML_READER_ERROR) {
        line = 1;
        for (size_t i = 0; i < p->problem_offset && i < yaml->len; i++)
            line += yaml->bytes[i] == '\n';
    }
    return ferry_fail(err, FERRY_EUSAGE, "line %zu: not YAML: %s%s%s", line,
                      p->context ? p->context : "", p->context ? ", " : "",
                      p->problem ? p->problem : "unknown reason");
}

/* Of what is not quoted: whether YAML, 1.1 or 1.2, takes it for null, a boolean or a number. */
static bool is_plain(const char *text)
{
    static const char *const words[] = {
        "", "~", "null", "true", "false", "yes", "no", "on", "off"
    };

    for (size_t i = 0; i < FERRY_COUNT(words); i++)
        if (strcasecmp(text, words[i]) == 0)
            return true;
    return strpbrk(text, "0123456789") && text[strspn(text, "0123456789+-._eE")] == '\0';
}

static int fail_limit(size_t line, const char *what, int limit, struct ferry_err *err)
{
    return ferry_fail(err, FERRY_ELIMIT, "line %zu: more than %d %s", line, limit, what);
}

/* A node with `len` bytes of text joins the collection that is open. */
static int add_node(struct ferry_yaml *yaml, const yaml_event_t *event, enum ferry_yaml_kind kind,
                    size_t len, struct ferry_err *err)
{
    size_t line = event->start_mark.line + 1;
    struct ferry_yaml_node *node;

    if (++yaml->nodes > FERRY_YAML_NODES_MAX)
        return fail_limit(line, "nodes in a document", FERRY_YAML_NODES_MAX, err);
    node = calloc(1, sizeof(*node) + len + 1);
    if (!node)
        return ferry_fail_memory(err);
    node->kind = kind;
    node->line = line;
    node->older = yaml->newest;
    yaml->newest = node;
    if (yaml->depth > 0) {
        struct level *level = &yaml->levels[yaml->depth - 1];

        if (level->last)
            level->last->next = node;
        else
            level->node->first = node;
        level->last = node;
    } else {
        yaml->root = node;
    }
    return 0;
}

/* Gives the newest node a name, which aliases behind it may use. */
static int add_anchor(struct ferry_yaml *yaml, const yaml_char_t *name, struct ferry_err *err)
{
    struct anchor *anchor;

    if (!name)
        return 0;
    if (++yaml->anchor_count > FERRY_YAML_ANCHORS_MAX)
        return fail_limit(yaml->newest->line, "anchors in a document", FERRY_YAML_ANCHORS_MAX, err);
    anchor = malloc(sizeof(*anchor) + strlen((const char *)name) + 1);
    if (!anchor)
        return ferry_fail_memory(err);
    anchor->older = yaml->anchors;
    anchor->node = yaml->newest;
    strcpy(anchor->name, (const char *)name);
    yaml->anchors = anchor;
    return 0;
}

static int add_scalar(struct ferry_yaml *yaml, const yaml_event_t *event, struct ferry_err *err)
{
    size_t len = event->data.scalar.length;
    struct ferry_yaml_node *node;

    FERRY_TRY(add_node(yaml, event, FERRY_YAML_TEXT, len, err));
    node = yaml->newest;
    for (size_t i = 0; i < len; i++) {
        char c = (char)event->data.scalar.value[i];

        node->text[i] = c ? c : 1;
    }
    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && is_plain(node->text))
        node->kind = FERRY_YAML_PLAIN;
    return add_anchor(yaml, event->data.scalar.anchor, err);
}

static int add_alias(struct ferry_yaml *yaml, const yaml_event_t *event, struct ferry_err *err)
{
    const char *name = (const char *)event->data.alias.anchor;
    const struct anchor *anchor = yaml->anchors;

    FERRY_TRY(add_node(yaml, event, FERRY_YAML_ALIAS, 0, err));
    while (anchor && strcmp(anchor->name, name) != 0)
        anchor = anchor->older;
    if (!anchor)
        return ferry_fail(err, FERRY_EUSAGE, "line %zu: not YAML: *%.100s has no anchor before it",
                          yaml->newest->line, name);
    yaml->newest->target = anchor->node;
    return 0;
}

static int open_level(struct ferry_yaml *yaml, const yaml_event_t *event, enum ferry_yaml_kind kind,
                      const yaml_char_t *anchor, struct ferry_err *err)
{
    FERRY_TRY(add_node(yaml, event, kind, 0, err));
    if (yaml->depth == FERRY_YAML_DEPTH_MAX)
        return fail_limit(yaml->newest->line, "levels", FERRY_YAML_DEPTH_MAX, err);
    yaml->levels[yaml->depth++] = (struct level){ .node = yaml->newest };
    return add_anchor(yaml, anchor, err);
}

static int take_event(struct ferry_yaml *yaml, const yaml_event_t *event, struct ferry_err *err)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return add_scalar(yaml, event, err);
    case YAML_ALIAS_EVENT:
        return add_alias(yaml, event, err);
    case YAML_SEQUENCE_START_EVENT:
        return open_level(yaml, event, FERRY_YAML_SEQUENCE, event->data.sequence_start.anchor, err);
    case YAML_MAPPING_START_EVENT:
        return open_level(yaml, event, FERRY_YAML_MAPPING, event->data.mapping_start.anchor, err);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        yaml->depth--;
        return 0;
    default:
        return 0;
    }
}

int ferry_yaml_next(struct ferry_yaml *yaml, struct ferry_yaml_node **root, struct ferry_err *err)
{
    yaml_event_type_t type;

    forget_document(yaml);
    do {
        yaml_event_t event;
        int rc;

        FERRY_TRY(ferry_cancel_check(err));
        if (!yaml_parser_parse(&yaml->parser, &event))
            return fail_parser(yaml, err);
        type = event.type;
        rc = take_event(yaml, &event, err);
        yaml_event_delete(&event);
        FERRY_TRY(rc);
    } while (type != YAML_DOCUMENT_END_EVENT && type != YAML_STREAM_END_EVENT);
    if (type == YAML_DOCUMENT_END_EVENT && ++yaml->documents > FERRY_YAML_DOCUMENTS_MAX)
        return ferry_fail(err, FERRY_ELIMIT, "more than %d documents", FERRY_YAML_DOCUMENTS_MAX);
    *root = yaml->root;
    return 0;
}

struct ferry_yaml_node *ferry_yaml_resolve(struct ferry_yaml_node *node)
{
    return node->kind == FERRY_YAML_ALIAS ? node->target : node;
}

struct ferry_yaml_node *ferry_yaml_member(const struct ferry_yaml_node *mapping, const char *key)
{
    if (mapping->kind != FERRY_YAML_MAPPING)
        return NULL;
    for (struct ferry_yaml_node *k = mapping->first; k; k = k->next->next)
        if (strcmp(ferry_yaml_resolve(k)->text, key) == 0)
            return ferry_yaml_resolve(k->next);
    return NULL;
}
