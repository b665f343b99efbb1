#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "images go where they are told: prefixes, maps, filters, lists"

start_source SRC
start_registry DST
run 0 ociferry-export -o "$T/a.tar" "$SRC/app/base:1" "$SRC/app/web:1" "$SRC/app/web:latest" "$SRC/app/docker:1"

step "the path is kept; a prefix stands before it"
run 0 ociferry-import "$T/a.tar" "$DST"
run 0 ociferry-import "$T/a.tar" "$DST/team/mirror"
same_images "$SRC" "$DST" app/base:1 app/web:1 app/web:latest app/docker:1
same_images "$SRC" "$DST/team/mirror" app/base:1 app/web:1 app/web:latest app/docker:1

step "--image"
run 0 ociferry-import --image '*/web:*' "$T/a.tar" "$DST/some"
same_images "$SRC" "$DST/some" app/web:1 app/web:latest
no_image "$DST" some/app/base 1
run 0 ociferry-import --image '*/base:*' --image '*/docker:1' "$T/a.tar" "$DST/more"
same_images "$SRC" "$DST/more" app/base:1 app/docker:1
no_image "$DST" more/app/web 1
run 1 ociferry-import --image '*/nothing:*' "$T/a.tar" "$DST/none"
says "--image"

step "one image to one reference"
run 0 ociferry-import --image '*/base:*' "$T/a.tar" "$DST/renamed/thing:v2"
raw "$SRC" app/base 1 >"$T/m1"
raw "$DST" renamed/thing v2 >"$T/m2"
same_file "the manifest under its new name" "$T/m1" "$T/m2"
run 2 ociferry-import "$T/a.tar" "$DST/renamed/thing:v3"

step "--map: the longest match wins"
run 0 ociferry-import --map "$SRC/app=apps" --map "$SRC/app/web=sites/web" "$T/a.tar" "$DST"
same_images "$SRC" "$DST" app/base:1
raw "$DST" apps/base 1 >"$T/m2"
same_file "app/base at apps/base" "$T/m1" "$T/m2"
raw "$SRC" app/web 1 >"$T/m1"
raw "$DST" sites/web 1 >"$T/m2"
same_file "app/web at sites/web" "$T/m1" "$T/m2"
no_image "$DST" apps/web 1

step "--keep-registry"
run 0 ociferry-import --keep-registry "$T/a.tar" "$DST/kept"
curl -s "http://$DST/v2/_catalog?n=1000" >"$T/catalog"
repo=$(jq -r '.repositories[] | select(test("^kept/127.0.0.1.*/app/web$"))' "$T/catalog")
[ -n "$repo" ] || fail "no repository below kept/ has the source registry in its path"
raw "$DST" "$repo" 1 >"$T/m2"
same_file "app/web at $repo" "$T/m1" "$T/m2"

step "export: lists of references, as oc image mirror writes them too"
printf '# what we ship\n%s/app/web:1\n%s/app/base:1 elsewhere.example/base:1\n\n%s/app/docker:1=else.example/x:1 # why\n' \
    "$SRC" "$SRC" "$SRC" >"$T/list"
run 0 ociferry-export -f "$T/list" -o "$T/list.tar"
run 0 ociferry-verify --list "$T/list.tar"
for ref in app/web:1 app/base:1 app/docker:1; do
    prints "$ref"
done
run 0 bash -c "ociferry-export -f - -o '$T/list2.tar' <'$T/list'"
same_file "a list on standard input" "$T/list.tar" "$T/list2.tar"

step "export: the same reference twice is there once"
run 0 ociferry-export -o "$T/twice.tar" "$SRC/app/web:1" "$SRC/app/web:1"
equal "entries of index.json" 1 "$(tar -xOf "$T/twice.tar" index.json | jq '.manifests | length')"

step "import: a list says which and where"
printf '%s/app/web:1 %s/listed/web:one\n%s/app/base:1=%s/listed/base:one\n' "$SRC" "$DST" "$SRC" "$DST" >"$T/list"
run 0 ociferry-import -f "$T/list" "$T/a.tar" "$DST"
raw "$DST" listed/web one >"$T/m2"
same_file "app/web where the list says" "$T/m1" "$T/m2"
equal "status of listed/base:one" 200 "$(status_of "http://$DST/v2/listed/base/manifests/one")"
no_image "$DST" listed/docker one
