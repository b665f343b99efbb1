#include "import/import_totals.h"

void ferry_import_totals(const struct ferry_push_plan *plan, struct ferry_import_totals *totals)
{
    *totals = (struct ferry_import_totals){ 0 };
    for (size_t i = 0; i < plan->target_count; i++) {
        totals->pushed += plan->outcomes[i].kind == FERRY_OUTCOME_PUSHED;
        totals->there += plan->outcomes[i].kind == FERRY_OUTCOME_THERE;
        totals->failed += plan->outcomes[i].kind == FERRY_OUTCOME_FAILED;
        totals->planned += plan->outcomes[i].kind == FERRY_OUTCOME_NONE;
    }
    for (size_t i = 0; i < plan->placement_count; i++) {
        int64_t size = plan->placements[i].node->descriptor.size;

        switch (plan->placements[i].state) {
        case FERRY_PLACEMENT_UPLOADED:
            totals->uploaded++;
            totals->uploaded_bytes += size;
            break;
        case FERRY_PLACEMENT_MOUNTED:
            totals->mounted++;
            totals->mounted_bytes += size;
            break;
        case FERRY_PLACEMENT_THERE:
            totals->skipped++;
            totals->skipped_bytes += size;
            break;
        case FERRY_PLACEMENT_UNKNOWN:
        case FERRY_PLACEMENT_ABSENT:
            totals->absent++;
            totals->absent_bytes += size;
            break;
        case FERRY_PLACEMENT_FAILED:
            totals->broken++;
            totals->broken_bytes += size;
            break;
        case FERRY_PLACEMENT_NEEDLESS:
            break;
        case FERRY_PLACEMENT_LEFT_OUT:
            totals->left_out++;
            break;
        }
    }
}
