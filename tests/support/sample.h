/*
 * Images, archives and folders to test with, small and made on the spot.
 *
 * Owns: samples and entries live until sample_forget(); every group ends with it, by
 * sample_forget_group() or sample_leave_folder().
 * Fails: by failing the test.
 */
#ifndef TESTS_SUPPORT_SAMPLE_H
#define TESTS_SUPPORT_SAMPLE_H

#include "format/archive/archive_writer.h"
#include "format/oci/graph.h"

/* A blob or document, and what its parent says of it. */
struct sample {
    const char *bytes;
    size_t len;
    const char *media_type;
    struct ferry_digest digest;
    const char *extra; /* further members of its descriptor: ", \"urls\": [...]", or "" */
};

struct sample sample_blob(const char *media_type, const char *bytes, size_t len);
struct sample sample_text(const char *media_type, const char *text);

/* A layer of `len` bytes that no other `seed` gives. */
struct sample sample_layer(size_t len, unsigned seed);

/* An OCI image manifest; an OCI index. */
struct sample sample_manifest(struct sample config, const struct sample *layers, size_t count);
struct sample sample_index(const struct sample *children, size_t count);

/* The same, saying where it runs: for a child of an index. */
struct sample sample_platform(struct sample child, const char *os, const char *architecture);

/* Its descriptor as JSON, with more members. */
const char *sample_descriptor(const struct sample *sample, const char *more);

/* index.json for `count` roots, named names[i] (NULL: not named at all). */
struct sample sample_index_json(const struct sample *roots, const char *const *names, size_t count);

/* Text that lives as long as the samples. */
const char *sample_format(const char *fmt, ...) FERRY_PRINTF(1, 2);

void sample_forget(void);
int sample_forget_group(void **state); /* the same, as teardown of a group */

/* Adds the image "host.example/NAME" with that root. */
struct ferry_node *sample_add_image(struct ferry_graph *graph, const char *name,
                                    const struct sample *root);

/* Supplies the bytes to the graph, which must know the digest; the call's result. */
int sample_supply(struct ferry_graph *graph, const struct sample *sample, struct ferry_err *err);

/* The node of a sample; NULL when the graph has none. */
struct ferry_node *sample_find(const struct ferry_graph *graph, const struct sample *sample);

/* --- archives ------------------------------------------------------------------------------- */

struct sample_entry {
    const char *name;
    const char *bytes;
    size_t len;
    int type;         /* AE_IFREG when 0; AE_IFDIR, AE_IFLNK, ... of archive_entry.h */
    const char *link; /* target of a link; with AE_IFREG a hard one */
};

enum sample_dialect { SAMPLE_GNUTAR, SAMPLE_USTAR, SAMPLE_PAX };
enum sample_filter { SAMPLE_PLAIN, SAMPLE_GZIP, SAMPLE_ZSTD };

#define SAMPLE_ENTRIES_MAX 32

/* A list of entries, and how it is to be written. */
struct sample_tar {
    struct sample_entry entries[SAMPLE_ENTRIES_MAX];
    size_t count;
    enum sample_dialect dialect;
    enum sample_filter filter;
};

void sample_put(struct sample_tar *tar, const char *name, const char *text);
void sample_put_blob(struct sample_tar *tar, const struct sample *blob);

/* oci-layout and index.json. */
void sample_put_head(struct sample_tar *tar, const struct sample *index_json);

/* The bytes of the archive, to be freed. */
char *sample_tar_bytes(const struct sample_tar *tar, size_t *len);

/* Writes them to `path`, or the entries as files below the folder `path`. */
void sample_tar_file(const struct sample_tar *tar, const char *path);
void sample_tar_folder(const struct sample_tar *tar, const char *path);

/* --- files ---------------------------------------------------------------------------------- */

void sample_write(const char *path, const void *bytes, size_t len);
char *sample_read(const char *path, size_t *len); /* to be freed */

/* A named pipe at `path`, and a thread that writes these bytes to whoever opens it. The end waits
 * for the thread, and says whether all was taken. */
void sample_pipe_begin(const char *path, const void *bytes, size_t len);
bool sample_pipe_end(void);

/* As setup and teardown of a group: a fresh working folder, which goes with all that is in it. */
int sample_enter_folder(void **state);
int sample_leave_folder(void **state);

/* A writer of an archive in one file. */
int sample_writer(const char *path, enum ferry_existing existing, struct ferry_writer **out,
                  struct ferry_err *err) FERRY_MUST_USE;

#endif
