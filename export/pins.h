/*
 * References with both a tag and a digest: the digest is taken, under the name with the tag, and
 * what the tag means by now is said where it is something else.
 */
#ifndef FERRY_EXPORT_PINS_H
#define FERRY_EXPORT_PINS_H

#include "export/failures.h"
#include "export/references.h"
#include "format/registry/session.h"

/*
 * Asks for the tags, `jobs` at a time. A line tells of each that has moved or is gone; *moved
 * counts them. An archive has one image of a name: of several references by one tag, the one that
 * the tag means now keeps it, else the first, and the others go by their digest alone. A tag that
 * is given (refs->given) is asked for only where another reference has it as well. Fails, or
 * takes note of the failure and removes the reference, when a tag cannot be asked for.
 */
int ferry_pins_check(struct ferry_session *session, int jobs, struct ferry_references *refs,
                     struct ferry_failures *failures, size_t *moved,
                     struct ferry_err *err) FERRY_MUST_USE;

#endif
