/*
 * What an import did, or would do, as JSON (README.md "JSON").
 *
 * What it is: a view of what is known at its end; prints nothing. Owns: gives a document.
 * Fails: FERRY_ENOMEM.
 */
#ifndef FERRY_IMPORT_IMPORT_JSON_H
#define FERRY_IMPORT_IMPORT_JSON_H

#include "format/archive/archive_set.h"
#include "format/oci/json.h"
#include "import/import_opts.h"
#include "import/push_plan.h"

/* All that is known at the end, be it an early one. */
struct ferry_import_result {
    const struct import_opts *opts;
    const struct ferry_archive_set *archives; /* NULL when they were not opened */
    const struct ferry_push_plan *plan;       /* NULL when there never was one */
    const struct ferry_err *ended_by; /* what broke the import off; NULL when it came to its end */
};

int ferry_import_json(const struct ferry_import_result *result, json_t **out,
                      struct ferry_err *err) FERRY_MUST_USE;

#endif
