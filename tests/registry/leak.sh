#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
. "$SUPPORT/certs.sh" || exit
goal "credentials are seen by the registry, and by the token service that it names over TLS, and by nobody else"
command -v nginx >/dev/null || skip "no nginx"

unset no_proxy NO_PROXY
start_source PLAIN
start_registry STORE
make_ca ours
make_cert ours server DNS:localhost,DNS:registry.test
printf '%s\n' "user:$(openssl passwd -apr1 secret)" >"$T/htpasswd"
GUARD="auth_basic ferry; auth_basic_user_file $T/htpasswd;"
COMMON=(--retries 0 --cacert "$T/ours.crt" --creds user:secret)
export_it() { ociferry-export --force -o "$T/a.tar" "${COMMON[@]}" "$@"; }

# with_credentials NAME: the requests of this nginx that came with any.
with_credentials() { grep -c 'auth="[^-]' "$T/$1.access" || true; }

step "export: a redirect to another port"
start_nginx ELSEWHERE "$PLAIN" server
start_nginx FIRST "$PLAIN" server "$GUARD location ~ /blobs/ { return 307 https://$ELSEWHERE\$request_uri; }"
: >"$T/ELSEWHERE.access"
run 0 export_it "$FIRST/app/web:1"
at_least "requests with credentials at the registry" 3 "$(with_credentials FIRST)"
at_least "requests elsewhere" 3 "$(grep -c 'status=20' "$T/ELSEWHERE.access")"
equal "requests with credentials elsewhere" 0 "$(with_credentials ELSEWHERE)"

step "export: a redirect to plain HTTP is not followed"
start_proxy OPEN "$PLAIN"
start_nginx DOWN "$PLAIN" server "$GUARD location ~ /blobs/ { return 307 http://$OPEN\$request_uri; }"
run 5 export_it "$DOWN/app/web:1"
says "plain http.*refused"
equal "requests that came" 0 "$(wc -l <"$T/OPEN.log")"

step "import: the Location of an upload on another host, and over plain HTTP"
start_nginx AWAY "$STORE" server
start_nginx DST "$STORE" server "$GUARD proxy_redirect ~^https?://[^/]+(/v2/.*)\$ https://$AWAY\$1;"
: >"$T/AWAY.access"
run 0 ociferry-import "${COMMON[@]}" "$T/a.tar" "$DST"
at_least "uploads that went there" 3 "$(grep -cE '^(PUT|PATCH) .*status=20' "$T/AWAY.access")"
equal "requests with credentials there" 0 "$(with_credentials AWAY)"
start_proxy OPEN "$STORE"
start_nginx DST2 "$STORE" server "$GUARD proxy_redirect ~^https?://[^/]+(/v2/.*)\$ http://$OPEN\$1;"
run 5 ociferry-import "${COMMON[@]}" "$T/a.tar" "$DST2/other"
says "plain http.*refused"
equal "requests that came" 0 "$(wc -l <"$T/OPEN.log")"

step "a realm on another host over plain HTTP is not asked"
start_proxy OPEN "$PLAIN"
start_nginx ASKS "$PLAIN" server "location /v2/ { add_header WWW-Authenticate
    'Bearer realm=\"http://127.0.0.1:${OPEN##*:}/token\",service=\"s\"' always; return 401; }"
connect_proxy --to "${ASKS##*:}" >"$T/proxy.port" &
SERVERS+=($!)
wait_for "proxy" test -s "$T/proxy.port"
run 4 env HTTPS_PROXY="http://127.0.0.1:$(cat "$T/proxy.port")" ociferry-export --force -o "$T/b.tar" \
    "${COMMON[@]}" registry.test/app/web:1
says "not safe to ask"
equal "requests that came" 0 "$(wc -l <"$T/OPEN.log")"

step "a token service over TLS gets the credentials, and the token goes to the registry alone"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=tokens -keyout "$T/token.key" \
    -out "$T/token.crt" 2>"$T/openssl.log" || fail "openssl: $(cat "$T/openssl.log")"
token_server --key "$T/token.key" --cert "$T/token.crt" >"$T/token.port" &
SERVERS+=($!)
wait_for "token service" test -s "$T/token.port"
start_nginx TOKENS "127.0.0.1:$(cat "$T/token.port")" server
start_registry GUARDED "$IMAGES/registry" "{token: {realm: 'https://$TOKENS/token',
    service: ferry registry, issuer: ferry tokens, rootcertbundle: $T/token.crt}}"
start_nginx NAMES "$GUARDED" server "location ~ /blobs/ { return 307 https://$ELSEWHERE\$request_uri; }"
: >"$T/ELSEWHERE.access"
run 0 export_it -v "$NAMES/app/web:1"
at_least "questions with the password" 1 "$(grep -c 'auth="Basic' "$T/TOKENS.access")"
equal "requests with the password at the registry" 0 "$(grep -c 'auth="Basic' "$T/NAMES.access" || true)"
at_least "requests with the token at the registry" 1 "$(grep -c 'auth="Bearer' "$T/NAMES.access")"
equal "requests with credentials elsewhere" 0 "$(with_credentials ELSEWHERE)"
says "GET https://$TOKENS/token\?.*scope=repository"
says_not "secret|account=|Bearer"
