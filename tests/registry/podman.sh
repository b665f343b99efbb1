#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
. "$SUPPORT/attach.sh" || exit
command -v podman >/dev/null || skip "no podman here"
goal "podman loads our archives, and what it saves is imported"

start_source SRC
start_registry SIGNED
start_registry DST
# Storage of its own, which needs neither a daemon nor a mount.
pod() {
    podman --root "$T/pod/root" --runroot "$T/pod/run" --storage-driver vfs --events-backend none \
        --cgroup-manager cgroupfs "$@"
}
forget() { rm -rf "$T/pod"; }

# Where podman cannot unpack what another tool wrote, as in some containers, there is nothing to see.
skopeo copy -q --src-tls-verify=false "docker://$SRC/app/base:1" "docker-archive:$T/other.tar:other:1"
pod load -q -i "$T/other.tar" >"$T/out" 2>"$T/err" || skip "podman loads nothing here: $(tail -n 1 "$T/err")"
forget

# loaded NAME...: these images are what podman has now.
loaded() {
    equal "what podman loaded" "$(printf '%s\n' "$@" | sort)" \
        "$(pod images --format '{{.Repository}}:{{.Tag}}' | sort)"
}

step "one image, of several platforms"
run 0 ociferry-export -o "$T/one.tar" "$SRC/app/multi:1"
run 0 pod load -q -i "$T/one.tar"
loaded "$SRC/app/multi:1"
forget

step "many of all kinds, with an artifact among them: those that podman can run, through manifest.json"
run 0 ociferry-export -o "$T/many.tar" "$SRC/app/multi:1" "$SRC/app/web:1" "$SRC/app/web:latest" \
    "$SRC/app/docker:1" "$SRC/app/zstd:1" "$SRC/app/plain:1" "$SRC/art/sbom:1"
run 0 pod load -q -i "$T/many.tar"
loaded "$SRC"/app/{multi:1,web:1,web:latest,docker:1,zstd:1,plain:1}
diff_ids() { jq -c .rootfs.diff_ids "$1"; }
for name in web zstd docker; do
    config=$(raw "$SRC" app/$name 1 | jq -r .config.digest)
    curl -sSf "http://$SRC/v2/app/$name/blobs/$config" >"$T/config"
    pod image inspect --format '{{json .RootFS.Layers}}' "$SRC/app/$name:1" >"$T/layers"
    equal "layers of $name" "$(diff_ids "$T/config")" "$(cat "$T/layers")"
done
forget

step "a signed image: its signature is no image to podman"
skopeo copy -q --src-tls-verify=false --dest-tls-verify=false "docker://$SRC/app/web:1" "docker://$SIGNED/app/web:1"
sign "$SIGNED" app/web "$(digest_of "$SIGNED" app/web 1)"
run 0 ociferry-export -o "$T/signed.tar" "$SIGNED/app/web:1"
says "1 image with 1 referrer"
run 0 pod load -q -i "$T/signed.tar"
loaded "$SIGNED/app/web:1"

step "what it saves is imported"
run 0 pod save -q --format oci-archive -o "$T/saved.tar" "$SIGNED/app/web:1"
run 0 ociferry-verify --deep "$T/saved.tar"
run 0 ociferry-import "$T/saved.tar" "$DST/saved"
run 0 skopeo inspect --tls-verify=false --config "docker://$DST/saved/app/web:1"
config=$(raw "$SIGNED" app/web 1 | jq -r .config.digest)
curl -sSf "http://$SIGNED/v2/app/web/blobs/$config" >"$T/config"
equal "layers of what was saved" "$(diff_ids "$T/config")" "$(diff_ids "$T/out")"
