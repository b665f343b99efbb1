#include "format/core/cancel.h"

#include <stdatomic.h>

static atomic_bool cancelled;

void ferry_cancel(void)
{
    atomic_store(&cancelled, true);
}

bool ferry_cancelled(void)
{
    return atomic_load(&cancelled);
}

int ferry_cancel_check(struct ferry_err *err)
{
    if (ferry_cancelled())
        return ferry_fail(err, FERRY_ECANCEL, "interrupted");
    return 0;
}
