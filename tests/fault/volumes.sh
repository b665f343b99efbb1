#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "an archive in volumes is the same archive, and a volume that is not as it should be is named"

# [R60] [R61] [R62] [R63] [R64]
# FERRY_VOLUME_MIB=700 FERRY_VOLUME_LAYERS="500 2600 2000" is the long way: about 5 GiB in 8 volumes.
mib=${FERRY_VOLUME_MIB:-7}
read -ra layers <<<"${FERRY_VOLUME_LAYERS:-5 25 9}" # the second lies in four volumes at least
bytes=$((mib * 1024 * 1024))

# shellcheck disable=SC2086
store_image SRC app/cut 1 "${layers[@]}"
middle=${LAYERS[1]}
start_registry SRC
start_registry DST
put_image "$SRC" app/cut 1
digest=$(digest_of "$SRC" app/cut 1)
V=$T/v.tar
last=0

# imported WHERE: the image is there, as it was.
imported() { same_images "$SRC" "$DST/$1" app/cut:1; }
# Nothing of it is.
not_imported() { no_image "$DST" "$1/app/cut" 1 "$digest"; }
# sum_verdict: what sha256sum says of each volume, one "NAME good|bad" a line.
sum_verdict() {
    (cd "$T" && sha256sum -c v.tar.sha256 2>/dev/null || true) |
        sed 's/: OK$/ good/; s/: FAILED.*/ bad/'
}
# Volumes that are not good, as ociferry-verify has it: the same as sha256sum does.
same_verdict() {
    ociferry-verify -q --json "$V" >"$T/json" 2>/dev/null || true
    equal "volumes that are wrong" "$(sum_verdict | grep ' bad$' || true)" \
        "$(jq -r '.volumes[] | select(.state != "good" and .state != "surplus") | "\(.file) bad"' "$T/json")"
}
# state_of NUMBER: as JSON has it.
state_of() { jq -r --arg f "v.tar.$1" '.volumes[] | select(.file == $f) | .state' "$T/json"; }

step "cut while it is written: the same bytes, with sums that sha256sum takes"
run 0 ociferry-export -q -o "$T/whole.tar" "$SRC/app/cut:1"
run 0 ociferry-export --dry-run -o "$V" --volume-size "${mib}M" "$SRC/app/cut:1"
count=$((($(file_size "$T/whole.tar") + bytes - 1) / bytes))
last=$(printf %03d $count)
prints "archive: .*, in $count volumes"
run 0 ociferry-export -o "$V" --volume-size "${mib}M" "$SRC/app/cut:1"
says "v.tar: 1 image, .*, in $count volumes"
equal "volumes" $count "$(ls "$V".[0-9]* | wc -l)"
cat "$V".[0-9]* | cmp - "$T/whole.tar" || fail "cat of the volumes is another archive"
run 0 env -C "$T" sha256sum --strict -c v.tar.sha256
absent "$V"
there_at=$(($(entry_offset "$T/whole.tar" "blobs/sha256/${middle#sha256:}") / bytes))
ends_at=$((($(entry_offset "$T/whole.tar" "blobs/sha256/${middle#sha256:}") + layers[1] * 1048576 - 1) / bytes))
at_least "volumes that the second layer lies in" 4 $((ends_at - there_at + 1))

step "what is said in JSON"
run 0 ociferry-export -q --force --json -o "$V" --volume-size "${mib}M" "$SRC/app/cut:1"
equal "sums of the exporter" "$(grep -v '^#' "$V.sha256")" \
    "$(jq -r '.volumes[] | "\(.sha256)  \(.file | split("/") | last)"' "$T/out")"
for form in "$V" "$V.001" "$V.sha256"; do
    run 0 ociferry-verify -q --json "$form"
    equal "sums of the verifier" "$(grep -v '^#' "$V.sha256")" \
        "$(jq -r '.volumes[] | "\(.sha256)  \(.file)"' "$T/out")"
    equal "states" "good" "$(jq -r '.volumes[].state' "$T/out" | sort -u)"
done
run 0 ociferry-verify --list "$V"
prints "whole: 1 image, .*, in $count volumes"
prints "v.tar.002  [0-9a-f]{64}  .* good"
run 0 ociferry-verify -q --html "$T/v.html" "$V"
python3 "$SUPPORT/page_check.py" "$T/v.html" >"$T/seen" || fail "the page is not sound"
grep -v '^#' "$V.sha256" | while read -r sum file; do
    grep -qF "$file$sum" "$T/seen" || fail "the page does not show $file with its sum"
done
run 0 ociferry-verify --quick "$V"
run 0 ociferry-verify --deep "$V.001"

step "imported: from the volumes, from cat, from a pipe, without the sums file"
run 0 ociferry-import -q "$V.001" "$DST/volumes"
imported volumes
cat "$V".[0-9]* >"$T/cat.tar"
run 0 ociferry-import -q "$T/cat.tar" "$DST/cat"
imported cat
rm "$T/cat.tar"
run 0 bash -c "cat '$V'.[0-9]* | ociferry-import -q - '$DST/pipe'"
imported pipe
mv "$V.sha256" "$T/sums"
run 0 ociferry-import -q "$V" "$DST/plain"
imported plain
run 0 ociferry-verify "$V"
mv "$T/sums" "$V.sha256"

step "each volume lost in turn"
for ((i = 1; i <= count; i++)); do
    number=$(printf %03d $i)
    mv "$V.$number" "$T/lost"
    run 3 ociferry-import "$V.sha256" "$DST/lost"
    says "v.tar.$number is missing"
    one_line
    run 3 ociferry-verify "$V"
    says "v.tar.$number is missing"
    same_verdict
    equal "state of volume $i" missing "$(state_of "$number")"
    mv "$V.sha256" "$T/sums" # without it
    run 3 ociferry-verify "$V"
    if [ $i -lt $count ]; then
        says "v.tar.$number is missing"
    else
        says "is .$number missing\?"
    fi
    mv "$T/sums" "$V.sha256"
    mv "$T/lost" "$V.$number"
done
mv "$V.002" "$T/lost"
mv "$V.$last" "$T/lost too"
run 3 ociferry-import "$V.001" "$DST/lost"
says "v.tar.002 is missing; v.tar.$last is missing"
run 3 ociferry-verify -q --html "$T/v.html" "$V"
python3 "$SUPPORT/page_check.py" "$T/v.html" >"$T/seen" || fail "the page is not sound"
equal "volumes that the page calls missing" 2 "$(grep -cx missing "$T/seen")"
mv "$T/lost" "$V.002"
mv "$T/lost too" "$V.$last"
not_imported lost

step "cut, too long, one too many"
cp "$V.003" "$T/kept"
truncate -s -1 "$V.003"
run 3 ociferry-import "$V.001" "$DST/spoilt"
says "v.tar.003 has $((bytes - 1)) bytes, and the sums file says $bytes: it is cut"
same_verdict
equal "state" cut "$(state_of 003)"
truncate -s +2 "$V.003"
run 3 ociferry-import "$V.001" "$DST/spoilt"
says "v.tar.003 .* too long"
same_verdict
equal "state" "too long" "$(state_of 003)"
cp "$T/kept" "$V.003"
cp "$V.003" "$V.$(printf %03d $((count + 2)))"
run 3 ociferry-import "$V.001" "$DST/spoilt"
says "v.tar.$(printf %03d $((count + 2))) is none of the volumes"
run 3 ociferry-verify "$V"
rm "$V.$(printf %03d $((count + 2)))"

step "swapped"
mv "$V.002" "$T/swap" && mv "$V.003" "$V.002" && mv "$T/swap" "$V.003"
run 3 ociferry-verify "$V"
says "v.tar.002 holds what v.tar.003 should hold"
says "v.tar.003 holds what v.tar.002 should hold"
same_verdict
run 3 ociferry-import "$V.001" "$DST/spoilt"
says "v.tar.002 holds what v.tar.003 should hold"
mv "$V.002" "$T/swap" && mv "$V.003" "$V.002" && mv "$T/swap" "$V.003"

# [R65]
step "one bit, in each volume"
for ((i = 1; i <= count; i++)); do
    number=$(printf %03d $i)
    at=$(($(file_size "$V.$number") / 2))
    flip "$V.$number" $at
    run 3 ociferry-verify "$V"
    says "v.tar.$number has other bytes than the sums file says"
    same_verdict
    equal "state" wrong "$(state_of "$number")"
    run 3 ociferry-import "$V.001" "$DST/bit$i"
    says "v.tar.$number has other bytes than the sums file says"
    not_imported "bit$i"
    flip "$V.$number" $at
done
flip "$V.003" 1000
mv "$V.sha256" "$T/sums"
run 3 ociferry-import "$V.001" "$DST/nosums"
says "$middle lies in v.tar.$(printf %03d $((there_at + 1))) to v.tar.$(printf %03d $((ends_at + 1)))"
mv "$T/sums" "$V.sha256"
flip "$V.003" 1000
flip "$V.001" 1700 # within index.json
run 3 ociferry-import "$V.001" "$DST/spoilt"
says "v.tar.001 has other bytes"
flip "$V.001" 1700
not_imported spoilt
run 0 ociferry-verify -q "$V"

step "a sums file that is not believed"
cp "$V.sha256" "$T/sums"
sed -i '$d' "$V.sha256"
run 3 ociferry-import "$V.001" "$DST/spoilt"
says "v.tar.sha256: has no sum for volume $count"
sha256sum "$T/whole.tar" >"$V.sha256"
run 3 ociferry-verify "$V.001"
says "v.tar.sha256: is not the sums file of an archive in volumes"
mkdir "$T/renamed"
for file in "$V".[0-9]*; do ln "$file" "$T/renamed/w${file#"$T/v"}"; done
cp "$T/sums" "$T/renamed/w.tar.sha256"
run 3 ociferry-verify "$T/renamed/w.tar.001"
says 'names "v.tar.001" where "w.tar.001" is expected: were these files renamed\?'
cp "$T/sums" "$V.sha256"

step "compressed as a whole, in volumes"
Z=$T/z.tar.zst
run 0 ociferry-export -q --zstd -o "$Z" --volume-size "${mib}M" "$SRC/app/cut:1"
cat "$Z".[0-9]* | zstd -dcq | cmp - "$T/whole.tar" || fail "what the volumes hold is another archive"
run 0 ociferry-verify "$Z"
run 0 ociferry-import -q "$Z.sha256" "$DST/zstd"
imported zstd
flip "$Z.002" 100000
run 3 ociferry-import "$Z.001" "$DST/zbit"
says "z.tar.zst.002 has other bytes than the sums file says"
run 3 ociferry-verify "$Z"
says "z.tar.zst.002 has other bytes than the sums file says"
rm "$Z".*

step "what is there already is kept, and replaced with --force alone"
run 1 ociferry-export -q -o "$V" --volume-size "${mib}M" "$SRC/app/cut:1"
one_line
says "v.tar.sha256: exists already"
run 0 ociferry-export -q --force -o "$V" --volume-size "$((mib * 2))M" "$SRC/app/cut:1"
equal "volumes" $(((count + 1) / 2)) "$(ls "$V".[0-9]* | wc -l)"
for base in "$V.001" "$V"; do
    run 2 ociferry-export -q --force --base "$base" -o "$V" --volume-size "$((mib * 2))M" "$SRC/app/cut:1"
    says "is the base $base"
done
run 0 ociferry-verify -q "$V"
rm "$V".*
run 2 ociferry-export -q -o - --volume-size 7M "$SRC/app/cut:1"
says "volume-size and -o -"
run 2 ociferry-export -q -o "$V" --volume-size 1000000 "$SRC/app/cut:1"
says "at least 1M"
