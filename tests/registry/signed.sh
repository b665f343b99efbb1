#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
. "$SUPPORT/certs.sh" || exit
goal "a signed archive is made and checked by us and by openssl alone, and read by others as ever"

start_source SRC
start_registry DST
make_ca ca
make_cert ca ecdsa DNS:ecdsa
make_cert ca middle $'DNS:middle\nbasicConstraints=critical,CA:TRUE'
make_cert middle below DNS:below
NEWKEY=(rsa:2048)
make_cert ca rsa DNS:rsa
cat "$T/below.crt" "$T/middle.crt" >"$T/chain.crt" # the signer's, then what leads to its root
openssl pkey -in "$T/rsa.key" -aes256 -passout pass:'open sesame' -out "$T/locked.key"
printf 'open sesame\n' >"$T/pass"
cd "$T"

# signed ARCHIVE SIGNER_OPTION...: an export.
signed() {
    local archive=$1
    shift
    run 0 ociferry-export -o "$archive" "$@" "$SRC/app/web:1"
}

# good ARCHIVE CA: openssl finds the signature good, and so do we.
good() {
    rm -f index.json index.json.p7s
    tar -xf "$1" index.json index.json.p7s
    run 0 openssl cms -verify -binary -inform DER -in index.json.p7s -content index.json \
        -CAfile "$2" -purpose any -out verified
    same_file "what openssl verified" index.json verified
    run 0 ociferry-verify --trust "$2" --require-signature "$1"
    prints 'signed by .*\(trusted\)'
    run 0 ociferry-verify --trust "$2" --require-signature - <"$1"
    prints 'signed by .*\(trusted\)'
    run 0 ociferry-import --trust "$2" --require-signature "$1" "$DST/${1%.tar}/file"
    says "$1: signed by .*\(trusted\)"
    run 0 ociferry-import --trust "$2" --require-signature - "$DST/${1%.tar}/pipe" <"$1"
    says "stdin: signed by .*\(trusted\)"
    same_images "$SRC" "$DST/${1%.tar}/file" app/web:1
    same_images "$SRC" "$DST/${1%.tar}/pipe" app/web:1
}

# [W7] [W50]
step "ECDSA"
signed ecdsa.tar --sign-cert ecdsa.crt --sign-key ecdsa.key
says "signed by CN=ecdsa"
equal "the third entry" index.json.p7s "$(tar -tf ecdsa.tar | sed -n 3p)"
good ecdsa.tar ca.crt

step "RSA, with a passphrase, and the same bytes every time"
signed rsa.tar --sign-cert rsa.crt --sign-key locked.key --sign-pass-file pass
good rsa.tar ca.crt
signed again.tar --sign-cert rsa.crt --sign-key rsa.key
same_file "the archive" rsa.tar again.tar
run 0 ociferry-export --dry-run --json --sign-cert rsa.crt --sign-key rsa.key "$SRC/app/web:1"
equal "bytes that a dry run tells" "$(file_size rsa.tar)" "$(jq .archiveBytes out)"

step "two signers, one of them below an authority whose certificate comes along"
signed two.tar --sign-cert chain.crt --sign-key below.key --sign-cert rsa.crt --sign-key rsa.key
good two.tar ca.crt
says_not 'not trusted'

step "a certificate is trusted by itself, without its authority"
run 0 ociferry-verify --trust ecdsa.crt --require-signature ecdsa.tar
prints 'signed by CN=ecdsa \(trusted\)'
run 0 ociferry-verify --list --trust middle.crt two.tar
prints '^signer CN=below \(trusted\), issued by CN=middle, until 2[0-9T:-]*Z, sha256 [0-9a-f]{64}$'
prints '^signer CN=rsa \(not trusted: it leads to no certificate of --trust\), issued by CN=ca,'

step "the page that goes with the medium says so too"
run 0 ociferry-verify -q --trust middle.crt --html two.html two.tar
grep -q '<h2 id="signature">Signature</h2>' two.html || fail "no signature in two.html"
grep -qE '<p>CN=below \(trusted\), issued by CN=middle, until 2' two.html || fail "CN=below is not in two.html"
grep -qE '<p>CN=rsa \(not trusted: ' two.html || fail "CN=rsa is not in two.html"

step "who trusts nobody is told who signed"
run 0 ociferry-verify ecdsa.tar
prints 'signed by CN=ecdsa \(not checked: no --trust\)'
run 0 ociferry-import ecdsa.tar "$DST/unchecked"
says 'signed by CN=ecdsa \(not checked: no --trust\)'

# [R53]
step "an archive that nobody signed, for whom that is no condition"
run 0 ociferry-export -o plain.tar "$SRC/app/web:1"
run 0 ociferry-verify --trust ca.crt plain.tar
says 'plain.tar: is not signed: it has no index.json.p7s; --require-signature would'
run 0 ociferry-import --trust ca.crt - "$DST/plain" <plain.tar
says 'stdin: is not signed: no index.json.p7s comes before'

step "JSON"
state() { equal "the state" "$1" "$(jq -r .signature.state out)"; }
run 0 ociferry-verify --json plain.tar
state none
run 0 ociferry-verify --json ecdsa.tar
state unchecked
run 0 ociferry-verify --json --trust middle.crt two.tar
state trusted
equal "who is trusted" "CN=below" "$(jq -r '.signature.signers[] | select(.trusted).subject' out)"
fingerprint=$(openssl x509 -in below.crt -noout -fingerprint -sha256 | sed 's/.*=//; s/://g')
equal "its fingerprint" "${fingerprint,,}" "$(jq -r '.signature.signers[] | select(.trusted).sha256' out)"
run 0 ociferry-import --json --dry-run --trust middle.crt two.tar plain.tar "$DST/json"
equal "the states" "trusted none" "$(jq -r '[.archives[].signature.state] | join(" ")' out)"
equal "who is trusted" "CN=below" \
    "$(jq -r '.archives[0].signature.signers[] | select(.trusted).subject' out)"

step "signed by the openssl command alone, and put into the archive by tar"
tar -xf plain.tar index.json
for how in attributes noattr; do
    options=(-md sha384)
    [ $how = attributes ] || options=(-noattr)
    openssl cms -sign -binary -outform DER -in index.json -signer ecdsa.crt -inkey ecdsa.key \
        "${options[@]}" -out index.json.p7s
    cp plain.tar "$how.tar"
    tar -rf "$how.tar" index.json.p7s
    run 0 ociferry-verify --trust ca.crt --require-signature "$how.tar"
    prints 'signed by CN=ecdsa \(trusted\)'
    run 0 ociferry-import --trust ca.crt --require-signature "$how.tar" "$DST/$how"
    gzip -k "$how.tar"
    run 0 ociferry-verify --trust ca.crt --require-signature "$how.tar.gz"
    run 0 ociferry-import --trust ca.crt --require-signature "$how.tar.gz" "$DST/$how.gz"
done
same_images "$SRC" "$DST/attributes" app/web:1
same_images "$SRC" "$DST/noattr.gz" app/web:1

step "the same as a folder, and packed so that a pipe has the signature in time"
mkdir folder
tar -xf noattr.tar -C folder
run 0 ociferry-verify --trust ca.crt --require-signature folder
run 0 ociferry-import --trust ca.crt --require-signature folder "$DST/folder"
tar -cf packed.tar -C folder oci-layout index.json index.json.p7s blobs
run 0 ociferry-import --trust ca.crt --require-signature - "$DST/packed" <packed.tar
same_images "$SRC" "$DST/packed" app/web:1

# [R6]
step "skopeo reads it as if the signature were not there"
run 0 skopeo copy -q --insecure-policy --preserve-digests --dest-tls-verify=false \
    "oci-archive:$T/two.tar:1" "docker://$DST/skopeo/app/web:1"
same_images "$SRC" "$DST/skopeo" app/web:1
run 0 skopeo inspect "docker-archive:$T/two.tar:$SRC/app/web:1"
