#include "export/references.h"

#include "format/core/mem.h"

void ferry_references_release(struct ferry_references *refs)
{
    free(refs->items);
    *refs = (struct ferry_references){ 0 };
}

int ferry_references_add(struct ferry_references *refs, const struct ferry_reference *ref,
                         struct ferry_err *err)
{
    FERRY_TRY(
        ferry_grow((void **)&refs->items, refs->count, &refs->room, sizeof(*refs->items), err));
    refs->items[refs->count++] = *ref;
    return 0;
}

static int compare_places(const void *a, const void *b)
{
    const struct ferry_reference *x = *(const struct ferry_reference *const *)a;
    const struct ferry_reference *y = *(const struct ferry_reference *const *)b;
    int order = ferry_reference_compare(x, y);

    return order != 0 ? order : (x > y) - (x < y);
}

int ferry_references_unique(struct ferry_references *refs, struct ferry_err *err)
{
    FERRY_OWNED_MEM const struct ferry_reference **sorted = calloc(refs->count + 1,
                                                                   sizeof(*sorted));
    FERRY_OWNED_MEM bool *repeated = calloc(refs->count + 1, sizeof(*repeated));
    size_t named = refs->count - refs->given, kept = 0;

    if (!sorted || !repeated)
        return ferry_fail_memory(err);
    for (size_t i = 0; i < refs->count; i++)
        sorted[i] = &refs->items[i];
    qsort(sorted, refs->count, sizeof(*sorted), compare_places);
    for (size_t i = 1; i < refs->count; i++)
        if (ferry_reference_compare(sorted[i - 1], sorted[i]) == 0)
            repeated[sorted[i] - refs->items] = true;
    for (size_t i = 0; i < refs->count; i++) {
        if (repeated[i])
            refs->given -= i >= named;
        else
            refs->items[kept++] = refs->items[i];
    }
    refs->count = kept;
    return 0;
}
