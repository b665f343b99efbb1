/*
 * Did every image have a platform that was selected in its graph?
 *
 * What it is: a look at the graph once all documents are read. What belongs to another image is not
 * looked at, and where nothing was selected nothing is.
 */
#ifndef FERRY_EXPORT_PLATFORM_CHECK_H
#define FERRY_EXPORT_PLATFORM_CHECK_H

#include "export/failures.h"

/* An index that has none of the platforms: FERRY_ENOTFOUND naming the image, and what it has; or,
 * where `failures` permits to go on, its root is BAD. */
int ferry_platform_check(struct ferry_graph *graph, const struct ferry_failures *failures,
                         struct ferry_err *err) FERRY_MUST_USE;

/* An image that is no index is what it is, and was taken: says so where its config names another
 * platform. And where an index has some of the platforms that were asked for, but not all. */
int ferry_platform_warn(struct ferry_graph *graph, struct ferry_progress *progress,
                        struct ferry_err *err) FERRY_MUST_USE;

#endif
