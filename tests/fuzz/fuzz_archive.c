/*
 * Archives: opened, loaded, and read to the end, each blob against its digest. The first byte says
 * how it is offered: as a file, as a file in order, or through a pipe.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/archive/load.h"
#include "format/core/blob_verify.h"
#include "tests/fuzz/fuzz.h"

#define PIPE_MAX 60000 /* fits a pipe, so that one thread does */

static int read_entry(struct ferry_reader *reader, const struct ferry_entry *entry,
                      struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) body = NULL;
    FERRY_OWNED(ferry_source) checked = NULL;

    if (entry->kind == FERRY_ENTRY_OTHER)
        return 0;
    FERRY_TRY(ferry_reader_body(reader, &body, err));
    if (entry->kind != FERRY_ENTRY_BLOB)
        return ferry_source_drain(body, err);
    FERRY_TRY(ferry_verify_new(&body, &entry->digest, entry->size, &checked, err));
    return ferry_source_drain(checked, err);
}

static void read_blobs(struct ferry_reader *reader, const struct ferry_graph *graph)
{
    for (size_t i = 0; i < graph->count && i < 100; i++) {
        FERRY_OWNED(ferry_source) blob = NULL;
        struct ferry_err err;

        if (ferry_reader_blob(reader, &graph->nodes[i]->descriptor.digest, &blob, &err) == 0)
            (void)!ferry_source_drain(blob, &err);
    }
}

static int read_archive(const char *path, bool in_order, struct ferry_err *err)
{
    FERRY_OWNED(ferry_reader) reader = NULL;
    FERRY_OWNED(ferry_graph) graph = NULL;
    struct ferry_entry entry;

    FERRY_TRY(ferry_graph_new(&graph, err));
    FERRY_TRY(in_order ? ferry_reader_open_in_order(path, &reader, err)
                       : ferry_reader_open(path, &reader, err));
    FERRY_TRY(ferry_archive_load(reader, graph, err));
    for (size_t i = 0; i < graph->count; i++) /* each document was found, or it is known why not */
        HOLDS(!ferry_node_unread(graph->nodes[i]));
    if (ferry_reader_is_random(reader))
        read_blobs(reader, graph);
    do {
        int rc;

        FERRY_TRY(ferry_reader_next(reader, &entry, err));
        rc = entry.kind == FERRY_ENTRY_END ? 0 : read_entry(reader, &entry, err);
        if (rc != FERRY_EDIGEST)
            FERRY_TRY(rc);
    } while (entry.kind != FERRY_ENTRY_END);
    return 0;
}

static int offer_file(const uint8_t *bytes, size_t len)
{
    int fd = memfd_create("archive", MFD_CLOEXEC);

    HOLDS(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
    return fd;
}

static int offer_pipe(const uint8_t *bytes, size_t len)
{
    int ends[2];

    len = len < PIPE_MAX ? len : PIPE_MAX;
    HOLDS(pipe(ends) == 0 && write(ends[1], bytes, len) == (ssize_t)len);
    close(ends[1]);
    return ends[0];
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct ferry_err err = { 0 };
    char path[64];
    int fd, rc;

    if (len == 0)
        return 0;
    fd = bytes[0] % 3 == 2 ? offer_pipe(bytes + 1, len - 1) : offer_file(bytes + 1, len - 1);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    rc = read_archive(path, bytes[0] % 3 == 1, &err);
    HOLDS(rc == 0 || (rc == (int)err.code && err.msg[0]));
    HOLDS(rc != FERRY_EIO && rc != FERRY_ENOTFOUND); /* the bytes are to blame, not the machine */
    close(fd);
    return 0;
}
