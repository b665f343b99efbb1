#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
. "$SUPPORT/certs.sh" || exit
goal "of several archives each must be signed as a single one must; but for a damaged copy of one that is"

start_source SRC
start_registry STORE
start_proxy DST "$STORE"
make_ca ca
make_cert ca signer DNS:signer
make_ca foreign
make_cert foreign stranger DNS:stranger
cd "$T"
signed=(--sign-cert signer.crt --sign-key signer.key)
trusted=(--trust ca.crt --require-signature)
run 0 ociferry-export -o good.tar "${signed[@]}" "$SRC/app/web:1"
run 0 ociferry-export -o other.tar "${signed[@]}" "$SRC/app/docker:1"
run 0 ociferry-export -o unsigned.tar "$SRC/app/docker:1"
run 0 ociferry-export -o stranger.tar --sign-cert stranger.crt --sign-key stranger.key "$SRC/app/docker:1"
layer=$(raw "$SRC" app/web 1 | jq -r '.layers[3].digest')

# [R75]
# refused WORDS ARCHIVE...: by both, and the destination sees nothing.
refused() {
    local words=$1
    shift
    : >DST.log
    run 3 ociferry-import "${trusted[@]}" "$@" "$DST"
    says "$words"
    equal "requests that the destination saw" "" "$(cat DST.log)"
    run 3 ociferry-verify "${trusted[@]}" "$@"
    says "$words"
}

step "two that are signed"
run 0 ociferry-verify "${trusted[@]}" good.tar other.tar
prints 'good.tar: whole: .*signed by CN=signer'
run 0 ociferry-import "${trusted[@]}" good.tar other.tar "$DST/both"
same_images "$SRC" "$STORE/both" app/web:1 app/docker:1

step "one that is not signed, or by a stranger, refuses both"
refused 'unsigned.tar: is not signed' good.tar unsigned.tar
refused 'stranger.tar: ' stranger.tar good.tar
run 3 ociferry-import "${trusted[@]}" good.tar - "$DST" <unsigned.tar
says 'stdin: is not signed'

step "without --require-signature an unsigned one is warned of"
run 0 ociferry-import --trust ca.crt good.tar unsigned.tar "$DST/warned"
says 'unsigned.tar: is not signed'

# flipped NAME TEXT: good.tar with a byte of index.json wrong, that of the first TEXT there.
flipped() {
    cp good.tar "$1"
    tar -xOf good.tar index.json >index.json
    printf x | dd of="$1" bs=1 conv=notrunc status=none \
        seek=$(($(entry_offset good.tar index.json) + $(grep -obF -- "$2" index.json | head -n 1 | cut -d: -f1)))
}

step "a damaged copy of one that is signed: what that says counts, and the copy's blobs serve"
cp good.tar bad.tar
flip bad.tar $(($(entry_offset bad.tar "blobs/sha256/${layer#sha256:}") + 40))
for text in '{' 'web:1' '"size"'; do
    flipped damaged.tar "$text"
    run 3 ociferry-import "${trusted[@]}" damaged.tar "$DST/none"
    run 0 ociferry-import "${trusted[@]}" damaged.tar bad.tar "$DST/healed"
    says 'damaged.tar: is a damaged copy of bad.tar'
    same_images "$SRC" "$STORE/healed" app/web:1
    run 0 ociferry-verify "${trusted[@]}" bad.tar damaged.tar
    prints 'together: whole: 1 image'
done

step "one that was changed in more than a copy may be is refused with the good one"
mkdir parts
tar -xf good.tar -C parts
sed -i 's,app/web,other/name,g' parts/index.json
tar --format=gnu -cf changed.tar -C parts oci-layout index.json index.json.p7s blobs
refused 'changed.tar: index.json.p7s: index.json is not what CN=signer signed' changed.tar good.tar
no_image "$STORE" other/name 1

step "in volumes of which one is missing: that hides nothing else"
run 0 ociferry-export -o v.tar --volume-size 1M --sign-cert stranger.crt --sign-key stranger.key "$SRC/app/big:1"
run 0 ociferry-export -o big.tar "${signed[@]}" "$SRC/app/big:1"
rm v.tar.002
run 0 ociferry-verify --trust ca.crt v.tar big.tar
says 'v.tar.002 is missing'
says 'v.tar: index.json.p7s: signed by CN=stranger'

step "a signature that is refused hides no damage behind it"
head -c -1024 stranger.tar >cut.tar
run 0 ociferry-verify --trust ca.crt cut.tar other.tar
says 'cut.tar: index.json.p7s: signed by CN=stranger'
says 'cut.tar: cut at byte'
