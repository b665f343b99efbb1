/*
 * The images that an OpenShift release is made of, as its payload lists them: an ImageStream in
 * JSON, release-manifests/image-references.
 *
 * What it is: bytes in; out come the version and the components, in the order of the document. As
 * for oc, a tag that is not `from` a DockerImage is none, and one that is must name it by digest
 * and by nothing else.
 * Owns: its texts. Fails: FERRY_EFORMAT, FERRY_ELIMIT, naming the file and the component; also when
 * two components have one name, or there is none.
 * Limits: FERRY_MANIFEST_MAX bytes, FERRY_CHILDREN_MAX components.
 */
#ifndef FERRY_EXPORT_COMPONENTS_H
#define FERRY_EXPORT_COMPONENTS_H

#include "format/oci/reference.h"

#define FERRY_IMAGE_REFERENCES "release-manifests/image-references"

struct ferry_component {
    char *name;                 /* "machine-config-operator" */
    struct ferry_reference ref; /* by digest */
};

struct ferry_components {
    char *version; /* "4.16.3" */
    struct ferry_component *items;
    size_t count;
    size_t passed_over; /* tags that are no images */
};

int ferry_components_parse(const void *bytes, size_t len, struct ferry_components **out,
                           struct ferry_err *err) FERRY_MUST_USE;
void ferry_components_free(struct ferry_components *components);
FERRY_OWNED_DEFINE(ferry_components)

#endif
