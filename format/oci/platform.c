#include "format/oci/platform.h"

#include <stdio.h>

static int take(const json_t *object, const char *key, const char *what, char out[32],
                struct ferry_err *err)
{
    const char *text;

    FERRY_TRY(ferry_json_text(object, key, what, &text, err));
    snprintf(out, 32, "%s", text ? text : "");
    return 0;
}

int ferry_platform_from_json(const json_t *object, const char *what, struct ferry_platform *out,
                             struct ferry_err *err)
{
    *out = (struct ferry_platform){ 0 };
    if (!object)
        return 0;
    FERRY_TRY(take(object, "os", what, out->os, err));
    FERRY_TRY(take(object, "architecture", what, out->architecture, err));
    return take(object, "variant", what, out->variant, err);
}

const char *ferry_platform_format(const struct ferry_platform *platform,
                                  char out[FERRY_PLATFORM_TEXT_MAX])
{
    if (!platform->os[0] && !platform->architecture[0])
        out[0] = '\0';
    else
        snprintf(out, FERRY_PLATFORM_TEXT_MAX, "%s/%s%s%s", platform->os, platform->architecture,
                 platform->variant[0] ? "/" : "", platform->variant);
    return out;
}
