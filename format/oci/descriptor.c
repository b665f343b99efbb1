#include "format/oci/descriptor.h"

#include <assert.h>
#include <string.h>

int ferry_descriptor_init(struct ferry_descriptor *out, const char *media_type,
                          const struct ferry_digest *digest, int64_t size, struct ferry_err *err)
{
    char *copy = strdup(media_type);

    if (!copy)
        return ferry_fail_memory(err);
    *out = (struct ferry_descriptor){ .digest = *digest, .size = size, .media_type = copy };
    return 0;
}

void ferry_descriptor_drop_urls(struct ferry_descriptor *descriptor)
{
    for (size_t i = 0; descriptor->urls && descriptor->urls[i]; i++)
        free(descriptor->urls[i]);
    free(ferry_steal(&descriptor->urls));
}

void ferry_descriptor_release(struct ferry_descriptor *descriptor)
{
    ferry_descriptor_drop_urls(descriptor);
    free(descriptor->media_type);
    *descriptor = (struct ferry_descriptor){ 0 };
}

/* Appends a copy; there is room for it and for the NULL behind. */
static int add_url(struct ferry_descriptor *descriptor, const char *url, struct ferry_err *err)
{
    size_t count = 0;

    while (descriptor->urls[count])
        count++;
    descriptor->urls[count] = strdup(url);
    return descriptor->urls[count] ? 0 : ferry_fail_memory(err);
}

static int make_room(struct ferry_descriptor *descriptor, struct ferry_err *err)
{
    descriptor->urls = calloc(FERRY_URLS_MAX + 1, sizeof(*descriptor->urls));
    return descriptor->urls ? 0 : ferry_fail_memory(err);
}

int ferry_descriptor_copy_urls(const struct ferry_descriptor *from, struct ferry_descriptor *to,
                               struct ferry_err *err)
{
    assert(!to->urls);
    if (!from->urls)
        return 0;
    FERRY_TRY(make_room(to, err));
    for (size_t i = 0; from->urls[i]; i++)
        FERRY_TRY(add_url(to, from->urls[i], err));
    return 0;
}

/* Whether they are URLs at all is found out by whoever follows them. */
static int add_urls(struct ferry_descriptor *descriptor, const json_t *urls, const char *what,
                    struct ferry_err *err)
{
    if (json_array_size(urls) == 0)
        return 0;
    FERRY_TRY(make_room(descriptor, err));
    for (size_t i = 0; i < json_array_size(urls); i++) {
        const char *url = json_string_value(json_array_get(urls, i));

        if (!url)
            return ferry_fail(err, FERRY_EFORMAT, "%s: \"urls\" of %s holds what is no string",
                              what, descriptor->digest.text);
        if (i < FERRY_URLS_MAX)
            FERRY_TRY(add_url(descriptor, url, err));
    }
    return 0;
}

int ferry_descriptor_from_json(const json_t *object, const char *what, struct ferry_descriptor *out,
                               struct ferry_err *err)
{
    struct ferry_digest digest;
    struct ferry_platform platform;
    const char *media_type;
    json_t *urls, *platform_json;
    int64_t size;

    if (!json_is_object(object))
        return ferry_fail(err, FERRY_EFORMAT, "%s: a descriptor is not an object", what);
    FERRY_TRY(ferry_json_digest(object, "digest", what, &digest, err));
    FERRY_TRY(ferry_json_size(object, "size", what, &size, err));
    FERRY_TRY(ferry_json_text(object, "mediaType", what, &media_type, err));
    FERRY_TRY(ferry_json_array(object, "urls", what, &urls, err));
    FERRY_TRY(ferry_json_object(object, "platform", what, &platform_json, err));
    FERRY_TRY(ferry_platform_from_json(platform_json, what, &platform, err));
    if (!media_type || !media_type[0])
        return ferry_fail(err, FERRY_EFORMAT, "%s: descriptor of %s has no mediaType", what,
                          digest.text);
    FERRY_TRY(ferry_descriptor_init(out, media_type, &digest, size, err));
    out->platform = platform;
    if (add_urls(out, urls, what, err) < 0) {
        ferry_descriptor_release(out);
        return (int)err->code;
    }
    return 0;
}
