#include "format/oci/descriptor.h"

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

void ferry_descriptor_release(struct ferry_descriptor *descriptor)
{
    free(descriptor->media_type);
    *descriptor = (struct ferry_descriptor){ 0 };
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
    out->external = json_array_size(urls) > 0;
    return 0;
}
