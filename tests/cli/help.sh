#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "--help and --version of the three programs, and one table of exit statuses"

for program in ociferry-export ociferry-import ociferry-verify; do
    step "$program"
    run 0 $program --help
    equal "stderr of --help" "" "$(cat "$T/err")"
    prints "$program"
    prints '--help'
    prints '--version'
    # Each option of the help is in the man page and the other way round.
    grep -oE -- '^ +(-[A-Za-z], )?--[a-z][a-z-]+' "$T/out" | grep -oE -- '--[a-z-]+' | sort -u >"$T/help"
    page=$(find "$ROOT/export" "$ROOT/import" "$ROOT/format" -name "$program.1")
    [ -n "$page" ] || fail "there is no man page"
    sed 's/\\-/-/g' "$page" | grep -oE -- '--[a-z][a-z-]+' | sort -u >"$T/man"
    equal "options that the man page leaves out" "" "$(comm -23 "$T/help" "$T/man" | tr '\n' ' ')"
    # Each exit status is in the help and in the man page.
    for status in 0 1 2 3 4 5 6; do
        grep -qE "(^|[^0-9])$status([^0-9]|$)" "$T/out" || fail "--help leaves out exit status $status"
    done
    run 0 $program --version
    prints '[0-9]+\.[0-9]+\.[0-9]+'
    run 0 $program -h
    run 2 $program
    one_line
done

step "options may stand after operands"
start_source SRC
run 0 ociferry-export "$SRC/app/web:1" -o "$T/a.tar" -q
run 0 ociferry-verify "$T/a.tar" --list
