#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "who never answers, falls silent or sends a byte a second is given up within the limit for that, whatever --retries says; silence that ends costs a new connection and no more"

start_source SRC
digest=$(raw "$SRC" app/big 1 | jq -r '.layers[0].digest') # 24 MiB
run 0 ociferry-export -o "$T/good.tar" "$SRC/app/big:1"

# gives_up LIMITS MESSAGE COMMAND...: with a limit of one second it fails with that message within
# so many of them, and two seconds for all else.
gives_up() {
    local limits=$1 message=$2 start ms
    shift 2
    start=$(date +%s%N)
    run 5 "$@" --timeout 1
    ms=$((($(date +%s%N) - start) / 1000000))
    echo "  $ms ms: $(grep -o "127[0-9.:]*: [^/]*$" "$T/err" | tail -n 1)"
    at_least "milliseconds" 900 "$ms"
    [ -n "${FERRY_SANITIZED:-}" ] || at_most "milliseconds" $((limits * 1000 + 2000)) "$ms"
    says "(127\.0\.0\.1|localhost):[0-9]+: $message"
}

# --- export ---

# exports LIMITS MESSAGE RULE...: that is how an export ends with such a registry.
exports() {
    local limits=$1 message=$2
    shift 2
    step "export: $*"
    start_proxy P "$SRC" "$@"
    gives_up "$limits" "stalled: $message in [1-9][0-9]* s.*--timeout" ociferry-export -o "$T/s.tar" "$P/app/big:1"
    absent "$T/s.tar"
}
exports 1 "no reply" --hold "GET /manifests/ 600"
exports 1 "no reply" --trickle "GET /manifests/ 0"
exports 1 "less than 1024 bytes.*" --trickle "GET /manifests/ 1"
exports 2 "no reply" --hold "GET $digest 600" # over a connection that was used before
exports 2 "no reply" --trickle "GET $digest 0"
exports 1 "less than 1024 bytes.*" --trickle "GET $digest 1"
exports 1 "less than 1024 bytes.*" --stall "GET $digest 500"

step "export: as one of a few bytes in each attempt, too"
start_proxy P "$SRC" --stall "GET $digest 20000"
gives_up 3 "stalled: less than 1024 bytes after the first 20000 in 1 s" \
    ociferry-export --retries 2 -o "$T/s.tar" "$P/app/big:1"

step "export: nobody takes the connection, or speaks TLS"
start_proxy P "$SRC"
kill -STOP "${SERVERS[-1]}"
gives_up 2 "stalled: no reply in 1 s" ociferry-export -o "$T/s.tar" "$P/app/big:1"
gives_up 1 "stalled: no reply in 1 s" ociferry-export --plain-http -o "$T/s.tar" "$P/app/big:1"
gives_up 4 "no connection in time" ociferry-export --insecure -o "$T/s.tar" "$P/app/big:1"
kill -CONT "${SERVERS[-1]}"

step "export: silence that ends"
start_proxy P "$SRC" --hold "GET /manifests/ 1" --hold "GET /blobs/ 600 1" --stall "GET $digest 500000 2" \
    --trickle "GET $digest 100000 2"
run 0 ociferry-export --timeout 2 -o "$T/a.tar" "$P/app/big:1"
run 0 ociferry-verify "$T/a.tar"
equal "size of the archive" "$(file_size "$T/good.tar")" "$(file_size "$T/a.tar")"

# --- import ---

from_file() { ociferry-import "$T/good.tar" "$P" "$@"; }
from_pipe() { cat "$T/good.tar" | ociferry-import - "$P" "$@"; }

# imports HOW LIMITS MESSAGE RULE...
imports() {
    local how=$1 limits=$2 message=$3
    shift 3
    step "import $how: $*"
    start_proxy P "$STORE" "$@"
    gives_up "$limits" "stalled: $message in [1-9][0-9]* s.*--timeout" "$how"
    no_image "$STORE" app/big 1
}
start_registry STORE
imports from_file 1 "no reply" --hold "HEAD /blobs/ 600"
imports from_file 2 "no reply" --trickle "POST /blobs/uploads/ 0" # here, too
imports from_pipe 2 "no reply" --hold "POST /blobs/uploads/ 600"
imports from_file 2 "(it took less than 1024 bytes|no reply)" --sip "* /blobs/uploads/ 0"
imports from_pipe 6 "(it took less than 1024 bytes|no reply)" --sip "* /blobs/uploads/ 0" # 8 MiB have two seconds more
imports from_file 2 "no reply" --sip "PUT /manifests/ 0"

step "import: the pipe stands still meanwhile"
mkfifo "$T/fifo"
(
    head -c 3000000 "$T/good.tar"
    exec sleep 60
) >"$T/fifo" &
SERVERS+=($!)
start_registry STORE "$T/store.halting" # an empty one: nothing is uploaded twice
start_proxy P "$STORE" --hold "POST /blobs/uploads/ 600"
# shellcheck disable=SC2317
from_halting_pipe() { ociferry-import --report "$T/report.json" - "$P" "$@" <"$T/fifo"; }
gives_up 2 "stalled: no reply" from_halting_pipe
jq -r .error "$T/report.json" | grep "stalled: no reply" >/dev/null || fail "the report does not say why"

step "import: silence that ends, and replies that get lost"
for how in from_file from_pipe; do
    start_registry STORE "$T/store.$how"
    start_proxy P "$STORE" --hold "HEAD /blobs/ 1" --hold "PUT /blobs/uploads/ 600 1" \
        --hold "PATCH /blobs/uploads/ 600 1" --hold "PUT /manifests/ 1"
    run 0 $how --timeout 2
    same_images "$SRC" "$STORE" app/big:1
done
