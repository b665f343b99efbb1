#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "one flipped bit, wherever it is, is found, named, and never published"

start_source SRC
start_registry DST
run 0 ociferry-export -o "$T/good.tar" "$SRC/app/multi:1"

# One blob of each kind.
index=$(digest_of "$SRC" app/multi 1)
raw "$SRC" app/multi 1 >"$T/index"
child=$(jq -r '.manifests[] | select(.platform.architecture == "arm64").digest' "$T/index")
raw "$SRC" app/multi "$child" >"$T/child"
config=$(jq -r .config.digest "$T/child")
layer=$(jq -r '.layers[0].digest' "$T/child")

# unpublished: nothing of the image was published: neither tag nor index nor the manifest that
# reaches the damage.
unpublished() { no_image "$DST" app/multi 1 "$index" "$child"; }

# [W18] [W25]
at_source() { # KIND DIGEST PATH
    local kind=$1 digest=$2 path=$3
    step "at the source, in the $kind"
    start_proxy BAD "$SRC" --flip "GET $path 40"
    rm -f "$T/bad.tar"
    run 3 ociferry-export --retries 1 -o "$T/bad.tar" "$BAD/app/multi:1"
    says "${digest#sha256:}"
    says "app/multi"
    absent "$T/bad.tar"
    at_least "responses with a flipped bit" 1 "$(log_count BAD fault=flip)"

    step "at the source, in the $kind, on the way through a pipe"
    RAN="export | import"
    ociferry-export --retries 1 -o - "$BAD/app/multi:1" 2>"$T/err" | {
        got=0
        ociferry-import - "$DST" >"$T/out" 2>"$T/err.import" || got=$?
        equal "did the import fail as well" yes "$([ $got -ne 0 ] && echo yes)"
    } && got=0 || got=${PIPESTATUS[0]}
    equal "exit status of the export" 3 "$got"
    unpublished
    stop_last
}
at_source index "$index" /manifests/1
at_source manifest "$child" "/manifests/$child"
at_source config "$config" "/blobs/$config"
at_source layer "$layer" "/blobs/$layer"

# [R14] [R15] [R16]
in_archive() { # KIND DIGEST
    local kind=$1 digest=$2
    start_registry DST "$T/store.$kind" # an empty one: a blob that is there already is not read
    step "in the archive, in the $kind"
    cp "$T/good.tar" "$T/bad.tar"
    flip "$T/bad.tar" $(($(entry_offset "$T/bad.tar" "blobs/sha256/${digest#sha256:}") + 40))
    run 3 ociferry-verify "$T/bad.tar"
    grep -q "${digest#sha256:}" "$T/out" "$T/err" || fail "verify does not name $digest"
    grep -q "app/multi" "$T/out" "$T/err" || fail "verify does not name the image"
    run 3 ociferry-import "$T/bad.tar" "$DST"
    says "${digest#sha256:}"
    says "app/multi"
    unpublished
    step "in a piped archive, in the $kind"
    run 3 bash -c "cat '$T/bad.tar' | ociferry-import - '$DST'"
    says "${digest#sha256:}"
    says "app/multi"
    unpublished
}
in_archive index "$index"
in_archive manifest "$child"
in_archive config "$config"
in_archive layer "$layer"

step "in the head of the archive: a digest in index.json"
cp "$T/good.tar" "$T/bad.tar"
offset=$(tar -xOf "$T/good.tar" index.json | grep -obF "${index#sha256:}" | head -n 1 | cut -d: -f1)
at=$(($(entry_offset "$T/good.tar" index.json) + offset + 5))
# One hexadecimal digit becomes another.
digit=$(od -An -c -j $at -N 1 "$T/good.tar" | tr -d ' ')
printf '%s' "$([ "$digit" = 1 ] && echo 2 || echo 1)" |
    dd of="$T/bad.tar" bs=1 seek=$at conv=notrunc status=none
run 3 ociferry-verify "$T/bad.tar"
run 3 ociferry-import "$T/bad.tar" "$DST"
unpublished

step "the good one still arrives"
run 0 ociferry-import "$T/good.tar" "$DST"
same_images "$SRC" "$DST" app/multi:1
