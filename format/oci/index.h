/*
 * index.json of an image layout: the names of the images and their roots (image-spec 1.1
 * image-layout.md "index.json file"; SPEC.md 2).
 *
 * Fails: FERRY_EFORMAT; an archive of a major version that we do not know is refused with the
 * version that it needs.
 */
#ifndef FERRY_OCI_INDEX_H
#define FERRY_OCI_INDEX_H

#include "format/oci/graph.h"

#define FERRY_ARCHIVE_VERSION "1.0" /* of SPEC.md */
#define FERRY_ARCHIVE_MAJOR 1
#define FERRY_NOTE_VERSION "io.ociferry.archive.version"
#define FERRY_NOTE_LEFT_OUT "io.ociferry.archive.left-out"
#define FERRY_NOTE_NAME "io.containerd.image.name"
#define FERRY_NOTE_REF_NAME "org.opencontainers.image.ref.name"
#define FERRY_NOTE_SUBJECT "io.containerd.manifest.subject"
#define FERRY_NOTE_REFERRER_REPOSITORY "io.ociferry.referrer.repository"

/* What org.opencontainers.image.ref.name holds (skopeo, oras and regctl select by it). */
enum ferry_ref_name { FERRY_REF_NAME_TAG, FERRY_REF_NAME_FULL };

/* Adds every image that the document lists to the graph, which learns what the archive leaves out
 * on purpose, and the digest of the document. */
int ferry_index_parse(const void *bytes, size_t len, struct ferry_graph *graph,
                      struct ferry_err *err) FERRY_MUST_USE;

/* The document that names the graph's images: the same images give the same bytes. */
int ferry_index_format(const struct ferry_graph *graph, enum ferry_ref_name ref_name,
                       struct ferry_buf *out, struct ferry_err *err) FERRY_MUST_USE;

#endif
