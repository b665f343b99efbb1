/*
 * What an archive holds, counted: where its bytes go, image by image, and what a fault damages.
 *
 * What it is: computed once from a report, in two walks over everything that each image reaches.
 * An image here is a root, by however many names: two tags of one manifest are one image, and share
 * nothing with each other.
 * Owns: borrows the report. Fails: FERRY_ENOMEM.
 */
#ifndef FERRY_VERIFY_CONTENTS_H
#define FERRY_VERIFY_CONTENTS_H

#include "format/verify/verify.h"

/* What becomes of the bytes of a blob. Each blob is of one kind. */
enum ferry_space {
    FERRY_SPACE_OWN,       /* in the archive, for one image alone */
    FERRY_SPACE_SHARED,    /* in the archive, for several images */
    FERRY_SPACE_BASE,      /* left to a base */
    FERRY_SPACE_ELSEWHERE, /* left out on purpose */
    FERRY_SPACE_FAULTY,    /* missing or wrong */
    FERRY_SPACE_KINDS
};

struct ferry_contents_image {
    struct ferry_node *root;
    size_t name;                      /* its first one: a place in graph->images */
    int64_t bytes[FERRY_SPACE_KINDS]; /* of what it reaches, but for manifests that are left out */
    int64_t sum;                      /* of these */
    bool whole;                       /* nothing that it reaches has a fault */
};

/* A fault damages an image. */
struct ferry_damage {
    size_t place; /* of the node in the graph */
    size_t image; /* in the contents */
};

struct ferry_contents {
    const struct ferry_verify_report *report;
    struct ferry_contents_image *images; /* in the order of the archive */
    size_t count;
    size_t *image_of;         /* by place in graph->images */
    size_t *next_name;        /* by the same: the next name of that image; 0 where there is none */
    size_t *reached_by;       /* by node->place: how many images reach it */
    enum ferry_space *spaces; /* by the same; FERRY_SPACE_KINDS of a manifest that is left out */
    int64_t bytes[FERRY_SPACE_KINDS]; /* of the archive: each blob once */
    int64_t sum;
    size_t shared_blobs;
    int64_t saved; /* what the archive would take more, had each image its own copy of all */
    struct ferry_damage *damages; /* by node, then by image */
    size_t damage_count, damage_room;
};

int ferry_contents_new(const struct ferry_verify_report *report, struct ferry_contents **out,
                       struct ferry_err *err) FERRY_MUST_USE;
void ferry_contents_free(struct ferry_contents *contents);
FERRY_OWNED_DEFINE(ferry_contents)

/* A walk over the names of the images that a fault damages; one that is of the archive as a whole
 * damages none. */
struct ferry_damaged {
    const struct ferry_contents *contents;
    const struct ferry_damage *next, *end;
    size_t name; /* the next one of the same image; 0 where there is none */
};

void ferry_damaged_begin(struct ferry_damaged *walk, const struct ferry_contents *contents,
                         const struct ferry_fault *fault);

/* NULL at the end. */
const char *ferry_damaged_next(struct ferry_damaged *walk);

/* "linux/amd64 linux/arm64/v8": of the children that are there and run somewhere, as an index says
 * it of them; of a single image as its config does. Past `limit` bytes "..." stands for the rest.
 */
int ferry_contents_platforms(const struct ferry_node *root, size_t limit, struct ferry_buf *out,
                             struct ferry_err *err) FERRY_MUST_USE;

#endif
