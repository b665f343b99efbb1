#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "an OpenShift release by one argument: the payload and all its images, under the tags that oc gives them"

start_registry STORE
start_registry DST
start_proxy SRC "$STORE"
ART=openshift-release-dev/ocp-v4.0-art-dev
REL=openshift-release-dev/ocp-release
oci=application/vnd.oci.image

# put_files REPO FOLDER gzip|zstd|tar: what is in the folder, as a layer. Sets LAYER.
put_files() {
    tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C "$2" -cf "$T/layer" .
    local type=$oci.layer.v1.tar
    case $3 in
    gzip) gzip -nf "$T/layer" && mv "$T/layer.gz" "$T/layer" ;;
    zstd) zstd -q --rm "$T/layer" -o "$T/layer.zst" && mv "$T/layer.zst" "$T/layer" ;;
    esac
    [ "$3" = tar ] || type+=+$3
    push_blob "$SRC" "$1" "$T/layer"
    LAYER=$(jq -c --arg t "$type" '{mediaType: $t} + .' <<<"$DESC")
}

# make_image REPO TAG|digest ARCH LAYER...: one image for each NAME. Sets DIGEST, and CHILD to its
# descriptor in an index.
NAME=
make_image() {
    local repo=$1 tag=$2 arch=$3
    shift 3
    printf '{"os":"linux","architecture":"%s","config":{"Labels":{"name":"%s"}},"rootfs":{"type":"layers","diff_ids":[]}}' \
        "$arch" "$NAME" >"$T/config"
    push_blob "$SRC" "$repo" "$T/config"
    printf '%s\n' "$@" | jq -cn --argjson c "$DESC" --arg t $oci.manifest.v1+json --arg c2 $oci.config.v1+json \
        '{schemaVersion: 2, mediaType: $t, config: ({mediaType: $c2} + $c), layers: [inputs]}' >"$T/manifest"
    push_manifest "$SRC" "$repo" "$tag" "$T/manifest"
    CHILD=$(jq -c --arg a "$arch" '. + {platform: {os: "linux", architecture: $a}}' <<<"$DESC")
}

# payload_files LIST: what the last layer of a payload holds. Sets FILES.
payload_files() {
    FILES=$T/files
    rm -rf "$FILES"
    mkdir -p "$FILES/release-manifests"
    cp "$1" "$FILES/release-manifests/image-references"
    echo '{"kind":"cincinnati-metadata-v0","version":"4.16.3","previous":[]}' >"$FILES/release-manifests/release-metadata"
    echo 'kind: Deployment' >"$FILES/release-manifests/0000_00_cluster-version-operator_03_deployment.yaml"
}

# What is in the archive $T/a.tar: "REPO:TAG DIGEST", but without what belongs to others.
names() {
    tar -xOf "$T/a.tar" index.json | jq -r '.manifests[] | "\(.annotations["io.containerd.image.name"]) \(.digest)"'
}
tags_of() { curl -sSf "http://$1/v2/$2/tags/list?n=1000" | jq -r '.tags[]' | sort; }

step "twenty components, none of which has a tag, and a payload that lists them"
mkdir -p "$T/base/usr"
components=(agent-installer-api-server aws-ebs-csi-driver baremetal-operator cli cli-artifacts cluster-version-operator
    console coredns deployer docker-builder etcd haproxy-router hyperkube installer insights-operator jenkins
    machine-config-operator machine-os-content must-gather oauth-proxy)
echo base >"$T/base/usr/base"
put_files $ART "$T/base" gzip
for name in "${components[@]}"; do
    if [ "$name" != cli-artifacts ]; then # which is the image before it once more
        NAME=$name
        make_image $ART digest amd64 "$LAYER"
    fi
    echo "$name $DIGEST"
done >"$T/components"
jq -Rn --arg repo "$SRC/$ART" '{kind: "ImageStream", apiVersion: "image.openshift.io/v1",
    metadata: {name: "4.16.3", creationTimestamp: "2024-07-09T18:29:52Z"},
    spec: {lookupPolicy: {local: false}, tags: [inputs / " " | {name: .[0],
        annotations: {"io.openshift.build.source-location": "https://github.com/openshift/\(.[0])"},
        from: {kind: "DockerImage", name: "\($repo)@\(.[1])"}, generation: null, importPolicy: {},
        referencePolicy: {type: ""}}]}, status: {dockerImageRepository: ""}}' "$T/components" >"$T/list"
put_files $REL "$T/base" gzip
base=$LAYER
payload_files "$T/list"
put_files $REL "$FILES" gzip
release=$LAYER
make_image $REL 4.16.3-x86_64 amd64 "$base" "$release"
payload=$DIGEST
# What `oc adm release mirror --to-mirror` would print.
{
    echo "4.16.3-x86_64 $payload"
    sed 's/^/4.16.3-x86_64-/' "$T/components"
} >"$T/want.tags"

step "one argument takes them all, by their digests; no tag is asked for but the payload's own"
run 0 ociferry-export -o "$T/a.tar" --openshift-release "$SRC/$REL:4.16.3-x86_64"
says "OpenShift 4\.16\.3 for x86_64, made of 20 images"
names >"$T/names"
{
    sed -n "1s,^,$SRC/$REL:,p" "$T/want.tags"
    sed "1d;s,^,$SRC/$ART:," "$T/want.tags"
} >"$T/want"
same_file "names and digests" "$T/want" "$T/names"
equal "requests by tags of components" 0 "$(log_count SRC "(GET|HEAD) /v2/$ART/manifests/4")"
equal "requests by the payload's tag" 1 "$(log_count SRC "(GET|HEAD) /v2/$REL/manifests/4")"
run 0 ociferry-verify -q "$T/a.tar"

step "named by its digest the payload has the same tag: the archive is the same, byte for byte"
run 0 ociferry-export -q -o "$T/b.tar" --openshift-release "$SRC/$REL@$payload"
same_file "archives" "$T/a.tar" "$T/b.tar"
run 0 ociferry-export -q --force -o "$T/b.tar" --openshift-release "$SRC/$REL@$payload" \
    --openshift-release "$SRC/$REL:4.16.3-x86_64" "$SRC/$REL:4.16.3-x86_64"
equal "warnings" "" "$(cat "$T/err")"
same_file "archives, with the payload named thrice" "$T/a.tar" "$T/b.tar"

step "imported as it is: the repositories are those of the source, the tags those of oc"
run 0 ociferry-import -q --write-config idms="$T/idms.yaml" "$T/a.tar" "$DST/mirror"
equal "tags of the payload" 4.16.3-x86_64 "$(tags_of "$DST" mirror/$REL)"
same_file "tags of the components" <(sed '1d;s/ .*//' "$T/want.tags" | sort) <(tags_of "$DST" mirror/$ART)
while read -r tag digest; do
    equal "digest of $tag" "$digest" "$(digest_of "$DST" mirror/$ART "$tag")"
done < <(sed 1d "$T/want.tags")
equal "digest of the payload" "$payload" "$(digest_of "$DST" mirror/$REL 4.16.3-x86_64)"
equal "the IDMS" "$SRC/openshift-release-dev $DST/mirror/openshift-release-dev" \
    "$(yq -r '.spec.imageDigestMirrors[] | "\(.source) \(.mirrors | join(" "))"' "$T/idms.yaml")"

step "imported as oc does it: all of it in one repository"
run 0 ociferry-import -q --map "$SRC/$REL=openshift/release" --map "$SRC/$ART=openshift/release" \
    --write-config idms="$T/idms.yaml" --write-config registries.conf="$T/registries.conf" "$T/a.tar" "$DST"
same_file "tags" <(sed 's/ .*//' "$T/want.tags" | sort) <(tags_of "$DST" openshift/release)
while read -r tag digest; do
    equal "digest of $tag" "$digest" "$(digest_of "$DST" openshift/release "$tag")"
done <"$T/want.tags"
printf '%s %s\n' "$SRC/$REL" "$DST/openshift/release" "$SRC/$ART" "$DST/openshift/release" >"$T/want"
same_file "the IDMS" "$T/want" \
    <(yq -r '.spec.imageDigestMirrors[] | "\(.source) \(.mirrors | join(" "))"' "$T/idms.yaml")

step "and by the mapping file that oc prints, which has the components by their digests"
start_registry MAPPED
{
    echo "$SRC/$REL:4.16.3-x86_64 $MAPPED/openshift/release:4.16.3-x86_64"
    sed -E "s,^(.*) (.*)\$,$SRC/$ART@\2 $MAPPED/openshift/release:4.16.3-x86_64-\1," "$T/components"
} >"$T/mapping.txt"
run 0 ociferry-import -q -f "$T/mapping.txt" "$T/a.tar" "$MAPPED"
same_file "tags" <(sed 's/ .*//' "$T/want.tags" | sort) <(tags_of "$MAPPED" openshift/release)

step "a cluster that asks for a component by its digest gets it from there"
read -r name digest < <(tail -n 1 "$T/components")
equal "$name by its digest" "$digest" "$(skopeo --registries-conf "$T/registries.conf" inspect \
    --tls-verify=false --raw "docker://$SRC/$ART@$digest" | sha256sum | sed 's/^\([0-9a-f]*\).*/sha256:\1/')"
at_least "requests to the mirror" 1 "$(grep -c "openshift/release/manifests/$digest" "$T/DST.registry.log" || true)"

step "zstd, no compression, and a list that a layer above has replaced"
for kind in zstd tar; do
    put_files $REL "$FILES" $kind
    make_image $REL $kind amd64 "$base" "$LAYER"
    jq '.metadata.name = "4.99.0"' "$T/list" >"$T/old"
    payload_files "$T/old"
    put_files $REL "$FILES" gzip
    old=$LAYER
    payload_files "$T/list"
    put_files $REL "$FILES" $kind
    make_image $REL $kind arm64 "$base" "$old" "$LAYER"
    run 0 ociferry-export -q --force -o "$T/a.tar" --openshift-release "$SRC/$REL:$kind"
    same_file "tags with $kind" <(sed '1d;s/x86_64/aarch64/' "$T/want.tags") <(names | sed '1d;s/^[^ ]*://')
done

step "for several architectures: oc's tag for lists, one list for all, and --platform"
index() {
    printf '%s\n' "$@" | jq -cn --arg t $oci.index.v1+json '{schemaVersion: 2, mediaType: $t, manifests: [inputs]}' >"$T/index"
    push_manifest "$SRC" $REL multi "$T/index"
}
make_image $REL digest amd64 "$base" "$release"
amd64=$CHILD
make_image $REL digest arm64 "$base" "$release"
arm64=$CHILD
echo '{"_type":"https://in-toto.io/Statement/v0.1"}' >"$T/statement"
push_blob "$SRC" $REL "$T/statement"
make_image $REL digest unknown "$(jq -c '{mediaType: "application/vnd.in-toto+json"} + .' <<<"$DESC")"
index "$amd64" "$arm64" "$(jq -c '.platform.os = "unknown"' <<<"$CHILD")"
run 0 ociferry-export --force -o "$T/a.tar" --openshift-release "$SRC/$REL:multi"
says "OpenShift 4\.16\.3 for multi"
same_file "tags" <(sed 's/x86_64/multi/;s/ .*//' "$T/want.tags") <(names | sed 's/^[^ ]*://;s/ .*//')
run 0 ociferry-export -q --force --platform linux/arm64 -o "$T/a.tar" --openshift-release "$SRC/$REL:multi"
equal "manifests left out" "$(jq -r .digest <<<"$amd64")" \
    "$(tar -xOf "$T/a.tar" index.json | jq -r '.annotations["io.ociferry.archive.left-out"]')"
jq 'del(.spec.tags[3])' "$T/list" >"$T/other"
payload_files "$T/other"
put_files $REL "$FILES" gzip
make_image $REL digest arm64 "$base" "$LAYER"
index "$amd64" "$CHILD"
run 3 ociferry-export -q --force -o "$T/a.tar" --openshift-release "$SRC/$REL:multi"
one_line
says "$REL:multi: its manifests $(jq -r .digest <<<"$amd64") and $(jq -r .digest <<<"$CHILD") list different images"
run 0 ociferry-export -q --force --platform linux/arm64 -o "$T/a.tar" --openshift-release "$SRC/$REL:multi"
equal "images" 20 "$(names | wc -l)"
run 1 ociferry-export -q --force --platform linux/s390x -o "$T/a.tar" --openshift-release "$SRC/$REL:multi"
says "has nothing for --platform linux/s390x"

step "what is no payload, or lists what it must not"
rm -f "$T/a.tar"
make_image $REL plain amd64 "$base"
run 1 ociferry-export -q -o "$T/a.tar" --openshift-release "$SRC/$REL:plain"
one_line
says "$REL:plain: is no release payload: no layer of manifest sha256:.* has release-manifests/image-references"
run 1 ociferry-export -q -o "$T/a.tar" --openshift-release "$SRC/$REL:none"
one_line
run 2 ociferry-export -q -o "$T/a.tar" --openshift-release 'UP:case'
says '^ociferry-export: error: --openshift-release: "UP:case'
# expect TEXT LAYER...: a payload of these layers fails, and says so.
expect() {
    local text=$1
    shift
    make_image $REL bad amd64 "$@"
    run "${STATUS:-3}" ociferry-export -q -o "$T/a.tar" --openshift-release "$SRC/$REL:bad"
    one_line
    says "$REL:bad: .*$text"
    absent "$T/a.tar"
    absent "$T/a.tar.partial"
}
rm -rf "$FILES" && mkdir -p "$FILES/release-manifests" && touch "$FILES/release-manifests/.wh.image-references"
put_files $REL "$FILES" gzip
STATUS=1 expect 'is no release payload: no layer' "$base" "$release" "$LAYER"
rm -rf "$FILES" && mkdir -p "$FILES/release-manifests" && ln -s /etc/passwd "$FILES/release-manifests/image-references"
put_files $REL "$FILES" gzip
expect 'image-references is not a regular file' "$base" "$release" "$LAYER"
payload_files <(jq '.spec.tags[2].from.name = "q.io/a:1"' "$T/list")
put_files $REL "$FILES" gzip
expect 'baremetal-operator: expected an image by its digest alone, found "q.io/a:1"' "$LAYER"
payload_files <(jq '.spec.tags[2].name = "a b"' "$T/list")
put_files $REL "$FILES" gzip
expect '"4\.16\.3-x86_64-a b", of version and name, cannot be a tag' "$LAYER"
payload_files <(head -c 5000000 /dev/zero)
put_files $REL "$FILES" gzip
expect 'image-references: .*limit' "$LAYER"
head -c 3000 /dev/urandom >"$T/noise"
push_blob "$SRC" $REL "$T/noise"
expect 'is not a tar' "$(jq -c --arg t $oci.layer.v1.tar '{mediaType: $t} + .' <<<"$DESC")"

step "a list from wrong bytes is not believed; a body that breaks off is asked for again"
digest=$(jq -r .digest <<<"$release")
start_proxy FAULTY "$STORE" --flip "GET /blobs/$digest 60"
run 3 ociferry-export -q -o "$T/a.tar" --openshift-release "$FAULTY/$REL:4.16.3-x86_64"
says "$digest"
start_proxy FAULTY "$STORE" --cut "GET /blobs/$digest 60 2"
run 0 ociferry-export -q --dry-run --openshift-release "$FAULTY/$REL:4.16.3-x86_64"
equal "requests for that layer" 3 "$(log_count FAULTY "GET .*/blobs/$digest")"

step "a component whose tag another image has: whoever is what the tag means keeps it"
read -r name digest < <(grep '^cli ' "$T/components")
raw "$SRC" $ART "$digest" >"$T/cli"
make_image $ART 4.16.3-x86_64-cli amd64 "$base"
run 0 ociferry-export -q -o "$T/a.tar" --openshift-release "$SRC/$REL:4.16.3-x86_64" "$SRC/$ART:4.16.3-x86_64-cli"
one_line
says "$ART:4\.16\.3-x86_64-cli@$digest: its tag has moved to $DIGEST: it goes by its digest alone"
names >"$T/names"
equal "images" 22 "$(wc -l <"$T/names")"
for name in ":4.16.3-x86_64-cli $DIGEST" "@$digest $digest"; do
    grep -qxF "$SRC/$ART$name" "$T/names" || fail "the archive has no $name"
done
push_manifest "$SRC" $ART 4.16.3-x86_64-cli "$T/cli"
run 0 ociferry-export -q --force -o "$T/a.tar" --openshift-release "$SRC/$REL:4.16.3-x86_64" "$SRC/$ART:4.16.3-x86_64-cli"
equal "warnings" "" "$(cat "$T/err")"
equal "images" 21 "$(names | wc -l)"
rm "$T/a.tar"

step "--keep-going: a release that cannot be had is left out, and a component that is gone"
run 6 ociferry-export -q --keep-going -o "$T/a.tar" --openshift-release "$SRC/$REL:bad" \
    --openshift-release "$SRC/$REL:4.16.3-x86_64"
says "left out: $SRC/$REL:bad: "
equal "images" 21 "$(names | wc -l)"
curl -sSf -X DELETE "http://$STORE/v2/$ART/manifests/$(sed -n 's/^etcd //p' "$T/components")"
run 1 ociferry-export -q --force -o "$T/b.tar" --openshift-release "$SRC/$REL:4.16.3-x86_64"
says "$ART:4\.16\.3-x86_64-etcd@sha256:.*404"
run 6 ociferry-export -q --keep-going --force -o "$T/b.tar" --openshift-release "$SRC/$REL:4.16.3-x86_64"
equal "what is missing" etcd "$(diff <(tar -xOf "$T/a.tar" index.json | jq '.manifests[].annotations[]' -r | grep : | sort) \
    <(tar -xOf "$T/b.tar" index.json | jq '.manifests[].annotations[]' -r | grep : | sort) | sed -n 's/^<.*x86_64-//p')"
