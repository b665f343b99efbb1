#include "format/oci/index.h"

#include <stdio.h>
#include <string.h>

static const char what[] = "index.json";

/* -1 unless `text` begins as MAJOR.MINOR does; what a later minor version adds behind that is its
 * own. */
static int major_version(const char *text)
{
    static const char digit[] = "0123456789";
    size_t digits = strspn(text, digit);
    int major = 0;

    if (digits == 0 || digits > 6 || text[digits] != '.' || strspn(text + digits + 1, digit) == 0)
        return -1;
    for (size_t i = 0; i < digits; i++)
        major = major * 10 + (text[i] - '0');
    return major;
}

static int check_version(const char *version, struct ferry_err *err)
{
    int major = major_version(version);

    if (major < 1)
        return ferry_fail(err, FERRY_EFORMAT, "%s: archive version \"%.20s\" is not MAJOR.MINOR",
                          what, version);
    if (major != FERRY_ARCHIVE_MAJOR)
        return ferry_fail(err, FERRY_EFORMAT,
                          "%s: the archive is of version %.20s, this program reads %d.x: use an "
                          "ociferry that knows it",
                          what, version, FERRY_ARCHIVE_MAJOR);
    return 0;
}

/* Digests with one space between them; `text` is cut up. */
static int parse_digests(char *text, struct ferry_digest **list, size_t *count,
                         struct ferry_err *err)
{
    size_t room = 0;

    for (char *next; text; text = next) {
        next = strchr(text, ' ');
        if (next)
            *next++ = '\0';
        FERRY_TRY(ferry_grow((void **)list, *count, &room, sizeof(**list), err));
        FERRY_TRY(ferry_digest_parse(text, &(*list)[*count], err));
        ++*count;
    }
    return 0;
}

static int read_left_out(const json_t *annotations, struct ferry_graph *graph,
                         struct ferry_err *err)
{
    FERRY_OWNED_MEM struct ferry_digest *list = NULL;
    FERRY_OWNED_MEM char *copy = NULL;
    const char *text;
    size_t count = 0;

    FERRY_TRY(ferry_json_text(annotations, FERRY_NOTE_LEFT_OUT, what, &text, err));
    if (!text)
        return 0;
    FERRY_TRY(ferry_text(&copy, err, "%s", text));
    if (parse_digests(copy, &list, &count, err) < 0)
        return ferry_wrap(err, "%s: " FERRY_NOTE_LEFT_OUT, what);
    ferry_graph_leave_out(graph, &list, count);
    return 0;
}

/* What the document says of the archive as a whole. */
static int read_annotations(const json_t *document, struct ferry_graph *graph,
                            struct ferry_err *err)
{
    const char *version;
    json_t *annotations;

    FERRY_TRY(ferry_json_object(document, "annotations", what, &annotations, err));
    if (!annotations)
        return 0;
    FERRY_TRY(ferry_json_text(annotations, FERRY_NOTE_VERSION, what, &version, err));
    if (!version) /* somebody else's layout */
        return 0;
    FERRY_TRY(check_version(version, err));
    graph->is_ours = true;
    return read_left_out(annotations, graph, err);
}

/* A name that does not parse is no reason to refuse the bytes: the image goes by its digest. */
static void name_image(const char *full, const char *ref_name, const struct ferry_digest *digest,
                       struct ferry_reference *out)
{
    struct ferry_err ignored;

    *out = (struct ferry_reference){ 0 };
    if (full && ferry_reference_parse(full, out, &ignored) == 0)
        return;
    if (ref_name && ferry_tag_valid(ref_name)) {
        snprintf(out->tag, sizeof(out->tag), "%s", ref_name);
        return;
    }
    if (ref_name && strpbrk(ref_name, "/:@") && ferry_reference_parse(ref_name, out, &ignored) == 0)
        return;
    out->has_digest = true;
    out->digest = *digest;
}

/* What an entry says beside its descriptor; each NULL where it does not. */
struct notes {
    const char *full, *ref_name, *subject, *repository;
};

static int read_notes(const json_t *object, struct notes *notes, struct ferry_err *err)
{
    json_t *annotations;

    *notes = (struct notes){ 0 };
    FERRY_TRY(ferry_json_object(object, "annotations", what, &annotations, err));
    if (!annotations)
        return 0;
    FERRY_TRY(ferry_json_text(annotations, FERRY_NOTE_NAME, what, &notes->full, err));
    FERRY_TRY(ferry_json_text(annotations, FERRY_NOTE_REF_NAME, what, &notes->ref_name, err));
    FERRY_TRY(ferry_json_text(annotations, FERRY_NOTE_SUBJECT, what, &notes->subject, err));
    return ferry_json_text(annotations, FERRY_NOTE_REFERRER_REPOSITORY, what, &notes->repository,
                           err);
}

/* Without a repository, as other tools write it, a referrer belongs wherever its subject is. */
static int add_referrer(struct ferry_graph *graph, const struct notes *notes,
                        const struct ferry_descriptor *descriptor, struct ferry_err *err)
{
    struct ferry_reference ref = { 0 };
    struct ferry_digest subject;

    if (ferry_digest_parse(notes->subject, &subject, err) < 0)
        return ferry_wrap(err, "%s: " FERRY_NOTE_SUBJECT, what);
    if (notes->repository && ferry_reference_parse(notes->repository, &ref, err) < 0)
        return ferry_fail(err, FERRY_EFORMAT, "%s: " FERRY_NOTE_REFERRER_REPOSITORY " \"%.300s\"",
                          what, notes->repository);
    return ferry_graph_add_referrer(graph, &ref, &subject, descriptor, err);
}

static int add_entry(struct ferry_graph *graph, const json_t *object, struct ferry_err *err)
{
    struct ferry_descriptor descriptor = { 0 };
    struct ferry_reference ref;
    struct notes notes;
    int rc;

    FERRY_TRY(read_notes(object, &notes, err));
    FERRY_TRY(ferry_descriptor_from_json(object, what, &descriptor, err));
    if (notes.subject && !notes.full && !notes.ref_name) {
        rc = add_referrer(graph, &notes, &descriptor, err);
    } else {
        name_image(notes.full, notes.ref_name, &descriptor.digest, &ref);
        rc = ferry_graph_add_image(graph, &ref, &descriptor, err);
    }
    ferry_descriptor_release(&descriptor);
    FERRY_TRY(rc);
    if (graph->images[graph->image_count - 1].root->state == FERRY_NODE_LEFT_OUT)
        return ferry_fail(err, FERRY_EFORMAT,
                          "%s: lists %s as an image, and says that it is left out", what,
                          graph->images[graph->image_count - 1].root->descriptor.digest.text);
    return 0;
}

int ferry_index_parse(const void *bytes, size_t len, struct ferry_graph *graph,
                      struct ferry_err *err)
{
    FERRY_OWNED_JSON *document = NULL;
    json_t *manifests;

    FERRY_TRY(ferry_digest_of(FERRY_SHA256, bytes, len, &graph->index, err));
    FERRY_TRY(ferry_json_load(bytes, len, what, &document, err));
    FERRY_TRY(read_annotations(document, graph, err));
    FERRY_TRY(ferry_json_array(document, "manifests", what, &manifests, err));
    if (!manifests)
        return ferry_fail(err, FERRY_EFORMAT, "%s: lists no manifests", what);
    if (json_array_size(manifests) > FERRY_CHILDREN_MAX)
        return ferry_fail(err, FERRY_ELIMIT, "%s: lists %zu images, limit %d", what,
                          json_array_size(manifests), FERRY_CHILDREN_MAX);
    for (size_t i = 0; i < json_array_size(manifests); i++)
        FERRY_TRY(add_entry(graph, json_array_get(manifests, i), err));
    return 0;
}

/* The name that travels: with a tag the digest is left to the descriptor. */
static void full_name(const struct ferry_image *image, char out[FERRY_REFERENCE_TEXT_MAX])
{
    struct ferry_reference ref = image->ref;

    if (ref.tag[0])
        ref.has_digest = false;
    ferry_reference_format(&ref, out);
}

/* The annotations of an entry. Not packed with "s*", which leaves a member out when there is no
 * memory for it. */
static json_t *format_notes(const struct ferry_image *image, enum ferry_ref_name ref_name)
{
    char full[FERRY_REFERENCE_TEXT_MAX], repository[FERRY_REFERENCE_TEXT_MAX];
    const char *short_name;

    if (image->has_subject && !image->ref.tag[0]) {
        snprintf(repository, sizeof(repository), "%s/%s", image->ref.registry,
                 image->ref.repository);
        return json_pack("{s:s, s:s}", FERRY_NOTE_SUBJECT, image->subject.text,
                         FERRY_NOTE_REFERRER_REPOSITORY, repository);
    }
    full_name(image, full);
    short_name = ref_name == FERRY_REF_NAME_FULL ? full : image->ref.tag;
    if (!short_name[0])
        return json_pack("{s:s}", FERRY_NOTE_NAME, full);
    return json_pack("{s:s, s:s}", FERRY_NOTE_NAME, full, FERRY_NOTE_REF_NAME, short_name);
}

static json_t *format_image(const struct ferry_image *image, enum ferry_ref_name ref_name)
{
    const struct ferry_descriptor *root = &image->root->descriptor;

    return json_pack("{s:s, s:s, s:I, s:o}", "mediaType", root->media_type, "digest",
                     root->digest.text, "size", (json_int_t)root->size, "annotations",
                     format_notes(image, ref_name));
}

static int compare_nodes(const void *a, const void *b)
{
    const struct ferry_node *x = *(const struct ferry_node *const *)a;
    const struct ferry_node *y = *(const struct ferry_node *const *)b;

    return strcmp(x->descriptor.digest.text, y->descriptor.digest.text);
}

/* A reader knows by itself that foreign layers are not there. */
static bool is_to_be_said(const struct ferry_node *node)
{
    return node->state == FERRY_NODE_LEFT_OUT && !ferry_node_is_elsewhere(node);
}

/* The digests of what is left out on purpose, sorted, with one space between them. */
static int format_left_out(const struct ferry_graph *graph, struct ferry_buf *out,
                           struct ferry_err *err)
{
    FERRY_OWNED_MEM const struct ferry_node **list = calloc(graph->count + 1, sizeof(*list));
    size_t count = 0;

    if (!list)
        return ferry_fail_memory(err);
    for (size_t i = 0; i < graph->count; i++)
        if (is_to_be_said(graph->nodes[i]))
            list[count++] = graph->nodes[i];
    qsort(list, count, sizeof(*list), compare_nodes);
    for (size_t i = 0; i < count; i++)
        FERRY_TRY(ferry_buf_print(out, err, "%s%s", i ? " " : "", list[i]->descriptor.digest.text));
    return 0;
}

static int add_left_out(const struct ferry_graph *graph, json_t *document, struct ferry_err *err)
{
    FERRY_OWNED_BUF text;

    ferry_buf_init(&text, (size_t)FERRY_MANIFEST_MAX);
    FERRY_TRY(format_left_out(graph, &text, err));
    if (text.len > 0 &&
        json_object_set_new(json_object_get(document, "annotations"), FERRY_NOTE_LEFT_OUT,
                            json_stringn((char *)text.data, text.len)) < 0)
        return ferry_fail_memory(err);
    return 0;
}

int ferry_index_format(const struct ferry_graph *graph, enum ferry_ref_name ref_name,
                       struct ferry_buf *out, struct ferry_err *err)
{
    FERRY_OWNED_JSON *document = json_pack(
        "{s:i, s:s, s:[], s:{s:s}}", "schemaVersion", 2, "mediaType", FERRY_TYPE_OCI_INDEX,
        "manifests", "annotations", FERRY_NOTE_VERSION, FERRY_ARCHIVE_VERSION);

    if (graph->image_count > FERRY_CHILDREN_MAX) /* what no reader would take */
        return ferry_fail(err, FERRY_ELIMIT, "more than %d images", FERRY_CHILDREN_MAX);
    for (size_t i = 0; document && i < graph->image_count; i++)
        if (json_array_append_new(json_object_get(document, "manifests"),
                                  format_image(&graph->images[i], ref_name)) < 0)
            return ferry_fail_memory(err);
    FERRY_TRY(add_left_out(graph, document, err));
    return ferry_json_dump(document, out, err);
}
