/* The tar of a layer, plain or compressed: a file that is found is within its limit, and the whole
 * layer was read then. */
#include "format/archive/layer_file.h"

#include "format/core/blob_file.h"
#include "tests/fuzz/fuzz.h"

#define LIST_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    FERRY_OWNED(ferry_source) layer = NULL;
    enum ferry_layer_says says = FERRY_LAYER_BELOW;
    struct ferry_err err;
    uint8_t more;
    FERRY_OWNED_BUF list;
    size_t got;
    int rc;

    ferry_buf_init(&list, LIST_MAX);
    HOLDS(ferry_source_memory(bytes, len, &layer, &err) == 0);
    rc = ferry_layer_file(layer, "etc/list", &list, &says, &err);
    HOLDS(list.len <= LIST_MAX);
    if (rc < 0) {
        HOLDS((rc == FERRY_EFORMAT || rc == FERRY_ELIMIT) && err.msg[0]);
        return 0;
    }
    HOLDS(says == FERRY_LAYER_HERE || list.len == 0);
    HOLDS(ferry_source_read(layer, &more, 1, &got, &err) == 0 && got == 0);
    return 0;
}
