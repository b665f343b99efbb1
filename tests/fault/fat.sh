#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "FAT32: a file that it has no place for is refused before the first byte, and volumes are written"

stick=$T/stick
mkdir "$stick"
[ "$(id -u)" -eq 0 ] || skip "this needs root"
command -v mkfs.vfat >/dev/null || skip "mkfs.vfat (dosfstools) is not here"
truncate -s 5G "$T/stick.img"
mkfs.vfat -F 32 "$T/stick.img" >"$T/mkfs.log"
mount_at "$stick" -o loop "$T/stick.img" 2>"$T/mount.log" || skip "FAT cannot be mounted here: $(head -n 1 "$T/mount.log")"

store_image SRC app/cut 1 5 25 9
# A layer of 4 GiB, of which nobody will ask for a byte.
huge=$(printf 'ab%062d' 0)
blobs=$T/SRC.storage/docker/registry/v2
mkdir -p "$blobs/blobs/sha256/ab/$huge" "$blobs/repositories/app/cut/_layers/sha256/$huge"
truncate -s 4G "$blobs/blobs/sha256/ab/$huge/data"
printf 'sha256:%s' "$huge" >"$blobs/repositories/app/cut/_layers/sha256/$huge/link"
jq -c --arg d "sha256:$huge" \
    '.layers += [{mediaType: .layers[0].mediaType, digest: $d, size: 4294967296}]' \
    "$T/manifest.1" >"$T/manifest.huge"
start_registry SRC
start_registry DST
put_image "$SRC" app/cut 1
put_image "$SRC" app/cut huge

step "more than 4 GiB - 1 in one file"
run 1 ociferry-export -q -o "$stick/v.tar" "$SRC/app/cut:huge"
one_line
says "v.tar: a file of 4.0 GiB, .*FAT.* permits 4.0 GiB: --volume-size 4095M"
equal "what is on the stick" "" "$(ls "$stick")"
run 1 ociferry-export -q -o "$stick/v.tar" --volume-size 4G "$SRC/app/cut:huge"
says "--volume-size 4095M"
run 0 ociferry-export -q --dry-run -o "$stick/v.tar" --volume-size 4095M "$SRC/app/cut:huge"
prints "in 2 volumes"

step "volumes on it"
run 0 ociferry-export -q -o "$stick/v.tar" --volume-size 7M "$SRC/app/cut:1"
run 1 ociferry-export -q -o "$stick/v.tar" --volume-size 7M "$SRC/app/cut:1"
says "v.tar.sha256: exists already"
run 0 ociferry-export -q --force -o "$stick/v.tar" --volume-size 9M "$SRC/app/cut:1"
run 0 env -C "$stick" sha256sum -c v.tar.sha256
run 0 ociferry-verify -q "$stick/v.tar.001"
run 0 ociferry-import -q "$stick/v.tar.001" "$DST"
same_images "$SRC" "$DST" app/cut:1
