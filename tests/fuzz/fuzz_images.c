/* Kubernetes objects: what is found parses as a reference, and stands on a line of the text. */
#include <string.h>

#include "export/image_finder.h"
#include "format/oci/reference.h"
#include "tests/fuzz/fuzz.h"

static size_t count_lines(const uint8_t *bytes, size_t len)
{
    size_t lines = 1;

    for (size_t i = 0; i < len; i++) /* YAML has more ways than one to end a line */
        lines += bytes[i] == '\n' || bytes[i] == '\r' || bytes[i] >= 0x80;
    return lines;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    FERRY_OWNED(ferry_findings) found = NULL;
    struct ferry_reference ref;
    struct ferry_err err;
    int rc = ferry_images_find(bytes, len, &found, &err);

    if (rc < 0) {
        HOLDS((rc == FERRY_EUSAGE || rc == FERRY_ELIMIT) && err.msg[0] && !found);
        return 0;
    }
    HOLDS(found->count > 0);
    for (size_t i = 0; i < found->count; i++) {
        HOLDS(ferry_reference_parse(found->images[i].text, &ref, &err) == 0);
        HOLDS(found->images[i].line >= 1 && found->images[i].line <= count_lines(bytes, len));
    }
    for (size_t i = 0; i < found->doubt_count; i++)
        HOLDS(found->doubts[i].text[0] && found->doubts[i].line >= 1);
    return 0;
}
