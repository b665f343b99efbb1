#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
. "$SUPPORT/attach.sh" || exit
. "$SUPPORT/many.sh" || exit
goal "an index that lists what the archive leaves out is pushed as --sparse says, and both digests are said"

start_source SRC
start_registry MADE
start_registry DST
make_many
arm="linux/arm/v5, linux/arm/v7, linux/arm64, windows/amd64"
run 0 ociferry-export --platform linux/amd64 -o "$T/amd64.tar" "$MADE/many:1" "$SRC/app/web:1"
run 0 ociferry-export -o "$T/whole.tar" "$MADE/many:1"

# without FILE NAME...: the index in FILE, compact, but for these of its manifests.
without() {
    local name gone=()
    for name in "${@:2}"; do gone+=("${D[$name]}"); done
    jq -cj '.manifests |= map(select(.digest as $d | $ARGS.positional | index($d) | not))' \
        "$1" --args "${gone[@]}"
}
digest_text() { echo "sha256:$(sha256sum | cut -d' ' -f1)"; }
without "$T/many.index" armv5 armv7 arm64 windows att-armv7 >"$T/trimmed"
trimmed=$(digest_text <"$T/trimmed")

# is HOST REPO TAG DIGEST: the tag is that, and all that it reaches is there.
is() {
    equal "digest of $2:$3" "$4" "$(digest_of "$1" "$2" "$3")"
    raw "$1" "$2" "$3" >"$T/is"
    complete "$1" "$2" "$T/is"
}

# [R40] [R41] [R42]
step "auto: docker-registry refuses it, and has one of what is there, otherwise the same"
run 0 ociferry-import --report "$T/report.json" "$T/amd64.tar" "$DST"
says "warning: $DST/many:1 is $trimmed in place of ${D[many]}, which the registry refuses: without $arm\$"
raw "$DST" many 1 >"$T/there"
same_file "the index" "$T/trimmed" "$T/there"
is "$DST" many 1 "$trimmed"
no_image "$DST" many "${D[many]}" "${D[arm64]}"
same_images "$SRC" "$DST" app/web:1
equal "digests in the report" "${D[many]} $trimmed" \
    "$(jq -r '.images[0] | "\(.digest) \(.trimmed)"' "$T/report.json")"
equal "what is left out, in the report" 5 "$(jq '.images[0].leftOut | length' "$T/report.json")"
equal "trimmed, of another" null "$(jq '.images[1].trimmed' "$T/report.json")"

step "again: nothing is pushed; from a pipe, and when it is asked for, it is the same index"
run 0 ociferry-import "$T/amd64.tar" "$DST"
says "0 images pushed, 2 unchanged"
is "$DST" many 1 "$trimmed"
run 0 ociferry-import - "$DST/pipe" <"$T/amd64.tar"
is "$DST" pipe/many 1 "$trimmed"
run 0 ociferry-import --sparse trim "$T/amd64.tar" "$DST/trim"
says "warning: $DST/trim/many:1 is $trimmed in place of ${D[many]}: without $arm\$"
is "$DST" trim/many 1 "$trimmed"

step "auto: where the registry takes it, the digest stays"
run 0 ociferry-import "$T/whole.tar" "$DST/auto"
curl -sSf -X DELETE "http://$DST/v2/auto/many/manifests/${D[many]}"
run 0 ociferry-import --json "$T/amd64.tar" "$DST/auto"
is "$DST" auto/many 1 "${D[many]}"
equal "trimmed" null "$(jq '.images[0].trimmed' "$T/out")"

step "what one import lacked another brings: then the index is whole, and has its digest"
run 0 ociferry-export --platform linux/arm --platform linux/arm64 --platform windows/amd64 \
    -o "$T/rest.tar" "$MADE/many:1"
run 0 ociferry-import "$T/rest.tar" "$DST"
is "$DST" many 1 "${D[many]}"

# [R41]
step "an index in an index: from the bottom up"
run 0 ociferry-export --platform linux/amd64 -o "$T/nested.tar" "$MADE/many:nested"
run 0 ociferry-import --json "$T/nested.tar" "$DST/nested"
raw "$DST" nested/many nested >"$T/there"
raw "$MADE" many nested >"$T/nested.index"
jq -cj --arg d "$trimmed" --argjson s "$(file_size "$T/trimmed")" \
    '.manifests |= [.[0] | .digest = $d | .size = $s]' "$T/nested.index" >"$T/want"
same_file "the outer index" "$T/want" "$T/there"
is "$DST" nested/many nested "$(digest_text <"$T/want")"
raw "$DST" nested/many "$trimmed" >"$T/there"
same_file "the inner index" "$T/trimmed" "$T/there"
run 0 ociferry-import "$T/whole.tar" "$DST/inner"
run 0 ociferry-import "$T/nested.tar" "$DST/inner"
is "$DST" inner/many nested "$(digest_of "$MADE" many nested)"

step "an image that is named by its digest has another one"
run 0 ociferry-export --platform linux/amd64 -o "$T/digest.tar" "$MADE/many@${D[many]}"
run 0 ociferry-import --json "$T/digest.tar" "$DST/digest"
equal "destination" "$DST/digest/many@$trimmed" "$(jq -r '.images[0].destination' "$T/out")"
is "$DST" digest/many "$trimmed" "$trimmed"

# [R40]
step "keep: refused, with the platforms and the remedy; the other image arrives"
run 6 ociferry-import --sparse keep "$T/amd64.tar" "$DST/keep"
says "error: $DST/keep/many:1: .*lists $arm, which the archive leaves out; --sparse trim .*MANIFEST_BLOB_UNKNOWN"
no_image "$DST" keep/many 1 "$trimmed"
same_images "$SRC" "$DST/keep" app/web:1
run 0 ociferry-import "$T/whole.tar" "$DST/kept"
run 0 ociferry-import --sparse keep "$T/amd64.tar" "$DST/kept"
is "$DST" kept/many 1 "${D[many]}"

# [R40]
step "fail: such an image fails before anything of it is sent; the other arrives"
start_proxy LOGGED "$DST"
run 6 ociferry-import --sparse fail --json "$T/amd64.tar" "$LOGGED/fail"
says "error: $MADE/many:1: .*without $arm, and --sparse fail"
equal "requests for it" 0 "$(log_count LOGGED ' /v2/fail/many/')"
equal "results" "failed pushed" "$(jq -r '[.images[].result] | join(" ")' "$T/out")"
same_images "$SRC" "$DST/fail" app/web:1
: >"$T/LOGGED.log"
run 1 ociferry-import --sparse fail --image '*/many:1' "$T/amd64.tar" "$LOGGED/fail"
run 1 ociferry-import --sparse fail --dry-run --image '*/many:1' "$T/amd64.tar" "$LOGGED/fail"
equal "requests" 0 "$(log_count LOGGED .)"
run 0 ociferry-import --sparse fail "$T/whole.tar" "$DST/fail"
is "$DST" fail/many 1 "${D[many]}"

step "a dry run says what would be done"
run 0 ociferry-import --dry-run "$T/amd64.tar" "$DST/dry"
says "warning: $MADE/many:1: its index lists $arm, .*where the registry refuses it.* $trimmed\$"
run 0 ociferry-import --dry-run --sparse trim "$T/amd64.tar" "$DST/dry"
says "warning: $MADE/many:1: .*in its place would be pushed $trimmed\$"
run 0 ociferry-import --dry-run --sparse keep "$T/amd64.tar" "$DST/dry"
says "warning: $MADE/many:1: .*would be pushed as it is\$"

# --- what belongs to it -----------------------------------------------------------------------------

step "what belongs to the index is left out with it, and named; that of a platform is there"
attach "$MADE" many "${D[many]}" application/spdx+json "sbom of the index"
sbom=$DIGEST
attach "$MADE" many "$sbom" application/vnd.example.signature "signature of the sbom"
sbom_signature=$DIGEST
sign "$MADE" many "${D[many]}"
attach "$MADE" many "${D[amd64]}" application/spdx+json "sbom of amd64"
child_sbom=$DIGEST
sign "$MADE" many "${D[amd64]}"
run 0 ociferry-export --platform linux/amd64 -o "$T/signed.tar" "$MADE/many:1"
says "1 image with 5 referrers"
# [R43]
run 0 ociferry-import --json "$T/signed.tar" "$DST/signed"
is "$DST" signed/many 1 "$trimmed"
signed "$DST" signed/many "${D[amd64]}"
equal "referrers of amd64" "$child_sbom" "$(referrers "$DST" signed/many "${D[amd64]}")"
no_image "$DST" signed/many "$sbom" "$sbom_signature" "${D[many]/:/-}" "${D[many]/:/-}.sig"
says "2 referrers \(signatures and the like\) of ${D[many]} are left out, .*not apply"
says "not apply .*${D[many]/:/-}.sig"
says "not apply .*$sbom"
says "1 more referrer is left out"
equal "left out in the report" "$(printf '%s\n' "$sbom" "$sbom_signature" "$(digest_of "$MADE" many "${D[many]/:/-}.sig")" | sort)" \
    "$(jq -r '.images[] | select(.result == "left out") | .digest' "$T/out" | sort)"

step "where the index itself is there, they are there too, and it is said that they do not apply"
run 0 ociferry-import "$T/whole.tar" "$DST/both"
run 0 ociferry-import --sparse trim "$T/signed.tar" "$DST/both"
is "$DST" both/many 1 "$trimmed"
says "2 referrers .* of ${D[many]} are there, and do not apply"
signed "$DST" both/many "${D[many]}"
equal "referrers of the sbom" "$sbom_signature" "$(referrers "$DST" both/many "$sbom")"

step "whoever is led there by a digest is warned of, and by a tag is not"
run 0 ociferry-import --write-config idms="$T/idms.yaml" "$T/amd64.tar" "$DST/config"
says "warning: --write-config: who asks for $MADE/many:1 by ${D[many]} does not find it"
run 0 ociferry-import --write-config itms="$T/itms.yaml" "$T/amd64.tar" "$DST/config"
says_not "does not find it"

# --- archives of other tools ------------------------------------------------------------------------

# layout NAME: $T/whole.tar as a folder without our annotation, as another tool writes it.
layout() {
    mkdir "$T/$1"
    tar -xf "$T/whole.tar" -C "$T/$1"
    jq -c 'del(.annotations)' "$T/$1/index.json" >"$T/index.json"
    mv "$T/index.json" "$T/$1/index.json"
}
lose() { # LAYOUT NAME...
    local name
    for name in "${@:2}"; do rm "$T/$1/blobs/sha256/${D[$name]#sha256:}"; done
}

# [R44]
step "another tool's archive cannot say what it leaves out: what its indexes miss counts as left out"
layout others
lose others armv5 armv7 arm64 windows att-armv7
run 3 ociferry-verify "$T/others"
run 0 ociferry-import "$T/others" "$DST/others"
says "warning: $DST/others/many:1 is $trimmed in place of ${D[many]}.*: without $arm\$"
is "$DST" others/many 1 "$trimmed"
tar -cf "$T/others.tar" -C "$T/others" .
run 0 ociferry-import --sparse trim - "$DST/others-pipe" <"$T/others.tar"
is "$DST" others-pipe/many 1 "$trimmed"
run 1 ociferry-import --sparse fail "$T/others" "$DST/others-fail"
says "error: .*without $arm, and --sparse fail"
run 0 ociferry-import "$T/whole.tar" "$DST/others-keep"
run 0 ociferry-import --sparse keep "$T/others" "$DST/others-keep"
says "warning: $DST/others-keep/many:1: its index lists $arm, which the archive has not"
is "$DST" others-keep/many 1 "${D[many]}"

# [R44]
step "but no root, no layer, and not all of it"
layout rootless
lose rootless many
run 3 ociferry-import "$T/rootless" "$DST/rootless"
says "${D[many]#sha256:}"
layout nothing
lose nothing amd64 armv5 armv7 arm64 windows att-amd64 att-armv7 unknown bare
for mode in auto keep trim fail; do
    run 3 ociferry-import --sparse $mode "$T/nothing" "$DST/nothing"
    says "nothing of what its index lists is in the archive"
done
layout layerless
layer=$(raw "$MADE" many "${D[amd64]}" | jq -r '.layers[0].digest')
rm "$T/layerless/blobs/sha256/${layer#sha256:}"
run 3 ociferry-import --sparse trim "$T/layerless" "$DST/layerless"
says "${layer#sha256:}"
no_image "$DST" layerless/many 1

step "an archive of ours that misses what it does not leave out is damaged"
mkdir "$T/ours"
tar -xf "$T/whole.tar" -C "$T/ours"
lose ours arm64
run 3 ociferry-import "$T/ours" "$DST/ours"
says "${D[arm64]#sha256:}"
no_image "$DST" ours/many 1

step "bad input"
run 2 ociferry-import --sparse some "$T/amd64.tar" "$DST"
one_line
