#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
. "$SUPPORT/certs.sh" || exit
goal "proxies that the environment names: used, shown their own credentials and no others, and named when they fail"
command -v nginx >/dev/null || skip "no nginx"

unset no_proxy NO_PROXY
need_images
start_registry STORE "$T/store" auth
start_registry PLAIN "$IMAGES/registry" auth
make_ca ours
make_cert ours server DNS:registry.test
start_nginx SRC "$PLAIN" server
start_nginx DST "$STORE" server

COMMON=(--retries 0 --cacert "$T/ours.crt" --creds user:secret)
export_it() { ociferry-export --force -o "$T/a.tar" "${COMMON[@]}" "$@" registry.test/app/web:1; }
import_it() { ociferry-import "${COMMON[@]}" "$@" "$T/a.tar" registry.test; }
with() { # VARIABLE=VALUE... FUNCTION ARGUMENT...
    local given=()
    while [[ $1 == *=* ]]; do
        given+=("$1")
        shift
    done
    (export "${given[@]}" && "$@")
}

step "HTTPS_PROXY, with credentials in its URL; both directions"
start_connect P "$SRC" --user 'proxy us@r:hid:den'
start_connect Q "$DST" --user 'proxy us@r:hid:den'
run 0 with HTTPS_PROXY="http://proxy%20us%40r:hid%3Aden@$P" export_it -v
says "GET https://registry.test(:443)?/v2/app/web/manifests/1: 200"
says_not "hid|us@r|secret"
at_least "tunnels" 1 "$(log_count P '^CONNECT registry.test:443 proxy-auth=yes auth=no status=200')"
equal "credentials of the proxy that reached the registry" 0 \
    "$(grep -c 'auth="Basic cHJveHk' "$T/SRC.access" || true)"
at_least "requests with those of the registry" 3 "$(grep -c 'auth="Basic dXNlcjpzZWNyZXQ="' "$T/SRC.access")"
run 0 with https_proxy="http://proxy%20us%40r:hid%3Aden@$Q" import_it
CURL_AUTH=user:secret
equal "status of the tag" 200 "$(status_of "http://$STORE/v2/app/web/manifests/1")"
equal "registry's credentials that the proxies saw" 0 "$(cat "$T/P.log" "$T/Q.log" | grep -c ' auth=yes' || true)"

step "a proxy that wants credentials: exit 4, and what to do"
run 4 with HTTPS_PROXY="http://$P" export_it
says "proxy wants credentials"
run 4 with HTTPS_PROXY="http://proxy:wrong-password@$P" export_it
says "proxy"
says_not "wrong-password"

step "a proxy that refuses, that cannot reach the registry, that is not there, that nobody knows"
start_connect DENIED "$SRC" --status 403
run 5 with HTTPS_PROXY="http://$DENIED" export_it
says "the proxy .*403"
start_connect LOST "127.0.0.1:$(dead_port)"
run 5 with HTTPS_PROXY="http://$LOST" export_it
says "the proxy .*502"
run 5 with HTTPS_PROXY="http://name:hidden@127.0.0.1:$(dead_port)" export_it
says "cannot connect to the proxy"
says_not hidden
run 5 with HTTPS_PROXY="http://name:hidden@proxy.invalid:3128" export_it
says "proxy.*unknown host"
says_not hidden

step "a proxy that fails for a moment is tried again"
start_connect AGAIN "127.0.0.1:$(dead_port)"
run 5 with HTTPS_PROXY="http://$AGAIN" export_it --retries 2
says "trying again"
equal "attempts" 3 "$(log_count AGAIN '^CONNECT .*status=502')"

step "NO_PROXY, and loopback, go around it"
lines=$(wc -l <"$T/P.log")
run 5 with HTTPS_PROXY="http://$P" NO_PROXY=registry.test export_it
says "unknown host"
run 0 with HTTPS_PROXY="http://$P" HTTP_PROXY="http://$P" http_proxy="http://$P" \
    ociferry-export --creds user:secret --force -o "$T/b.tar" "$PLAIN/app/web:1"
equal "requests to the proxy meanwhile" "$lines" "$(wc -l <"$T/P.log")"
