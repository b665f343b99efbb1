/*
 * The window: blobs fetched in parallel, read in order, in bounded memory.
 *
 * What it is: the blobs of a plan, one after the other, are cut into segments; a few segments at
 * the head of what is still to be read are in flight on as many connections, and one reader takes
 * them in order. So one huge layer and a thousand small ones both fill all the connections, and
 * memory is slots x segment, whatever the blobs weigh. A segment is as long as it must be for the
 * asking to cost little: a run that is killed has fetched in vain what was in flight. A connection
 * that breaks is continued inside its segment. A server that ignores ranges is read over one
 * connection a blob. A foreign layer that the registry has not, is asked for at its URLs. Owns: its
 * threads and buffers; borrows graph, blobs and session until it is freed. Fails: the reader gets
 * the first failure of any transfer, which names image and blob. Bytes are not checked here: wrap
 * the source (blob_verify.h). Threads: its own; next and the source belong to one reader.
 */
#ifndef FERRY_EXPORT_WINDOW_H
#define FERRY_EXPORT_WINDOW_H

#include "format/oci/graph.h"
#include "format/registry/session.h"
#include "format/run/progress.h"

struct ferry_window;

struct ferry_window_options {
    struct ferry_session *session;
    const struct ferry_graph *graph;
    struct ferry_node *const *blobs; /* in the order in which they will be read */
    size_t count;
    int64_t first_offset; /* bytes of the first blob that the caller has: its source begins there */
    int jobs;             /* connections */
    size_t segment;       /* bytes of each; 0: between these two, longer where it is fast */
    struct ferry_progress *progress; /* told of every byte that arrives */
};

#define FERRY_SEGMENT_SMALLEST ((size_t)256 * 1024)
#define FERRY_SEGMENT_LARGEST ((size_t)2 * 1024 * 1024)

int ferry_window_new(const struct ferry_window_options *options, struct ferry_window **out,
                     struct ferry_err *err) FERRY_MUST_USE;

/* Stops and joins its threads. */
void ferry_window_free(struct ferry_window *window);
FERRY_OWNED_DEFINE(ferry_window)

/* The blob whose transfer failed, which the reader may not have come to; NULL while none has. */
struct ferry_node *ferry_window_failed(struct ferry_window *window);

/* The source of the next blob; the one before must have been read to its end. One pass. */
int ferry_window_next(struct ferry_window *window, struct ferry_source **out,
                      struct ferry_err *err) FERRY_MUST_USE;

#endif
