#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "an archive is never written to a terminal; progress is drawn on one alone"

start_source SRC
command -v script >/dev/null || skip "script (bsdutils) is not here"

# in_terminal COMMAND: its exit status in $T/status, what the terminal saw in $T/seen.
in_terminal() {
    RAN="in a terminal: $1"
    TERM=xterm timeout 60 script -qfc "$1; echo \$? >$T/status" /dev/null </dev/null >"$T/seen" 2>&1 || true
    : >"$T/out"
    cp "$T/seen" "$T/err"
}

step "the archive"
in_terminal "ociferry-export -o - $SRC/app/web:1"
equal "exit status" 2 "$(cat "$T/status")"
says "terminal"
! grep -q imageLayoutVersion "$T/seen" || fail "the terminal was written to"

step "progress on a terminal"
in_terminal "ociferry-export -o $T/a.tar $SRC/app/big:1"
equal "exit status" 0 "$(cat "$T/status")"
there "$T/a.tar"

step "no escape sequences elsewhere, nor with NO_COLOR"
run 0 ociferry-export -o "$T/b.tar" "$SRC/app/big:1"
! grep -q $'\033' "$T/err" || fail "an escape sequence was printed"
equal "what stdout has" "" "$(cat "$T/out")"
in_terminal "NO_COLOR=1 ociferry-export -o $T/c.tar $SRC/app/big:1"
! grep -q $'\033\\[[0-9;]*m' "$T/seen" || fail "a colour was printed with NO_COLOR"

step "-q says nothing, --progress none says no progress"
run 0 ociferry-export -q -o "$T/d.tar" "$SRC/app/big:1"
equal "what stderr has" "" "$(cat "$T/err")"
run 0 ociferry-verify -q "$T/d.tar"
equal "what stderr has" "" "$(cat "$T/err")"
equal "what stdout has" "" "$(cat "$T/out")"
