/*
 * What an import did, or would do, as JSON (README.md "JSON").
 *
 * What it is: a view of what is known at its end; prints nothing. Owns: gives a document.
 * Fails: FERRY_ENOMEM.
 */
#ifndef FERRY_IMPORT_IMPORT_JSON_H
#define FERRY_IMPORT_IMPORT_JSON_H

#include "format/oci/json.h"
#include "import/import_report.h"

int ferry_import_json(const struct ferry_import_result *result, json_t **out,
                      struct ferry_err *err) FERRY_MUST_USE;

#endif
