/*
 * One line for each request and its reply, for people who look for a fault: never a secret.
 *
 * What it is: method, URL, status, bytes and time. Headers and bodies are not in it. Of the query
 * of a URL only parameters that are known to be harmless are; signatures and the state of an upload
 * are not among them.
 * Owns, fails: nothing; a line that does not fit is cut, one that finds no memory is left out.
 */
#ifndef FERRY_REGISTRY_TRACE_H
#define FERRY_REGISTRY_TRACE_H

#include "format/registry/http.h"

struct ferry_trace {
    const char *method;
    const char *url;
    int64_t received; /* bytes of the reply's body that were taken */
    int64_t ms;
};

/* Tells of an exchange that is over, `head` being its reply's, as far as it came. */
void ferry_trace_tell(const struct ferry_http_options *options, const struct ferry_trace *trace,
                      const struct ferry_http_head *head);

#endif
