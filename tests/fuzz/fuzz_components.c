/* The image-references of a release payload: what is taken has a name, and goes by its digest. */
#include "export/components.h"

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    FERRY_OWNED(ferry_components) components = NULL;
    struct ferry_err err;
    int rc = ferry_components_parse(bytes, len, &components, &err);

    if (rc < 0) {
        HOLDS((rc == FERRY_EFORMAT || rc == FERRY_ELIMIT) && err.msg[0] && !components);
        return 0;
    }
    HOLDS(components->version[0] && components->count > 0);
    for (size_t i = 0; i < components->count; i++) {
        const struct ferry_component *component = &components->items[i];

        HOLDS(component->name[0] && component->ref.has_digest && !component->ref.tag[0]);
    }
    return 0;
}
