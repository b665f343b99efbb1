/*
 * An image layout that lies unpacked in a folder (image-spec 1.1 image-layout.md).
 *
 * What it is: its files, one after the other or by name. The walk gives those that a layout has
 * once, then the blobs; whatever else lies there is passed over, folders and hidden files too.
 * Owns: its descriptors. Borrows `path` until it is freed. A name lives until the next
 * ferry_folder_next.
 * Fails: FERRY_EIO, FERRY_EFORMAT for what is not a regular file, each naming the file.
 * Threads: one at a time, but for ferry_folder_file.
 */
#ifndef FERRY_ARCHIVE_FOLDER_H
#define FERRY_ARCHIVE_FOLDER_H

#include "format/core/blob.h"

struct ferry_folder;

int ferry_folder_open(const char *path, struct ferry_folder **out,
                      struct ferry_err *err) FERRY_MUST_USE;
void ferry_folder_free(struct ferry_folder *folder);
FERRY_OWNED_DEFINE(ferry_folder)

/* The next file, by its path below the folder; NULL at the end. */
int ferry_folder_next(struct ferry_folder *folder, const char **name, int64_t *size,
                      struct ferry_err *err) FERRY_MUST_USE;

/* From the first file again. */
void ferry_folder_restart(struct ferry_folder *folder);

/* The bytes of a file. FERRY_ENOTFOUND when it is not there. The source can be rewound. */
int ferry_folder_file(const struct ferry_folder *folder, const char *name,
                      struct ferry_source **out, struct ferry_err *err) FERRY_MUST_USE;

#endif
