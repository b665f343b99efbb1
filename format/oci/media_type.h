/*
 * The media types that we know, OCI and Docker, as one table (image-spec 1.1 media-types.md).
 * Threads: const data only.
 */
#ifndef FERRY_OCI_MEDIA_TYPE_H
#define FERRY_OCI_MEDIA_TYPE_H

#include <stdbool.h>

#define FERRY_TYPE_OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define FERRY_TYPE_OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define FERRY_TYPE_OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define FERRY_TYPE_DOCKER_INDEX "application/vnd.docker.distribution.manifest.list.v2+json"
#define FERRY_TYPE_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define FERRY_TYPE_DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"
#define FERRY_TYPE_DOCKER_SCHEMA1 "application/vnd.docker.distribution.manifest.v1+json"
#define FERRY_TYPE_DOCKER_SCHEMA1_SIGNED "application/vnd.docker.distribution.manifest.v1+prettyjws"

/* What the bytes behind a descriptor are. */
enum ferry_kind {
    FERRY_KIND_BLOB,     /* served under /blobs/: configs, layers, and every type not listed here */
    FERRY_KIND_MANIFEST, /* an image manifest */
    FERRY_KIND_INDEX,    /* an image index or Docker manifest list */
    FERRY_KIND_SCHEMA1   /* Docker schema 1: refused */
};

enum ferry_kind ferry_media_type_kind(const char *media_type);

/* An image config, OCI or Docker: its rootfs lists diffIDs. */
bool ferry_media_type_is_image_config(const char *media_type);

/* A layer that is a tar, plain or compressed, OCI or Docker, distributable or not. */
bool ferry_media_type_is_layer(const char *media_type);

/* For the Accept header of a manifest request: every kind that we can take, and those that we
 * refuse by name. */
extern const char ferry_accept_manifests[];

#endif
