#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
. "$SUPPORT/many.sh" || exit
goal "--platform takes what was asked for; indexes keep their digest, and what is left out is known for it"

start_source SRC
start_registry MADE
start_registry DST

make_many

# has ARCHIVE NAME... / lacks ARCHIVE NAME...: its entries.
has() {
    local name archive=$1
    tar -tf "$archive" >"$T/entries"
    for name in "${@:2}"; do
        grep -qx "blobs/sha256/${D[$name]#sha256:}" "$T/entries" || fail "$archive: no $name"
    done
}
lacks() {
    local name archive=$1
    tar -tf "$archive" >"$T/entries"
    for name in "${@:2}"; do
        ! grep -qx "blobs/sha256/${D[$name]#sha256:}" "$T/entries" || fail "$archive has $name"
    done
}
left_out() { tar -xOf "$1" index.json | jq -r '.annotations["io.ociferry.archive.left-out"] // ""'; }
sorted() {
    local name
    for name in "$@"; do echo "${D[$name]}"; done | sort | paste -sd' '
}

# --- export -----------------------------------------------------------------------------------------

# [W28] [W17]
step "one platform: its image, its attestation, and what has no platform; the index byte by byte"
run 0 ociferry-export --platform linux/amd64 -o "$T/amd64.tar" "$MADE/many:1"
says "5 manifests for other platforms left out \(linux/arm/v5, linux/arm/v7, linux/arm64, windows/amd64\)"
has "$T/amd64.tar" many amd64 att-amd64 unknown bare
lacks "$T/amd64.tar" armv5 armv7 arm64 windows att-armv7
equal "what the archive says" "$(sorted armv5 armv7 arm64 windows att-armv7)" "$(left_out "$T/amd64.tar")"
tar -xOf "$T/amd64.tar" "blobs/sha256/${D[many]#sha256:}" >"$T/index"
same_file "the index" "$T/many.index" "$T/index"

step "every variant, one variant, and the one that goes without saying"
run 0 ociferry-export --platform linux/arm -o "$T/arm.tar" "$MADE/many:1"
has "$T/arm.tar" armv5 armv7 att-armv7
lacks "$T/arm.tar" amd64 arm64 att-amd64
run 0 ociferry-export --platform linux/arm/v7 -o "$T/armv7.tar" "$MADE/many:1"
has "$T/armv7.tar" armv7 att-armv7
lacks "$T/armv7.tar" armv5 arm64
run 0 ociferry-export --platform linux/arm64/v8 -o "$T/arm64.tar" "$MADE/many:1"
has "$T/arm64.tar" arm64
lacks "$T/arm64.tar" armv7

step "two platforms; all of them; an index in an index"
run 0 ociferry-export --platform linux/amd64 --platform windows/amd64 -o "$T/two.tar" "$MADE/many:1"
has "$T/two.tar" amd64 windows att-amd64
lacks "$T/two.tar" arm64
says_not "has nothing"
run 0 ociferry-export --platform linux/amd64 --platform linux/s390x --force -o "$T/two.tar" "$MADE/many:1"
says "warning: .*many:1: has nothing for --platform linux/s390x"
run 0 ociferry-export -o "$T/all.tar" "$MADE/many:1"
has "$T/all.tar" "${!D[@]}"
equal "what the archive says" "" "$(left_out "$T/all.tar")"
run 0 ociferry-export --platform linux/arm64 -o "$T/nested.tar" "$MADE/many:nested"
has "$T/nested.tar" many arm64
lacks "$T/nested.tar" amd64 windows

step "what one image leaves out another may want, whichever comes first"
for refs in "$MADE/many:1 $MADE/many@${D[armv7]}" "$MADE/many@${D[armv7]} $MADE/many:1"; do
    # shellcheck disable=SC2086
    run 0 ociferry-export --force --platform linux/amd64 -o "$T/shared.tar" $refs
    has "$T/shared.tar" amd64 armv7 att-armv7
    equal "what the archive says" "$(sorted armv5 arm64 windows)" "$(left_out "$T/shared.tar")"
    run 0 ociferry-verify "$T/shared.tar"
done

step "an image that is no index is taken as it is"
run 0 ociferry-export --platform linux/amd64 -o "$T/plain.tar" "$MADE/many:plain" "$SRC/app/web:1"
says "warning: .*many:plain: is linux/arm64 only; taken as it is"
says_not "app/web"
equal "what the archive says" "" "$(left_out "$T/plain.tar")"

# [W9]
step "the same bytes again, the size that was foretold, and on from what broke off"
run 0 ociferry-export --platform linux/amd64 --json -o "$T/again.tar" "$MADE/many:1"
same_file "two exports" "$T/amd64.tar" "$T/again.tar"
equal "archiveBytes" "$(file_size "$T/again.tar")" "$(jq .archiveBytes "$T/out")"
equal "manifestsLeftOut" 5 "$(jq .manifestsLeftOut "$T/out")"
equal "platform of what is left out" linux/arm/v5 "$(jq -r '.images[0].leftOut[0].platform' "$T/out")"
rm "$T/again.tar"
head -c $(($(file_size "$T/amd64.tar") / 2)) "$T/amd64.tar" >"$T/again.tar.partial"
run 0 ociferry-export --platform linux/amd64 -o "$T/again.tar" "$MADE/many:1"
says "going on with what an earlier export left"
same_file "two exports" "$T/amd64.tar" "$T/again.tar"

step "a dry run says what would be left out"
run 0 ociferry-export --platform linux/arm --dry-run "$MADE/many:1"
prints "^  left out ${D[amd64]}  linux/amd64$"

# [W21]
step "manifest.json chooses among what is there"
run 0 ociferry-export --platform linux/arm64 -o "$T/docker.tar" "$SRC/app/multi:1"
arm64=$(raw "$SRC" app/multi 1 | jq -r '.manifests[1].digest')
config=$(raw "$SRC" app/multi "$arm64" | jq -r '.config.digest')
equal "config" "blobs/sha256/${config#sha256:}" "$(tar -xOf "$T/docker.tar" manifest.json | jq -r '.[0].Config')"

step "bad input"
run 2 ociferry-export --platform linux -o "$T/bad.tar" "$MADE/many:1"
one_line
says '"linux" is not a platform: expected OS/ARCH'
run 2 ociferry-export --platform linux/amd64,linux/arm64 -o "$T/bad.tar" "$MADE/many:1"
run 2 ociferry-export --platform '' -o "$T/bad.tar" "$MADE/many:1"
run 1 ociferry-export --platform linux/s390x --platform linux/riscv64 -o "$T/bad.tar" "$SRC/app/web:1" "$SRC/app/multi:1"
says "app/multi:1: has nothing for --platform linux/s390x, linux/riscv64: it has linux/amd64, linux/arm64/v8"
absent "$T/bad.tar"
run 6 ociferry-export --keep-going --platform linux/arm64 -o "$T/kept.tar" "$SRC/app/multi:1" "$MADE/many:windows"
says "left out: .*many:windows: has nothing for --platform linux/arm64: it has windows/amd64"
run 0 ociferry-verify "$T/kept.tar"
prints "1 image,"

# --- verify -----------------------------------------------------------------------------------------

# [R26]
step "left out on purpose is no fault, and is counted"
run 0 ociferry-verify --list "$T/amd64.tar"
prints "whole: 1 image, .*, with 5 manifests left out on purpose \(linux/arm/v5, linux/arm/v7, linux/arm64, windows/amd64\)"
prints "linux/amd64 .*\(left out: linux/arm/v5, linux/arm/v7, linux/arm64, windows/amd64\)"
run 0 ociferry-verify --json --deep "$T/amd64.tar"
equal "manifestsLeftOut" 5 "$(jq .manifestsLeftOut "$T/out")"
equal "leftOut" "$(sorted armv5 armv7 arm64 windows att-armv7)" \
    "$(jq -r '.images[0].leftOut[].digest' "$T/out" | sort | paste -sd' ')"
run 0 bash -c "cat '$T/amd64.tar' | ociferry-verify -"

step "what is missing beside that is one, in our archive and in another's"
mkdir "$T/layout"
tar -xf "$T/amd64.tar" -C "$T/layout"
rm "$T/layout/blobs/sha256/${D[amd64]#sha256:}"
tar -cf "$T/missing.tar" -C "$T/layout" .
run 3 ociferry-verify "$T/missing.tar"
says "${D[amd64]}"
says_not "${D[arm64]}"
rm -r "$T/layout"
mkdir "$T/layout"
tar -xf "$T/amd64.tar" -C "$T/layout"
jq 'del(.annotations)' "$T/layout/index.json" >"$T/index.json"
mv "$T/index.json" "$T/layout/index.json"
tar -cf "$T/others.tar" -C "$T/layout" .
run 3 ociferry-verify "$T/others.tar"
says "${D[arm64]}.* is (missing|not in it)"

# --- another tool -------------------------------------------------------------------------------------

step "skopeo takes the platform that is there out of it"
run 0 skopeo copy -q --insecure-policy --override-arch amd64 --override-os linux \
    "oci-archive:$T/amd64.tar:1" "dir:$T/skopeo"
equal "what skopeo took" "${D[amd64]}" "sha256:$(sha256sum "$T/skopeo/manifest.json" | cut -d' ' -f1)"
