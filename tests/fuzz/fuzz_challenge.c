/* WWW-Authenticate: up to two headers, cut at a NUL byte. */
#include <string.h>

#include "format/registry/challenge.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct ferry_challenges list = { 0 };
    const struct ferry_challenge *chosen;
    char *text = calloc(1, len + 2);
    struct ferry_err err;

    HOLDS(text);
    if (len > 0)
        memcpy(text, bytes, len);
    HOLDS(ferry_challenges_parse(text, &list, &err) == 0);
    if (strlen(text) < len)
        HOLDS(ferry_challenges_parse(text + strlen(text) + 1, &list, &err) == 0);
    HOLDS(list.count <= FERRY_CHALLENGES_MAX);
    chosen = ferry_challenges_choose(&list);
    if (chosen)
        HOLDS(chosen->scheme == FERRY_CHALLENGE_BASIC ||
              (chosen->scheme == FERRY_CHALLENGE_BEARER && chosen->realm));
    ferry_challenges_release(&list);
    free(text);
    return 0;
}
