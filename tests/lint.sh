#!/bin/bash
# What a compiler does not see: which layer includes which, where the network code is, file names,
# layout. Prints every finding; fails on any. Takes seconds.
#
#   tests/lint.sh          the checks below
#   tests/lint.sh --tidy   clang-tidy as well (minutes), on the build in $FERRY_BUILD (or build/dev)
set -uo pipefail
export LC_ALL=C.UTF-8
cd "$(dirname "$0")/.." || exit 2

# Which layer may include which: the drawing in format/README.md. A layer may include itself.
declare -A MAY_INCLUDE=(
    [format/core]=""
    [format/oci]="format/core"
    [format/archive]="format/core format/oci"
    [format/registry]="format/core format/oci"
    [format/run]="format/core"
    [format/verify]="format/core format/oci format/archive format/run"
    [export]="format/core format/oci format/archive format/registry format/run"
    [import]="format/core format/oci format/archive format/registry format/run format/verify"
    [examples]="format/core format/oci format/archive"
)

# Part of no program, so they look at everything.
FREE_LAYERS="tests"

# The far side's verifier, and whatever it stands on, hold no network code.
OFFLINE="format/core format/oci format/archive format/run format/verify"

# Meant to be in many folders.
COMMON_NAMES="CMakeLists.txt README.md"

findings=0

finding() {
    printf '%s\n' "$*"
    findings=$((findings + 1))
}

# All files of the project that match find's tests, one a line.
files() {
    find . \( -path ./.git -o -path './build*' \) -prune -o -type f "$@" -print | sed 's,^\./,,' |
        sort
}

sources() {
    files \( -name '*.c' -o -name '*.h' \)
}

# format/core/err.h -> format/core, export/pull.c -> export
layer_of() {
    case $1 in
    format/*/*) echo "$(cut -d/ -f1-2 <<<"$1")" ;;
    */*) echo "${1%%/*}" ;;
    *) echo . ;;
    esac
}

contains() { # "a b c" b
    [[ " $1 " == *" $2 "* ]]
}

check_includes() {
    local file line path from to
    while IFS=: read -r file line path; do
        path=${path#*\"}
        path=${path%%\"*}
        from=$(layer_of "$file")
        to=$(layer_of "$path")
        if [[ ! -e $path ]]; then
            finding "$file:$line: includes \"$path\", which is not a path from the top of the tree"
        elif contains "$FREE_LAYERS" "$from"; then
            :
        elif [[ ! -v MAY_INCLUDE[$from] ]]; then
            finding "$file:$line: $from/ is not in the drawing of the layers"
        elif [[ $from != "$to" ]] && ! contains "${MAY_INCLUDE[$from]}" "$to"; then
            finding "$file:$line: $from/ must not include $to/ (\"$path\")"
        fi
    done < <(sources | xargs -r grep -nHE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"')
}

check_offline() {
    local folder hit
    for folder in $OFFLINE; do
        [[ -d $folder ]] || continue
        while read -r hit; do
            finding "$hit: network code in a layer that has none"
        done < <(grep -rniI curl "$folder" | cut -d: -f1-2)
    done
}

check_names() {
    local name
    while read -r name; do
        contains "$COMMON_NAMES" "$name" && continue
        finding "$(files -name "$name" | paste -sd' '): one name for several files"
    done < <(files | sed 's,.*/,,' | sort | uniq -d)
}

check_goto() {
    local hit
    while read -r hit; do
        finding "$hit: goto"
    done < <(sources | xargs -r grep -nHwE '^[^*/"]*goto [a-z_0-9]+;' | cut -d: -f1-2)
}

# A reader that stops at the first match may end its writer by a signal, and under pipefail what was
# found is then a failure, now and then. grep to /dev/null reads to the end.
check_pipes() {
    local hit
    while read -r hit; do
        finding "$hit: grep -q behind a pipe"
    done < <(files -name '*.sh' | xargs -r grep -nHE '(^|[^|])\|[[:space:]]*grep (-[a-zA-Z]+ )*-[a-zA-Z]*q' |
        cut -d: -f1-2)
}

# tests/support/lib.sh has a trap of EXIT that keeps the status; one in its place would lose it.
check_traps() {
    local hit
    while read -r hit; do
        finding "$hit: a trap of EXIT in a scenario"
    done < <(files -path './tests/*/*.sh' -not -name lib.sh | xargs -r grep -nHwE 'trap .*(EXIT|0)' |
        cut -d: -f1-2)
}

check_format() {
    local hit
    if ! command -v clang-format >/dev/null; then
        echo "clang-format is not installed: layout not checked" >&2
        return
    fi
    # Its first complaint about a file is enough.
    while read -r hit; do
        finding "$hit: not as clang-format writes it"
    done < <(sources | xargs -r clang-format --dry-run -Werror 2>&1 |
        sed -n 's/^\([^:]*\):\([0-9]*\):.*clang-format-violations.*/\1:\2/p' | sort -t: -u -k1,1)
}

check_tidy() {
    local build=${FERRY_BUILD:-build/dev} hit
    if ! command -v clang-tidy >/dev/null; then
        finding "clang-tidy is not installed"
        return
    fi
    if [[ ! -e $build/compile_commands.json ]]; then
        finding "$build/compile_commands.json: not there, so clang-tidy cannot run"
        return
    fi
    while read -r hit; do
        finding "$hit"
    done < <(sources | grep -E '^(format|export|import)/.*\.c$' |
        xargs -r -P "$(nproc)" -n 1 clang-tidy --quiet -p "$build" 2>/dev/null |
        grep -E '(warning|error): ' | sort -u)
}

check_includes
check_offline
check_names
check_goto
check_pipes
check_traps
check_format
[[ ${1:-} != --tidy ]] || check_tidy

if ((findings > 0)); then
    echo "$findings finding(s)"
    exit 1
fi
