/*
 * What a line of -f says: which images of the archive, and where they go.
 *
 * What it is: pure. SRC names one image, or all of a repository whose tags match a glob; without a
 * tag or digest in SRC and in DST all of the repository. Owns: lists of the graph's images; borrows
 * the graph.
 * Fails: FERRY_EUSAGE for what does not parse, for a tag that is to take several images, and for
 * another registry than DEST's; FERRY_ENOTFOUND when the archive has nothing of that name. The
 * caller adds file and line.
 */
#ifndef FERRY_IMPORT_MAP_LINES_H
#define FERRY_IMPORT_MAP_LINES_H

#include "format/oci/graph.h"
#include "import/import_opts.h"

struct ferry_map_lines;

int ferry_map_lines_new(const struct ferry_graph *graph, struct ferry_map_lines **out,
                        struct ferry_err *err) FERRY_MUST_USE;
void ferry_map_lines_free(struct ferry_map_lines *lines);
FERRY_OWNED_DEFINE(ferry_map_lines)

/* The images that a line names, at least one. They are lent until the next call. */
int ferry_map_lines_images(struct ferry_map_lines *lines, const struct ferry_mapping_line *line,
                           const struct ferry_image *const **images, size_t *count,
                           struct ferry_err *err) FERRY_MUST_USE;

/* The line's DST, which it has: a full reference at DEST's registry, or a path below DEST. Without
 * a tag it inherits that of `source`. */
int ferry_map_lines_destination(const struct import_opts *opts,
                                const struct ferry_mapping_line *line,
                                const struct ferry_reference *source, struct ferry_reference *out,
                                struct ferry_err *err) FERRY_MUST_USE;

/* The first line that sends something of the repository somewhere; NULL for none. `mapping` may be
 * NULL. */
const struct ferry_mapping_line *ferry_map_lines_first(const struct ferry_mapping *mapping,
                                                       const struct ferry_reference *source);

#endif
