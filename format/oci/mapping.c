#include "format/oci/mapping.h"

#include <string.h>

#include "format/core/blob_file.h"

void ferry_mapping_free(struct ferry_mapping *mapping)
{
    if (!mapping)
        return;
    for (size_t i = 0; i < mapping->count; i++) {
        free(mapping->lines[i].source);
        free(mapping->lines[i].destination);
    }
    free(mapping->lines);
    free(mapping->name);
    free(mapping);
}

static int add(struct ferry_mapping *mapping, const char *source, const char *destination,
               size_t number, struct ferry_err *err)
{
    struct ferry_mapping_line *line;

    if (mapping->count == FERRY_MAPPING_LINES_MAX)
        return ferry_fail(err, FERRY_EUSAGE, "%s: line %zu: more than %d references", mapping->name,
                          number, FERRY_MAPPING_LINES_MAX);
    FERRY_TRY(ferry_grow((void **)&mapping->lines, mapping->count, &mapping->room,
                         sizeof(*mapping->lines), err));
    line = &mapping->lines[mapping->count++];
    *line = (struct ferry_mapping_line){ .number = number };
    FERRY_TRY(ferry_text(&line->source, err, "%s", source));
    return destination ? ferry_text(&line->destination, err, "%s", destination) : 0;
}

/* No '=' may stand in a reference: one in a word makes it a pair. */
static int add_pair(struct ferry_mapping *mapping, char *word, size_t number, struct ferry_err *err)
{
    char *equals = strchr(word, '=');

    if (!equals || equals == word || !equals[1] || strchr(equals + 1, '='))
        return ferry_fail(err, FERRY_EUSAGE, "%s: line %zu: expected SRC=DST, found \"%.300s\"",
                          mapping->name, number, word);
    *equals = '\0';
    return add(mapping, word, equals + 1, number, err);
}

static int add_line(struct ferry_mapping *mapping, char *text, size_t number, struct ferry_err *err)
{
    static const char blanks[] = " \t\r\n";
    char *rest = NULL, *first, *word;
    bool has_pairs;

    text[strcspn(text, "#")] = '\0';
    has_pairs = strchr(text, '=') != NULL;
    first = strtok_r(text, blanks, &rest);
    if (!first)
        return 0;
    if (has_pairs) {
        for (word = first; word; word = strtok_r(NULL, blanks, &rest))
            FERRY_TRY(add_pair(mapping, word, number, err));
        return 0;
    }
    word = strtok_r(NULL, blanks, &rest);
    do
        FERRY_TRY(add(mapping, first, word, number, err));
    while ((word = strtok_r(NULL, blanks, &rest)) != NULL);
    return 0;
}

static int add_lines(struct ferry_mapping *mapping, char *line, size_t len, struct ferry_err *err)
{
    static const char mark[] = "\xef\xbb\xbf"; /* of UTF-8, from an editor of Windows */
    char *const end = line + len;
    char *next;

    if (len >= strlen(mark) && memcmp(line, mark, strlen(mark)) == 0)
        line += strlen(mark);

    for (size_t number = 1; line < end; line = next, number++) {
        next = memchr(line, '\n', (size_t)(end - line));
        next = next ? next + 1 : end;
        if (memchr(line, '\0', (size_t)(next - line)))
            return ferry_fail(err, FERRY_EUSAGE, "%s: line %zu: holds a NUL byte: is it text?",
                              mapping->name, number);
        if (next[-1] == '\n')
            next[-1] = '\0';
        FERRY_TRY(add_line(mapping, line, number, err));
    }
    return 0;
}

int ferry_mapping_read(const char *path, struct ferry_mapping **out, struct ferry_err *err)
{
    FERRY_OWNED(ferry_mapping) mapping = calloc(1, sizeof(*mapping));
    FERRY_OWNED_BUF file;

    ferry_buf_init(&file, FERRY_MAPPING_BYTES_MAX);
    if (!mapping)
        return ferry_fail_memory(err);
    FERRY_TRY(ferry_text(&mapping->name, err, "%s", strcmp(path, "-") == 0 ? "stdin" : path));
    if (ferry_file_read(path, &file, err) < 0)
        return ferry_wrap(err, "%s", mapping->name);
    if (file.len > 0)
        FERRY_TRY(add_lines(mapping, (char *)file.data, file.len, err));
    *out = ferry_steal(&mapping);
    return 0;
}
