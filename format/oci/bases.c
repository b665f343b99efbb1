#include "format/oci/bases.h"

#include <stdio.h>
#include <string.h>

#include "format/oci/reference.h"

void ferry_bases_release(struct ferry_bases *bases)
{
    free(bases->digests);
    free(bases->layers);
    free(bases->text);
    *bases = (struct ferry_bases){ 0 };
}

static int compare_layers(const void *a, const void *b)
{
    const struct ferry_base_layer *x = a, *y = b;

    return strcmp(x->digest.text, y->digest.text);
}

const struct ferry_base_layer *ferry_bases_find(const struct ferry_bases *bases,
                                                const struct ferry_digest *digest)
{
    const struct ferry_base_layer wanted = { .digest = *digest };

    if (bases->layer_count == 0)
        return NULL;
    return bsearch(&wanted, bases->layers, bases->layer_count, sizeof(wanted), compare_layers);
}

/* The token at *text, which is cut off; NULL at the end. */
static char *next_token(char **text)
{
    char *token = *text, *space = token ? strchr(token, ' ') : NULL;

    if (space)
        *space++ = '\0';
    *text = space;
    return token;
}

static int fail_order(const char *before, const char *token, struct ferry_err *err)
{
    return ferry_fail(err, FERRY_EFORMAT, "%.300s stands behind %.300s: expected each once, sorted",
                      token, before);
}

static int parse_base(const char *base, struct ferry_bases *out, struct ferry_err *err)
{
    FERRY_OWNED_MEM char *copy = NULL;
    size_t room = 0;
    char *text;

    FERRY_TRY(ferry_text(&copy, err, "%s", base));
    text = copy;
    for (char *token; (token = next_token(&text)); out->count++) {
        struct ferry_digest *digest;

        FERRY_TRY(
            ferry_grow((void **)&out->digests, out->count, &room, sizeof(*out->digests), err));
        digest = &out->digests[out->count];
        FERRY_TRY(ferry_digest_parse(token, digest, err));
        if (digest->algorithm != FERRY_SHA256)
            return ferry_fail(err, FERRY_EFORMAT, "%s: a base is named by its sha256", token);
        if (out->count > 0 && strcmp(digest[-1].text, token) >= 0)
            return fail_order(digest[-1].text, token, err);
    }
    return 0;
}

/* A repository in full, as it stands in the name of an image. */
static int check_repository(const char *token, struct ferry_err *err)
{
    char full[FERRY_REFERENCE_TEXT_MAX];
    struct ferry_reference ref;
    struct ferry_err ignored;

    if (ferry_reference_is_bare(token) && ferry_reference_parse(token, &ref, &ignored) == 0) {
        snprintf(full, sizeof(full), "%s/%s", ref.registry, ref.repository);
        if (strcmp(full, token) == 0)
            return 0;
    }
    return ferry_fail(err, FERRY_EFORMAT, "\"%.300s\" is no REGISTRY/REPOSITORY", token);
}

/* Repositories, each with the digests behind it. */
static int parse_layers(char *text, struct ferry_bases *out, struct ferry_err *err)
{
    const char *repository = NULL;
    size_t room = 0, first = 0; /* of this repository */

    for (char *token; (token = next_token(&text));) {
        struct ferry_base_layer *layer;

        if (strchr(token, '/')) {
            FERRY_TRY(check_repository(token, err));
            if (repository && out->layer_count == first)
                return ferry_fail(err, FERRY_EFORMAT, "%s has no digest behind it", repository);
            if (repository && strcmp(repository, token) >= 0)
                return fail_order(repository, token, err);
            repository = token;
            first = out->layer_count;
            continue;
        }
        FERRY_TRY(
            ferry_grow((void **)&out->layers, out->layer_count, &room, sizeof(*out->layers), err));
        layer = &out->layers[out->layer_count];
        FERRY_TRY(ferry_digest_parse(token, &layer->digest, err));
        if (!repository)
            return ferry_fail(err, FERRY_EFORMAT, "%s has no repository before it", token);
        if (out->layer_count > first && strcmp(layer[-1].digest.text, token) >= 0)
            return fail_order(layer[-1].digest.text, token, err);
        layer->repository = repository;
        out->layer_count++;
    }
    if (out->layer_count == first)
        return ferry_fail(err, FERRY_EFORMAT, "%s has no digest behind it", repository);
    return 0;
}

static int parse_in_base(const char *in_base, struct ferry_bases *out, struct ferry_err *err)
{
    FERRY_TRY(ferry_text(&out->text, err, "%s", in_base));
    FERRY_TRY(parse_layers(out->text, out, err));
    qsort(out->layers, out->layer_count, sizeof(*out->layers), compare_layers);
    for (size_t i = 1; i < out->layer_count; i++)
        if (compare_layers(&out->layers[i - 1], &out->layers[i]) == 0)
            return ferry_fail(err, FERRY_EFORMAT, "%s stands there twice",
                              out->layers[i].digest.text);
    if (out->count == 0)
        return ferry_fail(err, FERRY_EFORMAT,
                          "leaves layers to a base, and " FERRY_NOTE_BASE " names none");
    return 0;
}

int ferry_bases_parse(const char *base, const char *in_base, struct ferry_bases *out,
                      struct ferry_err *err)
{
    *out = (struct ferry_bases){ 0 };
    if (base && parse_base(base, out, err) < 0)
        return ferry_wrap(err, FERRY_NOTE_BASE);
    if (in_base && parse_in_base(in_base, out, err) < 0)
        return ferry_wrap(err, FERRY_NOTE_IN_BASE);
    return 0;
}

const char *ferry_bases_format(const struct ferry_bases *bases, char out[FERRY_BASES_TEXT_MAX])
{
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < bases->count; i++) {
        size_t needed = strlen(bases->digests[i].text) + sizeof(", ") - 1;

        if (len + needed + sizeof(", ...") > FERRY_BASES_TEXT_MAX) {
            snprintf(out + len, FERRY_BASES_TEXT_MAX - len, ", ...");
            break;
        }
        len += (size_t)snprintf(out + len, FERRY_BASES_TEXT_MAX - len, "%s%s", len ? ", " : "",
                                bases->digests[i].text);
    }
    return out;
}
