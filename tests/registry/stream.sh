#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "a large layer streams from registry to registry in little memory and with no file in between"

# FERRY_BIG_MIB=3072 shows that a larger layer needs no more.
mib=${FERRY_BIG_MIB:-1024}
[ -z "${FERRY_SANITIZED:-}" ] || mib=96
peak_limit=$((96 * 1024)) # KiB

# The layer goes straight into the storage of the registry: pushing it would take longer than the
# test itself.
storage=$T/SRC.storage/docker/registry/v2
put_blob() { # FILE
    local digest hex
    digest=$(openssl dgst -sha256 -r "$1" | cut -d' ' -f1)
    hex=$digest
    mkdir -p "$storage/blobs/sha256/${hex:0:2}/$hex" \
        "$storage/repositories/app/huge/_layers/sha256/$hex"
    mv "$1" "$storage/blobs/sha256/${hex:0:2}/$hex/data"
    printf 'sha256:%s' "$hex" >"$storage/repositories/app/huge/_layers/sha256/$hex/link"
    DIGEST=sha256:$hex
}
head -c $((mib * 1024 * 1024)) /dev/zero |
    openssl enc -aes-128-ctr -nosalt -K 00 -iv 00 2>/dev/null >"$T/layer"
put_blob "$T/layer"
layer=$DIGEST
printf '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["%s"]}}' "$layer" \
    >"$T/config"
size=$(file_size "$T/config")
put_blob "$T/config"
printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"%s","digest":"%s","size":%d},"layers":[{"mediaType":"%s","digest":"%s","size":%d}]}' \
    application/vnd.oci.image.manifest.v1+json application/vnd.oci.image.config.v1+json \
    "$DIGEST" "$size" application/vnd.oci.image.layer.v1.tar "$layer" $((mib * 1024 * 1024)) \
    >"$T/manifest"
start_registry SRC
start_registry DST
curl -sSf -X PUT -H 'Content-Type: application/vnd.oci.image.manifest.v1+json' \
    --data-binary "@$T/manifest" "http://$SRC/v2/app/huge/manifests/1"

# [R19]
step "a layer of $mib MiB: export | import, with a TMPDIR that cannot be written to"
mkdir "$T/cwd" "$T/tmp"
chmod a-w "$T/tmp" "$T/home"
find "/proc/$$/fd" -type l -printf '%l\n' >"$T/inherited"
RAN="ociferry-export -j 8 -o - | ociferry-import -j 8 -"
(
    cd "$T/cwd" || exit
    export TMPDIR=$T/tmp
    set -o pipefail
    measure "$T/export.json" ociferry-export -j 8 -o - "$SRC/app/huge:1" 2>"$T/err" |
        measure "$T/import.json" ociferry-import -j 8 - "$DST" >"$T/out" 2>"$T/err2"
) &
pipe=$!
# Of the processes in that folder two are ours; what they hold open is noted.
while kill -0 $pipe 2>/dev/null; do
    { find /proc -maxdepth 2 -path '/proc/[0-9]*/cwd' -lname "$T/cwd" 2>/dev/null || true; } |
        while read -r cwd; do
            if grep -q '^ociferry-' "${cwd%cwd}comm" 2>/dev/null; then
                find "${cwd%cwd}fd" -type l -printf '%l\n' 2>/dev/null || true
            fi
        done >>"$T/held"
    sleep 0.1
done
wait $pipe || { cat "$T/err2" >>"$T/err"; fail "the pipe failed"; }
at_least "times that they were looked at" 3 "$(grep -c 'socket:' "$T/held" || true)"
equal "files that they held open" "" \
    "$(grep '^/' "$T/held" | grep -vxF -f "$T/inherited" |
        grep -vE "^(/dev/|/etc/|/usr/|/proc/|$T/(err2?|out)$)" | sort -u || true)"
equal "what they left behind" "" "$(find "$T/cwd" "$T/tmp" "$T/home" -mindepth 1)"
same_images "$SRC" "$DST" app/huge:1

for side in export import; do
    echo "  $side: $(cat "$T/$side.json")"
    [ -n "${FERRY_SANITIZED:-}" ] ||
        at_most "peak memory of the $side in KiB" $peak_limit "$(jq .peak_kib "$T/$side.json")"
done
rm -rf "$T/DST.storage"

step "export to a file writes each byte once"
run 0 measure "$T/file.json" ociferry-export -j 8 -o "$T/huge.tar" "$SRC/app/huge:1"
echo "  export: $(cat "$T/file.json")"
written=$(jq .written "$T/file.json")
[ "$written" -eq -1 ] || {
    at_least "bytes written" "$(file_size "$T/huge.tar")" "$written"
    at_most "bytes written" $(($(file_size "$T/huge.tar") + 2 * 1024 * 1024)) "$written"
}
[ -n "${FERRY_SANITIZED:-}" ] ||
    at_most "peak memory in KiB" $peak_limit "$(jq .peak_kib "$T/file.json")"

step "verify needs little memory as well"
run 0 measure "$T/verify.json" ociferry-verify "$T/huge.tar"
echo "  verify: $(cat "$T/verify.json")"
[ -n "${FERRY_SANITIZED:-}" ] ||
    at_most "peak memory in KiB" $peak_limit "$(jq .peak_kib "$T/verify.json")"
