#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "no blob is uploaded twice: what is there is skipped, what another repository has is mounted"

start_source SRC
start_registry STORE
start_proxy DST "$STORE"
run 0 ociferry-export -o "$T/a.tar" "$SRC/app/base:1" "$SRC/app/web:1" "$SRC/app/web:latest"

uploads='^(PUT|PATCH) .*/blobs/uploads/'
blobs=$(tar -tRvf "$T/a.tar" | awk '$NF ~ /^blobs\/sha256\/./ { print $NF }' | sort -u)
# Layers and configs; manifests are PUT as such.
bytes=0
for blob in $blobs; do
    if ! tar -xOf "$T/a.tar" "$blob" | head -c 65536 | jq -e .schemaVersion >/dev/null 2>&1; then
        bytes=$((bytes + $(tar -xOf "$T/a.tar" "$blob" | wc -c)))
    fi
done

step "two repositories that share layers: each byte goes over once"
run 0 ociferry-import --report "$T/report.json" "$T/a.tar" "$DST"
equal "bytes uploaded" "$bytes" "$(log_sum DST "$uploads" req)"
at_least "mounts that were granted" 2 "$(log_count DST '^POST .*mount=sha256.* status=201 ')"
same_images "$SRC" "$STORE" app/base:1 app/web:1 app/web:latest
jq -e . "$T/report.json" >/dev/null || fail "the report is not JSON"

# [R16]
step "children and blobs before what names them, tags last"
# The line of each manifest is after the lines of all uploads that it needs.
awk '/^(PUT|PATCH|POST) .*\/app\/base\/blobs/ { blob = NR } /^PUT .*\/app\/base\/manifests\/1 / { tag = NR }
     END { exit !(tag > blob) }' "$T/DST.log" || fail "a tag was published before its blobs"

step "importing again uploads nothing"
: >"$T/DST.log"
run 0 ociferry-import "$T/a.tar" "$DST"
equal "bytes uploaded the second time" 0 "$(log_sum DST "$uploads" req)"
equal "uploads begun the second time" 0 "$(log_count DST '^POST ')"

# [R16]
step "an index comes after its children"
: >"$T/DST.log"
run 0 ociferry-export -o "$T/m.tar" "$SRC/app/multi:1"
run 0 ociferry-import "$T/m.tar" "$DST"
awk '/^PUT .*\/manifests\/sha256/ { child = NR } /^PUT .*\/manifests\/1 / { tag = NR }
     END { exit !(child && tag > child) }' "$T/DST.log" || fail "the index was there before its children"
equal "manifests put" 4 "$(log_count DST '^PUT .*/manifests/')"

step "a registry that grants no mounts gets an upload instead"
for code in 404 403 405; do
    start_registry PLAIN "$T/plain.$code"
    start_proxy NOMOUNT "$PLAIN" --status "POST mount=sha256 $code"
    run 0 ociferry-import "$T/a.tar" "$NOMOUNT"
    same_images "$SRC" "$PLAIN" app/base:1 app/web:1
done
