/*
 * What an implementer of a source or a sink fills in. Consumers include blob.h alone.
 *
 * The base is the first member of the implementer's struct. `rewind` is NULL where the medium
 * permits one pass only. `commit` is NULL where there is nothing to make durable. `free` is called
 * once, never with NULL, and frees the struct.
 */
#ifndef FERRY_CORE_BLOB_IMPL_H
#define FERRY_CORE_BLOB_IMPL_H

#include "format/core/blob.h"

struct ferry_source_ops {
    int (*read)(struct ferry_source *source, void *buf, size_t cap, size_t *got,
                struct ferry_err *err);
    int (*rewind)(struct ferry_source *source, int64_t offset, struct ferry_err *err);
    void (*free)(struct ferry_source *source);
};

struct ferry_source {
    const struct ferry_source_ops *ops;
    int64_t size; /* -1 unknown */
};

struct ferry_sink_ops {
    int (*write)(struct ferry_sink *sink, const void *bytes, size_t len, struct ferry_err *err);
    int (*commit)(struct ferry_sink *sink, struct ferry_err *err);
    void (*free)(struct ferry_sink *sink);
};

struct ferry_sink {
    const struct ferry_sink_ops *ops;
};

#endif
