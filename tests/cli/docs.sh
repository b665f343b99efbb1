#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
. "$SUPPORT/attach.sh" || exit
. "$SUPPORT/certs.sh" || exit
goal "the papers say what the programs do: options, exit statuses, JSON, limits, sections, paths"
cd "$ROOT"

programs=(ociferry-export ociferry-import ociferry-verify)
declare -A page=([ociferry-export]=export/ociferry-export.1 [ociferry-import]=import/ociferry-import.1
    [ociferry-verify]=format/verify/ociferry-verify.1)

# same_lines WHAT FILE1 FILE2: as sets of lines.
same_lines() {
    local only
    only=$(diff <(sort -u "$2") <(sort -u "$3") | grep '^[<>]' || true)
    [ -z "$only" ] || fail "$1 ('<': ${2##*/} alone, '>': ${3##*/} alone):"$'\n'"$only"
}

# section FILE HEADING: the lines from the heading to the next one of that level or above.
section() {
    awk -v heading="$2" '
        /^#+ / { level = length($1) }
        $0 == heading { on = level; next }
        /^#+ / && on && level <= on { on = 0 }
        on' "$1"
}

# The text of a man page without its fonts.
plain_man() { sed -E 's/\\f[A-Z]//g; s/\\-/-/g' "${page[$1]}"; }

for program in "${programs[@]}"; do
    step "$program: each option, with its letter and argument, is in --help and in the man page"
    run 0 "$program" --help
    cp "$T/out" "$T/$program.help"
    sed -nE 's/^  (-[A-Za-z], |    )(--[^ ]+( [^ ]+)?)(  .*|$)/\1\2/p' "$T/out" | sed 's/^ *//' >"$T/help.options"
    plain_man "$program" | awk '/^\.SH/ { on = $2 == "OPTIONS" } on' |
        grep -E '^(-[A-Za-z], )?--[a-z]' >"$T/man.options"
    at_least "options in the help" 5 "$(wc -l <"$T/help.options")"
    same_lines "options of $program" "$T/help.options" "$T/man.options"

    step "$program: the exit statuses in --help, the man page and the README"
    sed -n '/^Exit status:/,/^$/s/^  \([0-9]\)  /\1 /p' "$T/out" >"$T/help.exits"
    plain_man "$program" | awk '/^\.SH/ { on = $0 ~ /EXIT STATUS/ } on' |
        sed -n '/^\.B [0-9]$/{s/^\.B //;N;s/\n/ /;p}' >"$T/man.exits"
    section README.md "## Exit statuses" | sed -nE 's/^\| ([0-9]) \| (.*) \|$/\1 \2/p' >"$T/README.exits"
    equal "exit statuses in the help" 7 "$(wc -l <"$T/help.exits")"
    same_lines "exit statuses of $program" "$T/help.exits" "$T/man.exits"
    same_lines "exit statuses" "$T/help.exits" "$T/README.exits"

    step "$program: the man page has all its sections and renders without a warning"
    for heading in NAME SYNOPSIS DESCRIPTION OPTIONS '"EXIT STATUS"' ENVIRONMENT EXAMPLES '"SEE ALSO"'; do
        grep -qxF ".SH $heading" "${page[$program]}" || fail "${page[$program]}: no section $heading"
    done
    if command -v groff >/dev/null; then
        run 0 groff -man -Tutf8 -ww -z "${page[$program]}"
        equal "what groff says" "" "$(cat "$T/err")"
    fi
    if command -v mandoc >/dev/null; then
        run 0 mandoc -T lint -W error "${page[$program]}"
    fi
done

step "options that the README mentions exist"
cat "$T"/ociferry-*.help >"$T/all.help"
has_option() { grep -qE -- "^  (-[A-Za-z], |    )$2([[ ]|$)" "$1"; }
while read -r line; do
    help=$T/all.help
    for program in "${programs[@]}"; do
        [[ $line != *$program* || $line == *"|"* ]] || help=$T/$program.help
    done
    for option in $(grep -oE -- '--[a-z][a-z-]+' <<<"$line"); do
        has_option "$help" "$option" || fail "README.md: there is no $option in: $line"
    done
done < <(grep -- '--[a-z]' README.md | grep -v cmake)

step "paths that the papers name exist"
for paper in README.md format/README.md SPEC.md; do
    for path in $(grep -oE '[a-zA-Z_]+(/[a-zA-Z_]+)*\.(c|h|sh|md|1)\b' "$paper" | sort -u); do
        [ -e "$path" ] || [ -e "format/$path" ] || [ -e "format/registry/$path" ] ||
            fail "$paper: there is no $path"
    done
done

step "sections of SPEC.md that the code cites exist"
while IFS=: read -r file number; do
    number=${number##* }
    grep -qE "^#+ ${number//./\\.}\.? " SPEC.md || fail "$file cites SPEC $number, which is not there"
done < <(grep -roE --include='*.[ch]' --include='*.sh' --include='*.txt' 'SPEC(\.md)? [0-9]+(\.[0-9]+)*' \
    format export import examples tests/unit tests/support)

step "limits in SPEC.md are those of the code, and the other way round"
sed -nE 's/^\|.*\| ([0-9 ]+) \| `([A-Z_]+)` \|$/\2 \1/p' SPEC.md >"$T/limits"
at_least "limits in SPEC.md" 15 "$(wc -l <"$T/limits")"
while read -r name value; do
    found=0
    while read -r text; do
        text=$(sed -E 's,/\*.*,,; s/\((size_t|int64_t)\)//g; s/([0-9])L\b/\1/g' <<<"$text")
        equal "$name in the code" "${value// /}" "$((text))"
        found=1
    done < <(grep -rhE "^#define $name\b" format export import | sed -E "s/^#define $name +//")
    [ $found -eq 1 ] || fail "SPEC.md: the code has no $name"
done <"$T/limits"
# Rooms for texts are no limits of what is read.
for name in $(grep -rhoE '^#define FERRY_[A-Z_]+_MAX\b' format/core format/oci format/archive |
    cut -d' ' -f2 | grep -vE '_TEXT_MAX$|^FERRY_(ERR|BLOB_NAME)_MAX$'); do
    grep -q "^$name " "$T/limits" || fail "SPEC.md leaves out $name"
done

step "the members of JSON in the README are those that the programs print"
# members FILE: the path of everything that is no object or array, as the README writes it.
members() {
    jq -r 'paths(type != "object" and type != "array") |
        map(if type == "number" then "[]" else ".\(.)" end) | join("")' "$1" | sed 's/^\.//' | sort -u
}
documented() { section README.md "$1" | sed -nE 's/^\| `([^`]+)` \|.*/\1/p'; }
start_source BASE
start_registry SRC
start_registry DST
for name in web docker multi; do
    run 0 ociferry-export -o "$T/$name.tar" "$BASE/app/$name:1"
    run 0 ociferry-import "$T/$name.tar" "$SRC"
done
sign "$SRC" app/web "$(digest_of "$SRC" app/web 1)"
make_ca ca
make_ca stranger
run 6 ociferry-export --json --keep-going --platform linux/amd64 --base "$T/web.tar" -o "$T/a.tar" \
    --sign-cert "$T/ca.crt" --sign-key "$T/ca.key" --sign-cert "$T/stranger.crt" --sign-key "$T/stranger.key" \
    --volume-size 1M "$SRC/app/web:1" "$SRC/app/docker:1" "$SRC/app/none:1" "$SRC/app/multi:1"
members "$T/out" >"$T/export.printed"
documented '### `ociferry-export --json`' >"$T/README.export"
same_lines "JSON of ociferry-export" "$T/export.printed" "$T/README.export"

cat "$T"/a.tar.[0-9]* >"$T/a.tar"
rm "$T"/a.tar.*
layer=$(raw "$SRC" app/docker 1 | jq -r '.layers[1].digest')
flip "$T/a.tar" $(($(entry_offset "$T/a.tar" "blobs/sha256/${layer#sha256:}") + 30))
echo stranger >"$T/stranger"
tar -C "$T" -rf "$T/a.tar" stranger
split --numeric-suffixes=1 -a 3 -b 1M "$T/a.tar" "$T/a.tar."
rm "$T/a.tar"
run 3 ociferry-verify --json --trust "$T/ca.crt" "$T/a.tar"
members "$T/out" >"$T/verify.printed"
documented '### `ociferry-verify --json`' >"$T/README.verify"
same_lines "JSON of ociferry-verify" "$T/verify.printed" "$T/README.verify"

run 0 ociferry-import "$T/web.tar" "$DST"
run 3 ociferry-import --json --report "$T/report.json" --trust "$T/ca.crt" "$T/a.tar" "$DST"
members "$T/out" >"$T/import.printed"
documented '### `ociferry-import --json`, `--report`' >"$T/README.import"
same_lines "JSON of ociferry-import" "$T/import.printed" "$T/README.import"
same_file "--json and --report" "$T/out" "$T/report.json"

step "and so are the words that they may hold"
for result in planned pushed unchanged "left out" failed unfinished; do
    grep -q "\`images\[\].result\`.*\`$result\`" README.md || fail "README.md leaves out the result $result"
done
run 0 ociferry-import --image '*/web:1' --json "$T/a.tar" "$DST"
equal "result of an image that is there" unchanged "$(jq -r '.images[0].result' "$T/out")"
run 0 ociferry-import --image '*/docker:1' --json --dry-run "$T/a.tar" "$DST/dry"
equal "result of a dry run" planned "$(jq -r '.images[0].result' "$T/out")"
