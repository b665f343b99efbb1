#include "format/archive/volume_sums.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MAGIC "# ociferry volumes "
#define VERSION "1"
#define BYTES " bytes\n"

const char *ferry_volume_suffix(size_t place, char out[FERRY_VOLUME_TEXT_MAX])
{
    snprintf(out, FERRY_VOLUME_TEXT_MAX, ".%03u", (unsigned)(place % FERRY_VOLUMES_MAX) + 1);
    return out;
}

bool ferry_volume_parse(const char *name, size_t stem_len, size_t *place)
{
    const char *suffix = name + stem_len;
    char canonical[FERRY_VOLUME_TEXT_MAX];
    size_t len = strlen(suffix), number = 0;

    if (*suffix != '.' || len < strlen(".001") || len >= FERRY_VOLUME_TEXT_MAX)
        return false;
    for (const char *p = suffix + 1; *p; p++) {
        if (!isdigit((unsigned char)*p))
            return false;
        number = number * 10 + (size_t)(*p - '0');
    }
    *place = number - 1;
    return number > 0 && strcmp(ferry_volume_suffix(*place, canonical), suffix) == 0;
}

void ferry_volume_sums_release(struct ferry_volume_sums *sums)
{
    free(sums->items);
    *sums = (struct ferry_volume_sums){ 0 };
}

int ferry_volume_sums_add(struct ferry_volume_sums *sums, int64_t size,
                          const struct ferry_digest *digest, struct ferry_err *err)
{
    FERRY_TRY(
        ferry_grow((void **)&sums->items, sums->count, &sums->room, sizeof(*sums->items), err));
    sums->items[sums->count++] = (struct ferry_volume_sum){ .size = size, .digest = *digest };
    return 0;
}

/* false when they are more than there can be. */
static bool add_sizes(const struct ferry_volume_sums *sums, int64_t *bytes)
{
    *bytes = 0;
    for (size_t i = 0; i < sums->count; i++)
        if (!ferry_add(*bytes, sums->items[i].size, bytes))
            return false;
    return true;
}

int ferry_volume_sums_format(const struct ferry_volume_sums *sums, const char *name,
                             struct ferry_buf *out, struct ferry_err *err)
{
    char suffix[FERRY_VOLUME_TEXT_MAX];
    int64_t bytes;

    if (!add_sizes(sums, &bytes))
        return ferry_fail(err, FERRY_ELIMIT, "%s: is larger than any file", name);
    FERRY_TRY(ferry_buf_print(out, err, MAGIC VERSION ": %zu volumes, %" PRId64 " bytes\n",
                              sums->count, bytes));
    for (size_t i = 0; i < sums->count; i++)
        FERRY_TRY(ferry_buf_print(out, err, "# %" PRId64 " bytes\n%s  %s%s\n", sums->items[i].size,
                                  ferry_digest_hex(&sums->items[i].digest), name,
                                  ferry_volume_suffix(i, suffix)));
    return 0;
}

/* A line "DIGITS  NAME.001", behind the digits. */
static int take_name(const char **at, const char *name, size_t place, struct ferry_err *err)
{
    int len = (int)strcspn(*at, "\n");
    char suffix[FERRY_VOLUME_TEXT_MAX];
    FERRY_OWNED_MEM char *wanted = NULL;

    FERRY_TRY(ferry_text(&wanted, err, "  %s%s", name, ferry_volume_suffix(place, suffix)));
    if ((int)strlen(wanted) != len || strncmp(*at, wanted, (size_t)len) != 0)
        return ferry_fail(err, FERRY_EFORMAT,
                          "names \"%.*s\" where \"%s\" is expected: were these files renamed?",
                          len < 2 ? 0 : len - 2, *at + (len < 2 ? 0 : 2), wanted + 2);
    *at += len + ((*at)[len] == '\n');
    return 0;
}

/* "# SIZE bytes", and the line with the digest. */
static int take_volume(const char **at, const char *name, struct ferry_volume_sums *out,
                       struct ferry_err *err)
{
    char text[FERRY_DIGEST_TEXT_MAX];
    struct ferry_digest digest;
    const char *end = *at;
    int64_t size = 0;

    errno = 0;
    if (strncmp(*at, "# ", 2) == 0)
        size = strtoll(*at + 2, (char **)&end, 10);
    if (size <= 0 || errno != 0 || strncmp(end, BYTES, strlen(BYTES)) != 0)
        return ferry_fail(err, FERRY_EFORMAT, "has no size for volume %zu", out->count + 1);
    snprintf(text, sizeof(text), "sha256:%.64s", end + strlen(BYTES));
    if (ferry_digest_parse(text, &digest, err) < 0)
        return ferry_fail(err, FERRY_EFORMAT, "has no sum for volume %zu", out->count + 1);
    *at = end + strlen(BYTES) + 64;
    FERRY_TRY(take_name(at, name, out->count, err));
    return ferry_volume_sums_add(out, size, &digest, err);
}

static int take_volumes(const char *text, const char *name, struct ferry_volume_sums *out,
                        struct ferry_err *err)
{
    const char *at = strchr(text, '\n');

    if (strncmp(text, MAGIC, strlen(MAGIC)) != 0)
        return ferry_fail(err, FERRY_EFORMAT, "is not the sums file of an archive in volumes");
    if (strncmp(text, MAGIC VERSION ": ", strlen(MAGIC VERSION ": ")) != 0)
        return ferry_fail(err, FERRY_EFORMAT, "is of a version that is not known here: \"%.40s\"",
                          text + strlen(MAGIC));
    for (at = at ? at + 1 : ""; *at;) {
        if (out->count == FERRY_VOLUMES_MAX)
            return ferry_fail(err, FERRY_ELIMIT, "more than %d volumes", FERRY_VOLUMES_MAX);
        FERRY_TRY(take_volume(&at, name, out, err));
    }
    return 0;
}

int ferry_volume_sums_parse(const struct ferry_buf *text, const char *name,
                            struct ferry_volume_sums *out, struct ferry_err *err)
{
    FERRY_OWNED_SUMS sums = { 0 };
    FERRY_OWNED_BUF again;

    ferry_buf_init(&again, FERRY_SUMS_MAX);
    FERRY_TRY(take_volumes((const char *)text->data, name, &sums, err));
    /* What was taken loosely, and a count or sum that is wrong, shows when it is written again. */
    FERRY_TRY(ferry_volume_sums_format(&sums, name, &again, err));
    if (sums.count == 0 || again.len != text->len || memcmp(again.data, text->data, again.len) != 0)
        return ferry_fail(err, FERRY_EFORMAT, "is damaged, or not as it was written");
    *out = sums;
    sums = (struct ferry_volume_sums){ 0 };
    return 0;
}
