#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "of two images in an archive one is damaged: the other arrives; wrong bytes outweigh it in the exit status"

start_source SRC
start_registry DST
run 0 ociferry-export -o "$T/a.tar" "$SRC/app/base:1" "$SRC/app/docker:1"
layer=$(raw "$SRC" app/docker 1 | jq -r '.layers[1].digest')
flip "$T/a.tar" $(($(entry_offset "$T/a.tar" "blobs/sha256/${layer#sha256:}") + 30))

# [R17]
step "from a file"
run 3 ociferry-import --report "$T/report.json" "$T/a.tar" "$DST"
says "${layer#sha256:}"
says "app/docker"
same_images "$SRC" "$DST" app/base:1
no_image "$DST" app/docker 1 "$(digest_of "$SRC" app/docker 1)"
jq -e . "$T/report.json" >/dev/null || fail "the report is not JSON"
grep -q "app/docker" "$T/report.json" || fail "the report does not name the image that failed"

step "from a pipe"
run 3 bash -c "cat '$T/a.tar' | ociferry-import - '$DST/pipe'"
same_images "$SRC" "$DST/pipe" app/base:1
no_image "$DST" pipe/app/docker 1

# [R16]
step "a good tag is not replaced by a damaged image"
run 0 ociferry-export -o "$T/web.tar" "$SRC/app/web:1"
run 0 ociferry-import "$T/web.tar" "$DST/kept/app/docker:1"
before=$(digest_of "$DST" kept/app/docker 1)
run 3 ociferry-import "$T/a.tar" "$DST/kept"
equal "the digest of the tag" "$before" "$(digest_of "$DST" kept/app/docker 1)"

step "verify names the damage, and the image"
run 3 ociferry-verify "$T/a.tar"
grep -q "${layer#sha256:}" "$T/out" "$T/err" || fail "verify does not name $layer"
grep -q "app/docker" "$T/out" "$T/err" || fail "verify does not name the image"

# [R18]
step "verify names every fault, not the first"
layer2=$(raw "$SRC" app/base 1 | jq -r '.layers[1].digest')
flip "$T/a.tar" $(($(entry_offset "$T/a.tar" "blobs/sha256/${layer2#sha256:}") + 30))
run 3 ociferry-verify "$T/a.tar"
for digest in "$layer" "$layer2"; do
    grep -q "${digest#sha256:}" "$T/out" "$T/err" || fail "verify does not name $digest"
done
run 3 ociferry-import "$T/a.tar" "$DST/both"
no_image "$DST" both/app/docker 1
no_image "$DST" both/app/base 1

step "one that the registry refuses does not stop the other"
run 0 ociferry-export --force -o "$T/a.tar" "$SRC/app/base:1" "$SRC/app/docker:1"
start_proxy P "$DST" --status "PUT refused/app/docker/manifests 400"
run 6 ociferry-import "$T/a.tar" "$P/refused"
says "app/docker"
same_images "$SRC" "$DST/refused" app/base:1
