#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "archives that are cut, incomplete or hostile are refused with a word on what and where"

start_source SRC
start_registry DST
run 0 ociferry-export -o "$T/good.tar" "$SRC/app/web:1"
size=$(file_size "$T/good.tar")
mkdir "$T/layout"
tar -xf "$T/good.tar" -C "$T/layout"
web=$(digest_of "$SRC" app/web 1)
layer=$(raw "$SRC" app/web 1 | jq -r '.layers[3].digest')

refused() { # ARCHIVE
    run 3 ociferry-verify "$1"
    run 3 ociferry-import "$1" "$DST"
    no_image "$DST" app/web 1 "$web"
    got=0
    RAN="import from a pipe of $1"
    bash -c "cat '$1' | ociferry-import - '$DST'" >"$T/out" 2>"$T/err" || got=$?
    [ "$got" -ne 0 ] || fail "exit status from a pipe: expected not 0"
    no_image "$DST" app/web 1 "$web"
}

# [R10]
step "cut off, in many places"
for at in 0 100 512 1536 5000 $((size / 3)) $((size / 2)) $((size * 9 / 10)); do
    head -c "$at" "$T/good.tar" >"$T/cut.tar"
    refused "$T/cut.tar"
done

step "cut off in a pipe that several read: the first failure is told, and not what comes of it"
run 0 ociferry-export -o "$T/big.tar" "$SRC/app/big:1"
head -c -2000 "$T/big.tar" >"$T/cut.tar"
for i in $(seq 15); do
    run 3 ociferry-import -q - "$DST/again$i" <"$T/cut.tar"
    says "stdin: cut or damaged near byte [0-9]+: Truncated"
    says_not "internal error"
done

step "without its last blob, but with an end"
tar -C "$T/layout" --exclude "${layer#sha256:}" -cf "$T/missing.tar" oci-layout index.json blobs
refused "$T/missing.tar"
run 3 ociferry-verify "$T/missing.tar"
grep -q "${layer#sha256:}" "$T/out" "$T/err" || fail "verify does not name $layer"

step "not an archive at all"
head -c 100000 /dev/urandom >"$T/noise"
refused "$T/noise"
echo hello >"$T/text"
refused "$T/text"
: >"$T/nothing"
refused "$T/nothing"
run 3 ociferry-verify "$T/nothing"
says "nothing: is empty"
for tool in xz bzip2; do
    $tool -c "$T/good.tar" >"$T/packed"
    refused "$T/packed"
    run 3 ociferry-verify - <"$T/packed"
    says "stdin: is compressed with $tool, .*$tool -dc"
done

step "a docker-archive: what to do about it is said, whether layers come first, as links, or not"
skopeo copy -q --insecure-policy --src-tls-verify=false "docker://$SRC/app/web:1" "docker-archive:$T/docker.tar:web:1"
refused "$T/docker.tar"
for from in "$T/docker.tar" -; do
    run 3 ociferry-verify "$from" <"$T/docker.tar"
    says "docker-archive: save it with docker 25 or later .*convert it with skopeo"
done

step "a tar of something else"
tar -C "$ROOT" -cf "$T/else.tar" CMakeLists.txt
refused "$T/else.tar"

# [R11]
step "a layout of another version"
echo '{"imageLayoutVersion":"9.0.0"}' >"$T/layout/oci-layout"
tar -C "$T/layout" -cf "$T/nine.tar" oci-layout index.json blobs
refused "$T/nine.tar"
echo '{"imageLayoutVersion":"1.0.0"}' >"$T/layout/oci-layout"

# [R11]
step "without oci-layout"
tar -C "$T/layout" -cf "$T/without.tar" index.json blobs
refused "$T/without.tar"

# [R7] [R8]
step "a link in place of a blob, and a way out of the folder"
cp -r "$T/layout" "$T/link"
ln -sf /etc/passwd "$T/link/blobs/sha256/${layer#sha256:}"
tar -C "$T/link" -cf "$T/link.tar" oci-layout index.json blobs
refused "$T/link.tar"
refused_folder=$T/link
run 3 ociferry-verify "$refused_folder"
echo evil >"$T/evil"
tar -C "$T/layout" -Pcf "$T/out.tar" oci-layout index.json blobs --transform 's|^.*/evil$|../../evil|' "$T/evil"
run 3 ociferry-verify "$T/out.tar"

step "index.json that is not JSON, or says it twice"
cp -r "$T/layout" "$T/json"
echo '{"schemaVersion":2,"manifests":[' >"$T/json/index.json"
tar -C "$T/json" -cf "$T/json.tar" oci-layout index.json blobs
refused "$T/json.tar"
sed 's/^{/{"manifests":[],/' "$T/layout/index.json" >"$T/json/index.json"
tar -C "$T/json" -cf "$T/twice.tar" oci-layout index.json blobs
refused "$T/twice.tar"

# [D1] [D2]
step "a digest that is a path"
sed "s|sha256:${web#sha256:}|sha256:../../../../etc/passwd|" "$T/layout/index.json" >"$T/json/index.json"
tar -C "$T/json" -cf "$T/path.tar" oci-layout index.json blobs
refused "$T/path.tar"

step "a wrong size in index.json"
sed -E 's/"size": ?([0-9]+)/"size":9999\1/' "$T/layout/index.json" >"$T/json/index.json"
tar -C "$T/json" -cf "$T/size.tar" oci-layout index.json blobs
refused "$T/size.tar"

step "trailing zeros are no harm"
head -c 10240 /dev/zero | cat "$T/good.tar" - >"$T/zeros.tar"
run 0 ociferry-verify "$T/zeros.tar"

# [R23]
step "a second copy of a layer is wrong"
mkdir -p "$T/copy/blobs/sha256"
head -c "$(stat -c %s "$T/layout/blobs/sha256/${layer#sha256:}")" /dev/zero >"$T/copy/blobs/sha256/${layer#sha256:}"
cp "$T/good.tar" "$T/twice.tar"
tar -C "$T/copy" -rf "$T/twice.tar" "blobs/sha256/${layer#sha256:}"
run 3 ociferry-verify "$T/twice.tar"
says "$layer.*damages .*app/web:1"

# [R6]
step "a file of another name does not matter, in whatever letters"
: >"$T/layout/zusätzlich"
tar -C "$T/layout" --format=pax -cf "$T/more.tar" .
run 0 ociferry-verify "$T/more.tar"
prints "1 entry that no image refers to"
