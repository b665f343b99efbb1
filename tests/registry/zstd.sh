#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "an archive that is compressed as a whole is the same archive, and goes on where it broke off"

# [W80]
# Three layers over more than two frames of 64 MiB; and one of zeros, by which it gains.
store_image SRC app/noise 1 50 60 40
cp "$T/manifest.1" "$T/manifest.noise"
storage=$T/SRC.storage/docker/registry/v2
head -c $((30 * 1024 * 1024)) /dev/zero >"$T/zeros"
store_blob "$storage" app/noise "$T/zeros"
jq -c --arg d "$DIGEST" '.layers += [{mediaType: "application/vnd.oci.image.layer.v1.tar",
    digest: $d, size: 31457280}]' "$T/manifest.noise" >"$T/manifest.1"
store_image SRC app/many 2 1 1
start_registry SRC
start_registry DST
put_image "$SRC" app/noise 1
start_proxy P "$SRC"

step "the stream inside is the plain archive"
run 0 ociferry-export -o "$T/plain.tar" "$P/app/noise:1"
run 0 ociferry-export --zstd --json -o "$T/whole.tar.zst" "$P/app/noise:1"
equal "archiveBytes" "$(file_size "$T/plain.tar")" "$(jq .archiveBytes "$T/out")"
equal "fileBytes" "$(file_size "$T/whole.tar.zst")" "$(jq .fileBytes "$T/out")"
zstd -dcq "$T/whole.tar.zst" | cmp - "$T/plain.tar" || fail "another stream"
equal "the first frame is a normal one" 28b52ffd \
    "$(od -An -tx1 -N 4 "$T/whole.tar.zst" | tr -d ' ')"
equal "frames" 3 "$(zstd -lv "$T/whole.tar.zst" 2>/dev/null | sed -n 's/.*Zstandard Frames: *//p')"
at_most "bytes" $((160 * 1024 * 1024)) "$(file_size "$T/whole.tar.zst")"

step "what it gained is said; a higher level gives other bytes, the same again the same"
run 0 ociferry-export --zstd=9 -o "$T/nine.tar.zst" "$P/app/noise:1"
says "compressed to 1[0-9]{2}\.[0-9] MiB, 1[67]\.[0-9] % less"
run 0 ociferry-export --zstd=3 -o - "$P/app/noise:1"
same_file "through a pipe" "$T/whole.tar.zst" "$T/out"
run 2 ociferry-export --zstd=0 -o "$T/x" "$P/app/noise:1"
run 2 ociferry-export --zstd=20 -o "$T/x" "$P/app/noise:1"

step "it is verified, imported, and read by skopeo"
run 0 ociferry-verify "$T/whole.tar.zst"
run 0 ociferry-import "$T/whole.tar.zst" "$DST"
same_images "$SRC" "$DST" app/noise:1
run 0 bash -c 'ociferry-import - "$1/piped" <"$2"' - "$DST" "$T/whole.tar.zst"
same_images "$SRC" "$DST/piped" app/noise:1
skopeo inspect --raw "oci-archive:$T/whole.tar.zst:1" >"$T/raw.skopeo" || fail "skopeo"
same_file "the manifest as skopeo reads it" "$T/manifest.1" "$T/raw.skopeo"

# Where the frames begin, by their magic number, which the noise of this image does not have.
mapfile -t frames < <(grep -aboP '\x28\xb5\x2f\xfd' "$T/whole.tar.zst" | cut -d: -f1)
equal "places of a frame" 3 "${#frames[@]}"
second=${frames[1]} third=${frames[2]}
size=$(file_size "$T/whole.tar.zst")

step "cut at places that matter"
for at in 1 5 $((second - 1)) "$second" $((third - 4)) "$third" $((size - 1)) "$size"; do
    head -c "$at" "$T/whole.tar.zst" >"$T/parted.partial"
    rm -f "$T/parted"
    : >"$T/P.log"
    run 0 ociferry-export --zstd -o "$T/parted" "$P/app/noise:1"
    same_file "the archive from byte $at" "$T/whole.tar.zst" "$T/parted"
    [ "$at" -lt "$third" ] || at_most "bytes fetched from $at on" $((70 * 1024 * 1024)) \
        "$(log_sum P '^GET ' resp)"
done

step "killed outright"
for i in 1 2 3; do
    ociferry-export -q --zstd --limit-rate 200M -o "$T/killed" "$P/app/noise:1" 2>"$T/err" &
    pid=$!
    sleep "0.$((RANDOM % 5 + 2))"
    kill -9 $pid 2>/dev/null || true
    wait $pid 2>/dev/null || true
done
[ -e "$T/killed" ] || run 0 ociferry-export --zstd -o "$T/killed" "$P/app/noise:1"
same_file "the archive" "$T/whole.tar.zst" "$T/killed"

step "what is there is damaged, or is not compressed"
head -c "$third" "$T/whole.tar.zst" >"$T/damaged.partial"
flip "$T/damaged.partial" $((second + 5000))
run 0 ociferry-export --zstd -o "$T/damaged" "$P/app/noise:1"
same_file "the archive" "$T/whole.tar.zst" "$T/damaged"
head -c 100000000 "$T/plain.tar" >"$T/other.partial"
run 0 ociferry-export --zstd -o "$T/other" "$P/app/noise:1"
same_file "the archive" "$T/whole.tar.zst" "$T/other"
head -c "$third" "$T/whole.tar.zst" >"$T/back.partial"
run 0 ociferry-export -o "$T/back" "$P/app/noise:1"
same_file "the archive" "$T/plain.tar" "$T/back"

# Manifests over more than a frame, which ends in one of them, in front of blobs that are fetched.
step "the frame ends in a manifest"
names=()
head -c 3900000 /dev/zero | tr '\0' x >"$T/padding"
for i in {1..20}; do
    jq -c --arg n "$i" --rawfile x "$T/padding" '.annotations = {n: $n, x: $x}' "$T/manifest.2" \
        >"$T/manifest.m$i"
    put_image "$SRC" app/many "m$i"
    names+=("$P/app/many:m$i")
done
run 0 ociferry-export --zstd -o "$T/many" "${names[@]}"
size=$(file_size "$T/many")
cp "$T/many" "$T/on.partial"
flip "$T/on.partial" $((size - 500000)) # in a layer
run 0 ociferry-export --zstd -o "$T/on" "${names[@]}"
says "going on with what an earlier export left: 64.0 MiB"
same_file "the archive" "$T/many" "$T/on"
