#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "bad input is one line that names the object, with the exit status that is promised"

start_source SRC
start_registry DST
nowhere=127.0.0.1:$(dead_port)
run 0 ociferry-export -o "$T/good.tar" "$SRC/app/web:1"

# bad STATUS WORDS COMMAND...: exit status, what the line must say, what nobody may find afterwards.
bad() {
    local status=$1 words=$2
    shift 2
    run "$status" "$@"
    one_line
    says "$words"
    absent "$T/new.tar"
    absent "$T/new.tar.partial"
}

export_new() { ociferry-export -q --retries 1 -o "$T/new.tar" "$@"; }

step "references that do not parse"
bad 2 'Not/A/Name' export_new "$SRC/Not/A/Name:1"
bad 2 'a b' export_new "$SRC/a b"
bad 2 'sha256:123' export_new "$SRC/app/web@sha256:123"
bad 2 'app//web' export_new "$SRC/app//web"
bad 2 'app/web:' export_new "$SRC/app/web:-x"
bad 2 '\.\.' export_new "$SRC/../web:1"
bad 2 'reference|REF|no image' export_new

step "what is not there"
bad 1 'app/web:nine' export_new "$SRC/app/web:nine"
bad 1 'app/nothing:1' export_new "$SRC/app/nothing:1"
bad 1 'sha256:0000' export_new "$SRC/app/web@sha256:$(printf '0%.0s' {1..64})"
bad 1 'app/nothing' export_new "$SRC/app/web:1" "$SRC/app/nothing:1"

step "hosts that are not there"
bad 5 "$nowhere" export_new "$nowhere/app/web:1"
bad 5 'no-such-host.invalid' export_new no-such-host.invalid/app/web:1
bad 5 "$nowhere" ociferry-import -q --retries 1 "$T/good.tar" "$nowhere"

step "output"
bad 1 'no-such-folder' ociferry-export -q -o "$T/no-such-folder/a.tar" "$SRC/app/web:1"
bad 1 "$T/home" ociferry-export -q -o "$T/home" "$SRC/app/web:1"
sum=$(sha256sum <"$T/good.tar")
bad 1 'good.tar.*--force|--force.*good.tar' ociferry-export -q -o "$T/good.tar" "$SRC/app/base:1"
equal "the file that was there" "$sum" "$(sha256sum <"$T/good.tar")"
cp "$T/good.tar" "$T/old.tar"
run 0 ociferry-export -q --force -o "$T/old.tar" "$SRC/app/base:1"
run 0 ociferry-verify "$T/old.tar"
bad 2 'output|-o' ociferry-export -q "$SRC/app/web:1"

# [W26]
step "--force keeps the old archive when the new one fails"
cp "$T/good.tar" "$T/old.tar"
start_proxy BAD "$SRC" --truncate "GET /blobs/ 0"
got=0
ociferry-export -q --force --retries 1 -o "$T/old.tar" "$BAD/app/base:1" >"$T/out" 2>"$T/err" || got=$?
[ $got -ne 0 ] || fail "an export of truncated blobs cannot be done"
equal "the old archive" "$sum" "$(sha256sum <"$T/old.tar")"

step "archives that are none"
echo hello >"$T/text"
bad 3 "$T/text" ociferry-import -q "$T/text" "$DST"
run 3 ociferry-verify -q "$T/text"
says "$T/text"
mv "$T/text" "$T/"$'\xff.tar'
run 3 ociferry-verify --json "$T/"$'\xff.tar'
equal "a path that is no UTF-8, in JSON" "$T/?.tar" "$(jq -r .archive "$T/out")"
bad 1 'no-such.tar' ociferry-import -q "$T/no-such.tar" "$DST"
bad 1 'no-such.tar' ociferry-verify -q "$T/no-such.tar"
bad 3 "$T/home" ociferry-import -q "$T/home" "$DST"

step "destinations"
bad 2 'destination|DEST|archive|operand' ociferry-import -q "$T/good.tar"
bad 2 'Upper' ociferry-import -q "$T/good.tar" "$DST/Upper"
bad 2 'operand|DEST|ARCHIVE|archive' ociferry-import -q

step "options"
bad 2 'no-such-option' ociferry-export -q --no-such-option
bad 2 'jobs|-j' ociferry-export -q -j 0 -o "$T/new.tar" "$SRC/app/web:1"
bad 2 'jobs|-j' ociferry-export -q -j many -o "$T/new.tar" "$SRC/app/web:1"
bad 2 'ref-name' ociferry-export -q --ref-name other -o "$T/new.tar" "$SRC/app/web:1"
bad 2 'no-such-option' ociferry-import -q --no-such-option
bad 2 'no-such-option' ociferry-verify -q --no-such-option
bad '1|2' 'no-such-list' export_new -f "$T/no-such-list"
bad '1|2' 'no-such-auth' export_new --authfile "$T/no-such-auth" "$SRC/app/web:1"
bad '1|2' 'no-such-ca' export_new --cacert "$T/no-such-ca" "$SRC/app/web:1"

step "a shell variable that is not set"
bad 2 '[-][-]output: its argument [A-Z]+ is empty' ociferry-export -q -o "" "$SRC/app/web:1"
bad 2 '[-][-]insecure: its argument [A-Z]+ is empty' export_new --insecure= "$SRC/app/web:1"
bad 2 '[-][-]report: its argument [A-Z]+ is empty' ociferry-import -q --report "" "$T/good.tar" "$DST"

step "rules and credentials that are half"
bad 2 'expected USER:PASSWORD' export_new --creds user "$SRC/app/web:1"
bad 2 'without a slash at its end' ociferry-import -q --map "$SRC/app/=mirror" "$T/good.tar" "$DST"
bad 2 'without a tag' ociferry-import -q --map "$SRC/app/web:1=mirror" "$T/good.tar" "$DST"

step "a list of references with a wrong line: the line is named"
printf '# a comment\n%s/app/web:1\n\nNot A Reference\n' "$SRC" >"$T/list"
run 2 export_new -f "$T/list"
says ':4|line 4'

step "control characters of a server do not reach the terminal"
run 2 export_new "$(printf 'reg.example/a\033[31mb')"
! grep -q $'\033' "$T/err" || fail "an escape sequence was printed"
