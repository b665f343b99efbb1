#!/bin/bash
# make_images.sh FOLDER: the images that the scenarios ship, byte for byte the same on every run.
#
#   FOLDER/layout    an OCI image layout with all of them; ref.name is "repo:tag"
#   FOLDER/registry  storage of a docker-registry that skopeo has pushed them to
#   FOLDER/refs      "repo:tag", one a line
#   FOLDER/done      the last file to be written
#
#   app/base:1       OCI, three gzip layers, one of them twice
#   app/web:1        OCI, five layers, two of them shared with app/base; also :latest
#   app/docker:1     Docker schema 2
#   app/list:1       Docker manifest list, amd64 and arm64
#   app/multi:1      OCI index, amd64 and arm64/v8, and an attestation for unknown/unknown
#   app/zstd:1       a zstd layer
#   app/plain:1      a layer that is not compressed
#   app/hollow:1     a layer of no bytes at all
#   app/big:1        one layer of 24 MiB, several segments of a transfer
#   art/sbom:1       an artifact with an empty config
. "$(dirname "$0")/lib.sh" || exit

out=$1
layout=$out/layout
[ ! -f "$out/done" ] || exit 0
rm -rf "$out"
mkdir -p "$layout/blobs/sha256"
work=$T/work
mkdir "$work"

oci=application/vnd.oci.image
docker=application/vnd.docker
entries=()

# Bytes that do not compress, the same for the same seed.
noise() { # SEED BYTES
    head -c "$2" /dev/zero |
        openssl enc -aes-128-ctr -nosalt -K "$(printf '%s' "$1" | md5sum | cut -c1-32)" \
            -iv 00000000000000000000000000000000
}

# Moves a file into the layout. Sets DIGEST and SIZE.
store() {
    DIGEST=sha256:$(sha256sum "$1" | cut -d' ' -f1)
    SIZE=$(file_size "$1")
    mv "$1" "$layout/blobs/sha256/${DIGEST#sha256:}"
}

# layer NAME KIND BYTES [FAMILY]: a tar with two files, as gzip, zstd or tar; "none": no bytes.
# Sets LAYER (its descriptor) and DIFF_ID.
layer() {
    local name=$1 kind=$2 bytes=$3 family=${4:-$oci} type tree=$work/tree
    rm -rf "$tree"
    mkdir -p "$tree/etc" "$tree/opt/$name"
    noise "$name" "$bytes" >"$tree/opt/$name/data"
    echo "$name" >"$tree/etc/$name"
    tar --format=ustar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner \
        --mode=u=rwX,go=rX -C "$tree" -cf "$work/layer" etc opt
    [ "$kind" != none ] || : >"$work/layer"
    DIFF_ID=sha256:$(sha256sum "$work/layer" | cut -d' ' -f1)
    case $kind in
    gzip) gzip -n -1 "$work/layer" && mv "$work/layer.gz" "$work/layer" ;;
    zstd) zstd -q -1 --rm "$work/layer" -o "$work/layer.zst" && mv "$work/layer.zst" "$work/layer" ;;
    esac
    case $family:$kind in
    "$docker":*) type=$docker.image.rootfs.diff.tar.gzip ;;
    *:gzip | *:zstd) type=$oci.layer.v1.tar+$kind ;;
    *) type=$oci.layer.v1.tar ;;
    esac
    store "$work/layer"
    LAYER=$(descriptor "$type")
}

# The descriptor of what was stored last.
descriptor() { # MEDIA_TYPE
    jq -cn --arg t "$1" --arg d "$DIGEST" --argjson s "$SIZE" '{mediaType: $t, digest: $d, size: $s}'
}

# manifest FAMILY ARCH (LAYER DIFF_ID)...: config and manifest. Sets DESC.
manifest() {
    local family=$1 arch=$2 layers=() diffs=() type config
    shift 2
    while [ $# -gt 0 ]; do
        layers+=("$1")
        diffs+=("$2")
        shift 2
    done
    printf '%s\n' "${diffs[@]}" | jq -Rcn --arg arch "$arch" '{architecture: $arch, os: "linux",
        config: {Cmd: ["/bin/true"]}, rootfs: {type: "layers", diff_ids: [inputs]}, history: []}' \
        >"$work/config"
    store "$work/config"
    type=$oci.manifest.v1+json
    config=$(descriptor $oci.config.v1+json)
    if [ "$family" = "$docker" ]; then
        type=$docker.distribution.manifest.v2+json
        config=$(descriptor $docker.container.image.v1+json)
    fi
    printf '%s\n' "${layers[@]}" | jq -n --arg t "$type" --argjson c "$config" \
        '{schemaVersion: 2, mediaType: $t, config: $c, layers: [inputs]}' >"$work/manifest"
    store "$work/manifest"
    DESC=$(descriptor "$type")
}

# index MEDIA_TYPE: of the descriptors on stdin. Sets DESC.
index() {
    jq -n --arg t "$1" '{schemaVersion: 2, mediaType: $t, manifests: [inputs]}' >"$work/index"
    store "$work/index"
    DESC=$(descriptor "$1")
}

# $DESC with a platform: OS ARCH [VARIANT].
on() {
    jq -c --arg os "$1" --arg a "$2" --arg v "${3:-}" '. + {platform: ({os: $os, architecture: $a} +
        if $v == "" then {} else {variant: $v} end)}' <<<"$DESC"
}

name_it() { # REPO:TAG
    entries+=("$(jq -c --arg n "$1" \
        '. + {annotations: {"org.opencontainers.image.ref.name": $n}}' <<<"$DESC")")
}

layer one gzip 200000; one=("$LAYER" "$DIFF_ID")
layer two gzip 3000; two=("$LAYER" "$DIFF_ID")
layer three gzip 50; three=("$LAYER" "$DIFF_ID")
layer four gzip 70000; four=("$LAYER" "$DIFF_ID")
layer five gzip 10; five=("$LAYER" "$DIFF_ID")
manifest $oci amd64 "${one[@]}" "${two[@]}" "${one[@]}"; name_it app/base:1
manifest $oci amd64 "${one[@]}" "${two[@]}" "${three[@]}" "${four[@]}" "${five[@]}"
name_it app/web:1
name_it app/web:latest

layer docker-one gzip 100000 $docker; d1=("$LAYER" "$DIFF_ID")
layer docker-two gzip 400 $docker; d2=("$LAYER" "$DIFF_ID")
manifest $docker amd64 "${d1[@]}" "${d2[@]}"; name_it app/docker:1
docker_amd64=$(on linux amd64)
layer docker-arm gzip 90000 $docker
manifest $docker arm64 "$LAYER" "$DIFF_ID"
docker_arm64=$(on linux arm64 v8)
index $docker.distribution.manifest.list.v2+json <<<"$docker_amd64 $docker_arm64"
name_it app/list:1

layer amd gzip 30000
manifest $oci amd64 "$LAYER" "$DIFF_ID" "${five[@]}"
amd64=$(on linux amd64)
layer arm zstd 30000
manifest $oci arm64 "$LAYER" "$DIFF_ID"
arm64=$(on linux arm64 v8)
# What buildkit adds to an index: a manifest of in-toto statements, platform unknown.
echo '{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"test"}' >"$work/statement"
store "$work/statement"
manifest $oci unknown "$(descriptor application/vnd.in-toto+json)" "$DIGEST"
attestation=$(on unknown unknown | jq -c --argjson of "$amd64" '. + {annotations: {
    "vnd.docker.reference.digest": $of.digest, "vnd.docker.reference.type": "attestation-manifest"}}')
index $oci.index.v1+json <<<"$amd64 $arm64 $attestation"
name_it app/multi:1

layer zst zstd 150000
manifest $oci amd64 "$LAYER" "$DIFF_ID"; name_it app/zstd:1
layer plain tar 120000
manifest $oci amd64 "$LAYER" "$DIFF_ID"; name_it app/plain:1
layer hollow none 0; hollow=("$LAYER" "$DIFF_ID")
manifest $oci amd64 "${two[@]}" "${hollow[@]}"; name_it app/hollow:1
layer big tar $((24 * 1024 * 1024))
manifest $oci amd64 "$LAYER" "$DIFF_ID"; name_it app/big:1

# An artifact as oras makes it.
printf '{}' >"$work/empty"
store "$work/empty"
empty=$(descriptor application/vnd.oci.empty.v1+json)
echo '{"spdxVersion":"SPDX-2.3","name":"test"}' >"$work/sbom"
store "$work/sbom"
descriptor application/spdx+json | jq --argjson c "$empty" --arg t $oci.manifest.v1+json \
    '{schemaVersion: 2, mediaType: $t, artifactType: .mediaType, config: $c,
      layers: [. + {annotations: {"org.opencontainers.image.title": "sbom.spdx.json"}}]}' >"$work/m"
store "$work/m"
DESC=$(descriptor $oci.manifest.v1+json)
name_it art/sbom:1

printf '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
printf '%s\n' "${entries[@]}" | jq -n '{schemaVersion: 2, manifests: [inputs]}' >"$layout/index.json"

# skopeo reads Docker media types from a "dir:" but, in Debian 12, not by name from an "oci:" layout.
mkdir "$work/dir"
for blob in "$layout"/blobs/sha256/*; do
    cp "$blob" "$work/dir/"
    ln "$work/dir/${blob##*/}" "$work/dir/${blob##*/}.manifest.json"
done
echo 'Directory Transport Version: 1.1' >"$work/dir/version"

start_registry REGISTRY "$out/registry"
jq -r '.manifests[] | [.digest, .annotations[]] | @tsv' "$layout/index.json" |
    while read -r digest ref; do
        cp "$layout/blobs/sha256/${digest#sha256:}" "$work/dir/manifest.json"
        skopeo copy -q --insecure-policy --all --preserve-digests --dest-tls-verify=false \
            "dir:$work/dir" "docker://$REGISTRY/$ref" || fail "skopeo cannot push $ref"
        echo "$ref" >>"$out/refs"
    done
touch "$out/done"
