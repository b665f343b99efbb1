#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
. "$SUPPORT/certs.sh" || exit
goal "what registries hold besides images crosses byte for byte: charts, modules, models, artifacts of every shape"

start_registry SRC "$T/SRC.storage" "" 'compatibility: {schema1: {enabled: true}}'
start_registry DST
oci=application/vnd.oci.image

# blob REPO FILE MEDIA_TYPE: pushes the file. Sets BLOB to its descriptor.
blob() {
    push_blob "$SRC" "$1" "$2"
    BLOB=$(jq -c --arg t "$3" '{mediaType: $t} + .' <<<"$DESC")
}

# artifact REPO:TAG JSON CONFIG [LAYER...]: a manifest of these descriptors, with the members of JSON. Sets
# CHILD to its descriptor.
NAMES=()
artifact() {
    local name=$1 more=$2 config=$3
    shift 3
    printf '%s\n' "$@" | jq -cn --argjson more "$more" --argjson c "$config" --arg t $oci.manifest.v1+json \
        '{schemaVersion: 2, mediaType: $t} + $more + {config: $c, layers: [inputs]}' >"$T/manifest"
    put "$name"
}
# put REPO:TAG: what is in $T/manifest.
put() {
    push_manifest "$SRC" "${1%:*}" "${1##*:}" "$T/manifest"
    CHILD=$DESC
    NAMES+=("$1")
}
index() { # REPO:TAG JSON [DESCRIPTOR...]
    local name=$1 more=$2
    shift 2
    printf '%s\n' "$@" | jq -cn --argjson more "$more" --arg t $oci.index.v1+json \
        '{schemaVersion: 2, mediaType: $t} + $more + {manifests: [inputs]}' >"$T/manifest"
    put "$name"
}
empty() { # REPO: sets EMPTY
    printf '{}' >"$T/empty"
    blob "$1" "$T/empty" application/vnd.oci.empty.v1+json
    EMPTY=$BLOB
}

step "a Helm chart, as helm push makes it"
mkdir -p "$T/chart/shop/templates"
printf 'apiVersion: v2\nname: shop\nversion: 1.2.3\n' >"$T/chart/shop/Chart.yaml"
echo 'kind: Service' >"$T/chart/shop/templates/service.yaml"
tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C "$T/chart" -cf - shop | gzip -n >"$T/shop.tgz"
echo '-----BEGIN PGP SIGNED MESSAGE-----' >"$T/shop.prov"
echo '{"name":"shop","version":"1.2.3","apiVersion":"v2"}' >"$T/config"
blob charts/shop "$T/config" application/vnd.cncf.helm.config.v1+json; config=$BLOB
blob charts/shop "$T/shop.tgz" application/vnd.cncf.helm.chart.content.v1.tar+gzip; chart=$BLOB
blob charts/shop "$T/shop.prov" application/vnd.cncf.helm.chart.provenance.v1.prov
artifact charts/shop:1.2.3 '{"annotations":{"org.opencontainers.image.title":"shop"}}' "$config" "$chart" "$BLOB"

step "a WebAssembly module, a model of two layers with an empty config, a plugin of Docker"
printf '\0asm\1\0\0\0' >"$T/module.wasm"
echo '{"architecture":"wasm","os":"wasip1","layerDigests":[]}' >"$T/config"
blob wasm/hello "$T/config" application/vnd.wasm.config.v0+json; config=$BLOB
blob wasm/hello "$T/module.wasm" application/wasm
artifact wasm/hello:v1 '{}' "$config" "$BLOB"
empty ai/model
head -c 3000000 /dev/urandom >"$T/weights"
blob ai/model "$T/weights" application/vnd.cncf.model.weight.v1.raw; weights=$BLOB
blob ai/model "$T/shop.tgz" application/vnd.cncf.model.doc.v1.tar+gzip
artifact ai/model:7b '{"artifactType":"application/vnd.cncf.model.manifest.v1+json"}' "$EMPTY" "$weights" "$BLOB"
echo '{"description":"a plugin"}' >"$T/config"
blob plugins/fs "$T/config" application/vnd.docker.plugin.v1+json; config=$BLOB
blob plugins/fs "$T/shop.tgz" application/vnd.docker.image.rootfs.diff.tar.gzip
jq -cn --argjson c "$config" --argjson l "$BLOB" --arg t application/vnd.docker.distribution.manifest.v2+json \
    '{schemaVersion: 2, mediaType: $t, config: $c, layers: [$l]}' >"$T/manifest"
put plugins/fs:1

step "no layers; a layer of no bytes; the empty descriptor as config and layer; bytes inside a descriptor"
empty art/odd
echo '{"kind":"policy"}' >"$T/config"
blob art/odd "$T/config" application/vnd.example.policy.v1+json
artifact art/odd:config-only '{}' "$BLOB"
: >"$T/nothing"
blob art/odd "$T/nothing" application/octet-stream
artifact art/odd:size-0 '{"artifactType":"application/vnd.example"}' "$EMPTY" "$BLOB"
artifact art/odd:empty '{"artifactType":"application/vnd.example"}' "$EMPTY" "$EMPTY"
artifact art/odd:data '{"artifactType":"application/vnd.example"}' "$(jq -c '.data = "e30="' <<<"$EMPTY")" "$EMPTY"
echo bytes >"$T/bytes"
blob art/odd "$T/bytes" 'application/vnd.example.some-day+type; version=9'
artifact art/odd:unknown-type '{"artifactType":"application/vnd.example"}' "$EMPTY" "$BLOB"

step "one blob under two media types: bytes of an artifact, twice in it, and the layer of an image"
empty app/twice
blob app/twice "$T/shop.tgz" application/gzip; gzip=$BLOB
blob app/twice "$T/shop.tgz" application/octet-stream
artifact app/twice:file '{"artifactType":"application/vnd.example"}' "$EMPTY" "$gzip" "$BLOB"
diff=sha256:$(gzip -dc "$T/shop.tgz" | sha256sum | cut -d' ' -f1)
jq -cn --arg d "$diff" '{os: "linux", architecture: "amd64", rootfs: {type: "layers", diff_ids: [$d]},
    history: [{created_by: "copy"}]}' >"$T/config"
blob app/twice "$T/config" $oci.config.v1+json; config=$BLOB
blob app/twice "$T/shop.tgz" $oci.layer.v1.tar+gzip; layer=$BLOB
artifact app/twice:image '{}' "$config" "$layer"
image=$CHILD
# An artifact that borrows the config of an image, as signatures and modules do.
artifact app/twice:borrowed '{}' "$config" "$gzip" "$gzip"

step "an index of an index, of artifacts, of nothing"
index app/twice:inner '{}' "$(jq -c '. + {platform: {os: "linux", architecture: "amd64"}}' <<<"$image")"
inner=$CHILD
artifact app/twice:note '{"artifactType":"application/vnd.example"}' "$EMPTY" "$EMPTY"
index app/twice:outer '{"artifactType":"application/vnd.example.set"}' "$inner" \
    "$(jq -c '. + {artifactType: "application/vnd.example"}' <<<"$CHILD")"
index app/twice:none '{}'

step "all of it in one archive, which is right, and right in depth"
mapfile -t refs < <(at "$SRC" "${NAMES[@]}")
run 0 ociferry-export -o "$T/a.tar" "${refs[@]}"
equal "warnings" "" "$(grep warning "$T/err" || true)"
run 0 ociferry-verify -q --deep "$T/a.tar"
run 0 ociferry-verify --list "$T/a.tar"

step "at the other end: the same bytes under the same names, and everything below them"
run 0 ociferry-import -q "$T/a.tar" "$DST"
for name in "${NAMES[@]}"; do
    raw "$SRC" "${name%:*}" "${name##*:}" >"$T/raw.src"
    raw "$DST" "${name%:*}" "${name##*:}" >"$T/raw.dst"
    same_file "manifest of $name" "$T/raw.src" "$T/raw.dst"
    [ "$name" = app/twice:none ] || complete "$DST" "${name%:*}" "$T/raw.dst"
done

step "an index waits while what it lists is put under a tag of its own: docker-registry would not find it"
start_proxy SLOW "$DST" --hold "PUT /v2/turns/app/twice/manifests/image 1"
run 0 ociferry-import -q -j 4 --image '*/twice:image' --image '*/twice:inner' "$T/a.tar" "$SLOW/turns"
equal "tags that were put, whichever came first" "image inner" \
    "$(sed -nE 's,^PUT /v2/turns/app/twice/manifests/(image|inner) .*,\1,p' "$T/SLOW.log" | sort | paste -sd' ')"

step "the images among it, and no other, are what docker and skopeo load"
equal "images in manifest.json" "app/twice:image app/twice:inner" \
    "$(tar -xOf "$T/a.tar" manifest.json | jq -r '[.[].RepoTags[] | sub("^[^/]*/"; "")] | join(" ")')"
run 0 skopeo copy -q --insecure-policy "docker-archive:$T/a.tar:$SRC/app/twice:image" "dir:$T/loaded"
equal "layers that skopeo loaded" 1 "$(jq '.layers | length' "$T/loaded/manifest.json")"
run 0 skopeo copy -q --insecure-policy --preserve-digests "oci-archive:$T/a.tar:1.2.3" "dir:$T/chart.dir"
same_file "the chart by way of skopeo" "$T/shop.tgz" "$T/chart.dir/$(jq -r .digest <<<"$chart" | cut -d: -f2)"

step "a layer is looked into as a layer, though an artifact had the same bytes before"
jq -c '.rootfs.diff_ids = ["sha256:" + "0" * 64]' "$T/config" >"$T/wrong"
blob app/twice "$T/wrong" $oci.config.v1+json
artifact app/twice:wrong '{}' "$BLOB" "$layer"
run 0 ociferry-export -q -o "$T/wrong.tar" "$SRC/app/twice:file" "$SRC/app/twice:wrong"
run 3 ociferry-verify -q --deep "$T/wrong.tar"
says "inflates to $diff, its config says sha256:0000"

step "Docker schema 1 is refused, with the image and the remedy"
run 0 skopeo copy -q --insecure-policy --format v2s1 --src-tls-verify=false --dest-tls-verify=false \
    "docker://$SRC/app/twice:image" "docker://$SRC/old/app:1"
run 3 ociferry-export -q -o "$T/old.tar" "$SRC/old/app:1"
one_line
says "$SRC/old/app:1: .*is Docker schema 1.*converted to schema 2 or OCI"
absent "$T/old.tar"
run 6 ociferry-export -q --keep-going -o "$T/old.tar" "$SRC/old/app:1" "$SRC/charts/shop:1.2.3"
says "left out: $SRC/old/app:1: .*is Docker schema 1"

step "an index that lists layers, as a cache of BuildKit does, is refused before a registry is asked for them"
for size in 3000 6000000; do
    head -c $size /dev/urandom >"$T/cached"
    blob cache/app "$T/cached" $oci.layer.v1.tar+gzip; cached=$BLOB
    echo '{"layers":[],"records":[]}' >"$T/config"
    blob cache/app "$T/config" application/vnd.buildkit.cacheconfig.v0
    index "cache/app:$size" '{}' "$cached" "$BLOB"
    run 3 ociferry-export -q -o "$T/cache.tar" "$SRC/cache/app:$size"
    one_line
    says "$SRC/cache/app:$size: .*$(jq -r .digest <<<"$cached").*$oci\.layer\.v1\.tar\+gzip"
    absent "$T/cache.tar"
done

step "a manifest of a type that nobody knows is taken as it is, and that is said"
command -v nginx >/dev/null || skip "no nginx: the rest was fine"
make_ca ours
make_cert ours server DNS:localhost
jq -cn --argjson b "$chart" '{mediaType: "application/vnd.oci.artifact.manifest.v1+json", blobs: [$b]}' >"$T/unknown.json"
start_nginx ODD "$SRC" server "location /v2/odd/manifests/1 { alias $T/unknown.json; types {}
    default_type application/vnd.oci.artifact.manifest.v1+json; }"
run 0 ociferry-export --cacert "$T/ours.crt" -o "$T/odd.tar" "$ODD/odd:1"
says "warning: $ODD/odd:1: manifest sha256:.* is of type application/vnd\.oci\.artifact\.manifest.*nothing that it may list"
run 0 ociferry-verify -q --deep "$T/odd.tar"
equal "its bytes" "$(sha256sum <"$T/unknown.json")" \
    "$(tar -xOf "$T/odd.tar" "blobs/sha256/$(sha256sum "$T/unknown.json" | cut -d' ' -f1)" | sha256sum)"
