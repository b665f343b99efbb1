/*
 * What a server says about a failure (distribution-spec 1.1 "Error Codes"), in few words.
 *
 * Limits: reads at most 64 KiB of the body, gives at most FERRY_API_ERROR_MAX characters. Never
 * fails: where nothing useful is said the text is empty.
 */
#ifndef FERRY_REGISTRY_API_ERROR_H
#define FERRY_REGISTRY_API_ERROR_H

#include "format/registry/http.h"

#define FERRY_API_ERROR_MAX 512

/* Reads the body of the last reply. `out` is ": CODE: message" or "". */
void ferry_api_error_read(struct ferry_http *http, char out[FERRY_API_ERROR_MAX]);

/* "404 Not Found"; the number alone where it has no usual name. */
void ferry_status_format(int status, char out[40]);

#endif
