/*
 * Which images: what the user named, and what that is among the tags of the registries.
 *
 * What it is: selections are gathered while the command line is read, each a reference, or a glob
 * over the tags of a repository; ferry_select() makes the references of them once there is a
 * session. Tags that tell what belongs to another image (ferry_tag_subject) are no glob's: those
 * come with the image they belong to.
 * Owns: a list owns its selections. Zeroed is empty.
 */
#ifndef FERRY_EXPORT_SELECT_H
#define FERRY_EXPORT_SELECT_H

#include "export/failures.h"
#include "export/references.h"
#include "format/registry/session.h"

struct ferry_selection {
    struct ferry_reference ref; /* of a glob: registry and repository alone */
    char glob[FERRY_GLOB_MAX];  /* "" where `ref` names one image */
    char *where;                /* where it was said, "list.txt: line 7"; NULL: an operand */
};

struct ferry_selections {
    struct ferry_selection *items;
    size_t count, room;
    char **doubts; /* a sentence each: what may have been meant as an image, and was not taken */
    size_t doubt_count, doubt_room;
};

/* `text` is a reference or REPOSITORY:GLOB; `where` (or NULL) is copied. FERRY_EUSAGE, telling
 * where, when it is neither. */
int ferry_selections_add(struct ferry_selections *list, const char *text, const char *where,
                         struct ferry_err *err) FERRY_MUST_USE;

/* Every line of a file of -f (format/oci/mapping.h). As for `oc image mirror`, a source without tag
 * means all tags where its destination is a bare repository. */
int ferry_selections_add_file(struct ferry_selections *list, const char *path,
                              struct ferry_err *err) FERRY_MUST_USE;

/* Every image that the Kubernetes objects in a file of --images-from name (image_finder.h). */
int ferry_selections_add_objects(struct ferry_selections *list, const char *path,
                                 struct ferry_err *err) FERRY_MUST_USE;

void ferry_selections_release(struct ferry_selections *list);

/*
 * Adds the references to *out, to be released also after a failure, each once: in the order in
 * which they were named, those of a glob in the order of their tags' bytes. A repository is listed
 * once, whatever the number of its globs, and `jobs` of them at a time. FERRY_ENOTFOUND when a glob
 * matches no tag. Where `failures` keeps going, a glob that gives nothing joins it.
 */
int ferry_select(struct ferry_session *session, const struct ferry_selections *list, int jobs,
                 struct ferry_failures *failures, struct ferry_references *out,
                 struct ferry_err *err) FERRY_MUST_USE;

#endif
