#include "export/release.h"

#include <stdio.h>
#include <string.h>

#include "export/components.h"
#include "export/platform_check.h"
#include "export/pull.h"
#include "format/archive/layer_file.h"
#include "format/oci/json.h"

#define ARCH_MAX 64 /* bytes of it, with NUL */

/* One payload, and what was learnt of it so far. */
struct release {
    struct ferry_session *session;
    const struct ferry_releases *wanted;
    struct ferry_graph *graph;      /* of its manifests */
    const struct ferry_image *root; /* of that graph */
    struct ferry_buf list;          /* image-references */
    const char *listed_by;          /* the manifest that it is from; NULL while there is none */
    char arch[ARCH_MAX];
};

static void release_end(struct release *r)
{
    ferry_buf_release(&r->list);
    ferry_graph_free(r->graph);
}

/* --- the payload's manifests ------------------------------------------------------------------ */

static int pull_root(struct release *r, const struct ferry_reference *payload,
                     struct ferry_err *err)
{
    struct ferry_descriptor descriptor = { 0 };
    FERRY_OWNED_BUF bytes;
    int rc;

    ferry_buf_init(&bytes, (size_t)FERRY_MANIFEST_MAX);
    rc = ferry_pull_reference(r->session, payload, &bytes, &descriptor, err);
    if (rc == 0)
        rc = ferry_graph_add_image(r->graph, payload, &descriptor, err);
    ferry_descriptor_release(&descriptor);
    FERRY_TRY(rc);
    r->root = &r->graph->images[0];
    return ferry_graph_supply(r->graph, r->root->root, &bytes, err);
}

static int pull_bytes(const struct release *r, const struct ferry_node *node,
                      struct ferry_buf *bytes, struct ferry_err *err)
{
    ferry_buf_init(bytes, (size_t)FERRY_MANIFEST_MAX);
    return ferry_pull_node(r->session, r->root, node, bytes, err);
}

static int pull_manifests(struct release *r, struct ferry_err *err)
{
    for (size_t i = 0; i < r->graph->count; i++) { /* it grows */
        FERRY_OWNED_BUF bytes = { 0 };

        if (!ferry_node_unread(r->graph->nodes[i]))
            continue;
        FERRY_TRY(pull_bytes(r, r->graph->nodes[i], &bytes, err));
        FERRY_TRY(ferry_graph_supply(r->graph, r->graph->nodes[i], &bytes, err));
    }
    return ferry_platform_check(r->graph, &(struct ferry_failures){ 0 }, err);
}

/* OpenShift's word for an architecture. */
static int read_arch(struct release *r, const char *architecture, struct ferry_err *err)
{
    if (strcmp(architecture, "amd64") == 0)
        architecture = "x86_64";
    else if (strcmp(architecture, "arm64") == 0)
        architecture = "aarch64";
    if (snprintf(r->arch, sizeof(r->arch), "%s", architecture) < (int)sizeof(r->arch))
        return 0;
    return ferry_fail(err, FERRY_EFORMAT, "its config names the architecture \"%.100s\"",
                      architecture);
}

static int find_arch(struct release *r, struct ferry_err *err)
{
    const struct ferry_node *root = r->root->root;
    FERRY_OWNED_JSON *config = NULL;
    FERRY_OWNED_BUF bytes = { 0 };
    const char *architecture;

    if (root->kind != FERRY_KIND_MANIFEST)
        return read_arch(r, "multi", err);
    FERRY_TRY(pull_bytes(r, root->children[0], &bytes, err));
    FERRY_TRY(ferry_json_load(bytes.data, bytes.len, "its config", &config, err));
    FERRY_TRY(ferry_json_text(config, "architecture", "its config", &architecture, err));
    if (!architecture || !architecture[0])
        return ferry_fail(err, FERRY_EFORMAT, "its config names no architecture");
    return read_arch(r, architecture, err);
}

/* --- the list --------------------------------------------------------------------------------- */

/* What one layer says of the list. */
struct reading {
    struct ferry_buf *list;
    enum ferry_layer_says says;
};

static int read_layer(void *ctx, struct ferry_source *body, struct ferry_err *err)
{
    struct reading *reading = ctx;

    reading->list->len = 0; /* of an attempt that broke off */
    return ferry_layer_file(body, FERRY_IMAGE_REFERENCES, reading->list, &reading->says, err);
}

static bool is_searched(const struct ferry_node *manifest, size_t layer)
{
    return manifest->as_part[layer] && !ferry_node_is_elsewhere(manifest->children[layer]);
}

/* The list of one manifest, by the uppermost layer that speaks of it. */
static int find_list(const struct release *r, const struct ferry_node *manifest,
                     struct ferry_buf *list, struct ferry_err *err)
{
    struct reading reading = { .list = list };

    for (size_t i = manifest->count; i-- > 1 && reading.says == FERRY_LAYER_BELOW;)
        if (is_searched(manifest, i))
            FERRY_TRY(ferry_pull_all(r->session, r->root, manifest->children[i],
                                     &(struct ferry_pull_reader){ read_layer, &reading }, err));
    if (reading.says == FERRY_LAYER_HERE)
        return 0;
    return ferry_fail(err, FERRY_ENOTFOUND,
                      "is no release payload: no layer of manifest %s has " FERRY_IMAGE_REFERENCES,
                      manifest->descriptor.digest.text);
}

/* An index is of one release: all that it lists has the same list. */
static int take_list(struct release *r, const struct ferry_node *manifest, struct ferry_err *err)
{
    FERRY_OWNED_BUF list;

    ferry_buf_init(&list, (size_t)FERRY_MANIFEST_MAX);
    FERRY_TRY(find_list(r, manifest, &list, err));
    if (r->listed_by && (list.len != r->list.len || memcmp(list.data, r->list.data, list.len) != 0))
        return ferry_fail(err, FERRY_EFORMAT,
                          "its manifests %s and %s list different images: take one of them, with "
                          "--platform or by its digest",
                          r->listed_by, manifest->descriptor.digest.text);
    ferry_buf_release(&r->list);
    r->list = list;
    list = (struct ferry_buf){ 0 };
    r->listed_by = manifest->descriptor.digest.text;
    return 0;
}

/* Attestations, which an index lists as well, have no layers of files. */
static bool has_files(const struct ferry_node *node)
{
    if (node->kind != FERRY_KIND_MANIFEST || node->state != FERRY_NODE_GOOD)
        return false;
    for (size_t i = 1; i < node->count; i++)
        if (is_searched(node, i))
            return true;
    return false;
}

static int find_lists(struct release *r, struct ferry_err *err)
{
    for (size_t i = 0; i < r->graph->count; i++)
        if (has_files(r->graph->nodes[i]))
            FERRY_TRY(take_list(r, r->graph->nodes[i], err));
    if (r->listed_by)
        return 0;
    return ferry_fail(err, FERRY_ENOTFOUND, "is no release payload: it has no layers of files");
}

/* --- the references --------------------------------------------------------------------------- */

/* `ref` under the tag that oc would give it; `component` is NULL for the payload. */
static int add_image(const struct release *r, const struct ferry_components *components,
                     const struct ferry_component *component, struct ferry_references *refs,
                     struct ferry_err *err)
{
    struct ferry_reference ref = component ? component->ref : r->root->ref;
    FERRY_OWNED_MEM char *tag = NULL;

    FERRY_TRY(ferry_text(&tag, err, "%s-%s%s%s", components->version, r->arch, component ? "-" : "",
                         component ? component->name : ""));
    if (!ferry_tag_valid(tag))
        return ferry_fail(err, FERRY_EFORMAT,
                          "%s: \"%.300s\", of version and name, cannot be a tag",
                          FERRY_IMAGE_REFERENCES, tag);
    memcpy(ref.tag, tag, strlen(tag) + 1);
    ref.has_digest = true;
    if (!component)
        ref.digest = r->root->root->descriptor.digest;
    FERRY_TRY(ferry_references_add(refs, &ref, err));
    refs->given++;
    return 0;
}

static int add_images(const struct release *r, const struct ferry_failures *failures,
                      struct ferry_references *refs, struct ferry_err *err)
{
    FERRY_OWNED(ferry_components) components = NULL;

    FERRY_TRY(ferry_components_parse(r->list.data, r->list.len, &components, err));
    FERRY_TRY(add_image(r, components, NULL, refs, err));
    for (size_t i = 0; i < components->count; i++)
        FERRY_TRY(add_image(r, components, &components->items[i], refs, err));
    ferry_progress_say(failures->progress, "%s: OpenShift %s for %s, made of %zu image%s",
                       r->root->name, components->version, r->arch, components->count,
                       ferry_plural(components->count));
    if (components->passed_over > 0)
        ferry_progress_warn(
            failures->progress,
            "%s: " FERRY_IMAGE_REFERENCES " has %zu tag%s that stand%s for no image, passed over",
            r->root->name, components->passed_over, ferry_plural(components->passed_over),
            components->passed_over == 1 ? "s" : "");
    return 0;
}

static int read_release(struct release *r, const struct ferry_reference *payload,
                        const struct ferry_failures *failures, struct ferry_references *refs,
                        struct ferry_err *err)
{
    FERRY_TRY(ferry_graph_new(&r->graph, err));
    ferry_graph_select(r->graph, r->wanted->platforms, r->wanted->platform_count);
    FERRY_TRY(pull_root(r, payload, err));
    FERRY_TRY(pull_manifests(r, err));
    FERRY_TRY(find_lists(r, err));
    FERRY_TRY(find_arch(r, err));
    return add_images(r, failures, refs, err);
}

int ferry_releases_add(struct ferry_session *session, const struct ferry_releases *releases,
                       struct ferry_failures *failures, struct ferry_references *refs,
                       struct ferry_err *err)
{
    for (size_t i = 0; i < releases->count; i++) {
        __attribute__((cleanup(release_end))) struct release r = { .session = session,
                                                                   .wanted = releases };
        const struct ferry_references before = *refs;
        char name[FERRY_REFERENCE_TEXT_MAX];

        if (read_release(&r, &releases->payloads[i], failures, refs, err) == 0)
            continue;
        refs->count = before.count; /* all of a release, or nothing */
        refs->given = before.given;
        ferry_reference_format(&releases->payloads[i], name);
        if (!strstr(err->msg, name))
            ferry_wrap(err, "%s", name);
        FERRY_TRY(ferry_failures_add(failures, name, err));
    }
    return ferry_references_unique(refs, err);
}
