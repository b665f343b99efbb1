/*
 * What a check found, for machines: one JSON object on stdout (README.md "JSON"). It is printed as
 * it is made: what each image leaves out may be more than what the archive holds.
 */
#ifndef FERRY_VERIFY_VERIFY_JSON_H
#define FERRY_VERIFY_VERIFY_JSON_H

#include "format/verify/contents.h"
#include "format/verify/verify_opts.h"

int ferry_verify_json_print(const struct verify_opts *opts, const struct ferry_contents *contents,
                            struct ferry_err *err) FERRY_MUST_USE;

#endif
