#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "a manifest.json that says something else than index.json is a fault: docker load would go by it"

start_source SRC
run 0 ociferry-export -o "$T/a.tar" "$SRC/app/base:1" "$SRC/app/multi:1" "$SRC/app/docker:1"
mkdir "$T/layout"
tar -xf "$T/a.tar" -C "$T/layout"
cp "$T/layout/manifest.json" "$T/right.json"

# with FILTER: the archive with a manifest.json that this makes of the right one, $T/b.tar.
with() {
    jq -c "$1" "$T/right.json" >"$T/layout/manifest.json"
    (cd "$T/layout" && tar -cf "$T/b.tar" oci-layout index.json manifest.json blobs)
}

with .
run 0 ociferry-verify "$T/b.tar"

# [R27]
step "a tag that stands for another image of the archive, from a file, from a pipe, compressed, as a folder"
with '.[0].RepoTags = .[2].RepoTags'
run 3 ociferry-verify "$T/b.tar"
says "manifest.json: $SRC/app/docker:1 .*load something else"
run 3 bash -c "cat '$T/b.tar' | ociferry-verify -"
says "manifest.json: $SRC/app/docker:1"
gzip -k "$T/b.tar"
run 3 ociferry-verify --quick "$T/b.tar.gz"
says "manifest.json: $SRC/app/docker:1"
run 3 ociferry-verify --json "$T/layout"
equal "faults" 1 "$(jq '.faults | length' "$T/out")"

step "a config or layer that the image has not, whether it is in the archive or not"
echo '{"os": "linux"}' >"$T/evil"
evil=$(sha256sum "$T/evil" | cut -d' ' -f1)
cp "$T/evil" "$T/layout/blobs/sha256/$evil"
with ".[1].Config = \"blobs/sha256/$evil\""
run 3 ociferry-verify "$T/b.tar"
says "manifest.json: $SRC/app/multi:1 "
prints "1 entry that no image refers to, 1 fault"
with ".[1].Layers[0] = \"blobs/sha256/${evil//[a-f]/0}\""
run 3 ociferry-verify "$T/b.tar"
says "manifest.json: $SRC/app/multi:1 "

step "a name that index.json has not, no name, and what is no list at all"
with '.[1].RepoTags = ["docker.io/library/debian:12"]'
run 3 ociferry-verify "$T/b.tar"
says "manifest.json: docker.io/library/debian:12 is a name that index.json has not"
with 'del(.[1].RepoTags)'
run 3 ociferry-verify "$T/b.tar"
with '{}'
run 3 ociferry-verify "$T/b.tar"
head -c 1100000 /dev/zero | tr '\0' ' ' >"$T/blank"
cat "$T/blank" >>"$T/layout/manifest.json"
(cd "$T/layout" && tar -cf "$T/b.tar" oci-layout index.json manifest.json blobs)
run 3 ociferry-verify "$T/b.tar"
says "manifest.json: .*limit 1048576"
run 3 bash -c "cat '$T/b.tar' | ociferry-verify -"
says "manifest.json: .*limit 1048576"

step "in another tool's archive, names and files that the layout has not say nothing; a contradiction does"
jq -c 'del(.annotations)' "$T/layout/index.json" >"$T/index" && mv "$T/index" "$T/layout/index.json"
with '.[1].RepoTags = ["debian:12"] | .[2].Config = "0123.json"'
run 0 ociferry-verify "$T/b.tar"
with '.[0].RepoTags = .[2].RepoTags'
run 3 ociferry-verify "$T/b.tar"
says "manifest.json: $SRC/app/docker:1 .*load something else"

# [R13]
step "import goes by index.json alone"
start_registry DST
run 0 ociferry-import "$T/b.tar" "$DST"
same_images "$SRC" "$DST" app/base:1 app/multi:1 app/docker:1
