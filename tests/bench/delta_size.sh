#!/bin/bash
# What a delta saves with real content: a Debian release as four images, and the same a point release
# of security updates later. Not run by CI; needs root, Debian's mirror, mmdebstrap, umoci, skopeo and
# docker-registry, and about 3 GiB.
#
#   tests/bench/delta_size.sh [DIR]
#
# First month: debian, and python, nginx and postgres with their packages in a layer on it, from the
# release alone. Second month, in two ways:
#   upgraded   all four with the updates in a layer on top (FROM image:1, apt-get upgrade)
#   rebuilt    debian and python built anew from the updated release; the other two as they were
#
# DIR (default /var/tmp/ferry-delta) keeps the images between runs. Printed are the archives in full,
# the deltas and the saved base, and what an import of each sends; and all digests are compared, of the base
# and then the delta, and of both at once.
set -euo pipefail
dir=${1:-/var/tmp/ferry-delta}
mkdir -p "$dir"
export TMPDIR=$dir
FERRY_BUILD=${FERRY_BUILD:-$(cd "$(dirname "$0")/../.." && pwd)/build/release}
. "$(dirname "$0")/../support/lib.sh" || exit
mirror=${MIRROR:-http://deb.debian.org}
release="deb $mirror/debian bookworm main"
updates="deb $mirror/debian-security bookworm-security main"
layout=$dir/layout

# change IMAGE NEW COMMAND...: runs it in the root file system of IMAGE; what changes is a layer of NEW.
change() {
    local from=$1 to=$2 bundle=$dir/bundle
    shift 2
    rm -rf "$bundle"
    umoci unpack --image "$layout:$from" "$bundle"
    cp /etc/resolv.conf "$bundle/rootfs/etc/resolv.conf"
    chroot "$bundle/rootfs" env -u TMPDIR DEBIAN_FRONTEND=noninteractive sh -c "$*"
    rm -rf "$bundle"/rootfs/var/lib/apt/lists/* "$bundle"/rootfs/var/cache/apt/*.bin
    umoci repack --image "$layout:$to" "$bundle"
    rm -rf "$bundle"
}

# base IMAGE SOURCE...: a minimal Debian as one layer.
base() {
    local image=$1
    shift
    printf '%s\n' "$@" | mmdebstrap --variant=minbase --quiet bookworm "$dir/root.tar" -
    umoci new --image "$layout:$image"
    umoci raw add-layer --image "$layout:$image" "$dir/root.tar"
    rm "$dir/root.tar"
}

install="apt-get -qq update && apt-get -qq install --no-install-recommends"
upgrade="echo '$updates' >>/etc/apt/sources.list && apt-get -qq update && apt-get -qq upgrade"
if [ ! -e "$dir/done" ]; then
    rm -rf "$layout"
    umoci init --layout "$layout"
    base debian-1 "$release"
    change debian-1 python-1 "$install -y python3 python3-venv"
    change debian-1 nginx-1 "$install -y nginx"
    change debian-1 postgres-1 "$install -y postgresql"
    for name in debian python nginx postgres; do
        change $name-1 $name-2 "$upgrade -y"
    done
    base debian-2r "$release" "$updates"
    change debian-2r python-2r "$install -y python3 python3-venv"
    touch "$dir/done"
fi >"$dir/log" 2>&1

start_registry SRC "$dir/registry"
push() { # IMAGE REPO:TAG
    skopeo copy -q --insecure-policy --dest-tls-verify=false "oci:$layout:$1" "docker://$SRC/$2"
}
for name in debian python nginx postgres; do
    push $name-1 $name:1
    push $name-2 $name:upgraded
    push $name-1 $name:rebuilt
done
push debian-2r debian:rebuilt
push python-2r python:rebuilt

of() { at "$SRC" debian:"$1" python:"$1" nginx:"$1" postgres:"$1"; }
size() { awk -v what="$1" -v bytes="$2" 'BEGIN { printf "%-32s %10.1f KiB\n", what, bytes / 1024 }'; }
# shellcheck disable=SC2046
ociferry-export -q --force -o "$T/1.tar" --save-base "$T/1.base" $(of 1)
size "first month" "$(file_size "$T/1.tar")"
size "what --save-base keeps" "$(du -sb "$T/1.base" | cut -f1)"
for month in upgraded rebuilt; do
    # shellcheck disable=SC2046
    ociferry-export -q -o "$T/$month.full.tar" $(of $month)
    # shellcheck disable=SC2046
    ociferry-export -q -o "$T/$month.tar" --base "$T/1.base" $(of $month)
    size "second month, $month, in full" "$(file_size "$T/$month.full.tar")"
    size "second month, $month, delta" "$(file_size "$T/$month.tar")"
    ociferry-verify "$T/$month.tar" | sed "s|$T/||"
    start_registry STORE "$T/store.$month"
    ociferry-import -q "$T/1.tar" "$STORE"
    ociferry-import --json -q "$T/$month.tar" "$STORE" >"$T/json"
    same_images "$SRC" "$STORE" {debian,python,nginx,postgres}:$month
    size "  of which were uploaded" "$(jq .totals.uploaded.bytes "$T/json")"
    start_registry BOTH "$T/both.$month"
    ociferry-import -q "$T/1.tar" "$T/$month.tar" "$BOTH"
    same_images "$SRC" "$BOTH" {debian,python,nginx,postgres}:{1,$month}
    start_registry NONE "$T/none.$month"
    if ociferry-import -q "$T/$month.tar" "$NONE" 2>"$T/err"; then
        fail "a delta without its base was imported into an empty registry"
    fi
    echo "  the same digests after base and delta, and of both at once; refused without the base"
done
