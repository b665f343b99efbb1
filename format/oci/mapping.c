#include "format/oci/mapping.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

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

static int read_lines(struct ferry_mapping *mapping, FILE *file, struct ferry_err *err)
{
    FERRY_OWNED_MEM char *text = NULL;
    size_t room = 0;
    ssize_t len;

    for (size_t number = 1; (len = getline(&text, &room, file)) >= 0; number++) {
        if (strlen(text) != (size_t)len)
            return ferry_fail(err, FERRY_EUSAGE, "%s: line %zu: holds a NUL byte: is it text?",
                              mapping->name, number);
        if (number > FERRY_MAPPING_LINES_MAX)
            return ferry_fail(err, FERRY_ELIMIT, "%s: more than %d lines", mapping->name,
                              FERRY_MAPPING_LINES_MAX);
        FERRY_TRY(add_line(mapping, text, number, err));
    }
    if (ferror(file))
        return ferry_fail(err, FERRY_EIO, "%s: cannot read: %s", mapping->name, strerror(errno));
    return 0;
}

int ferry_mapping_read(const char *path, struct ferry_mapping **out, struct ferry_err *err)
{
    FERRY_OWNED(ferry_mapping) mapping = calloc(1, sizeof(*mapping));
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *file;
    int rc;

    if (!mapping)
        return ferry_fail_memory(err);
    FERRY_TRY(ferry_text(&mapping->name, err, "%s", is_stdin ? "stdin" : path));
    file = is_stdin ? stdin : fopen(path, "re");
    if (!file)
        return ferry_fail(err, FERRY_EUSAGE, "%s: cannot open: %s", path, strerror(errno));
    rc = read_lines(mapping, file, err);
    if (!is_stdin)
        fclose(file);
    FERRY_TRY(rc);
    *out = ferry_steal(&mapping);
    return 0;
}
