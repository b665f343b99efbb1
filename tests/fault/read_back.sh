#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
[ -z "${FERRY_SANITIZED:-}" ] || skip "the sanitizer wants to be loaded first"
goal "--verify-after-write finds what the medium did not keep, before the archive has its name"

store_image SRC app/web 1 3 5 2
start_registry SRC
put_image "$SRC" app/web 1
run 0 ociferry-export -o "$T/good.tar" "$SRC/app/web:1"
second=$(entry_offset "$T/good.tar" "blobs/sha256/${LAYERS[1]#sha256:}")
size=$(file_size "$T/good.tar")

# on_a_liar FILE OFFSET COMMAND...: on a medium that turns a bit of that file.
on_a_liar() { LIES_IN=$1 LIES_AT=$2 LD_PRELOAD=$FERRY_SUPPORT/liblying_medium.so "${@:3}"; }

step "a medium that keeps what it takes"
run 0 ociferry-export --verify-after-write -o "$T/a.tar" "$SRC/app/web:1"
same_file "the archive" "$T/good.tar" "$T/a.tar"
run 0 ociferry-export --verify-after-write --zstd -o "$T/a.zst" "$SRC/app/web:1"
zstd -dcq "$T/a.zst" | cmp - "$T/good.tar" || fail "another stream"
run 0 ociferry-export --verify-after-write --volume-size 4M -o "$T/a.vol" "$SRC/app/web:1"
cat "$T"/a.vol.0* | cmp - "$T/good.tar" || fail "other volumes"

step "it lies: without the option nobody knows"
run 0 on_a_liar a.tar.partial $((second + 5000)) ociferry-export --force -o "$T/a.tar" "$SRC/app/web:1"
run 3 ociferry-verify -q "$T/a.tar"
rm "$T/a.tar"

step "in a layer: named, and the next run goes on from there"
run 3 on_a_liar a.tar.partial $((second + 5000)) \
    ociferry-export --verify-after-write -o "$T/a.tar" "$SRC/app/web:1"
says "read back from the medium, ${LAYERS[1]} is not what was written"
absent "$T/a.tar"
run 0 ociferry-export --verify-after-write -o "$T/a.tar" "$SRC/app/web:1"
says "going on with what an earlier export left: 3.0 MiB"
same_file "the archive" "$T/good.tar" "$T/a.tar"

step "elsewhere: in index.json, in a header, in the last blocks"
for at in 1100 $((second - 500)) $((size - 800)); do
    run 3 on_a_liar b.tar.partial "$at" ociferry-export --verify-after-write -o "$T/b.tar" "$SRC/app/web:1"
    says "read back from the medium, .* is not what was written"
    absent "$T/b.tar"
    run 0 ociferry-export --verify-after-write -o "$T/b.tar" "$SRC/app/web:1"
    same_file "the archive" "$T/good.tar" "$T/b.tar"
    rm "$T/b.tar"
done

step "compressed, and in volumes, down to the padding that no digest covers"
run 3 on_a_liar c.zst.partial 2000000 ociferry-export --verify-after-write --zstd -o "$T/c.zst" "$SRC/app/web:1"
says "read back from the medium, .* is not what was written"
absent "$T/c.zst"
run 3 on_a_liar d.vol.002.partial 77 ociferry-export --verify-after-write --volume-size 4M -o "$T/d.vol" "$SRC/app/web:1"
says "read back from the medium, ${LAYERS[1]} is not what was written"
absent "$T/d.vol.001" && absent "$T/d.vol.sha256"
padding=$(($(entry_offset "$T/good.tar" index.json) + $(tar -xOf "$T/good.tar" index.json | wc -c) + 1))
run 3 on_a_liar e.vol.001.partial $padding ociferry-export --verify-after-write --volume-size 4M -o "$T/e.vol" "$SRC/app/web:1"
says "read back from the medium, .*e.vol.001.* is not what was written"
absent "$T/e.vol.001"
run 0 ociferry-export --verify-after-write --volume-size 4M -o "$T/e.vol" "$SRC/app/web:1"
cat "$T"/e.vol.0* | cmp - "$T/good.tar" || fail "other volumes"

step "what cannot be read back is said"
run 2 ociferry-export --verify-after-write -o - "$SRC/app/web:1"
mkfifo "$T/fifo"
cat "$T/fifo" >/dev/null &
pid=$!
run 2 ociferry-export --verify-after-write -o "$T/fifo" "$SRC/app/web:1"
says "cannot be read back"
wait $pid
