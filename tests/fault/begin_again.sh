#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "--keep-going: a blob that turns out gone or wrong after the head is written costs its images and no more"

# The layers of three images: they differ by their number within the image.
store_image SRC first 1 5
first=${LAYERS[0]}
store_image SRC second 2 5 3
second=${LAYERS[1]}
store_image SRC third 3 5 3 4
third=${LAYERS[2]}
start_registry SRC
put_image "$SRC" first 1
put_image "$SRC" second 2
put_image "$SRC" third 3
all=(first:1 second:2 third:3)

# without ARCHIVE REPO:TAG...: it is the archive of these images alone.
without() {
    local archive=$1
    shift
    mapfile -t refs < <(at "$FAULTY" "$@")
    run 0 ociferry-export -q --force -o "$T/alone.tar" "${refs[@]}"
    same_file "the archive of $*" "$archive" "$T/alone.tar"
    absent "$archive.partial"
}
export_faulty() {
    mapfile -t refs < <(at "$FAULTY" "${all[@]}")
    run 6 ociferry-export --retries 1 --keep-going -o "$T/$1.tar" "${refs[@]}"
}

step "a layer that is gone: two images have it, one has not"
start_proxy FAULTY "$SRC" --status "GET /blobs/$second 404"
export_faulty gone
says "left out: $FAULTY/second:2: blob $second: .*404"
says "left out: .*third:3.*blob $second: .*404"
without "$T/gone.tar" first:1

step "wrong bytes: what is written before is used, and not fetched again"
start_proxy FAULTY "$SRC" --flip "GET /blobs/$third 1000000"
export_faulty wrong
says "left out: $FAULTY/third:3: blob $third: wrong bytes"
says "beginning again without it: [1-9].* of what is written is used"
equal "bytes of the first layer" $((5 * 1024 * 1024)) "$(log_sum FAULTY "GET .*/blobs/$first" resp)"
equal "bytes of the second layer" $((3 * 1024 * 1024)) "$(log_sum FAULTY "GET .*/blobs/$second" resp)"
without "$T/wrong.tar" first:1 second:2

step "one after the other, in the order that hurts most"
all=(third:3 first:1 second:2)
start_proxy FAULTY "$SRC" --flip "GET /v2/third/blobs/$third 1000" --status "GET /v2/first/blobs/ 404"
export_faulty twice
without "$T/twice.tar" second:2

step "without --keep-going, and into a pipe: the export fails, and says what it was"
start_proxy FAULTY "$SRC" --flip "GET /blobs/$third 1000"
mapfile -t refs < <(at "$FAULTY" "${all[@]}")
run 3 ociferry-export -q --retries 1 -o "$T/stop.tar" "${refs[@]}"
absent "$T/stop.tar"
got=0
ociferry-export -q --retries 1 --keep-going -o - "${refs[@]}" 2>"$T/err" | cat >"$T/piped" || got=$?
equal "status" 3 $got
says "blob $third"
says "a stream cannot be begun again"
run 3 ociferry-verify -q "$T/piped"

step "when nothing is left, the failure is that of the first image"
run 3 ociferry-export -q --retries 1 --keep-going -o "$T/none.tar" "$FAULTY/third:3"
says 'nothing is left to export'
absent "$T/none.tar"

step "small ones, which are gathered before they are written"
start_source SMALL
small=$(raw "$SMALL" app/zstd 1 | jq -r '.layers[0].digest')
start_proxy FAULTY "$SMALL" --flip "GET /blobs/$small 1000"
all=(app/base:1 app/zstd:1 app/plain:1)
export_faulty small
says "beginning again without it: [1-9].* of what is written is used"
without "$T/small.tar" app/base:1 app/plain:1
