/*
 * The images that Kubernetes objects name: manifests in YAML or JSON, and what `helm template` and
 * `kustomize build` print (README.md "Images of manifests and charts" has the rules).
 *
 * What it is: bytes in, references with their lines out. An object is a document with apiVersion
 * and kind; other documents, values.yaml for one, are passed over. In an object an image is
 *   - the text under a key `image`, wherever it stands: so custom resources count as well, whose
 *     containers, steps and operands nobody lists;
 *   - `volumes[].image.reference`; `name` beside `kind: DockerImage`;
 *   - `value` in an `env` list where `name` begins with RELATED_IMAGE_.
 * Not looked at: ConfigMaps and Secrets (their data is anybody's), CustomResourceDefinitions (an
 * `image` there is a schema's property), `status` (what was, not what is asked for), and labels,
 * annotations and selectors (their keys are invented by users).
 * What is no reference fails where Kubernetes or OLM wants an image: in containers,
 * initContainers, ephemeralContainers, relatedImages, and the rest of the list above but the first.
 * Anywhere else a key `image` may mean something different: it is passed over, and listed as a
 * doubt.
 * Owns: the findings. Fails: FERRY_EUSAGE and FERRY_ELIMIT with the line; FERRY_EUSAGE when no
 * image is named at all; FERRY_EIO. Limits: 32 MiB, 100,000 images, and those of yaml_tree.h.
 */
#ifndef FERRY_EXPORT_IMAGE_FINDER_H
#define FERRY_EXPORT_IMAGE_FINDER_H

#include "format/core/mem.h"

#define FERRY_OBJECTS_MAX ((size_t)32 * 1024 * 1024) /* bytes of one file */
#define FERRY_FOUND_MAX 100000                       /* images in it, repeated ones included */

struct ferry_finding {
    char *text;  /* an image: a reference that parses; a doubt: a sentence about it */
    size_t line; /* where its text stands */
};

struct ferry_findings {
    struct ferry_finding *images; /* in order of appearance, as often as they appear */
    size_t count;
    struct ferry_finding *doubts;
    size_t doubt_count;
    size_t room, doubt_room; /* the finder's own */
};

int ferry_images_find(const void *bytes, size_t len, struct ferry_findings **out,
                      struct ferry_err *err) FERRY_MUST_USE;
void ferry_findings_free(struct ferry_findings *findings);
FERRY_OWNED_DEFINE(ferry_findings)

/* The same for a file, "-" is stdin. Failures begin with its name; a limit is FERRY_EUSAGE too. */
int ferry_images_find_in(const char *path, struct ferry_findings **out,
                         struct ferry_err *err) FERRY_MUST_USE;

#endif
