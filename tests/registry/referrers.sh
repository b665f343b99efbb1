#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
. "$SUPPORT/attach.sh" || exit
. "$SUPPORT/certs.sh" || exit
goal "what belongs to an image crosses with it: referrers, their referrers, and signatures by tag"

start_source BASE
start_registry SRC
start_registry DST
skopeo copy -q --all --src-tls-verify=false --dest-tls-verify=false \
    "docker://$BASE/app/multi:1" "docker://$SRC/app/multi:1"

step "a signed image with an SBOM of the index, one of a child, and a signature of that SBOM"
index=$(digest_of "$SRC" app/multi 1)
child=$(raw "$SRC" app/multi 1 | jq -r '.manifests[0].digest')
attach "$SRC" app/multi "$index" application/spdx+json "sbom of the index"
sbom=$DIGEST
attach "$SRC" app/multi "$index" application/vnd.example.attestation "an attestation"
attestation=$DIGEST
attach "$SRC" app/multi "$child" application/spdx+json "sbom of a child"
child_sbom=$DIGEST
attach "$SRC" app/multi "$child_sbom" application/vnd.example.signature "signature of an SBOM"
signature=$DIGEST
sign "$SRC" app/multi "$index"
sign "$SRC" app/multi "$child"
attest "$SRC" app/multi "$child"
sign "$SRC" app/multi "$child" sbom
sign "$SRC" app/multi "$sbom"
attested "$SRC" app/multi "$child"
signed "$SRC" app/multi "$index"

# all_there HOST REPO
all_there() {
    local dst=$1/${2%app/multi}
    equal "referrers of the index" "$(printf '%s\n' "$sbom" "$attestation" | sort)" \
        "$(referrers "$1" "$2" "$index")"
    equal "referrers of the child" "$child_sbom" "$(referrers "$1" "$2" "$child")"
    equal "referrers of the child's SBOM" "$signature" "$(referrers "$1" "$2" "$child_sbom")"
    signed "$1" "$2" "$index"
    signed "$1" "$2" "$child"
    signed "$1" "$2" "$sbom"
    attested "$1" "$2" "$child"
    same_images "$SRC" "${dst%/}" "app/multi:${child/:/-}.att" "app/multi:${child/:/-}.sbom" "app/multi:1"
}

# [W27]
step "they travel by default, and stand behind the image in index.json"
run 0 ociferry-export -o "$T/a.tar" "$SRC/app/multi:1"
says '1 image with 9 referrers'
tar -xOf "$T/a.tar" index.json >"$T/index.json"
equal "entries of index.json" 10 "$(jq '.manifests | length' "$T/index.json")"
equal "the first entry" "$SRC/app/multi:1" \
    "$(jq -r '.manifests[0].annotations["io.containerd.image.name"]' "$T/index.json")"
equal "subjects" "$(printf '%s\n' "$index" "$index" "$child" "$child_sbom" | sort)" \
    "$(jq -r '.manifests[].annotations["io.containerd.manifest.subject"] // empty' "$T/index.json" | sort)"
equal "where they were found" "$SRC/app/multi" \
    "$(jq -r '.manifests[].annotations["io.ociferry.referrer.repository"] // empty' "$T/index.json" | sort -u)"
run 0 ociferry-verify "$T/a.tar"

step "the same every time, with one connection or many"
run 0 ociferry-export -j 1 -o "$T/b.tar" "$SRC/app/multi:1"
same_file "a second export" "$T/a.tar" "$T/b.tar"

# [R24] [R25]
step "at the destination they are found in the same way"
run 0 ociferry-import "$T/a.tar" "$DST"
all_there "$DST" app/multi

step "under a prefix, from a pipe, and once more over what is there"
for again in 1 2; do
    run 0 ociferry-import - "$DST/mirror" <"$T/a.tar"
    all_there "$DST" mirror/app/multi
done
says '0 images pushed'

step "a list of referrers that is there keeps what it has"
run 0 ociferry-import "$T/a.tar" "$DST/full"
attach "$DST" full/app/multi "$index" application/vnd.example.local "known only here"
local=$DIGEST
run 0 ociferry-import "$T/a.tar" "$DST/full"
equal "referrers of the index" "$(printf '%s\n' "$sbom" "$attestation" "$local" | sort)" \
    "$(referrers "$DST" full/app/multi "$index")"

step "and takes what a later archive brings; of what it had nothing is lost"
raw "$DST" full/app/multi "${index/:/-}" | jq -cS '.manifests[]' | sort >"$T/before"
attach "$SRC" app/multi "$index" application/vnd.example.later "found out later"
later=$DIGEST
run 0 ociferry-export -o "$T/later.tar" "$SRC/app/multi:1"
run 0 ociferry-import "$T/later.tar" "$DST/full"
equal "referrers of the index" "$(printf '%s\n' "$sbom" "$attestation" "$local" "$later" | sort)" \
    "$(referrers "$DST" full/app/multi "$index")"
raw "$DST" full/app/multi "${index/:/-}" >"$T/list"
jq -cS --arg later "$later" '.manifests[] | select(.digest != $later)' "$T/list" | sort >"$T/after"
same_file "what the list had" "$T/before" "$T/after"
equal "type and note of the new one" "application/vnd.example.later application/vnd.example.later" \
    "$(jq -r --arg later "$later" '.manifests[] | select(.digest == $later) |
        "\(.artifactType) \(.annotations["org.example.note"])"' "$T/list")"
curl -sSf -X DELETE "http://$SRC/v2/app/multi/manifests/$later"
raw "$SRC" app/multi "${index/:/-}" | jq -cj --arg later "$later" \
    'del(.manifests[] | select(.digest == $later))' >"$T/list"
push_manifest "$SRC" app/multi "${index/:/-}" "$T/list"

step "only what belongs to the chosen image comes along"
skopeo copy -q --src-tls-verify=false --dest-tls-verify=false \
    "docker://$BASE/app/web:1" "docker://$SRC/app/web:1"
sign "$SRC" app/web "$(digest_of "$SRC" app/web 1)"
run 0 ociferry-export -o "$T/two.tar" "$SRC/app/multi:1" "$SRC/app/web:1"
run 0 ociferry-import --image 'app/web:*' "$T/two.tar" "$DST/one"
signed "$DST" one/app/web "$(digest_of "$SRC" app/web 1)"
no_image "$DST" one/app/multi 1 "${index/:/-}.sig"
run 0 ociferry-import --image 'app/web:*' "$T/two.tar" "$DST/renamed/x:7"
signed "$DST" renamed/x "$(digest_of "$DST" renamed/x 7)"

step "a glob takes them with their images, and not as images"
run 0 ociferry-export --json --dry-run "$SRC/app/multi:*"
equal "images" 1 "$(jq '[.images[] | select(.subject | not)] | length' "$T/out")"
equal "referrers" 9 "$(jq '[.images[] | select(.subject)] | length' "$T/out")"

step "--no-referrers leaves them, and says how many"
run 0 ociferry-export --no-referrers -o "$T/none.tar" "$SRC/app/multi:1"
says 'warning: .* referrers .* left behind'
equal "entries of index.json" 1 "$(tar -xOf "$T/none.tar" index.json | jq '.manifests | length')"

step "a referrer that is listed and gone is said, and nothing else is lost"
make_artifact "$SRC" app/multi "$index" application/vnd.example.gone "soon gone"
gone=$DIGEST
attach "$SRC" app/multi "$index" application/vnd.example.gone "soon gone"
equal "the same artifact" "$gone" "$DIGEST"
curl -sSf -X DELETE "http://$SRC/v2/app/multi/manifests/$gone"
run 0 ociferry-export --force -o "$T/b.tar" "$SRC/app/multi:1"
says 'warning: 1 referrer cannot be taken.*app/multi@'"$gone"
same_file "an export without it" "$T/a.tar" "$T/b.tar"

step "a registry that has the API is asked by it"
make_ca ours
make_cert ours server DNS:localhost
# The API is played from the lists of the tag schema, which cannot be seen otherwise.
start_nginx API "$SRC" server "
    location ~ /manifests/sha256-[0-9a-f]+\$ { return 404; }
    location ~ ^/v2/(?<repo>.+)/referrers/sha256:(?<hex>.+)\$ {
        rewrite ^ /v2/\$repo/manifests/sha256-\$hex break;
        proxy_pass http://$SRC;
        proxy_intercept_errors on;
        error_page 404 = @none;
    }
    location @none {
        default_type $OCI_INDEX;
        return 200 '{\"schemaVersion\":2,\"mediaType\":\"$OCI_INDEX\",\"manifests\":[]}';
    }"
run 0 ociferry-export --cacert "$T/ours.crt" -o "$T/api.tar" "$API/app/multi:1"
says '1 image with 9 referrers'
run 0 ociferry-import "$T/api.tar" "$DST/api"
all_there "$DST" api/app/multi

step "where a destination has the API, it lists them by itself, and no list is written beside it"
start_nginx KNOWS "$DST" server "add_header OCI-Subject sha256:any always;"
run 0 ociferry-import --cacert "$T/ours.crt" "$T/a.tar" "$KNOWS/knows"
same_images "$SRC" "$DST/knows" app/multi:1
signed "$DST" knows/app/multi "$index"
equal "status of an SBOM" 200 "$(status_of "http://$DST/v2/knows/app/multi/manifests/$sbom")"
no_image "$DST" knows/app/multi "${index/:/-}" "${child/:/-}" "${child_sbom/:/-}"

step "where tags may not be listed, the usual ones are asked for"
start_proxy SHY "$SRC" --status 'GET /tags/list 403'
run 0 ociferry-export --json -o "$T/shy.tar" "$SHY/app/multi:1"
equal "referrers" 9 "$(jq '[.images[] | select(.subject)] | length' "$T/out")"

step "what cannot be found out ends the export, before anything is written, and says how to go on"
start_proxy DOWN "$SRC" --status 'GET /referrers/ 403'
run 4 ociferry-export -o "$T/never.tar" "$DOWN/app/multi:1"
one_line
says "--no-referrers.*app/multi:1: what belongs to $index: .*403"
absent "$T/never.tar"
absent "$T/never.tar.partial"
run 0 ociferry-export --no-referrers --json -o "$T/without.tar" "$DOWN/app/multi:1"
says "warning: referrers are left behind.*how many is not known: .*403"
equal "referrersLeftOut" null "$(jq .referrersLeftOut "$T/out")"
same_file "an export without them" "$T/none.tar" <(sed "s,$DOWN/,$SRC/,g" "$T/without.tar")
