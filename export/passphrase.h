/*
 * The passphrase of a private key: the first line of a file, or what is typed at the terminal.
 * Never a word of the command line, which others on the machine can read.
 *
 * Owns: nothing; the caller wipes what he lent. Fails: FERRY_EUSAGE naming the file, or where there
 * is no terminal to ask at; FERRY_ECANCEL.
 */
#ifndef FERRY_EXPORT_PASSPHRASE_H
#define FERRY_EXPORT_PASSPHRASE_H

#include <stddef.h>

#include "format/core/err.h"

/* At most `cap` bytes, at least one. */
int ferry_passphrase_read(const char *path, char *out, size_t cap, size_t *len,
                          struct ferry_err *err) FERRY_MUST_USE;

/* Asks at /dev/tty, which shows nothing of it. `key` is the name of its file. */
int ferry_passphrase_ask(const char *key, char *out, size_t cap, size_t *len,
                         struct ferry_err *err) FERRY_MUST_USE;

#endif
