/*
 * Publishes images whose blobs are at the destination: children before parents, tags last.
 *
 * What it is: the last step of an import. An image is published when every blob and manifest that
 * it reaches is verified and in place; otherwise its outcome says why not, and nothing of it is
 * put. Fails: FERRY_ENET, FERRY_ESTALL, FERRY_ECANCEL, FERRY_ENOMEM; a refusal is an outcome of its
 * image.
 */
#ifndef FERRY_IMPORT_PUBLISH_H
#define FERRY_IMPORT_PUBLISH_H

#include "import/move.h"

int ferry_publish(const struct ferry_move *move, struct ferry_err *err) FERRY_MUST_USE;

#endif
