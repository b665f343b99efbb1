/*
 * Referrers that were published, and that the registry may not list by itself, are listed.
 *
 * What it is: the step of publish.h that makes them be found from what they belong to; those of one
 * subject in one repository are listed together (listing.h). A failure is that of the referrers:
 * their outcome says that they are there and not listed.
 * Fails: FERRY_ENET, FERRY_ESTALL, FERRY_ECANCEL, FERRY_ENOMEM.
 */
#ifndef FERRY_IMPORT_REFERRALS_H
#define FERRY_IMPORT_REFERRALS_H

#include "import/publication.h"

/* Of `count` publications those that were published as what `follows` says. */
int ferry_referrals_list(struct ferry_publication *publications, size_t count, bool follows,
                         int jobs, struct ferry_err *err) FERRY_MUST_USE;

#endif
