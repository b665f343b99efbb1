#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "--html writes one page that says all there is to say, whatever the archive holds, and cannot be made to say more"
need_images

# seen PAGE: what a reader sees of it goes to $T/seen; it must be sound.
seen() { python3 "$SUPPORT/page_check.py" "$1" >"$T/seen" 2>"$T/findings" || fail "$1: $(head -n 5 "$T/findings")"; }
shows() { grep -qF -- "$1" "$T/seen" || fail "the page does not show: $1"; }
shows_not() { ! grep -qF -- "$1" "$T/seen" || fail "the page shows: $1"; }

cp -r "$IMAGES/layout" "$T/layout"
mapfile -t digests < <(jq -r '.manifests[].digest' "$T/layout/index.json" | sort -u)
tar -C "$T/layout" -cf "$T/images.tar" .

step "verdict, identity, every image with its digest, what is shared"
run 0 ociferry-verify --html "$T/a.html" "$T/images.tar"
prints "whole: "
absent "$T/a.html.partial"
seen "$T/a.html"
shows "images.tar"
shows "every byte is what its digest says"
shows "sha256:$(sha256sum "$T/layout/index.json" | cut -d' ' -f1)"
for digest in "${digests[@]}"; do
    shows "$digest"
done
shows "app/web:latest"
shows "linux/amd64 linux/arm64/v8"
shows_not "unknown/unknown"
shows "What is shared"
run 0 ociferry-verify --json "$T/images.tar"
equal "index" "sha256:$(sha256sum "$T/layout/index.json" | cut -d' ' -f1)" "$(jq -r .index "$T/out")"
shows "$(jq -r .shared.blobs "$T/out") blobs of"
equal "bytes of each image" true "$(jq '.images | all(.bytes ==
    .ownBytes + .sharedBytes + .leftOutBytes + .faultyBytes)' "$T/out")"
# Two names of one digest are one image, and share nothing with each other.
equal "own bytes of two names" 1 "$(jq '[.images[] | select(.name | test("app/web:")) | .ownBytes] |
    unique | map(select(. > 70000)) | length' "$T/out")"

step "the same archive gives the same page, to a file or to stdout, with or without a terminal's language"
run 0 env LC_ALL=de_DE.UTF-8 ociferry-verify --html "$T/b.html" "$T/images.tar"
same_file "two pages" "$T/a.html" "$T/b.html"
run 0 ociferry-verify --html - "$T/images.tar"
same_file "a page on stdout" "$T/a.html" "$T/out"
run 0 ociferry-verify --html - - <"$T/images.tar"
seen "$T/out"
shows "stdin"
run 0 ociferry-verify --html "$T/folder.html" "$T/layout/"
seen "$T/folder.html"
shows "layout"

step "it says how far the check went"
run 0 ociferry-verify --quick --html "$T/quick.html" "$T/images.tar"
seen "$T/quick.html"
shows "Complete, bytes not checked"
run 0 ociferry-verify --deep --html "$T/deep.html" "$T/images.tar"
seen "$T/deep.html"
shows "every layer unpacks to what its image expects"

step "of a damaged archive it has every fault, and what that damages"
root_of() { jq -r --arg n "$1" '.manifests[] | select(.annotations[] == $n) | .digest' "$T/layout/index.json"; }
shared=$(jq -r '.layers[0].digest' "$T/layout/blobs/sha256/$(root_of app/base:1 | cut -d: -f2)")
flip "$T/layout/blobs/sha256/${shared#sha256:}" 20
lost=$(root_of app/plain:1)
rm "$T/layout/blobs/sha256/${lost#sha256:}"
echo stranger >"$T/layout/blobs/sha256/$(echo stranger | sha256sum | cut -d' ' -f1)"
tar -C "$T/layout" -cf "$T/damaged.tar" .
run 3 ociferry-verify --html "$T/damaged.html" "$T/damaged.tar"
says "$lost"
seen "$T/damaged.html"
run 3 ociferry-verify --json "$T/damaged.tar"
shows "Not whole: $(jq '.faults | length' "$T/out") faults"
jq -r '.faults[].message' "$T/out" >"$T/messages"
equal "faults" 2 "$(wc -l <"$T/messages")"
while read -r message; do
    shows "$message"
done <"$T/messages"
jq -r '.faults[].damages[]' "$T/out" | sort -u >"$T/names"
equal "damaged names" "docker.io/app/base:1 docker.io/app/plain:1 docker.io/app/web:1 docker.io/app/web:latest" \
    "$(paste -sd' ' "$T/names")"
while read -r name; do
    grep '^Damages ' "$T/seen" | grep -F -- "$name" >/dev/null || fail "the page does not say that $name is damaged"
done <"$T/names"
shows "Faulty"
shows "blobs/sha256/$(echo stranger | sha256sum | cut -d' ' -f1)"

step "cut off in the middle, and no archive at all"
head -c 300000 "$T/images.tar" >"$T/cut.tar"
run 3 ociferry-verify --html "$T/cut.html" "$T/cut.tar"
seen "$T/cut.html"
shows "Not whole"
shows "cut"
head -c 100000 /dev/urandom >"$T/noise.tar"
run 3 ociferry-verify --html "$T/noise.html" "$T/noise.tar"
seen "$T/noise.html"
shows "Not whole: 1 fault"

step "what comes from outside stays text"
evil='<script>alert(1)</script><img src="//x.example/?a&b" onerror='\''x'\''>'
mkdir -p "$T/evil/blobs/sha256"
store() { # FILE: sets DESC, without a media type
    local hex
    hex=$(sha256sum "$1" | cut -d' ' -f1)
    cp "$1" "$T/evil/blobs/sha256/$hex"
    DESC=$(jq -cn --arg d "sha256:$hex" --argjson s "$(file_size "$1")" '{digest: $d, size: $s}')
}
jq -n --arg e "$evil" '{os: $e[:30], architecture: "\u001b[31m\u0007\u202e", rootfs: {diff_ids: []}}' >"$T/config"
store "$T/config"
jq -n --argjson c "$DESC" --arg e "$evil" '{schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: ($c + {mediaType: "application/vnd.oci.image.config.v1+json"}),
    layers: [{mediaType: "application/vnd.oci.image.layer.v1.tar", size: 5, urls: ["https://x.example/" + $e],
        digest: ("sha256:" + "a" * 64)}], annotations: {title: $e}}' >"$T/manifest"
store "$T/manifest"
jq -n --argjson m "$DESC" --arg e "$evil" '($m + {mediaType: "application/vnd.oci.image.manifest.v1+json"}) as $m |
    {schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: [
    ($m + {platform: {os: $e[:30], architecture: "</td></table>", variant: "\u001b]0;x\u0007"}})],
    annotations: {title: $e}}' >"$T/index"
store "$T/index"
jq -n --argjson i "$DESC" --arg e "$evil" '($i + {mediaType: "application/vnd.oci.image.index.v1+json"}) as $i |
    {schemaVersion: 2, manifests: [$i + {annotations: {"org.opencontainers.image.ref.name": $e}},
    $i + {annotations: {"io.containerd.image.name": "x.example/a:1"}}]}' >"$T/evil/index.json"
printf '{"imageLayoutVersion":"1.0.0"}' >"$T/evil/oci-layout"
mkdir "$T/names.d"
(cd "$T/names.d" && echo x >"<b>&\"'x" && echo x >$'\e[31m\xe2\x80\xaegnp.exe' && echo x >$'\xff\xfe')
archive=$T/$'<i>"&\'\xe2\x80\xae.tar'
tar -C "$T/evil" -cf "$archive" oci-layout index.json blobs -C "$T/names.d" "<b>&\"'x" $'\e[31m\xe2\x80\xaegnp.exe' $'\xff\xfe'
run 0 ociferry-verify --list --html "$T/evil.html" "$archive"
! grep -q $'[\e\a]' "$T/out" || fail "a control character reached stdout"
seen "$T/evil.html"
shows "<i>\"&'???.tar"
shows "<script>alert(1)</script><img /</td></table>"
shows "https://x.example/$evil"
shows "<b>&\"'x"
shows "?[31m???gnp.exe"
shows "??"

step "of many images the largest are drawn, and all are listed"
mkdir -p "$T/many/blobs/sha256"
for i in {1..25}; do
    printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"application/x","digest":"sha256:%064d","size":%d},"layers":[]}' \
        application/vnd.oci.image.manifest.v1+json "$i" $((i * 1000000)) >"$T/manifest"
    hex=$(sha256sum "$T/manifest" | cut -d' ' -f1)
    mv "$T/manifest" "$T/many/blobs/sha256/$hex"
    printf '{"mediaType":"%s","digest":"sha256:%s","size":%d,"annotations":{"org.opencontainers.image.ref.name":"x.example/image:%d"}}\n' \
        application/vnd.oci.image.manifest.v1+json "$hex" "$(file_size "$T/many/blobs/sha256/$hex")" "$i"
done | jq -n '{schemaVersion: 2, manifests: [inputs]}' >"$T/many/index.json"
cp "$T/evil/oci-layout" "$T/many/"
run 3 ociferry-verify --html "$T/many.html" "$T/many"
seen "$T/many.html"
equal "bars of images" 20 "$(grep -o '<title id="bar[1-9]' "$T/many.html" | wc -l)"
grep -q 'id="bar20">x.example/image:6<' "$T/many.html" || fail "the twentieth bar is not that of image:6"
shows "And 5 smaller ones"
equal "images in the table" 25 "$(grep -cE '^x\.example/image:[0-9]+sha256:' "$T/seen")"

step "the table of --list: what is image by image on the page"
run 0 ociferry-verify --list "$T/images.tar"
prints "^IMAGE +DIGEST +SIZE +OWN +PLATFORMS$"
prints "^docker.io/app/base:1 +sha256:[0-9a-f]{64} +[0-9.]+ KiB +[0-9.]+ (KiB|B) +linux/amd64$"
prints "^shared by several images: [0-9]+ blobs, [0-9.]+ KiB, which saves [0-9.]+ KiB$"
prints "^index.json: sha256:$(sha256sum "$IMAGES/layout/index.json" | cut -d' ' -f1)$"

step "a page that cannot be written is found before the work, and none is left of what failed"
run 1 ociferry-verify --html "$T/nowhere/a.html" "$T/images.tar"
one_line
says "nowhere/a.html.*cannot write"
run 2 ociferry-verify --html "$T/images.tar" "$T/images.tar"
says "that is a file of the archive"
run 2 ociferry-verify --html - --json "$T/images.tar"
says "cannot both have stdout"
run 2 ociferry-verify --html - --list "$T/images.tar"
echo earlier >"$T/kept.html"
run 1 ociferry-verify --html "$T/kept.html" "$T/not-there.tar"
equal "an earlier page" earlier "$(cat "$T/kept.html")"
absent "$T/kept.html.partial"
run 0 ociferry-verify "$T/images.tar"
