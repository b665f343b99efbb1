/*
 * --verify-first: every byte of the archives is checked before the destination sees a request.
 *
 * What it is: the check of ociferry-verify (format/verify/verify.h), with the same archives, trust
 * and volumes; each fault is said. Fails: FERRY_EDIGEST when they are not whole together,
 * FERRY_EUSAGE where an archive can be read only once, and as ferry_verify_archives() does.
 */
#ifndef FERRY_IMPORT_VERIFY_FIRST_H
#define FERRY_IMPORT_VERIFY_FIRST_H

#include "format/archive/signature.h"
#include "format/archive/volume.h"
#include "format/run/progress.h"
#include "import/import_opts.h"

/* `prompt` for volumes that are not there; or NULL. */
int ferry_verify_first(const struct import_opts *opts, const struct ferry_signature_policy *policy,
                       const struct ferry_volume_prompt *prompt, struct ferry_progress *progress,
                       struct ferry_err *err) FERRY_MUST_USE;

#endif
