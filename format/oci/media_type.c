#include "format/oci/media_type.h"

#include <string.h>

#include "format/core/mem.h"

static const struct {
    const char *media_type;
    enum ferry_kind kind;
    bool is_config;
    bool is_layer;
} types[] = {
    { FERRY_TYPE_OCI_INDEX, FERRY_KIND_INDEX, false, false },
    { FERRY_TYPE_OCI_MANIFEST, FERRY_KIND_MANIFEST, false, false },
    { FERRY_TYPE_DOCKER_INDEX, FERRY_KIND_INDEX, false, false },
    { FERRY_TYPE_DOCKER_MANIFEST, FERRY_KIND_MANIFEST, false, false },
    { FERRY_TYPE_DOCKER_SCHEMA1, FERRY_KIND_SCHEMA1, false, false },
    { FERRY_TYPE_DOCKER_SCHEMA1_SIGNED, FERRY_KIND_SCHEMA1, false, false },
    { FERRY_TYPE_OCI_CONFIG, FERRY_KIND_BLOB, true, false },
    { FERRY_TYPE_DOCKER_CONFIG, FERRY_KIND_BLOB, true, false },
    { "application/vnd.oci.image.layer.v1.tar", FERRY_KIND_BLOB, false, true },
    { "application/vnd.oci.image.layer.v1.tar+gzip", FERRY_KIND_BLOB, false, true },
    { "application/vnd.oci.image.layer.v1.tar+zstd", FERRY_KIND_BLOB, false, true },
    { "application/vnd.oci.image.layer.nondistributable.v1.tar", FERRY_KIND_BLOB, false, true },
    { "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", FERRY_KIND_BLOB, false,
      true },
    { "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", FERRY_KIND_BLOB, false,
      true },
    { "application/vnd.docker.image.rootfs.diff.tar", FERRY_KIND_BLOB, false, true },
    { "application/vnd.docker.image.rootfs.diff.tar.gzip", FERRY_KIND_BLOB, false, true },
    { "application/vnd.docker.image.rootfs.diff.tar.zstd", FERRY_KIND_BLOB, false, true },
    { "application/vnd.docker.image.rootfs.foreign.diff.tar", FERRY_KIND_BLOB, false, true },
    { "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", FERRY_KIND_BLOB, false, true },
};

const char ferry_accept_manifests[] = FERRY_TYPE_OCI_INDEX
    ", " FERRY_TYPE_OCI_MANIFEST ", " FERRY_TYPE_DOCKER_INDEX ", " FERRY_TYPE_DOCKER_MANIFEST
    ", " FERRY_TYPE_DOCKER_SCHEMA1_SIGNED ";q=0.5, " FERRY_TYPE_DOCKER_SCHEMA1 ";q=0.5, */*;q=0.1";

enum ferry_kind ferry_media_type_kind(const char *media_type)
{
    for (size_t i = 0; i < FERRY_COUNT(types); i++)
        if (strcmp(types[i].media_type, media_type) == 0)
            return types[i].kind;
    return FERRY_KIND_BLOB;
}

bool ferry_media_type_is_image_config(const char *media_type)
{
    for (size_t i = 0; i < FERRY_COUNT(types); i++)
        if (strcmp(types[i].media_type, media_type) == 0)
            return types[i].is_config;
    return false;
}

bool ferry_media_type_is_layer(const char *media_type)
{
    for (size_t i = 0; i < FERRY_COUNT(types); i++)
        if (strcmp(types[i].media_type, media_type) == 0)
            return types[i].is_layer;
    return false;
}
