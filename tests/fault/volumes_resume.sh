#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "an export in volumes that broke off goes on at the volume where it did, to the same bytes"

mib=7
bytes=$((mib * 1024 * 1024))
store_image SRC app/cut 1 5 25 9
first=${LAYERS[0]}
third=${LAYERS[2]}
start_registry SRC
put_image "$SRC" app/cut 1
start_proxy P "$SRC"
V=$T/v.tar
options=(--volume-size "${mib}M")

# The same set as one that was never interrupted; it goes, so that the next step finds nothing.
same_set() {
    local file
    for file in "$T"/want/*; do
        same_file "a file of the set" "$file" "$T/${file##*/}"
    done
    equal "files" "$(cd "$T/want" && echo v.tar.*)" "$(cd "$T" && echo v.tar.*)"
    rm "$V".*
}
# parted BYTES: so much of the set as an export that broke off left it.
parted() {
    local left=$1 i=0 file
    for file in "$T"/want/v.tar.[0-9]*; do
        [ "$left" -gt 0 ] || break
        head -c "$left" "$file" >"$T/${file##*/}.partial"
        left=$((left - bytes))
    done
}

mkdir "$T/want"
run 0 ociferry-export -o "$T/want/v.tar" "${options[@]}" "$P/app/cut:1"
once=$(log_sum P '^GET ' resp)
: >"$T/P.log"

step "killed outright while the third volume is written"
ociferry-export -q --limit-rate 5M -o "$V" "${options[@]}" "$P/app/cut:1" 2>"$T/err" &
pid=$!
wait_for "a third volume" test -s "$V.003.partial"
kill -9 $pid
wait $pid 2>/dev/null || true
absent "$V.001"
absent "$V.sha256"
run 3 ociferry-verify -q "$V.001.partial" # what is left is no archive
run 0 ociferry-export -o "$V" "${options[@]}" "$P/app/cut:1"
says "going on with what an earlier export left: 1[0-9]\.[0-9] MiB"
at_most "bytes that were fetched" $((once + 32 * 1024 * 1024)) "$(log_sum P '^GET ' resp)"
same_set

step "killed, and gone on with, again and again"
for ((i = 0; i < 6; i++)); do
    ociferry-export -q --limit-rate 60M -o "$V" "${options[@]}" "$P/app/cut:1" 2>"$T/err" &
    pid=$!
    sleep "0.$((RANDOM % 5 + 1))"
    kill -9 $pid 2>/dev/null || true
    wait $pid 2>/dev/null || true
    [ ! -e "$V.sha256" ] || break
done
[ -e "$V.sha256" ] || run 0 ociferry-export -q -o "$V" "${options[@]}" "$P/app/cut:1"
same_set

step "cut at places that matter"
whole=0
for file in "$T"/want/v.tar.[0-9]*; do whole=$((whole + $(file_size "$file"))); done
for at in 1 2000 $((bytes - 1)) $bytes $((bytes + 1)) $((3 * bytes)) $((3 * bytes + 100000)) \
    $((whole - 1024)) $((whole - 1)) $whole; do
    parted $at
    run 0 ociferry-export -q -o "$V" "${options[@]}" "$P/app/cut:1"
    same_set
done

step "what is there is damaged: two volumes back"
parted $((4 * bytes + 1000))
flip "$V.001.partial" 3000000 # in the first layer
run 0 ociferry-export -q -o "$V" "${options[@]}" "$P/app/cut:1"
same_set
parted $((4 * bytes + 1000))
flip "$V.003.partial" 3000000 # in the layer that was cut
run 3 ociferry-export -q -o "$V" "${options[@]}" "$P/app/cut:1"
says "earlier run left.*dropped"
run 0 ociferry-export -q -o "$V" "${options[@]}" "$P/app/cut:1"
same_set

step "volumes of another size: what can be used of them is"
parted $((3 * bytes + 1000))
run 0 ociferry-export -o "$V" --volume-size 30M "$P/app/cut:1"
says "going on with what an earlier export left: 7.0 MiB"
run 0 ociferry-verify -q "$V"
equal "files" "v.tar.001 v.tar.002 v.tar.sha256" "$(cd "$T" && echo v.tar.*)"
rm "$V".*

step "interrupted: it is kept, and said"
ociferry-export --limit-rate 10M -o "$V" "${options[@]}" "$P/app/cut:1" 2>"$T/err" &
pid=$!
wait_for "a second volume" test -s "$V.002.partial"
kill -TERM $pid
wait $pid || true
says "v.tar.\*.partial are kept: the same command goes on from there"
run 0 ociferry-export -q -o "$V" "${options[@]}" "$P/app/cut:1"
same_set

step "killed while the volumes took their names"
parted $whole
mv "$V.001.partial" "$V.001"
mv "$V.002.partial" "$V.002"
cp "$T/want/v.tar.sha256" "$V.sha256.partial"
run 3 ociferry-verify -q "$V.001"
: >"$T/P.log"
run 0 ociferry-export -q -o "$V" "${options[@]}" "$P/app/cut:1"
at_most "bytes of blobs that were fetched" 1000 "$(log_sum P 'GET .*/blobs/' resp)"
same_set

step "a blob that turns out wrong: begun again over the volumes that are there"
start_proxy FAULTY "$SRC" --flip "GET /blobs/$third 1000000"
store_image SRC other 1 5 25 # no blob of which is wrong
put_image "$SRC" other 1
run 6 ociferry-export --retries 0 --keep-going -o "$V" "${options[@]}" \
    "$FAULTY/app/cut:1" "$FAULTY/other:1"
says "beginning again without it: [1-9].* of what is written is used"
equal "bytes of the first layer" $((5 * 1024 * 1024)) "$(log_sum FAULTY "GET .*/blobs/$first" resp)"
run 0 env -C "$T" sha256sum -c v.tar.sha256
run 0 ociferry-export -q -o "$T/alone.tar" "$FAULTY/other:1"
cat "$V".[0-9]* | cmp - "$T/alone.tar" || fail "the volumes are another archive"
equal "partial files" "" "$(find "$T" -name '*.partial')"
rm "$V".*

step "a limit on the size of files is said before the first byte, with what helps"
run 1 bash -c "ulimit -f 20480; exec ociferry-export -q -o '$T/limit.tar' '$P/app/cut:1'"
one_line
says "limit.tar: a file of 39.0 MiB, .*ulimit -f.* permits 20.0 MiB: --volume-size 20M"
absent "$T/limit.tar.partial"
run 0 bash -c "ulimit -f 20480; exec ociferry-export -q -o '$T/limit.tar' --volume-size 20M '$P/app/cut:1'"
run 0 ociferry-verify -q "$T/limit.tar"

step "compressed it might fit all the same: that is tried"
run 1 bash -c "ulimit -f 20480; exec ociferry-export -q --zstd -o '$T/limit.tar.zst' '$P/app/cut:1'"
says "limit.tar.zst: a file of 39.0 MiB, .* permits 20.0 MiB.*; compressed it takes less, which may do"
says "cannot write|too large"
rm -f "$T/limit.tar.zst.partial"

step "a medium that is full at the third volume"
mkdir "$T/small"
if [ "$(id -u)" -ne 0 ] || ! mount_at "$T/small" -t tmpfs -o size=60m ferry-test 2>/dev/null; then
    echo "  left out: this needs root and the right to mount"
    exit 0
fi
head -c 30000000 /dev/zero >"$T/small/full"
run 1 ociferry-export -q -o "$T/small/v.tar" "${options[@]}" "$P/app/cut:1"
one_line
says "the archive takes 39.0 MiB, and .* are free there"
rm "$T/small/full"
ociferry-export -q --limit-rate 10M -o "$T/small/v.tar" "${options[@]}" "$P/app/cut:1" 2>"$T/err" &
pid=$!
wait_for "a second volume" test -s "$T/small/v.tar.002.partial"
head -c 60000000 /dev/zero >"$T/small/full" 2>/dev/null || true # somebody else fills it
truncate -s -5000000 "$T/small/full"
got=0
wait $pid || got=$?
equal "exit status" 1 $got
says "v.tar.00[23].partial: cannot write: No space left"
absent "$T/small/v.tar.001"
rm "$T/small/full"
mount -o remount,size=41m "$T/small" # room for the rest, and not for all of it
run 0 ociferry-export -q -o "$T/small/v.tar" "${options[@]}" "$P/app/cut:1"
for file in "$T"/want/*; do
    same_file "a file of the set" "$file" "$T/small/${file##*/}"
done
