#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
. "$SUPPORT/certs.sh" || exit
goal "a proxy that holds replies back until it has scanned them is waited for, and nothing dies of idleness at the other end of the pipe"
command -v nginx >/dev/null || skip "no nginx"

# FERRY_HOLD=75 shows that the limit without --timeout is longer than that behind a proxy.
hold=${FERRY_HOLD:-3}
unset no_proxy NO_PROXY
start_source STORE # not to be written to
make_ca ours
make_cert ours server DNS:registry.test,DNS:localhost

# scanning RULE: registry.test, reached through the proxy P, answers so.
scanning() {
    start_proxy SLOW "$STORE" "$@"
    start_nginx SRC "$SLOW" server "proxy_read_timeout 900s;"
    start_connect P "$SRC"
}
export_it() { HTTPS_PROXY=http://$P ociferry-export --cacert "$T/ours.crt" "$@" registry.test/app/big:1; }

step "held for longer than --timeout says"
scanning --hold "GET /blobs/ 600"
run 5 export_it --timeout 1 -o "$T/a.tar"
says "registry.test.*stalled: no reply in 1 s.*proxy that scans .*--timeout"
absent "$T/a.tar"

step "every blob held for $hold s: the export waits"
scanning --hold "GET /blobs/ $hold"
run 0 export_it -o "$T/a.tar"
run 0 ociferry-verify "$T/a.tar"
says_not "stall|trying again"

step "and so does an import at the other end of a pipe, into a registry that waits for nothing longer than a second"
scanning --hold "GET /blobs/ $hold" # servers of their own: they live ten minutes
start_registry FAR
start_nginx DST "$FAR" server "client_body_timeout 1s; client_header_timeout 1s; send_timeout 1s; keepalive_timeout 1s;"
# shellcheck disable=SC2317
across() { export_it -q -o - | ociferry-import --cacert "$T/ours.crt" --timeout 2 - "$DST"; }
run 0 across
says_not "stall|trying again"
same_images "$STORE" "$FAR" app/big:1
equal "requests that failed" "" "$(grep -E ' status=[45]' "$T/DST.access" | grep -v '^HEAD .* status=404' || true)"
