/*
 * An OpenShift release: the payload that names it, and the images that this is made of.
 *
 * What it is: the payload's manifests and that layer of it which has the list (components.h) are
 * fetched and proved by their digests; the references of all images are what comes of it. An image
 * goes by its digest, and has the tag that `oc adm release mirror` gives it: VERSION-ARCH for the
 * payload, VERSION-ARCH-COMPONENT for a component. ARCH is that of the payload's config, x86_64 and
 * aarch64 as OpenShift says them, and "multi" where the payload is an index.
 * Fails: naming the payload. FERRY_EFORMAT when it is none; FERRY_ENOTFOUND when it has nothing for
 * the platforms.
 */
#ifndef FERRY_EXPORT_RELEASE_H
#define FERRY_EXPORT_RELEASE_H

#include "export/failures.h"
#include "export/references.h"
#include "format/registry/session.h"

/* Which releases, and which platforms of them. */
struct ferry_releases {
    const struct ferry_reference *payloads;
    size_t count;
    const struct ferry_platform *platforms; /* count 0: all */
    size_t platform_count;
};

/*
 * Adds each payload and its components to *refs, as references with tags that are given
 * (refs->given). A line tells what the release is. Where `failures` keeps going, a release that
 * cannot be had joins it.
 */
int ferry_releases_add(struct ferry_session *session, const struct ferry_releases *releases,
                       struct ferry_failures *failures, struct ferry_references *refs,
                       struct ferry_err *err) FERRY_MUST_USE;

#endif
