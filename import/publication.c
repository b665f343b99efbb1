#include "import/publication.h"

static bool has_urls(const struct ferry_node *node)
{
    for (size_t i = 0; i < node->count; i++)
        if (node->children[i]->descriptor.urls)
            return true;
    return false;
}

/* What is put for a node; NULL for one that is not there. */
static const struct ferry_node *form_of(const struct ferry_publication *p,
                                        const struct ferry_node *node)
{
    if (p->outcome->is_trimmed)
        return ferry_trims_of(p->plan->trims, node);
    return node->state == FERRY_NODE_LEFT_OUT ? NULL : node;
}

const struct ferry_node *ferry_publication_root(const struct ferry_publication *p)
{
    return form_of(p, p->target->image->root);
}

/* Puts one manifest, in its form. Registries that take no foreign layers say little of why. */
static int put(struct ferry_publication *p, const struct ferry_node *node, const char *selector,
               struct ferry_err *err)
{
    struct ferry_put result;
    int rc;

    ferry_turns_take(p->turns, node);
    rc = ferry_push_manifest(&p->to, form_of(p, node), selector, &result, err);
    ferry_turns_give(p->turns, node);
    if (rc == 0) {
        if (node == p->target->image->root)
            p->is_listed = result.is_listed;
        return 0;
    }
    p->is_minded = result.minds_children && p->is_sparse && node->kind == FERRY_KIND_INDEX;
    if (err->code == FERRY_EREFUSED && has_urls(node))
        return ferry_wrap(err,
                          "manifest %s has layers with \"urls\", which a registry may not permit "
                          "(docker-registry: see validation.manifests.urls.allow)",
                          form_of(p, node)->descriptor.digest.text);
    return ferry_wrap(err, "manifest %s", form_of(p, node)->descriptor.digest.text);
}

static int put_if_absent(struct ferry_publication *p, const struct ferry_node *node,
                         struct ferry_err *err)
{
    const struct ferry_digest *digest = &form_of(p, node)->descriptor.digest;
    bool has;

    FERRY_TRY(ferry_push_has_manifest(&p->to, digest->text, digest, &has, err));
    return has ? 0 : put(p, node, digest->text, err);
}

/* The tag; without one, the digest, which a trimmed index has of its own. */
static const char *selector_of(const struct ferry_publication *p)
{
    return p->target->ref.tag[0] ? p->target->ref.tag
                                 : ferry_publication_root(p)->descriptor.digest.text;
}

static int put_children(struct ferry_publication *p, struct ferry_err *err)
{
    for (size_t i = 0; i + 1 < p->count; i++)
        if (p->nodes[i]->is_manifest && form_of(p, p->nodes[i]))
            FERRY_TRY(put_if_absent(p, p->nodes[i], err));
    return 0;
}

/* Everything but the name, in one form. */
static int put_form(struct ferry_publication *p, struct ferry_err *err)
{
    const struct ferry_node *root = p->target->image->root;
    const struct ferry_digest *digest = &ferry_publication_root(p)->descriptor.digest;

    FERRY_TRY(ferry_push_has_manifest(&p->to, selector_of(p), digest, &p->has, err));
    FERRY_TRY(put_children(p, err));
    if (p->has)
        return 0;
    if (p->is_sparse) /* also where it is there: a registry may mind by now */
        return put(p, root, digest->text, err);
    return p->leads ? put_if_absent(p, root, err) : 0;
}

static int put_trimmed(struct ferry_publication *p, struct ferry_err *err)
{
    const struct ferry_digest *original = &p->target->image->root->descriptor.digest;

    p->outcome->is_trimmed = true;
    FERRY_TRY(put_form(p, err));
    if (!p->leads)
        return 0;
    return ferry_push_has_manifest(&p->to, original->text, original, &p->outcome->has_original,
                                   err);
}

int ferry_publication_below(struct ferry_publication *p, struct ferry_err *err)
{
    if (p->is_sparse && p->plan->sparse == FERRY_SPARSE_TRIM)
        return put_trimmed(p, err);
    if (put_form(p, err) == 0)
        return 0;
    if (!p->is_minded)
        return (int)err->code;
    if (p->plan->sparse == FERRY_SPARSE_AUTO)
        return put_trimmed(p, err);
    return ferry_wrap(err,
                      "its index lists %s, which the archive leaves out; --sparse trim pushes "
                      "one without",
                      p->missing);
}

int ferry_publication_name(struct ferry_publication *p, struct ferry_err *err)
{
    if (!p->has)
        FERRY_TRY(put(p, p->target->image->root, selector_of(p), err));
    p->outcome->kind = p->has ? FERRY_OUTCOME_THERE : FERRY_OUTCOME_PUSHED;
    return 0;
}

int ferry_publication_fail(struct ferry_publication *p, struct ferry_err *err)
{
    char name[FERRY_REFERENCE_TEXT_MAX];

    ferry_reference_format(&p->target->ref, name);
    ferry_wrap(err, "%s", name);
    if (ferry_push_is_over((int)err->code))
        return (int)err->code;
    ferry_outcome_fail(p->outcome, err);
    return 0;
}

void ferry_publication_release(struct ferry_publication *p)
{
    free(p->missing);
    free(p->nodes);
}
