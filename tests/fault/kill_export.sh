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
store_image SRC app/cut 2 16 1 20
start_registry SRC
put_image "$SRC" app/kill 1
put_image "$SRC" app/cut 2
start_proxy P "$SRC"

run 0 ociferry-export -o "$T/whole.tar" "$P/app/kill:1"
once=$(log_sum P '^GET ' resp)
: >"$T/P.log"

# Every other one as soon as it has written more, however slow the machine is.
had() { stat -c %s "$T/killed.tar.partial" 2>/dev/null || echo 0; }
got_on() { [ "$(had)" -gt "$before" ] || ! kill -0 $pid; }
under_way=0

step "killed outright, $kills times"
for ((i = 0; i < kills; i++)); do
    before=$(had)
    ociferry-export -q ${FERRY_KILL_RATE:+--limit-rate "$FERRY_KILL_RATE"} -o "$T/killed.tar" \
        "$P/app/kill:1" 2>"$T/err" &
    pid=$!
    ms=$((RANDOM % spread + 30))
    sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
    [ $((i % 2)) -eq 0 ] || wait_for "more of the archive" got_on
    kill -9 $pid 2>/dev/null || true
    wait $pid 2>/dev/null || true
    if [ -e "$T/killed.tar" ]; then
        break
    fi
    [ "$(had)" -le "$before" ] || under_way=$((under_way + 1))
done
echo "  killed $i times, $under_way of them after it had written more"
at_least "kills in the middle" 1 $under_way
[ -e "$T/killed.tar" ] || run 0 ociferry-export -o "$T/killed.tar" "$P/app/kill:1"
same_file "the archive" "$T/whole.tar" "$T/killed.tar"
absent "$T/killed.tar.partial"
fetched=$(log_sum P '^GET ' resp)
echo "  fetched $fetched bytes for an archive of $once"
# What a kill costs is what was in flight: the window, and what the sockets held.
at_most "bytes that were fetched" $((once + i * 32 * 1024 * 1024)) "$fetched"
[ -z "${FERRY_KILL_RATE:-}" ] || at_most "percent of the archive that was fetched" 130 $((fetched * 100 / once))

# A smaller one, which need not be large to be cut.
run 0 ociferry-export -o "$T/cut.tar" "$P/app/cut:2"

step "interrupted: the partial file is kept, and said"
start_proxy HANG "$SRC" --stall "GET ${LAYERS[2]} 100000 1"
ociferry-export -o "$T/stopped.tar" "$HANG/app/cut:2" 2>"$T/err" &
pid=$!
wait_for "silence" grep -q '^silent' "$T/HANG.log"
kill -TERM $pid # a shell lets what it puts into the background ignore SIGINT
got=0
wait $pid || got=$?
equal "exit status" 1 $got
absent "$T/stopped.tar"
says "stopped.tar.partial is kept"
run 0 ociferry-export -o "$T/stopped.tar" "$HANG/app/cut:2"
says "going on with what an earlier export left"
run 0 ociferry-export -o "$T/unstopped.tar" "$HANG/app/cut:2"
same_file "the archive" "$T/unstopped.tar" "$T/stopped.tar"

# parted BYTES: the first bytes of the archive as NAME.partial.
parted() { head -c "$1" "$T/cut.tar" >"$T/parted.tar.partial"; }
size=$(file_size "$T/cut.tar")
first=$(entry_offset "$T/cut.tar" "blobs/sha256/${LAYERS[0]#sha256:}")
second=$(entry_offset "$T/cut.tar" "blobs/sha256/${LAYERS[2]#sha256:}")

step "cut at places that matter"
for at in 1 511 700 2000 $((first - 512)) $((first - 1)) "$first" $((first + 1)) \
    $((second - 512)) $((second - 513)) $((second + 100000)) $((size - 1025)) $((size - 1024)) \
    $((size - 512)) "$size"; do
    parted "$at"
    rm -f "$T/parted.tar"
    run 0 ociferry-export -o "$T/parted.tar" "$P/app/cut:2"
    same_file "the archive from byte $at" "$T/cut.tar" "$T/parted.tar"
done

step "what is there is damaged: in a blob that was complete"
: >"$T/P.log"
parted $((second + 100000))
flip "$T/parted.tar.partial" $((first + 5000))
rm -f "$T/parted.tar"
run 0 ociferry-export -o "$T/parted.tar" "$P/app/cut:2"
same_file "the archive" "$T/cut.tar" "$T/parted.tar"

step "what is there is damaged: in the blob that was cut"
parted $((second + 3000000))
flip "$T/parted.tar.partial" $((second + 5000))
rm -f "$T/parted.tar"
run 3 ociferry-export -o "$T/parted.tar" "$P/app/cut:2"
says "earlier run left.*dropped.*${LAYERS[2]}"
absent "$T/parted.tar"
run 0 ociferry-export -o "$T/parted.tar" "$P/app/cut:2"
same_file "the archive" "$T/cut.tar" "$T/parted.tar"

step "a bit that flips once on the way: what is written is wrong, and is not gone on with"
start_proxy FLIP "$SRC" --flip "GET /blobs/${LAYERS[2]} 1000000 1"
run 3 ociferry-export -o "$T/flipped.tar" "$FLIP/app/cut:2"
says "${LAYERS[2]}.*wrong bytes"
run 0 ociferry-export -o "$T/flipped.tar" "$FLIP/app/cut:2"
says "going on with what an earlier export left: 1[67]\.[0-9] MiB"
run 0 ociferry-export -o "$T/unflipped.tar" "$FLIP/app/cut:2"
same_file "the archive" "$T/unflipped.tar" "$T/flipped.tar"

step "the same in volumes; and compressed, where it takes a run more, but nothing before it is lost"
start_proxy FLIP "$SRC" --flip "GET /blobs/${LAYERS[2]} 1000000 1"
run 3 ociferry-export --volume-size 2M -o "$T/flipped.v" "$FLIP/app/cut:2"
run 0 ociferry-export --volume-size 2M -o "$T/flipped.v" "$FLIP/app/cut:2"
says "going on with what an earlier export left: 1[67]\.[0-9] MiB"
run 0 ociferry-export -o "$T/onefile.tar" "$FLIP/app/cut:2"
cat "$T"/flipped.v.[0-9]* | cmp - "$T/onefile.tar" || fail "the volumes are another archive"
start_proxy FLIP "$SRC" --flip "GET /blobs/${LAYERS[2]} 1000000 1"
run 3 ociferry-export --zstd -o "$T/flipped.tar.zst" "$FLIP/app/cut:2"
at_least "bytes that are kept" 8000000 "$(file_size "$T/flipped.tar.zst.partial")"

step "the rest of another archive: said, and begun afresh"
head -c 3000000 "$T/cut.tar" >"$T/other.tar.partial"
run 0 ociferry-export -o "$T/other.tar" "$P/app/cut:2" "$P/app/cut@$(digest_of "$SRC" app/cut 2)"
says "starting afresh"
run 0 ociferry-verify "$T/other.tar"

step "a tag has moved: which, from what, to what"
parted 3000000
rm -f "$T/parted.tar"
was=$(digest_of "$SRC" app/cut 2)
jq -c '.annotations = {"moved": "yes"}' "$T/manifest.2" >"$T/manifest.3"
cp "$T/manifest.3" "$T/manifest.2"
put_image "$SRC" app/cut 2
run 0 ociferry-export -o "$T/parted.tar" "$P/app/cut:2"
says "app/cut:2 has changed since: it was $was, and is $(digest_of "$SRC" app/cut 2)"
says "starting afresh"
run 0 ociferry-verify "$T/parted.tar"

step "nothing to go on with is removed when nothing was written"
run 1 ociferry-export -o "$T/none.tar" "$P/app/cut:nope"
absent "$T/none.tar.partial"
