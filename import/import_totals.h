/*
 * What a plan comes to: its images and its blobs, counted by what became of them.
 */
#ifndef FERRY_IMPORT_IMPORT_TOTALS_H
#define FERRY_IMPORT_IMPORT_TOTALS_H

#include "import/push_plan.h"

struct ferry_import_totals {
    size_t planned, pushed, there, failed;
    size_t uploaded, mounted, skipped, absent, broken; /* `broken`: cannot be brought */
    size_t left_out;                                   /* foreign layers */
    int64_t uploaded_bytes, mounted_bytes, skipped_bytes, absent_bytes, broken_bytes;
};

void ferry_import_totals(const struct ferry_push_plan *plan, struct ferry_import_totals *totals);

#endif
