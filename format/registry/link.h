/*
 * The Link header (RFC 8288), by which a registry says where a list goes on.
 *
 * Fails: FERRY_EPROTOCOL on a header that is none, since what it would have said is lost.
 */
#ifndef FERRY_REGISTRY_LINK_H
#define FERRY_REGISTRY_LINK_H

#include "format/core/err.h"

/* Gives the target of the first link with the relation "next", as it stands there, absolute or
 * relative; NULL when there is none. */
int ferry_link_next(const char *header, char **out, struct ferry_err *err) FERRY_MUST_USE;

#endif
