#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
. "$SUPPORT/at_terminal.sh" || exit
goal "an archive is never written to a terminal; progress is drawn on one alone"

start_source SRC
colour=$'\033\\[[0-9;]*m'
drawn=$'\r.*[0-9]+%.*ETA .*\033\\[K'

# Long enough for a few redraws, and with something to colour.
export_it() { echo "ociferry-export --limit-rate 16M --insecure=nowhere.test -o $T/$1.tar ${*:2} $SRC/app/big:1"; }
in_terminal() { # STATUS COMMAND
    at_terminal "$2"
    ended "$1"
    cp "$T/seen" "$T/err"
}

step "the archive"
in_terminal 2 "ociferry-export -o - $SRC/app/web:1"
says "terminal"
says_not imageLayoutVersion

step "progress on a terminal, and colours"
in_terminal 0 "$(export_it a)"
says "$drawn"
says "$colour"
there "$T/a.tar"

step "no colours with NO_COLOR"
in_terminal 0 "NO_COLOR=1 $(export_it b)"
says "$drawn"
says_not "$colour"

step "no escape sequences elsewhere"
# shellcheck disable=SC2046
run 0 $(export_it c)
says "warning"
says_not $'\033'
equal "what stdout has" "" "$(cat "$T/out")"

step "--progress none says no progress, -q nothing"
in_terminal 0 "$(export_it d --progress none)"
says "24\.0 MiB"
says_not "$drawn"
run 0 ociferry-export -q -o "$T/e.tar" "$SRC/app/big:1"
equal "what stderr has" "" "$(cat "$T/err")"
run 0 ociferry-verify -q "$T/e.tar"
equal "what stderr has" "" "$(cat "$T/err")"
equal "what stdout has" "" "$(cat "$T/out")"
