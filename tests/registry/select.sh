#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "what a command line or a list names is what is exported: tags by globs, tags with digests, what can be had"

store_image SRC app 1.0 1
start_registry SRC
put_image "$SRC" app 1.0
one=$(digest_of "$SRC" app 1.0)
# The same layer under another config: another digest.
jq -c '.annotations = {two: "2"}' "$T/manifest.1.0" >"$T/manifest.2.0"
put_image "$SRC" app 2.0
two=$(digest_of "$SRC" app 2.0)
for tag in 1.9 1.10 latest; do
    cp "$T/manifest.1.0" "$T/manifest.$tag"
    put_image "$SRC" app "$tag"
done
cp "$T/manifest.1.0" "$T/manifest.sha256-${one#*:}.sig"
put_image "$SRC" app "sha256-${one#*:}.sig"

# names: the names in the archive, in its order, but for cosign's.
names() {
    tar -xOf "$T/a.tar" index.json |
        jq -r '[.manifests[].annotations["io.containerd.image.name"] | sub("^[^/]*/"; "") |
            select(test(":sha256-") | not)] | join(" ")'
}
export_all() { ociferry-export -q --force -o "$T/a.tar" "$@"; }

step "globs: in the order of their tags' bytes, each image once, cosign's tags with their images"
run 0 export_all "$SRC/app:1.*"
equal "images" "app:1.0 app:1.10 app:1.9" "$(names)"
run 0 export_all "$SRC/app:2*" "$SRC/app:*"
equal "images" "app:2.0 app:1.0 app:1.10 app:1.9 app:latest" "$(names)"
run 0 ociferry-verify -q "$T/a.tar"
start_registry DST
run 0 ociferry-import -q "$T/a.tar" "$DST"
same_images "$SRC" "$DST" app:1.0 app:1.10 app:1.9 app:2.0 app:latest "app:sha256-${one#*:}.sig"

step "a mapping file of oc image mirror; lines that cannot be taken are named"
cat >"$T/list" <<LIST
# from oc adm release mirror
$SRC/app:1.9=registry.internal/app:old $SRC/app:2.0=registry.internal/app:new
$SRC/app registry.internal/app file://backup/app   # all tags
LIST
run 0 export_all -f "$T/list"
equal "images" "app:1.9 app:2.0 app:1.0 app:1.10 app:latest" "$(names)"
rm "$T/a.tar"
for line in "file://backup/app:1 $SRC/app:1" "s3://s3/eu/bucket/app:1" "$SRC/app:1=a=b" "$SRC/App:*"; do
    printf '%s/app:1.0\n%s\n' "$SRC" "$line" >"$T/list"
    run 2 export_all -f "$T/list"
    one_line
    says "^ociferry-export: error: $T/list: line 2: "
    absent "$T/a.tar"
done

step "a glob that matches nothing, a repository that is not there"
printf '%s/app:1.0\n\n%s/app:3.*\n' "$SRC" "$SRC" >"$T/list"
run 1 export_all -f "$T/list"
one_line
says "list: line 3: $SRC/app:3\.\*: matches none of its 5 tags \(1\.0, 1\.10, 1\.9, 2\.0, latest\)"
run 1 export_all "$SRC/app:sha256-*"
run 1 export_all "$SRC/nothing:*"
one_line
says "tags of $SRC/nothing: .*404"
absent "$T/a.tar"
absent "$T/a.tar.partial"

step "a tag with a digest: the digest is taken, a tag that has moved is said"
run 0 export_all "$SRC/app:1.0@$one"
equal "images" app:1.0 "$(names)"
equal "lines on stderr" 0 "$(wc -l <"$T/err")"
run 0 ociferry-export --json --force -o "$T/a.tar" "$SRC/app:2.0@$one" "$SRC/app:gone@$two"
equal "images" "app:2.0 app:gone" "$(names)"
says "app:2\.0@$one: its tag has moved to $two"
says "app:gone@$two: its tag is gone"
equal "digests and moved tags" "$one $two 2" "$(jq -r '[(.images[] | select(.subject | not).digest), .tagsMoved] | join(" ")' "$T/out")"

step "a tag that may not be asked for: which, and by GET where it is HEAD that is refused"
start_proxy CLOSED "$SRC" --status "HEAD /v2/app/manifests/ 403"
run 4 export_all "$CLOSED/app:1.0@$one"
one_line
says "$CLOSED/app:1\.0: .*403"
start_proxy NOHEAD "$SRC" --status "HEAD /v2/app/manifests/ 405"
run 0 export_all "$NOHEAD/app:1.0@$one"
equal "lines on stderr" 0 "$(wc -l <"$T/err")"

step "one name, one image: the tag alone is the digest's if it means that, else keeps the name"
run 0 export_all "$SRC/app:1.0" "$SRC/app:1.0@$one"
equal "images" app:1.0 "$(names)"
run 0 export_all "$SRC/app:1.0@$two" "$SRC/app:1.0"
says "1\.0@$two: its tag has moved to $one: it goes by its digest alone"
equal "images" "app@$two app:1.0" "$(names)"
run 0 ociferry-import -q "$T/a.tar" "$DST"

step "--keep-going: what cannot be had is left out and said, the rest is there, 6"
refs=("$SRC/app:1.0" "$SRC/app:none" "$SRC/none:1" "$SRC/none:*" "$SRC/app:9*" "$SRC/app@sha256:$(printf '0%.0s' {1..64})")
run 1 ociferry-export -q --force -o "$T/a.tar" "${refs[@]}"
run 6 ociferry-export --json --keep-going --force -o "$T/a.tar" "${refs[@]}" "$SRC/app:2*"
equal "images" "app:1.0 app:2.0" "$(names)"
equal "lines of errors" 5 "$(grep -c 'left out: ' "$T/err")"
equal "failed" "none:* app:9* app:none none:1 app@sha256" \
    "$(jq -r '[.failed[].name | sub("^[^/]*/"; "") | sub(":0.*"; "")] | join(" ")' "$T/out")"
equal "each with a reason" 5 "$(jq '[.failed[].error | select(length > 20)] | length' "$T/out")"
run 0 ociferry-verify -q "$T/a.tar"
run 0 ociferry-export -q --force -o "$T/b.tar" "$SRC/app:1.0" "$SRC/app:2*"
same_file "the archive without them" "$T/a.tar" "$T/b.tar"

step "--keep-going: a child of an index that is gone, a wrong digest; nothing is asked for twice"
index=application/vnd.oci.image.index.v1+json
jq -cn --arg one "$one" --arg two "$two" --argjson size1 "$(wc -c <"$T/manifest.1.0")" \
    --argjson size2 "$(wc -c <"$T/manifest.2.0")" --arg index "$index" \
    '{schemaVersion: 2, mediaType: $index, manifests: [[$one, $size1], [$two, $size2] |
      {mediaType: "application/vnd.oci.image.manifest.v1+json", digest: .[0], size: .[1]}]}' >"$T/index"
curl -sSf -X PUT -H "Content-Type: $index" --data-binary "@$T/index" "http://$SRC/v2/app/manifests/multi"
start_proxy FAULTY "$SRC" --status "GET /v2/app/manifests/$two 404" --flip "GET /manifests/1.9 30"
run 6 ociferry-export -q --keep-going -o "$T/faulty.tar" "$FAULTY/app:multi" "$FAULTY/app:1.9" "$FAULTY/app:1.10"
says "left out: $FAULTY/app:multi: manifest $two: .*404"
says "left out: $FAULTY/app:1\.9: .*sha256"
equal "requests for manifests and a signature" 5 "$(log_count FAULTY 'GET /v2/app/manifests/')"
run 0 ociferry-export -q -o "$T/b.tar" --force "$FAULTY/app:1.10"
same_file "the archive without them" "$T/faulty.tar" "$T/b.tar"
run 1 ociferry-export -q --force -o "$T/b.tar" "$FAULTY/app:multi" "$FAULTY/app:1.10"

rm "$T/a.tar"
run 1 ociferry-export -q --keep-going -o "$T/a.tar" "$SRC/app:none" "$SRC/none:*"
says 'nothing is left to export'
absent "$T/a.tar"
absent "$T/a.tar.partial"
