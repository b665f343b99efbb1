/*
 * YAML, and so JSON, from outside: a tree for each document of a stream. Parsing itself is
 * libyaml's.
 *
 * What it is: an alias is the node that it names, not a copy of it, so that a tree takes no more
 * room than its text, however often it repeats itself. Whoever walks one must expect to meet a
 * node again, even inside itself.
 * Owns: the stream borrows its bytes; a tree lives until the next one is asked for.
 * Fails: FERRY_EUSAGE "line 3: not YAML: ..." in libyaml's words, FERRY_ELIMIT.
 * Limits: nested 100 levels; 2,000,000 nodes and 1000 anchors in a document; 100,000 documents;
 * UTF-8 alone.
 */
#ifndef FERRY_EXPORT_YAML_TREE_H
#define FERRY_EXPORT_YAML_TREE_H

#include "format/core/mem.h"

#define FERRY_YAML_DEPTH_MAX 100
#define FERRY_YAML_NODES_MAX 2000000
#define FERRY_YAML_ANCHORS_MAX 1000
#define FERRY_YAML_DOCUMENTS_MAX 100000

struct ferry_yaml;

enum ferry_yaml_kind {
    FERRY_YAML_TEXT,
    FERRY_YAML_PLAIN, /* null, true, 1.5: not quoted, and no text */
    FERRY_YAML_SEQUENCE,
    FERRY_YAML_MAPPING,
    FERRY_YAML_ALIAS
};

struct ferry_yaml_node {
    enum ferry_yaml_kind kind;
    size_t line; /* from 1 */
    struct ferry_yaml_node
        *first;                   /* of a sequence: its items; of a mapping: key, value, key, ... */
    struct ferry_yaml_node *next; /* its neighbour in such a list */
    struct ferry_yaml_node *target; /* of an alias; never an alias itself */
    struct ferry_yaml_node *older;  /* the tree's own */
    bool seen;                      /* the walker's */
    char text[];                    /* of TEXT and PLAIN; a NUL inside it has become 0x01 */
};

int ferry_yaml_open(const void *bytes, size_t len, struct ferry_yaml **out,
                    struct ferry_err *err) FERRY_MUST_USE;
void ferry_yaml_free(struct ferry_yaml *yaml);
FERRY_OWNED_DEFINE(ferry_yaml)

/* The root of the next document; NULL at the end of the stream, which is not asked again. */
int ferry_yaml_next(struct ferry_yaml *yaml, struct ferry_yaml_node **root,
                    struct ferry_err *err) FERRY_MUST_USE;

/* What an alias stands for; any other node is itself. */
struct ferry_yaml_node *ferry_yaml_resolve(struct ferry_yaml_node *node);

/* The value of a mapping's first key of that text; NULL when there is none, or no mapping. */
struct ferry_yaml_node *ferry_yaml_member(const struct ferry_yaml_node *mapping, const char *key);

#endif
