/*
 * verify_archive ARCHIVE: reads an archive in one pass, checks every blob against its name, and
 * lists the images. A small program over the blob layer and the archive reader alone; the real
 * verifier is ociferry-verify.
 */
#include <inttypes.h>
#include <stdio.h>

#include "format/archive/load.h"
#include "format/core/blob_verify.h"

/* Reads the current entry to its end; the verifying source says whether it is what it is named. */
static int check_blob(struct ferry_reader *reader, const struct ferry_entry *entry,
                      struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) body = NULL;
    FERRY_OWNED(ferry_source) checked = NULL;

    FERRY_TRY(ferry_reader_body(reader, &body, err));
    FERRY_TRY(ferry_verify_new(&body, &entry->digest, entry->size, &checked, err));
    return ferry_source_drain(checked, err);
}

static int verify(const char *path, struct ferry_err *err)
{
    FERRY_OWNED(ferry_reader) reader = NULL;
    FERRY_OWNED(ferry_graph) graph = NULL;
    struct ferry_entry entry;
    int64_t bytes = 0;

    FERRY_TRY(ferry_graph_new(&graph, err));
    FERRY_TRY(ferry_reader_open(path, &reader, err));
    FERRY_TRY(ferry_archive_load(reader, graph, err));
    for (size_t i = 0; i < graph->image_count; i++)
        printf("%s  %s\n", graph->images[i].root->descriptor.digest.text, graph->images[i].name);
    do {
        FERRY_TRY(ferry_reader_next(reader, &entry, err));
        if (entry.kind == FERRY_ENTRY_BLOB) {
            FERRY_TRY(check_blob(reader, &entry, err));
            bytes += entry.size;
        }
    } while (entry.kind != FERRY_ENTRY_END);
    printf("%" PRId64 " bytes of blobs are what their names say\n", bytes);
    return 0;
}

int main(int argc, char **argv)
{
    struct ferry_err err;

    if (argc != 2) {
        fprintf(stderr, "usage: verify_archive ARCHIVE\n");
        return FERRY_EXIT_USAGE;
    }
    if (verify(argv[1], &err) < 0) {
        fprintf(stderr, "verify_archive: %s\n", err.msg);
        return ferry_exit_status(err.code);
    }
    return 0;
}
