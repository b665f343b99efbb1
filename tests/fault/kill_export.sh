#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "an export that was killed goes on from what is there, to the same bytes"

# FERRY_KILLS=50 FERRY_KILL_MIB=2048 FERRY_KILL_MS=4000 FERRY_KILL_RATE=100M is the long way.
kills=${FERRY_KILLS:-8}
mib=${FERRY_KILL_MIB:-128}
spread=${FERRY_KILL_MS:-150} # a run is killed after 30 ms and up to so many more
[ -z "${FERRY_SANITIZED:-}" ] || mib=48
third=$((mib / 3))

store_image SRC app/kill 1 $third 1 $((mib - third - 1))
start_registry SRC
put_image "$SRC" app/kill 1
start_proxy P "$SRC"

run 0 ociferry-export -o "$T/whole.tar" "$P/app/kill:1"
once=$(log_sum P '^GET ' resp)
: >"$T/P.log"

step "killed outright, $kills times"
for ((i = 0; i < kills; i++)); do
    ociferry-export -q ${FERRY_KILL_RATE:+--limit-rate "$FERRY_KILL_RATE"} -o "$T/killed.tar" \
        "$P/app/kill:1" 2>"$T/err" &
    pid=$!
    ms=$((RANDOM % spread + 30))
    sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
    kill -9 $pid 2>/dev/null || true
    wait $pid 2>/dev/null || true
    if [ -e "$T/killed.tar" ]; then
        break
    fi
done
echo "  killed $i times"
[ -e "$T/killed.tar" ] || run 0 ociferry-export -o "$T/killed.tar" "$P/app/kill:1"
same_file "the archive" "$T/whole.tar" "$T/killed.tar"
absent "$T/killed.tar.partial"
fetched=$(log_sum P '^GET ' resp)
echo "  fetched $fetched bytes for an archive of $once"
# What a kill costs is what was in flight: the window, and what the sockets held.
at_most "bytes that were fetched" $((once + i * 32 * 1024 * 1024)) "$fetched"

step "interrupted: the partial file is kept, and said"
ociferry-export -o "$T/stopped.tar" "$P/app/kill:1" 2>"$T/err" &
pid=$!
wait_for "a partial file" test -s "$T/stopped.tar.partial"
kill -STOP "${SERVERS[-1]}" # the proxy: nothing comes any more
sleep 0.3
kill -TERM $pid # a shell lets what it puts into the background ignore SIGINT
wait $pid || true
kill -CONT "${SERVERS[-1]}"
absent "$T/stopped.tar"
says "stopped.tar.partial is kept"
run 0 ociferry-export -o "$T/stopped.tar" "$P/app/kill:1"
says "going on with what an earlier export left"
same_file "the archive" "$T/whole.tar" "$T/stopped.tar"

# parted BYTES: the first bytes of the archive as NAME.partial.
parted() { head -c "$1" "$T/whole.tar" >"$T/parted.tar.partial"; }
size=$(file_size "$T/whole.tar")
first=$(entry_offset "$T/whole.tar" "blobs/sha256/${LAYERS[0]#sha256:}")
second=$(entry_offset "$T/whole.tar" "blobs/sha256/${LAYERS[2]#sha256:}")

step "cut at places that matter"
for at in 1 511 700 2000 $((first - 512)) $((first - 1)) "$first" $((first + 1)) \
    $((second - 512)) $((second - 513)) $((second + 100000)) $((size - 1025)) $((size - 1024)) \
    $((size - 512)) "$size"; do
    parted "$at"
    rm -f "$T/parted.tar"
    run 0 ociferry-export -o "$T/parted.tar" "$P/app/kill:1"
    same_file "the archive from byte $at" "$T/whole.tar" "$T/parted.tar"
done

step "what is there is damaged: in a blob that was complete"
: >"$T/P.log"
parted $((second + 100000))
flip "$T/parted.tar.partial" $((first + 5000))
rm -f "$T/parted.tar"
run 0 ociferry-export -o "$T/parted.tar" "$P/app/kill:1"
same_file "the archive" "$T/whole.tar" "$T/parted.tar"

step "what is there is damaged: in the blob that was cut"
parted $((second + 3000000))
flip "$T/parted.tar.partial" $((second + 5000))
rm -f "$T/parted.tar"
run 3 ociferry-export -o "$T/parted.tar" "$P/app/kill:1"
says "earlier run left.*dropped.*${LAYERS[2]}"
absent "$T/parted.tar"
run 0 ociferry-export -o "$T/parted.tar" "$P/app/kill:1"
same_file "the archive" "$T/whole.tar" "$T/parted.tar"

step "the rest of another archive: said, and begun afresh"
head -c 3000000 "$T/whole.tar" >"$T/other.tar.partial"
run 0 ociferry-export -o "$T/other.tar" "$P/app/kill:1" "$P/app/kill@$(digest_of "$SRC" app/kill 1)"
says "starting afresh"
run 0 ociferry-verify "$T/other.tar"

step "a tag has moved: which, from what, to what"
parted 3000000
rm -f "$T/parted.tar"
was=$(digest_of "$SRC" app/kill 1)
jq -c '.annotations = {"moved": "yes"}' "$T/manifest.1" >"$T/manifest.2"
cp "$T/manifest.2" "$T/manifest.1"
put_image "$SRC" app/kill 1
run 0 ociferry-export -o "$T/parted.tar" "$P/app/kill:1"
says "app/kill:1 has changed since: it was $was, and is $(digest_of "$SRC" app/kill 1)"
says "starting afresh"
run 0 ociferry-verify "$T/parted.tar"

step "nothing to go on with is removed when nothing was written"
run 1 ociferry-export -o "$T/none.tar" "$P/app/kill:nope"
absent "$T/none.tar.partial"
