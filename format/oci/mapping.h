/*
 * Lists of references, and of what becomes of them: the file that both programs take with -f, and
 * that `oc image mirror -f` takes.
 *
 * A line is "SRC", "SRC DST..." or "SRC=DST..."; blanks separate, '#' begins a comment, empty
 * lines are passed over. A line with several DST or several pairs becomes as many with its number.
 * What SRC and DST may be is for who reads the pairs: SRC with a glob in its tag stands for all
 * tags that match, SRC DST without a tag or digest in either for all tags, and DST is a repository
 * then. Owns: the texts. Fails: FERRY_EUSAGE with file and line, or where there is no such file;
 * FERRY_EIO.
 */
#ifndef FERRY_OCI_MAPPING_H
#define FERRY_OCI_MAPPING_H

#include "format/core/mem.h"

#define FERRY_MAPPING_BYTES_MAX ((size_t)32 * 1024 * 1024) /* of one file */
#define FERRY_MAPPING_LINES_MAX 100000 /* references that it lists, repeated ones included */

/* A source and one destination; a line with several destinations gives as many of these. */
struct ferry_mapping_line {
    char *source;
    char *destination; /* NULL when the line has none */
    size_t number;     /* from 1 */
};

struct ferry_mapping {
    char *name; /* of the file, for messages */
    struct ferry_mapping_line *lines;
    size_t count, room;
};

/* "-" is stdin. */
int ferry_mapping_read(const char *path, struct ferry_mapping **out,
                       struct ferry_err *err) FERRY_MUST_USE;
void ferry_mapping_free(struct ferry_mapping *mapping);
FERRY_OWNED_DEFINE(ferry_mapping)

#endif
