#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "every kind of image goes from registry to archive to registry with its digests unchanged"

start_source SRC
start_registry DST
mapfile -t refs < <(at "$SRC" "${REFS[@]}")

step "export"
run 0 ociferry-export -o "$T/a.tar" "${refs[@]}"
there "$T/a.tar"
absent "$T/a.tar.partial"

# [W6] [W7] [W8]
step "the head comes first: layout, index, docker's manifest, folders, then indexes, manifests, configs"
tar -tf "$T/a.tar" >"$T/names"
equal "first entries" "oci-layout index.json manifest.json blobs/ blobs/sha256/" \
    "$(head -n 5 "$T/names" | tr '\n' ' ' | sed 's/ $//')"
equal "entries that are there twice" "" "$(sort "$T/names" | uniq -d)"
equal "entries of other names" "" \
    "$(grep -vE '^(oci-layout|index\.json|manifest\.json|blobs/|blobs/sha256/([0-9a-f]{64})?)$' "$T/names" || true)"
kinds=$(tail -n +4 "$T/names" | grep '^blobs/sha256/.' | while read -r name; do
    tar -xOf "$T/a.tar" "$name" | head -c 1000000 |
        jq -r 'if .manifests then 1 elif .layers then 2 elif .rootfs or . == {} then 3 else 4 end' 2>/dev/null |
        head -n 1 || echo 4
done)
equal "order of the blobs" "$(sort -n <<<"$kinds" | tr '\n' ' ')" "$(tr '\n' ' ' <<<"$kinds")"

# [W12] [W13] [W14]
step "one descriptor a tag, with its full name"
tar -xOf "$T/a.tar" index.json >"$T/index.json"
equal "names in index.json" "$(printf '%s\n' "${refs[@]}" | sort)" \
    "$(jq -r '.manifests[].annotations["io.containerd.image.name"]' "$T/index.json" | sort)"
equal "tags in index.json" "$(printf '%s\n' "${REFS[@]##*:}" | sort)" \
    "$(jq -r '.manifests[].annotations["org.opencontainers.image.ref.name"]' "$T/index.json" | sort)"

step "verify, in every way it can"
run 0 ociferry-verify "$T/a.tar"
run 0 ociferry-verify --deep "$T/a.tar"
run 0 ociferry-verify --quick "$T/a.tar"
run 0 ociferry-verify -q "$T/a.tar"
equal "what -q prints" "" "$(cat "$T/err")"
run 0 ociferry-verify --list "$T/a.tar"
for ref in "${refs[@]}"; do
    grep -qF "${ref#*/}" "$T/out" || fail "--list does not name $ref"
done
run 0 ociferry-verify --json "$T/a.tar"
jq -e . "$T/out" >"$T/json" || fail "--json is not JSON"
run 0 ociferry-verify - <"$T/a.tar"

# [W16] [W17]
step "import into an empty registry"
run 0 ociferry-import "$T/a.tar" "$DST"
same_images "$SRC" "$DST" "${REFS[@]}"

# [W9]
step "the same digests give the same archive, whatever the number of connections"
run 0 ociferry-export -j 1 -o "$T/b.tar" "${refs[@]}"
same_file "a second export" "$T/a.tar" "$T/b.tar"
run 0 ociferry-export -o - "${refs[@]}"
same_file "an export to stdout" "$T/a.tar" "$T/out"

step "a reference by digest keeps its name and needs no tag"
digest=$(digest_of "$SRC" app/multi 1)
run 0 ociferry-export -o "$T/d.tar" "$SRC/app/multi@$digest"
run 0 ociferry-verify --list "$T/d.tar"
prints "$digest"
run 0 ociferry-import "$T/d.tar" "$DST/by-digest"
raw "$DST" by-digest/app/multi "$digest" >"$T/m"
complete "$DST" by-digest/app/multi "$T/m"

step "a dry run writes nothing and says what it would do"
run 0 ociferry-export --dry-run -o "$T/dry.tar" "${refs[@]}"
absent "$T/dry.tar"
absent "$T/dry.tar.partial"
run 0 ociferry-import --dry-run "$T/a.tar" "$DST/dry"
no_image "$DST" dry/app/web 1
