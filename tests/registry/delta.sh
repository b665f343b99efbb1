#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "a delta has what is new, says what it leaves to its base, and is imported where that is"

OCI=application/vnd.oci.image
declare -A D # layer -> digest

noise() { # SEED KIB
    head -c $(($2 * 1024)) /dev/zero |
        openssl enc -aes-128-ctr -nosalt -K "$(printf %s "$1" | md5sum | cut -c1-32)" \
            -iv 00000000000000000000000000000000
}

# image REPO TAG LAYER:KIB...: a layer is the same wherever it has the same name.
image() {
    local repo=$1 tag=$2 layer layers=() diffs=() config
    shift 2
    for layer; do
        noise "${layer%:*}" "${layer#*:}" >"$T/layer"
        push_blob "$SRC" "$repo" "$T/layer"
        D[${layer%:*}]=$DIGEST
        diffs+=("$DIGEST")
        layers+=("$(jq -c --arg t $OCI.layer.v1.tar '. + {mediaType: $t}' <<<"$DESC")")
    done
    jq -cn --arg tag "$tag" '{architecture: "amd64", os: "linux", created: "2026-0\($tag)-01T00:00:00Z",
        rootfs: {type: "layers", diff_ids: $ARGS.positional}}' --args "${diffs[@]}" >"$T/config"
    push_blob "$SRC" "$repo" "$T/config"
    config=$(jq -c --arg t $OCI.config.v1+json '. + {mediaType: $t}' <<<"$DESC")
    printf '%s\n' "${layers[@]}" | jq -n --arg t $OCI.manifest.v1+json --argjson c "$config" \
        '{schemaVersion: 2, mediaType: $t, config: $c, layers: [inputs]}' >"$T/manifest"
    push_manifest "$SRC" "$repo" "$tag" "$T/manifest"
}

note() { tar -xOf "$1" index.json | jq -r --arg k "io.ociferry.archive.$2" '.annotations[$k] // ""'; }
index_digest() { echo "sha256:$(tar -xOf "$1" index.json | sha256sum | cut -d' ' -f1)"; }
has() { # ARCHIVE LAYER...
    local archive=$1 layer
    shift
    for layer; do
        tar -tf "$archive" | grep -x "blobs/sha256/${D[$layer]#sha256:}" >/dev/null || fail "$archive lacks $layer"
    done
}
lacks() {
    local archive=$1 layer
    shift
    for layer; do
        ! tar -tf "$archive" | grep -x "blobs/sha256/${D[$layer]#sha256:}" >/dev/null || fail "$archive has $layer"
    done
}
uploads='^(PUT|PATCH) .*/blobs/uploads/'

# Three months of an image set.
start_registry SRC
image app/base 1 os1:2000 lib1:500
image app/web 1 os1:2000 lib1:500 web1:300
image app/db 1 db1:1500
image app/base 2 os1:2000 lib2:500
image app/web 2 os1:2000 lib2:500 web2:300
image app/db 2 db1:1500 conf2:50
image app/new 2 os1:2000 lib2:500 new2:200
image app/web 3 os1:2000 lib2:500 web3:300
image app/db 3 db1:1500 conf3:50
image app/new 3 os1:2000 lib3:500 new3:200
mapfile -t FIRST < <(at "$SRC" app/base:1 app/web:1 app/db:1)
mapfile -t SECOND < <(at "$SRC" app/base:2 app/web:2 app/db:2 app/new:2)
mapfile -t THIRD < <(at "$SRC" app/web:3 app/db:3 app/new:3)
ONE=(app/base:1 app/web:1 app/db:1)
TWO=(app/base:2 app/web:2 app/db:2 app/new:2)
THREE=(app/web:3 app/db:3 app/new:3)

# --- export -----------------------------------------------------------------------------------------

step "the first month, in full, and what a later one needs to know of it"
run 0 ociferry-export -o "$T/1.tar" --save-base "$T/1.base" "${FIRST[@]}"
equal "what it leaves to others" "" "$(note "$T/1.tar" base)$(note "$T/1.tar" in-base)"
absent "$T/1.base.partial"
equal "what a saved base has" "blobs index.json oci-layout" "$(find "$T/1.base" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | paste -sd' ')"
equal "documents in it" 3 "$(find "$T/1.base/blobs" -type f | wc -l)"
same_file "index.json" "$T/1.base/index.json" <(tar -xOf "$T/1.tar" index.json)

# [W70] [W71] [W72]
step "the second month: what the base has is not in it, all that is new is"
run 0 ociferry-export -o "$T/2.full.tar" "${SECOND[@]}"
run 0 ociferry-export -o "$T/2.tar" --base "$T/1.tar" --save-base "$T/2.base" "${SECOND[@]}"
says "base $T/1.tar \($(index_digest "$T/1.tar")\): 2 layers, 3.4 MiB, left to it"
lacks "$T/2.tar" os1 db1
has "$T/2.tar" lib2 web2 conf2 new2
equal "blobs that it has not" 2 "$(($(tar -tf "$T/2.full.tar" | grep -c '^blobs/sha256/.') - $(tar -tf "$T/2.tar" | grep -c '^blobs/sha256/.')))"
equal "its base" "$(index_digest "$T/1.tar")" "$(note "$T/2.tar" base)"
equal "what it leaves to it" "$SRC/app/base ${D[os1]} $SRC/app/db ${D[db1]}" "$(note "$T/2.tar" in-base)"
at_most "bytes of the delta" 1200000 "$(file_size "$T/2.tar")"
at_least "bytes of the whole" 4600000 "$(file_size "$T/2.full.tar")"

# [W22]
step "an image that docker could not load from it is not offered to docker"
tar -xOf "$T/2.full.tar" manifest.json >/dev/null || fail "the whole has no manifest.json"
! tar -tf "$T/2.tar" | grep -x manifest.json >/dev/null || fail "the delta has a manifest.json"

# [W9] [W74]
step "the same bytes again; and of the saved base, the folder, and the archive compressed"
mkdir "$T/1.folder"
tar -xf "$T/1.tar" -C "$T/1.folder"
gzip -1 <"$T/1.tar" >"$T/1.tar.gz"
for base in 1.tar 1.base 1.folder 1.tar.gz; do
    run 0 ociferry-export --force -o "$T/again.tar" --base "$T/$base" "${SECOND[@]}"
    same_file "deltas to $base" "$T/2.tar" "$T/again.tar"
done
run 0 ociferry-export --force -o "$T/again.tar" --base - "${SECOND[@]}" <"$T/1.tar"
same_file "deltas to stdin" "$T/2.tar" "$T/again.tar"

step "a dry run says what it would save, and so does JSON"
run 0 ociferry-export --dry-run --json --base "$T/1.tar" --base "$T/1.base" "${SECOND[@]}"
equal "size that was foretold" "$(file_size "$T/2.tar")" "$(jq .archiveBytes "$T/out")"
equal "layers" 2 "$(jq .inBase.count "$T/out")"
equal "bytes" $((3500 * 1024)) "$(jq .inBase.bytes "$T/out")"
equal "bases" "1 $(index_digest "$T/1.tar") $T/1.tar 2" "$(jq -r '"\(.bases | length) \(.bases[0] | "\(.digest) \(.archive) \(.layers)")"' "$T/out")"
cp "$T/1.tar" "$T/"$'\xff.tar'
run 0 ociferry-export --json -o "$T/"$'\xfe.tar' --base "$T/"$'\xff.tar' "${SECOND[@]}"
equal "names that are no text" "$T/?.tar $T/?.tar" "$(jq -r '"\(.archive) \(.bases[0].archive)"' "$T/out")"
run 0 ociferry-export --dry-run --base "$T/1.tar" "${SECOND[@]}"
prints "in a base ${D[os1]}  2048000 bytes"
prints "images: 4, blobs: 12, "

step "to a pipe as well"
ociferry-export -q -o - --base "$T/1.tar" --save-base "$T/piped.base" "${SECOND[@]}" >"$T/piped.tar"
same_file "delta from a pipe" "$T/2.tar" "$T/piped.tar"
diff -r "$T/2.base" "$T/piped.base" || fail "saved bases differ"

step "a delta to a delta, and to what is saved of one"
run 0 ociferry-export -o "$T/3.tar" --base "$T/2.tar" "${THIRD[@]}"
lacks "$T/3.tar" os1 lib2 db1
has "$T/3.tar" web3 conf3 lib3 new3
equal "its base" "$(index_digest "$T/2.tar")" "$(note "$T/3.tar" base)"
run 0 ociferry-export -o "$T/3.saved.tar" --base "$T/2.base" "${THIRD[@]}"
same_file "deltas to a delta" "$T/3.tar" "$T/3.saved.tar"
run 0 ociferry-export -o "$T/3.both.tar" --base "$T/2.tar" --base "$T/1.tar" "${THIRD[@]}"
says "warning: base $T/1.tar .*: nothing could be left to it"
equal "its bases" "$(printf '%s\n' "$(index_digest "$T/1.tar")" "$(index_digest "$T/2.tar")" | sort | paste -sd' ')" \
    "$(note "$T/3.both.tar" base)"

# [W73]
step "what can be no base: what is damaged, what is another tool's, what would be replaced"
cp "$T/1.tar" "$T/flipped.tar"
manifest=$(raw "$SRC" app/web 1 | sha256sum | cut -d' ' -f1)
flip "$T/flipped.tar" $(($(entry_offset "$T/flipped.tar" "blobs/sha256/$manifest") + 10))
run 3 ociferry-export -o "$T/no.tar" --base "$T/flipped.tar" "${SECOND[@]}"
says "--base: $T/flipped.tar: .*$manifest|--base $T/flipped.tar: .*$manifest"
head -c 3000000 "$T/1.tar" >"$T/cut.tar"
run 3 ociferry-export -o "$T/no.tar" --base "$T/cut.tar" "${SECOND[@]}"
run 0 skopeo copy -q --insecure-policy --src-tls-verify=false "docker://$SRC/app/web:1" "oci-archive:$T/skopeo.tar:1"
run 2 ociferry-export -o "$T/no.tar" --base "$T/skopeo.tar" "${SECOND[@]}"
says "another tool's image layout"
run 1 ociferry-export -o "$T/no.tar" --base "$T/none.tar" "${SECOND[@]}"
absent "$T/no.tar"
absent "$T/no.tar.partial"
cp "$T/1.tar" "$T/self.tar"
run 2 ociferry-export --force -o "$T/self.tar" --base "$T/self.tar" "${SECOND[@]}"
same_file "the base" "$T/1.tar" "$T/self.tar"

# [W72]
step "what a base lacks by now is not left to it"
rm "$T/1.folder/blobs/sha256/${D[os1]#sha256:}"
run 0 ociferry-export -o "$T/2.more.tar" --base "$T/1.folder" "${SECOND[@]}"
says "warning: --base $T/1.folder: is not complete: 1 of its blobs"
has "$T/2.more.tar" os1
lacks "$T/2.more.tar" db1

step "what is saved replaces nothing"
run 1 ociferry-export -o "$T/no.tar" --save-base "$T/1.base" "${FIRST[@]}"
says "$T/1.base: exists already"
absent "$T/no.tar"
run 1 ociferry-export -o "$T/no.tar" --save-base "$T/none/base" "${FIRST[@]}"
absent "$T/no.tar"

step "an export that broke off goes on with the same base, and begins afresh with another"
size=$(file_size "$T/2.tar")
head -c $((size / 2)) "$T/2.tar" >"$T/on.tar.partial"
run 0 ociferry-export -o "$T/on.tar" --base "$T/1.base" "${SECOND[@]}"
says "going on with what an earlier export left"
same_file "the delta" "$T/2.tar" "$T/on.tar"
head -c $((size / 2)) "$T/2.tar" >"$T/afresh.tar.partial"
run 0 ociferry-export -o "$T/afresh.tar" "${SECOND[@]}"
says "--base is not what it was then"
says "starting afresh"
same_file "the whole" "$T/2.full.tar" "$T/afresh.tar"

# --- verify -----------------------------------------------------------------------------------------

# [R81]
step "a delta is whole together with its base, and nobody can take it for more"
run 0 ociferry-verify --list "$T/2.tar"
prints "^$T/2.tar: DELTA, whole together with its base: 4 images, .*; 2 layers, 3.4 MiB, are not in it but left to its base $(index_digest "$T/1.tar")$"
prints "app/db:2 .*  \(left to a base: 1 layer, 1.5 MiB\)"
run 0 ociferry-verify --quick "$T/2.tar"
prints "DELTA, complete together with its base \(bytes not checked\)"
run 0 ociferry-verify --deep - <"$T/2.tar"
prints "DELTA, whole together"
run 0 ociferry-verify --json "$T/3.both.tar"
equal "bases" 2 "$(jq '.bases | length' "$T/out")"
run 0 ociferry-verify --json "$T/2.tar"
equal "what it leaves" "true 2 $((3500 * 1024)) 1" "$(jq -r '"\(.whole) \(.inBase.count) \(.inBase.bytes) \(.images[2].inBase.count)"' "$T/out")"
equal "manifests left out" 0 "$(jq .manifestsLeftOut "$T/out")"
run 0 ociferry-verify "$T/1.tar"
prints "1.tar: whole: 3 images"

step "so say the table, each image, and the page"
run 0 ociferry-verify --json "$T/2.tar"
equal "images that are whole" true "$(jq 'all(.images[]; .whole)' "$T/out")"
equal "bytes of each image" true "$(jq '.images | all(.bytes ==
    .ownBytes + .sharedBytes + .inBase.bytes + .leftOutBytes + .faultyBytes)' "$T/out")"
run 0 ociferry-verify --list --html "$T/2.html" "$T/2.tar"
! grep -q DAMAGED "$T/out" || fail "the table calls an image damaged"
python3 "$SUPPORT/page_check.py" "$T/2.html" >"$T/seen" || fail "the page is not sound"
for text in "Delta, whole together with its base" "2 layers of 3.4 MiB are not here" \
    "$(index_digest "$T/1.tar")" "${D[os1]}" "$SRC/app/db"; do
    grep -qF -- "$text" "$T/seen" || fail "the page does not show: $text"
done

step "what is missing beside that is a fault"
mkdir "$T/2.folder"
tar -xf "$T/2.tar" -C "$T/2.folder"
rm "$T/2.folder/blobs/sha256/${D[web2]#sha256:}"
run 3 ociferry-verify "$T/2.folder"
prints "NOT WHOLE: .*, 1 fault; 2 layers"
says "${D[web2]}: is missing \(damages $SRC/app/web:2\)"
says_not "${D[os1]}"

# [R82]
step "what is left to a base and there all the same is good"
cp "$T/1.folder/blobs/sha256/${D[db1]#sha256:}" "$T/2.folder/blobs/sha256/"
run 3 ociferry-verify "$T/2.folder"
prints "; 1 layer, 2.0 MiB, is not in it"
says_not "${D[db1]}"

# [G11] [R80]
step "nothing but layers can be left, and only as it is written"
config=$(raw "$SRC" app/web 2 | jq -r .config.digest)
change() { # FILTER
    rm -rf "$T/changed"
    mkdir "$T/changed"
    tar -xf "$T/2.tar" -C "$T/changed"
    jq -c --arg base io.ociferry.archive.base --arg in io.ociferry.archive.in-base --arg config "$config" \
        ".annotations |= ($1)" "$T/changed/index.json" >"$T/index.json"
    mv "$T/index.json" "$T/changed/index.json"
    run 3 ociferry-verify "$T/changed"
}
# shellcheck disable=SC2016
change '.[$in] = "q.io/a \($config)"'
says "$config is left to a base, and is no layer"
# shellcheck disable=SC2016
change 'del(.[$base])'
says "index.json: io.ociferry.archive.in-base: .*names none"

step "of a saved base it is said what it is for"
run 3 ociferry-verify "$T/1.base"
prints "NOT WHOLE: .*; documents alone: of use to ociferry-export --base"

# --- import -----------------------------------------------------------------------------------------

# [R83]
step "where the base was imported the delta is, and the next one: no byte goes over twice"
start_registry STORE
start_proxy DST "$STORE"
run 0 ociferry-import "$T/1.tar" "$DST"
: >"$T/DST.log"
run 0 ociferry-import --json "$T/2.tar" "$DST"
same_images "$SRC" "$STORE" "${ONE[@]}" "${TWO[@]}"
at_most "bytes uploaded" $((1060 * 1024)) "$(log_sum DST "$uploads" req)"
equal "what became of the layer in a new repository" mounted \
    "$(jq -r --arg d "${D[os1]}" '.blobs[] | select(.digest == $d and .repository == "app/new").result' "$T/out")"
: >"$T/DST.log"
run 0 ociferry-import - "$DST" <"$T/3.tar"
same_images "$SRC" "$STORE" "${ONE[@]}" "${TWO[@]}" "${THREE[@]}"
at_most "bytes uploaded" $((1060 * 1024)) "$(log_sum DST "$uploads" req)"

step "from a pipe into a new repository as well"
start_registry OTHER
run 0 ociferry-import "$T/1.tar" "$OTHER"
run 0 ociferry-import - "$OTHER" <"$T/2.tar"
same_images "$SRC" "$OTHER" "${TWO[@]}"

# [R84]
step "where nothing of the base is nothing is uploaded or published, and all that is missing is said"
start_registry VOID
start_proxy EMPTY "$VOID"
for archive in "$T/2.tar" -; do
    : >"$T/EMPTY.log"
    run 1 ociferry-import --report "$T/report.json" "$archive" "$EMPTY" <"$T/2.tar"
    for name in base:2 web:2 new:2; do
        says "error: $SRC/app/$name: lacks layer ${D[os1]}, 2.0 MiB, of $SRC/app/base in the base"
        says "error: $SRC/app/$name: 1 layer, 2.0 MiB, left to a base and not found at $EMPTY: import the base first.*$(index_digest "$T/1.tar")"
    done
    says "error: $SRC/app/db:2: lacks layer ${D[db1]}"
    equal "requests but HEAD and GET" 0 "$(log_count EMPTY '^(POST|PUT|PATCH|DELETE) ')"
    no_image "$VOID" app/web 2
    equal "images that failed" "failed failed failed failed" "$(jq -r '[.images[].result] | join(" ")' "$T/report.json")"
    equal "missing" 2 "$(jq '[.blobs[] | select(.result == "failed").digest] | unique | length' "$T/report.json")"
    equal "what need not go" true "$(jq 'any(.blobs[]; .result == "needless")' "$T/report.json")"
done
run 1 ociferry-import --dry-run "$T/2.tar" "$EMPTY"
says "error: $SRC/app/db:2: lacks layer ${D[db1]}"
says "would bring 0 images; blobs: 0 to upload or mount"

step "where a part of it is, the others go on"
run 0 ociferry-import --image '*/db:1' "$T/1.tar" "$VOID"
: >"$T/EMPTY.log"
run 6 ociferry-import --dry-run "$T/2.tar" "$EMPTY"
run 6 ociferry-import "$T/2.tar" "$EMPTY"
same_images "$SRC" "$VOID" app/db:2
no_image "$VOID" app/web 2
no_image "$VOID" app/new 2
at_most "bytes uploaded, of this image alone" $((52 * 1024)) "$(log_sum EMPTY "$uploads" req)"

step "another repository of this import has it: the one of the base is not needed"
run 0 ociferry-import --image '*/web:1' "$T/1.tar" "$VOID"
run 0 ociferry-import "$T/2.tar" "$VOID"
same_images "$SRC" "$VOID" "${TWO[@]}"

step "the base's repository is where the same rules lead it"
for rules in "--keep-registry $T/2.tar DST/a" "--max-depth 1 $T/2.tar DST" "--map $SRC/app=x/y $T/2.tar DST/b"; do
    start_registry MAPPED
    mapfile -t words <<<"${rules// /$'\n'}"
    words[-1]=${words[-1]/DST/$MAPPED}
    words[-2]=$T/1.tar
    run 0 ociferry-import --image '*/base:1' "${words[@]}"
    words[-2]=$T/2.tar
    run 0 ociferry-import --json --image '*/new:2' "${words[@]}"
    equal "with ${words[*]}" mounted "$(jq -r --arg d "${D[os1]}" '.blobs[] | select(.digest == $d).result' "$T/out")"
    stop_last
    rm -r "$T/MAPPED.storage"
done
start_registry MAPPED
printf '%s\n' "$SRC/app/base:1=far/away:one" >"$T/first"
printf '%s\n' "$SRC/app/base:2=far/away:two" "$SRC/app/new:2=new/place:two" >"$T/second"
run 0 ociferry-import -f "$T/first" "$T/1.tar" "$MAPPED"
run 0 ociferry-import -f "$T/second" --json --image '*/new:2' "$T/2.tar" "$MAPPED"
equal "with -f" mounted "$(jq -r --arg d "${D[os1]}" '.blobs[] | select(.digest == $d).result' "$T/out")"

step "a repository that may not be looked at cannot help, and is no failure of its own"
start_proxy SHY "$STORE" --status "HEAD app/base/blobs 403"
run 1 ociferry-import --map "$SRC/app/new=fresh" --image '*/new:2' "$T/2.tar" "$SHY"
at_least "refusals" 1 "$(log_count SHY '^HEAD .* status=403')"
says "error: $SRC/app/new:2: lacks layer ${D[os1]}"
says_not 403
run 0 ociferry-import --map "$SRC/app/new=fresh" --image '*/new:2' "$T/2.tar" "$STORE"

step "a registry that grants no mounts has it read back and uploaded"
for archive in "$T/2.tar" -; do
    start_registry PLAIN
    start_proxy NOMOUNT "$PLAIN" --status "POST mount=sha256 404"
    run 0 ociferry-import "$T/1.tar" "$PLAIN"
    run 0 ociferry-import --image '*/new:2' "$archive" "$NOMOUNT" <"$T/2.tar"
    same_images "$SRC" "$PLAIN" app/new:2
    equal "layers read back" 1 "$(log_count NOMOUNT "^GET .*/app/base/blobs/${D[os1]}")"
    equal "uploads that were begun and left" 0 "$(find "$T/PLAIN.storage" -path '*_uploads*' -name data | wc -l)"
    stop_last
    stop_last
    rm -r "$T/PLAIN.storage"
done
