/*
 * The files that tell a cluster where the images are now.
 *
 * What it is: pure; from rules (mirror_rules.h) to text. OpenShift's ImageDigestMirrorSet,
 * ImageTagMirrorSet and ImageContentSourcePolicy; registries.conf of containers (version 2), which
 * podman, CRI-O and skopeo read; hosts.toml of containerd, one for each source registry.
 * A cluster may ask for any image by tag or by digest, so each kind has all rules. The objects of
 * OpenShift are named after their rules: those of another import stand beside them, and the cluster
 * merges them; those of the same import again take their place.
 * Fails: FERRY_EUSAGE for a name that the kind cannot hold.
 */
#ifndef FERRY_IMPORT_CLUSTER_CONFIG_H
#define FERRY_IMPORT_CLUSTER_CONFIG_H

#include "format/registry/session.h"
#include "import/mirror_rules.h"

enum ferry_config_kind {
    FERRY_CONFIG_IDMS,
    FERRY_CONFIG_ITMS,
    FERRY_CONFIG_ICSP,
    FERRY_CONFIG_REGISTRIES_CONF,
    FERRY_CONFIG_HOSTS_TOML
};

/* KIND=FILE, as the option takes it. *path is part of `text`. */
int ferry_config_parse(const char *text, enum ferry_config_kind *kind, const char **path,
                       struct ferry_err *err) FERRY_MUST_USE;

/* Whether the kind leads those who ask by tag. */
bool ferry_config_serves_tags(enum ferry_config_kind kind);

/* Appends the file. `transport` is that of the mirrors. HOSTS_TOML takes one rule, of
 * ferry_mirror_hosts(). */
int ferry_config_format(enum ferry_config_kind kind, const struct ferry_mirrors *rules,
                        enum ferry_transport transport, struct ferry_buf *out,
                        struct ferry_err *err) FERRY_MUST_USE;

#endif
