/*
 * The graph of images: named roots, and everything that they reach, each digest once.
 *
 * What it is: passive. Images are added with the descriptor of their root; whoever has the bytes of
 * a manifest supplies them, and what they list joins the graph. So one structure serves a registry
 * (manifests are fetched), an archive with random access, and one that streams by.
 * Owns: nodes, images, and the bytes supplied. Nodes and images live, and keep their address, as
 * long as the graph.
 * Fails: FERRY_EFORMAT when two documents disagree on a digest; FERRY_ELIMIT past
 * FERRY_NODES_MAX, or FERRY_DOCUMENTS_MAX, beyond which it owns nothing.
 * Threads: one at a time; but a node's `state`, `fault` and `user` may be set by the one thread
 * that deals with it.
 */
#ifndef FERRY_OCI_GRAPH_H
#define FERRY_OCI_GRAPH_H

#include "format/core/digest_map.h"
#include "format/oci/bases.h"
#include "format/oci/manifest.h"
#include "format/oci/reference.h"

#define FERRY_NODES_MAX 1000000  /* digests in one graph: SPEC 6 */
#define FERRY_REACH_MAX 10000000 /* what its images list, counted for each of them: SPEC 6 */
#define FERRY_DOCUMENTS_MAX ((int64_t)2 * 1024 * 1024 * 1024) /* bytes supplied to it: SPEC 6 */

enum ferry_node_state {
    FERRY_NODE_WANTED,   /* not seen yet */
    FERRY_NODE_GOOD,     /* seen, and right by size and digest */
    FERRY_NODE_LEFT_OUT, /* not there, on purpose: see ferry_graph_select(),
                            ferry_graph_leave_out(), and layers that are kept elsewhere by their
                            "urls" */
    FERRY_NODE_IN_BASE,  /* a layer that is not there, since a base of the archive has it */
    FERRY_NODE_BAD       /* missing or wrong; `fault` says how */
};

struct ferry_node {
    struct ferry_descriptor descriptor; /* as first met, but for the platform */
    enum ferry_kind kind;
    bool is_manifest;     /* lives under /manifests/ in a registry: an index lists it, or a root */
    bool is_config;       /* the first child of an image manifest, */
    bool is_image_config; /* and by the media type that it has there an image's */
    bool is_tar;          /* a layer of files, by the media type that some manifest has for it */
    enum ferry_node_state state;
    bool is_lent; /* GOOD, with the bytes of another graph: `fault` says what is wrong here */
    char *fault;  /* malloc'ed, one sentence; NULL unless BAD or lent */
    enum ferry_code fault_code;
    uint8_t *bytes;                   /* descriptor.size bytes, once supplied; else NULL */
    struct ferry_digest *subject;     /* of a manifest that is about another; else NULL */
    struct ferry_node **children;     /* in the order of the document */
    struct ferry_platform *platforms; /* of an index: what it says of each child; else NULL */
    bool *as_part; /* of an image manifest: whether, by the media type that it has there, a child is
                      what a container image is made of: an image config, a tar; else NULL */
    size_t count;
    const char *base_repository;  /* of a layer IN_BASE: where a base has it; borrowed */
    struct ferry_node *described; /* the image that it attests, where it is LEFT_OUT with it */
    size_t place;                 /* its index in graph->nodes */
    size_t first_image;           /* the image through which it was met first, as kept here */
    size_t mark;                  /* the graph's own */
};

struct ferry_image {
    char *name;                 /* for people: the reference, a bare tag, or a digest */
    struct ferry_reference ref; /* repository "" when only a tag, or nothing, is known */
    struct ferry_node *root;
    bool has_subject;            /* it belongs to another manifest: a referrer, or found by a tag */
    struct ferry_digest subject; /*   like sha256-<hex>.sig (SPEC 4.4) */
};

struct ferry_graph {
    struct ferry_node **nodes; /* in the order of discovery */
    size_t count;
    struct ferry_image *images;
    size_t image_count;
    bool is_ours;              /* it comes from an index.json that names a version of SPEC.md */
    struct ferry_digest index; /* of that index.json; its text is "" when there is none */
    const struct ferry_platform *selected; /* borrowed */
    size_t selected_count;
    struct ferry_digest *left_out; /* sorted */
    size_t left_out_count;
    struct ferry_bases bases; /* what the archive leaves to others */
    struct ferry_buf text; /* of that index.json, also where it was refused; data NULL for none */
    struct ferry_graph *const *lenders; /* borrowed */
    size_t lender_count;
    size_t room, image_room, stamp; /* the graph's own */
    int64_t supplied;               /* bytes; the graph's own */
    struct ferry_digest_map by_digest;
};

int ferry_graph_new(struct ferry_graph **out, struct ferry_err *err) FERRY_MUST_USE;
void ferry_graph_free(struct ferry_graph *graph);
FERRY_OWNED_DEFINE(ferry_graph)

/*
 * From here on what an index lists for other platforms than these is LEFT_OUT (none: nothing is);
 * `platforms` is borrowed as long as documents are supplied. What an index gives no platform, or
 * unknown/unknown, and an index below an index are WANTED; but an attestation is if what it
 * describes is. Whatever is WANTED elsewhere, as a root or by another index, stays so.
 */
void ferry_graph_select(struct ferry_graph *graph, const struct ferry_platform *platforms,
                        size_t count);

/* Wants the attestations of what became WANTED after the index that lists them was supplied. Call
 * it when all that is WANTED was supplied, and supply on if it says that there are some. */
bool ferry_graph_want_attestations(struct ferry_graph *graph);

/* What an archive leaves out on purpose: LEFT_OUT wherever it is met from here on. *list is taken,
 * and sorted. */
void ferry_graph_leave_out(struct ferry_graph *graph, struct ferry_digest **list, size_t count);

/* The same for what it leaves to its bases: IN_BASE, where it is a layer. Else whoever lists it is
 * wrong. *bases is taken. */
void ferry_graph_leave_to_bases(struct ferry_graph *graph, struct ferry_bases *bases);

/* Adds an image. `descriptor` is copied. */
int ferry_graph_add_image(struct ferry_graph *graph, const struct ferry_reference *ref,
                          const struct ferry_descriptor *descriptor,
                          struct ferry_err *err) FERRY_MUST_USE;

/* The same for a referrer: it goes by its digest, and belongs to `subject`. */
int ferry_graph_add_referrer(struct ferry_graph *graph, const struct ferry_reference *ref,
                             const struct ferry_digest *subject,
                             const struct ferry_descriptor *descriptor,
                             struct ferry_err *err) FERRY_MUST_USE;

/* How many of the images belong to others. */
size_t ferry_graph_referrers(const struct ferry_graph *graph);

/* NULL when the digest is not part of the graph. */
struct ferry_node *ferry_graph_find(const struct ferry_graph *graph,
                                    const struct ferry_digest *digest);

/* Whether the node is a document that lists others and whose bytes are still to come. */
bool ferry_node_unread(const struct ferry_node *node);

/* Whether the node is a foreign layer that is not there: it is left to its "urls". */
bool ferry_node_is_elsewhere(const struct ferry_node *node);

/* Whether the node is not there on purpose, for whichever reason. */
bool ferry_node_is_left(const struct ferry_node *node);

/*
 * The bytes of a node, already verified; taken (bytes->data is emptied). The node is GOOD then,
 * and the children of an index or manifest join the graph. On failure the node is BAD.
 */
int ferry_graph_supply(struct ferry_graph *graph, struct ferry_node *node, struct ferry_buf *bytes,
                       struct ferry_err *err) FERRY_MUST_USE;

/* Marks a node BAD with the text of *why, unless it has a fault already. */
void ferry_node_set_fault(struct ferry_node *node, const struct ferry_err *why);

/*
 * Every node that `root` reaches, itself included, each once, children before their parents.
 * Gives a malloc'ed array.
 */
int ferry_graph_closure(struct ferry_graph *graph, struct ferry_node *root,
                        struct ferry_node ***out, size_t *count,
                        struct ferry_err *err) FERRY_MUST_USE;

/* FERRY_ELIMIT when the images list more than FERRY_REACH_MAX: what is done image by image may take
 * as many steps, and as much memory. To be asked as soon as the graph is complete. */
int ferry_graph_check_reach(struct ferry_graph *graph, struct ferry_err *err) FERRY_MUST_USE;

#endif
