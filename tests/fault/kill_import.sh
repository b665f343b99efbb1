#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "kill -9 of an import, at any moment, never leaves a tag whose graph is incomplete; a rerun completes it"

# FERRY_KILLS=50 takes longer; FERRY_SEED repeats a run.
kills=${FERRY_KILLS:-12}
RANDOM=${FERRY_SEED:-$$}
echo "  seed ${FERRY_SEED:-$$}"

start_source SRC
start_registry STORE
start_proxy DST "$STORE"
refs=(app/base:1 app/web:1 app/web:latest app/docker:1 app/multi:1 app/big:1)
mapfile -t operands < <(at "$SRC" "${refs[@]}")
run 0 ociferry-export -o "$T/a.tar" "${operands[@]}"

start=$(date +%s%N)
run 0 ociferry-import "$T/a.tar" "$DST/whole"
whole=$((($(date +%s%N) - start) / 1000000))

# sound PREFIX: each tag that is there is complete. Adds to `tags`.
tags=0
sound() {
    local ref repo
    for ref in "${refs[@]}"; do
        repo=$1/${ref%:*}
        if raw "$STORE" "$repo" "${ref##*:}" >"$T/raw" 2>/dev/null; then
            tags=$((tags + 1))
            complete "$STORE" "$repo" "$T/raw"
        fi
    done
}

import_it() { # PREFIX; from a pipe every other time
    if [ $((round % 2)) -eq 0 ]; then
        exec ociferry-import -q "$T/a.tar" "$DST/$1"
    else
        exec ociferry-import -q - "$DST/$1" <"$T/a.tar"
    fi
}

step "$kills kills of imports that take $whole ms"
round=0 killed=0 completed=0
while [ $killed -lt "$kills" ]; do
    round=$((round + 1))
    # Until it completes; what is there already makes each run shorter.
    for ((runs = 1; ; runs++)); do
        RAN="import $runs of round $round"
        import_it "r$round" 2>"$T/err" &
        pid=$!
        ms=$((RANDOM % whole))
        sleep "$((ms / 1000)).$(printf '%03d' $((ms % 1000)))"
        kill -9 $pid 2>/dev/null || true
        got=0
        wait $pid 2>/dev/null || got=$?
        sound "r$round"
        if [ $got -eq 0 ]; then
            completed=$((completed + 1))
            break
        fi
        equal "how it ended" 137 $got
        killed=$((killed + 1))
        [ $killed -lt "$kills" ] || break
    done
done
echo "  $round rounds, $completed completed, $killed kills; $tags tags were looked at"

step "after the last one: the same command completes it, and once more does nothing"
run 0 ociferry-import "$T/a.tar" "$DST/r$round"
same_images "$SRC" "$STORE/r$round" "${refs[@]}"
: >"$T/DST.log"
run 0 ociferry-import "$T/a.tar" "$DST/r$round"
equal "uploads begun, manifests put" 0 "$(log_count DST '^(POST|PUT|PATCH) ')"
