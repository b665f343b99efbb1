#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "10,000 references of a list, 10,000 tags of a repository, 10,000 lines of a mapping: in time that grows with their number alone"

store_image SRC app v00000 1
start_registry SRC
put_image "$SRC" app v00000
# Its other tags are made in the storage: a request each would take longer than the test.
cd "$T/SRC.storage/docker/registry/v2/repositories/app/_manifests/tags"
hex=$(digest_of "$SRC" app v00000 | cut -d: -f2)
mkdir -p v0{0001..9999}/current v0{0001..9999}/index/sha256/"$hex"
tee v0{0001..9999}/current/link <v00000/current/link >"$T/link"
tee v0{0001..9999}/index/sha256/"$hex"/link <"$T/link" >/dev/null
cd "$T"

# costs FILE SECONDS KIB: what measure wrote.
costs() {
    [ -z "${FERRY_SANITIZED:-}" ] || return 0
    at_most "seconds of CPU in hundredths" $(($2 * 100)) "$(jq '.cpu_s * 100 | floor' "$1")"
    at_most "KiB of memory" "$3" "$(jq .peak_kib "$1")"
}

step "a list of 10,000 lines, and all tags of the repository besides: each image once"
seq -f "$SRC/app:v%05g   # a comment" 0 9999 >"$T/list"
run 0 measure "$T/export.json" ociferry-export -q -o "$T/a.tar" -f "$T/list" "$SRC/app:*"
tar -xOf "$T/a.tar" index.json | jq -r '.manifests[].annotations["io.containerd.image.name"]' >"$T/names"
same_file "names" <(sed 's/ .*//' "$T/list") "$T/names"
costs "$T/export.json" 30 131072
run 0 ociferry-verify -q "$T/a.tar"

step "one image more is too much for an archive, and said before they are asked for"
run 2 ociferry-export -q --dry-run -f "$T/list" "$SRC/app@sha256:$hex"
one_line
says '10001 images, and an archive holds at most 10000'

step "a line among them that is none"
sed '9999s/.*/not a:\/reference=/' "$T/list" >"$T/bad"
run 2 ociferry-export -q --dry-run -f "$T/bad"
one_line
says "$T/bad: line 9999: "

step "a mapping of 10,000 lines at import, by tags and by the digest"
start_registry DST
seq -f "%05g" 0 9999 | sed "s,.*,$SRC/app:v& mirror/app:m&," >"$T/mapping"
run 0 measure "$T/import.json" ociferry-import -q --dry-run --report "$T/report.json" -f "$T/mapping" "$T/a.tar" "$DST"
equal "destinations" 10000 "$(jq -r '.images[].destination' "$T/report.json" | sort -u | wc -l)"
costs "$T/import.json" 5 131072
seq -f "$SRC/app@sha256:$hex mirror/app:m%05g" 0 9999 >"$T/mapping"
run 0 measure "$T/import.json" ociferry-import -q --dry-run -f "$T/mapping" "$T/a.tar" "$DST"
costs "$T/import.json" 5 131072
echo "$SRC/app:v10000 mirror/app:x" >>"$T/mapping"
run 1 ociferry-import -q --dry-run -f "$T/mapping" "$T/a.tar" "$DST"
says "$T/mapping: line 10001: $SRC/app:v10000 is not in the archive"
