#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "SIGINT and SIGTERM half-way end quickly and leave nothing under a final name"

start_source SRC
start_registry STORE
start_proxy SLOW "$SRC" --stall "GET /blobs/ 500000"

# stopped SIGNAL FILE COMMAND...: sends the signal as soon as FILE says that there is silence.
stopped() {
    local signal=$1 file=$2 pid got=0 start
    shift 2
    : >"$file"
    RAN="$*, then SIG$signal"
    # A background job of a script would have SIGINT ignored; this gives it back.
    env --default-signal=INT "$@" >"$T/out" 2>"$T/err" &
    pid=$!
    wait_for "silence" grep -q '^silent' "$file"
    kill -0 $pid || fail "it ended before it was stopped"
    start=$(date +%s%N)
    kill -"$signal" $pid
    wait $pid || got=$?
    at_most "milliseconds until it ended" 2000 $((($(date +%s%N) - start) / 1000000))
    [ $got -eq 1 ] || [ $got -gt 128 ] || fail "exit status: expected 1 or more than 128, found $got"
    at_most "lines on stderr" 4 "$(grep -c . "$T/err" || true)"
}

for signal in INT TERM; do
    step "export to a file, SIG$signal"
    stopped $signal "$T/SLOW.log" ociferry-export --progress none -o "$T/a.tar" "$SLOW/app/big:1"
    absent "$T/a.tar"
done

# [W25] [W26]
step "export over an archive that is there: it stays what it was"
run 0 ociferry-export -o "$T/old.tar" "$SRC/app/web:1"
sum=$(sha256sum <"$T/old.tar")
stopped INT "$T/SLOW.log" ociferry-export --progress none --force -o "$T/old.tar" "$SLOW/app/big:1"
equal "the old archive" "$sum" "$(sha256sum <"$T/old.tar")"

step "after an interrupted export the same command works"
run 0 ociferry-export -o "$T/a.tar" "$SRC/app/big:1"
run 0 ociferry-verify "$T/a.tar"

step "import, stopped while a pipe falls silent"
mkfifo "$T/fifo"
(
    head -c 5000000 "$T/a.tar"
    echo silent >"$T/pipe.log"
    exec sleep 60
) >"$T/fifo" &
SERVERS+=($!)
stopped INT "$T/pipe.log" bash -c "exec ociferry-import --progress none - '$STORE' <'$T/fifo'"
no_image "$STORE" app/big 1

step "import, stopped while the registry does not answer"
start_proxy HANG "$STORE" --stall "PUT / 0" --stall "PATCH / 0"
stopped INT "$T/HANG.log" ociferry-import --progress none "$T/a.tar" "$HANG"
no_image "$STORE" app/big 1
at_least "uploads that were cancelled" 1 "$(log_count HANG '^DELETE /v2/app/big/blobs/uploads/')"

step "import, stopped while nobody answers at all"
start_registry STORE "$T/fresh"
start_proxy HANG "$STORE" --stall "PUT / 0" --stall "DELETE / 0"
stopped TERM "$T/HANG.log" ociferry-import --progress none "$T/a.tar" "$HANG"
no_image "$STORE" app/big 1
