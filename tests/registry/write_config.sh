#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "a cluster finds the images: what --write-config writes, and that it is used"

start_registry DST
start_source SRC
names=(app/base:1 app/web:1 app/web:latest app/docker:1)
mapfile -t refs < <(at "$SRC" "${names[@]}")
run 0 ociferry-export -o "$T/a.tar" "${refs[@]}" "$SRC/art/sbom:1"

step "registries.conf: one prefix for a namespace, and one for what does not fit it"
run 0 ociferry-import --map "$SRC/app/docker=elsewhere/engine" \
    --write-config registries.conf="$T/registries.conf" "$T/a.tar" "$DST/mirror"
cat >"$T/want" <<CONF
[[registry]]
prefix = "$SRC/app"
location = "$SRC/app"

[[registry.mirror]]
location = "$DST/mirror/app"
insecure = true

[[registry]]
prefix = "$SRC/app/docker"
location = "$SRC/app/docker"

[[registry.mirror]]
location = "$DST/mirror/elsewhere/engine"
insecure = true

[[registry]]
prefix = "$SRC/art/sbom"
location = "$SRC/art/sbom"

[[registry.mirror]]
location = "$DST/mirror/art/sbom"
insecure = true
CONF
same_file registries.conf "$T/want" "$T/registries.conf"
absent "$T/registries.conf.partial"

step "hosts.toml: a folder, with a file for each source registry"
run 0 ociferry-import --write-config hosts.toml="$T/certs.d" "$T/a.tar" "$DST/mirror"
printf '[host."http://%s/v2/mirror"]\n  capabilities = ["pull", "resolve"]\n  override_path = true\n' \
    "$DST" >"$T/want"
same_file hosts.toml "$T/want" "$T/certs.d/$SRC/hosts.toml"
equal "files in certs.d" 1 "$(find "$T/certs.d" -type f | wc -l)"

step "OpenShift's objects, as their schemas want them"
run 0 ociferry-import --write-config idms="$T/idms.yaml" --write-config itms="$T/itms.yaml" \
    --write-config icsp="$T/icsp.yaml" "$T/a.tar" "$DST/mirror"
# The patterns of source and mirrors in the definitions of ImageDigestMirrorSet and ImageTagMirrorSet.
part='([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])'
pattern="^$part(\\.$part)*(:[0-9]+)?(/[a-z0-9]+((([._]|__|-*)[a-z0-9]+)+)?)*\$"
# schema FILE API KIND LIST
schema() {
    yq . "$1" | jq -e --arg api "$2" --arg kind "$3" --arg list "$4" --arg pattern "$pattern" '
        (keys == ["apiVersion", "kind", "metadata", "spec"]) and
        .apiVersion == $api and .kind == $kind and
        (.metadata | keys == ["name"]) and
        (.metadata.name | test("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")) and
        (.spec | keys == [$list]) and (.spec[$list] | length) > 0 and
        all(.spec[$list][]; keys == ["mirrors", "source"] and
            (.source | test($pattern)) and (.mirrors | length) > 0 and
            (.mirrors | unique | length) == (.mirrors | length) and
            all(.mirrors[]; test($pattern)))' >"$T/out" || fail "$1 is not what its schema wants"
}
schema "$T/idms.yaml" config.openshift.io/v1 ImageDigestMirrorSet imageDigestMirrors
schema "$T/itms.yaml" config.openshift.io/v1 ImageTagMirrorSet imageTagMirrors
schema "$T/icsp.yaml" operator.openshift.io/v1alpha1 ImageContentSourcePolicy repositoryDigestMirrors
equal "sources of the ITMS" "$SRC/app $SRC/art/sbom" \
    "$(yq -r '[.spec.imageTagMirrors[].source] | join(" ")' "$T/itms.yaml")"
name=$(yq -r .metadata.name "$T/idms.yaml")

step "on stdout, as one stream of YAML"
run 0 ociferry-import -q --write-config idms=- --write-config itms=- "$T/a.tar" "$DST/mirror"
same_file "IDMS and ITMS on stdout" "$T/out" <(cat "$T/idms.yaml" "$T/itms.yaml")

step "another import has an object of its own; the same again has the same"
run 0 ociferry-import --image '*/sbom:1' --write-config idms="$T/other.yaml" "$T/a.tar" "$DST/mirror"
[ "$name" != "$(yq -r .metadata.name "$T/other.yaml")" ] || fail "two objects of one name"
run 0 ociferry-import --write-config idms="$T/again.yaml" "$T/a.tar" "$DST/mirror"
same_file "the IDMS of the same import" "$T/idms.yaml" "$T/again.yaml"

step "a dry run writes nothing"
run 0 ociferry-import --dry-run --write-config idms="$T/dry.yaml" --write-config hosts.toml="$T/dry.d" \
    "$T/a.tar" "$DST/mirror"
says 'dry\.yaml'
absent "$T/dry.yaml"
absent "$T/dry.yaml.partial"
absent "$T/dry.d"

step "what cannot be written, or said in a kind, fails before the first request"
nowhere=127.0.0.1:$(dead_port)
bad() { # STATUS WORDS OPTION...
    local status=$1 words=$2
    shift 2
    run "$status" ociferry-import -q --retries 0 "$@" "$T/a.tar" "$nowhere/mirror"
    one_line
    says "$words"
    equal "what is left behind" "" "$(find "$T" -name '*.partial' -o -name 'new*')"
}
bad 1 'no-such-folder/idms' --write-config idms="$T/no-such-folder/idms.yaml"
bad 1 'no-such-folder/certs' --write-config hosts.toml="$T/no-such-folder/certs.d"
bad 1 "$T/home" --write-config idms="$T/home"
bad 2 'hosts.toml .*app/docker goes to .*mirror/x: use registries.conf' \
    --write-config idms="$T/new.yaml" --write-config hosts.toml="$T/new.d" --map "$SRC/app/docker=x"
bad 2 'registries.conf or hosts.toml' --write-config crio="$T/new"
bad 2 'KIND=FILE' --write-config idms
bad 2 'KIND=FILE' --write-config idms=
bad 2 'named twice' --write-config idms="$T/new" --write-config itms="$T/new"
bad 2 'stdout is for --json' --json --write-config idms=-
bad 2 'folder' --write-config hosts.toml=-

step "two repositories become one, with tags that only one of them has: who asks by tag is warned of"
merge=(--image '*/base:1' --image '*/web:latest' --map "$SRC/app/base=merged" --map "$SRC/app/web=merged")
for kind in itms registries.conf; do
    run 0 ociferry-import --write-config "$kind=$T/merged.$kind" "${merge[@]}" "$T/a.tar" "$DST"
    says "whoever asks for $SRC/app/(base|web):(1|latest) gets $SRC/app/(web|base):(1|latest).*--keep-registry"
done
run 0 ociferry-import --write-config idms=- "${merge[@]}" "$T/a.tar" "$DST/by-digest"
says_not "whoever asks"

step "a failing import leaves what was there"
cp "$T/idms.yaml" "$T/kept.yaml"
run 5 ociferry-import -q --retries 0 --write-config idms="$T/kept.yaml" \
    --write-config hosts.toml="$T/kept.d" "$T/a.tar" "$nowhere/mirror"
same_file "the file of before" "$T/idms.yaml" "$T/kept.yaml"
absent "$T/kept.d"

step "images that failed are left out, and a file without images is not written"
layer=$(raw "$SRC" app/docker 1 | jq -r '.layers[1].digest')
cp "$T/a.tar" "$T/bad.tar"
flip "$T/bad.tar" $(($(entry_offset "$T/bad.tar" "blobs/sha256/${layer#sha256:}") + 30))
run 3 ociferry-import --map "$SRC/app/docker=engine" --write-config registries.conf="$T/some.conf" \
    "$T/bad.tar" "$DST/some"
grep -qF "prefix = \"$SRC/app\"" "$T/some.conf" || fail "what was imported is not in it"
! grep -q engine "$T/some.conf" || fail "an image that failed is in it"
run 3 ociferry-import --image '*/docker:1' --write-config idms="$T/new.yaml" "$T/bad.tar" "$DST/none"
says 'new.yaml is not written'
absent "$T/new.yaml"

step "names that no configuration can lead to are warned of"
run 0 ociferry-import --image '*/base:1' --write-config idms="$T/idms.yaml" "$T/a.tar" "$DST/one/base:renamed"
says_not 'found by its digest'
run 0 ociferry-import --image '*/base:1' --write-config itms="$T/itms.yaml" "$T/a.tar" "$DST/one/base:renamed"
says 'app/base:1 is .*:renamed now: .* found by its digest alone'
skopeo copy -q --src-tls-verify=false "docker://$SRC/app/base:1" "oci-archive:$T/skopeo.tar:one"
run 2 ociferry-import --write-config idms="$T/new.yaml" "$T/skopeo.tar" "$DST/one/base"
says 'no image has a registry in its name'

step "docker.io, under its full name"
mkdir "$T/hub"
tar -C "$T/hub" -xf "$T/a.tar"
sed "s,$SRC/app/base:1,docker.io/library/base:1," "$T/hub/index.json" >"$T/index.json"
mv "$T/index.json" "$T/hub/index.json"
run 0 ociferry-import --image 'base:1' --write-config registries.conf="$T/hub.conf" \
    --write-config hosts.toml="$T/hub.d" "$T/hub" "$DST/hub"
prefix="docker.io/library/base"
grep -qF "prefix = \"$prefix\"" "$T/hub.conf" || fail "the prefix is not $prefix"
there "$T/hub.d/docker.io/hosts.toml"
raw "$SRC" app/base 1 >"$T/base"
run 0 skopeo --registries-conf "$T/hub.conf" inspect --raw docker://base:1
same_file "base:1 of docker.io" "$T/base" "$T/out"

for name in "${names[@]}"; do
    raw "$SRC" "${name%:*}" "${name#*:}" >"$T/manifest.${name//[\/:]/.}"
done
stop_last

step "the source is down: skopeo finds each image through registries.conf, by tag and by digest"
for name in "${names[@]}"; do
    raw=$T/manifest.${name//[\/:]/.}
    run 0 skopeo --registries-conf "$T/registries.conf" inspect --raw "docker://$SRC/$name"
    same_file "$name by tag" "$raw" "$T/out"
    run 0 skopeo --registries-conf "$T/registries.conf" inspect --raw \
        "docker://$SRC/${name%:*}@sha256:$(sha256sum <"$raw" | cut -d' ' -f1)"
    same_file "$name by digest" "$raw" "$T/out"
done
run 1 skopeo --registries-conf /dev/null inspect --raw "docker://$SRC/app/web:1"
