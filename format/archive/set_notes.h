/*
 * What people should know of a set of archives before they rely on it, a line each: which archive
 * is an unreadable copy or an unknown, and which images another archive has in a newer version.
 *
 * Fails: a line for which there is no memory is not said.
 */
#ifndef FERRY_ARCHIVE_SET_NOTES_H
#define FERRY_ARCHIVE_SET_NOTES_H

#include "format/archive/archive_set.h"

/* Whom to tell. */
struct ferry_set_listener {
    void (*say)(void *ctx, const char *text);
    void (*warn)(void *ctx, const char *text);
    void *ctx;
};

void ferry_set_notes(const struct ferry_archive_set *set,
                     const struct ferry_set_listener *listener);

#endif
