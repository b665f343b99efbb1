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

static void cut_comment(char *text)
{
    for (char *p = text; (p = strchr(p, '#')); p++) {
        if (p == text || p[-1] == ' ' || p[-1] == '\t') {
            *p = '\0';
            return;
        }
    }
}

static int add_pair(struct ferry_mapping *mapping, const char *source, const char *destination,
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

/* Splits at '=' or white space. No '=' may stand in a reference, so the first one is it. */
static int add_line(struct ferry_mapping *mapping, char *text, size_t number, struct ferry_err *err)
{
    static const char between[] = " \t\r\n=";
    char *rest = NULL, *source, *destination;
    bool is_pair;

    cut_comment(text);
    is_pair = strchr(text, '=');
    source = strtok_r(text, between, &rest);
    destination = source ? strtok_r(NULL, between, &rest) : NULL;
    if (!source)
        return 0;
    FERRY_TRY(add_pair(mapping, source, destination, number, err));
    while (destination && (destination = strtok_r(NULL, between, &rest))) {
        if (is_pair)
            return ferry_fail(err, FERRY_EUSAGE,
                              "%s: line %zu: expected SRC, SRC DST... or SRC=DST, found more",
                              mapping->name, number);
        FERRY_TRY(add_pair(mapping, source, destination, number, err));
    }
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
