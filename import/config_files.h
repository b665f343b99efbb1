/*
 * What --write-config asks for: configuration that leads a cluster to what was imported.
 *
 * What it is: the files, opened before the import, so that what cannot be written, or said in a
 * kind, is found then; and written after it, for the images that are there. hosts.toml is a folder,
 * with HOST/hosts.toml for each source registry, as containerd looks for them.
 * Owns: the files; what is not written leaves no trace. Fails: FERRY_EUSAGE for what a kind cannot
 * say, FERRY_EIO.
 */
#ifndef FERRY_IMPORT_CONFIG_FILES_H
#define FERRY_IMPORT_CONFIG_FILES_H

#include "format/run/progress.h"
#include "import/import_opts.h"
#include "import/push_plan.h"

struct ferry_config_files;

/* Warns of images that no configuration can lead to. */
int ferry_config_files_open(const struct import_opts *opts, const struct ferry_push_plan *plan,
                            struct ferry_progress *progress, struct ferry_config_files **out,
                            struct ferry_err *err) FERRY_MUST_USE;
void ferry_config_files_free(struct ferry_config_files *files);
FERRY_OWNED_DEFINE(ferry_config_files)

/* `transport` is the destination's. */
int ferry_config_files_write(struct ferry_config_files *files, const struct ferry_push_plan *plan,
                             enum ferry_transport transport, struct ferry_progress *progress,
                             struct ferry_err *err) FERRY_MUST_USE;

#endif
