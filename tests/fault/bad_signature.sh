#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
. "$SUPPORT/certs.sh" || exit
goal "an archive whose signature is not as it should be is refused before the destination sees a request"

start_source SRC
start_registry STORE
start_proxy DST "$STORE"
make_ca ca
make_cert ca signer DNS:signer
make_cert ca old DNS:old -1
make_cert ca early DNS:early 9 2
make_ca foreign
make_cert foreign stranger DNS:stranger
cd "$T"
run 0 ociferry-export -o good.tar --sign-cert signer.crt --sign-key signer.key "$SRC/app/web:1"
mkdir parts
tar -xf good.tar -C parts

# pack NAME: an archive of what is in parts/, in our order.
pack() {
    local files=(oci-layout index.json)
    [ ! -e parts/index.json.p7s ] || files+=(index.json.p7s)
    tar --format=gnu -cf "$1" -C parts "${files[@]}" blobs
}

# refused NAME WORDS OPTION...: by the verifier and the importer, from a file and from a pipe.
refused() {
    local archive=$1 words=$2 name
    shift 2
    : >"$T/DST.log"
    for name in "$archive" -; do
        run 3 ociferry-verify "$@" "$name" <"$archive"
        says "${name/#-/stdin}: $words"
        run 3 ociferry-import -q "$@" "$name" "$DST" <"$archive"
        one_line
        says "${name/#-/stdin}: $words"
    done
    run 3 ociferry-import --dry-run "$@" "$archive" "$DST"
    equal "requests that the destination saw" "" "$(cat "$T/DST.log")"
}

# sign OPTION...: anew, by the openssl command, index.json as it is.
sign() {
    openssl cms -sign -binary -outform DER -noattr -in parts/index.json -out parts/index.json.p7s "$@" ||
        fail "openssl"
}
trusted=(--trust ca.crt)

# [R50] [R51]
step "index.json was changed: whoever is trusted, and also if nobody is"
cp parts/index.json index.good
sed -i 's,app/web,app/wex,' parts/index.json
pack changed.tar
changed='index.json.p7s: index.json is not what CN=signer signed: it was changed, or the signature was'
refused changed.tar "$changed"
refused changed.tar "$changed" "${trusted[@]}"
refused changed.tar "$changed" --trust foreign.crt

step "a layer was replaced, and everything that names it"
cp index.good parts/index.json
manifest=$(jq -r '.manifests[0].digest' parts/index.json)
layer=$(jq -r '.layers[0].digest' "parts/blobs/sha256/${manifest#sha256:}")
cp -r parts parts.good
echo evil >evil
evil=$(sha256sum evil | cut -d' ' -f1)
rm "parts/blobs/sha256/${layer#sha256:}"
cp evil "parts/blobs/sha256/$evil"
jq -c --arg d "sha256:$evil" '.layers[0].digest = $d | .layers[0].size = 5' \
    "parts/blobs/sha256/${manifest#sha256:}" >manifest.evil
rm "parts/blobs/sha256/${manifest#sha256:}"
new=$(sha256sum manifest.evil | cut -d' ' -f1)
cp manifest.evil "parts/blobs/sha256/$new"
jq -c --arg d "sha256:$new" --argjson s "$(file_size manifest.evil)" \
    '.manifests[0].digest = $d | .manifests[0].size = $s' index.good >parts/index.json
pack replaced.tar
refused replaced.tar "$changed" "${trusted[@]}"
run 0 ociferry-verify --trust foreign.crt <(tar --delete -f - index.json.p7s <replaced.tar) # it is sound otherwise

step "a layer alone was replaced, under its old name: its digest tells, and nothing is published"
rm -rf parts
mv parts.good parts
size=$(file_size "parts/blobs/sha256/${layer#sha256:}")
cp -r parts parts.good
head -c "$size" /dev/urandom >"parts/blobs/sha256/${layer#sha256:}"
pack crude.tar
run 3 ociferry-verify "${trusted[@]}" crude.tar
says "blob $layer"
prints 'NOT WHOLE.*signed by CN=signer \(trusted\)'
: >"$T/DST.log"
run 3 ociferry-import "${trusted[@]}" --verify-first crude.tar "$DST"
says "blob $layer"
says 'not whole: nothing was sent'
equal "requests that the destination saw" "" "$(cat "$T/DST.log")"
run 2 bash -c 'ociferry-import --verify-first - "$1" <crude.tar' - "$DST"
says 'can be read only once'
run 3 ociferry-import "${trusted[@]}" crude.tar "$DST"
says "blob $layer"
no_image "$STORE" app/web 1
run 0 ociferry-import --dry-run "${trusted[@]}" --require-signature --verify-first good.tar "$DST"
rm -rf parts
mv parts.good parts

# [R53]
step "the signature was removed"
mv parts/index.json.p7s signature
pack stripped.tar
refused stripped.tar 'is not signed: .*index.json.p7s.*; --require-signature demands a signature' \
    "${trusted[@]}" --require-signature

# [R52]
step "another signer"
sign -signer stranger.crt -inkey stranger.key
pack stranger.tar
refused stranger.tar \
    'index.json.p7s: signed by CN=stranger \(issued by CN=foreign\), who is not trusted: it leads to no certificate of --trust' \
    "${trusted[@]}"
refused good.tar 'index.json.p7s: signed by CN=signer \(issued by CN=ca\), who is not trusted' --trust foreign.crt

step "a signer whose certificate has expired, and one whose is not in force yet"
sign -signer old.crt -inkey old.key
pack old.tar
refused old.tar 'index.json.p7s: .*: the certificate of CN=old expired on 2[0-9]{3}-' "${trusted[@]}"
refused old.tar 'index.json.p7s: .*: the certificate of CN=old expired on 2[0-9]{3}-' --trust old.crt
sign -signer early.crt -inkey early.key
pack early.tar
refused early.tar 'index.json.p7s: .*: the certificate of CN=early is not valid before 2' "${trusted[@]}"

step "a digest that is too weak"
sign -md sha1 -signer signer.crt -inkey signer.key
pack sha1.tar
refused sha1.tar 'index.json.p7s: .*: its digest \(sha1\) is too weak' "${trusted[@]}"

step "one that is none, one that is not detached, one that is too large, and two of them"
echo garbage >parts/index.json.p7s
pack garbage.tar
refused garbage.tar 'index.json.p7s: is no CMS signature \(RFC 5652\) in DER'
sign -nodetach -signer signer.crt -inkey signer.key
pack whole.tar
refused whole.tar 'index.json.p7s: carries a content of its own: expected a detached signature' "${trusted[@]}"
head -c 1048577 /dev/zero >parts/index.json.p7s
pack large.tar
refused large.tar 'index.json.p7s: 1048577 bytes, limit 1048576'
cp signature parts/index.json.p7s
tar --format=gnu --hard-dereference -cf twice.tar -C parts oci-layout index.json index.json.p7s index.json.p7s blobs
refused twice.tar 'holds index.json.p7s twice'

step "a pipe that brings it too late: as good as none, and said"
tar --format=gnu -cf late.tar -C parts oci-layout index.json blobs index.json.p7s
: >DST.log
run 3 ociferry-import "${trusted[@]}" --require-signature - "$DST" <late.tar
says 'stdin: is not signed: no index.json.p7s comes before the first blob.*give it as a file'
run 3 ociferry-verify "${trusted[@]}" --require-signature - <late.tar
says 'stdin: is not signed: no index.json.p7s comes before the first blob.*give it as a file'
equal "requests that the destination saw" "" "$(cat DST.log)"
run 0 ociferry-verify "${trusted[@]}" --require-signature late.tar

# [R18]
step "the verifier names all the other faults as well"
sed -i 's,app/web,app/wex,' parts/index.json
rm "parts/blobs/sha256/${layer#sha256:}"
pack both.tar
run 3 ociferry-verify --json "${trusted[@]}" both.tar
equal "the state" bad "$(jq -r .signature.state out)"
equal "faults" 2 "$(jq '.faults | length' out)"
jq -r '.faults[].message' out >err
says 'index.json is not what CN=signer signed'
says "blob $layer: is missing"
printf '{' >parts/index.json
pack json.tar
run 3 ociferry-verify "${trusted[@]}" json.tar
says 'index.json is not what CN=signer signed'
says 'index.json: .*JSON'

step "options that make no sense"
run 2 ociferry-verify -q --require-signature good.tar
one_line
says 'require-signature: nobody is trusted: name certificates with --trust'
run 2 ociferry-import -q --require-signature good.tar "$DST"
one_line
run 2 ociferry-import -q --trust no-such.pem good.tar "$DST"
says '--trust no-such.pem: No such file'
run 2 ociferry-verify -q --trust signer.key good.tar
says '--trust signer.key: no PEM certificate in it'
