#include "format/oci/index.h"

#include <stdio.h>
#include <string.h>

static const char what[] = "index.json";

/* -1 unless `text` is MAJOR.MINOR. */
static int major_version(const char *text)
{
    static const char digit[] = "0123456789";
    size_t digits = strspn(text, digit), more;
    int major = 0;

    if (digits == 0 || digits > 6 || text[digits] != '.')
        return -1;
    more = strspn(text + digits + 1, digit);
    if (more == 0 || text[digits + 1 + more])
        return -1;
    for (size_t i = 0; i < digits; i++)
        major = major * 10 + (text[i] - '0');
    return major;
}

static int check_version(const char *version, struct ferry_err *err)
{
    int major = major_version(version);

    if (major < 0)
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

/* A digest that is left out for good is in no base that could be given. */
static int check_lists(const struct ferry_graph *graph, const struct ferry_bases *bases,
                       struct ferry_err *err)
{
    for (size_t i = 0; i < graph->left_out_count; i++)
        if (ferry_bases_find(bases, &graph->left_out[i]))
            return ferry_fail(err, FERRY_EFORMAT,
                              FERRY_NOTE_IN_BASE " and " FERRY_NOTE_LEFT_OUT " both list %s",
                              graph->left_out[i].text);
    return 0;
}

static int read_bases(json_t *annotations, struct ferry_graph *graph, struct ferry_err *err)
{
    struct ferry_bases bases;
    const char *base, *in_base;
    int rc;

    FERRY_TRY(ferry_json_text(annotations, FERRY_NOTE_BASE, what, &base, err));
    FERRY_TRY(ferry_json_text(annotations, FERRY_NOTE_IN_BASE, what, &in_base, err));
    rc = ferry_bases_parse(base, in_base, &bases, err);
    if (rc == 0)
        rc = check_lists(graph, &bases, err);
    if (rc == 0)
        ferry_graph_leave_to_bases(graph, &bases);
    ferry_bases_release(&bases);
    return rc < 0 ? ferry_wrap(err, "%s", what) : 0;
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
    FERRY_TRY(read_left_out(annotations, graph, err));
    return read_bases(annotations, graph, err);
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
    int order = 0;

    if (x->base_repository && y->base_repository)
        order = strcmp(x->base_repository, y->base_repository);
    return order ? order : strcmp(x->descriptor.digest.text, y->descriptor.digest.text);
}

/* The nodes of one state, sorted. A reader knows by itself that foreign layers are not there. */
static int list_nodes(const struct ferry_graph *graph, enum ferry_node_state state,
                      const struct ferry_node ***out, size_t *count, struct ferry_err *err)
{
    *out = calloc(graph->count + 1, sizeof(**out));
    *count = 0;
    if (!*out)
        return ferry_fail_memory(err);
    for (size_t i = 0; i < graph->count; i++)
        if (graph->nodes[i]->state == state && !ferry_node_is_elsewhere(graph->nodes[i]))
            (*out)[(*count)++] = graph->nodes[i];
    qsort(*out, *count, sizeof(**out), compare_nodes);
    return 0;
}

/* A word more, with one space between them. */
static int add_word(struct ferry_buf *text, const char *word, struct ferry_err *err)
{
    return ferry_buf_print(text, err, "%s%s", text->len ? " " : "", word);
}

/* What is left out for good: the digests. */
static int format_left_out(const struct ferry_graph *graph, struct ferry_buf *text,
                           struct ferry_err *err)
{
    FERRY_OWNED_MEM const struct ferry_node **list = NULL;
    size_t count;

    FERRY_TRY(list_nodes(graph, FERRY_NODE_LEFT_OUT, &list, &count, err));
    for (size_t i = 0; i < count; i++)
        FERRY_TRY(add_word(text, list[i]->descriptor.digest.text, err));
    return 0;
}

/* What is left to bases: repositories, and behind each the digests that it has there. */
static int format_in_base(const struct ferry_graph *graph, struct ferry_buf *text,
                          struct ferry_err *err)
{
    FERRY_OWNED_MEM const struct ferry_node **list = NULL;
    size_t count;

    FERRY_TRY(list_nodes(graph, FERRY_NODE_IN_BASE, &list, &count, err));
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || strcmp(list[i - 1]->base_repository, list[i]->base_repository) != 0)
            FERRY_TRY(add_word(text, list[i]->base_repository, err));
        FERRY_TRY(add_word(text, list[i]->descriptor.digest.text, err));
    }
    return 0;
}

static int format_base(const struct ferry_graph *graph, struct ferry_buf *text,
                       struct ferry_err *err)
{
    for (size_t i = 0; i < graph->bases.count; i++)
        FERRY_TRY(add_word(text, graph->bases.digests[i].text, err));
    return 0;
}

/* The annotations that say what is not there. */
static const struct {
    const char *key;
    int (*format)(const struct ferry_graph *graph, struct ferry_buf *text, struct ferry_err *err);
} absences[] = { { FERRY_NOTE_LEFT_OUT, format_left_out },
                 { FERRY_NOTE_BASE, format_base },
                 { FERRY_NOTE_IN_BASE, format_in_base } };

static int add_absences(const struct ferry_graph *graph, json_t *annotations, struct ferry_err *err)
{
    for (size_t i = 0; i < FERRY_COUNT(absences); i++) {
        FERRY_OWNED_BUF text;

        ferry_buf_init(&text, (size_t)FERRY_MANIFEST_MAX);
        FERRY_TRY(absences[i].format(graph, &text, err));
        if (text.len > 0 && json_object_set_new(annotations, absences[i].key,
                                                json_stringn((char *)text.data, text.len)) < 0)
            return ferry_fail_memory(err);
    }
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
    FERRY_TRY(add_absences(graph, json_object_get(document, "annotations"), err));
    return ferry_json_dump(document, out, err);
}
