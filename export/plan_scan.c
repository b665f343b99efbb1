#include "export/plan_scan.h"

#include <string.h>

#include "format/archive/layout.h"
#include "format/archive/signature.h"
#include "format/core/blob_verify.h"

#define ANY_SIZE ((int64_t)-1)

/* The file ends somewhere, and what a power cut left may be no tar any more: that is a cut. */
static int next_entry(struct ferry_plan_scan *s, const char *name, int64_t size,
                      enum ferry_verdict *verdict, struct ferry_err *err)
{
    struct ferry_tar_entry entry;
    int rc = ferry_tar_next(s->tar, &entry, err);

    *verdict = FERRY_VERDICT_CUT;
    if (rc == FERRY_EFORMAT || rc == FERRY_EUNFIT || (rc == 0 && !entry.name))
        return 0;
    FERRY_TRY(rc);
    *verdict = strcmp(entry.name, name) == 0 && (size == ANY_SIZE || entry.size == size) &&
                       entry.position == s->offset && ferry_tar_is_plain(s->tar)
                   ? FERRY_VERDICT_SAME
                   : FERRY_VERDICT_DIFFERENT;
    return 0;
}

/* A file of the head: its very bytes. */
static int scan_document(struct ferry_plan_scan *s, const char *name,
                         const struct ferry_buf *wanted, enum ferry_verdict *verdict,
                         struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) body = NULL;
    FERRY_OWNED_BUF found;
    int rc;

    ferry_buf_init(&found, wanted->len);
    FERRY_TRY(next_entry(s, name, (int64_t)wanted->len, verdict, err));
    if (*verdict != FERRY_VERDICT_SAME)
        return 0;
    FERRY_TRY(ferry_tar_body(s->tar, &body, err));
    rc = ferry_source_read_all(body, &found, err);
    if (rc == FERRY_EFORMAT)
        *verdict = FERRY_VERDICT_CUT;
    else if (rc == 0 && memcmp(found.data, wanted->data, wanted->len) != 0)
        *verdict = FERRY_VERDICT_DIFFERENT;
    s->offset += ferry_writer_file_cost((int64_t)wanted->len);
    return rc == FERRY_EFORMAT ? 0 : rc;
}

/* Signed again, one content may have other bytes (ECDSA draws random numbers): a signature that is
 * there will do if it is as good as the plan's own. */
static bool is_as_good(const struct ferry_plan_scan *s, const struct ferry_buf *found)
{
    static const struct ferry_signature_policy nobody;
    struct ferry_signature signature = { 0 };
    struct ferry_err ignored;
    bool fits;

    if (!ferry_signature_alike(found, &s->plan->signature))
        return false;
    fits = ferry_signature_check(&s->plan->index, found, &nobody, &signature, &ignored) == 0 &&
           signature.state == FERRY_SIGNATURE_UNCHECKED;
    ferry_signature_release(&signature);
    return fits;
}

/* The plan takes over the signature that is there. */
static int scan_signature(struct ferry_plan_scan *s, enum ferry_verdict *verdict,
                          struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) body = NULL;
    FERRY_OWNED_BUF found;
    int64_t size;
    int rc;

    ferry_buf_init(&found, FERRY_SIGNATURE_MAX);
    FERRY_TRY(next_entry(s, FERRY_SIGNATURE_NAME, ANY_SIZE, verdict, err));
    if (*verdict != FERRY_VERDICT_SAME)
        return 0;
    FERRY_TRY(ferry_tar_body(s->tar, &body, err));
    size = ferry_source_size(body);
    rc = size > (int64_t)FERRY_SIGNATURE_MAX ? 0 : ferry_source_read_all(body, &found, err);
    if (rc == FERRY_EFORMAT)
        *verdict = FERRY_VERDICT_CUT;
    else if (rc == 0 && !is_as_good(s, &found))
        *verdict = FERRY_VERDICT_DIFFERENT;
    else if (rc == 0)
        ferry_pull_plan_sign(s->plan, &found);
    s->offset += ferry_writer_file_cost(size);
    return rc == FERRY_EFORMAT ? 0 : rc;
}

int ferry_plan_scan_head(struct ferry_plan_scan *s, enum ferry_verdict *verdict,
                         struct ferry_err *err)
{
    FERRY_OWNED_BUF layout;

    ferry_buf_init(&layout, strlen(FERRY_LAYOUT_TEXT));
    FERRY_TRY(ferry_buf_append(&layout, FERRY_LAYOUT_TEXT, strlen(FERRY_LAYOUT_TEXT), err));
    FERRY_TRY(scan_document(s, FERRY_LAYOUT_NAME, &layout, verdict, err));
    if (*verdict == FERRY_VERDICT_SAME)
        FERRY_TRY(scan_document(s, FERRY_INDEX_NAME, &s->plan->index, verdict, err));
    if (*verdict == FERRY_VERDICT_SAME && s->plan->signature.len > 0)
        FERRY_TRY(scan_signature(s, verdict, err));
    if (*verdict == FERRY_VERDICT_SAME && s->plan->docker.len > 0)
        FERRY_TRY(scan_document(s, FERRY_DOCKER_NAME, &s->plan->docker, verdict, err));
    s->offset += (int64_t)s->plan->folder_count * ferry_writer_file_cost(0);
    if (*verdict == FERRY_VERDICT_SAME && s->offset > s->found)
        *verdict = FERRY_VERDICT_CUT;
    return 0;
}

/* The blob is complete in the file. Is it right? */
static int check_blob(struct ferry_plan_scan *s, const struct ferry_node *node,
                      enum ferry_verdict *verdict, struct ferry_err *err)
{
    FERRY_OWNED(ferry_source) body = NULL;
    FERRY_OWNED(ferry_source) checked = NULL;
    int rc;

    FERRY_TRY(ferry_tar_body(s->tar, &body, err));
    FERRY_TRY(
        ferry_verify_new(&body, &node->descriptor.digest, node->descriptor.size, &checked, err));
    rc = ferry_source_drain(checked, err);
    if (rc == FERRY_EDIGEST || rc == FERRY_EFORMAT) {
        *verdict = FERRY_VERDICT_CUT;
        return 0;
    }
    ferry_progress_add(s->progress, node->descriptor.size, 1);
    return rc;
}

void ferry_plan_scan_stop(const struct ferry_node *node, int64_t offset, int64_t end,
                          struct ferry_resume *out)
{
    int64_t size = node->descriptor.size;

    out->offset = offset;
    out->data = offset + ferry_writer_entry_cost(&node->descriptor.digest, 0);
    out->tail = 0;
    if (!node->bytes && end > out->data)
        out->tail = end - out->data < size ? end - out->data : size;
}

int ferry_plan_scan_nodes(struct ferry_plan_scan *s, struct ferry_resume *out,
                          enum ferry_verdict *verdict, struct ferry_err *err)
{
    for (; out->node < s->plan->count && *verdict == FERRY_VERDICT_SAME; out->node++) {
        const struct ferry_node *node = s->plan->nodes[out->node];
        int64_t size = node->descriptor.size;
        int64_t cost = ferry_writer_entry_cost(&node->descriptor.digest, size);
        char name[FERRY_BLOB_NAME_MAX];

        ferry_layout_blob_name(&node->descriptor.digest, name);
        ferry_plan_scan_stop(node, s->offset, s->offset, out);
        out->kept = s->offset;
        FERRY_TRY(next_entry(s, name, size, verdict, err));
        if (*verdict != FERRY_VERDICT_SAME)
            return 0;
        if (s->found < s->offset + cost) {
            *verdict = FERRY_VERDICT_CUT;
            ferry_plan_scan_stop(node, s->offset, s->found, out);
            if (out->tail > 0)
                out->kept = out->data + out->tail;
            return 0;
        }
        FERRY_TRY(check_blob(s, node, verdict, err));
        if (*verdict != FERRY_VERDICT_SAME)
            return 0;
        s->offset += cost;
    }
    out->offset = out->kept = s->offset;
    return 0;
}
