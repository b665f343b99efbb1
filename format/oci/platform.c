#include "format/oci/platform.h"

#include <stdio.h>
#include <string.h>

static int take(const json_t *object, const char *key, const char *what, char out[32],
                struct ferry_err *err)
{
    const char *text;

    FERRY_TRY(ferry_json_text(object, key, what, &text, err));
    snprintf(out, 32, "%s", text ? text : "");
    ferry_text_clean(out); /* it is printed; and a cut may have left half a character */
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

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyz0123456789_.-"

/* The next part of *text, up to a '/' or the end. */
static bool take_part(const char **text, char out[32])
{
    size_t len = strspn(*text, NAME_CHARS);

    if (len == 0 || len >= 32 || ((*text)[len] != '/' && (*text)[len] != '\0'))
        return false;
    snprintf(out, 32, "%.*s", (int)len, *text);
    *text += len;
    if (**text == '\0')
        return true;
    ++*text;
    return **text != '\0';
}

int ferry_platform_parse(const char *text, struct ferry_platform *out, struct ferry_err *err)
{
    struct ferry_platform platform = { 0 };
    const char *rest = text;
    bool good = take_part(&rest, platform.os) && take_part(&rest, platform.architecture) &&
                (*rest == '\0' || take_part(&rest, platform.variant)) && *rest == '\0';

    if (!good)
        return ferry_fail(err, FERRY_EUSAGE,
                          "\"%.100s\" is not a platform: expected OS/ARCH or OS/ARCH/VARIANT in "
                          "lower case, as linux/amd64 or linux/arm/v7",
                          text);
    *out = platform;
    return 0;
}

/* One name for each architecture. */
static const char *architecture_of(const struct ferry_platform *platform)
{
    static const char *const aliases[][2] = {
        { "aarch64", "arm64" }, { "x86_64", "amd64" }, { "x86-64", "amd64" }, { "i386", "386" }
    };

    for (size_t i = 0; i < FERRY_COUNT(aliases); i++)
        if (strcmp(platform->architecture, aliases[i][0]) == 0)
            return aliases[i][1];
    return platform->architecture;
}

/* "v8" as "8" as well, and what is meant where nothing is said. */
static const char *variant_of(const struct ferry_platform *platform)
{
    static const char *const defaults[][2] = { { "arm", "7" }, { "arm64", "8" }, { "amd64", "1" } };
    const char *architecture = architecture_of(platform);

    if (platform->variant[0])
        return platform->variant + (platform->variant[0] == 'v');
    for (size_t i = 0; i < FERRY_COUNT(defaults); i++)
        if (strcmp(architecture, defaults[i][0]) == 0)
            return defaults[i][1];
    return "";
}

bool ferry_platform_matches(const struct ferry_platform *wanted,
                            const struct ferry_platform *offered)
{
    return strcmp(wanted->os, offered->os) == 0 &&
           strcmp(architecture_of(wanted), architecture_of(offered)) == 0 &&
           (wanted->variant[0] == '\0' || strcmp(variant_of(wanted), variant_of(offered)) == 0);
}

bool ferry_platform_is_unknown(const struct ferry_platform *platform)
{
    return (platform->os[0] == '\0' && platform->architecture[0] == '\0') ||
           (strcmp(platform->os, "unknown") == 0 && strcmp(platform->architecture, "unknown") == 0);
}
