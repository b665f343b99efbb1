/*
 * Sources over a file descriptor and over memory, and small files whole.
 *
 * Owns: the sources over a descriptor take it, also on failure, and close it; a memory source
 * borrows its bytes until it is freed.
 */
#ifndef FERRY_CORE_BLOB_FILE_H
#define FERRY_CORE_BLOB_FILE_H

#include "format/core/blob.h"
#include "format/core/mem.h"

/* A regular file from its first byte, or a pipe (size -1, one pass). */
int ferry_source_fd(int fd, struct ferry_source **out, struct ferry_err *err) FERRY_MUST_USE;

/* From where `fd` stands, in one pass, whatever it is. */
int ferry_source_stream(int fd, struct ferry_source **out, struct ferry_err *err) FERRY_MUST_USE;

int ferry_source_memory(const void *bytes, size_t len, struct ferry_source **out,
                        struct ferry_err *err) FERRY_MUST_USE;

/* Appends a file that the user has named; "-" is stdin. FERRY_EUSAGE when it cannot be opened, or
 * holds more than the buffer may; FERRY_EIO. The caller adds the name. */
int ferry_file_read(const char *path, struct ferry_buf *into, struct ferry_err *err) FERRY_MUST_USE;

/* Whether both paths lead to one file, which is there. */
bool ferry_file_is_same(const char *path, const char *other);

/* Reads like read(2), but waits out interruptions unless cancelled. */
int ferry_fd_read(int fd, void *buf, size_t cap, size_t *got, struct ferry_err *err) FERRY_MUST_USE;

/* Writes all. FERRY_EIO with the system's reason. */
int ferry_fd_write(int fd, const void *bytes, size_t len, struct ferry_err *err) FERRY_MUST_USE;

#endif
