#!/bin/bash
# The whole trip on one machine: images go from a registry into one archive, the archive is checked
# without any network, and another registry receives them, every digest unchanged.
#
#   examples/roundtrip.sh
#
# On Debian 12. As root it installs what is missing; anybody else is told what that is. Both
# registries are Debian's docker-registry, listen on loopback alone, and are stopped at the end;
# everything that is made is in one temporary folder, which is removed. FERRY_BIN, if set, names the
# folders of programs that are built already, separated by ":".
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\n\033[1m== %s\033[0m\n' "$*" | if [ -t 1 ]; then cat; else sed 's/\x1b\[[0-9]*m//g'; fi; }
show() { printf '$ %s\n' "$*" | sed "s|$work/||g"; "$@"; }

# --- what is needed, and the programs ------------------------------------------------------------

. tests/packages.sh
need_packages "${BUILD_PACKAGES[@]}" "${EXAMPLE_PACKAGES[@]}"

if [ -z "${FERRY_BIN:-}" ]; then
    say "Build"
    cmake --preset release -B build/example -DFERRY_TESTS=OFF >/dev/null
    cmake --build build/example
    FERRY_BIN=$PWD/build/example/export:$PWD/build/example/import:$PWD/build/example/format
fi
PATH=$FERRY_BIN:$PATH

work=$(mktemp -d)
servers=()
finish() {
    [ ${#servers[@]} -eq 0 ] || kill "${servers[@]}" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT

# --- two registries -------------------------------------------------------------------------------

# start_registry NAME: on a port that the kernel chooses; sets NAME to host:port.
start_registry() {
    cat >"$work/$1.yml" <<YAML
version: 0.1
storage: {filesystem: {rootdirectory: $work/$1}}
http: {addr: "127.0.0.1:0", secret: example}
YAML
    docker-registry serve "$work/$1.yml" >"$work/$1.log" 2>&1 &
    servers+=($!)
    until grep -q 'listening on' "$work/$1.log"; do
        kill -0 $! || { cat "$work/$1.log"; exit 1; }
        sleep 0.1
    done
    printf -v "$1" '%s' "$(grep -o 'listening on [0-9.:]*' "$work/$1.log" | cut -d' ' -f3)"
}

say "Two registries"
start_registry SOURCE
start_registry DESTINATION
echo "source: $SOURCE   destination: $DESTINATION"

# --- images: a Debian root file system from what is installed here ---------------------------------

layout=$work/layout
umoci init --layout "$layout"

# layer IMAGE PACKAGE...: the files of installed packages become the next layer of the image.
layer() {
    local image=$1
    shift
    dpkg -L "$@" | sort -u | while read -r file; do
        if [ -f "$file" ] && [ -r "$file" ]; then
            printf '%s\n' "${file#/}"
        fi
    done >"$work/files"
    tar -C / --owner=0 --group=0 --numeric-owner -cf "$work/layer.tar" -T "$work/files"
    umoci raw add-layer --image "$layout:$image" "$work/layer.tar"
}

# push IMAGE REPO:TAG [SKOPEO_OPTION...]
push() {
    local image=$1 to=$2
    shift 2
    skopeo copy -q --insecure-policy --dest-tls-verify=false "$@" "oci:$layout:$image" "docker://$to"
}

put_manifest() { # TYPE FILE REPO TAG
    curl -sSf -X PUT -H "Content-Type: $1" --data-binary "@$2" "http://$SOURCE/v2/$3/manifests/$4"
}

put_blob() { # FILE REPO; prints its digest
    local digest location
    digest=sha256:$(sha256sum "$1" | cut -d' ' -f1)
    location=$(curl -sSf -X POST -D - -o /dev/null "http://$SOURCE/v2/$2/blobs/uploads/" |
        tr -d '\r' | sed -n 's/^[Ll]ocation: //p')
    curl -sSf -X PUT -H 'Content-Type: application/octet-stream' --data-binary "@$1" \
        "$location&digest=$digest"
    echo "$digest"
}

say "Images for the source"
umoci new --image "$layout:base"
layer base base-files base-passwd libc6 libc-bin
layer base bash dash coreutils grep sed findutils tar gzip
layer base perl-base dpkg apt
umoci config --image "$layout:base" --config.cmd /bin/bash
push base "$SOURCE/debian/base:12"

# The same layers and one more; and as Docker's schema 2 instead of OCI.
umoci tag --image "$layout:base" curl
layer curl curl jq ca-certificates
push curl "$SOURCE/debian/curl:1" --format v2s2

# One name for several architectures: an index.
for arch in amd64 arm64 s390x; do
    umoci new --image "$layout:certs-$arch"
    umoci config --image "$layout:certs-$arch" --architecture $arch --os linux
    layer certs-$arch ca-certificates
    push certs-$arch "$SOURCE/debian/certs:$arch"
    skopeo inspect --raw --tls-verify=false "docker://$SOURCE/debian/certs:$arch" >"$work/manifest"
    jq -n --arg arch $arch --arg digest "sha256:$(sha256sum "$work/manifest" | cut -d' ' -f1)" \
        --argjson size "$(stat -c %s "$work/manifest")" \
        '{mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $digest, size: $size,
          platform: {os: "linux", architecture: $arch}}'
done | jq -s '{schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json",
               manifests: .}' >"$work/index"
put_manifest application/vnd.oci.image.index.v1+json "$work/index" debian/certs 1

# No image at all: an artifact with an empty config, as oras makes them.
printf '{}' >"$work/empty"
dpkg-query -W -f '{"name":"${Package}","version":"${Version}"}\n' bash curl | jq -s . >"$work/list"
empty=$(put_blob "$work/empty" debian/packages)
list=$(put_blob "$work/list" debian/packages)
jq -n --arg empty "$empty" --arg list "$list" --argjson size "$(stat -c %s "$work/list")" \
    '{schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json",
      artifactType: "application/vnd.example.packages+json",
      config: {mediaType: "application/vnd.oci.empty.v1+json", digest: $empty, size: 2},
      layers: [{mediaType: "application/json", digest: $list, size: $size}]}' >"$work/artifact"
put_manifest application/vnd.oci.image.manifest.v1+json "$work/artifact" debian/packages 1

refs=(debian/base:12 debian/curl:1 debian/certs:1 debian/packages:1)
printf '%s\n' "${refs[@]}"

# --- the trip ---------------------------------------------------------------------------------------

say "Export: the connected side"
show ociferry-export -o "$work/images.tar" "${refs[@]/#/$SOURCE/}"

say "Verify: in between, without a network"
show ociferry-verify --deep "$work/images.tar"
show ociferry-verify --list "$work/images.tar"

say "Import: the far side"
show ociferry-import "$work/images.tar" "$DESTINATION/mirror"

say "Every digest at the destination is the one at the source"
same=yes
digest_at() {
    skopeo inspect --raw --tls-verify=false "docker://$1" | sha256sum | cut -d' ' -f1
}
for ref in "${refs[@]}"; do
    at_source=$(digest_at "$SOURCE/$ref")
    at_destination=$(digest_at "$DESTINATION/mirror/$ref")
    if [ "$at_source" = "$at_destination" ]; then
        printf '%-20s sha256:%s\n' "$ref" "$at_source"
    else
        printf '%-20s %s became %s\n' "$ref" "$at_source" "$at_destination"
        same=no
    fi
done

say "The same without a file in between"
echo "\$ ociferry-export -q -o - $SOURCE/debian/curl:1 | ociferry-import - $DESTINATION/piped"
ociferry-export -q -o - "$SOURCE/debian/curl:1" | ociferry-import - "$DESTINATION/piped"
[ "$(digest_at "$SOURCE/debian/curl:1")" = "$(digest_at "$DESTINATION/piped/debian/curl:1")" ] || same=no

[ $same = yes ] || { say "Digests differ"; exit 1; }
say "Done: all digests are the same on both sides"
