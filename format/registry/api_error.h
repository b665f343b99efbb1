/*
 * What a server says about a failure (distribution-spec 1.1 "Error Codes"), in few words.
 *
 * Limits: reads at most 64 KiB of the body, gives at most FERRY_API_ERROR_MAX characters. Never
 * fails: where nothing useful is said the texts are empty.
 */
#ifndef FERRY_REGISTRY_API_ERROR_H
#define FERRY_REGISTRY_API_ERROR_H

#include "format/registry/http.h"
#include "format/registry/session.h"

#define FERRY_API_ERROR_MAX 512

struct ferry_api_error {
    char code[FERRY_API_CODE_MAX];  /* of the first error: "MANIFEST_INVALID" */
    char text[FERRY_API_ERROR_MAX]; /* ": CODE: message" */
};

/* Reads the body of the last reply. */
void ferry_api_error_read(struct ferry_http *http, struct ferry_api_error *out);

/* "404 Not Found"; the number alone where it has no usual name. */
void ferry_status_format(int status, char out[40]);

#endif
