#include "format/verify/paced.h"

#include "format/core/blob_impl.h"

struct paced {
    struct ferry_source base;
    struct ferry_source *inner;
    struct ferry_progress *progress;
};

static int paced_read(struct ferry_source *source, void *buf, size_t cap, size_t *got,
                      struct ferry_err *err)
{
    struct paced *s = (struct paced *)source;

    FERRY_TRY(ferry_source_read(s->inner, buf, cap, got, err));
    ferry_progress_add(s->progress, (int64_t)*got, 0);
    return 0;
}

static void paced_free(struct ferry_source *source)
{
    ferry_source_free(((struct paced *)source)->inner);
    free(source);
}

static const struct ferry_source_ops paced_ops = { paced_read, NULL, paced_free };

int ferry_paced_new(struct ferry_source **inner, struct ferry_progress *progress,
                    struct ferry_source **out, struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) owned = ferry_steal(inner);
    struct paced *s = calloc(1, sizeof(*s));

    if (!s)
        return ferry_fail_memory(err);
    *s = (struct paced){ .base = { &paced_ops, owned->size },
                         .inner = ferry_steal(&owned),
                         .progress = progress };
    *out = &s->base;
    return 0;
}
