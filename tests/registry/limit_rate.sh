#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "--limit-rate holds all connections together to a rate, and nobody takes that for a stall"

start_source SRC
start_registry DST
layer=$(raw "$SRC" app/big 1 | jq '.layers[0].size') # 24 MiB
rate=$((layer / 4))

# takes MIN MAX COMMAND...: it succeeds within so many seconds.
takes() {
    local min=$1 max=$2 start end
    shift 2
    start=$(date +%s%N)
    run 0 "$@"
    end=$(((end = $(date +%s%N)) - start))
    echo "  $((end / 1000000)) ms"
    at_least "milliseconds" $((min * 1000)) $((end / 1000000))
    at_most "milliseconds" $((max * 1000)) $((end / 1000000))
}

for jobs in 1 6; do
    step "export: a layer in four seconds, over $jobs connections"
    takes 3 12 ociferry-export --limit-rate $rate -j $jobs --timeout 1 --retries 0 --force -o "$T/a.tar" "$SRC/app/big:1"
    says_not "stall|trying again"
done
run 0 ociferry-verify "$T/a.tar"

step "what is in flight, and lost by a kill, is little where the connection is slow"
start_proxy P "$SRC"
run 0 ociferry-export --limit-rate $rate --force -o "$T/a.tar" "$P/app/big:1"
at_least "requests for the layer" 60 "$(grep -c "^GET .*$(raw "$SRC" app/big 1 | jq -r '.layers[0].digest')" "$T/P.log")"

step "import: likewise"
takes 3 12 ociferry-import --limit-rate $rate --timeout 1 --retries 0 "$T/a.tar" "$DST"
says_not "stall|trying again"
same_images "$SRC" "$DST" app/big:1

step "a rate that is none"
for bad in 0 fast 10X -1; do
    run 2 ociferry-export --limit-rate=$bad -o "$T/b.tar" "$SRC/app/web:1"
    one_line
done
