#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
. "$SUPPORT/at_terminal.sh" || exit
goal "volumes on media that are put in one after the other: asked for by name on a terminal"

store_image SRC app/cut 1 5 25 9
start_registry SRC
start_registry DST
put_image "$SRC" app/cut 1
drive=$T/drive # where media are put in
shelf=$T/shelf # where they are kept
mkdir "$shelf"
run 0 ociferry-export -q -o "$shelf/v.tar" --volume-size 7M "$SRC/app/cut:1"

# insert FILE...: the medium that is in the drive goes, and one with these files comes.
insert() {
    rm -rf "$drive"
    mkdir "$drive"
    for file in "$@"; do ln "$shelf/$file" "$drive/"; done
}

# It is asked on the terminal alone, so stdout and stderr are elsewhere.
asking() { at_terminal "$1 >$T/out 2>$T/err"; }
asked() { shown "$1: insert its medium" "$2"; } # REGEX COUNT: so often by now

step "an import of six volumes from six media, with the sums file on the first"
insert v.tar.sha256 v.tar.001
asking "ociferry-import --volume-prompt $drive/v.tar.001 $DST/six"
for i in 2 3 4 5 6; do
    asked "v.tar.00$i is not there" 1
    insert v.tar.00$i
    answer ""
done
ended 0
same_images "$SRC" "$DST/six" app/cut:1
equal "questions" 5 "$(grep -o 'insert its medium' "$T/seen" | wc -l)"

step "the wrong medium, twice; and a sums file on one of its own"
insert v.tar.003
asking "ociferry-verify --volume-prompt --json $drive/v.tar.001"
asked "v.tar.sha256 is not there" 1
answer ""
asked "v.tar.sha256 is not there" 2
insert v.tar.sha256
answer ""
asked "v.tar.001 is not there" 1
insert v.tar.002
answer ""
asked "v.tar.001 is not there" 2
rm -rf "$drive" && mkdir "$drive"
head -c 1000 "$shelf/v.tar.001" >"$drive/v.tar.001"
answer ""
asked "v.tar.001 has 1000 bytes, and the sums file says 7340032" 1
for i in 1 2 3 4 5 6; do
    insert v.tar.00$i
    answer ""
    [ $i = 6 ] || asked "v.tar.00$((i + 1)) is not there" 1
done
ended 0
equal "states" "good" "$(jq -r '.volumes[].state' "$T/out" | sort -u)"
equal "volumes" 6 "$(jq '.volumes | length' "$T/out")"

step "a volume that is damaged is named, although it has gone by"
cp --remove-destination "$shelf/v.tar.003" "$T/kept"
cp "$shelf/v.tar.003" "$T/spoilt" && flip "$T/spoilt" 5000 && mv "$T/spoilt" "$shelf/v.tar.003"
insert v.tar.sha256 v.tar.001 v.tar.002 v.tar.003 v.tar.004 v.tar.005
asking "ociferry-import --volume-prompt $drive/v.tar $DST/spoilt"
asked "v.tar.006 is not there" 1
insert v.tar.006
answer ""
ended 3
says "v.tar.003 has other bytes than the sums file says"
no_image "$DST" spoilt/app/cut 1
mv "$T/kept" "$shelf/v.tar.003"

step "given up"
insert v.tar.sha256 v.tar.001
asking "ociferry-verify --volume-prompt $drive/v.tar.sha256"
asked "v.tar.002 is not there" 1
answer q
ended 3
says "v.tar.002 is missing"
asking "ociferry-import --volume-prompt $drive/v.tar.sha256 $DST/given"
asked "v.tar.002 is not there" 1
answer q
ended 3
says "v.tar.002.* is not there"
no_image "$DST" given/app/cut 1

step "interrupted while it waits"
asking "ociferry-import --volume-prompt $drive/v.tar.sha256 $DST/given"
asked "v.tar.002 is not there" 1
printf '\003' >&9
ended 1
says "interrupted"

step "without a terminal it is an error; without the flag nobody is asked"
run 3 setsid ociferry-import --volume-prompt "$drive/v.tar.001" "$DST/none"
says "v.tar.002 is not there, and there is no terminal to ask on"
run 3 ociferry-import "$drive/v.tar.001" "$DST/none"
says "v.tar.002 to v.tar.006 are missing"

step "where all are there, nobody is asked; a single file is read as ever"
run 0 setsid ociferry-import -q --volume-prompt "$shelf/v.tar" "$DST/all"
same_images "$SRC" "$DST/all" app/cut:1
run 0 ociferry-export -q -o "$T/whole.tar" "$SRC/app/cut:1"
run 0 setsid ociferry-import -q --volume-prompt "$T/whole.tar" "$DST/one"
same_images "$SRC" "$DST/one" app/cut:1
