#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
. "$SUPPORT/attach.sh" || exit
. "$SUPPORT/many.sh" || exit
goal "all that is reachable at the source is at the destination, or what is not is named"

start_source BASE
start_registry SRC
start_registry DST
MADE=$SRC
make_many
repos=(many app/multi app/docker app/list app/web app/zstd art/sbom)
for ref in app/multi:1 app/docker:1 app/list:1 app/web:1 app/web:latest app/zstd:1 art/sbom:1; do
    skopeo copy -q --all --src-tls-verify=false --dest-tls-verify=false \
        "docker://$BASE/$ref" "docker://$SRC/$ref"
done
web=$(digest_of "$SRC" app/web 1)
attach "$SRC" app/web "$web" application/spdx+json "sbom of web"
attach "$SRC" app/web "$DIGEST" application/vnd.example.signature "signature of that"
sbom_signature=$DIGEST
sign "$SRC" app/web "$DIGEST"
sbom_note=$DIGEST
sign "$SRC" app/web "$web"
attach "$SRC" many "${D[amd64]}" application/spdx+json "sbom of a child"
attest "$SRC" many "${D[amd64]}"
sign "$SRC" many "${D[many]}"
sign "$SRC" app/list "$(digest_of "$SRC" app/list 1)"

# walk HOST REPO NAME: "REPO DIGEST", and the kind, of all that the manifest reaches and that is there, with
# some repeats. An index of the referrers tag schema is not counted itself: registries differ on it.
declare -A SEEN
walk() {
    local file=$T/walk.$BASHPID.${3//[:\/]/.} digest child
    [ -z "${SEEN[$2 $3]:-}" ] || return 0
    SEEN[$2 $3]=yes
    raw "$1" "$2" "$3" >"$file" || return 0
    digest=sha256:$(sha256sum "$file" | cut -d' ' -f1)
    [[ $3 =~ ^sha256-[0-9a-f]{64}$ ]] || echo "$2 $digest manifest"
    jq -r --arg url "http://$1/v2/$2/blobs" '(.config, .layers[]?) | select(.) |
        "url = \"\($url)/\(.digest)\"\noutput = /dev/null"' "$file" >"$T/urls"
    [ ! -s "$T/urls" ] || curl -sI -K "$T/urls" -w '%{http_code} %{url_effective}\n' |
        sed -n "s|^200 .*/blobs/|$2 |p" | sed 's/$/ blob/'
    for child in $(jq -r '.manifests[]?.digest' "$file"); do
        walk "$1" "$2" "$child"
    done
}

# everything HOST PREFIX: of all tags of all repositories.
everything() {
    local repo tag
    for repo in "${repos[@]}"; do
        for tag in $(curl -sf "http://$1/v2/$2$repo/tags/list" | jq -r '.tags[]?'); do
            walk "$1" "$2$repo" "$tag"
        done
    done | sed "s|^$2||" | sort -u
}
manifests() { sed -n 's/.* \(sha256:[0-9a-f]*\) manifest$/\1/p' "$1" | sort -u; }
lost() { comm -23 <(manifests "$T/source") <(manifests "$T/there"); }

mapfile -t globs < <(printf "$SRC/%s:*\n" "${repos[@]}")
everything "$SRC" "" >"$T/source"
at_least "what is reachable at the source" 90 "$(wc -l <"$T/source")"

step "everything, each digest once in the archive"
run 0 ociferry-export --json -o "$T/all.tar" "${globs[@]}"
equal "blobs in the archive" "$(cut -d' ' -f2 "$T/source" | sort -u | wc -l)" "$(jq .blobs "$T/out")"
run 0 ociferry-import "$T/all.tar" "$DST/all"
everything "$DST" all/ >"$T/there"
same_file "what is reachable" "$T/source" "$T/there"

step "some platforms: what is not there was named by the export or the import"
run 0 ociferry-export --json --platform linux/amd64 --platform windows/amd64 -o "$T/some.tar" "${globs[@]}"
jq -r '.images[].leftOut[].digest' "$T/out" >"$T/named"
run 0 ociferry-import --json "$T/some.tar" "$DST/some"
jq -r '.images[] | select(.trimmed or .result == "left out") | .digest' "$T/out" >>"$T/named"
everything "$DST" some/ >"$T/there"
equal "what is not there" "$(sort -u "$T/named")" "$(lost)"
equal "what is there besides" "$(jq -r '.images[].trimmed // empty' "$T/out" | sort -u)" \
    "$(comm -13 <(manifests "$T/source") <(manifests "$T/there"))"

step "without referrers: as many as were counted are not there"
run 0 ociferry-export --json --no-referrers -o "$T/bare.tar" "${globs[@]}"
count=$(jq .referrersLeftOut "$T/out")
says "$count referrers .*, and what belongs to them, are left behind"
run 0 ociferry-import "$T/bare.tar" "$DST/bare"
everything "$DST" bare/ >"$T/there"
lost | sort -u >"$T/lost"
# The signature of an SBOM, which goes with the SBOM, is not asked for.
printf '%s\n' "$sbom_signature" "$sbom_note" | sort -u >"$T/indirect"
equal "referrers that are not there" "$(comm -23 "$T/lost" "$T/indirect" | wc -l)" "$count"

step "an image that failed: the summary names it"
layer=$(raw "$SRC" app/zstd 1 | jq -r '.layers[0].digest')
flip "$T/all.tar" $(($(entry_offset "$T/all.tar" "blobs/sha256/${layer#sha256:}") + 30))
run 3 ociferry-import "$T/all.tar" "$DST/failed"
everything "$DST" failed/ >"$T/there"
equal "what is not there" "$(digest_of "$SRC" app/zstd 1)" "$(lost)"
says "error: $SRC/app/zstd:1: .*$layer"
says "1 failed"

# [W19] [W22]
step "manifest.json names the images of the mix, and nothing that is none"
run 0 ociferry-export --force -o "$T/all.tar" "${globs[@]}"
tar -xOf "$T/all.tar" manifest.json | jq -r '.[].RepoTags[]' | sort >"$T/loadable"
at "$SRC" many:1 many:plain app/multi:1 app/docker:1 app/list:1 app/web:1 app/web:latest \
    app/zstd:1 | sort >"$T/want"
same_file "what docker can load" "$T/want" "$T/loadable"
while read -r name; do
    run 0 skopeo inspect --config "docker-archive:$T/all.tar:$name"
    equal "os of $name" linux "$(jq -r .os "$T/out")"
done <"$T/loadable"
