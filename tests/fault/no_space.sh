#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "a full disk is one line and leaves nothing half-made under a final name"

start_source SRC

step "standard output is full"
run 1 bash -c "ociferry-export -q -o - '$SRC/app/big:1' >/dev/full"
one_line
says "no space"
run 0 ociferry-export -q -o "$T/a.tar" "$SRC/app/web:1"
for command in "export --help" "export -q --dry-run $SRC/app/web:1" \
    "export -q --dry-run --json $SRC/app/web:1" "verify --list $T/a.tar" "verify --json $T/a.tar" \
    "import -q --dry-run $T/a.tar $SRC/new" "import -q --dry-run --json $T/a.tar $SRC/new"; do
    run 1 bash -c "ociferry-$command >/dev/full"
    says "stdout: cannot write: No space left on device"
done

step "a file-size limit stands in for a disk"
run 1 bash -c "ulimit -f 2000; trap '' XFSZ; exec ociferry-export -q -o '$T/limit.tar' '$SRC/app/big:1'"
one_line
says "limit.tar"
absent "$T/limit.tar"

step "a reader that goes away"
got=0
RAN="export | head"
{ ociferry-export -q -o - "$SRC/app/big:1" 2>"$T/err" && got=0 || echo $? >"$T/status"; } | head -c 1000 >/dev/null
there "$T/status"
equal "exit status" 1 "$(cat "$T/status")"
one_line

step "a small file system"
mkdir "$T/small"
if [ "$(id -u)" -ne 0 ] || ! mount_at "$T/small" -t tmpfs -o size=4m ferry-test 2>/dev/null; then
    echo "  left out: this needs root and the right to mount"
    exit 0
fi
run 1 ociferry-export -q -o "$T/small/a.tar" "$SRC/app/big:1"
one_line
says "small/a.tar|no space"
absent "$T/small/a.tar"
run 0 ociferry-export -q -o "$T/small/b.tar" "$SRC/app/web:1"
