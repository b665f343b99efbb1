#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "skopeo and umoci read our archives"

start_source SRC
start_registry DST
mapfile -t refs < <(at "$SRC" "${REFS[@]}")
is_docker() { raw "$SRC" "${1%:*}" "${1#*:}" | grep vnd.docker.distribution >/dev/null; }

# [W13] [W14]
step "skopeo reads each image of an archive with several, by its name"
run 0 ociferry-export --ref-name full -o "$T/full.tar" "${refs[@]}"
for ref in "${REFS[@]}"; do
    # Before 1.10 skopeo finds OCI media types alone by name; Docker's are tried alone further down.
    ! is_docker "$ref" || continue
    run 0 skopeo copy -q --insecure-policy --all --preserve-digests --dest-tls-verify=false \
        "oci-archive:$T/full.tar:$SRC/$ref" "docker://$DST/by-full-name/$ref"
done
mapfile -t plain < <(for ref in "${REFS[@]}"; do is_docker "$ref" || echo "$ref"; done)
same_images "$SRC" "$DST/by-full-name" "${plain[@]}"

step "skopeo reads an image by its tag, which is what ref.name holds if nothing is said"
run 0 ociferry-export -o "$T/tag.tar" "$SRC/app/multi:1" "$SRC/app/web:latest"
run 0 skopeo copy -q --insecure-policy --all --preserve-digests --dest-tls-verify=false \
    "oci-archive:$T/tag.tar:1" "docker://$DST/by-tag/app/multi:1"
run 0 skopeo copy -q --insecure-policy --all --preserve-digests --dest-tls-verify=false \
    "oci-archive:$T/tag.tar:latest" "docker://$DST/by-tag/app/web:latest"
same_images "$SRC" "$DST/by-tag" app/multi:1 app/web:latest

step "skopeo reads a Docker image and a Docker list that are alone"
for ref in app/docker:1 app/list:1; do
    run 0 ociferry-export --force -o "$T/one.tar" "$SRC/$ref"
    run 0 skopeo copy -q --insecure-policy --all --preserve-digests --dest-tls-verify=false \
        "oci-archive:$T/one.tar" "docker://$DST/alone/$ref"
done
same_images "$SRC" "$DST/alone" app/docker:1 app/list:1

# [W19] [W20] [W21]
step "skopeo reads it as docker-archive, through manifest.json"
tar -xOf "$T/full.tar" manifest.json | jq -r '.[].RepoTags[]' | sort >"$T/tags"
for ref in app/base:1 app/web:1 app/web:latest app/docker:1 app/list:1 app/multi:1 app/zstd:1 \
    app/plain:1 app/hollow:1 app/big:1; do
    grep -qxF "$SRC/$ref" "$T/tags" || fail "manifest.json does not name $ref"
    rm -rf "$T/dir"
    run 0 skopeo copy -q --insecure-policy "docker-archive:$T/full.tar:$SRC/$ref" "dir:$T/dir"
done
step "and what is in there is what was pushed"
run 0 skopeo copy -q --insecure-policy "docker-archive:$T/full.tar:$SRC/app/zstd:1" "dir:$T/zstd"
diff_id=$(raw "$SRC" app/zstd 1 | jq -r .config.digest)
diff_id=$(curl -s "http://$SRC/v2/app/zstd/blobs/$diff_id" | jq -r '.rootfs.diff_ids[0]')
there "$T/zstd/${diff_id#sha256:}"

# [W19] [W22]
step "what no engine can run is not in manifest.json"
! grep -q art/sbom "$T/tags" || fail "manifest.json names an artifact"
tar -xOf "$T/full.tar" manifest.json | jq -r '.[].Config' | while read -r config; do
    tar -xOf "$T/full.tar" "$config" | jq -e '.os == "linux"' >/dev/null || fail "$config: not linux"
done
run 0 ociferry-export -o "$T/sbom.tar" "$SRC/art/sbom:1"
equal "manifest.json of an artifact alone" "" "$(tar -tf "$T/sbom.tar" | grep -x manifest.json || true)"

step "umoci reads the layout"
if command -v umoci >/dev/null; then
    mkdir "$T/layout"
    tar -xf "$T/tag.tar" -C "$T/layout"
    run 0 umoci list --layout "$T/layout"
    prints '^latest$'
    run 0 umoci unpack --rootless --image "$T/layout:latest" "$T/bundle"
    there "$T/bundle/rootfs/opt/five/data"
else
    echo "  no umoci here"
fi

if [ "$(id -u)" -eq 0 ]; then
    step "skopeo reads it as an ordinary user too, who may not give folders to root"
    chmod 711 "$T"
    mkdir -m 777 "$T/nobody"
    run 0 setpriv --reuid 65534 --regid 65534 --clear-groups env HOME="$T/nobody" TMPDIR="$T/nobody" \
        XDG_RUNTIME_DIR="$T/nobody" \
        skopeo copy --all --preserve-digests --dest-tls-verify=false \
        "oci-archive:$T/tag.tar:latest" "docker://$DST/by-nobody/app/web:latest"
fi
