#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
. "$SUPPORT/certs.sh" || exit
goal "a layer larger than a proxy permits arrives without a flag; a pipe that stands still costs no upload"
command -v nginx >/dev/null || skip "no nginx"

# FERRY_LAYER_MIB=6144 FERRY_LIMIT=100m shows the same on a real scale.
mib=${FERRY_LAYER_MIB:-24} limit=${FERRY_LIMIT:-4m}
store_image SRC app/big 1 "$mib" 2
start_registry SRC
put_image "$SRC" app/big 1
run 0 ociferry-export -o "$T/a.tar" "$SRC/app/big:1"
make_ca ours
make_cert ours server DNS:localhost

# before N DIRECTIVES: the Nth empty registry STORE behind nginx, DST.
before() {
    if [ "$1" -gt 1 ]; then
        stop_last
        stop_last
        rm -rf "$T"/STORE*.storage
    fi
    start_registry STORE "$T/STORE$1.storage"
    start_nginx DST "$STORE" server "$2"
    : >"$T/DST.access"
}
import_it() { measure "$T/m.json" ociferry-import --cacert "$T/ours.crt" "$@"; }
arrived() {
    same_images "$SRC" "$STORE" app/big:1
    # 24, 16, 8, 4: each lesson is learnt once, and one note is enough.
    equal "notes about the limit" "$1" "$(grep -c 413 "$T/err" || true)"
    at_most "requests that were too large" $((6 * $1)) "$(grep -c 'status=413' "$T/DST.access" || true)"
    equal "other requests that failed" "" \
        "$(grep -E ' status=[45]' "$T/DST.access" | grep -vE '^HEAD .* status=404|status=413' || true)"
    [ -n "${FERRY_SANITIZED:-}" ] || at_most "peak memory in KiB" $((96 * 1024)) "$(jq .peak_kib "$T/m.json")"
    echo "  $(cat "$T/m.json"); $(grep -c '^PATCH .* status=202' "$T/DST.access" || true) chunks"
}

step "from a file, through a proxy that permits $limit"
before 1 "client_max_body_size $limit;"
run 0 import_it "$T/a.tar" "$DST"
arrived 1

step "from a pipe, through a proxy that keeps requests until they are whole"
before 2 "client_max_body_size $limit; proxy_request_buffering on;"
# shellcheck disable=SC2317
from_pipe() { cat "$T/a.tar" | import_it - "$DST"; }
run 0 from_pipe
if [ "$limit" = 4m ]; then # what comes from a pipe never goes out in more than 8 MiB
    arrived 1
else
    arrived 0
fi

step "chunks as they are asked for"
before 3 ""
run 0 import_it --chunk-size 5M "$T/a.tar" "$DST"
arrived 0
equal "chunks" $(((mib + 4) / 5)) "$(grep -c '^PATCH .* status=202' "$T/DST.access")"

step "a limit that no chunk meets: no tag, and it is said why"
before 4 "client_max_body_size 100k;"
run 1 import_it "$T/a.tar" "$DST"
says '413.*limit'
no_image "$STORE" app/big 1
at_least "uploads that were cancelled" 1 "$(grep -c '^DELETE .*/uploads/' "$T/DST.access")"
# The registry leaves the hash of what it cancels. A second is little for a sanitizer.
[ -n "${FERRY_SANITIZED:-}" ] || equal "uploads that were left open" "" \
    "$(find "$T/STORE4.storage" -path '*/_uploads/*' -name startedat)"

step "a pipe that stands still twice for longer than the proxy waits for a request"
before 5 "client_body_timeout 1s; send_timeout 1s; keepalive_timeout 1s;"
# shellcheck disable=SC2317
haltingly() {
    {
        head -c 3000000
        sleep 2.5
        head -c 12000000
        sleep 2.5
        cat
    } <"$T/a.tar" | import_it - "$DST"
}
run 0 haltingly
arrived 0
