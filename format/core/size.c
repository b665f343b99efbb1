#include "format/core/size.h"

#include <inttypes.h>
#include <stdio.h>

#include "format/core/mem.h"

const char *ferry_size_format(int64_t bytes, char out[FERRY_SIZE_TEXT_MAX])
{
    static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
    double value = (double)bytes / 1024;
    size_t unit = 0;

    if (bytes < 1024) {
        snprintf(out, FERRY_SIZE_TEXT_MAX, "%" PRId64 " B", bytes);
        return out;
    }
    for (; value >= 1023.95 && unit + 1 < FERRY_COUNT(units); unit++) /* would print "1024.0" */
        value /= 1024;
    snprintf(out, FERRY_SIZE_TEXT_MAX, "%.1f %s", value, units[unit]);
    return out;
}
