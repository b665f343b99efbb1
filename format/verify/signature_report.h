/*
 * What a check found out about the signature: for people and for machines (README.md "JSON").
 */
#ifndef FERRY_VERIFY_SIGNATURE_REPORT_H
#define FERRY_VERIFY_SIGNATURE_REPORT_H

#include <jansson.h>

#include "format/archive/signature.h"

/* A line for each signer, to stdout: under the table of images. */
int ferry_signature_list(const struct ferry_signature *signature,
                         struct ferry_err *err) FERRY_MUST_USE;

/* The member "signature" of a report. */
int ferry_signature_json(const struct ferry_signature *signature, json_t **out,
                         struct ferry_err *err) FERRY_MUST_USE;

#endif
