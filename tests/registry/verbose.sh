#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "-v says each request and its reply, and no secret"

need_images
start_registry SRC "$IMAGES/registry" auth
start_registry DST "$T/store" auth
start_registry OPEN "$IMAGES/registry"
start_proxy OTHER "$OPEN"
start_proxy FIRST "$SRC" --redirect "GET /blobs/ ${OTHER##*:}" --status "GET /manifests/ 503 1"
basic=$(printf 'user:secret' | base64)

no_secret() {
    local file
    for file in "$T/out" "$T/err"; do
        for word in secret "$basic" Basic Bearer Authorization _state=; do
            ! grep -qi -- "$word" "$file" || fail "the output holds $word"
        done
    done
}

step "export: a challenge, a retry, redirects"
run 0 ociferry-export -v --creds user:secret -o "$T/a.tar" "$FIRST/app/web:1"
says "GET https?://$FIRST/v2/app/web/manifests/1: 401, .* s$"
says "GET http://$FIRST/v2/app/web/manifests/1: 503, "
says "GET http://$FIRST/v2/app/web/manifests/1: 200, [0-9]+ bytes, [0-9.]+ s$"
says "GET http://$FIRST/v2/app/web/blobs/sha256:[0-9a-f]{64}: 307"
says "GET http://$OTHER/v2/app/web/blobs/sha256:[0-9a-f]{64}: 20[06], [0-9]+ bytes"
no_secret
at_least "lines" 10 "$(wc -l <"$T/err")"

step "import: uploads, the state of which is left out"
run 0 ociferry-import --verbose --creds user:secret "$T/a.tar" "$DST"
says "HEAD http://$DST/v2/app/web/blobs/sha256:[0-9a-f]{64}: 404"
says "POST http://$DST/v2/app/web/blobs/uploads/: 202"
says "(PUT|PATCH) http://$DST/v2/app/web/blobs/uploads/[0-9a-f-]+\?.*\.\.\.: 20[12], [0-9]+ bytes sent"
says "PUT http://$DST/v2/app/web/manifests/1: 201"
no_secret

step "nobody there, wrong credentials: no secret either"
dead=127.0.0.1:$(dead_port)
run 5 ociferry-export -v --retries 0 --creds user:secret -o "$T/b.tar" "$dead/app/web:1"
says "GET https://$dead/v2/.*: no reply"
no_secret
run 4 ociferry-import -v --creds user:secretive "$T/a.tar" "$DST/new"
no_secret

step "without -v, and with -q, nothing of it"
run 0 ociferry-export --creds user:secret --force -o "$T/a.tar" "$SRC/app/web:1"
says_not "GET "
run 2 ociferry-export -q -v --creds user:secret --force -o "$T/a.tar" "$SRC/app/web:1"
run 2 ociferry-import -q -v "$T/a.tar" "$DST"
