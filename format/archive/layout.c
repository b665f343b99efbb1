#include "format/archive/layout.h"

#include <stdio.h>
#include <string.h>

#include "format/oci/json.h"

static const char *const file_names[] = { [FERRY_ENTRY_LAYOUT] = FERRY_LAYOUT_NAME,
                                          [FERRY_ENTRY_INDEX] = FERRY_INDEX_NAME,
                                          [FERRY_ENTRY_SIGNATURE] = FERRY_SIGNATURE_NAME,
                                          [FERRY_ENTRY_DOCKER] = FERRY_DOCKER_NAME };

const char *ferry_layout_file_name(enum ferry_entry_kind kind)
{
    return file_names[kind];
}

void ferry_layout_blob_name(const struct ferry_digest *digest, char out[FERRY_BLOB_NAME_MAX])
{
    snprintf(out, FERRY_BLOB_NAME_MAX, "blobs/%s/%s", ferry_algorithm_name(digest->algorithm),
             ferry_digest_hex(digest));
}

static bool climbs(const char *name)
{
    for (const char *p = name; *p; p += strcspn(p, "/"), p += *p == '/')
        if (strncmp(p, "..", 2) == 0 && (p[2] == '/' || p[2] == '\0'))
            return true;
    return name[0] == '/';
}

/* "blobs/<algorithm>/<hex>": only what parses as a digest is a blob. */
static bool parse_blob(const char *name, struct ferry_digest *digest)
{
    char text[FERRY_DIGEST_TEXT_MAX];
    struct ferry_err ignored;
    char *slash;

    if (strncmp(name, "blobs/", 6) != 0 ||
        snprintf(text, sizeof(text), "%s", name + 6) >= (int)sizeof(text))
        return false;
    slash = strchr(text, '/');
    if (!slash)
        return false;
    *slash = ':';
    return ferry_digest_parse(text, digest, &ignored) == 0;
}

int ferry_layout_classify(const char *name, enum ferry_entry_kind *kind,
                          struct ferry_digest *digest, struct ferry_err *err)
{
    if (strlen(name) >= FERRY_ENTRY_NAME_MAX)
        return ferry_fail(err, FERRY_ELIMIT, "an entry's name has %zu bytes, limit %d",
                          strlen(name), FERRY_ENTRY_NAME_MAX - 1);
    if (climbs(name))
        return ferry_fail(err, FERRY_EUNFIT,
                          "entry \"%.200s\" points outside of the archive's folder", name);
    while (strncmp(name, "./", 2) == 0)
        name += 2 + strspn(name + 2, "/");
    *kind = FERRY_ENTRY_OTHER;
    for (int file = FERRY_ENTRY_LAYOUT; file <= FERRY_ENTRY_DOCKER; file++)
        if (strcmp(name, file_names[file]) == 0)
            *kind = (enum ferry_entry_kind)file;
    if (parse_blob(name, digest))
        *kind = FERRY_ENTRY_BLOB;
    return 0;
}

int ferry_layout_check(const void *bytes, size_t len, struct ferry_err *err)
{
    FERRY_OWNED_JSON *document = NULL;
    const char *version;

    FERRY_TRY(ferry_json_load(bytes, len, FERRY_LAYOUT_NAME, &document, err));
    FERRY_TRY(ferry_json_text(document, "imageLayoutVersion", FERRY_LAYOUT_NAME, &version, err));
    if (!version || strncmp(version, "1.", 2) != 0)
        return ferry_fail(err, FERRY_EFORMAT,
                          "%s: image layout version \"%.20s\" is not one that we know (1.0.0)",
                          FERRY_LAYOUT_NAME, version ? version : "");
    return 0;
}
