# Images for many platforms, made in the registry $MADE. Sourced after lib.sh.
#
#   many:1        an index of amd64, armv5, armv7, arm64, windows, attestations of amd64 and armv7, an
#                 image that runs nowhere, and one of which the index says nothing; it is many.index
#   many:nested   an index of many:1 and windows
#   many:windows  an index of windows
#   many:plain    an image for linux/arm64
#
# The indexes have an annotation. D[NAME] is the digest of many:1 (many) and of all that it lists.
# shellcheck shell=bash

oci=application/vnd.oci.image

# image NAME OS/ARCH [TAG]: an image of one layer; its config says that platform. Sets DESC.
image() {
    local layer
    echo "layer of $1" >"$T/blob"
    push_blob "$MADE" many "$T/blob"
    layer=$DESC
    jq -cn --arg os "${2%%/*}" --arg arch "${2#*/}" --arg d "$DIGEST" \
        '{os: $os, architecture: $arch, rootfs: {type: "layers", diff_ids: [$d]}}' >"$T/blob"
    push_blob "$MADE" many "$T/blob"
    jq -cn --arg oci $oci --argjson c "$DESC" --argjson l "$layer" '{schemaVersion: 2,
        mediaType: "\($oci).manifest.v1+json", config: ({mediaType: "\($oci).config.v1+json"} + $c),
        layers: [{mediaType: "\($oci).layer.v1.tar"} + $l]}' >"$T/document"
    push_manifest "$MADE" many "${3:-digest}" "$T/document"
}

# child NAME OS ARCH [VARIANT]: an image and what an index says of it. Sets CHILD and D[NAME].
declare -A D
child() {
    image "$1" "$2/$3"
    CHILD=$(jq -c --arg os "$2" --arg a "$3" --arg v "${4:-}" '. + {platform: ({os: $os,
        architecture: $a} + if $v == "" then {} else {variant: $v} end)}' <<<"$DESC")
    D[$1]=$(jq -r .digest <<<"$DESC")
}
attestation() { # NAME OF
    child "$1" unknown unknown
    CHILD=$(jq -c --arg d "${D[$2]}" '. + {annotations: {"vnd.docker.reference.digest": $d,
        "vnd.docker.reference.type": "attestation-manifest"}}' <<<"$CHILD")
}

# index TAG DESCRIPTOR...: an index of these. Sets DESC.
index() {
    jq -n --arg t $oci.index.v1+json '{schemaVersion: 2, mediaType: $t, manifests: [inputs],
        annotations: {"org.example": "kept"}}' <<<"${*:2}" >"$T/document"
    push_manifest "$MADE" many "$1" "$T/document"
}

make_many() {
    local name children=() windows
    while read -r -a name; do
        child "${name[@]}"
        children+=("$CHILD")
        [ "${name[0]}" != windows ] || windows=$CHILD
    done <<'END'
amd64 linux amd64
armv5 linux arm v5
armv7 linux arm v7
arm64 linux arm64
windows windows amd64
END
    attestation att-amd64 amd64
    children+=("$CHILD")
    attestation att-armv7 armv7
    children+=("$CHILD")
    child unknown unknown unknown
    children+=("$CHILD")
    image bare linux/amd64
    D[bare]=$(jq -r .digest <<<"$DESC")
    index 1 "${children[@]}" "$DESC"
    D[many]=$(jq -r .digest <<<"$DESC")
    cp "$T/document" "$T/many.index"
    index nested "$DESC" "$windows"
    index windows "$windows"
    image plain linux/arm64 plain
}
