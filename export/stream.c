#include "export/stream.h"

#include <string.h>

#include "export/pull.h"
#include "export/read_back.h"
#include "export/window.h"
#include "format/archive/layout.h"
#include "format/core/blob_file.h"
#include "format/core/blob_verify.h"

static int write_head(struct ferry_writer *out, const struct ferry_pull_plan *plan,
                      struct ferry_err *err)
{
    FERRY_TRY(ferry_writer_put(out, FERRY_LAYOUT_NAME, FERRY_LAYOUT_TEXT, strlen(FERRY_LAYOUT_TEXT),
                               err));
    FERRY_TRY(ferry_writer_put(out, FERRY_INDEX_NAME, plan->index.data, plan->index.len, err));
    if (plan->signature.len > 0)
        FERRY_TRY(ferry_writer_put(out, FERRY_SIGNATURE_NAME, plan->signature.data,
                                   plan->signature.len, err));
    if (plan->docker.len > 0)
        FERRY_TRY(
            ferry_writer_put(out, FERRY_DOCKER_NAME, plan->docker.data, plan->docker.len, err));
    for (size_t i = 0; i < plan->folder_count; i++)
        FERRY_TRY(ferry_writer_folder(out, plan->folders[i], err));
    return 0;
}

/* A blob whose bytes the plan holds already. */
static int write_held(struct ferry_writer *out, const struct ferry_node *node,
                      struct ferry_err *err)
{
    char name[FERRY_BLOB_NAME_MAX];

    ferry_layout_blob_name(&node->descriptor.digest, name);
    return ferry_writer_put(out, name, node->bytes, (size_t)node->descriptor.size, err);
}

/* Of the blob that broke off in an earlier run some bytes are that run's. */
static bool is_resumed(const struct ferry_stream *s, size_t i)
{
    return s->resume.tail > 0 && i == s->resume.node;
}

static bool is_salvaged(const struct ferry_stream *s, size_t i)
{
    return s->salvage.data && s->salvage.data[i] > 0;
}

/* The bytes of a blob that stand further back in the file. */
static int open_salvaged(const struct ferry_stream *s, size_t i, struct ferry_source **body,
                         struct ferry_err *err)
{
    const struct ferry_resume there = { .data = s->salvage.data[i],
                                        .tail = s->plan->nodes[i]->descriptor.size };
    FERRY_OWNED(ferry_source) nothing = NULL;

    FERRY_TRY(ferry_source_memory("", 0, &nothing, err));
    return ferry_resume_source(s->out, &there, &nothing, body, err);
}

/* The bytes of a blob; of one that broke off in an earlier run, those that are there come first. */
static int open_fetched(const struct ferry_stream *s, size_t node, struct ferry_window *window,
                        struct ferry_source **body, struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) fetched = NULL;

    if (is_salvaged(s, node))
        return open_salvaged(s, node, body, err);
    FERRY_TRY(ferry_window_next(window, &fetched, err));
    if (is_resumed(s, node))
        return ferry_resume_source(s->out, &s->resume, &fetched, body, err);
    *body = ferry_steal(&fetched);
    return 0;
}

/* The next blob of the window becomes an entry; the entry cannot be closed unless it is right. */
static int write_fetched(const struct ferry_stream *s, size_t i, struct ferry_window *window,
                         struct ferry_err *err)
{
    const struct ferry_node *node = s->plan->nodes[i];
    FERRY_OWNED(ferry_source) body = NULL;
    FERRY_OWNED(ferry_source) checked = NULL;
    FERRY_OWNED(ferry_sink) entry = NULL;
    char name[FERRY_BLOB_NAME_MAX];

    ferry_layout_blob_name(&node->descriptor.digest, name);
    FERRY_TRY(open_fetched(s, i, window, &body, err));
    FERRY_TRY(
        ferry_verify_new(&body, &node->descriptor.digest, node->descriptor.size, &checked, err));
    FERRY_TRY(ferry_writer_entry(s->out, name, node->descriptor.size, &entry, err));
    return ferry_blob_copy(checked, entry, err);
}

/* Wrong bytes, which the next run would only find again. Where all is compressed the frames of this
 * run cannot be cut. */
static void drop_entry(const struct ferry_stream *s, int64_t offset)
{
    struct ferry_err ignored;

    if (ferry_writer_can_overwrite(s->out) && ferry_writer_flush(s->out, &ignored) == 0)
        ferry_writer_drop(s->out, offset);
}

/* What is wrong with the bytes is the image's fault; what is wrong with the output is not. */
static void wrap_blob(const struct ferry_stream *s, size_t i, struct ferry_err *err)
{
    const struct ferry_node *node = s->plan->nodes[i];
    const struct ferry_image *image = &s->plan->graph->images[node->first_image];

    if (err->code != FERRY_EDIGEST)
        return;
    if (is_resumed(s, i)) {
        ferry_writer_drop(s->out, s->resume.offset);
        ferry_wrap(err, "what an earlier run left of it may be to blame, and is dropped now");
    }
    if (strstr(err->msg, image->name)) /* the window has named it */
        return;
    if (node->descriptor.urls)
        ferry_wrap(err, "a foreign layer, of which the registry or a URL has other bytes");
    ferry_pull_wrap(image, node, err);
}

/* Marks the blob that cannot be had, if it is to blame and the export may do without it. */
static void set_fault(const struct ferry_stream *s, size_t i, struct ferry_window *window,
                      const struct ferry_err *err)
{
    struct ferry_node *failed = ferry_window_failed(window);

    if (!failed && (is_salvaged(s, i) || is_resumed(s, i)))
        return; /* what is in the file is */
    if (ferry_failures_permit(s->failures, err))
        ferry_node_set_fault(failed ? failed : s->plan->nodes[i], err);
}

static int write_blobs(const struct ferry_stream *s, struct ferry_window *window,
                       struct ferry_err *err)
{
    for (size_t i = s->resume.node; i < s->plan->count; i++) {
        const struct ferry_node *node = s->plan->nodes[i];
        const int64_t offset = ferry_writer_written(s->out);

        if ((node->bytes ? write_held(s->out, node, err) : write_fetched(s, i, window, err)) < 0) {
            if (err->code == FERRY_EDIGEST && !ferry_window_failed(window) && !is_salvaged(s, i) &&
                !is_resumed(s, i))
                drop_entry(s, offset);
            wrap_blob(s, i, err);
            set_fault(s, i, window, err);
            return (int)err->code;
        }
        ferry_progress_add(s->progress, 0, 1);
    }
    return 0;
}

/* The blobs that are still to be fetched, in the order of the plan. */
static int open_window(const struct ferry_stream *s, struct ferry_node ***blobs,
                       struct ferry_window **out, struct ferry_err *err)
{
    struct ferry_window_options window = { .session = s->session,
                                           .graph = s->plan->graph,
                                           .first_offset = s->resume.tail,
                                           .jobs = s->opts->jobs,
                                           .progress = s->progress };
    int64_t bytes = -s->resume.tail;

    *blobs = calloc(s->plan->count + 1, sizeof(struct ferry_node *));
    if (!*blobs)
        return ferry_fail_memory(err);
    for (size_t i = s->resume.node; i < s->plan->count; i++) {
        if (s->plan->nodes[i]->bytes || is_salvaged(s, i))
            continue;
        (*blobs)[window.count++] = s->plan->nodes[i];
        bytes += s->plan->nodes[i]->descriptor.size;
    }
    window.blobs = *blobs;
    ferry_progress_phase(s->progress, "exporting", bytes,
                         (int64_t)(s->plan->count - s->resume.node));
    return ferry_window_new(&window, out, err);
}

int ferry_stream_run(const struct ferry_stream *s, struct ferry_err *err)
{
    FERRY_OWNED_MEM struct ferry_node **blobs = NULL;
    FERRY_OWNED(ferry_window) window = NULL;

    if (s->resume.is_begun)
        ferry_writer_continue(s->out, s->resume.offset, s->resume.kept);
    if (s->salvage.data)
        ferry_writer_overwrite(s->out);
    if (!s->resume.is_begun)
        FERRY_TRY(write_head(s->out, s->plan, err));
    FERRY_TRY(open_window(s, &blobs, &window, err));
    FERRY_TRY(write_blobs(s, window, err));
    ferry_progress_phase(s->progress, "finishing", -1, -1);
    FERRY_TRY(ferry_writer_finish(s->out, err));
    if (s->opts->verify_after_write)
        FERRY_TRY(ferry_read_back(s->out, s->plan, s->progress, err));
    return ferry_writer_commit(s->out, err);
}
