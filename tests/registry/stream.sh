#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "a large layer streams from registry to registry in little memory and with no file in between"

# FERRY_BIG_MIB=3072 shows that a larger layer needs no more.
mib=${FERRY_BIG_MIB:-1024}
[ -z "${FERRY_SANITIZED:-}" ] || mib=96
peak_limit=$((96 * 1024)) # KiB

# shellcheck disable=SC2046
store_image SRC app/middling 1 $(printf '20 %.0s' {1..12})
store_image SRC app/huge 2 "$mib"
start_registry SRC
start_registry DST
put_image "$SRC" app/middling 1
put_image "$SRC" app/huge 2
layer=${LAYERS[0]}

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
    measure "$T/export.json" ociferry-export -j 8 -o - "$SRC/app/huge:2" 2>"$T/err" |
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
same_images "$SRC" "$DST" app/huge:2

for side in export import; do
    echo "  $side: $(cat "$T/$side.json")"
    [ -n "${FERRY_SANITIZED:-}" ] ||
        at_most "peak memory of the $side in KiB" $peak_limit "$(jq .peak_kib "$T/$side.json")"
done
rm -rf "$T/DST.storage"

step "export to a file writes each byte once"
run 0 measure "$T/file.json" ociferry-export -j 8 -o "$T/huge.tar" "$SRC/app/huge:2"
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

# Buffers of one layer must not stay with the thread that had it.
step "many layers of middling size, through a pipe"
run 0 ociferry-export -o "$T/middling.tar" "$SRC/app/middling:1"
RAN="ociferry-import -j 8 - <middling.tar"
measure "$T/middling.json" ociferry-import -j 8 - "$DST" <"$T/middling.tar" >"$T/out" 2>"$T/err"
echo "  import: $(cat "$T/middling.json")"
same_images "$SRC" "$DST" app/middling:1
[ -n "${FERRY_SANITIZED:-}" ] ||
    at_most "peak memory in KiB" $peak_limit "$(jq .peak_kib "$T/middling.json")"
