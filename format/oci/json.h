/*
 * JSON from outside, with limits, and a path in every complaint. Parsing itself is jansson's.
 *
 * What it is: a document is refused when it is larger than its limit, deeper than
 * FERRY_JSON_DEPTH_MAX, holds a duplicate key (readers differ on which one counts), or is followed
 * by anything but white space. The accessors say which member of which document is wrong.
 * Owns: ferry_json_load gives a reference that FERRY_OWNED_JSON drops; accessors lend texts that
 * live as long as the document.
 * Fails: FERRY_EFORMAT or FERRY_ELIMIT naming `what`.
 */
#ifndef FERRY_OCI_JSON_H
#define FERRY_OCI_JSON_H

#include <jansson.h>

#include "format/core/digest.h"

#define FERRY_JSON_DEPTH_MAX 64
#define FERRY_JSON_CONTAINERS_MAX 200000              /* objects and arrays: SPEC 6 */
#define FERRY_MANIFEST_MAX ((int64_t)4 * 1024 * 1024) /* any manifest, index or config: SPEC 6 */

static inline void ferry_json_freep(json_t **p)
{
    json_decref(*p);
}
#define FERRY_OWNED_JSON __attribute__((cleanup(ferry_json_freep))) json_t

/* The document must be an object. `what` names it in complaints. */
int ferry_json_load(const void *bytes, size_t len, const char *what, json_t **out,
                    struct ferry_err *err) FERRY_MUST_USE;

/* The same for an array. */
int ferry_json_load_array(const void *bytes, size_t len, const char *what, json_t **out,
                          struct ferry_err *err) FERRY_MUST_USE;

/* Appends the value, compact. A NULL value is what jansson gives for want of memory. */
int ferry_json_dump(const json_t *value, struct ferry_buf *out,
                    struct ferry_err *err) FERRY_MUST_USE;

/* A member of `object`; *out is NULL when it is absent (or null). Wrong type fails. */
int ferry_json_text(const json_t *object, const char *key, const char *what, const char **out,
                    struct ferry_err *err) FERRY_MUST_USE;
int ferry_json_array(const json_t *object, const char *key, const char *what, json_t **out,
                     struct ferry_err *err) FERRY_MUST_USE;
int ferry_json_object(const json_t *object, const char *key, const char *what, json_t **out,
                      struct ferry_err *err) FERRY_MUST_USE;

/* Members that must be there. A size is an integer in 0..2^63-1. */
int ferry_json_size(const json_t *object, const char *key, const char *what, int64_t *out,
                    struct ferry_err *err) FERRY_MUST_USE;
int ferry_json_digest(const json_t *object, const char *key, const char *what,
                      struct ferry_digest *out, struct ferry_err *err) FERRY_MUST_USE;

#endif
