/*
 * A JSON object that is printed member by member, and an array of it item by item, so that a report
 * need not be in memory as a whole. It looks as json_dumpf() with JSON_INDENT(2) prints it.
 *
 * What it is: begin, then members and arrays, then end; within an array items alone.
 * Owns: nothing. Fails: FERRY_EIO when the file takes no more, FERRY_ENOMEM when a value is NULL,
 * which is what jansson gives for want of memory.
 */
#ifndef FERRY_OCI_JSON_STREAM_H
#define FERRY_OCI_JSON_STREAM_H

#include <stdio.h>

#include "format/oci/json.h"

struct ferry_json_stream {
    FILE *out;
    const char *name; /* of `out`, in complaints */
    bool in_array;    /* what is printed next is an item */
    bool is_begun;    /* the object has a member, */
    bool has_items;   /*   the array an item */
};

void ferry_json_stream_begin(struct ferry_json_stream *stream, FILE *out, const char *name);

/* The members of an object, in its order. */
int ferry_json_stream_members(struct ferry_json_stream *stream, json_t *object,
                              struct ferry_err *err) FERRY_MUST_USE;

void ferry_json_stream_array(struct ferry_json_stream *stream, const char *key);
/* *item is taken. */
int ferry_json_stream_item(struct ferry_json_stream *stream, json_t **item,
                           struct ferry_err *err) FERRY_MUST_USE;
void ferry_json_stream_array_end(struct ferry_json_stream *stream);

int ferry_json_stream_end(struct ferry_json_stream *stream, struct ferry_err *err) FERRY_MUST_USE;

#endif
