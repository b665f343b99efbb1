#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "token authentication with the real registry: scopes, expiry in the middle of a run, one scope only, anonymous, OAuth2"

need_images
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=tokens -keyout "$T/token.key" \
    -out "$T/token.crt" 2>"$T/openssl.log" || fail "openssl: $(cat "$T/openssl.log")"

# start_tokens NAME OPTION...: a token service. Sets NAME to host:port; its log is $T/NAME.log.
start_tokens() {
    local name=$1
    shift
    rm -f "$T/$name.port"
    : >"$T/$name.log"
    token_server --key "$T/token.key" --cert "$T/token.crt" --log "$T/$name.log" "$@" >"$T/$name.port" &
    SERVERS+=($!)
    wait_for "token service $name" test -s "$T/$name.port"
    printf -v "$name" '%s' "127.0.0.1:$(cat "$T/$name.port")"
}

# start_guarded NAME STORAGE TOKENS: a registry that wants tokens from TOKENS (host:port).
start_guarded() {
    start_registry "$1" "$2" "{token: {realm: 'http://$3/token', service: ferry registry,
        issuer: ferry tokens, rootcertbundle: $T/token.crt}}"
}

CREDS=(--creds user:secret)
export_it() { ociferry-export -q --force -o "$T/a.tar" "$@"; }

start_tokens TOKENS
start_guarded SRC "$IMAGES/registry" "$TOKENS"
start_guarded DST "$T/store" "$TOKENS"

step "with credentials, from registry to registry; tokens are asked for once a repository"
run 4 export_it "$SRC/app/web:1"
one_line
says "anonymous access.*log in"
run 4 export_it --creds user:wrong-password "$SRC/app/web:1"
one_line
says_not "wrong-password"
: >"$T/TOKENS.log"
run 0 export_it "${CREDS[@]}" "$SRC/app/web:1" "$SRC/app/multi:1"
equal "tokens asked for" 2 "$(log_count TOKENS status=200)"
run 0 ociferry-import -q "${CREDS[@]}" "$T/a.tar" "$DST"
start_registry PLAIN "$IMAGES/registry" # the same two without a guard
start_registry STORE "$T/store"
same_images "$PLAIN" "$STORE" app/web:1 app/multi:1

step "mounts need a scope of the other repository"
run 0 export_it "${CREDS[@]}" "$SRC/app/base:1" "$SRC/app/web:1"
start_guarded MOUNTS "$T/mounts" "$TOKENS"
start_proxy M "$MOUNTS"
run 0 ociferry-import -q "${CREDS[@]}" "$T/a.tar" "$M"
at_least "mounts that were granted" 2 "$(log_count M '^POST .*mount=sha256.* status=201 ')"
at_least "tokens of two scopes" 1 "$(log_count TOKENS 'scopes=2 status=200')"

step "a token service that gives one scope at a time: no mount, but all the rest"
start_tokens ONE --one-scope
start_guarded SINGLE "$T/single" "$ONE"
run 0 ociferry-import -q "${CREDS[@]}" "$T/a.tar" "$SINGLE"
equal "tokens of two scopes that were refused" 1 "$(log_count ONE 'scopes=2 status=400')"
start_registry STORE1 "$T/single"
same_images "$PLAIN" "$STORE1" app/base:1 app/web:1

step "anybody may pull, and only that"
start_tokens ANYBODY --anonymous
start_guarded OPEN "$IMAGES/registry" "$ANYBODY"
run 0 export_it "$OPEN/app/web:1"
equal "credentials at the token service" 0 "$(log_count ANYBODY auth=basic)"
start_guarded OPEN_DST "$T/open" "$ANYBODY"
run 4 ociferry-import -q "$T/a.tar" "$OPEN_DST"
one_line
run 0 ociferry-import -q "${CREDS[@]}" "$T/a.tar" "$OPEN_DST"

step "an identity token (OAuth2), from the file"
printf '{"auths":{"%s":{"auth":"%s","identitytoken":"identity"}}}' "$SRC" "$(printf 'user:' | base64)" >"$T/auth.json"
: >"$T/TOKENS.log"
run 0 export_it --authfile "$T/auth.json" "$SRC/app/web:1"
at_least "tokens by POST" 1 "$(log_count TOKENS '^POST auth=identity .*status=200')"
equal "other requests" 0 "$(log_count TOKENS '^GET ')"
sed -i 's/"identity"}/"revoked"}/' "$T/auth.json"
run 4 export_it --authfile "$T/auth.json" "$SRC/app/web:1"
one_line
says_not revoked

# The registry is asked for four seconds at least: tokens run out in the middle of it.
rate=$((24 * 1024 * 1024 / 5))
for says in 0 300; do
    step "tokens that are good for two seconds (and say $says): export and import go on"
    start_tokens SHORT --ttl 2 --says $says
    start_guarded SHORT_SRC "$IMAGES/registry" "$SHORT"
    run 0 export_it "${CREDS[@]}" --limit-rate $rate "$SHORT_SRC/app/big:1" "$SHORT_SRC/app/web:1"
    at_least "tokens asked for" 3 "$(log_count SHORT status=200)"
    run 0 ociferry-verify -q "$T/a.tar"
    : >"$T/SHORT.log"
    start_guarded SHORT_DST "$T/short.$says" "$SHORT"
    run 0 ociferry-import -q "${CREDS[@]}" --limit-rate $rate "$T/a.tar" "$SHORT_DST"
    at_least "tokens asked for" 3 "$(log_count SHORT status=200)"
    start_registry STORE2 "$T/short.$says"
    same_images "$PLAIN" "$STORE2" app/big:1 app/web:1
done

step "a token service that goes away in the middle: exit 5, and it says who"
start_tokens GONE
start_guarded LEFT "$IMAGES/registry" "$GONE"
run 0 export_it "${CREDS[@]}" "$LEFT/app/web:1"
kill "${SERVERS[-2]}"
run 5 export_it "${CREDS[@]}" --retries 0 "$LEFT/app/web:1"
one_line
says "${GONE##*:}"
