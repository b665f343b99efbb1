#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "what other tools write is imported: skopeo's archives, layout folders, any order and dialect"

start_source SRC
start_registry DST

step "skopeo's oci-archive, named by a bare tag, goes to the repository that is DEST"
run 0 skopeo copy -q --insecure-policy --all --preserve-digests --src-tls-verify=false \
    "docker://$SRC/app/multi:1" "oci-archive:$T/skopeo.tar:1"
run 0 ociferry-verify "$T/skopeo.tar"
run 0 ociferry-import "$T/skopeo.tar" "$DST/from-skopeo/app/multi"
same_images "$SRC" "$DST/from-skopeo" app/multi:1

step "or to the one reference that is given"
run 0 ociferry-import "$T/skopeo.tar" "$DST/given/app/multi:1"
same_images "$SRC" "$DST/given" app/multi:1

step "the progress of verify ends where it said it would"
for from in "$T/skopeo.tar" -; do
    run 0 ociferry-verify "$from" <"$T/skopeo.tar"
    says 'verifying  100%  ([0-9.]+ .?i?B) / \1  '
done

step "without a repository it is refused, and the message says what to give"
run 2 ociferry-import "$T/skopeo.tar" "$DST"
says "repo"

step "one without a name gets no tag, which is said"
run 0 skopeo copy -q --insecure-policy --preserve-digests --src-tls-verify=false \
    "docker://$SRC/app/web:1" "oci-archive:$T/nameless.tar"
run 0 ociferry-import "$T/nameless.tar" "$DST/nameless/web"
says "warning: .*no name for it: it gets no tag in $DST/nameless/web"
run 0 ociferry-import "$T/nameless.tar" "$DST/nameless/web:1"
says_not "no name for it"
same_images "$SRC" "$DST/given" app/multi:1

step "skopeo's oci-archive, named by a full name"
run 0 skopeo copy -q --insecure-policy --all --preserve-digests --src-tls-verify=false \
    "docker://$SRC/app/web:1" "oci-archive:$T/full.tar:registry.example/app/web:1"
run 0 ociferry-import "$T/full.tar" "$DST/full"
same_images "$SRC" "$DST/full" app/web:1

# [R4]
step "a layout folder"
run 0 ociferry-verify "$IMAGES/layout"
run 0 ociferry-import --image '*app/web:1' --map docker.io/app/web=app/web "$IMAGES/layout" "$DST/folder"
same_images "$SRC" "$DST/folder" app/web:1
mkdir "$T/layout"
tar -xf "$T/skopeo.tar" -C "$T/layout"
run 0 ociferry-import "$T/layout" "$DST/layout/app/multi:1"
same_images "$SRC" "$DST/layout" app/multi:1

# repack NAME ORDER TAR_OPTION...: the same layout as another tar. ORDER is a sort option.
repack() {
    local name=$1 order=$2
    shift 2
    (cd "$T/layout" && find . -type f | LC_ALL=C sort $order | sed 's|^\./||' >"$T/list")
    tar "$@" --no-recursion -C "$T/layout" -cf "$T/$name" -T "$T/list"
}

# [R1] [R2]
step "sorted by name, blobs before the index (as containerd writes it)"
for dialect in ustar gnu pax; do
    repack "sorted-$dialect.tar" "" --format=$dialect
    equal "first entry of the repacked archive" "blobs" "$(tar -tf "$T/sorted-$dialect.tar" | head -n 1 | cut -d/ -f1)"
    run 0 ociferry-verify "$T/sorted-$dialect.tar"
    run 0 ociferry-import "$T/sorted-$dialect.tar" "$DST/sorted-$dialect/app/multi"
done
same_images "$SRC" "$DST/sorted-ustar" app/multi:1
same_images "$SRC" "$DST/sorted-gnu" app/multi:1
same_images "$SRC" "$DST/sorted-pax" app/multi:1

# [R1] [R5]
step "backwards, with folders, and with ./ before each name"
repack backwards.tar -r --format=gnu
run 0 ociferry-import "$T/backwards.tar" "$DST/backwards/app/multi"
same_images "$SRC" "$DST/backwards" app/multi:1
tar -C "$T/layout" -cf "$T/dot.tar" .
run 0 ociferry-verify "$T/dot.tar"
run 0 ociferry-import "$T/dot.tar" "$DST/dot/app/multi"
same_images "$SRC" "$DST/dot" app/multi:1

# [R20]
step "small enough, any order is taken from a pipe as well"
run 0 ociferry-import - "$DST/pipe/app/multi" <"$T/sorted-gnu.tar"
same_images "$SRC" "$DST/pipe" app/multi:1
# Through a real pipe, which cannot be mistaken for a file.
run 0 bash -c "cat '$T/backwards.tar' | ociferry-import - '$DST/pipe2/app/multi'"
same_images "$SRC" "$DST/pipe2" app/multi:1

# [R3]
step "compressed"
gzip -c "$T/sorted-pax.tar" >"$T/c.tar.gz"
zstd -q "$T/sorted-pax.tar" -o "$T/c.tar.zst"
for file in c.tar.gz c.tar.zst; do
    run 0 ociferry-verify "$T/$file"
    run 0 ociferry-import "$T/$file" "$DST/$file/app/multi"
    same_images "$SRC" "$DST/$file" app/multi:1
    run 0 bash -c "cat '$T/$file' | ociferry-import - '$DST/p-$file/app/multi'"
    same_images "$SRC" "$DST/p-$file" app/multi:1
done

step "our own archive, taken apart and packed anew by tar"
run 0 ociferry-export -o "$T/ours.tar" "$SRC/app/list:1" "$SRC/art/sbom:1" "$SRC/app/hollow:1"
rm -rf "$T/layout"
mkdir "$T/layout"
tar -xf "$T/ours.tar" -C "$T/layout"
repack ours-sorted.tar "" --format=pax
run 0 ociferry-import "$T/ours-sorted.tar" "$DST/ours"
same_images "$SRC" "$DST/ours" app/list:1 art/sbom:1 app/hollow:1

# [R2] [R7]
step "with holes: at the ends, in the middle, nothing else"
rm -rf "$T/layout"
mkdir -p "$T/layout/blobs/sha256"
# put TYPE FILE: into the layout, without writing its holes. Sets DESC.
put() {
    local digits
    digits=$(sha256sum <"$2" | cut -d' ' -f1)
    DESC="{\"mediaType\":\"$1\",\"digest\":\"sha256:$digits\",\"size\":$(file_size "$2")}"
    cp --sparse=always "$2" "$T/layout/blobs/sha256/$digits"
}
layers=()
for holes in "0 300000" "200000 100000" "0 0 262144"; do # 100,000 bytes of data at, of so many in all
    read -r before after all <<<"$holes"
    rm -f "$T/layer"
    [ -n "$all" ] || head -c 100000 /dev/urandom |
        dd of="$T/layer" bs=1 seek="$before" conv=notrunc status=none
    truncate -s $((${all:-$((before + after + 100000))})) "$T/layer"
    put application/vnd.oci.image.layer.v1.tar "$T/layer"
    layers+=("$DESC")
done
echo '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}' >"$T/config"
put application/vnd.oci.image.config.v1+json "$T/config"
printf '%s\n' "${layers[@]}" | jq -cs --argjson config "$DESC" \
    '{schemaVersion: 2, config: $config, layers: .}' >"$T/manifest"
put application/vnd.oci.image.manifest.v1+json "$T/manifest"
jq -c '{schemaVersion: 2, manifests: [. + {annotations: {"org.opencontainers.image.ref.name": "1"}}]}' \
    <<<"$DESC" >"$T/layout/index.json"
echo '{"imageLayoutVersion":"1.0.0"}' >"$T/layout/oci-layout"
run 0 ociferry-verify "$T/layout"
for dialect in gnu pax; do
    for order in "" -r; do
        repack holes.tar "$order" -S --format=$dialect
        at_most "bytes of the archive" 500000 "$(file_size "$T/holes.tar")"
        gzip -c "$T/holes.tar" >"$T/holes.tar.gz"
        for from in holes.tar holes.tar.gz; do
            run 0 ociferry-verify "$T/$from"
            run 0 bash -c "cat '$T/$from' | ociferry-verify -"
        done
        run 0 bash -c "cat '$T/holes.tar' | ociferry-import - '$DST/holes-$dialect$order/app:1'"
        complete "$DST" "holes-$dialect$order/app" "$T/manifest"
    done
done
