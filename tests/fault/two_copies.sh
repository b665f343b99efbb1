#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "two damaged copies of an archive heal each other, whatever is damaged and however they are given"

start_source SRC
refs=(app/multi:1 app/big:1 app/docker:1)
mapfile -t names < <(at "$SRC" "${refs[@]}")
run 0 ociferry-export -o "$T/good.tar" "${names[@]}"
size=$(file_size "$T/good.tar")
tar -xOf "$T/good.tar" index.json >"$T/index.json"

# One blob of each kind.
index=$(digest_of "$SRC" app/multi 1)
raw "$SRC" app/multi 1 >"$T/index"
manifest=$(jq -r '.manifests[] | select(.platform.architecture == "arm64").digest' "$T/index")
raw "$SRC" app/multi "$manifest" >"$T/manifest"
config=$(jq -r .config.digest "$T/manifest")
layer=$(jq -r '.layers[0].digest' "$T/manifest")
big=$(raw "$SRC" app/big 1 | jq -r '.layers[0].digest')
kinds=(index manifest config layer big)

# damage TAR DIGEST: one bit of that blob.
damage() { flip "$1" $(($(entry_offset "$1" "blobs/sha256/${2#sha256:}") + 40)); }

# copies KIND_A KIND_B: a.tar and b.tar, each with one flipped bit.
copies() {
    cp "$T/good.tar" "$T/a.tar"
    cp "$T/good.tar" "$T/b.tar"
    damage "$T/a.tar" "${!1}"
    damage "$T/b.tar" "${!2}"
}

# arrived: everything is in the registry DST, bit for bit.
arrived() {
    local ref
    for ref in "${refs[@]}"; do
        raw "$DST" "${ref%:*}" "${ref#*:}" >"$T/arrived"
        equal "digest of $ref" "$(tag_digest "$ref")" "sha256:$(sha256sum <"$T/arrived" | cut -d' ' -f1)"
        complete "$DST" "${ref%:*}" "$T/arrived"
    done
}
tag_digest() { jq -r --arg name "$SRC/$1" '.manifests[] | select(.annotations["io.containerd.image.name"] == $name).digest' "$T/index.json"; }

# fresh: an empty registry DST, in place of the last one.
count=0
fresh() {
    [ $count -eq 0 ] || stop_last
    count=$((count + 1))
    start_registry DST "$T/store.$count"
}

# healed WHO...: the last command named the bad copies of those archives.
healed() { for who in "$@"; do says "$who: [0-9]+ of its blobs could not be used"; done; }

# [R70]
for i in "${!kinds[@]}"; do
    a=${kinds[i]} b=${kinds[(i + 1) % ${#kinds[@]}]}
    copies "$a" "$b"
    step "$a in one copy, $b in the other"
    fresh
    run 3 ociferry-import --image '*/multi:1' --image '*/big:1' "$T/a.tar" "$DST/one"
    says "${!a}"
    [ "$a" = big ] && image=app/big || image=app/multi
    says "$image:1"
    no_image "$DST" "one/$image" 1
    run 0 ociferry-import --report "$T/r.json" "$T/a.tar" "$T/b.tar" "$DST"
    arrived
    healed a.tar
    equal "the bad blob of a.tar in the report" "${!a}" \
        "$(jq -r '.archives[0].unusable[].digest' "$T/r.json" | sort -u)"
    step "the same, one of them from a pipe"
    fresh
    if ((i % 2)); then
        run 0 bash -c "cat '$T/b.tar' | ociferry-import '$T/a.tar' - '$DST'"
    else
        run 0 bash -c "cat '$T/a.tar' | ociferry-import - '$T/b.tar' '$DST'"
    fi
    arrived
done

step "both compressed, both from pipes"
copies layer big
gzip -1 -k "$T/a.tar"
zstd -q "$T/b.tar"
fresh
run 0 ociferry-import "$T/a.tar.gz" "$T/b.tar.zst" "$DST"
arrived
healed a.tar.gz
fresh
run 0 bash -c "ociferry-import <(cat '$T/a.tar') <(cat '$T/b.tar') '$DST'"
arrived
rm "$T/a.tar.gz" "$T/b.tar.zst"

step "as folders, and as a folder with a file"
mkdir "$T/layout"
tar -xf "$T/good.tar" -C "$T/layout"
rm "$T/layout/blobs/sha256/${manifest#sha256:}"
fresh
run 0 ociferry-import "$T/layout" "$T/a.tar" "$DST"
arrived

# [R74]
step "verify names what is wrong with each, and that they are whole together"
run 3 ociferry-verify "$T/a.tar"
run 3 ociferry-verify "$T/b.tar"
run 0 ociferry-verify "$T/a.tar" "$T/b.tar"
says "a.tar: .*$layer.*good in .*b.tar"
says "b.tar: .*$big.*good in .*a.tar"
prints 'a.tar: NOT WHOLE'
prints 'together: whole: 3 images'
run 0 bash -c "cat '$T/a.tar' | ociferry-verify --json - '$T/b.tar'"
equal "where the layer is good" "[1]" "$(jq -c --arg d "$layer" '.copies[] | select(.digest == $d).good' "$T/out")"
equal "where another layer is good" "[0]" "$(jq -c --arg d "$big" '.copies[] | select(.digest == $d).good' "$T/out")"
equal "where the index is good" "[0,1]" "$(jq -c --arg d "$index" '.copies[] | select(.digest == $d).good' "$T/out")"
equal "whole, together and each" "true false false" "$(jq -r '"\(.whole) \(.archives[0].whole) \(.archives[1].whole)"' "$T/out")"
equal "faults that are healed" "true" "$(jq -r '[.faults[].healed] | unique[]' "$T/out")"
run 0 ociferry-verify --deep --list --html "$T/page.html" "$T/a.tar" "$T/b.tar"
prints 'app/big:1'
for text in '<h1>a.tar + b.tar</h1>' '/></svg>Whole</h2>' "$layer.*healed by another archive" '/b.tar: <code>'; do
    grep -q "$text" "$T/page.html" || fail "the page does not have: $text"
done
run 0 ociferry-verify "$T/good.tar" "$T/good.tar"
prints 'together: whole'

step "an archive whose name is how a message begins is named all the same"
mv "$T/layout" "$T/b"
: >"$T/b/blobs/sha256/${layer#sha256:}"
run 0 env -C "$T" ociferry-verify b good.tar
says "b: blob $layer: .*good in .*good.tar"

step "the same blob is bad in both: its image fails, and the others arrive"
copies layer layer
fresh
run 3 ociferry-import "$T/a.tar" "$T/b.tar" "$DST"
says "$layer"
says "app/multi:1"
healed a.tar b.tar
no_image "$DST" app/multi 1 "$index" "$manifest"
same_images "$SRC" "$DST" app/big:1 app/docker:1
run 3 ociferry-verify "$T/a.tar" "$T/b.tar"
says "a.tar: .*$layer.*damages .*app/multi:1"
says "b.tar: .*$layer.*damages .*app/multi:1"
prints 'together: NOT WHOLE'

# index.json is covered by no digest: [R73]
index_at=$(entry_offset "$T/good.tar" index.json)
place_of() { # TEXT: where it stands first in the archive
    echo $((index_at + $(tar -xOf "$T/good.tar" index.json | grep -obF -- "$1" | head -n 1 | cut -d: -f1)))
}
step "index.json, of which one bit makes it none: the other copy explains it"
cp "$T/good.tar" "$T/a.tar"
cp "$T/good.tar" "$T/b.tar"
flip "$T/a.tar" "$index_at"
damage "$T/b.tar" "$layer"
run 3 ociferry-import "$T/a.tar" "$DST/none"
for how in "'$T/a.tar' '$T/b.tar' DEST" "'$T/b.tar' - DEST <'$T/a.tar'"; do
    fresh
    run 0 bash -c "ociferry-import ${how/DEST/$DST}"
    arrived
    says 'is a damaged copy of'
done
run 0 ociferry-verify "$T/a.tar" "$T/b.tar"
says 'a.tar: index.json'
says "b.tar: .*$layer.*good in .*a.tar"

step "index.json, of which one bit makes a digest another one, which nobody has"
cp "$T/good.tar" "$T/a.tar"
at=$(place_of "${index#sha256:}")
printf '%s' "$([ "${index:7:1}" = 1 ] && echo 2 || echo 1)" |
    dd of="$T/a.tar" bs=1 seek="$at" conv=notrunc status=none
fresh
run 0 ociferry-import "$T/a.tar" "$T/b.tar" "$DST"
says 'app/multi:1 is said to be sha256:.*which no archive has'
arrived

step "index.json of which a whole block is lost: nobody knows what it named"
cp "$T/good.tar" "$T/a.tar"
dd if=/dev/zero of="$T/a.tar" bs=512 seek=$((index_at / 512)) count=1 conv=notrunc status=none
fresh
run 6 ociferry-import "$T/a.tar" "$T/b.tar" "$DST"
says 'a.tar: which images it names is unknown'
arrived
run 3 ociferry-verify "$T/a.tar" "$T/b.tar"

step "one copy is cut, the other is damaged before that"
head -c $((size * 8 / 10)) "$T/good.tar" >"$T/a.tar"
cp "$T/good.tar" "$T/b.tar"
damage "$T/b.tar" "$config"
for how in "'$T/a.tar' '$T/b.tar' DEST" "'$T/b.tar' - DEST <'$T/a.tar'" "- '$T/b.tar' DEST <'$T/a.tar'"; do
    fresh
    run 0 bash -c "ociferry-import ${how/DEST/$DST}"
    says '(a.tar|stdin): cut'
    arrived
done
run 0 ociferry-verify "$T/a.tar" "$T/b.tar"
says 'a.tar: .*cut'
prints 'together: whole'
run 3 ociferry-verify "$T/a.tar"

# [R7] [R73] [R74]
step "one with an entry that none may have is refused, whatever is beside it"
cp "$T/good.tar" "$T/link.tar"
ln -s nowhere "$T/nowhere"
tar -C "$T" -rf "$T/link.tar" nowhere
for from in "$T/link.tar" -; do
    run 3 ociferry-verify "$T/good.tar" "$from" <"$T/link.tar"
    says 'entry "nowhere" is a link'
    fresh
    run 6 ociferry-import "$T/good.tar" "$from" "$DST" <"$T/link.tar"
    says 'entry "nowhere" is a link'
    arrived
done

# [R70]
step "one is cut among its documents, where the other has one wrong"
first=$(entry_offset "$T/good.tar" "blobs/sha256/${index#sha256:}")
second=$(entry_offset "$T/good.tar" "blobs/sha256/${manifest#sha256:}")
cp "$T/good.tar" "$T/a.tar"
flip "$T/a.tar" $((first + 10))
for at in $((second - 512)) $((first - 512)); do
    head -c $at "$T/good.tar" >"$T/b.tar"
    got=$([ "$at" -gt "$first" ] && echo 0 || echo 3)
    run "$got" ociferry-verify "$T/a.tar" "$T/b.tar"
    run "$got" bash -c "cat '$T/b.tar' | ociferry-verify '$T/a.tar' -"
    says "stdin: cut at byte $at"
    says_not "INTERNAL"
done
flip "$T/a.tar" $((first + 10))
flip "$T/a.tar" $((second + 10))
head -c $((second - 512)) "$T/good.tar" >"$T/b.tar"
run 3 ociferry-verify "$T/a.tar" "$T/b.tar"

step "what makes no sense in a reply of the registry is no fault of a copy, and no bad archive"
start_proxy NONSENSE "$DST" --redirect 'PUT /blobs/uploads/ 99999'
for how in "'$T/good.tar' DEST" "- DEST <'$T/good.tar'"; do
    run 1 bash -c "ociferry-import --plain-http --report '$T/r.json' ${how/DEST/$NONSENSE/none}"
    says 'cannot be followed'
    equal "bad blobs of the good archive" "[]" "$(jq -c '.archives[0].unusable' "$T/r.json")"
done
stop_last

step "an archive that is none, beside a good one"
echo hello >"$T/none.tar"
run 6 ociferry-import "$T/none.tar" "$T/good.tar" "$DST"
says 'none.tar: is not a tar archive'
run 3 ociferry-verify "$T/none.tar" "$T/good.tar"
run 3 ociferry-import "$T/none.tar" "$T/none.tar" "$DST"
run 1 ociferry-import "$T/good.tar" "$T/nowhere.tar" "$DST"
says 'nowhere.tar: cannot open'

step "different images in each: all of them arrive, with what only one names"
run 0 ociferry-export -o "$T/one.tar" "${names[0]}"
run 0 ociferry-export -o "$T/two.tar" "${names[1]}" "${names[2]}"
fresh
run 0 bash -c "ociferry-import '$T/one.tar' - '$DST' <'$T/two.tar'"
arrived

# [R71]
step "one name for two images: refused before the first request"
start_registry MOV
version() { # NAME: the image NAME:1 is app/moving:1 now; exported to NAME.tar
    run 0 ociferry-import --image "*/$1:1" --map "$SRC/app/$1=app/moving" "$T/good.tar" "$MOV"
    run 0 ociferry-export -o "$T/$1.tar" "$MOV/app/moving:1"
}
version multi
version docker
fresh
start_proxy WATCH "$DST"
for program in ociferry-verify "ociferry-import --plain-http"; do
    # shellcheck disable=SC2086
    run 2 $program "$T/multi.tar" "$T/docker.tar" $([ "$program" = ociferry-verify ] || echo "$WATCH")
    says "app/moving:1 is $index in .*multi.tar and sha256:.* in .*docker.tar"
done
equal "requests" 0 "$(wc -l <"$T/WATCH.log")"

step "one name for two images, where one archive is the base of the other: the newer one"
mkdir "$T/delta"
tar -xf "$T/docker.tar" -C "$T/delta"
base=sha256:$(tar -xOf "$T/multi.tar" index.json | sha256sum | cut -d' ' -f1)
jq -c --arg base "$base" '.annotations["io.ociferry.archive.base"] = $base' "$T/delta/index.json" >"$T/index.new"
mv "$T/index.new" "$T/delta/index.json"
for order in "'$T/multi.tar' '$T/delta'" "'$T/delta' '$T/multi.tar'"; do
    fresh
    run 0 bash -c "ociferry-import $order '$DST'"
    says 'app/moving:1: taken from .*delta, where it is newer than in .*multi.tar'
    equal "digest of app/moving:1" "$(digest_of "$SRC" app/docker 1)" "$(digest_of "$DST" app/moving 1)"
    run 0 bash -c "ociferry-verify $order"
done

step "a base and its delta at once, in any order, and one of them from a pipe"
run 0 ociferry-export -o "$T/base.tar" "${names[0]}" "${names[1]}"
run 0 ociferry-export --base "$T/base.tar" -o "$T/later.tar" "${names[@]}"
at_most "bytes of the delta" 4000000 "$(file_size "$T/later.tar")"
run 0 ociferry-verify "$T/later.tar"
prints 'DELTA'
run 0 ociferry-verify "$T/later.tar" "$T/base.tar"
prints 'together: whole: 3 images'
for how in "'$T/base.tar' '$T/later.tar' DEST" "'$T/later.tar' '$T/base.tar' DEST" \
    "'$T/base.tar' - DEST <'$T/later.tar'" "- '$T/later.tar' DEST <'$T/base.tar'"; do
    fresh
    run 0 bash -c "ociferry-import ${how/DEST/$DST}"
    arrived
done
damage "$T/base.tar" "$layer"
fresh
run 3 ociferry-import "$T/base.tar" "$T/later.tar" "$DST"
says "app/multi:1: .*$layer"
same_images "$SRC" "$DST" app/big:1 app/docker:1
run 3 ociferry-verify "$T/base.tar" "$T/later.tar"
says "base.tar: .*$layer.*damages .*app/multi:1"

step "the command line"
run 2 ociferry-import - - "$DST"
says 'stdin'
run 2 ociferry-verify - -
says 'stdin'
run 2 ociferry-import -f - "$T/good.tar" - "$DST"
says 'stdin'
