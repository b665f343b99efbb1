#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "a broken connection costs a reconnect and not a restart; a server that fails for a while is waited for"

start_source SRC
digest=$(raw "$SRC" app/big 1 | jq -r '.layers[0].digest')
layer=$(raw "$SRC" app/big 1 | jq '.layers[0].size') # 24 MiB
slack=$((4 * 1024 * 1024 + 512 * 1024))
run 0 ociferry-export -o "$T/good.tar" "$SRC/app/big:1"

# exported NAME: the export through that proxy gives the same archive.
exported() {
    run 0 ociferry-export --force -j 4 -o "$T/a.tar" "$1/app/big:1"
    run 0 ociferry-verify "$T/a.tar"
    equal "size of the archive" "$(file_size "$T/good.tar")" "$(file_size "$T/a.tar")"
}

for how in cut reset; do
    step "export: connections end in the middle of a layer ($how)"
    start_proxy P "$SRC" --$how "GET $digest 1000000 3"
    exported "$P"
    equal "connections that were broken" 3 "$(log_count P "fault=$how")"
    at_most "bytes sent by the server" $((layer + slack)) "$(log_sum P "GET .*$digest" resp)"
done

step "export: over one connection, too"
start_proxy P "$SRC" --cut "GET $digest 1000000 3"
run 0 ociferry-export --force -j 1 -o "$T/a.tar" "$P/app/big:1"
equal "connections that were broken" 3 "$(log_count P fault=cut)"
at_most "bytes sent by the server" $((layer + slack)) "$(log_sum P "GET .*$digest" resp)"

step "export: the registry ignores Range"
start_proxy P "$SRC" --no-range
exported "$P"

step "export: the registry ignores Range, and the connection breaks"
start_proxy P "$SRC" --no-range --cut "GET $digest 9000000 1"
exported "$P"
at_most "bytes sent by the server" $((2 * layer + 9000000)) "$(log_sum P "GET .*$digest" resp)"

step "export: the registry answers with another range than was asked for: refused or done right"
start_proxy P "$SRC" --wrong-range "GET $digest 0 2"
got=0
ociferry-export --force -o "$T/w.tar" "$P/app/big:1" >"$T/out" 2>"$T/err" || got=$?
if [ "$got" -eq 0 ]; then
    run 0 ociferry-verify "$T/w.tar"
else
    absent "$T/w.tar"
fi

step "export: after a break the server goes on with other bytes: nothing is published"
start_proxy P "$SRC" --cut "GET $digest 1000000 1" --flip "GET $digest 9000000"
run 3 ociferry-export -j 1 -o "$T/o.tar" "$P/app/big:1"
says "$digest"
equal "connections that were broken" 1 "$(log_count P fault=cut)"
absent "$T/o.tar"

step "export: 429, 500 and 503 for a while"
for code in 429 500 503; do
    start_proxy P "$SRC" --status "GET /blobs/ $code 2" --status "GET /manifests/ $code 1"
    exported "$P"
    equal "times that the server said $code" 3 "$(log_count P "status=$code")"
done

step "export: a body shorter than its manifest says"
start_proxy P "$SRC" --truncate "GET $digest 0"
got=0
ociferry-export --retries 1 -o "$T/t.tar" "$P/app/big:1" >"$T/out" 2>"$T/err" || got=$?
RAN="export of truncated blobs"
[ "$got" -eq 3 ] || [ "$got" -eq 5 ] || fail "exit status: expected 3 or 5, found $got"
absent "$T/t.tar"

step "export: a server that falls silent is given up"
start_proxy P "$SRC" --stall "GET $digest 0"
start=$SECONDS
run 5 ociferry-export --retries 1 --timeout 1 -o "$T/s.tar" "$P/app/big:1"
at_most "seconds until then" 15 $((SECONDS - start))
absent "$T/s.tar"
says "app/big"

step "export: silence once, and then it goes on"
start_proxy P "$SRC" --stall "GET $digest 100000 1"
run 0 ociferry-export --force --timeout 1 -o "$T/a.tar" "$P/app/big:1"

step "export: a registry that never recovers"
start_proxy P "$SRC" --status "GET /blobs/ 500"
run 5 ociferry-export -q --retries 2 -o "$T/n.tar" "$P/app/big:1"
one_line
says 500
absent "$T/n.tar"
at_most "tries" 16 "$(log_count P "status=500")"

# --- import ---

# imported NAME STORE: what arrived there through the proxy.
imported() {
    run 0 ociferry-import -j 4 "$T/good.tar" "$1"
    same_images "$SRC" "$2" app/big:1
}

step "import: the connection ends in the middle of a layer"
start_registry STORE
start_proxy P "$STORE" --cut-upload "* /blobs/uploads/ 15000000 1"
imported "$P" "$STORE"
equal "connections that were broken" 1 "$(log_count P fault=cut-upload)"
sent=$(log_sum P '^(PUT|PATCH) .*/blobs/uploads/' req)
echo "  sent $sent bytes for a layer of $layer"
# This registry loses the place of an upload that broke: what was sent of the request is lost, no
# more. A second restart would not fit.
at_most "bytes sent to the server" $((layer + 15000000 + 100000)) "$sent"

step "import: the connection ends in a chunk: that layer begins again, in chunks and from a pipe"
start_registry STORE "$T/store.chunk"
start_proxy P "$STORE" --cut-upload "PATCH /blobs/uploads/ 2000000 1"
run 0 ociferry-import --chunk-size 5M "$T/good.tar" "$P"
same_images "$SRC" "$STORE" app/big:1
equal "connections that were broken" 1 "$(log_count P fault=cut-upload)"
start_registry STORE "$T/store.pipe"
start_proxy P "$STORE" --cut-upload "PATCH /blobs/uploads/ 5000000 1"
run 0 ociferry-import - "$P" <"$T/good.tar"
same_images "$SRC" "$STORE" app/big:1
equal "connections that were broken" 1 "$(log_count P fault=cut-upload)"
at_most "bytes sent to the server" $((layer + 5000000 + 100000)) \
    "$(log_sum P '^(PUT|PATCH) .*/blobs/uploads/' req)"

step "import: the registry is of another opinion on where the upload stands, or forgets it (416, 404)"
for code in 416 404; do
    start_registry STORE "$T/store.$code"
    start_proxy P "$STORE" --status "PATCH /blobs/uploads/ $code 1" --status "PUT /blobs/uploads/ $code 1"
    run 0 ociferry-import --chunk-size 5M "$T/good.tar" "$P"
    same_images "$SRC" "$STORE" app/big:1
    equal "times that the server said $code" 2 "$(log_count P "fault=status")"
    at_least "questions where an upload stands" 1 "$(log_count P '^GET /v2/app/big/blobs/uploads/')"
done

step "import: 429, 500 and 503 for a while"
for code in 429 500 503; do
    start_registry STORE "$T/store.$code"
    start_proxy P "$STORE" --status "POST /blobs/uploads/ $code 1" --status "PUT /manifests/ $code 1" \
        --status "HEAD /blobs/ $code 1"
    imported "$P" "$STORE"
    equal "times that the server said $code" 3 "$(log_count P "status=$code")"
done

step "import: a registry that never recovers: no tag"
start_registry STORE "$T/store.never"
start_proxy P "$STORE" --status "* /blobs/uploads/ 500"
run 5 ociferry-import --retries 2 "$T/good.tar" "$P"
says "app/big"
no_image "$STORE" app/big 1
