#include "format/oci/media_type.h"

#include <string.h>

#include "format/core/mem.h"
#include "tests/support/check.h"

#define OCI_LAYER "application/vnd.oci.image.layer.v1.tar"
#define OCI_FOREIGN "application/vnd.oci.image.layer.nondistributable.v1.tar"
#define DOCKER_LAYER "application/vnd.docker.image.rootfs.diff.tar"
#define DOCKER_FOREIGN "application/vnd.docker.image.rootfs.foreign.diff.tar"

static const struct {
    const char *media_type;
    enum ferry_kind kind;
    bool is_config, is_layer;
} rows[] = {
    { "application/vnd.oci.image.index.v1+json", FERRY_KIND_INDEX, false, false },
    { "application/vnd.oci.image.manifest.v1+json", FERRY_KIND_MANIFEST, false, false },
    { "application/vnd.docker.distribution.manifest.list.v2+json", FERRY_KIND_INDEX, false, false },
    { "application/vnd.docker.distribution.manifest.v2+json", FERRY_KIND_MANIFEST, false, false },
    { "application/vnd.docker.distribution.manifest.v1+json", FERRY_KIND_SCHEMA1, false, false },
    { "application/vnd.docker.distribution.manifest.v1+prettyjws", FERRY_KIND_SCHEMA1, false,
      false },
    { "application/vnd.oci.image.config.v1+json", FERRY_KIND_BLOB, true, false },
    { "application/vnd.docker.container.image.v1+json", FERRY_KIND_BLOB, true, false },
    { OCI_LAYER, FERRY_KIND_BLOB, false, true },
    { OCI_LAYER "+gzip", FERRY_KIND_BLOB, false, true },
    { OCI_LAYER "+zstd", FERRY_KIND_BLOB, false, true },
    { OCI_FOREIGN, FERRY_KIND_BLOB, false, true },
    { OCI_FOREIGN "+gzip", FERRY_KIND_BLOB, false, true },
    { OCI_FOREIGN "+zstd", FERRY_KIND_BLOB, false, true },
    { DOCKER_LAYER, FERRY_KIND_BLOB, false, true },
    { DOCKER_LAYER ".gzip", FERRY_KIND_BLOB, false, true },
    { DOCKER_LAYER ".zstd", FERRY_KIND_BLOB, false, true },
    { DOCKER_FOREIGN, FERRY_KIND_BLOB, false, true },
    { DOCKER_FOREIGN ".gzip", FERRY_KIND_BLOB, false, true },
    /* All else is a blob that we do not look into. */
    { "application/vnd.oci.empty.v1+json", FERRY_KIND_BLOB, false, false },
    { "application/vnd.cncf.helm.config.v1+json", FERRY_KIND_BLOB, false, false },
    { "application/vnd.docker.plugin.v1+json", FERRY_KIND_BLOB, false, false },
    { OCI_LAYER "+encrypted", FERRY_KIND_BLOB, false, false },
    { "application/json", FERRY_KIND_BLOB, false, false },
    { "APPLICATION/VND.OCI.IMAGE.INDEX.V1+JSON", FERRY_KIND_BLOB, false, false },
    { "application/vnd.oci.image.index.v1+json ", FERRY_KIND_BLOB, false, false },
    { "application/vnd.oci.image.index.v1+jso", FERRY_KIND_BLOB, false, false },
    { "", FERRY_KIND_BLOB, false, false },
};

/* [G2] [G7] [W22] */
static void test_media_type_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        const char *name = rows[i].media_type;

        CHECK_ROW(name, ferry_media_type_kind(name) == rows[i].kind);
        CHECK_ROW(name, ferry_media_type_is_image_config(name) == rows[i].is_config);
        CHECK_ROW(name, ferry_media_type_is_layer(name) == rows[i].is_layer);
    }
}

/* What is taken is asked for, and before what is refused by name. */
static void test_media_type_accept(void **state)
{
    const char *last_taken = "", *first_refused = NULL;

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        const char *found;

        if (rows[i].kind == FERRY_KIND_BLOB)
            continue;
        found = strstr(ferry_accept_manifests, rows[i].media_type);
        CHECK_ROW(rows[i].media_type, found != NULL);
        if (rows[i].kind == FERRY_KIND_SCHEMA1 && (!first_refused || found < first_refused))
            first_refused = found;
        if (rows[i].kind != FERRY_KIND_SCHEMA1 && (!last_taken[0] || found > last_taken))
            last_taken = found;
    }
    assert_true(last_taken < first_refused);
    assert_null(strpbrk(ferry_accept_manifests, "\r\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_media_type_table),
        cmocka_unit_test(test_media_type_accept),
    };

    return cmocka_run_group_tests_name("media_type", tests, NULL, NULL);
}
